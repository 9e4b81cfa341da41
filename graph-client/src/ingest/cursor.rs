//! Where a drive's feed goes on: committed with the ledger that it belongs to.

use repo_format::cbor::{self, Cbor, CborError, Reader, Writer};

use super::IngestError;

const VERSION: u64 = 1;

/// What the feed is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Listing everything. `marking`: there was a ledger before, so what is met is noted, and what is
    /// not met is gone.
    Enumerating { marking: bool },
    /// Listing what changed.
    Following,
}

/// How many of each the tree has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub files: u64,
    pub folders: u64,
    pub others: u64,
}

/// The cursor. `Debug` does not show the link, whose token stands for the drive's state.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor {
    /// ID of the root item; empty until the feed has told it.
    pub root: String,
    /// The next page or the next round; `None`: from the start.
    pub link: Option<String>,
    pub phase: Phase,
    /// Number of the enumeration, counted from the drive's first.
    pub epoch: u32,
    /// How many of the ledger's layers say what the tree says.
    pub floor: u64,
    /// Of the tree.
    pub counts: Counts,
}

impl Default for Cursor {
    /// The start of a drive that nothing is known of.
    fn default() -> Cursor {
        Cursor {
            root: String::new(),
            link: None,
            phase: Phase::Enumerating { marking: false },
            epoch: 0,
            floor: 0,
            counts: Counts::default(),
        }
    }
}

impl Cursor {
    /// The link is dead, or there is none: everything is to be listed anew, and compared with what the
    /// ledger has.
    pub fn start_over(&mut self) {
        self.link = None;
        self.phase = Phase::Enumerating { marking: true };
        self.epoch = self.epoch.saturating_add(1);
    }

    /// The cursor's bytes in a manifest.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads what [`Self::encode`] gave.
    ///
    /// # Errors
    /// [`IngestError::Cursor`].
    pub fn decode(bytes: &[u8]) -> Result<Cursor, IngestError> {
        cbor::decode(bytes).map_err(IngestError::Cursor)
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor")
            .field("root", &self.root)
            .field("has_link", &self.link.is_some())
            .field("phase", &self.phase)
            .field("epoch", &self.epoch)
            .field("floor", &self.floor)
            .field("counts", &self.counts)
            .finish()
    }
}

impl Cbor for Cursor {
    fn write(&self, w: &mut Writer) {
        let phase: u64 = match self.phase {
            Phase::Following => 0,
            Phase::Enumerating { marking: false } => 1,
            Phase::Enumerating { marking: true } => 2,
        };
        w.map(|m| {
            m.put(0, &VERSION);
            m.put(1, &self.root);
            m.put_some(2, &self.link);
            m.put(3, &phase);
            m.put(4, &self.epoch);
            m.put(5, &self.floor);
            m.put(6, &(self.counts.files, self.counts.folders, self.counts.others));
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Cursor, CborError> {
        let newer = r.error("a cursor of a newer release");
        let unknown = r.error("unknown phase");
        r.map(|m| {
            if m.get::<u64>(0)? != VERSION {
                return Err(newer);
            }
            let (root, link) = (m.get(1)?, m.get_some(2)?);
            let phase = match m.get::<u64>(3)? {
                0 => Phase::Following,
                1 => Phase::Enumerating { marking: false },
                2 => Phase::Enumerating { marking: true },
                _ => return Err(unknown),
            };
            let (epoch, floor) = (m.get(4)?, m.get(5)?);
            let (files, folders, others) = m.get(6)?;
            Ok(Cursor { root, link, phase, epoch, floor, counts: Counts { files, folders, others } })
        })
    }
}
