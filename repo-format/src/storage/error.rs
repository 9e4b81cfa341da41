//! What can go wrong with a storage, told apart by what one can do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use object_store::client::{HttpError, HttpErrorKind};

use super::folder::FolderError;
use super::location::{Location, LocationError};
use super::network::{NoIdentity, ServerFailure};

/// What lies under a storage error.
pub type Cause = Box<dyn Error + Send + Sync + 'static>;

/// What a repository needs from a storage; the probe names the one that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Property {
    /// Two that create one name: exactly one wins, and the winner's bytes stay.
    CreateIfAbsent,
    /// What was written can be read at once, and what was deleted cannot.
    ReadAfterWrite,
    /// What was written is listed at once, and what was deleted is not.
    ListConsistency,
    /// Listings come in byte order and can start after a name.
    OrderedListing,
    /// A part of a blob can be read by itself.
    RangeReads,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Property::CreateIfAbsent => "create-if-absent",
            Property::ReadAfterWrite => "read-after-write consistency",
            Property::ListConsistency => "list consistency",
            Property::OrderedListing => "ordered listings",
            Property::RangeReads => "range reads",
        })
    }
}

/// Why a storage did not do what it was asked. `name` is the blob or the listed prefix.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// There is no such blob.
    #[error("{name} is not in the storage")]
    NotFound { name: String },
    /// The folder, bucket or container itself is not there.
    #[error("there is no {location}")]
    LocationMissing { location: String, source: Option<Cause> },
    /// The storage knows us and refuses, or does not know us.
    #[error("the storage denies access to {name}")]
    Denied { name: String, source: Cause },
    /// The storage knows us, and lets us delete nothing: a right that backups do without.
    #[error("the storage does not let this client delete {name}")]
    MayNotDelete { name: String, source: Cause },
    /// The storage cannot hold a repository. Choosing another one is the only remedy.
    #[error("the storage lacks {property}, which a repository needs: {detail}")]
    MissingProperty { property: Property, detail: String },
    /// No space or no quota is left.
    #[error("the storage is full, {name} was not written")]
    Full { name: String, source: Cause },
    /// The storage was opened for reading only.
    #[error("the storage is open for reading only, {name} was not changed")]
    ForReading { name: String },
    /// The folder is mounted read-only.
    #[error("the storage is read-only, {name} was not changed")]
    ReadOnly { name: String, source: Cause },
    /// No answer in time. A blob may have been written all the same.
    #[error("no answer for {name} within {} s", after.as_secs())]
    TimedOut { name: String, after: Duration },
    /// The storage asks for fewer requests.
    #[error("the storage throttles, {name} has to wait")]
    Throttled { name: String, retry_after: Option<Duration>, source: Cause },
    /// No connection, or one that broke. A blob may have been written all the same.
    #[error("the storage cannot be reached for {name}")]
    Unreachable { name: String, source: Cause },
    /// The server failed by its own account. A blob may have been written all the same.
    #[error("the storage failed at {name} with status {status}")]
    Server { name: String, status: u16, source: Cause },
    /// A blob is larger than asked for or than any blob may be. It was not read.
    #[error("{name} has {size} bytes, more than {max}")]
    TooLarge { name: String, size: u64, max: u64 },
    /// The answer has another length than was announced or asked for.
    #[error("{name} answered with {got} bytes instead of {expected}")]
    WrongLength { name: String, expected: u64, got: u64 },
    /// The disk could not promise to keep it. Not repeated: a second sync that succeeds proves
    /// nothing about the bytes that the first one lost.
    #[error("{name} could not be synced to disk")]
    Unsynced { name: String, source: Cause },
    /// Reading or writing a folder failed otherwise.
    #[error("input or output failed at {name}")]
    Io { name: String, source: Cause },
    /// The storage refused for a reason of its own; its answer is in the source.
    #[error("the storage refused {name}")]
    Refused { name: String, source: Cause },
    /// The location cannot be used as it is written.
    #[error("the storage location cannot be used")]
    Location(#[from] LocationError),
    /// Credentials or certificates cannot be used, or there are none.
    #[error("the storage cannot be set up: {what}")]
    Setup { what: String, source: Option<Cause> },
}

impl StorageError {
    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        use StorageError::*;
        match self {
            TimedOut { .. } | Throttled { .. } | Unreachable { .. } => true,
            // "Not implemented" stays so.
            Server { status, .. } => *status != 501,
            _ => false,
        }
    }

    /// Whether the blob is not there whole: gone, shorter than what was asked of it, or larger than it can be.
    pub fn is_lost(&self) -> bool {
        use StorageError::*;
        matches!(self, NotFound { .. } | WrongLength { .. } | TooLarge { .. })
    }

    /// Whether the blob is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, StorageError::NotFound { .. })
    }

    /// Whether `error`, or what it came from, is a storage without room.
    pub fn is_full_within(error: &(dyn Error + 'static)) -> bool {
        std::iter::successors(Some(error), |error| (*error).source())
            .filter_map(|error| error.downcast_ref::<StorageError>())
            .any(|error| matches!(error, StorageError::Full { .. }))
    }

    /// The same failure, of a deletion: the right to it is one of its own.
    pub(super) fn of_deletion(self) -> StorageError {
        match self {
            StorageError::Denied { name, source } => StorageError::MayNotDelete { name, source },
            error => error,
        }
    }

    /// The pause that the server asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            StorageError::Throttled { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Sorts a failure of the layer below. `name` is what was asked for.
    pub(super) fn from_store(location: &Location, name: &str, error: object_store::Error) -> StorageError {
        let name = name.to_string();
        if let object_store::Error::NotFound { .. } = &error {
            return StorageError::NotFound { name };
        }
        use object_store::Error as E;
        if matches!(error, E::PermissionDenied { .. } | E::Unauthenticated { .. }) {
            return StorageError::Denied { name, source: error.into() };
        }
        let told = Told::by(&error);
        match Origin::of(&error) {
            Origin::Unsynced => StorageError::Unsynced { name, source: told.into() },
            Origin::NoCreateIfAbsent => {
                StorageError::MissingProperty { property: Property::CreateIfAbsent, detail: told.0 }
            }
            Origin::NoIdentity => StorageError::Setup {
                what: "no credentials were found, and this machine has no identity".to_string(),
                source: Some(told.into()),
            },
            Origin::Server(failure) => from_server(location, name, failure),
            Origin::Http(HttpErrorKind::Connect | HttpErrorKind::Request)
            | Origin::Http(HttpErrorKind::Timeout | HttpErrorKind::Interrupted) => {
                StorageError::Unreachable { name, source: told.into() }
            }
            Origin::Io(kind) => from_io(name, kind, told.into()),
            Origin::Http(_) | Origin::Unknown => StorageError::Refused { name, source: told.into() },
        }
    }
}

/// Codes that come with status 400, and are about who asks. Amazon's.
const DENIED_CODES: [&str; 4] = ["ExpiredToken", "InvalidToken", "InvalidSecurity", "TokenRefreshRequired"];

fn from_server(location: &Location, name: String, failure: ServerFailure) -> StorageError {
    let (status, retry_after) = (failure.status, failure.retry_after);
    match (status, failure.code.as_str()) {
        (401 | 403, _) => StorageError::Denied { name, source: failure.into() },
        (400, code) if DENIED_CODES.contains(&code) => StorageError::Denied { name, source: failure.into() },
        (404, _) => {
            StorageError::LocationMissing { location: location.to_string(), source: Some(failure.into()) }
        }
        (429 | 503, _) => StorageError::Throttled { name, retry_after, source: failure.into() },
        (507, _) => StorageError::Full { name, source: failure.into() },
        // The bytes of an upload did not come in time.
        (400, "RequestTimeout") | (408 | 500.., _) => {
            StorageError::Server { name, status, source: failure.into() }
        }
        _ => StorageError::Refused { name, source: failure.into() },
    }
}

/// What the layers below said, once: each of object_store's errors says what its source says, too.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Told(String);

impl Told {
    fn by(error: &object_store::Error) -> Told {
        let chain = std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
        let messages: Vec<String> = chain.map(ToString::to_string).collect();
        let next = messages.iter().skip(1).map(Some).chain([None]);
        let repeats = |message: &str, next: Option<&String>| next.is_some_and(|next| message.contains(next));
        let told = messages.iter().zip(next).filter(|(message, next)| !repeats(message, *next));
        Told(told.map(|(message, _)| message.as_str()).collect::<Vec<_>>().join(": "))
    }
}

fn from_io(name: String, kind: io::ErrorKind, source: Cause) -> StorageError {
    use io::ErrorKind::*;
    match kind {
        StorageFull | QuotaExceeded | FileTooLarge => StorageError::Full { name, source },
        ReadOnlyFilesystem => StorageError::ReadOnly { name, source },
        PermissionDenied => StorageError::Denied { name, source },
        TimedOut | ConnectionReset | ConnectionAborted | ConnectionRefused | BrokenPipe | HostUnreachable
        | NetworkUnreachable => StorageError::Unreachable { name, source },
        _ => StorageError::Io { name, source },
    }
}

/// The innermost thing that says something definite about a failure.
enum Origin {
    Unsynced,
    NoCreateIfAbsent,
    NoIdentity,
    Server(ServerFailure),
    Http(HttpErrorKind),
    Io(io::ErrorKind),
    Unknown,
}

impl Origin {
    fn of(error: &object_store::Error) -> Origin {
        let mut found = Origin::Unknown;
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(failure) = error.downcast_ref::<ServerFailure>() {
                return Origin::Server(failure.clone());
            }
            if error.is::<NoIdentity>() {
                return Origin::NoIdentity;
            }
            match error.downcast_ref::<FolderError>() {
                Some(FolderError::Unsynced { .. } | FolderError::Distrusted { .. }) => {
                    return Origin::Unsynced;
                }
                Some(FolderError::NoCreateIfAbsent { .. }) => return Origin::NoCreateIfAbsent,
                _ => {}
            }
            if let Some(http) = error.downcast_ref::<HttpError>() {
                found = Origin::Http(http.kind());
            } else if let (Origin::Unknown, Some(io)) = (&found, error.downcast_ref::<io::Error>()) {
                found = Origin::Io(io.kind());
            }
            next = error.source();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_errno(errno: i32) -> StorageError {
        let source = io::Error::from_raw_os_error(errno);
        let error = FolderError::Io { path: "/blob".into(), source };
        StorageError::from_store(&Location::Memory, "blob", error.into())
    }

    #[test]
    fn what_a_kernel_says_is_told_apart() {
        use rustix::io::Errno;
        let full = [Errno::NOSPC, Errno::DQUOT, Errno::FBIG];
        for errno in full {
            assert!(matches!(of_errno(errno.raw_os_error()), StorageError::Full { .. }), "{errno}");
        }
        let of = |errno: Errno| of_errno(errno.raw_os_error());
        assert!(matches!(of(Errno::ROFS), StorageError::ReadOnly { .. }));
        assert!(matches!(of(Errno::ACCESS), StorageError::Denied { .. }));
        let broken = of(Errno::IO);
        assert!(matches!(broken, StorageError::Io { .. }) && !broken.is_transient());
    }

    #[test]
    fn a_folder_that_lost_a_sync_stays_unsynced() {
        let error = FolderError::Distrusted { path: "/folder".into() };
        let error = StorageError::from_store(&Location::Memory, "blob", error.into());
        assert!(matches!(error, StorageError::Unsynced { .. }) && !error.is_transient());
    }
}
