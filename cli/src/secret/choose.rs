//! Which source is meant.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;

use super::{Hidden, SecretError, Source};
use crate::args::{NewSecretArgs, SecretArgs};

/// Looks a variable of the environment up.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The source of the secret that opens a repository.
///
/// # Errors
/// [`SecretError::TwoSources`] if two of equal rank are given.
pub fn choose(args: &SecretArgs, variables: Variables<'_>) -> Result<Source, SecretError> {
    let variable = variables("CORSO_PASSPHRASE");
    let variable = match args.origin {
        Some(ValueSource::CommandLine) => None,
        _ => variable,
    };
    let from_file = !matches!(args.origin, Some(ValueSource::CommandLine | ValueSource::EnvVariable));
    if let (Some(value), true) = (&variable, from_file) {
        return Ok(hidden(value.clone()));
    }
    let given = [
        variable.map(|value| ("CORSO_PASSPHRASE", hidden(value))),
        args.passphrase_file.clone().map(|it| ("--passphrase-file", Source::PassphraseFile(it))),
        args.passphrase_command.clone().map(|it| ("--passphrase-command", Source::PassphraseCommand(it))),
        args.key_file.clone().map(|it| ("--key-file", Source::KeyFile(it))),
        args.recovery_key_file.clone().map(|it| ("--recovery-key-file", Source::RecoveryKeyFile(it))),
    ];
    let only = only_one(given.into_iter().flatten())?;
    Ok(only.or_else(|| credential(variables)).unwrap_or(Source::Prompt))
}

/// The source of a new secret.
///
/// # Errors
/// [`SecretError::TwoSources`] if two are given.
pub fn choose_new(args: &NewSecretArgs, variables: Variables<'_>) -> Result<Source, SecretError> {
    let given = [
        args.new_passphrase_file.clone().map(|it| ("--new-passphrase-file", Source::PassphraseFile(it))),
        args.new_passphrase_command
            .clone()
            .map(|it| ("--new-passphrase-command", Source::PassphraseCommand(it))),
        args.new_key_file.clone().map(|it| ("--new-key-file", Source::KeyFile(it))),
    ];
    match only_one(given.into_iter().flatten())? {
        Some(source) => Ok(source),
        None => Ok(variables("CORSO_NEW_PASSPHRASE").map_or(Source::Prompt, hidden)),
    }
}

pub(super) fn only_one<T>(
    mut given: impl Iterator<Item = (&'static str, T)>,
) -> Result<Option<T>, SecretError> {
    match (given.next(), given.next()) {
        (Some((first, _)), Some((second, _))) => Err(SecretError::TwoSources { first, second }),
        (first, _) => Ok(first.map(|(_, source)| source)),
    }
}

fn hidden(value: OsString) -> Source {
    Source::Variable(Hidden::new(value))
}

/// What systemd's `LoadCredential=corso-passphrase:…` provides.
fn credential(variables: Variables<'_>) -> Option<Source> {
    let path = PathBuf::from(variables("CREDENTIALS_DIRECTORY")?).join("corso-passphrase");
    path.is_file().then_some(Source::PassphraseFile(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_passphrase(name: &str) -> Option<OsString> {
        (name == "CORSO_PASSPHRASE").then(|| "from the environment".into())
    }

    fn key_file(origin: ValueSource) -> SecretArgs {
        SecretArgs { key_file: Some("k".into()), origin: Some(origin), ..SecretArgs::default() }
    }

    #[test]
    fn the_stronger_source_is_taken() {
        let variable = hidden("from the environment".into());
        assert_eq!(choose(&SecretArgs::default(), &with_passphrase).unwrap(), variable);
        assert_eq!(choose(&key_file(ValueSource::DefaultValue), &with_passphrase).unwrap(), variable);
        let typed = choose(&key_file(ValueSource::CommandLine), &with_passphrase).unwrap();
        assert_eq!(typed, Source::KeyFile("k".into()));
        assert_eq!(choose(&SecretArgs::default(), &|_| None).unwrap(), Source::Prompt);
    }

    #[test]
    fn two_of_equal_rank_are_refused() {
        let both = choose(&key_file(ValueSource::EnvVariable), &with_passphrase);
        assert!(matches!(both, Err(SecretError::TwoSources { first: "CORSO_PASSPHRASE", .. })));
        let mut args = key_file(ValueSource::CommandLine);
        args.passphrase_file = Some("p".into());
        assert!(matches!(choose(&args, &|_| None), Err(SecretError::TwoSources { .. })));
    }

    #[test]
    fn no_passphrase_shows_in_debug() {
        let source = choose(&SecretArgs::default(), &with_passphrase).unwrap();
        assert!(!format!("{source:?}").contains("environment"));
    }

    #[test]
    fn a_systemd_credential_comes_before_a_prompt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corso-passphrase");
        std::fs::write(&path, "x").unwrap();
        let variables =
            |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| folder.path().as_os_str().to_owned());
        assert_eq!(choose(&SecretArgs::default(), &variables).unwrap(), Source::PassphraseFile(path));
    }
}
