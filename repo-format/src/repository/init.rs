//! Making a repository (INIT-1): a slot, the format blob, the first record.

use zeroize::Zeroizing;

use super::retention;
use super::unlock::{Doors, format_blob, refuse_foreign, unlock};
use super::{OpenOptions, Repository, RepositoryError, copy_marker};
use crate::codec::{MasterKey, RepoId, SlotId, SplitterSizes, random_bytes};
use crate::format::names::{BlobId, PACKS, SLOTS};
use crate::format::slot::{self, KdfCost, Secret};
use crate::format::{format_blob as format, recovery_key};
use crate::log::{Genesis, Log, SlotInfo};
use crate::storage::{Blobs, Put, Retain, Retention};

/// What a new repository is made with.
#[derive(Debug)]
pub struct InitOptions {
    /// What will open it.
    pub secret: Secret,
    /// How the secret's slot is called in lists.
    pub label: String,
    /// What trying a passphrase costs.
    pub cost: KdfCost,
    /// Whether a recovery key is made as well.
    pub recovery_key: bool,
    /// How long blobs are locked against deletion, if they are.
    pub retention: Option<Retention>,
    /// How files are cut; cannot be changed later.
    pub splitter: SplitterSizes,
    pub open: OpenOptions,
}

/// A new repository.
pub struct Initialised {
    pub repository: Repository,
    /// The recovery key's text, shown to the user once and kept nowhere.
    pub recovery_key: Option<Zeroizing<String>>,
}

impl Repository {
    /// Makes a repository in an empty storage, or completes one whose init was interrupted, if
    /// `options.secret` opens it.
    ///
    /// # Errors
    /// `AlreadyThere` if a finished repository is there, or another process was faster; `Foreign` in
    /// another tool's place; `Copy` where a copy is; what the storage lacks.
    pub fn init(blobs: Blobs, options: InitOptions) -> Result<Initialised, RepositoryError> {
        let location = blobs.storage().location().to_string();
        let already = |found| RepositoryError::AlreadyThere { location: location.clone(), found };
        // Before anything is written there.
        refuse_foreign(&blobs)?;
        let refuse_copy = || match copy_marker(&blobs)? {
            Some(_) => Err(RepositoryError::Copy { location: location.clone() }),
            None => Ok(()),
        };
        refuse_copy()?;
        blobs.probe()?;
        if let Some(retention) = options.retention {
            retention::check_lockable(&blobs)?;
            let clock = options.open.clock();
            blobs.retain(Some(Retain { retention, clock }));
        }
        if let Some(found) = format_blob(&blobs)? {
            // Whoever copies may have begun since; the marker came before the format blob then.
            refuse_copy()?;
            if blobs.size(&BlobId::Record(1).name())?.is_some() || has_catalog(&blobs)? {
                return Err(already(found));
            }
            return Self::complete(blobs, options).map_err(|error| match error {
                RepositoryError::WrongSecret { .. } | RepositoryError::NoSuchSlot { .. } => already(found),
                other => other,
            });
        }
        let (repo, master) = (RepoId::random()?, MasterKey::random()?);
        let mut slots =
            vec![write_slot(&blobs, &repo, &master, &options.secret, &options.label, options.cost)?];
        let mut recovery = None;
        if options.recovery_key {
            let key = Zeroizing::new(random_bytes()?);
            recovery = Some(recovery_key::encode(&key));
            let secret = Secret::RecoveryKey(key);
            slots.push(write_slot(&blobs, &repo, &master, &secret, "recovery key", options.cost)?);
        }
        // This create decides between inits that race.
        let blob = format::encode(&repo).to_vec();
        if let Put::Theirs(theirs) = blobs.put_new(&BlobId::Format.name(), blob.into())? {
            let found = format::decode(&theirs).map_err(RepositoryError::FormatBlob)?;
            for slot in &slots {
                // Ignored by everybody; removing it is tidiness.
                let _ = blobs.delete(&BlobId::Slot(slot.id).name());
            }
            return Err(already(found));
        }
        let parameters = retention::parameters(options.retention);
        let genesis = Genesis { splitter: options.splitter, slots, parameters };
        let keys = std::sync::Arc::new(master.subkeys());
        let log_options = options.open.log_options(&blobs, &repo);
        let log = Log::create(blobs.clone(), keys.clone(), repo, log_options, &genesis)?;
        let repository = Repository::assemble(blobs, keys, repo, log, options.open, master, None)?;
        Ok(Initialised { repository, recovery_key: recovery })
    }

    /// Writes the first record of an init that ended after the format blob.
    fn complete(blobs: Blobs, options: InitOptions) -> Result<Initialised, RepositoryError> {
        refuse_lost_log(&blobs)?;
        let unlocked = unlock(&blobs, Doors::of(&blobs), &options.secret)?;
        let (repo, keys) = (unlocked.repo, std::sync::Arc::new(unlocked.master.subkeys()));
        let slots = found_slots(&blobs, &repo)?;
        let parameters = retention::parameters(options.retention);
        let genesis = Genesis { splitter: options.splitter, slots, parameters };
        let log_options = options.open.log_options(&blobs, &repo);
        let log = Log::create(blobs.clone(), keys.clone(), repo, log_options, &genesis)?;
        let repository = Repository::assemble(
            blobs,
            keys,
            repo,
            log,
            options.open,
            unlocked.master,
            Some(unlocked.slot.id),
        )?;
        Ok(Initialised { repository, recovery_key: None })
    }

    /// Completes an init that ended before its first record, with default parameters: what whoever
    /// opens a slot of it does.
    pub(super) fn complete_on_open(
        blobs: &Blobs,
        repo: &RepoId,
        keys: std::sync::Arc<crate::codec::Subkeys>,
        options: &OpenOptions,
    ) -> Result<Log, RepositoryError> {
        refuse_lost_log(blobs)?;
        let slots = found_slots(blobs, repo)?;
        let genesis = Genesis { splitter: SplitterSizes::DEFAULT, slots, parameters: Vec::new() };
        let log_options = options.log_options(blobs, repo);
        Ok(Log::create(blobs.clone(), keys, *repo, log_options, &genesis)?)
    }
}

pub(super) fn has_catalog(blobs: &Blobs) -> Result<bool, RepositoryError> {
    Ok(!blobs.list_after(crate::format::names::CATALOGS, "", 1)?.is_empty())
}

/// Packs are written behind the first record only: where they are, a log was.
///
/// # Errors
/// `LogLost`.
pub(super) fn refuse_lost_log(blobs: &Blobs) -> Result<(), RepositoryError> {
    match blobs.list_after(PACKS, "", 1)?.is_empty() {
        true => Ok(()),
        false => Err(RepositoryError::LogLost { location: blobs.storage().location().to_string() }),
    }
}

/// The slots of a repository that the storage holds, before any record names them.
pub(super) fn found_slots(blobs: &Blobs, repo: &RepoId) -> Result<Vec<SlotInfo>, RepositoryError> {
    let mut slots = Vec::new();
    for info in blobs.list(SLOTS)? {
        if let Some(BlobId::Slot(id)) = BlobId::parse(&info.name)
            && let Ok(slot) = slot::decode(&blobs.get_bounded(&info.name, 4096)?, &id)
            && slot.repo == *repo
        {
            slots.push(SlotInfo { id: slot.id, kind: slot.kind, label: slot.kind.name().into() });
        }
    }
    Ok(slots)
}

/// Writes a slot, reads it back and opens it, so that no secret is trusted that does not work.
///
/// # Errors
/// `SlotNotKept` if what was read does not open.
pub(super) fn write_slot(
    blobs: &Blobs,
    repo: &RepoId,
    master: &MasterKey,
    secret: &Secret,
    label: &str,
    cost: KdfCost,
) -> Result<SlotInfo, RepositoryError> {
    let id = SlotId::random()?;
    let name = BlobId::Slot(id).name();
    let refused = |source| RepositoryError::Slot { name: name.to_string(), source };
    let blob =
        slot::create(&id, repo, master, secret, cost, [random_bytes()?, random_bytes()?]).map_err(refused)?;
    blobs.put_new(&name, blob.into())?;
    let kept = slot::decode(&blobs.get_bounded(&name, 4096)?, &id)
        .and_then(|slot| slot.open(secret))
        .map_err(refused)?;
    if kept.expose() != master.expose() {
        return Err(RepositoryError::SlotNotKept { slot: id });
    }
    Ok(SlotInfo { id, kind: secret.kind(), label: label.to_owned() })
}
