//! Rewriting: what is needed of thin packs goes into new ones, and the thin ones are condemned.

use super::MaintenanceError;
use super::MaintenanceOptions;
use super::mark::Marked;
use super::plan::{Plan, Rewrite};
use crate::codec::PackId;
use crate::content::{ContentWriter, WriteContent, WriterOptions};
use crate::engine::progress::{Progress, Stop};
use crate::format::names::BlobId;
use crate::log::{Action, BlobRef};
use crate::pack::{open_frame, read_footer, split_frame};
use crate::repository::{Repository, RepositoryError};
use crate::storage::BLOB_SIZE_BYTES_MAX;

/// Plaintext bytes after which what was copied is committed.
const BATCH: u64 = 256 << 20;

/// What rewriting came to.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    /// The packs that nobody needs any more; all are condemned.
    pub packs: Vec<Rewrite>,
    /// Bytes of the packs written for them.
    pub written_bytes: u64,
    /// Why the rest was left alone.
    pub failed: Option<MaintenanceError>,
}

/// Rewrites the packs that the plan names. What fails leaves a pack as it is: it costs space, and
/// nothing else.
pub(super) fn rewrite(
    repository: &Repository,
    marked: &Marked<'_>,
    plan: &Plan,
    options: &MaintenanceOptions,
    progress: &Progress,
    stop: &Stop,
) -> Rewritten {
    let mut done = Rewritten::default();
    let writer = writer(repository, plan, options);
    let mut batch = Vec::new();
    let mut copied = 0;
    for thin in &plan.rewrite {
        if stop.is_requested() {
            break;
        }
        let step = copy(repository, marked, &writer, thin, progress).and_then(|bytes| {
            batch.push(*thin);
            copied += bytes;
            if copied >= BATCH { commit(repository, &writer, &mut batch, &mut done) } else { Ok(()) }
        });
        match step {
            Ok(()) if batch.is_empty() => copied = 0,
            Ok(()) => {}
            // One pack that does not open leaves the others as good as they are.
            Err(error @ MaintenanceError::Pack { .. }) => drop(done.failed.get_or_insert(error)),
            Err(error) => {
                done.failed = Some(error);
                return done;
            }
        }
    }
    if !batch.is_empty()
        && let Err(error) = commit(repository, &writer, &mut batch, &mut done)
    {
        done.failed.get_or_insert(error);
    }
    done
}

/// A writer that relies on no pack which the plan lets go.
fn writer(repository: &Repository, plan: &Plan, options: &MaintenanceOptions) -> ContentWriter {
    let pack = |blob: &BlobRef| match blob {
        BlobRef::Pack(_, id) => Some(*id),
        _ => None,
    };
    let rewritten = plan.rewrite.iter().map(|thin| thin.pack);
    let unneeded = plan.condemn.iter().filter_map(|(blob, ..)| pack(blob));
    let waiting = plan.waiting.iter().filter_map(|waiting| pack(&waiting.blob));
    let avoided: Vec<PackId> = rewritten.chain(unneeded).chain(waiting).collect();
    let options = WriterOptions { level: options.level, ..WriterOptions::default() };
    repository.writer_avoiding(avoided, options)
}

/// Copies what is needed of a pack, in its order; gives the plaintext bytes.
fn copy(
    repository: &Repository,
    marked: &Marked<'_>,
    writer: &ContentWriter,
    thin: &Rewrite,
    progress: &Progress,
) -> Result<u64, MaintenanceError> {
    let (keys, repo) = (repository.keys(), repository.id());
    let blob = BlobId::Pack(thin.kind, thin.pack);
    let refuse = |source| MaintenanceError::Pack { pack: thin.pack.to_string(), source };
    let bytes = repository.blobs().get_bounded(&blob.name(), BLOB_SIZE_BYTES_MAX)?;
    let pack = read_footer(keys, &repo, thin.kind, &thin.pack, &bytes).map_err(refuse)?;
    let header = pack.header(&repo);
    let mut copied = 0;
    for (index, frame) in (0..).zip(&pack.frames) {
        let mut live = Vec::with_capacity(frame.contents.len());
        for row in &frame.contents {
            live.push(marked.is_live_in(&row.id, &thin.pack)?);
        }
        if !live.contains(&true) {
            continue;
        }
        let raw = open_frame(keys, &header, &frame.seal(index), &bytes[frame.range()]).map_err(refuse)?;
        let contents = split_frame(keys, index, &frame.contents, &raw).map_err(refuse)?;
        for ((row, plaintext), live) in contents.into_iter().zip(live) {
            if live {
                writer.put(row.kind, plaintext).map_err(RepositoryError::from)?;
                copied += plaintext.len() as u64;
            }
        }
    }
    progress.done(0, thin.size);
    Ok(copied)
}

/// Makes the copies true, and condemns in the same record what they were made of.
fn commit(
    repository: &Repository,
    writer: &ContentWriter,
    batch: &mut Vec<Rewrite>,
    done: &mut Rewritten,
) -> Result<(), MaintenanceError> {
    let packs = writer.flush().map_err(RepositoryError::from)?;
    let thin: Vec<BlobRef> = batch.iter().map(|thin| BlobRef::Pack(thin.kind, thin.pack)).collect();
    repository.commit_contents(writer, &packs, || vec![Action::Condemn(thin.clone())])?;
    done.packs.append(batch);
    done.written_bytes = writer.written().stored_bytes;
    Ok(())
}
