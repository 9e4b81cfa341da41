//! Folders listed ahead of the walk, in the order in which it enters them, on a thread of their own.

use super::Run;
use super::walk::Ended;
use crate::engine::source::{Child, ItemError, Listing, Source};
use crate::system::Sender;
use crate::tree::EntryKind;

/// Children handed on at once; so that few wait, however large their folder is.
const PIECE: usize = 256;
/// Pieces that may wait for the walk.
pub(super) const PIECES_AHEAD: usize = 16;

/// Some of a folder's children, in order. Folders come in the order of a walk, each whole before the next.
pub(super) struct Piece<H> {
    pub children: Vec<Child<H>>,
    /// As in the listing; with the first piece.
    pub failed: Vec<(Vec<u8>, ItemError)>,
    /// More of the same folder follow.
    pub more: bool,
}

/// Lists `root` and all folders below it until all is said, or nobody listens.
pub(super) fn list_all<S: Source>(
    run: &Run<'_, S>,
    root: S::Handle,
    pieces: &Sender<Piece<S::Handle>>,
) -> Result<(), Ended> {
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        if run.storing.is_stopped() {
            return Err(Ended);
        }
        let Listing { children, mut failed } = run.source.list(&folder);
        let below = children.iter().rev().filter(|child| matches!(child.entry.kind, EntryKind::Folder(_)));
        folders.extend(below.map(|child| child.handle.clone()));
        // Most folders are one piece, and are handed on as they are.
        if children.len() <= PIECE {
            pieces.send(Piece { children, failed, more: false })?;
            continue;
        }
        let mut children = children.into_iter();
        while children.len() > 0 {
            let some: Vec<_> = children.by_ref().take(PIECE).collect();
            let more = children.len() > 0;
            pieces.send(Piece { children: some, failed: std::mem::take(&mut failed), more })?;
        }
    }
    Ok(())
}
