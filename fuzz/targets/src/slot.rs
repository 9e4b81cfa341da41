//! Key slots (SLOT-1): as they are, with a hash that fits, or with any fields under a seal that holds.

use repo_format::codec::{BlobKind, HEADER_SIZE, Header, MasterKey, PartContext, SlotId, seal};
use repo_format::format::format_blob;
use repo_format::format::slot::{KdfCost, SIZE, Secret, SlotKind, create, decode};
use zeroize::Zeroizing;

use crate::forge::{MASTER, REPO, SALT, mode, with_hash};

const ID: SlotId = SlotId([1; 16]);
/// Bytes between the copy of the format blob and the wrapped key: ID, kind, costs, salt.
const FIELDS_SIZE: usize = 64;
const KIND_AT: usize = 16;

/// What a person types is left out: its stretching would take all of the fuzzer's time.
const SECRETS: [fn() -> Secret; 2] =
    [|| Secret::RecoveryKey(Zeroizing::new(RECOVERY_KEY)), || Secret::KeyFile(Zeroizing::new(KEY_FILE))];
const RECOVERY_KEY: [u8; 32] = [8; 32];
const KEY_FILE: [u8; 32] = [9; 32];

pub fn run(data: &[u8]) -> bool {
    let blob = match mode(data) {
        (0, blob) => blob.to_vec(),
        (1, body) => with_hash(body),
        (_, rest) => match rest.split_first_chunk::<FIELDS_SIZE>() {
            Some((fields, master)) => forged(fields, master),
            None => return false,
        },
    };
    let Ok(slot) = decode(&blob, &ID) else { return false };
    assert_eq!(slot.cost.is_some(), slot.kind == SlotKind::Passphrase, "passphrases alone are stretched");
    assert!(slot.cost.is_none_or(|cost| cost.is_allowed()), "a forbidden cost was let through");
    SECRETS.into_iter().filter(|secret| slot.open(&secret()).is_ok()).count() == 1
}

/// A slot with these fields, sealed with the key that SLOT-3 makes of them.
fn forged(fields: &[u8; FIELDS_SIZE], master: &[u8]) -> Vec<u8> {
    let fields = [&format_blob::encode(&REPO)[..], fields].concat();
    let is_recovery = fields[format_blob::SIZE + KIND_AT] == SlotKind::RecoveryKey as u8;
    let secret = if is_recovery { RECOVERY_KEY } else { KEY_FILE };
    let mut hasher = blake3::Hasher::new_derive_key("corso 2026-11-22 v0 slot key");
    hasher.update(&secret).update(&fields);
    let keys = MasterKey::from_bytes(*hasher.finalize().as_bytes()).subkeys();
    let header = Header { kind: BlobKind::Slot, repo: REPO, salt: SALT };
    let mut blob = [&header.encode(&keys)[..], &fields].concat();
    let context = PartContext { slot: ID, ..PartContext::plain(&header, 0, 0, 32) };
    seal(&keys, &context, master, &mut blob);
    with_hash(&blob)
}

pub fn seeds() -> Vec<Vec<u8>> {
    let master = MasterKey::from_bytes(MASTER);
    let slots = SECRETS.into_iter().map(|secret| {
        create(&ID, &REPO, &master, &secret(), KdfCost::DEFAULT, [SALT, [4; 32]]).expect("a fresh slot")
    });
    let fields_at = HEADER_SIZE + format_blob::SIZE;
    let modes = |blob: Vec<u8>| {
        [
            [&[0][..], &blob].concat(),
            [&[1][..], &blob[..SIZE - 32]].concat(),
            [&[2][..], &blob[fields_at..fields_at + FIELDS_SIZE], &MASTER].concat(),
        ]
    };
    slots.flat_map(modes).collect()
}
