//! Locks that go on for as long as a blob is needed.

use super::needed::needed;
use crate::engine::each;
use crate::engine::progress::Stop;
use crate::format::names::BlobId;
use crate::log::State;
use crate::repository::{Repository, RepositoryError, with_causes};
use crate::storage::{BlobName, LockedUntil, Retention};
use crate::system::Mutex;

/// What an extension did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extended {
    /// Blobs whose locks were extended; 0 if that was not due.
    pub blobs: u64,
    /// Those of them that stay in a weaker mode than asked for, because the server does not let it be changed.
    pub weaker: u64,
    /// Until when everything that is needed is locked at least, in nanoseconds since 1970 UTC; `None` if not all
    /// of it is.
    pub until_ns: Option<i64>,
    /// Blobs that could not be extended, and why the first of them could not.
    pub failed: u64,
    pub why: Option<String>,
}

/// Extends the locks of all that is needed to a whole period from now, if less than half of one is left.
///
/// What is left is asked of few blobs, the *witnesses*: the format blob and the key slots. They are extended last,
/// and only when all others were; so they are locked no longer than any other blob that is as old, and younger ones
/// got their locks when they were put. A run that was stopped halfway leaves them as they were, and the next one
/// begins anew. Nothing about locks is stored anywhere else, so that nothing can disagree with them.
///
/// Does nothing, and gives `None`, if the repository asks for no retention or the storage has no locks.
///
/// # Errors
/// If the log or the list of blobs cannot be read, or no witness.
pub fn extend(
    repository: &Repository,
    threads: usize,
    stop: &Stop,
) -> Result<Option<Extended>, RepositoryError> {
    let lockable = repository.blobs().storage().is_lockable();
    // Where somebody sets it at this very moment, the next run has it.
    if !lockable || repository.retention().is_none() {
        return Ok(None);
    }
    repository.refresh()?;
    let state = repository.state();
    let Some(retention) = repository.retention() else { return Ok(None) };
    let now_ns = repository.log().now_ns();
    let left_ns = witnessed(repository, &state)?;
    if !is_due(left_ns, now_ns, &retention) {
        return Ok(Some(Extended { until_ns: left_ns, ..Extended::default() }));
    }
    let listed = repository.blobs().list("")?;
    let there: Vec<BlobId> = listed.iter().filter_map(|info| BlobId::parse(&info.name)).collect();
    let (witnesses, others): (Vec<BlobId>, Vec<BlobId>) =
        needed(&state, there.iter()).into_iter().partition(is_witness);
    let work = Work { repository, lock: retention.from(now_ns), done: Mutex::default() };
    let threads = repository.blobs().requests_at_once(threads);
    each(&others, threads, stop, |blob| work.extend(blob));
    if work.done.lock().failed == 0 && !stop.is_requested() {
        each(&witnesses, threads, &Stop::default(), |blob| work.extend(blob));
    }
    let mut done = work.done.into_inner();
    let all = done.blobs == (others.len() + witnesses.len()) as u64;
    done.until_ns = all.then_some(work.lock.until_ns);
    Ok(Some(done))
}

fn is_witness(blob: &BlobId) -> bool {
    matches!(blob, BlobId::Format | BlobId::Slot(_))
}

/// Until when the witnesses are locked, all of them; `None` if one is not. In which mode does not matter: a weaker
/// one may have to stay, and is asked to become stronger whenever locks are extended.
fn witnessed(repository: &Repository, state: &State) -> Result<Option<i64>, RepositoryError> {
    let slots = state.slots.keys().map(|id| BlobId::Slot(*id));
    let mut least = i64::MAX;
    for blob in [BlobId::Format].into_iter().chain(slots) {
        let there = repository.blobs().protection(&blob.name())?;
        match there.and_then(|there| there.retention) {
            Some(lock) => least = least.min(lock.until_ns),
            None => return Ok(None),
        }
    }
    Ok(Some(least))
}

/// Whether less than half of a period is left.
fn is_due(until_ns: Option<i64>, now_ns: i64, retention: &Retention) -> bool {
    let half_ns = retention.from(now_ns).until_ns.saturating_sub(now_ns) / 2;
    until_ns.is_none_or(|until| until.saturating_sub(now_ns) < half_ns)
}

struct Work<'r> {
    repository: &'r Repository,
    lock: LockedUntil,
    done: Mutex<Extended>,
}

impl Work<'_> {
    fn extend(&self, blob: &BlobId) {
        let name: BlobName = blob.name();
        let outcome = self.repository.blobs().extend(&name, self.lock);
        let done = &mut *self.done.lock();
        match outcome {
            Ok(mode) => {
                done.blobs += 1;
                done.weaker += u64::from(mode < self.lock.mode);
            }
            Err(error) => {
                done.failed += 1;
                done.why.get_or_insert_with(|| with_causes(&error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::RetentionMode;

    #[test]
    fn locks_are_extended_when_half_of_them_is_over() {
        let retention = Retention { mode: RetentionMode::Governance, seconds: 100 };
        let seconds = |n: i64| n * 1_000_000_000;
        let due = |until| is_due(until, seconds(1_000), &retention);
        assert!(due(None));
        assert!(due(Some(seconds(900))));
        assert!(due(Some(seconds(1_049))));
        assert!(!due(Some(seconds(1_050))));
        assert!(!due(Some(seconds(5_000))));
        assert!(is_due(Some(i64::MIN), i64::MAX, &retention));
    }
}
