//! From a storage and a secret to the master key (FMT-1, SLOT-1 to SLOT-4, INIT-1).

use std::collections::BTreeSet;

use super::RepositoryError;
use crate::codec::{MasterKey, RepoId, SlotId};
use crate::format::format_blob;
use crate::format::names::{BlobId, FORMAT, SLOTS};
use crate::format::slot::{self, Secret, Slot, SlotError};
use crate::storage::{BlobInfo, BlobName, Blobs, StorageError};

/// An opened repository's identity and key.
pub(super) struct Unlocked {
    pub repo: RepoId,
    pub master: MasterKey,
    /// The slot that the secret opened.
    pub slot: Slot,
    /// Whether a format blob says which repository it is.
    is_named: bool,
}

impl Unlocked {
    /// A missing format blob comes back from the slot that opened: losing it loses nothing. Who may
    /// not write goes on without. Not before it is known that this is no copy (COPY-2).
    pub fn restore_format_blob(&self, blobs: &Blobs) {
        if !self.is_named && !blobs.is_for_reading() {
            let bytes = format_blob::encode(&self.repo).to_vec();
            if let Err(error) = blobs.put_new(&BlobId::Format.name(), bytes.into()) {
                tracing::warn!(%error, "{FORMAT} is missing and could not be written again");
            }
        }
    }
}

/// The repository that the format blob names; `None` if there is no format blob.
///
/// # Errors
/// `FormatBlob` if it is damaged or of a newer release.
pub(crate) fn format_blob(blobs: &Blobs) -> Result<Option<RepoId>, RepositoryError> {
    let name = BlobId::Format.name();
    match blobs.get_bounded(&name, 4096) {
        Ok(blob) => format_blob::decode(&blob).map(Some).map_err(RepositoryError::FormatBlob),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The repository in a storage, told without a key: by the format blob, or where that is missing or
/// damaged by what the slots agree on.
///
/// # Errors
/// `NotThere`; `FormatBlob` if it is damaged and no slots agree; a newer format; `Foreign`.
pub fn identify(blobs: &Blobs) -> Result<RepoId, RepositoryError> {
    let told = match format_blob(blobs) {
        Ok(Some(repo)) => return Ok(repo),
        Err(RepositoryError::FormatBlob(error)) if !is_newer(&error) => Some(error),
        told => told.map(|_| None)?,
    };
    let mut found = BTreeSet::new();
    for info in blobs.list(SLOTS)? {
        if let Some(id) = slot_id(&info.name)
            && let Ok(slot) = slot::decode(&blobs.get_bounded(&info.name, 4096)?, &id)
        {
            found.insert(slot.repo);
        }
    }
    match (found.pop_first(), found.is_empty(), told) {
        (Some(repo), true, _) => Ok(repo),
        (_, _, Some(error)) => Err(RepositoryError::FormatBlob(error)),
        _ => {
            refuse_foreign(blobs)?;
            Err(RepositoryError::NotThere { location: blobs.storage().location().to_string() })
        }
    }
}

/// Blobs that make a place another tool's repository: the name on object stores, and that in folders.
const FOREIGN: [(&str, &str); 2] = [("kopia.repository", "kopia"), ("kopia.repository.f", "kopia")];

/// Refuses a place that another tool keeps its repository in.
///
/// # Errors
/// `Foreign`; or what keeps the storage from being looked at.
pub(crate) fn refuse_foreign(blobs: &Blobs) -> Result<(), RepositoryError> {
    for (name, tool) in FOREIGN {
        let Ok(name) = BlobName::new(name) else { continue };
        // Read, not just asked for: a server says why it refuses in an answer that has a body.
        match blobs.get_bounded(&name, 1) {
            Err(error) if error.is_not_found() => {}
            Ok(_) | Err(StorageError::TooLarge { .. }) => {
                let location = blobs.storage().location().to_string();
                return Err(RepositoryError::Foreign { location, tool });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// As [`identify`], and `None` where the format blob is damaged and the slots do not agree.
///
/// # Errors
/// As [`identify`].
pub fn identify_if_told(blobs: &Blobs) -> Result<Option<RepoId>, RepositoryError> {
    match identify(blobs) {
        Err(RepositoryError::FormatBlob(error)) if !is_newer(&error) => Ok(None),
        told => told.map(Some),
    }
}

/// What there is to open in a storage.
pub(super) struct Doors {
    format: Result<Option<RepoId>, RepositoryError>,
    slots: Result<Vec<BlobInfo>, StorageError>,
}

impl Doors {
    /// Looks, and writes nothing.
    pub fn of(blobs: &Blobs) -> Doors {
        let (format, slots) = blobs.both(|| format_blob(blobs), || blobs.list(SLOTS));
        Doors { format, slots }
    }

    /// How many slots there seem to be.
    pub fn slots(&self) -> usize {
        self.slots.as_ref().map_or(0, Vec::len)
    }
}

/// Opens a slot of the storage's repository with `secret`.
///
/// A missing format blob is no loss: every slot carries its bytes. Slots of other repositories,
/// left by inits that lost a race, are ignored.
///
/// # Errors
/// `NotThere`, `SlotsLost`, `WrongSecret`, `NoSuchSlot`, or the first slot's damage if no slot opens;
/// `FormatBlobOfOther` where the slots are all of another repository than the format blob.
pub(super) fn unlock(blobs: &Blobs, doors: Doors, secret: &Secret) -> Result<Unlocked, RepositoryError> {
    let (repo, is_there) = match doors.format {
        Ok(repo) => (repo, repo.is_some()),
        // The copies in the slots stand in for a damaged one.
        Err(RepositoryError::FormatBlob(error)) if !is_newer(&error) => {
            tracing::warn!(%error, "{FORMAT} is damaged; its copies in the key slots are used");
            (None, true)
        }
        Err(error) => return Err(error),
    };
    let slots = doors.slots?.into_iter();
    let (slots, ids): (Vec<(BlobName, u64)>, Vec<SlotId>) =
        slots.filter_map(|info| slot_id(&info.name).map(|id| ((info.name, info.size), id))).unzip();
    if slots.is_empty() {
        refuse_foreign(blobs)?;
        let location = blobs.storage().location().to_string();
        return Err(match is_there {
            true => RepositoryError::SlotsLost { location },
            false => RepositoryError::NotThere { location },
        });
    }
    let (mut tried, mut ours) = (0, 0);
    let mut theirs = BTreeSet::new();
    let mut broken = None;
    for (((name, _), id), blob) in slots.iter().zip(&ids).zip(blobs.get_listed(&slots)) {
        let blob = match blob {
            // Dropped since it was listed.
            Err(error) if error.is_not_found() => continue,
            blob => blob?,
        };
        let opened = slot::decode(&blob, id).and_then(|slot| match repo {
            Some(repo) if repo != slot.repo => {
                theirs.insert(slot.repo);
                Ok(None)
            }
            _ if slot.kind != secret.kind() => {
                ours += 1;
                Ok(None)
            }
            _ => {
                (tried, ours) = (tried + 1, ours + 1);
                slot.open(secret).map(|master| Some((slot, master)))
            }
        });
        match opened {
            Ok(Some((slot, master))) => {
                return Ok(Unlocked { repo: slot.repo, master, slot, is_named: repo.is_some() });
            }
            Ok(None) | Err(SlotError::WrongSecret) => {}
            Err(source) => {
                broken.get_or_insert(RepositoryError::Slot { name: name.to_string(), source });
            }
        }
    }
    Err(match (broken, repo, theirs.pop_first()) {
        // Not the secret's fault: no secret opens anything here.
        (None, Some(found), Some(slots)) if ours == 0 => RepositoryError::FormatBlobOfOther { found, slots },
        (Some(broken), ..) => broken,
        _ if tried > 0 => RepositoryError::WrongSecret { slots: tried },
        _ => RepositoryError::NoSuchSlot { kind: secret.kind().name() },
    })
}

/// Which slot a blob's name names; what else lies there is none.
fn slot_id(name: &BlobName) -> Option<SlotId> {
    match BlobId::parse(name)? {
        BlobId::Slot(id) => Some(id),
        _ => None,
    }
}

fn is_newer(error: &format_blob::FormatBlobError) -> bool {
    matches!(error, format_blob::FormatBlobError::Header(header) if header.is_newer())
}
