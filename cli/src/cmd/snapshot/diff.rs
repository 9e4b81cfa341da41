//! `corso snapshot diff`

use repo_format::codec::ContentId;
use repo_format::content::ReadContent;
use repo_format::map::{self, Diff};
use repo_format::repository::Repository;
use repo_format::tree::{Entry, EntryKind, TreeKey, decode_value};

use super::place::locate;
use super::walk::Walk;
use crate::args::DiffArgs;
use crate::cmd::session::Session;
use crate::exit::Code;
use crate::report::Message;
use crate::report::entry::{Change, ChangeKind};
use crate::report::summary::{DiffSummary, Summary};

/// Compares two snapshots or folders of them. Reads only what differs.
pub fn run(session: &Session, args: &DiffArgs) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let (before, after) = (locate(&repository, &args.before)?, locate(&repository, &args.after)?);
    let ids = (before.row.id.to_string(), after.row.id.to_string());
    let mut say = |change: Change| {
        let text = change.to_string();
        Ok(session.output.result(&Message::Change(change), text)?)
    };
    let mut counts = DiffSummary { before: ids.0, after: ids.1, ..DiffSummary::default() };
    let mut comparison = Comparison::new(&repository, &mut counts, &mut say);
    comparison.say(&[], Some(&before.entry), Some(&after.entry))?;
    comparison.run(before.tree()?, after.tree()?)?;
    session.output.result(&Message::Summary(Summary::Diff(counts.clone())), counts)?;
    Ok(Code::Done)
}

/// A comparison of two trees of one repository.
pub struct Comparison<'a> {
    contents: &'a dyn ReadContent,
    counts: &'a mut DiffSummary,
    say: &'a mut dyn FnMut(Change) -> anyhow::Result<()>,
}

/// Two folders of one path, being compared.
struct Level<'a> {
    before: ContentId,
    after: ContentId,
    differences: Diff<'a>,
}

impl<'a> Comparison<'a> {
    /// Counts differences, and says each.
    pub fn new(
        repository: &'a Repository,
        counts: &'a mut DiffSummary,
        say: &'a mut dyn FnMut(Change) -> anyhow::Result<()>,
    ) -> Comparison<'a> {
        Comparison { contents: repository.contents(), counts, say }
    }

    /// Compares what is in two folders, at any depth.
    ///
    /// # Errors
    /// What keeps a tree from being read, or a difference from being said.
    pub fn run(&mut self, before: ContentId, after: ContentId) -> anyhow::Result<()> {
        let mut levels = vec![self.level(before, after)?];
        let mut path: Vec<Vec<u8>> = Vec::new();
        while let Some(level) = levels.last_mut() {
            let Some(difference) = level.differences.next() else {
                levels.pop();
                path.pop();
                continue;
            };
            let (before, after) = (level.before, level.after);
            let (name, old, new) = self.decode(&before, &after, difference?)?;
            path.push(name);
            self.say(&path, old.as_ref(), new.as_ref())?;
            match (tree_of(old.as_ref()), tree_of(new.as_ref())) {
                (Some(old), Some(new)) => {
                    levels.push(self.level(old, new)?);
                    continue;
                }
                (Some(old), None) => self.whole(&path, &old, |entry| (Some(entry), None))?,
                (None, Some(new)) => self.whole(&path, &new, |entry| (None, Some(entry)))?,
                (None, None) => {}
            }
            path.pop();
        }
        Ok(())
    }

    fn level(&self, before: ContentId, after: ContentId) -> anyhow::Result<Level<'a>> {
        Ok(Level { before, after, differences: map::diff(self.contents, &before, &after)? })
    }

    fn decode(
        &self,
        before: &ContentId,
        after: &ContentId,
        change: map::Change,
    ) -> anyhow::Result<(Vec<u8>, Option<Entry>, Option<Entry>)> {
        let name = TreeKey::from_bytes(change.key())?.name;
        let (old, new) = match &change {
            map::Change::Added { value, .. } => (None, Some(value)),
            map::Change::Removed { value, .. } => (Some(value), None),
            map::Change::Changed { old, new, .. } => (Some(old), Some(new)),
        };
        let old = old.map(|value| decode_value(self.contents, before, &name, value)).transpose()?;
        let new = new.map(|value| decode_value(self.contents, after, &name, value)).transpose()?;
        Ok((name, old, new))
    }

    /// Everything in a folder that only one side has.
    fn whole(
        &mut self,
        path: &[Vec<u8>],
        tree: &ContentId,
        side: fn(&Entry) -> (Option<&Entry>, Option<&Entry>),
    ) -> anyhow::Result<()> {
        for entry in Walk::new(self.contents, tree, path.to_vec(), true)? {
            let (path, entry) = entry?;
            let (old, new) = side(&entry);
            self.say(&path, old, new)?;
        }
        Ok(())
    }

    fn say(&mut self, path: &[Vec<u8>], old: Option<&Entry>, new: Option<&Entry>) -> anyhow::Result<()> {
        let Some(change) = Change::between(path, old, new) else { return Ok(()) };
        let count = match change.change {
            ChangeKind::Added => &mut self.counts.added,
            ChangeKind::Removed => &mut self.counts.removed,
            ChangeKind::Modified => &mut self.counts.modified,
            ChangeKind::Metadata => &mut self.counts.metadata,
            ChangeKind::Type => &mut self.counts.type_changed,
        };
        *count += 1;
        (self.say)(change)
    }
}

fn tree_of(entry: Option<&Entry>) -> Option<ContentId> {
    match entry?.kind {
        EntryKind::Folder(tree) => Some(tree),
        _ => None,
    }
}
