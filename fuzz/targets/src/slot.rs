//! Key slots (SLOT-1): as they are, or with a hash that fits.

use repo_format::codec::{MasterKey, SlotId};
use repo_format::format::slot::{KdfCost, SIZE, Secret, SlotKind, create, decode};
use zeroize::Zeroizing;

use crate::forge::{REPO, SALT, mode, with_hash};

/// The slot whose name the bytes are found under.
const ID: SlotId = SlotId([1; 16]);

/// What a person types is left out: its stretching would take all of the fuzzer's time.
const SECRETS: [fn() -> Secret; 2] =
    [|| Secret::RecoveryKey(Zeroizing::new([8; 32])), || Secret::KeyFile(Zeroizing::new([9; 32]))];

pub fn run(data: &[u8]) -> bool {
    let blob = match mode(data) {
        (0, blob) => blob.to_vec(),
        (_, body) => with_hash(body),
    };
    let Ok(slot) = decode(&blob, &ID) else { return false };
    assert_eq!(slot.cost.is_some(), slot.kind == SlotKind::Passphrase, "passphrases alone are stretched");
    assert!(slot.cost.is_none_or(|cost| cost.is_allowed()), "a forbidden cost was let through");
    SECRETS.into_iter().filter(|secret| slot.open(&secret()).is_ok()).count() == 1
}

pub fn seeds() -> Vec<Vec<u8>> {
    let master = MasterKey::from_bytes([42; 32]);
    let slots = SECRETS.into_iter().map(|secret| {
        create(&ID, &REPO, &master, &secret(), KdfCost::DEFAULT, [SALT, [4; 32]]).expect("a fresh slot")
    });
    slots.flat_map(|blob| [[&[0][..], &blob].concat(), [&[1][..], &blob[..SIZE - 32]].concat()]).collect()
}
