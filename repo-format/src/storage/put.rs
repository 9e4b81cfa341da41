//! The one way a blob is written.

use bytes::Bytes;
use object_store::{Error, PutPayload};

use super::BLOB_SIZE_BYTES_MAX;
use super::backoff::Backoff;
use super::error::StorageError;
use super::name::BlobName;
use super::open::Storage;

/// Who created the blob of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// The blob is there with exactly the bytes given, and durable.
    Mine,
    /// Somebody else's blob has the name, and these are its bytes.
    Theirs(Bytes),
}

/// What one attempt at creating a blob came to.
enum Attempt {
    Created,
    Exists,
    Failed(StorageError),
}

impl Storage {
    /// Creates a blob unless one of that name is there.
    ///
    /// A reply that says "exists" or "conflict", or that never came, is settled by reading the
    /// blob back: equal bytes are ours. For a blob named by its hash equal bytes are as good as
    /// ours; a log record holds a random commit ID, so equality proves that it is.
    ///
    /// # Errors
    ///
    /// `TooLarge` over [`BLOB_SIZE_BYTES_MAX`], and as for any request. After a transient error
    /// the blob may be there or still appear: the caller either asks again or treats the outcome
    /// as unknown.
    pub async fn put_new(&self, name: &BlobName, bytes: Bytes) -> Result<Put, StorageError> {
        let size = bytes.len() as u64;
        if size > BLOB_SIZE_BYTES_MAX {
            let (name, max) = (name.to_string(), BLOB_SIZE_BYTES_MAX);
            return Err(StorageError::TooLarge { name, size, max });
        }
        let mut backoff = Backoff::new(self.options());
        loop {
            let failure = match self.try_create(name, &bytes).await {
                Attempt::Created => return Ok(Put::Mine),
                Attempt::Exists => conflict_unsettled(name),
                Attempt::Failed(error) => error,
            };
            if may_have_happened(&failure)
                && let Some(put) = self.settle(name, &bytes).await?
            {
                return Ok(put);
            }
            // Not there: it was deleted, or refused in favour of a writer that then failed.
            backoff.pause(failure).await?;
        }
    }

    async fn try_create(&self, name: &BlobName, bytes: &Bytes) -> Attempt {
        let (key, payload) = (self.key(name), PutPayload::from(bytes.clone()));
        self.meter().put(bytes.len());
        // "Exists" is an answer, not a failure, so it is taken out before failures are sorted.
        let request = async {
            match self.store().put_opts(&key, payload, self.put_options()).await {
                Ok(_) => Ok(Attempt::Created),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(Attempt::Exists),
                Err(error) => Err(error),
            }
        };
        match self.attempt(name.as_str(), bytes.len() as u64, request).await {
            Ok(attempt) => attempt,
            // Nothing can be missing that is being created, but the bucket it goes to.
            Err(StorageError::NotFound { .. }) => Attempt::Failed(StorageError::LocationMissing {
                location: self.location().to_string(),
                source: None,
            }),
            Err(error) => Attempt::Failed(error),
        }
    }

    /// Reads a name back whose creation had no clear outcome. `None`: there is no such blob.
    async fn settle(&self, name: &BlobName, bytes: &Bytes) -> Result<Option<Put>, StorageError> {
        match self.get(name).await {
            Ok(there) if there == *bytes => Ok(Some(Put::Mine)),
            Ok(there) => Ok(Some(Put::Theirs(there))),
            Err(StorageError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Throttling is a clear no; the other failures that pass leave open what happened.
fn may_have_happened(error: &StorageError) -> bool {
    error.is_transient() && !matches!(error, StorageError::Throttled { .. })
}

/// What remains when a name is taken, yet nothing can be read there: S3 says 409 while two
/// uploads run, and both may still fail.
fn conflict_unsettled(name: &BlobName) -> StorageError {
    let source = "the name was taken, and then nothing was there".into();
    StorageError::Server { name: name.to_string(), status: 409, source }
}
