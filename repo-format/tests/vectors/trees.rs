//! Chapter 6: objects, maps, boxed values, trees; and chapter 7's values under a path.

use bytes::Bytes;
use repo_format::cbor::{self, Cbor};
use repo_format::codec::{ContentId, ContentKind, MasterKey, Splitter, SplitterSizes};
use repo_format::content::ContentError;
use repo_format::ledger::LedgerEntry;
use repo_format::map::{Map, MapBuilder, MapKey, MapStore, Node, unbox_value};
use repo_format::object::{ObjectReader, ObjectRef, write_bytes};
use repo_format::snapshot::{Failure, Part};
use repo_format::tree::{Entry, EntryKind, TreeKey};

use crate::case::{Case, Told, one, refused};
use crate::contents::Pool;

fn empty_pool() -> Pool {
    Pool::new(MasterKey::from_bytes([1; 32]).subkeys())
}

fn rows(pool: &Pool, reference: ObjectRef) -> Result<Vec<String>, String> {
    let object = ObjectReader::open(pool, reference).map_err(refused)?;
    let rows = object.all_rows().map(|row| row.map(|row| format!("{} {}", row.content, row.length)));
    rows.collect::<Result<_, _>>().map_err(refused)
}

pub fn object(case: &Case) -> Result<Told, String> {
    let (pool, splitter, stream) = (Pool::new(case.keys()), case.splitter(), case.stream());
    let reference = write_bytes(&pool, &splitter, &stream).map_err(refused)?;
    let object = ObjectReader::open(&pool, reference).map_err(refused)?;
    assert_eq!(object.read_at(0, stream.len()).map_err(refused)?, stream);
    let told = one("reference", hex::encode(cbor::encode(&reference)));
    Ok(vec![told, ("row", rows(&pool, reference)?)])
}

pub fn reference(case: &Case) -> Result<Told, String> {
    let reference: ObjectRef = decode_exactly(&case.bytes("bytes"))?;
    let ObjectRef { depth, content, size } = reference;
    Ok(vec![one("depth", depth), one("content-id", content), one("size", size)])
}

/// Decodes a body, and encodes it again.
fn decode_exactly<T: Cbor>(body: &[u8]) -> Result<T, String> {
    let value: T = cbor::decode(body).map_err(refused)?;
    assert_eq!(cbor::encode(&value), body, "one value has one encoding");
    Ok(value)
}

/// The list stands behind an object whose size is what the rows say.
pub fn list(case: &Case) -> Result<Told, String> {
    let (pool, list) = (empty_pool(), case.bytes("bytes"));
    let (row_sizes, _) = list.as_chunks::<36>();
    let length = |row: &[u8; 36]| u64::from(u32::from_le_bytes([row[32], row[33], row[34], row[35]]));
    let size = row_sizes.iter().map(length).sum::<u64>().max(1);
    let content = ContentId([9; 32]);
    pool.place(content, ContentKind::List, list);
    Ok(vec![("row", rows(&pool, ObjectRef { depth: 1, content, size })?)])
}

pub fn map(case: &Case) -> Result<Told, String> {
    let (pool, keys) = (Pool::new(case.keys()), case.keys());
    let key = MapKey::new(*keys.map());
    let splitter = Splitter::new(&keys, SplitterSizes::DEFAULT);
    let mut map = MapBuilder::new(MapStore { contents: &pool, splitter: &splitter, key: &key });
    let mut entries = Vec::new();
    for entry in case.all("entry") {
        let (key, value) = entry.split_once(' ').expect("key and value");
        let (key, value) = (hex::decode(key).expect("hex"), hex::decode(value).expect("hex"));
        map.push(&key, &value).map_err(refused)?;
        entries.push((Bytes::from(key), Bytes::from(value)));
    }
    let root = map.finish().map_err(refused)?;
    let read: Result<Vec<_>, _> = Map::open(&pool, &root).map_err(refused)?.iter().collect();
    assert_eq!(read.map_err(refused)?, entries);
    Ok(vec![one("root", root), ("node", pool.ids())])
}

pub fn node(case: &Case) -> Result<Told, String> {
    let bytes = Bytes::from(case.bytes("bytes"));
    let node = Node::decode(bytes.clone())?;
    assert_eq!(node.encode(), bytes);
    Ok(vec![one("level", node.level), one("entries", node.entries.len())])
}

/// The parent is a map's root; looking for the child's first key reads the child.
pub fn child(case: &Case) -> Result<Told, String> {
    let (pool, bytes) = (empty_pool(), case.bytes("bytes"));
    let entry = Node::decode(bytes.clone().into())?.entries.swap_remove(case.number("at"));
    let child = ContentId(*entry.value.first_chunk().expect("an inner entry"));
    let root = ContentId([8; 32]);
    pool.place(root, ContentKind::Node, bytes);
    pool.place(child, ContentKind::Node, case.bytes("child"));
    let map = Map::open(&pool, &root).map_err(refused)?;
    match map.get(&entry.key) {
        Ok(_) => Ok(Vec::new()),
        Err(error @ ContentError::Malformed { .. }) => Err(refused(error)),
        Err(error) => panic!("{}: {error}", case.name),
    }
}

pub fn tree_key(case: &Case) -> Result<Told, String> {
    let bytes = case.bytes("bytes");
    let key = TreeKey::from_bytes(&bytes).map_err(refused)?;
    assert_eq!(key.to_bytes().map_err(refused)?, bytes);
    Ok(vec![one("name", hex::encode(&key.name)), one("discriminator", hex::encode(&key.discriminator))])
}

/// The value's body, or the size of the object that holds it, which is not there.
fn boxed<T: Cbor>(case: &Case, told: impl Fn(&T) -> (&'static str, Vec<String>)) -> Result<Told, String> {
    let value = Bytes::from(case.bytes("bytes"));
    match unbox_value(&empty_pool(), &ContentId([7; 32]), &value) {
        Ok(body) if case.name.ends_with("unknown-1000.txt") => {
            Ok(vec![told(&cbor::decode(&body).map_err(refused)?)])
        }
        Ok(body) => Ok(vec![told(&decode_exactly(&body)?)]),
        Err(ContentError::Missing { .. }) => {
            let reference: ObjectRef = cbor::decode(&value[1..]).map_err(refused)?;
            Ok(vec![one("size", reference.size)])
        }
        Err(error) => Err(refused(error)),
    }
}

pub fn tree_value(case: &Case) -> Result<Told, String> {
    boxed(case, |entry: &Entry| {
        let kind = match entry.kind {
            EntryKind::File(_) => 0,
            EntryKind::Folder(_) => 1,
            EntryKind::Symlink(_) => 2,
            EntryKind::Fifo => 3,
            EntryKind::Socket => 4,
            EntryKind::CharDevice { .. } => 5,
            EntryKind::BlockDevice { .. } => 6,
        };
        one("entry-kind", kind)
    })
}

pub fn failure(case: &Case) -> Result<Told, String> {
    boxed(case, |failure: &Failure| one("cause", &failure.cause))
}

pub fn ledger_entry(case: &Case) -> Result<Told, String> {
    let value = Bytes::from(case.bytes("bytes"));
    let body = match unbox_value(&empty_pool(), &ContentId([7; 32]), &value) {
        Err(ContentError::Missing { .. }) => {
            let reference: ObjectRef = cbor::decode(&value[1..]).map_err(refused)?;
            return Ok(vec![one("size", reference.size)]);
        }
        body => body.map_err(refused)?,
    };
    let entry: LedgerEntry = decode_exactly(&body)?;
    assert_eq!(entry.is_removal(), body.as_ref() == [0xa0]);
    let size = entry.object.map(|object| one("object-size", object.size));
    let data = entry.data.map(|data| one("data", hex::encode(data)));
    Ok(size.into_iter().chain(data).collect())
}

pub fn part_entry(case: &Case) -> Result<Told, String> {
    boxed(case, |part: &Part| one("covered", part.covered))
}
