//! Where a restore goes, and how it behaves there.

use repo_format::codec::ManifestId;

use super::key::Key;
use crate::model::DriveId;

/// What happens to an item whose name is taken. Folders are merged with those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collisions {
    /// What is there stays; the item is skipped.
    Skip,
    /// What is there stays; the item gets a number.
    Copy,
    /// The item takes the place of the file that is there, which goes to the recycle bin.
    Replace,
}

impl Collisions {
    /// As the journal's key and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Collisions::Skip => "skip",
            Collisions::Copy => "copy",
            Collisions::Replace => "replace",
        }
    }
}

/// Where a restore goes, and how it behaves there.
#[derive(Debug, Clone)]
pub struct RestoreTarget {
    pub drive: DriveId,
    /// Names from the drive's root, joined by `/`; empty or `/` is the root itself. `None` is a new
    /// folder, `Corso_Restore_` and the time.
    pub path: Option<String>,
    pub collisions: Collisions,
    /// Whether permissions are given back. Nobody gets mail for it.
    pub permissions: bool,
    /// Look and report, change nothing.
    pub dry_run: bool,
    /// Go on with an earlier run of the same restore that did not end well, if there was one. Without
    /// it that run is forgotten, and everything is restored once more.
    pub resume: bool,
    /// Files on their way at a time.
    pub threads: usize,
}

impl RestoreTarget {
    /// Into a new folder, with permissions; four files at a time.
    pub fn new(drive: DriveId) -> RestoreTarget {
        RestoreTarget {
            drive,
            path: None,
            collisions: Collisions::Skip,
            permissions: true,
            dry_run: false,
            resume: true,
            threads: 4,
        }
    }

    /// What makes two runs the same restore. The selection is no part of it: a second one goes on from
    /// what the first has done.
    pub(super) fn id(&self, snapshot: &ManifestId) -> Key {
        let path = self.path.as_ref().map(|path| path.trim_matches('/'));
        let parts = [
            "restore",
            &snapshot.to_string(),
            self.drive.as_str(),
            if path.is_some() { "into" } else { "into a new folder" },
            path.unwrap_or_default(),
            self.collisions.name(),
            if self.permissions { "with permissions" } else { "without" },
        ];
        Key::of(&parts.map(str::as_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_is_told_by_where_it_goes_and_how() {
        let id = |target: &RestoreTarget| target.id(&ManifestId::ZERO);
        let new = RestoreTarget::new("b!1".into());
        let root = RestoreTarget { path: Some("/".into()), ..new.clone() };
        assert_ne!(id(&new), id(&root));
        assert_eq!(id(&root), id(&RestoreTarget { path: Some(String::new()), ..new.clone() }));
        assert_ne!(id(&root), id(&RestoreTarget { collisions: Collisions::Copy, ..root.clone() }));
        assert_eq!(id(&root), id(&RestoreTarget { threads: 9, resume: false, ..root.clone() }));
        assert_ne!(id(&new), new.id(&ManifestId([1; 32])));
    }
}
