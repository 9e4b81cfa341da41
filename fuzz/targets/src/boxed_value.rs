//! Values of a tree's map (MAP-5, TREE-2): in place, or behind an object.

use bytes::Bytes;
use repo_format::cbor;
use repo_format::codec::ContentId;
use repo_format::map::{BOXED_SIZE_MAX, unbox_value};
use repo_format::object::ObjectRef;
use repo_format::tree::{Entry, EntryKind, Meta, decode_value};

use crate::forge::{join, split};
use crate::forged_contents::ForgedContents;

pub fn run(data: &[u8]) -> bool {
    let (value, pieces) = split(data);
    let value = Bytes::copy_from_slice(value);
    let root = ContentId([9; 32]);
    let Ok(body) = unbox_value(&ForgedContents::new(pieces), &root, &value) else { return false };
    assert!(body.len() <= BOXED_SIZE_MAX, "no value is longer");
    decode_value(&ForgedContents::new(pieces), &root, b"name", &value).is_ok()
}

pub fn seeds() -> Vec<Vec<u8>> {
    let entry = |target| Entry { kind: EntryKind::Symlink(target), size: 0, items: 0, meta: Meta::default() };
    let short = cbor::encode(&entry(b"target".to_vec()));
    let long = cbor::encode(&entry(vec![b't'; 2000]));
    let object = ObjectRef { depth: 0, content: ForgedContents::id(0), size: long.len() as u64 };
    vec![
        join(&[&[0][..], &short].concat(), &[]),
        join(&[&[1][..], &cbor::encode(&object)].concat(), &ForgedContents::input(&[long])),
    ]
}
