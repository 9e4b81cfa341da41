//! What a snapshot is of (SNAP-1 key 0).

use crate::cbor::{Cbor, CborError, Reader, Writer};

/// Names a source. Two runs are of one source if all of it is equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceInfo {
    /// `folder`, or the service.
    pub service: String,
    /// The machine that holds the source, if one does.
    pub host: Option<String>,
    /// The account that read it, if that says something.
    pub user: Option<String>,
    /// Folders, as the system writes them.
    pub paths: Vec<Vec<u8>>,
    /// The service's own ID of the resource.
    pub resource: Option<Vec<u8>>,
}

impl Cbor for SourceInfo {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.service);
            m.put_some(1, &self.host);
            m.put_some(2, &self.user);
            m.put_unless(3, &self.paths, &Vec::new());
            m.put_some(4, &self.resource);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| {
            Ok(SourceInfo {
                service: m.get(0)?,
                host: m.get_some(1)?,
                user: m.get_some(2)?,
                paths: m.get_or(3, Vec::new())?,
                resource: m.get_some(4)?,
            })
        })
    }
}
