//! Reading blobs, asking for their sizes, deleting them.

use std::ops::Range;

use bytes::Bytes;
use object_store::{GetOptions, GetRange, GetResult, ObjectStoreExt};

use super::BLOB_SIZE_BYTES_MAX;
use super::error::StorageError;
use super::name::BlobName;
use super::open::Storage;

impl Storage {
    /// Reads a whole blob.
    ///
    /// # Errors
    ///
    /// `NotFound`; `TooLarge` over [`BLOB_SIZE_BYTES_MAX`]; and as for any request.
    pub async fn get(&self, name: &BlobName) -> Result<Bytes, StorageError> {
        self.get_bounded(name, BLOB_SIZE_BYTES_MAX).await
    }

    /// Reads a whole blob of at most `max_bytes`; a larger one is refused before its bytes come.
    ///
    /// # Errors
    ///
    /// As for [`Storage::get`].
    pub async fn get_bounded(&self, name: &BlobName, max_bytes: u64) -> Result<Bytes, StorageError> {
        self.retried(|| self.try_get(name, max_bytes)).await
    }

    /// Reads the bytes `range` of a blob, all of them.
    ///
    /// # Errors
    ///
    /// `NotFound`; `WrongLength` if the blob ends before the range does; as for any request.
    pub async fn get_range(&self, name: &BlobName, range: Range<u64>) -> Result<Bytes, StorageError> {
        let (end, expected) = (range.end, range.end.saturating_sub(range.start));
        match self.get_within(name, range).await {
            Ok(bytes) if (bytes.len() as u64) < expected => Err(short(name, expected, bytes.len() as u64)),
            // What the stores answer to a range behind the end differs; the size does not.
            Err(error @ StorageError::Refused { .. }) => Err(self.behind_end(name, end, error).await),
            answer => answer,
        }
    }

    /// Reads the bytes `range` of a blob, or as many of them as it has.
    ///
    /// # Errors
    ///
    /// `NotFound`; what the storage says of a range of which it has nothing; as for any request.
    pub async fn get_within(&self, name: &BlobName, range: Range<u64>) -> Result<Bytes, StorageError> {
        let size = range.end.saturating_sub(range.start);
        if size == 0 {
            return Ok(Bytes::new());
        }
        if size > BLOB_SIZE_BYTES_MAX {
            let (name, max) = (name.to_string(), BLOB_SIZE_BYTES_MAX);
            return Err(StorageError::TooLarge { name, size, max });
        }
        self.retried(|| self.try_get_within(name, range.clone())).await
    }

    /// The size of a blob in bytes, if it is there.
    ///
    /// # Errors
    ///
    /// As for any request; a missing blob is `None`.
    pub async fn size(&self, name: &BlobName) -> Result<Option<u64>, StorageError> {
        let key = self.key(name);
        let ask = async || {
            self.meter().head();
            self.attempt(name.as_str(), 0, self.store().head(&key)).await
        };
        Ok(if_there(self.retried(ask).await)?.map(|meta| meta.size))
    }

    /// Deletes a blob. One that is not there is deleted already.
    ///
    /// # Errors
    ///
    /// `MayNotDelete` where `Denied` would be; as for any request.
    pub async fn delete(&self, name: &BlobName) -> Result<(), StorageError> {
        let key = self.key(name);
        let delete = async || {
            self.meter().delete();
            self.attempt(name.as_str(), 0, self.store().delete(&key)).await
        };
        if_there(self.retried(delete).await).map(drop).map_err(StorageError::of_deletion)
    }

    async fn try_get(&self, name: &BlobName, max: u64) -> Result<Bytes, StorageError> {
        let answer = self.ask(name, GetOptions::new()).await?;
        let size = answer.meta.size;
        if size > max {
            return Err(StorageError::TooLarge { name: name.to_string(), size, max });
        }
        self.receive(name, answer, size).await
    }

    async fn try_get_within(&self, name: &BlobName, range: Range<u64>) -> Result<Bytes, StorageError> {
        let size = range.end - range.start;
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(range)));
        let answer = self.ask(name, options).await?;
        let got = answer.range.end.saturating_sub(answer.range.start);
        if got > size {
            return Err(short(name, size, got));
        }
        self.receive(name, answer, got).await
    }

    async fn ask(&self, name: &BlobName, options: GetOptions) -> Result<GetResult, StorageError> {
        let key = self.key(name);
        self.meter().get();
        self.attempt(name.as_str(), 0, self.store().get_opts(&key, options)).await
    }

    async fn receive(
        &self,
        name: &BlobName,
        answer: GetResult,
        expected: u64,
    ) -> Result<Bytes, StorageError> {
        let bytes = self.attempt(name.as_str(), expected, answer.bytes()).await?;
        self.meter().received(bytes.len());
        match bytes.len() as u64 {
            got if got == expected => Ok(bytes),
            got => Err(short(name, expected, got)),
        }
    }

    async fn behind_end(&self, name: &BlobName, end: u64, error: StorageError) -> StorageError {
        match self.size(name).await {
            Ok(Some(size)) if size < end => short(name, end, size),
            _ => error,
        }
    }
}

/// What a request gave, if the blob that it was about is there.
pub(super) fn if_there<T>(answer: Result<T, StorageError>) -> Result<Option<T>, StorageError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(StorageError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn short(name: &BlobName, expected: u64, got: u64) -> StorageError {
    StorageError::WrongLength { name: name.to_string(), expected, got }
}
