//! `corso maintenance explain`

use repo_format::engine::progress::Progress;
use repo_format::maintenance::{Explained, explain};

use super::options;
use crate::args::MaintenanceExplainArgs;
use crate::args::values;
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::progress::watch;
use crate::report::Message;
use crate::report::maintenance::{PackLine, SpaceText};
use crate::report::summary::Summary;

/// Packs that are shown if nobody says which.
const SHOWN: usize = 10;

/// Tells why packs are still there.
pub fn run(session: &Session, args: &MaintenanceExplainArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let progress = Progress::default();
    let (space, packs) = watch(&session.global, &session.output, &progress, || {
        explain(&repository, &options(&args.limits), &progress, &session.stop)
    })?;
    session.pass_warnings(&repository);
    if session.stop.is_requested() {
        return Ok(Code::Interrupted);
    }
    for pack in chosen(packs, args.what.as_deref())? {
        let line = PackLine::new(&pack);
        let text = line.to_string();
        session.output.result(&Message::Pack(line), text)?;
    }
    let summary = SpaceText::new(&space);
    let text = format!("\n{summary}");
    session.output.result(&Message::Summary(Summary::MaintenanceExplain(summary)), text)?;
    Ok(Code::Done)
}

/// The packs that are meant: one by its ID, those that have so many unused bytes together, or the
/// first.
fn chosen(packs: Vec<Explained>, what: Option<&str>) -> Result<Vec<Explained>, CliError> {
    let unused = |pack: &Explained| pack.unused > 0;
    let Some(what) = what else {
        return Ok(packs.into_iter().filter(unused).take(SHOWN).collect());
    };
    let prefix = what.to_ascii_lowercase();
    let named: Vec<Explained> =
        packs.iter().filter(|pack| pack.pack.to_string().starts_with(&prefix)).copied().collect();
    match (named.len(), values::size(what)) {
        (1.., _) if !what.is_empty() => Ok(named),
        (_, Ok(bytes)) => {
            let mut left = bytes;
            let wanted = packs.into_iter().filter(unused).take_while(|pack| {
                let wanted = left > 0;
                left = left.saturating_sub(pack.unused);
                wanted
            });
            Ok(wanted.collect())
        }
        _ => Err(CliError::NothingMatched { what: format!("pack {what:?}") }),
    }
}
