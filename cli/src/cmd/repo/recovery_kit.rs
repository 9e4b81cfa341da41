//! `corso repo recovery-kit`

use std::fmt::Write;

use repo_format::format::format_blob;
use repo_format::repository::Repository;

use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::summary::{Summary, TextSummary};
use crate::report::{Escaped, Message};

/// Prints what to keep on paper. It holds no secret: the recovery key was shown when it was made.
pub fn run(session: &Session) -> anyhow::Result<Code> {
    let text = kit(&session.open()?)?;
    session
        .output
        .result(&Message::Summary(Summary::RecoveryKit(TextSummary { text: text.clone() })), text)?;
    Ok(Code::Done)
}

fn kit(repository: &Repository) -> Result<String, std::fmt::Error> {
    let location = repository.blobs().storage().location().to_string();
    let mut text = String::from("CORSO RECOVERY KIT\n\n");
    writeln!(text, "Repository   {}", repository.id())?;
    writeln!(text, "Location     {}", Escaped(location.as_bytes()))?;
    writeln!(text, "\nOpened by")?;
    for slot in repository.slots() {
        writeln!(text, "  {}  {:<12} {}", slot.id, slot.kind.name(), Escaped(slot.label.as_bytes()))?;
    }
    writeln!(
        text,
        "\nRecovery key, from when it was made (`corso repo key add --new-recovery-key` makes a new one):"
    )?;
    writeln!(text, "\n  {}\n", ["____"; 14].join("-"))?;
    writeln!(text, "The blob corso.format, if it should be lost, in hexadecimal:\n")?;
    for line in format_blob::encode(&repository.id()).chunks(32) {
        writeln!(text, "  {}", hex::encode(line))?;
    }
    writeln!(text, "\nTo restore: install corso, put the recovery key into a file, and run")?;
    write!(
        text,
        "  corso snapshot restore latest --target DIR --recovery-key-file FILE --repo '{location}'"
    )?;
    Ok(text)
}
