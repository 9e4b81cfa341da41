//! Records: the entries of the log (LOG-1, LOG-2).

use bytes::Bytes;

use super::action::Action;
use super::sealed::{self, BlobError, TooLarge};
use crate::cbor::{self, Cbor, CborError, Reader, Writer};
use crate::codec::{BlobKind, CommitId, Header, RecordHash, RepoId, Subkeys};

/// Who commits; information only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriterInfo {
    pub host: String,
    pub user: String,
    /// Name and version.
    pub program: String,
    /// What tells this process from others on the host.
    pub process: String,
}

impl Cbor for WriterInfo {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.host);
            m.put(1, &self.user);
            m.put(2, &self.program);
            m.put(3, &self.process);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| Ok(WriterInfo { host: m.get(0)?, user: m.get(1)?, program: m.get(2)?, process: m.get(3)? }))
    }
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub revision: u64,
    /// Hash of the whole blob of the record before; zeros for the first.
    pub previous: RecordHash,
    pub commit: CommitId,
    pub writer: WriterInfo,
    /// Nanoseconds since 1970 UTC; information only.
    pub time: i64,
    pub actions: Vec<Action>,
}

impl Cbor for Record {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.revision);
            m.put(1, &self.previous);
            m.put(2, &self.commit);
            m.put(3, &self.writer);
            m.put(4, &self.time);
            m.put_with(5, |w| {
                w.array(self.actions.len());
                self.actions.iter().for_each(|action| action.write(w));
            });
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| {
            let (revision, previous, commit) = (m.get(0)?, m.get(1)?, m.get(2)?);
            let (writer, time) = (m.get(3)?, m.get(4)?);
            let missing = m.error("a record without actions (LOG-2)");
            let actions = m.get_with(5, |r| r.list(Action::read))?.ok_or(missing)?;
            let actions = actions.into_iter().flatten().collect();
            Ok(Record { revision, previous, commit, writer, time, actions })
        })
    }
}

/// A record whose blob was checked, and the hash that its successor carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedRecord {
    pub record: Record,
    pub hash: RecordHash,
}

/// The hash of a record's whole blob.
pub fn hash(blob: &[u8]) -> RecordHash {
    RecordHash(*blake3::hash(blob).as_bytes())
}

/// Seals a record under a fresh `salt`.
pub(super) fn encode(
    keys: &Subkeys,
    repo: &RepoId,
    salt: [u8; 32],
    record: &Record,
) -> Result<Bytes, TooLarge> {
    let header = Header { kind: BlobKind::Record, repo: *repo, salt };
    sealed::encode(keys, &header, record.revision, cbor::encode(record))
}

/// Checks and opens the record that is found under `revision`.
///
/// # Errors
/// [`BlobError`] names the first check that failed, in the order of CONV-10 and CONV-9.
pub fn decode(keys: &Subkeys, repo: &RepoId, revision: u64, blob: &[u8]) -> Result<OpenedRecord, BlobError> {
    let body = sealed::decode(keys, repo, BlobKind::Record, revision, blob)?;
    let record: Record = cbor::decode_padded(&body)?;
    if record.revision != revision {
        return Err(BlobError::Revision { found: record.revision });
    }
    Ok(OpenedRecord { record, hash: hash(blob) })
}
