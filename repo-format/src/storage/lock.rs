//! Blobs that cannot be deleted for a time: what a bucket with object lock is asked for.
//!
//! A blob is *locked until* a time by its retention, which it gets with the put itself; it can be extended and
//! not be shortened. Deleting the name of a locked blob only hides it, so whoever wants its space back waits.

use async_trait::async_trait;
use object_store::{Extensions, PutMode, PutOptions};

use super::error::StorageError;
use super::name::BlobName;
use super::open::Storage;
use super::read::if_there;

/// How strongly a blob is locked; the later one is the stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetentionMode {
    /// Whoever has a right of its own can lift it.
    Governance,
    /// Nobody can lift it, the owner of the account included.
    Compliance,
}

impl RetentionMode {
    /// The word that people use.
    pub fn name(self) -> &'static str {
        match self {
            RetentionMode::Governance => "governance",
            RetentionMode::Compliance => "compliance",
        }
    }

    /// The word of S3's protocol.
    pub(super) fn word(self) -> &'static str {
        match self {
            RetentionMode::Governance => "GOVERNANCE",
            RetentionMode::Compliance => "COMPLIANCE",
        }
    }
}

/// How long, counted from its put, a blob is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub mode: RetentionMode,
    pub seconds: u64,
}

impl Retention {
    /// The lock of what is put or extended at a time.
    pub fn from(&self, now_ns: i64) -> LockedUntil {
        let span_ns = i64::try_from(self.seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        LockedUntil { mode: self.mode, until_ns: now_ns.saturating_add(span_ns) }
    }
}

/// What keeps one blob from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedUntil {
    pub mode: RetentionMode,
    /// Nanoseconds since 1970 UTC by the storage's clock. Storages know whole seconds.
    pub until_ns: i64,
}

/// What a storage says of a blob that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Protection {
    pub retention: Option<LockedUntil>,
    /// Somebody said that it stays until he says otherwise.
    pub legal_hold: bool,
}

impl Protection {
    /// Until when the blob cannot be deleted, if it cannot now.
    pub fn locked_until(&self, now_ns: i64) -> Option<i64> {
        if self.legal_hold {
            return Some(i64::MAX);
        }
        self.retention.map(|lock| lock.until_ns).filter(|until| *until > now_ns)
    }
}

/// What came of taking a blob's space back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reclaimed {
    /// There is nothing of it any more.
    Gone,
    /// It is locked; nothing was changed. `i64::MAX` for as long as somebody wants.
    Locked { until_ns: i64 },
}

/// What a storage does with each put from now on.
#[derive(Debug, Clone, Copy)]
pub struct Retain {
    pub retention: Retention,
    /// Nanoseconds since 1970 UTC.
    pub clock: fn() -> i64,
}

/// A bucket's side of it. `key` has the location's prefix; failures are sorted by whoever asked.
#[async_trait]
pub(super) trait ObjectLock: Send + Sync {
    /// Whether blobs can be locked at all.
    async fn is_enabled(&self) -> object_store::Result<bool>;

    /// What protects a version, or the one that a reader gets.
    async fn protection(&self, key: &str, version: Option<&str>) -> object_store::Result<Protection>;

    /// Locks what is there until later than now.
    async fn extend(&self, key: &str, lock: LockedUntil) -> object_store::Result<()>;

    /// All versions of exactly this key, and marks that it was deleted.
    async fn versions(&self, key: &str) -> object_store::Result<Vec<String>>;

    /// Deletes a version for good.
    async fn delete_version(&self, key: &str, version: &str) -> object_store::Result<()>;
}

impl Storage {
    /// Gives every blob that is put from now on a retention, or none. Of no effect where
    /// [`Storage::is_lockable`] is false.
    pub fn retain(&self, retain: Option<Retain>) {
        *self.retained().write() = retain;
    }

    /// Whether this kind of storage has locks, and is asked for them.
    pub fn is_lockable(&self) -> bool {
        self.object_lock().is_some()
    }

    /// Whether the bucket takes locks.
    ///
    /// # Errors
    ///
    /// As for any request; `Denied` needs a right of its own (s3:GetBucketObjectLockConfiguration).
    pub async fn takes_locks(&self) -> Result<bool, StorageError> {
        let Some(lock) = self.object_lock() else { return Ok(false) };
        let ask = || {
            self.meter().head();
            self.attempt("the object lock configuration", 0, lock.is_enabled())
        };
        self.retried(ask).await
    }

    /// What protects a blob; `None` if it is not there. Nothing protects it where there are no locks.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub async fn protection(&self, name: &BlobName) -> Result<Option<Protection>, StorageError> {
        let Some(lock) = self.object_lock() else {
            return Ok(self.size(name).await?.map(|_| Protection::default()));
        };
        let key = self.key_text(name.as_str());
        let ask = async || {
            self.meter().head();
            self.attempt(name.as_str(), 0, lock.protection(&key, None)).await
        };
        if_there(self.retried(ask).await)
    }

    /// Locks a blob until `lock` says, unless it is locked as long already. Gives the mode that it is locked in:
    /// a stronger one stays, and so does a weaker one where the server does not let it become stronger.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Denied`; as for any request.
    pub async fn extend(&self, name: &BlobName, lock: LockedUntil) -> Result<RetentionMode, StorageError> {
        let denied = match self.try_extend(name, lock).await {
            Ok(()) => return Ok(lock.mode),
            Err(error @ StorageError::Denied { .. }) => error,
            Err(error) => return Err(error),
        };
        // Also said where that would be shorter, or another mode.
        match self.protection(name).await?.and_then(|there| there.retention) {
            Some(there) if there.until_ns >= whole_seconds(lock.until_ns) => Ok(there.mode),
            Some(there) if there.mode != lock.mode => {
                self.try_extend(name, LockedUntil { mode: there.mode, ..lock }).await.map(|()| there.mode)
            }
            _ => Err(denied),
        }
    }

    async fn try_extend(&self, name: &BlobName, until: LockedUntil) -> Result<(), StorageError> {
        let Some(lock) = self.object_lock() else { return Ok(()) };
        let key = self.key_text(name.as_str());
        let extend = || {
            self.meter().put(0);
            self.attempt(name.as_str(), 0, lock.extend(&key, until))
        };
        self.retried(extend).await
    }

    /// Takes the space of a blob back, unless it is locked at `now_ns`. Where blobs get a retention, every
    /// version of it goes, and every mark that it was deleted; elsewhere this deletes it.
    ///
    /// # Errors
    ///
    /// `MayNotDelete`; as for any request.
    pub async fn reclaim(&self, name: &BlobName, now_ns: i64) -> Result<Reclaimed, StorageError> {
        if self.object_lock().is_none() || self.retained().read().is_none() {
            return self.delete(name).await.map(|()| Reclaimed::Gone);
        }
        // Asked first, so that nothing is ever tried that is to be refused.
        if let Some(until_ns) = self.protection(name).await?.and_then(|there| there.locked_until(now_ns)) {
            return Ok(Reclaimed::Locked { until_ns });
        }
        for version in self.versions(name).await? {
            if let Reclaimed::Locked { until_ns } = self.delete_version(name, &version, now_ns).await? {
                return Ok(Reclaimed::Locked { until_ns });
            }
        }
        Ok(Reclaimed::Gone)
    }

    async fn versions(&self, name: &BlobName) -> Result<Vec<String>, StorageError> {
        let Some(lock) = self.object_lock() else { return Ok(Vec::new()) };
        let key = self.key_text(name.as_str());
        let list = || {
            self.meter().list();
            self.attempt(name.as_str(), 0, lock.versions(&key))
        };
        self.retried(list).await
    }

    async fn delete_version(
        &self,
        name: &BlobName,
        version: &str,
        now_ns: i64,
    ) -> Result<Reclaimed, StorageError> {
        let Some(lock) = self.object_lock() else { return Ok(Reclaimed::Gone) };
        let key = self.key_text(name.as_str());
        let delete = async || {
            self.meter().delete();
            self.attempt(name.as_str(), 0, lock.delete_version(&key, version)).await
        };
        match if_there(self.retried(delete).await) {
            Ok(_) => Ok(Reclaimed::Gone),
            // An older version, below the one that was asked about.
            Err(error @ StorageError::Denied { .. }) => {
                self.meter().head();
                let there = self.attempt(name.as_str(), 0, lock.protection(&key, Some(version))).await;
                match there.ok().and_then(|there| there.locked_until(now_ns)) {
                    Some(until_ns) => Ok(Reclaimed::Locked { until_ns }),
                    None => Err(error.of_deletion()),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// How a blob is put: never over another, and locked if blobs are.
    pub(super) fn put_options(&self) -> PutOptions {
        let mut extensions = Extensions::new();
        if let (Some(_), Some(retain)) = (self.object_lock(), *self.retained().read()) {
            extensions.insert(retain.retention.from((retain.clock)()));
        }
        PutOptions { mode: PutMode::Create, extensions, ..PutOptions::default() }
    }
}

/// A time as a storage keeps it.
fn whole_seconds(time_ns: i64) -> i64 {
    time_ns - time_ns.rem_euclid(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_when_its_time_is_over_and_a_hold_never() {
        let day = Retention { mode: RetentionMode::Governance, seconds: 86_400 };
        let lock = day.from(5);
        assert_eq!(lock.until_ns, 86_400_000_000_005);
        let locked = Protection { retention: Some(lock), legal_hold: false };
        assert_eq!(locked.locked_until(lock.until_ns - 1), Some(lock.until_ns));
        assert_eq!(locked.locked_until(lock.until_ns), None);
        assert_eq!(Protection { legal_hold: true, ..locked }.locked_until(i64::MAX - 1), Some(i64::MAX));
        assert_eq!(Protection::default().locked_until(0), None);
        assert_eq!(Retention { seconds: u64::MAX, ..day }.from(i64::MAX).until_ns, i64::MAX);
    }
}
