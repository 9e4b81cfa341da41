//! Contents in memory, under the IDs that a case's master key gives them.

use std::collections::BTreeMap;

use bytes::Bytes;
use parking_lot::Mutex;
use repo_format::codec::{ContentId, ContentKind, Subkeys};
use repo_format::content::{ContentError, ReadContent, WriteContent};

pub struct Pool {
    keys: Subkeys,
    held: Mutex<BTreeMap<ContentId, (ContentKind, Bytes)>>,
}

impl Pool {
    pub fn new(keys: Subkeys) -> Pool {
        Pool { keys, held: Mutex::default() }
    }

    /// Puts bytes under any ID.
    pub fn place(&self, id: ContentId, kind: ContentKind, bytes: Vec<u8>) {
        self.held.lock().insert(id, (kind, bytes.into()));
    }

    /// The IDs of all contents, ascending.
    pub fn ids(&self) -> Vec<String> {
        self.held.lock().keys().map(ContentId::to_string).collect()
    }
}

impl ReadContent for Pool {
    fn get(&self, wanted: ContentKind, id: &ContentId) -> Result<Bytes, ContentError> {
        match self.held.lock().get(id) {
            None => Err(ContentError::Missing { id: *id }),
            Some((found, _)) if *found != wanted => {
                Err(ContentError::WrongKind { id: *id, wanted, found: *found })
            }
            Some((_, bytes)) => Ok(bytes.clone()),
        }
    }
}

impl WriteContent for Pool {
    fn put(&self, kind: ContentKind, plaintext: &[u8]) -> Result<ContentId, ContentError> {
        let id = self.keys.content_id(kind as u8, plaintext);
        self.place(id, kind, plaintext.to_vec());
        Ok(id)
    }
}
