//! Chapters 1, 3 and 4: conventions, keys, slots, sealed parts, the splitter.

use repo_format::cbor::Reader;
use repo_format::codec::{
    self, BlobKind, Codec, ContentId, Cut, Header, PartContext, RepoId, SlotId, seal, unseal,
};
use repo_format::format::slot::{self, Secret, SlotKind};
use repo_format::format::{copy_marker, format_blob, recovery_key};
use zeroize::Zeroizing;

use crate::case::{Case, Told, one, refused};

pub fn padme(case: &Case) -> Result<Told, String> {
    Ok(vec![one("padded", codec::padme(case.number("size")))])
}

pub fn header(case: &Case) -> Result<Told, String> {
    let (bytes, keys) = (case.bytes("bytes"), case.keys());
    let header = Header::decode(&bytes, case.blob_kind(), Some(&case.repo()), &keys).map_err(refused)?;
    assert_eq!(header.encode(&keys)[..], bytes);
    Ok(vec![one("salt", hex::encode(header.salt))])
}

pub fn cbor(case: &Case) -> Result<Told, String> {
    let bytes = case.bytes("bytes");
    let mut reader = Reader::new(&bytes);
    reader.skip().and_then(|()| reader.end()).map_err(refused)?;
    Ok(Vec::new())
}

/// Most subkeys show in what they make only.
pub fn keys(case: &Case) -> Result<Told, String> {
    let keys = case.keys();
    let keyed = |name, bytes: &[u8]| ContentId(*blake3::keyed_hash(&case.fixed(name), bytes).as_bytes());
    assert_eq!(keys.content_id(7, b"text"), keyed("content-id-key", b"\x07text"));
    let header = Header { kind: BlobKind::DataPack, repo: RepoId([1; 16]), salt: [2; 32] };
    let front = header.encode(&keys);
    assert_eq!(front[64..], keyed("commitment-key", &front[..64]).0);
    let mut part = Vec::new();
    seal(&keys, &PartContext::plain(&header, 0, 0, 0), b"", &mut part);
    let mut context = [0; 182];
    context[2..4].copy_from_slice(&[1, BlobKind::DataPack as u8]);
    context[8..24].fill(1);
    context[24..56].fill(2);
    assert_eq!(part[..16], keyed("synthetic-key", &context).0[..16]);
    Ok(vec![one("map-key", hex::encode(keys.map()))])
}

pub fn content_id(case: &Case) -> Result<Told, String> {
    Ok(vec![one("id", case.keys().content_id(case.number("content-kind"), &case.bytes("bytes")))])
}

pub fn format(case: &Case) -> Result<Told, String> {
    let bytes = case.bytes("bytes");
    let repo = format_blob::decode(&bytes).map_err(refused)?;
    assert_eq!(format_blob::encode(&repo)[..], bytes);
    Ok(vec![one("repository-id", repo)])
}

pub fn copy_marker(case: &Case) -> Result<Told, String> {
    let bytes = case.bytes("bytes");
    let marker = copy_marker::decode(&bytes).map_err(refused)?;
    assert_eq!(copy_marker::encode(&marker)[..], bytes);
    Ok(vec![one("repository-id", marker.repo), one("copy-id", marker.copy)])
}

pub fn recovery(case: &Case) -> Result<Told, String> {
    let key = recovery_key::decode(&case["text"]).map_err(refused)?;
    assert_eq!(recovery_key::decode(&recovery_key::encode(&key)).as_deref(), Ok(&*key));
    Ok(vec![one("key", hex::encode(*key))])
}

pub fn slot(case: &Case) -> Result<Told, String> {
    let slot = slot::decode(&case.bytes("bytes"), &SlotId(case.fixed("slot-id"))).map_err(refused)?;
    let bytes = case.bytes("secret");
    let secret = match slot.kind {
        SlotKind::Passphrase => Secret::Passphrase(Zeroizing::new(bytes)),
        SlotKind::RecoveryKey => Secret::RecoveryKey(Zeroizing::new(bytes.try_into().expect("32 bytes"))),
        SlotKind::KeyFile => Secret::key_file(&bytes).ok_or("SLOT-2: no size of a key file")?,
    };
    let master = slot.open(&secret).map_err(refused)?;
    Ok(vec![one("master-key", hex::encode(master.expose()))])
}

pub fn part(case: &Case) -> Result<Told, String> {
    let context: [u8; 182] = case.fixed("context");
    fn cut<const N: usize>(context: &[u8], at: usize) -> [u8; N] {
        context[at..at + N].try_into().expect("inside")
    }
    let kind = BlobKind::from_number(context[3]).expect("a kind of blob");
    let header = Header { kind, repo: RepoId(cut(&context, 8)), salt: cut(&context, 24) };
    let index = u32::from_le_bytes(cut(&context, 56));
    let plain = PartContext::plain(&header, index, context[60], u64::from_le_bytes(cut(&context, 62)));
    let revision = u64::from_le_bytes(cut(&context, 110));
    let parsed =
        PartContext { list_hash: cut(&context, 78), revision, slot: SlotId(cut(&context, 118)), ..plain };
    let (keys, bytes) = (case.keys(), case.bytes("bytes"));
    let stored = unseal(&keys, &parsed, &bytes).map_err(refused)?;
    let mut again = Vec::new();
    seal(&keys, &parsed, &stored, &mut again);
    assert_eq!(again, bytes, "sealing is deterministic");
    Ok(vec![one("stored", hex::encode(stored))])
}

pub fn frame(case: &Case) -> Result<Told, String> {
    let codec = Codec::from_number(case.number("codec")).ok_or("PACK-4: unknown codec")?;
    let raw = codec::decompress(codec, case.bytes("bytes"), case.number("raw-length")).map_err(refused)?;
    Ok(vec![one("raw", hex::encode(raw))])
}

pub fn splitter(case: &Case) -> Result<Told, String> {
    let (splitter, stream) = (case.splitter(), case.stream());
    let (mut rest, mut pieces) = (&stream[..], Vec::new());
    while !rest.is_empty() {
        let length = splitter.cut(rest);
        pieces.push(length.to_string());
        rest = &rest[length..];
    }
    Ok(vec![one("pieces", pieces.join(" "))])
}
