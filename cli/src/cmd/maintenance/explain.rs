//! `corso maintenance explain`

use repo_format::codec::PackId;
use repo_format::engine::progress::Progress;
use repo_format::maintenance::{Explained, explain};

use super::options;
use crate::args::MaintenanceExplainArgs;
use crate::args::values;
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::progress::watch;
use crate::report::Message;
use crate::report::maintenance::SpaceText;
use crate::report::pack::PackLine;
use crate::report::summary::Summary;

/// Packs that are shown if nobody says which.
const SHOWN: usize = 10;

/// Tells why packs are still there, and who needs them.
pub fn run(session: &Session, args: &MaintenanceExplainArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let progress = Progress::default();
    let options = options(&args.limits);
    let explanation = watch(&session.global, &session.output, &progress, || {
        explain(&repository, &options, &progress, &session.stop)
    })?;
    session.pass_warnings(&repository);
    if session.stop.is_requested() {
        return Ok(Code::Interrupted);
    }
    let packs = chosen(&explanation.packs, args.what.as_deref())?;
    let ids: Vec<PackId> = packs.iter().map(|pack| pack.pack).collect();
    let needed = explanation.needed_by(&ids, &session.stop)?;
    if session.stop.is_requested() {
        return Ok(Code::Interrupted);
    }
    for (pack, needed) in packs.iter().zip(&needed) {
        let line = PackLine::new(pack, needed);
        let text = line.to_string();
        session.output.result(&Message::Pack(line), text)?;
    }
    let summary = SpaceText::new(&explanation.space);
    let text = format!("\n{summary}");
    session.output.result(&Message::Summary(Summary::MaintenanceExplain(summary)), text)?;
    Ok(Code::Done)
}

/// The packs that are meant: one by its ID, those that have so many unused bytes together, or the
/// first.
fn chosen(packs: &[Explained], what: Option<&str>) -> Result<Vec<Explained>, CliError> {
    let unused = packs.iter().copied().filter(|pack| pack.unused > 0);
    let Some(what) = what else {
        return Ok(unused.take(SHOWN).collect());
    };
    let prefix = what.to_ascii_lowercase();
    let named = packs.iter().copied().filter(|pack| pack.pack.to_string().starts_with(&prefix));
    let named: Vec<Explained> = named.collect();
    match (named.len(), values::size(what)) {
        (1.., _) if !what.is_empty() => Ok(named),
        (_, Ok(bytes)) => {
            let mut left = bytes;
            let wanted = unused.take_while(|pack| {
                let wanted = left > 0;
                left = left.saturating_sub(pack.unused);
                wanted
            });
            Ok(wanted.collect())
        }
        _ => Err(CliError::NothingMatched { what: format!("pack {what:?}") }),
    }
}
