//! One file's bytes in order.

use std::io::Write;

use super::errors::not_stored;
use super::stream::{Flow, stream};
use super::{RestoreError, resolve, shown};
use crate::codec::ManifestId;
use crate::repository::Repository;
use crate::tree::EntryKind;

/// Writes the file at `path` of snapshot `id` to `out`, in order.
///
/// # Errors
/// `NotAFile`; `Item` if a content is damaged everywhere: what was written before is right; `Write` if
/// `out` takes no more.
pub fn cat(
    repository: &Repository,
    id: &ManifestId,
    path: &[Vec<u8>],
    out: &mut dyn Write,
) -> Result<(), RestoreError> {
    let item = |error| RestoreError::Item { path: shown(path), error };
    let (manifest, entry) = resolve(repository, id, path)?;
    let object = match entry.kind {
        EntryKind::File(Some(object)) => object,
        EntryKind::File(None) => {
            let failures = manifest.failures.as_ref();
            return Err(item(not_stored(repository.contents(), failures, &path.join(&b'/'))));
        }
        _ => return Err(RestoreError::NotAFile { path: shown(path) }),
    };
    stream(repository, std::iter::once(((), Some(object))), &mut |flow| match flow {
        Flow::Begin(()) => Ok(()),
        Flow::Bytes(bytes) => out.write_all(&bytes).map_err(RestoreError::Write),
        Flow::End => out.flush().map_err(RestoreError::Write),
        Flow::Broken(error) => Err(item(error)),
    })
}
