//! `corso man`

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::args::{Cli, sources};
use crate::exit::{CliError, Code};
use crate::report::summary::{ManSummary, Summary};
use crate::report::{Escaped, Message, Output};

/// Writes a page for the program and one for each command.
pub fn run(output: &Output, dir: &Path) -> anyhow::Result<Code> {
    let named = |source| CliError::File { path: dir.display().to_string(), source };
    std::fs::create_dir_all(dir).map_err(named)?;
    // `build` gives every command its own copy of the options that all of them take.
    let mut command = sources::with_environment(Cli::command()).disable_help_subcommand(true);
    command.build();
    let mut files = Vec::new();
    write_pages(&command, "corso", dir, &mut files).map_err(named)?;
    let folder = dir.display().to_string();
    let text = format!("Wrote {} pages to {}", files.len(), Escaped(folder.as_bytes()));
    output.result(&Message::Summary(Summary::Man(ManSummary { folder, files })), text)?;
    Ok(Code::Done)
}

fn write_pages(command: &Command, name: &str, dir: &Path, files: &mut Vec<String>) -> std::io::Result<()> {
    let file = format!("{name}.1");
    let mut page = Vec::new();
    Man::new(command.clone()).title(name.to_uppercase()).render(&mut page)?;
    std::fs::write(dir.join(&file), page)?;
    files.push(file);
    command
        .get_subcommands()
        .try_for_each(|inner| write_pages(inner, &format!("{name}-{}", inner.get_name()), dir, files))
}
