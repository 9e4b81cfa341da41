//! What proves to Microsoft who the application is.
//!
//! An option beats the environment, whose variables are those that Microsoft's own tools read. Two
//! options of one rank are an error; of several variables the first in this order counts, as it does
//! for those tools: secret, certificate, token file.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use graph_client::auth::{Credential, DevicePrompt};
use graph_client::secret::Secret;
use zeroize::Zeroizing;

use super::choose::{Variables, only_one};
use super::read::{PASSPHRASE_SIZE_MAX, read_file, run, without_newline};
use super::{Hidden, SecretError};
use crate::args::GraphArgs;

/// One way to sign in.
#[derive(Debug, PartialEq, Eq)]
pub enum Application {
    SecretFile(PathBuf),
    SecretCommand(String),
    /// The client secret was in the environment.
    SecretVariable(Hidden),
    Certificate(PathBuf),
    FederatedToken(PathBuf),
    DeviceCode,
    /// Somebody is asked for the client secret.
    Prompt,
}

/// The way to sign in that is meant.
///
/// # Errors
/// [`SecretError::TwoSources`] if two options of equal rank are given.
pub fn choose_application(args: &GraphArgs, variables: Variables<'_>) -> Result<Application, SecretError> {
    let file = |path: &Option<PathBuf>| path.clone();
    let given = [
        file(&args.client_secret_file).map(|it| ("--client-secret-file", Application::SecretFile(it))),
        args.client_secret_command
            .clone()
            .map(|it| ("--client-secret-command", Application::SecretCommand(it))),
        file(&args.client_certificate_file)
            .map(|it| ("--client-certificate-file", Application::Certificate(it))),
        file(&args.federated_token_file)
            .map(|it| ("--federated-token-file", Application::FederatedToken(it))),
        args.device_code.then_some(("--device-code", Application::DeviceCode)),
    ];
    if let Some(chosen) = only_one(given.into_iter().flatten())? {
        return Ok(chosen);
    }
    let variable = |name: &str| variables(name).filter(|value| !value.is_empty());
    let secret = variable("AZURE_CLIENT_SECRET").map(|it| Application::SecretVariable(Hidden::new(it)));
    let certificate =
        || variable("AZURE_CLIENT_CERTIFICATE_PATH").map(|it| Application::Certificate(it.into()));
    let token = || variable("AZURE_FEDERATED_TOKEN_FILE").map(|it| Application::FederatedToken(it.into()));
    Ok(secret.or_else(certificate).or_else(token).unwrap_or(Application::Prompt))
}

/// Reads what proves who the application is. `warn` is told of files that others can read, `show` what
/// a person has to do to sign in.
///
/// # Errors
/// [`SecretError`] says which source failed and never what was read.
pub fn read_application(
    application: Application,
    warn: &mut dyn FnMut(String),
    show: impl Fn(&DevicePrompt) + Send + Sync + 'static,
) -> Result<Credential, SecretError> {
    Ok(match application {
        Application::SecretFile(path) => {
            Credential::Secret(text(without_newline(read_file(&path, PASSPHRASE_SIZE_MAX, warn)?))?)
        }
        Application::SecretCommand(line) => Credential::Secret(text(without_newline(run(&line)?))?),
        Application::SecretVariable(value) => Credential::Secret(text(value.0)?),
        Application::Certificate(path) => {
            Credential::Certificate { pem: text(read_file(&path, PASSPHRASE_SIZE_MAX, warn)?)? }
        }
        Application::FederatedToken(path) => Credential::FederatedTokenFile(path),
        Application::DeviceCode => Credential::DeviceCode { show: Arc::new(show) },
        Application::Prompt if !std::io::stdin().is_terminal() => return Err(SecretError::NoCredential),
        Application::Prompt => {
            let typed = rpassword::prompt_password("Client secret of the application: ");
            Credential::Secret(not_empty(typed.map_err(SecretError::Terminal)?)?)
        }
    })
}

fn text(bytes: Zeroizing<Vec<u8>>) -> Result<Secret, SecretError> {
    let text = str::from_utf8(&bytes).map_err(|_| SecretError::NotText)?;
    not_empty(text.to_owned())
}

fn not_empty(text: String) -> Result<Secret, SecretError> {
    if text.is_empty() { Err(SecretError::Empty) } else { Ok(Secret::from(text)) }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn azure(name: &str) -> Option<OsString> {
        match name {
            "AZURE_CLIENT_SECRET" => Some("from the environment".into()),
            "AZURE_FEDERATED_TOKEN_FILE" => Some("/token".into()),
            _ => None,
        }
    }

    fn read(application: Application) -> Result<Credential, SecretError> {
        read_application(application, &mut |_| (), |_| ())
    }

    #[test]
    fn an_option_beats_the_environment_and_two_are_refused() {
        let mut args = GraphArgs::default();
        let hidden = Hidden::new("from the environment".into());
        assert_eq!(choose_application(&args, &azure).unwrap(), Application::SecretVariable(hidden));
        assert_eq!(choose_application(&args, &|_| None).unwrap(), Application::Prompt);
        args.client_certificate_file = Some("c.pem".into());
        assert_eq!(choose_application(&args, &azure).unwrap(), Application::Certificate("c.pem".into()));
        args.device_code = true;
        assert!(matches!(choose_application(&args, &azure), Err(SecretError::TwoSources { .. })));
    }

    #[test]
    fn a_secret_is_read_and_never_shown() {
        let chosen = choose_application(&GraphArgs::default(), &azure).unwrap();
        assert!(!format!("{chosen:?}").contains("environment"));
        let credential = read(Application::SecretCommand("echo hush".into())).unwrap();
        assert!(matches!(&credential, Credential::Secret(secret) if secret.expose() == "hush"));
        assert!(!format!("{credential:?}").contains("hush"));
        assert!(matches!(read(Application::SecretCommand("echo".into())), Err(SecretError::Empty)));
    }
}
