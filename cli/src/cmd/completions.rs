//! `corso completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Code;
use crate::report::summary::{Summary, TextSummary};
use crate::report::{Message, Output};

/// Prints a completion script.
pub fn run(output: &Output, shell: Shell) -> anyhow::Result<Code> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "corso", &mut script);
    let text = String::from_utf8_lossy(&script).trim_end().to_owned();
    output.result(&Message::Summary(Summary::Completions(TextSummary { text: text.clone() })), text)?;
    Ok(Code::Done)
}
