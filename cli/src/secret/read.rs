//! Reading a secret from its source.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use repo_format::format::recovery_key;
use repo_format::format::slot::Secret;
use zeroize::Zeroizing;

use super::{SecretError, Source};

/// No passphrase is longer, in bytes.
pub(super) const PASSPHRASE_SIZE_MAX: usize = 64 << 10;

/// How somebody is asked for a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// For one that is known: asked once.
    Known,
    /// For one that is being made up: asked twice.
    New,
}

/// Reads a secret. `warn` is told of files that others can read.
///
/// # Errors
/// [`SecretError`] says which source failed and never what was read.
pub fn read(source: Source, prompt: Prompt, warn: &mut dyn FnMut(String)) -> Result<Secret, SecretError> {
    match source {
        Source::PassphraseFile(path) => passphrase(read_file(&path, PASSPHRASE_SIZE_MAX, warn)?),
        Source::PassphraseCommand(line) => passphrase(run(&line)?),
        // A variable has no newline that is not meant.
        Source::Variable(value) => not_empty(value.0),
        Source::KeyFile(path) => {
            let bytes = read_file(&path, *Secret::KEY_FILE_SIZE.end(), warn)?;
            Secret::key_file(&bytes).ok_or(SecretError::KeyFileTooShort { path })
        }
        Source::RecoveryKeyFile(path) => {
            let bytes = read_file(&path, PASSPHRASE_SIZE_MAX, warn)?;
            let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
            let key =
                recovery_key::decode(&text).map_err(|source| SecretError::RecoveryKey { path, source })?;
            Ok(Secret::RecoveryKey(key))
        }
        Source::Prompt => ask(prompt),
    }
}

pub(super) fn read_file(
    path: &Path,
    size_max: usize,
    warn: &mut dyn FnMut(String),
) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let failed = |source| SecretError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if facts.is_file() && facts.mode() & 0o004 != 0 {
        warn(format!("everybody on this machine can read the secret in {}", path.display()));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(size_max as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() <= size_max {
        true => Ok(bytes),
        false => Err(SecretError::TooLarge { path: path.to_owned() }),
    }
}

pub(super) fn run(line: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let words = shlex::split(line).ok_or(SecretError::CommandSyntax)?;
    let (program, arguments) = words.split_first().ok_or(SecretError::CommandSyntax)?;
    let started = |source| SecretError::CommandStart { program: program.clone(), source };
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output().map_err(started)?;
    let printed = Zeroizing::new(output.stdout);
    match output.status.success() {
        true => Ok(printed),
        false => Err(SecretError::CommandFailed { program: program.clone(), status: output.status }),
    }
}

fn passphrase(bytes: Zeroizing<Vec<u8>>) -> Result<Secret, SecretError> {
    not_empty(without_newline(bytes))
}

/// A secret without the newline that editors and commands put at the end.
pub(super) fn without_newline(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}

fn not_empty(bytes: Zeroizing<Vec<u8>>) -> Result<Secret, SecretError> {
    if bytes.is_empty() { Err(SecretError::Empty) } else { Ok(Secret::Passphrase(bytes)) }
}

fn ask(prompt: Prompt) -> Result<Secret, SecretError> {
    if !std::io::stdin().is_terminal() {
        return Err(SecretError::NoSource);
    }
    let question =
        |text: &str| rpassword::prompt_password(text).map(Zeroizing::new).map_err(SecretError::Terminal);
    let first = match prompt {
        Prompt::Known => question("Passphrase of the repository: ")?,
        Prompt::New => question("New passphrase: ")?,
    };
    if prompt == Prompt::New && *question("The same once more: ")? != *first {
        return Err(SecretError::Mismatch);
    }
    not_empty(Zeroizing::new(first.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn bytes_of(secret: Secret) -> Vec<u8> {
        match secret {
            Secret::Passphrase(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    fn read_quietly(source: Source) -> Result<Secret, SecretError> {
        read(source, Prompt::Known, &mut |_| ())
    }

    #[test]
    fn one_newline_at_the_end_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (written, meant) in [("pass word\n", "pass word"), ("a\r\n", "a"), (" b\n\n", " b\n")] {
            std::fs::write(&path, written).unwrap();
            let secret = read_quietly(Source::PassphraseFile(path.clone())).unwrap();
            assert_eq!(bytes_of(secret), meant.as_bytes());
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(read_quietly(Source::PassphraseFile(path)), Err(SecretError::Empty)));
    }

    #[test]
    fn a_secret_that_everybody_can_read_is_warned_about() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "x").unwrap();
        for (mode, expected) in [(0o600, 0), (0o644, 1)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let mut warnings = Vec::new();
            read(Source::PassphraseFile(path.clone()), Prompt::Known, &mut |it| warnings.push(it)).unwrap();
            assert_eq!(warnings.len(), expected);
        }
    }

    #[test]
    fn a_command_runs_without_a_shell() {
        let command = |line: &str| read_quietly(Source::PassphraseCommand(line.into()));
        assert_eq!(bytes_of(command("echo '$HOME; two words'").unwrap()), b"$HOME; two words");
        assert!(matches!(command("false"), Err(SecretError::CommandFailed { .. })));
        assert!(matches!(command("/no/such/program x"), Err(SecretError::CommandStart { .. })));
        assert!(matches!(command("'open"), Err(SecretError::CommandSyntax)));
        let shown = command("false hidden-argument").unwrap_err().to_string();
        assert!(!shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn key_files_and_recovery_keys_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, [1; 31]).unwrap();
        let short = read_quietly(Source::KeyFile(path.clone()));
        assert!(matches!(short, Err(SecretError::KeyFileTooShort { .. })));
        std::fs::write(&path, recovery_key::encode(&[7; 32])).unwrap();
        let read = read_quietly(Source::RecoveryKeyFile(path.clone())).unwrap();
        assert!(matches!(read, Secret::RecoveryKey(key) if *key == [7; 32]));
        std::fs::write(&path, "no key").unwrap();
        assert!(matches!(read_quietly(Source::RecoveryKeyFile(path)), Err(SecretError::RecoveryKey { .. })));
    }
}
