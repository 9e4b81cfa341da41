//! `corso snapshot list`

use std::os::unix::ffi::OsStrExt;

use repo_format::log::{ManifestRow, SnapshotState, SourceInfo};

use crate::args::ListArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::snapshot::{SnapshotLine, table};
use crate::report::summary::{CountSummary, Summary};

/// Lists snapshots, oldest first.
pub fn run(session: &Session, args: &ListArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let rows = repository.snapshots()?;
    let wanted = rows.iter().filter(|row| is_wanted(row, args));
    let lines: Vec<SnapshotLine> = wanted.map(SnapshotLine::from).collect();
    for line in &lines {
        session.output.json_only(&Message::Snapshot(line.clone()))?;
    }
    let count = lines.len() as u64;
    let text = if lines.is_empty() { "No snapshots.".to_owned() } else { table(&lines) };
    session.output.result(&Message::Summary(Summary::List(CountSummary { count })), text)?;
    Ok(Code::Done)
}

fn is_wanted(row: &ManifestRow, args: &ListArgs) -> bool {
    let tagged = |(name, value): &(String, String)| row.tags.get(name) == Some(value);
    (args.all || row.state != SnapshotState::Checkpoint)
        && args.tags.iter().all(tagged)
        && args.source.as_ref().is_none_or(|source| is_of(&row.source, source))
}

/// Whether a source is the one meant: a path from here, or `HOST:PATH`.
fn is_of(source: &SourceInfo, wanted: &str) -> bool {
    let has = |path: &[u8]| source.paths.iter().any(|it| it == path);
    let absolute = std::path::absolute(wanted).unwrap_or_else(|_| wanted.into());
    let on_host = wanted
        .split_once(':')
        .is_some_and(|(host, path)| source.host.as_deref() == Some(host) && has(path.as_bytes()));
    let trimmed = absolute.components().collect::<std::path::PathBuf>();
    on_host || has(trimmed.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_by_path_or_by_host_and_path() {
        let source = SourceInfo {
            service: "folder".into(),
            host: Some("desk".into()),
            paths: vec![b"/home/me".to_vec(), b"/srv".to_vec()],
            ..SourceInfo::default()
        };
        for wanted in ["/home/me", "/home/me/", "desk:/srv"] {
            assert!(is_of(&source, wanted), "{wanted}");
        }
        for other in ["/home", "lamp:/srv", "desk:/home"] {
            assert!(!is_of(&source, other), "{other}");
        }
    }
}
