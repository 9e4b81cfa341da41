//! What a restore would do: the tree is read, no content is, and nothing is written.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use repo_format::repository::Repository;
use repo_format::tree::{Entry, EntryKind};

use crate::args::{OverwriteArg, RestoreArgs};
use crate::cmd::snapshot::place::Found;
use crate::cmd::snapshot::walk::Walk;
use crate::report::summary::RestoreSummary;

/// Counts what would be restored and what would be left as it is.
pub fn plan(repository: &Repository, found: &Found, args: &RestoreArgs) -> anyhow::Result<RestoreSummary> {
    let mut summary = RestoreSummary {
        snapshot_id: found.row.id.to_string(),
        target: args.target.display().to_string(),
        dry_run: true,
        ..RestoreSummary::default()
    };
    let mut count = |place: &Path, entry: &Entry| match (&entry.kind, place.symlink_metadata().ok()) {
        (EntryKind::Folder(_), _) => summary.folders += 1,
        (_, Some(existing)) if !gives_way(&existing, entry, args.overwrite) => summary.skipped += 1,
        (EntryKind::File(_), _) => {
            summary.files += 1;
            summary.bytes += entry.size;
        }
        _ => summary.others += 1,
    };
    match (&found.entry.kind, found.path.last()) {
        (EntryKind::Folder(tree), _) => {
            count(&args.target, &found.entry);
            for entry in Walk::new(repository.contents(), tree, Vec::new(), true)? {
                let (path, entry) = entry?;
                count(&below(&args.target, &path), &entry);
            }
        }
        (_, name) => {
            count(&below(&args.target, name.map(std::slice::from_ref).unwrap_or_default()), &found.entry)
        }
    }
    Ok(summary)
}

/// The place of an entry below the target.
pub fn below(target: &Path, names: &[impl AsRef<[u8]>]) -> PathBuf {
    let names = names.iter().map(|name| OsStr::from_bytes(name.as_ref()));
    std::iter::once(target.as_os_str()).chain(names).collect()
}

/// Whether what is there would give way to an entry that is no folder.
pub fn gives_way(existing: &Metadata, entry: &Entry, overwrite: OverwriteArg) -> bool {
    match overwrite {
        OverwriteArg::Never => false,
        OverwriteArg::Always => true,
        OverwriteArg::IfNewer => {
            let existing_ns = existing.mtime() * 1_000_000_000 + existing.mtime_nsec();
            entry.meta.mtime_ns.is_some_and(|mtime| mtime > existing_ns)
        }
    }
}
