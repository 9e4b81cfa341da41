//! How a run ends: the exit code, and what to do next.
//!
//! Codes follow from the types of errors, never from their wording (docs/exit-codes.md). 11 is taken:
//! restic's "locked".

mod classify;
mod repository;
mod source;

use std::process::ExitCode;

pub use classify::explain;

use crate::report::Output;
use crate::report::message::{ExitError, Message};
use crate::secret::SecretError;

/// Exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    Done = 0,
    /// Anything that has no code of its own.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Saved, but some items failed.
    Partial = 3,
    NoRepository = 10,
    WrongSecret = 12,
    /// Microsoft refused the sign-in, or consent is missing.
    Refused = 20,
    /// Microsoft asked to wait for longer than the command may take.
    ThrottledOut = 21,
    NothingMatched = 22,
    /// Damage in the repository.
    Damage = 30,
    /// The repository's history is older than seen before, or another.
    History = 31,
    /// A signal asked to stop; what was done is saved.
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> ExitCode {
        ExitCode::from(code as u8)
    }
}

/// What is wrong with what was asked for, found by the commands themselves.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The options contradict each other or the world.
    #[error("{what}")]
    Usage { what: String, hint: &'static str },
    /// What was asked for is not there.
    #[error("nothing matches {what}")]
    NothingMatched { what: String },
    /// The location holds another repository than the one that was connected.
    #[error("{location} holds repository {found}, but {expected} was connected as `{name}`")]
    OtherRepository { location: String, found: String, expected: String, name: String },
    /// Nothing opens the repository, and the command can do a part of its work all the same.
    #[error("the repository cannot be opened")]
    NoSecret(#[source] SecretError),
    /// A signal came before there was anything to save.
    #[error("interrupted")]
    Interrupted,
    /// An option names a file that cannot be used.
    #[error("cannot use {path}")]
    File { path: String, source: std::io::Error },
    /// What stands at a path in a snapshot is of another kind than the command needs.
    #[error("{path} is no {wanted}")]
    WrongKind { path: String, wanted: &'static str },
}

/// Says why a command was not carried out, and gives its code.
pub fn report(output: &Output, error: &anyhow::Error) -> Code {
    if is_closed_pipe(error) {
        // Whoever read our output has enough; there is nobody to tell.
        return Code::Failed;
    }
    let (code, hint) = explain(error);
    let message = message(error);
    if output.is_json() {
        let code = code as u8;
        output.chat_json(&Message::ExitError(ExitError { code, message, hint }));
    } else {
        output.chat(&format!("error: {message}\nhint: {hint}"));
    }
    code
}

/// The error and its causes on one line. Some libraries' errors end with their cause's text, which is
/// not said twice.
pub fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        let cause = cause.trim_end();
        match () {
            () if message.is_empty() => message.push_str(cause),
            () if message.ends_with(cause) => {}
            () => message.extend([": ", cause]),
        }
    }
    message
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.root_cause().downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_is_not_said_twice() {
        let error = anyhow!("no space\n").context("/a failed: no space").context("b was not written");
        assert_eq!(message(&error), "b was not written: /a failed: no space");
    }
}
