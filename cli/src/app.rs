//! One run of the program, from its arguments to its exit code.

use std::ffi::OsString;

use clap::error::ErrorKind;

use crate::args::sources::{self, Peek};
use crate::args::{Cli, GlobalArgs};
use crate::cmd;
use crate::config::{Config, ConfigError, Places};
use crate::exit::{self, Code};
use crate::logging;
use crate::report::Output;
use crate::report::message::{ExitError, Message};

/// Runs a command line.
pub fn run(arguments: Vec<OsString>) -> Code {
    let peek = sources::peek(&arguments);
    let first_words = Output::new(peek.json, false);
    let parsed = match settings(peek) {
        Ok(settings) => sources::parse(&arguments, &settings),
        Err(error) => return exit::report(&first_words, &error.into()),
    };
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return refuse(&first_words, &error),
    };
    let output = Output::new(cli.global.json, cli.global.quiet);
    match carry_out(cli, &output) {
        Ok(code) => code,
        Err(error) => exit::report(&output, &error),
    }
}

/// The settings of the configuration file that this command line means.
fn settings(peek: Peek) -> Result<sources::Settings, ConfigError> {
    match Places::config_file(peek.config) {
        Ok(path) => Ok(Config::load(&path)?.settings()),
        // Not every command needs one; those that do will say so.
        Err(_) => Ok(sources::Settings::default()),
    }
}

fn carry_out(cli: Cli, output: &Output) -> anyhow::Result<Code> {
    let Cli { global, command } = cli;
    logging::start(&global, output)?;
    warn_of_contradictions(&global, output);
    cmd::run(global, output.clone(), command)
}

fn warn_of_contradictions(global: &GlobalArgs, output: &Output) {
    if global.accept_rollback {
        output.warn("an older or different history of the repository will be accepted".into());
    }
}

/// Says what is wrong with a command line, or shows the help that was asked for.
fn refuse(output: &Output, error: &clap::Error) -> Code {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help || !output.is_json() {
        // Nobody can be told that the terminal is gone.
        error.print().ok();
    } else {
        let text = error.render().to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let hint = "run the command with --help".to_owned();
        output.chat_json(&Message::ExitError(ExitError { code: Code::Usage as u8, message, hint }));
    }
    if is_help { Code::Done } else { Code::Usage }
}
