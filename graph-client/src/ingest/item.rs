//! What is known of one item: its facts, and what became of its content.

use repo_format::cbor::{Cbor, CborError, MapReader, MapWriter, Reader, Writer};
use repo_format::tree::TimeNs;

/// Version of the encoding.
const VERSION: u64 = 1;

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The drive's root folder.
    Root,
    Folder,
    /// A folder that is shown as one thing, such as a notebook; its type.
    Package(String),
    File,
    /// Points to an item of another drive: drive and item, where they are told.
    Pointer(String, String),
}

impl Kind {
    /// Whether it holds other items.
    pub fn is_container(&self) -> bool {
        matches!(self, Kind::Root | Kind::Folder | Kind::Package(_))
    }
}

/// Who did something, as far as it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub email: String,
}

/// What the service says of an item. A tree's entry keeps it, too, as service data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The item's ID in its drive.
    pub id: String,
    /// ID of the folder that it is in; empty for the root.
    pub parent: String,
    /// As the service has it: not every name can be one of a tree.
    pub name: String,
    pub kind: Kind,
    /// As listed, in bytes; what is stored may have another length.
    pub size: u64,
    /// The listed quickXorHash.
    pub hash: Option<[u8; 20]>,
    pub e_tag: String,
    pub c_tag: String,
    /// As a client set it, or else the service.
    pub created_ns: Option<TimeNs>,
    pub modified_ns: Option<TimeNs>,
    pub created_by: Person,
    pub modified_by: Person,
    pub mime: String,
    /// Whether its permissions may differ from its folder's.
    pub shared: bool,
    /// The service found malware in it and keeps the content.
    pub malware: bool,
    /// Its permissions as the service told them, in JSON, if they were read.
    pub permissions: Vec<u8>,
    /// The unique ID of its list item.
    pub list_item: String,
}

/// What became of an item's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// It has none: a folder or a pointer.
    Nothing,
    /// To be fetched.
    Pending,
    /// Stored; the entry names the object. It is of the content that the facts list.
    Stored,
    /// It could not be had, and is tried again by the next run.
    Failed { cause: String, message: String, attempts: u32 },
    /// It is not to be had, for a cause of its own.
    Skipped { cause: String, message: String },
}

/// What the ledger holds of an item, its object aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub facts: Facts,
    pub mark: Mark,
}

impl Facts {
    /// Whether the content that these facts list is the one that `now` lists.
    ///
    /// Equal hash and size; where one has no hash, equal content tag; without that, equal tag. Two
    /// empty files are equal: they have no hash, and no content that could differ.
    pub fn same_content(&self, now: &Facts) -> bool {
        let tags = |old: &str, new: &str| (!old.is_empty() && !new.is_empty()).then_some(old == new);
        match (self.hash, now.hash) {
            (Some(old), Some(new)) => old == new && self.size == now.size,
            (None, None) if self.size == 0 && now.size == 0 => true,
            _ => tags(&self.c_tag, &now.c_tag).or(tags(&self.e_tag, &now.e_tag)).unwrap_or(false),
        }
    }
}

impl Cbor for Person {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            put_text(m, 0, &self.id);
            put_text(m, 1, &self.name);
            put_text(m, 2, &self.email);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Person, CborError> {
        r.map(|m| Ok(Person { id: text(m, 0)?, name: text(m, 1)?, email: text(m, 2)? }))
    }
}

fn put_text(m: &mut MapWriter<'_>, key: u64, value: &String) {
    m.put_unless(key, value, &String::new());
}

fn text(m: &mut MapReader<'_, '_>, key: u64) -> Result<String, CborError> {
    m.get_or(key, String::new())
}

impl Cbor for Kind {
    fn write(&self, w: &mut Writer) {
        match self {
            Kind::Root => w.array(1).u64(0),
            Kind::Folder => w.array(1).u64(1),
            Kind::Package(name) => w.array(2).u64(2).text(name),
            Kind::File => w.array(1).u64(3),
            Kind::Pointer(drive, item) => w.array(3).u64(4).text(drive).text(item),
        };
    }

    fn read(r: &mut Reader<'_>) -> Result<Kind, CborError> {
        r.tuple(|t| {
            Ok(match t.get::<u64>()? {
                0 => Kind::Root,
                1 => Kind::Folder,
                2 => Kind::Package(t.get()?),
                3 => Kind::File,
                4 => Kind::Pointer(t.get()?, t.get()?),
                _ => return Err(t.error("unknown kind of item")),
            })
        })
    }
}

impl Cbor for Facts {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &VERSION);
            m.put(1, &self.id);
            put_text(m, 2, &self.parent);
            m.put(3, &self.name);
            m.put(4, &self.kind);
            m.put_unless(5, &self.size, &0);
            m.put_some(6, &self.hash.map(|hash| hash.to_vec()));
            put_text(m, 7, &self.e_tag);
            put_text(m, 8, &self.c_tag);
            m.put_some(9, &self.created_ns);
            m.put_some(10, &self.modified_ns);
            m.put_unless(11, &self.created_by, &Person::default());
            m.put_unless(12, &self.modified_by, &Person::default());
            put_text(m, 13, &self.mime);
            m.put_unless(14, &self.shared, &false);
            m.put_unless(15, &self.malware, &false);
            m.put_unless(16, &self.permissions, &Vec::new());
            put_text(m, 17, &self.list_item);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Facts, CborError> {
        let newer = r.error("facts of a newer release");
        r.map(|m| {
            if m.get::<u64>(0)? != VERSION {
                return Err(newer);
            }
            Ok(Facts {
                id: m.get(1)?,
                parent: text(m, 2)?,
                name: m.get(3)?,
                kind: m.get(4)?,
                size: m.get_or(5, 0)?,
                hash: m.get_with(6, Reader::array_of)?,
                e_tag: text(m, 7)?,
                c_tag: text(m, 8)?,
                created_ns: m.get_some(9)?,
                modified_ns: m.get_some(10)?,
                created_by: m.get_or(11, Person::default())?,
                modified_by: m.get_or(12, Person::default())?,
                mime: text(m, 13)?,
                shared: m.get_or(14, false)?,
                malware: m.get_or(15, false)?,
                permissions: m.get_or(16, Vec::new())?,
                list_item: text(m, 17)?,
            })
        })
    }
}

impl Cbor for Mark {
    fn write(&self, w: &mut Writer) {
        match self {
            Mark::Nothing => w.array(1).u64(0),
            Mark::Pending => w.array(1).u64(1),
            Mark::Stored => w.array(1).u64(2),
            Mark::Failed { cause, message, attempts } => {
                w.array(4).u64(3).text(cause).text(message).put(attempts)
            }
            Mark::Skipped { cause, message } => w.array(3).u64(4).text(cause).text(message),
        };
    }

    fn read(r: &mut Reader<'_>) -> Result<Mark, CborError> {
        r.tuple(|t| {
            Ok(match t.get::<u64>()? {
                0 => Mark::Nothing,
                1 => Mark::Pending,
                2 => Mark::Stored,
                3 => Mark::Failed { cause: t.get()?, message: t.get()?, attempts: t.get()? },
                4 => Mark::Skipped { cause: t.get()?, message: t.get()? },
                _ => return Err(t.error("unknown mark")),
            })
        })
    }
}

impl Cbor for Known {
    fn write(&self, w: &mut Writer) {
        w.array(2).put(&self.facts).put(&self.mark);
    }

    fn read(r: &mut Reader<'_>) -> Result<Known, CborError> {
        let (facts, mark) = r.get()?;
        Ok(Known { facts, mark })
    }
}
