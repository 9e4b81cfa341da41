//! All entries below a folder, each before what is in it.

use repo_format::codec::ContentId;
use repo_format::content::{ContentError, ReadContent};
use repo_format::tree::{Children, Entry, EntryKind, Tree, TreeError};

/// Entries in the order of their paths. Holds one listing per level, not one call.
pub struct Walk<'a> {
    contents: &'a dyn ReadContent,
    /// The folders that are open, the innermost last.
    open: Vec<Children<'a>>,
    /// The path of the innermost one.
    path: Vec<Vec<u8>>,
    /// Entered before the next entry is asked for.
    next: Option<(Vec<u8>, ContentId)>,
    descend: bool,
}

impl<'a> Walk<'a> {
    /// Walks the tree at `root`, whose path is `path`; not into its folders unless `descend`.
    ///
    /// # Errors
    /// [`ContentError`] if the root cannot be read.
    pub fn new(
        contents: &'a dyn ReadContent,
        root: &ContentId,
        path: Vec<Vec<u8>>,
        descend: bool,
    ) -> Result<Walk<'a>, ContentError> {
        let open = vec![Tree::open(contents, root)?.children()];
        Ok(Walk { contents, open, path, next: None, descend })
    }

    fn enter(&mut self) -> Result<(), TreeError> {
        if let Some((name, tree)) = self.next.take() {
            self.open.push(Tree::open(self.contents, &tree)?.children());
            self.path.push(name);
        }
        Ok(())
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<(Vec<Vec<u8>>, Entry), TreeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.enter() {
            return Some(Err(error));
        }
        loop {
            match self.open.last_mut()?.next() {
                None => {
                    self.open.pop();
                    // The root's own path is not ours to shorten, and no longer looked at.
                    self.path.pop();
                }
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok((key, entry))) => {
                    let path = [&self.path[..], std::slice::from_ref(&key.name)].concat();
                    if let (EntryKind::Folder(tree), true) = (&entry.kind, self.descend) {
                        self.next = Some((key.name, *tree));
                    }
                    return Some(Ok((path, entry)));
                }
            }
        }
    }
}
