//! `corso snapshot find`

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobMatcher};
use repo_format::log::{ManifestRow, SnapshotState};
use repo_format::repository::Repository;

use super::walk::Walk;
use crate::args::FindArgs;
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::report::summary::{CountSummary, Summary};
use crate::report::{Item, Message};

/// Finds names in some snapshots, or in all that are finished.
pub fn run(session: &Session, args: &FindArgs) -> anyhow::Result<Code> {
    let pattern = Pattern::new(args)?;
    let repository = session.open()?;
    let mut count = 0;
    for row in snapshots(&repository, &args.snapshots)? {
        count += search(session, &repository, &row, &pattern)?;
    }
    if count == 0 {
        return Err(CliError::NothingMatched { what: format!("{:?}", args.pattern) }.into());
    }
    session.output.json_only(&Message::Summary(Summary::Find(CountSummary { count })))?;
    Ok(Code::Done)
}

fn snapshots(repository: &Repository, named: &[String]) -> anyhow::Result<Vec<ManifestRow>> {
    if named.is_empty() {
        let mut rows = repository.snapshots()?;
        rows.retain(|row| row.state != SnapshotState::Checkpoint);
        return Ok(rows);
    }
    Ok(named.iter().map(|id| repository.resolve(id)).collect::<Result<_, _>>()?)
}

fn search(
    session: &Session,
    repository: &Repository,
    row: &ManifestRow,
    pattern: &Pattern,
) -> anyhow::Result<u64> {
    let id = row.id.to_string();
    let root = repository.manifest(&row.id)?.tree();
    let mut count = 0;
    for entry in Walk::new(repository.contents(), &root, Vec::new(), true)? {
        if session.stop.is_requested() {
            return Err(CliError::Interrupted.into());
        }
        let (path, entry) = entry?;
        if pattern.matches(&path) {
            count += 1;
            let item = Item::new(id.clone(), &path, &entry);
            let text = format!("{}:{item}", &id[..8]);
            session.output.result(&Message::Entry(item), text)?;
        }
    }
    Ok(count)
}

/// What is looked for.
struct Pattern {
    glob: GlobMatcher,
    whole_path: bool,
}

impl Pattern {
    fn new(args: &FindArgs) -> Result<Pattern, CliError> {
        let text = args.pattern.trim_start_matches('/');
        let mut builder = GlobBuilder::new(text);
        builder.literal_separator(true).case_insensitive(args.ignore_case);
        let glob = builder.build().map_err(|error| CliError::Usage {
            what: format!("{:?} is no pattern: {}", args.pattern, error.kind()),
            hint: "use * ? [a-z] {a,b} and, in paths, **",
        })?;
        let whole_path = args.pattern.contains('/');
        Ok(Pattern { glob: glob.compile_matcher(), whole_path })
    }

    fn matches(&self, path: &[Vec<u8>]) -> bool {
        let matches = |bytes: &[u8]| self.glob.is_match(OsStr::from_bytes(bytes));
        match self.whole_path {
            true => matches(&path.join(&b'/')),
            false => path.last().is_some_and(|name| matches(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, path: &str) -> bool {
        let args = FindArgs { pattern: pattern.into(), snapshots: Vec::new(), ignore_case: false };
        let path: Vec<Vec<u8>> = path.split('/').map(|name| name.as_bytes().to_vec()).collect();
        Pattern::new(&args).unwrap().matches(&path)
    }

    #[test]
    fn a_pattern_is_for_names_or_for_whole_paths() {
        assert!(found("*.odt", "letters/a.odt") && found("letters", "letters"));
        assert!(!found("letters", "letters/a.odt"));
        assert!(found("letters/*.odt", "letters/a.odt") && found("/letters/*", "letters/a.odt"));
        assert!(!found("letters/*", "letters/old/a.odt") && found("**/a.odt", "letters/old/a.odt"));
    }
}
