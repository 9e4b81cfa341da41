//! Contents of files: bytes as they come, whole and verified at the end.
//!
//! Fetched from an address that lets its bearer in for about an hour, without a token. When the
//! connection breaks the transfer goes on from where it was; when the address has expired a fresh one
//! is got, and the item looked at: content that changed or vanished in between is told as such.

use bytes::Bytes;
use futures::stream::{self, Stream};

use super::resume::Source;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::model::{DriveId, DriveItem, ItemId};
use crate::quickxor::{QuickXor, QuickXorHash};
use crate::secret::Secret;

/// Which content, as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadOf {
    pub drive: DriveId,
    pub item: ItemId,
    /// Absent: the item is asked for one first.
    pub url: Option<Secret>,
    /// As listed, in bytes. It is a hint: the service rewrites some files after it has counted them.
    pub size: Option<u64>,
    /// As listed. What comes must have it.
    pub hash: Option<QuickXor>,
    pub c_tag: Option<String>,
    pub e_tag: Option<String>,
}

impl DownloadOf {
    /// The content of a listed item.
    pub fn item(drive: &DriveId, item: &DriveItem) -> Self {
        Self {
            drive: drive.clone(),
            item: item.id.clone(),
            url: item.download_url.clone(),
            size: item.size_bytes(),
            hash: item.quick_xor(),
            c_tag: item.c_tag.clone(),
            e_tag: item.e_tag.clone(),
        }
    }

    /// Whether the item still has the content that was listed: by hash and size; without hashes by
    /// content tag; without those by tag.
    pub fn is_still(&self, item: &DriveItem) -> bool {
        if let (Some(then), Some(now)) = (self.hash, item.quick_xor()) {
            return then == now && self.size == item.size_bytes();
        }
        let tags = [(&self.c_tag, &item.c_tag), (&self.e_tag, &item.e_tag)];
        let told = tags.into_iter().find_map(|(then, now)| Some(then.as_ref()? == now.as_ref()?));
        told.unwrap_or(self.size == item.size_bytes())
    }
}

/// What came, at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Of the whole file, in bytes. It may differ from the listed size.
    pub length: u64,
    /// `None` if the download began in the middle, and the hash of what was before is unknown.
    pub hash: Option<QuickXor>,
    /// Whether the hash is the listed one; `false` if there is none to compare.
    pub verified: bool,
}

/// A content on its way.
#[derive(Debug)]
pub struct Download {
    source: Source,
    hash: Option<QuickXorHash>,
    /// A second look at the end, when less came than was listed, is taken once.
    looked_past_end: bool,
    received: Option<Received>,
}

impl Graph {
    /// Opens a content at byte `start`.
    ///
    /// # Errors
    ///
    /// `Vanished` or `Changed` if the item is no longer as it was listed, `Malware` if the service
    /// keeps the content, `Forbidden` if it denies it also at a fresh address, `Expired` if it takes
    /// no fresh address for another reason, otherwise what kept the content from coming.
    pub async fn download(&self, of: DownloadOf, start: u64) -> Result<Download, GraphError> {
        let hash = (start == 0).then(QuickXorHash::new);
        let mut source = Source::new(self.clone(), of, start);
        source.open().await?;
        Ok(Download { source, hash, looked_past_end: false, received: None })
    }
}

impl Download {
    /// Goes on hashing from `before`, the hash of all bytes before the start. It counts only if it
    /// has just as many.
    pub fn continue_hash(mut self, before: QuickXorHash) -> Self {
        if before.length() == self.source.at() {
            self.hash = Some(before);
        }
        self
    }

    /// The hash of all that was handed out, and of what was before; `None` if that is unknown.
    pub fn hash_so_far(&self) -> Option<&QuickXorHash> {
        self.hash.as_ref()
    }

    /// The length of the whole file, as the service gives it with the content.
    pub fn length(&self) -> Option<u64> {
        self.source.total()
    }

    /// The next bytes; `None` at the end, when all is there and verified.
    ///
    /// # Errors
    ///
    /// As [`Graph::download`]; and `HashMismatch` if the bytes are not those that were listed though
    /// the item has not changed. What was handed out before is then not to be trusted.
    pub async fn next(&mut self) -> Result<Option<Bytes>, GraphError> {
        while self.received.is_none() {
            let bytes = self.source.next().await?.map(|bytes| self.take(bytes));
            match bytes {
                Some(bytes) => return Ok(Some(bytes)),
                None => self.end().await?,
            }
        }
        Ok(None)
    }

    /// What came; `None` before the end.
    pub fn received(&self) -> Option<Received> {
        self.received
    }

    /// The bytes, one chunk after the other; a failure is the last of them.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, GraphError>> {
        stream::try_unfold(self, |mut download| async move {
            Ok(download.next().await?.map(|bytes| (bytes, download)))
        })
    }

    /// Hashes what came. If the hash is right at the listed size, then what follows is not of the file.
    fn take(&mut self, mut bytes: Bytes) -> Bytes {
        let Some(hash) = &mut self.hash else { return bytes };
        let left = self.source.of().size.and_then(|size| size.checked_sub(hash.length()));
        let end =
            left.and_then(|left| usize::try_from(left).ok()).filter(|left| (1..=bytes.len()).contains(left));
        let Some(end) = end else {
            hash.update(&bytes);
            return bytes;
        };
        hash.update(&bytes[..end]);
        if self.source.of().hash == Some(hash.finish()) {
            let length = hash.length();
            self.received = Some(Received { length, hash: self.source.of().hash, verified: true });
            bytes.truncate(end);
        } else {
            hash.update(&bytes[end..]);
        }
        bytes
    }

    /// The service says that this is the end.
    async fn end(&mut self) -> Result<(), GraphError> {
        let (length, of) = (self.source.at(), self.source.of());
        let (expected, found) = (of.hash, self.hash.as_ref().map(QuickXorHash::finish));
        let differs = matches!((expected, found), (Some(expected), Some(found)) if expected != found);
        let is_short = of.size.is_some_and(|size| length < size);
        if is_short && (differs || expected.is_none()) && !self.looked_past_end {
            self.looked_past_end = true;
            return self.source.reopen().await;
        }
        match (expected, found) {
            (Some(expected), Some(found)) if differs => {
                self.source.look().await?;
                let place = self.source.place();
                Err(GraphError::HashMismatch { place, expected, found, length })
            }
            _ => {
                let verified = expected.is_some() && found.is_some();
                self.received = Some(Received { length, hash: found, verified });
                Ok(())
            }
        }
    }
}
