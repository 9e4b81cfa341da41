//! The bytes of an entry (TREE-2, TREE-3).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::LocalKey;

use bytes::Bytes;

use super::error::shown;
use super::{Entry, EntryKind, Meta, TreeError};
use crate::cbor::{self, Cbor, CborError, MapReader, MapWriter, Reader, Writer};
use crate::codec::ContentId;
use crate::content::ReadContent;
use crate::map::{MapError, MapStore, box_value, unbox_value};

/// The value of an entry in its tree's map; a large one goes behind an object (MAP-5).
///
/// # Errors
/// [`MapError`] if the entry is beyond all measure, or the object cannot be stored.
pub fn encode_value(store: MapStore<'_>, entry: &Entry) -> Result<Vec<u8>, MapError> {
    box_value(store, &cbor::encode(entry))
}

/// The entry that a value of the tree at `tree` stands for; `name` is for the message.
///
/// # Errors
/// [`TreeError`] if the value is malformed, or its object cannot be read.
pub fn decode_value(
    contents: &dyn ReadContent,
    tree: &ContentId,
    name: &[u8],
    value: &Bytes,
) -> Result<Entry, TreeError> {
    let body = unbox_value(contents, tree, value)?;
    cbor::decode(&body).map_err(|source| TreeError::StoredEntry { tree: *tree, name: shown(name), source })
}

const FILE: u64 = 0;
const FOLDER: u64 = 1;
const SYMLINK: u64 = 2;
const FIFO: u64 = 3;
const SOCKET: u64 = 4;
const CHAR_DEVICE: u64 = 5;
const BLOCK_DEVICE: u64 = 6;

impl Cbor for Entry {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            write_kind(&self.kind, m);
            m.put_unless(2, &self.size, &0);
            m.put_unless(3, &self.items, &0);
            write_meta(&self.meta, m);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let two_sizes = r.error("a file of another size than its object (TREE-3)");
        r.map(|m| {
            let (kind, size) = (read_kind(m)?, m.get_or(2, 0)?);
            if matches!(kind, EntryKind::File(Some(object)) if object.size != size) {
                return Err(two_sizes);
            }
            Ok(Entry { kind, size, items: m.get_or(3, 0)?, meta: read_meta(m)? })
        })
    }
}

fn write_kind(kind: &EntryKind, m: &mut MapWriter<'_>) {
    let number = match kind {
        EntryKind::File(_) => FILE,
        EntryKind::Folder(_) => FOLDER,
        EntryKind::Symlink(_) => SYMLINK,
        EntryKind::Fifo => FIFO,
        EntryKind::Socket => SOCKET,
        EntryKind::CharDevice { .. } => CHAR_DEVICE,
        EntryKind::BlockDevice { .. } => BLOCK_DEVICE,
    };
    m.put(0, &number);
    match kind {
        EntryKind::File(object) => m.put_some(1, object),
        EntryKind::Folder(tree) => m.put(1, tree),
        EntryKind::Symlink(target) => m.put(1, target),
        EntryKind::Fifo | EntryKind::Socket => {}
        EntryKind::CharDevice { major, minor } | EntryKind::BlockDevice { major, minor } => {
            m.put(1, &(*major, *minor));
        }
    }
}

fn read_kind(m: &mut MapReader<'_, '_>) -> Result<EntryKind, CborError> {
    let unknown = m.error("unknown kind of entry");
    Ok(match m.get(0)? {
        FILE => EntryKind::File(m.get_some(1)?),
        FOLDER => EntryKind::Folder(m.get(1)?),
        SYMLINK => EntryKind::Symlink(m.get(1)?),
        FIFO => EntryKind::Fifo,
        SOCKET => EntryKind::Socket,
        CHAR_DEVICE => m.get(1).map(|(major, minor)| EntryKind::CharDevice { major, minor })?,
        BLOCK_DEVICE => m.get(1).map(|(major, minor)| EntryKind::BlockDevice { major, minor })?,
        _ => return Err(unknown),
    })
}

fn write_meta(meta: &Meta, m: &mut MapWriter<'_>) {
    m.put_some(4, &meta.mtime_ns);
    m.put_some(5, &meta.ctime_ns);
    m.put_some(6, &meta.btime_ns);
    m.put_some(7, &meta.mode);
    m.put_some(8, &meta.uid);
    m.put_some(9, &meta.gid);
    m.put_some(10, &meta.user);
    m.put_some(11, &meta.group);
    m.put_some(12, &meta.inode);
    m.put_some(13, &meta.device);
    if !meta.xattrs.is_empty() {
        m.put_with(14, |w| write_xattrs(&meta.xattrs, w));
    }
    m.put_some(15, &meta.link_group);
    m.put_unless(16, &meta.sparse, &false);
    m.put_some(17, &meta.service);
}

fn read_meta(m: &mut MapReader<'_, '_>) -> Result<Meta, CborError> {
    Ok(Meta {
        mtime_ns: m.get_some(4)?,
        ctime_ns: m.get_some(5)?,
        btime_ns: m.get_some(6)?,
        mode: m.get_with(7, read_mode)?,
        uid: m.get_some(8)?,
        gid: m.get_some(9)?,
        user: m.get_with(10, |r| read_name(r, &USER))?,
        group: m.get_with(11, |r| read_name(r, &GROUP))?,
        inode: m.get_some(12)?,
        device: m.get_some(13)?,
        xattrs: m.get_with(14, read_xattrs)?.unwrap_or_default(),
        link_group: m.get_some(15)?,
        sparse: m.get_or(16, false)?,
        service: m.get_some(17)?,
    })
}

thread_local! {
    /// The names that were read last: most entries have those of the one before.
    static USER: RefCell<Arc<[u8]>> = RefCell::new(Arc::default());
    static GROUP: RefCell<Arc<[u8]>> = RefCell::new(Arc::default());
}

fn read_name(
    r: &mut Reader<'_>,
    last: &'static LocalKey<RefCell<Arc<[u8]>>>,
) -> Result<Arc<[u8]>, CborError> {
    let name = r.bytes()?;
    Ok(last.with_borrow_mut(|last| {
        if **last != *name {
            *last = Arc::from(name);
        }
        Arc::clone(last)
    }))
}

fn read_mode(r: &mut Reader<'_>) -> Result<u32, CborError> {
    let beyond = r.error("mode beyond 0o7777");
    let mode: u32 = r.get()?;
    if mode > 0o7777 { Err(beyond) } else { Ok(mode) }
}

fn write_xattrs(xattrs: &BTreeMap<Vec<u8>, Vec<u8>>, w: &mut Writer) {
    w.array(xattrs.len());
    for (name, value) in xattrs {
        w.array(2).put(name).put(value);
    }
}

fn read_xattrs(r: &mut Reader<'_>) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, CborError> {
    let here = r.offset();
    let refuse = |what| Err(CborError { offset: here, what });
    let list: Vec<(Vec<u8>, Vec<u8>)> = r.get()?;
    if list.is_empty() {
        return refuse("a default is written out");
    }
    if list.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return refuse("xattrs do not ascend");
    }
    Ok(list.into_iter().collect())
}
