//! Whether a storage can hold a repository at all. Documentation does not count: some servers take
//! `If-None-Match: *` and overwrite.

use bytes::Bytes;
use futures::future::join_all;

use super::error::{Property, StorageError};
use super::name::BlobName;
use super::open::Storage;
use super::put::Put;
use crate::system;

/// Writers that race for one name.
const RACERS: u8 = 4;

impl Storage {
    /// Tries out every property that a repository rests on, with small blobs under `probe/` that
    /// are removed again; keys that may not delete are enough, and leave them.
    ///
    /// # Errors
    ///
    /// `MissingProperty` names the first that is missing; and as for any request.
    pub async fn probe(&self) -> Result<(), StorageError> {
        let scratch = Scratch::new(self)?;
        match scratch.try_all().await {
            // Who does not answer need not be asked to clean up, with as much patience again.
            Err(error) if error.is_transient() => Err(error),
            outcome => {
                let cleaned = scratch.clean().await;
                outcome.and(cleaned.map(drop))
            }
        }
    }
}

/// The blobs of one probe. The number keeps two probes from meeting.
struct Scratch<'a> {
    storage: &'a Storage,
    folder: String,
    names: [BlobName; 3],
}

impl<'a> Scratch<'a> {
    fn new(storage: &'a Storage) -> Result<Scratch<'a>, StorageError> {
        let unavailable = |what: String| StorageError::Setup { what, source: None };
        let mut number = [0; 8];
        system::fill(&mut number)
            .map_err(|error| unavailable(format!("no random number for the probe: {error}")))?;
        let number = u64::from_le_bytes(number);
        let folder = format!("probe/{number:016x}/");
        let name = |part: &str| {
            BlobName::new(format!("{folder}{part}")).map_err(|error| unavailable(error.to_string()))
        };
        let names = [name("a")?, name("b")?, name("c")?];
        Ok(Scratch { storage, folder, names })
    }

    async fn try_all(&self) -> Result<(), StorageError> {
        self.try_create_if_absent().await?;
        self.try_race().await?;
        self.try_ranges().await?;
        self.try_listing().await?;
        self.try_deletion().await
    }

    async fn try_create_if_absent(&self) -> Result<(), StorageError> {
        let name = &self.names[0];
        let (ours, late) = (Bytes::from_static(b"first writer"), Bytes::from_static(b"late"));
        match self.storage.put_new(name, ours.clone()).await {
            Ok(Put::Mine) => {}
            Ok(Put::Theirs(_)) => {
                return missing(Property::CreateIfAbsent, "a blob under a new name was not created");
            }
            Err(StorageError::Server { status: 501, .. }) => {
                return missing(Property::CreateIfAbsent, "the server has no conditional writes");
            }
            Err(error) => return Err(error),
        }
        self.expect_bytes(name, &ours).await?;
        if self.storage.put_new(name, late).await? == Put::Mine {
            return missing(Property::CreateIfAbsent, "a second create of one name replaced the blob");
        }
        self.expect_bytes(name, &ours).await
    }

    async fn expect_bytes(&self, name: &BlobName, bytes: &Bytes) -> Result<(), StorageError> {
        match self.storage.get(name).await {
            Ok(read) if read == *bytes => Ok(()),
            Ok(_) => missing(Property::ReadAfterWrite, "other bytes came back than were written"),
            Err(StorageError::NotFound { .. }) => {
                missing(Property::ReadAfterWrite, "a blob just written was not found")
            }
            Err(error) => Err(error),
        }
    }

    async fn try_race(&self) -> Result<(), StorageError> {
        let name = &self.names[1];
        let racers =
            (0..RACERS).map(|racer| self.storage.put_new(name, Bytes::copy_from_slice(&[racer; 16])));
        let mut winners = 0;
        for put in join_all(racers).await {
            winners += usize::from(put? == Put::Mine);
        }
        match winners {
            1 => Ok(()),
            _ => missing(Property::CreateIfAbsent, "writers that raced for one name all won"),
        }
    }

    async fn try_ranges(&self) -> Result<(), StorageError> {
        match self.storage.get_range(&self.names[0], 6..9).await {
            Ok(bytes) if bytes == "wri" => Ok(()),
            Ok(_) => missing(Property::RangeReads, "another part came back than was asked for"),
            Err(StorageError::WrongLength { .. } | StorageError::Refused { .. }) => {
                missing(Property::RangeReads, "the server does not answer with the part asked for")
            }
            Err(error) => Err(error),
        }
    }

    async fn try_listing(&self) -> Result<(), StorageError> {
        let (storage, names) = (self.storage, &self.names);
        if storage.put_new(&names[2], Bytes::from_static(b"third")).await? != Put::Mine {
            return missing(Property::CreateIfAbsent, "a blob under a new name was not created");
        }
        let all: Vec<_> = storage.list(&self.folder).await?;
        if !all.iter().map(|blob| &blob.name).eq(names) {
            return missing(Property::ListConsistency, "blobs just written were not listed");
        }
        let second = storage.list_after(&self.folder, names[0].as_str(), 1).await?;
        if !second.iter().map(|blob| &blob.name).eq(&names[1..2]) {
            return missing(Property::OrderedListing, "a listing did not go on after a given name");
        }
        Ok(())
    }

    async fn try_deletion(&self) -> Result<(), StorageError> {
        if !self.clean().await? {
            tracing::info!("these keys may not delete; a few bytes stay below probe/");
            return Ok(());
        }
        if !self.storage.list(&self.folder).await?.is_empty() {
            return missing(Property::ListConsistency, "blobs just deleted were still listed");
        }
        match self.storage.size(&self.names[0]).await? {
            None => Ok(()),
            Some(_) => missing(Property::ReadAfterWrite, "a blob just deleted was still found"),
        }
    }

    /// Removes the blobs, if that is allowed: backups need no deletion. Says whether it was.
    async fn clean(&self) -> Result<bool, StorageError> {
        for name in &self.names {
            match self.storage.delete(name).await {
                Err(StorageError::MayNotDelete { .. }) => return Ok(false),
                outcome => outcome?,
            }
        }
        Ok(true)
    }
}

fn missing(property: Property, detail: &str) -> Result<(), StorageError> {
    Err(StorageError::MissingProperty { property, detail: detail.to_string() })
}
