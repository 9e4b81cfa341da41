//! What the repository's errors mean for the user.

use std::error::Error;

use repo_format::codec::HeaderError;
use repo_format::content::ContentError;
use repo_format::engine::source::ItemCause;
use repo_format::engine::{BackupError, RestoreError};
use repo_format::format::format_blob::FormatBlobError;
use repo_format::format::slot::SlotError;
use repo_format::index::IndexError;
use repo_format::log::{BlobError, LogError};
use repo_format::maintenance::MaintenanceError;
use repo_format::repair::RepairError;
use repo_format::repository::{RepositoryError, ResolveError};
use repo_format::storage::StorageError;
use repo_format::sync::SyncError;
use repo_format::tree::TreeError;
use repo_format::verify::VerifyError;

use super::Code;
use super::classify::Verdict;

pub(super) const DAMAGED: Verdict =
    (Code::Damage, "run `corso repo verify --level data` to see what is damaged and what it belongs to");
const NEWER: Verdict = (Code::Failed, "use a newer release of corso");
const COPY: Verdict = (
    Code::Failed,
    "use the repository that it is a copy of; if that is lost, `corso repo promote` makes the copy one that \
     can be written to (docs/sync.md)",
);

/// Judges one error of a chain. An error that only passes another one on has no verdict of its own.
pub fn judge(cause: &(dyn Error + 'static)) -> Option<Verdict> {
    None.or_else(|| cause.downcast_ref().and_then(of_backup))
        .or_else(|| cause.downcast_ref().and_then(of_restore))
        .or_else(|| cause.downcast_ref().and_then(of_resolve))
        .or_else(|| cause.downcast_ref().and_then(of_repository))
        .or_else(|| cause.downcast_ref().and_then(of_maintenance))
        .or_else(|| cause.downcast_ref().and_then(of_repair))
        .or_else(|| cause.downcast_ref().and_then(of_sync))
        .or_else(|| cause.downcast_ref().and_then(of_verify))
        .or_else(|| cause.downcast_ref().and_then(of_log))
        .or_else(|| cause.downcast_ref().and_then(of_tree))
        .or_else(|| cause.downcast_ref().and_then(of_content))
        .or_else(|| cause.downcast_ref().and_then(of_index))
        .or_else(|| cause.downcast_ref().map(of_storage))
}

pub(super) fn of_backup(error: &BackupError) -> Option<Verdict> {
    match error {
        BackupError::Source(_) => Some((Code::Failed, "check that the path is there and may be read")),
        BackupError::Content(error) => of_content(error),
        BackupError::Tree(error) => of_tree(error),
        BackupError::Repository(error) => of_repository(error),
        _ => None,
    }
}

pub(super) fn of_restore(error: &RestoreError) -> Option<Verdict> {
    Some(match error {
        RestoreError::NoSuchPath { .. } => {
            (Code::NothingMatched, "see what there is with `corso snapshot ls ID`")
        }
        RestoreError::Ambiguous { .. } | RestoreError::NotAFile { .. } => {
            (Code::Usage, "see what is there with `corso snapshot ls ID:PATH --long`")
        }
        RestoreError::Item { error, .. } if error.cause == ItemCause::Lost => {
            (Code::Damage, "look for it in another snapshot with `corso snapshot find`")
        }
        RestoreError::Stopped => (Code::Interrupted, "run the command again"),
        RestoreError::Repository(error) => return of_repository(error),
        RestoreError::Tree(error) => return of_tree(error),
        RestoreError::Content(error) => return of_content(error),
        _ => return None,
    })
}

fn of_resolve(error: &ResolveError) -> Option<Verdict> {
    Some(match error {
        ResolveError::NoMatch { .. } => {
            (Code::NothingMatched, "`corso snapshot list --all` shows the snapshots there are")
        }
        ResolveError::None => (Code::NothingMatched, "make one with `corso snapshot create PATH`"),
        ResolveError::Ambiguous { .. } => (Code::Usage, "give more digits of the ID"),
        ResolveError::Malformed { .. } => (Code::Usage, "`corso snapshot list` shows IDs"),
        ResolveError::Repository(error) => return of_repository(error),
    })
}

pub(super) fn of_repository(error: &RepositoryError) -> Option<Verdict> {
    Some(match error {
        RepositoryError::NotThere { .. } => {
            (Code::NoRepository, "check the location, or make a repository there with `corso repo init`")
        }
        RepositoryError::Foreign { .. } => (
            Code::NoRepository,
            "make one elsewhere: in a folder, a bucket or a prefix of its own (docs/migrating.md)",
        ),
        RepositoryError::SlotsLost { .. } => (
            Code::Damage,
            "put the blobs below keys/ back from a copy of the repository; without one of them nothing opens it",
        ),
        RepositoryError::LogLost { .. } => (
            Code::Damage,
            "put log/ and catalog/ back from a copy of the repository; without one, `corso repo repair log` begins \
             a new log and finds the snapshots again",
        ),
        RepositoryError::AlreadyThere { .. } => {
            (Code::Failed, "use it with `corso repo connect`, or choose another location or --prefix")
        }
        RepositoryError::Copy { .. } => COPY,
        RepositoryError::CopyUnfinished { .. } => {
            (Code::NoRepository, "run `corso repo sync` to its end; it goes on from where it was")
        }
        RepositoryError::CopyMarker(_) => NEWER,
        RepositoryError::WrongSecret { .. } => {
            (Code::WrongSecret, "check the passphrase; the recovery key opens it too (--recovery-key-file)")
        }
        RepositoryError::NoSuchSlot { .. } => (
            Code::WrongSecret,
            "use the kind of secret that the repository was given: passphrase, \
                                 --key-file or --recovery-key-file",
        ),
        RepositoryError::FormatBlob(FormatBlobError::Header(header))
        | RepositoryError::Slot { source: SlotError::Header(header), .. } => of_header(header),
        RepositoryError::FormatBlob(_) => DAMAGED,
        RepositoryError::FormatBlobOfOther { .. } => (
            Code::Damage,
            "delete corso.format if it was put there by mistake: the next command writes the right one from a key \
             slot; or put the blobs below keys/ back from a copy of the repository",
        ),
        RepositoryError::Slot { .. } => (
            Code::Damage,
            "use another of the repository's secrets (--recovery-key-file), or put the blob back from a copy",
        ),
        RepositoryError::SlotNotKept { .. } => (Code::Failed, "try again; the storage may be failing"),
        RepositoryError::LastSlot { .. } => (Code::Usage, "add another with `corso repo key add` first"),
        RepositoryError::UnknownSlot { .. } => {
            (Code::NothingMatched, "`corso repo key list` shows the slots there are")
        }
        RepositoryError::UnknownSplitter => NEWER,
        RepositoryError::Invalid(_)
        | RepositoryError::Unseen(_)
        | RepositoryError::PackLost { .. }
        | RepositoryError::CoverageOvertaken { .. }
        | RepositoryError::SegmentsTaken => (Code::Failed, "run the command again"),
        RepositoryError::UnknownSnapshot { .. } => {
            (Code::NothingMatched, "`corso snapshot list --all` shows the snapshots there are")
        }
        RepositoryError::NotForgotten { .. } => {
            (Code::Usage, "`corso snapshot list --forgotten` shows those that can be recalled")
        }
        RepositoryError::Reclaimed { .. } => {
            (Code::Failed, "nothing was changed; what is left can be read with --at, before it was forgotten")
        }
        RepositoryError::NoLocks { .. } => (
            Code::Failed,
            "use a bucket that was made with object lock (docs/storages.md), or leave the retention away",
        ),
        RepositoryError::LocksUnknown { .. } => (
            Code::Failed,
            "use keys with the right s3:GetBucketObjectLockConfiguration for this (docs/storages.md)",
        ),
        RepositoryError::Policy(_) => {
            (Code::Failed, "use a newer release of corso, or `corso policy remove` it and set it anew")
        }
        RepositoryError::Tree(error) => return of_tree(error),
        RepositoryError::Log(error) => return of_log(error),
        RepositoryError::Storage(error) => of_storage(error),
        RepositoryError::Content(error) => return of_content(error),
        RepositoryError::Index(error) => return of_index(error),
        _ => return None,
    })
}

fn of_maintenance(error: &MaintenanceError) -> Option<Verdict> {
    Some(match error {
        MaintenanceError::Unreadable(_) => (
            Code::Damage,
            "run `corso repo verify` to see what is lost, and repair it or forget the snapshots that need it",
        ),
        MaintenanceError::Held(hold) if hold.found => (
            Code::Damage,
            "run `corso repo verify --level data`; once it has found everything whole, space is given back again",
        ),
        MaintenanceError::Held(_) => (Code::Damage, "run `corso repo repair log --yes` to its end"),
        MaintenanceError::Overtaken { .. } => {
            (Code::Failed, "run it again when no other maintenance runs on the repository")
        }
        MaintenanceError::Marks { .. } => (Code::Failed, "name a folder with room with --cache-dir"),
        MaintenanceError::VerificationMap(error) => return of_content(error),
        MaintenanceError::Pack { .. } => DAMAGED,
        MaintenanceError::Repository(error) => return of_repository(error),
        MaintenanceError::Storage(error) => of_storage(error),
        MaintenanceError::Log(error) => return of_log(error),
        MaintenanceError::Index(error) => return of_index(error),
        _ => return None,
    })
}

fn of_verify(error: &VerifyError) -> Option<Verdict> {
    match error {
        VerifyError::Repository(error) => of_repository(error),
        VerifyError::List(error) => Some(of_storage(error)),
        _ => None,
    }
}

fn of_repair(error: &RepairError) -> Option<Verdict> {
    Some(match error {
        RepairError::Repository(error) => return of_repository(error),
        RepairError::Storage(error) => of_storage(error),
        RepairError::Content(error) => return of_content(error),
        RepairError::Tree(error) => return of_tree(error),
        RepairError::Log(error) => return of_log(error),
        RepairError::Index(error) => return of_index(error),
        RepairError::Maintenance(error) => return of_maintenance(error),
        RepairError::Overtaken { .. } => (Code::Failed, "run it again when nothing else uses the repository"),
        _ => return None,
    })
}

fn of_sync(error: &SyncError) -> Option<Verdict> {
    Some(match error {
        SyncError::SameStorage { .. } => (Code::Usage, "name another place with --to"),
        SyncError::NotACopy { .. } => (
            Code::Failed,
            "choose an empty place; nothing is copied to a repository that is written to (docs/sync.md)",
        ),
        SyncError::OtherRepository { .. } => (Code::History, "name another place with --to"),
        SyncError::Marker { .. } => (
            Code::Damage,
            "make a new copy in an empty place; what is in this one can be read, and `corso repo promote` works",
        ),
        SyncError::Promoted { .. } | SyncError::Diverged { .. } => (
            Code::History,
            "write to one of the two only (docs/sync.md), and make a new copy of that one in an empty place",
        ),
        SyncError::PromotionBegun { .. } => (
            Code::History,
            "`corso repo promote` ends it; or make a new copy in an empty place (docs/sync.md)",
        ),
        SyncError::Behind { .. } => (
            Code::History,
            "find out who put an older repository there or deleted records; the copy has what is newer",
        ),
        SyncError::Empty { .. } => (Code::NoRepository, "finish its `corso repo init` first"),
        SyncError::Busy { .. } => {
            (Code::Failed, "run it again when less is going on; what was copied is kept")
        }
        SyncError::NotReplaced { .. } => (Code::Failed, "the copy's storage may be failing: look at its log"),
        SyncError::NothingToPromote { .. } => (Code::Usage, "name the copy with --repo"),
        SyncError::NotWhole { .. } => (
            Code::Damage,
            "run `corso repo sync` once more if the repository is still there; else promote it with --force",
        ),
        SyncError::Unknown { .. } => (Code::Damage, "run `corso repo verify` on the copy"),
        SyncError::Repository(error) => return of_repository(error),
        SyncError::Log(error) => return of_log(error),
        SyncError::Index(error) => return of_index(error),
        // The source says more.
        _ => return None,
    })
}

fn of_header(error: &HeaderError) -> Verdict {
    if error.is_newer() { NEWER } else { DAMAGED }
}

fn of_log(error: &LogError) -> Option<Verdict> {
    Some(match error {
        LogError::Storage(error) => of_storage(error),
        LogError::Blob { source: BlobError::Header(header), .. } => of_header(header),
        LogError::Blob { .. } | LogError::Rows { .. } | LogError::Missing { .. } | LogError::Chain { .. } => {
            (
                Code::Damage,
                "put the blob back from a copy of the repository; without one, see what `corso repo repair log` can do",
            )
        }
        LogError::NoRoom { .. } => (Code::Damage, "no client makes such a blob: remove it from the storage"),
        LogError::Empty => {
            (Code::NoRepository, "run `corso repo init` once more; it completes what was begun")
        }
        LogError::NotKept { .. } => (Code::NothingMatched, "`corso repo status` shows the newest revision"),
        LogError::Unsupported { .. } => NEWER,
        LogError::RolledBack { .. } => (
            Code::History,
            "this is an older copy, or somebody deleted records; if you know why, go on with --accept-rollback, or \
             behind what was deleted with `corso repo repair log`",
        ),
        LogError::Forked { .. } => (
            Code::History,
            "somebody replaced records, or this is another copy; if you know why, go on with --accept-rollback",
        ),
        LogError::Broken { .. } => (
            Code::Damage,
            "put the blob back from a copy of the repository; without one, see what `corso repo repair log` can do",
        ),
        LogError::Copy => COPY,
        LogError::ReadOnly => (Code::Usage, "leave --at away"),
        _ => return None,
    })
}

fn of_tree(error: &TreeError) -> Option<Verdict> {
    match error {
        TreeError::Content(error) => of_content(error),
        TreeError::Name { .. } => Some((Code::Usage, "no entry can have such a name")),
        TreeError::StoredName { .. } | TreeError::StoredEntry { .. } => Some(DAMAGED),
        _ => None,
    }
}

pub(super) fn of_content(error: &ContentError) -> Option<Verdict> {
    match error {
        // The source says more.
        ContentError::Storage(_) => None,
        ContentError::Index(error) => of_index(error),
        ContentError::WriterFailed(error) => of_content(error),
        ContentError::SelfCheck { .. } => Some((Code::Failed, "test this machine's memory")),
        ContentError::GivenUp => Some((
            Code::Failed,
            "nothing was committed of it; give the command again, and please report this",
        )),
        _ => Some(DAMAGED),
    }
}

fn of_index(error: &IndexError) -> Option<Verdict> {
    match error {
        // The source says more.
        IndexError::Fetch { .. } => None,
        _ => Some(DAMAGED),
    }
}

fn of_storage(error: &StorageError) -> Verdict {
    match error {
        StorageError::LocationMissing { .. } => (
            Code::NoRepository,
            "check the location's spelling, and that the disk is mounted or the bucket made",
        ),
        StorageError::Denied { .. } => (
            Code::Failed,
            "check the permissions, or the keys in AWS_…, AZURE_… or GOOGLE_APPLICATION_CREDENTIALS",
        ),
        StorageError::MayNotDelete { .. } => (
            Code::Failed,
            "nothing is lost; run it with keys that may delete (s3:DeleteObject on S3; a folder must be writable): \
             docs/storages.md",
        ),
        StorageError::MissingProperty { .. } => {
            (Code::Failed, "choose another storage (docs/storages.md names what a storage must do)")
        }
        StorageError::Full { .. } => {
            (Code::Failed, "make space and run the same command again; what was committed is kept and used")
        }
        StorageError::ForReading { .. } => COPY,
        StorageError::ReadOnly { .. } => (Code::Failed, "mount it writable and run the same command again"),
        StorageError::TimedOut { .. } | StorageError::Throttled { .. } | StorageError::Unreachable { .. } => {
            (
                Code::Failed,
                "check the network and run the same command again; --retries and \
                            --request-timeout say how patient to be",
            )
        }
        StorageError::Server { .. } => {
            (Code::Failed, "look at the server's log, and run the same command again")
        }
        StorageError::WrongLength { .. } | StorageError::TooLarge { .. } | StorageError::NotFound { .. } => {
            (Code::Damage, "run `corso repo verify --level blobs` to see what is damaged")
        }
        StorageError::Io { .. } => {
            (Code::Failed, "check the path; if it is right, look at the system's log for a failing disk")
        }
        StorageError::Unsynced { .. } => {
            (Code::Failed, "the disk may be failing: look at the system's log before the next run")
        }
        StorageError::Location(_) => (Code::Usage, "correct the location"),
        StorageError::Setup { .. } => (
            Code::Failed,
            "check AWS_…, AZURE_… or GOOGLE_APPLICATION_CREDENTIALS, the profile, and --ca-file",
        ),
        _ => (Code::Failed, "run again with -vv for what the storage said"),
    }
}
