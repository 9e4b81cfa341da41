//! A ledger that changes: layers below, changes in memory on top.

use super::edit::LedgerEdit;
use super::entry::REMOVAL;
use super::merge::{Changes, Merge};
use super::read::{Entries, Layer, Ledger};
use super::size::merge_from;
use super::{LAYERS_MAX, LedgerEntry};
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};
use crate::map::{MapBuilder, MapError, MapStore, edit};

/// A ledger and the changes of a run.
///
/// The layers below the *floor* stay as they are while the run lasts; what is above them and in
/// memory is what the run, or one that was killed before it, has changed ([`Self::changes`]).
pub struct WorkingLedger<'a> {
    ledger: Ledger<'a>,
    floor: usize,
    edit: LedgerEdit,
    store: MapStore<'a>,
}

impl<'a> WorkingLedger<'a> {
    /// Opens layers, the oldest first; the first `floor` of them are the base.
    ///
    /// # Errors
    /// [`ContentError`] if a root cannot be read.
    pub fn open(
        contents: &'a dyn ReadContent,
        store: MapStore<'a>,
        roots: &[ContentId],
        floor: usize,
    ) -> Result<WorkingLedger<'a>, ContentError> {
        let ledger = Ledger::open(contents, roots)?;
        // A floor without room above it would leave no place for a layer.
        let floor = floor.min(roots.len()).min(LAYERS_MAX - 1);
        Ok(WorkingLedger { ledger, floor, edit: LedgerEdit::default(), store })
    }

    /// How many layers are the base.
    pub fn floor(&self) -> usize {
        self.floor
    }

    /// The ledger without what the run has changed.
    pub fn base(&self) -> Ledger<'a> {
        let layers = self.ledger.layers[..self.floor].to_vec();
        Ledger { contents: self.ledger.contents, layers }
    }

    /// What is known under a key.
    ///
    /// # Errors
    /// [`ContentError`] if a layer cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<LedgerEntry>, ContentError> {
        match self.edit.get(key) {
            Some(entry) if entry.is_removal() => Ok(None),
            Some(entry) => Ok(Some(entry.clone())),
            None => self.ledger.get(key),
        }
    }

    /// Puts an entry. With `fresh` the caller knows that there is none under the key, not even one
    /// that was removed.
    pub fn put(&mut self, key: Vec<u8>, entry: LedgerEntry, fresh: bool) {
        self.edit.put(key, entry, fresh);
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.edit.remove(key);
    }

    /// What is known from `from` on, in order of keys.
    pub fn range(&self, from: &[u8]) -> Entries<'_> {
        Entries(self.ledger.changes(Some(&self.edit), from))
    }

    /// What differs from the base, from `from` on: what layers above the floor and memory say.
    pub fn changes(&self, from: &[u8]) -> Changes<'_> {
        let merge = Merge::new(&self.ledger.layers[self.floor..], Some(&self.edit), from);
        Changes { contents: self.ledger.contents, merge }
    }

    /// The changes that are only in memory.
    pub fn edit(&self) -> &LedgerEdit {
        &self.edit
    }

    /// Stores the changes as a layer, merged with layers that are not much larger, and gives all
    /// roots for a checkpoint's manifest. Reading goes on as before until [`Self::settle`].
    ///
    /// # Errors
    /// [`MapError`] if a layer cannot be read, or a node not be stored.
    pub fn save(&self) -> Result<Vec<ContentId>, MapError> {
        let mut roots = self.ledger.roots();
        if self.edit.is_empty() {
            return Ok(roots);
        }
        let sizes: Vec<u64> = self.ledger.layers.iter().map(|layer| layer.map.len()).collect();
        let from = merge_from(&sizes, self.floor, self.edit.len() as u64);
        roots.truncate(from);
        roots.push(self.merged(from, &|_| true)?);
        Ok(roots)
    }

    /// Folds everything into one map, for a finished snapshot. Of what the run has changed, keys that
    /// `keep` refuses are left out: those that served the run alone. A base has none of them.
    ///
    /// # Errors
    /// [`MapError`] if a layer cannot be read, or a node not be stored.
    pub fn fold(&self, keep: impl Fn(&[u8]) -> bool) -> Result<ContentId, MapError> {
        match self.ledger.layers.as_slice() {
            [only] if self.edit.is_empty() && self.floor == 1 => Ok(only.root),
            _ => self.merged(0, &keep),
        }
    }

    /// [`Self::fold`], and above it a layer of those that `keep` refuses: for a run that is not at its
    /// end, though its tree says what the ledger says. Gives all roots.
    ///
    /// # Errors
    /// [`MapError`] if a layer cannot be read, or a node not be stored.
    pub fn split(&self, keep: impl Fn(&[u8]) -> bool) -> Result<Vec<ContentId>, MapError> {
        let base = self.fold(&keep)?;
        // What `keep` refuses is above the base alone, where a removal hides nothing any more.
        let mut rest = Vec::new();
        for item in Merge::new(&self.ledger.layers[self.floor..], Some(&self.edit), &[]) {
            let (key, value) = item?;
            if !keep(&key)
                && let Some(value) = value.encode(self.store)?
            {
                rest.push((key.to_vec(), Some(value)));
            }
        }
        match rest.is_empty() {
            true => Ok(vec![base]),
            false => Ok(vec![base, build(rest.into_iter(), self.store)?]),
        }
    }

    /// Keys that the base has, and keys that the run has changed: each at least as many as there are.
    pub fn sizes(&self) -> (u64, u64) {
        let count = |layers: &[Layer<'_>]| layers.iter().map(|layer| layer.map.len()).sum::<u64>();
        let (base, above) = self.ledger.layers.split_at(self.floor);
        (count(base), count(above) + self.edit.len() as u64)
    }

    /// The commit that names `roots` is done: they can be read, and the changes are in them.
    ///
    /// # Errors
    /// [`ContentError`] if a root cannot be read.
    pub fn settle(&mut self, roots: &[ContentId]) -> Result<(), ContentError> {
        self.ledger = Ledger::open(self.ledger.contents, roots)?;
        self.edit.clear();
        Ok(())
    }

    /// The commit that names what [`Self::fold`] or [`Self::split`] gave is done: the first root is the
    /// base now.
    ///
    /// # Errors
    /// [`ContentError`] if a root cannot be read.
    pub fn settle_folded(&mut self, roots: &[ContentId]) -> Result<(), ContentError> {
        self.settle(roots)?;
        self.floor = roots.len().min(1);
        Ok(())
    }

    /// One map of the layers from `from` on and the changes, of which `keep` refuses some.
    fn merged(&self, from: usize, keep: &dyn Fn(&[u8]) -> bool) -> Result<ContentId, MapError> {
        // What only a fold drops may be anywhere above the base: there every entry is looked at.
        let edited = self.floor > 0 || from > 0;
        let (lowest, above) = match self.ledger.layers[from..].split_first() {
            Some((lowest, above)) if edited => (Some(lowest), above),
            _ => (None, &self.ledger.layers[from..]),
        };
        let mut failed = None;
        // In the oldest layer there is nothing to hide.
        let gone = |value: Option<Vec<u8>>| if from == 0 { value } else { value.or(Some(REMOVAL.to_vec())) };
        let merge = Merge::new(above, Some(&self.edit), &[]);
        let kept = merge.filter(|item| item.as_ref().map_or(true, |(key, _)| keep(key)));
        let edits = kept.map_while(|item| {
            let encoded = item
                .map_err(MapError::Content)
                .and_then(|(key, value)| Ok((key.to_vec(), gone(value.encode(self.store)?))));
            encoded.map_err(|error| failed = Some(error)).ok()
        });
        let root = match lowest {
            Some(lowest) => edit(self.ledger.contents, &lowest.root, edits, self.store)?,
            None => build(edits, self.store)?,
        };
        failed.map_or(Ok(root), Err)
    }
}

fn build(
    edits: impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
    store: MapStore<'_>,
) -> Result<ContentId, MapError> {
    let mut map = MapBuilder::new(store);
    for (key, value) in edits {
        if let Some(value) = value {
            map.push(&key, &value)?;
        }
    }
    Ok(map.finish()?)
}
