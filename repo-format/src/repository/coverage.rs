//! The verification map of an open repository: read, looked at, changed (ACT-14, COV-3).

use bytes::Bytes;

use super::{Repository, RepositoryError, with_causes};
use crate::codec::ContentId;
use crate::content::{ContentError, ContentKind, ContentReader, ContentWriter, ReadContent, WriterOptions};
use crate::coverage::{self, Coverage, Front};
use crate::log::{Action, State};
use crate::map::{self, MapError};

/// So often a change is made anew because another verification or a collector was faster.
const TRIES: usize = 10;
/// Nodes are few and small; what they take of a pack is what they need.
const META_PACK_SIZE: usize = 1 << 20;

/// What was verified when, and the map that says so.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// `None`: what `coverage` says is in no map.
    root: Option<ContentId>,
    pub coverage: Coverage,
}

impl Repository {
    /// What the verification map of the newest state known here begins with; `None` if nothing was
    /// verified yet. Costs a handful of requests.
    ///
    /// # Errors
    /// `Content` if the map cannot be read. The next verification begins another.
    pub fn coverage_front(&self) -> Result<Option<Front>, RepositoryError> {
        let root = self.state().verification_map;
        Ok(root.map(|root| coverage::front(self.contents(), &root)).transpose()?)
    }

    /// What was verified when, by the newest state known here.
    ///
    /// # Errors
    /// `Content` if the map cannot be read. The next verification begins another.
    pub fn coverage(&self) -> Result<Held, RepositoryError> {
        let root = self.state().verification_map;
        let coverage = root.map(|root| coverage::read(self.contents(), &root)).transpose()?;
        Ok(Held { root, coverage: coverage.unwrap_or_default() })
    }

    /// Changes what was verified when, whatever others commit meanwhile. `change` gets what the newest map
    /// says and the revision that it is changed at; it is called again if somebody else was faster.
    /// `held` is what is known of the map, and afterwards what was committed. What changes nothing is
    /// committed only if `forced`, which shows whether anything can be.
    ///
    /// A map that cannot be read is no loss of data: another is begun, with a warning.
    ///
    /// # Errors
    /// If nothing can be stored or committed; nothing depends on it but what is verified again.
    pub fn change_coverage(
        &self,
        held: &mut Held,
        forced: bool,
        change: impl Fn(&mut Coverage, u64),
    ) -> Result<(), RepositoryError> {
        let mut outdated = None;
        for _ in 0..TRIES {
            self.refresh()?;
            self.0.log.check_writable()?;
            let state = self.state();
            if !self.catch_up_with(held, &state)? {
                continue;
            }
            let mut next = held.coverage.clone();
            change(&mut next, state.revision);
            if !forced && held.root.is_some() && next == held.coverage {
                return Ok(());
            }
            let options = WriterOptions { meta_pack_size: META_PACK_SIZE, ..WriterOptions::default() };
            let writer = self.writer_with(self.0.usable.clone(), options);
            let root = self.store_coverage(&writer, held, &next)?;
            match self.commit_coverage(&writer, state.verification_map, root) {
                Ok(true) => {
                    *held = Held { root: Some(root), coverage: next };
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) if error.is_outdated() || matches!(error, RepositoryError::SegmentsTaken) => {
                    outdated = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(outdated.unwrap_or(RepositoryError::CoverageOvertaken { tries: TRIES }))
    }

    /// Contents as the index has them now. One that is not there is not waited for: who follows a map that
    /// others replace again and again would never come to an end.
    pub(crate) fn contents_once(&self) -> impl ReadContent + '_ {
        Once(self.reader())
    }

    /// Reads the map that the state names, unless it is the one that is held. Says whether that is the
    /// newest state still: if not, what could not be read may have moved.
    fn catch_up_with(&self, held: &mut Held, state: &State) -> Result<bool, RepositoryError> {
        let root = state.verification_map;
        if held.root.is_some() && held.root == root {
            return Ok(true);
        }
        match root.map(|root| coverage::read(&self.contents_once(), &root)).transpose() {
            Ok(Some(coverage)) => *held = Held { root, coverage },
            Ok(None) => *held = Held::default(),
            Err(error) if error.is_loss() => {
                self.refresh()?;
                if self.state().revision > state.revision {
                    return Ok(false);
                }
                // What is known of it here goes into the new one.
                held.root = None;
                self.warn(format!(
                    "what was verified when cannot be read, and is written down from now on anew: {}",
                    with_causes(&error)
                ));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// Stores the map of `next`: what differs from the one held, or all of it if there is none, or if its
    /// nodes are lost.
    fn store_coverage(
        &self,
        writer: &ContentWriter,
        held: &Held,
        next: &Coverage,
    ) -> Result<ContentId, RepositoryError> {
        let (now, store) = (self.0.log.now_ns(), self.map_store(writer));
        if let Some(root) = held.root {
            let edits = coverage::edits(&held.coverage, next, now);
            match map::edit(&self.contents_once(), &root, edits, store) {
                Ok(root) => return Ok(root),
                Err(MapError::Content(error)) if error.is_loss() => {}
                Err(error) => return Err(from_map(error)),
            }
        }
        coverage::write(next, now, store).map_err(from_map)
    }

    /// Commits a map in the place of `base`. Says whether that was still the state's.
    fn commit_coverage(
        &self,
        writer: &ContentWriter,
        base: Option<ContentId>,
        root: ContentId,
    ) -> Result<bool, RepositoryError> {
        let packs = writer.flush()?;
        let relied = writer.relied_packs();
        let mut is_base = false;
        let committed = self.commit_with_segments(writer, &packs, |state| {
            // The nodes that were kept are protected by the map whose place this one takes, and by none else.
            is_base = state.verification_map == base;
            let put = Action::VerificationMap { root: Some(root), relied: relied.clone() };
            // What was stored in vain is named all the same, so that maintenance knows it.
            if is_base { vec![put] } else { vec![] }
        })?;
        self.committed(writer, &packs, committed.revision);
        self.compact_or_warn();
        Ok(is_base)
    }
}

struct Once<'r>(&'r ContentReader);

impl ReadContent for Once<'_> {
    fn get(&self, kind: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        let places = self.0.locate(id)?;
        self.0.get_from(kind, id, &places).map(|(_, plaintext)| plaintext)
    }
}

fn from_map(error: MapError) -> RepositoryError {
    match error {
        MapError::Content(error) => error.into(),
        error => RepositoryError::CoverageMap(error),
    }
}
