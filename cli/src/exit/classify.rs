//! From an error's types to a code and a hint.

use std::error::Error;

use super::{CliError, Code, repository, source};
use crate::config::ConfigError;
use crate::secret::SecretError;

/// A code, and the next step.
pub(super) type Verdict = (Code, &'static str);

/// The code of an error and the next step. The outermost cause that says something definite counts.
pub fn explain(error: &anyhow::Error) -> (Code, String) {
    let verdict = error.chain().find_map(judge);
    let (code, hint) = verdict.unwrap_or((Code::Failed, "run again with -vv for more of what happened"));
    (code, hint.to_owned())
}

fn judge(cause: &(dyn Error + 'static)) -> Option<Verdict> {
    None.or_else(|| cause.downcast_ref().map(of_cli))
        .or_else(|| cause.downcast_ref().map(of_secret))
        .or_else(|| cause.downcast_ref().map(of_config))
        .or_else(|| repository::judge(cause))
        .or_else(|| source::judge(cause))
}

fn of_cli(error: &CliError) -> Verdict {
    match error {
        CliError::Usage { hint, .. } => (Code::Usage, hint),
        CliError::NoSecret(_) => (
            Code::Usage,
            "set CORSO_PASSPHRASE, or use --passphrase-file or --passphrase-command; --keyless compares hashes \
             without any",
        ),
        CliError::NothingMatched { .. } => {
            (Code::NothingMatched, "see what there is with `corso snapshot list` and `corso snapshot ls ID`")
        }
        CliError::OtherRepository { .. } => (
            Code::History,
            "if that is as it should be, run `corso repo disconnect` and `corso repo connect`",
        ),
        CliError::Interrupted => (Code::Interrupted, "run the command again"),
        CliError::File { .. } => (Code::Failed, "check the path and its permissions"),
        CliError::WrongKind { .. } => {
            (Code::Usage, "see what is there with `corso snapshot ls ID:PATH --long`")
        }
    }
}

fn of_secret(error: &SecretError) -> Verdict {
    match error {
        SecretError::TwoSources { .. } => (Code::Usage, "give one of them only"),
        SecretError::NoSource => {
            (Code::Usage, "set CORSO_PASSPHRASE, or use --passphrase-file or --passphrase-command")
        }
        SecretError::NoCredential => (
            Code::Usage,
            "set AZURE_CLIENT_SECRET, or use --client-secret-file, --client-certificate-file or \
             --federated-token-file",
        ),
        SecretError::NotText => (Code::Usage, "use a PEM file for a certificate, and text for a secret"),
        SecretError::CommandSyntax => (Code::Usage, "quote the command's words as in a shell"),
        SecretError::KeyFileTooShort { .. } => {
            (Code::Usage, "make one with `head -c 64 /dev/urandom > FILE`")
        }
        SecretError::Empty | SecretError::Mismatch => (Code::Usage, "try again"),
        SecretError::RecoveryKey { .. } => {
            (Code::WrongSecret, "compare it with what you wrote down when it was made")
        }
        _ => (Code::Failed, "check where the secret comes from: --passphrase-file, -command, --key-file"),
    }
}

fn of_config(error: &ConfigError) -> Verdict {
    match error {
        ConfigError::NotConnected => {
            (Code::Usage, "run `corso repo init` or `corso repo connect` first, or name one with --repo")
        }
        ConfigError::UnknownName { .. } => {
            (Code::Usage, "a path needs a slash (./NAME); connected names stand in the configuration file")
        }
        ConfigError::NameTaken { .. } => (Code::Usage, "choose another --name"),
        ConfigError::BadName { .. } => (Code::Usage, "choose another --name"),
        ConfigError::Location(_) => (
            Code::Usage,
            "use a path with a slash, s3://bucket/prefix, azure://account/container or gs://bucket",
        ),
        ConfigError::NotText { .. } | ConfigError::Malformed { .. } | ConfigError::UnknownSetting { .. } => {
            (Code::Usage, "correct the file (docs/configuration.md) or name another with --config")
        }
        ConfigError::NoHome { .. } => (Code::Usage, "set HOME, or use --config, --cache-dir and --state-dir"),
        _ => (Code::Failed, "check the file's permissions, or name another with --config"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use repo_format::storage::StorageError;

    #[test]
    fn a_cause_is_found_below_its_context() {
        let error: anyhow::Result<()> = Err(StorageError::NotFound { name: "log/1".into() }.into());
        let error = error.context("cannot open").unwrap_err();
        assert_eq!(explain(&error).0, Code::Damage);
    }

    #[test]
    fn what_is_not_known_is_a_failure() {
        assert_eq!(explain(&anyhow::anyhow!("odd")).0, Code::Failed);
    }

    #[test]
    fn usage_is_told_from_failure() {
        assert_eq!(explain(&ConfigError::NotConnected.into()).0, Code::Usage);
        assert_eq!(explain(&SecretError::NoSource.into()).0, Code::Usage);
        let read =
            ConfigError::Read { path: "x".into(), source: std::io::ErrorKind::PermissionDenied.into() };
        assert_eq!(explain(&read.into()).0, Code::Failed);
    }
}
