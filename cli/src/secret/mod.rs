//! Secrets that open a repository, and those that sign in: where they come from and how they are read.
//!
//! A secret is never an option's value, never shown and never logged; buffers are wiped. One
//! source is taken: what was typed beats the environment, which beats the configuration file;
//! then a systemd credential, then a prompt.

mod application;
mod choose;
mod read;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use zeroize::Zeroizing;

pub use application::{choose_application, read_application};
pub use choose::{choose, choose_new};
pub use read::{Prompt, read};

/// One way to come by a secret.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// The passphrase is in a file.
    PassphraseFile(PathBuf),
    /// The passphrase is what a command prints.
    PassphraseCommand(String),
    /// The passphrase was in the environment.
    Variable(Hidden),
    /// The key is a file.
    KeyFile(PathBuf),
    /// The recovery key is in a file.
    RecoveryKeyFile(PathBuf),
    /// Somebody is asked for the passphrase.
    Prompt,
}

/// A value that `Debug` does not show.
#[derive(PartialEq, Eq)]
pub struct Hidden(pub Zeroizing<Vec<u8>>);

impl Hidden {
    /// Takes a value over, and wipes it in the end.
    pub fn new(value: OsString) -> Hidden {
        Hidden(Zeroizing::new(value.into_vec()))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// More than one source of equal rank: which one is meant is for the user to say.
    #[error("{first} and {second} both give a secret")]
    TwoSources { first: &'static str, second: &'static str },
    /// Nothing was given, and there is no terminal to ask at.
    #[error("no passphrase was given, and there is no terminal to ask for one")]
    NoSource,
    /// Nothing says how the application signs in.
    #[error("nothing says how to sign in, and there is no terminal to ask for the client secret")]
    NoCredential,
    /// What proves who the application is, is no text.
    #[error("the client secret or certificate is no UTF-8 text")]
    NotText,
    /// A file with a secret could not be read.
    #[error("cannot read the secret in {}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A file is larger than any secret.
    #[error("{} is larger than a secret may be", path.display())]
    TooLarge { path: PathBuf },
    /// A key file has too few bytes.
    #[error("the key file {} has fewer than 32 bytes", path.display())]
    KeyFileTooShort { path: PathBuf },
    /// The text is no recovery key, or has a typing error.
    #[error("{} holds no valid recovery key", path.display())]
    RecoveryKey { path: PathBuf, source: repo_format::format::recovery_key::RecoveryKeyError },
    /// The command line of a passphrase command has no end to a quotation, or is empty.
    #[error("the passphrase command cannot be split into words")]
    CommandSyntax,
    /// The command did not run. Its arguments may hold secrets and are not shown.
    #[error("cannot run the passphrase command {program}")]
    CommandStart { program: String, source: std::io::Error },
    /// The command ran and failed.
    #[error("the passphrase command {program} failed: {status}")]
    CommandFailed { program: String, status: ExitStatus },
    /// Nobody can guess how an empty passphrase came about, least of all on purpose.
    #[error("the passphrase is empty")]
    Empty,
    /// The two answers to a prompt differ.
    #[error("the two passphrases differ")]
    Mismatch,
    /// The terminal failed.
    #[error("cannot ask for the passphrase")]
    Terminal(#[source] std::io::Error),
}
