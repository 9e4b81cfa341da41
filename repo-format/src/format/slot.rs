//! Key slots: the master key wrapped by a secret (SLOT-1 to SLOT-4).

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::table::Fields;
use super::{HashMismatch, check_hash, format_blob, push_hash};
use crate::codec::{
    BlobKind, HEADER_SIZE, Header, HeaderError, MasterKey, PartContext, RepoId, SEAL_OVERHEAD, SlotId, seal,
    unseal,
};

/// Bytes in a slot.
pub const SIZE: usize = PART_START + SEAL_OVERHEAD + 32 + 32;
const PART_START: usize = 224;

/// What opens a slot.
pub enum Secret {
    /// What a person types.
    Passphrase(Zeroizing<Vec<u8>>),
    /// The 32 bytes behind a recovery key's text.
    RecoveryKey(Zeroizing<[u8; 32]>),
    /// The hash of a key file's bytes; see [`Secret::key_file`].
    KeyFile(Zeroizing<[u8; 32]>),
}

impl Secret {
    /// Least and greatest size of a key file, in bytes.
    pub const KEY_FILE_SIZE: std::ops::RangeInclusive<usize> = 32..=1 << 20;

    /// The secret in a key file's `bytes`; `None` if their number is not allowed (SLOT-2).
    pub fn key_file(bytes: &[u8]) -> Option<Secret> {
        Self::KEY_FILE_SIZE
            .contains(&bytes.len())
            .then(|| Secret::KeyFile(Zeroizing::new(*blake3::hash(bytes).as_bytes())))
    }

    /// The kind of slot that it opens.
    pub fn kind(&self) -> SlotKind {
        match self {
            Secret::Passphrase(_) => SlotKind::Passphrase,
            Secret::RecoveryKey(_) => SlotKind::RecoveryKey,
            Secret::KeyFile(_) => SlotKind::KeyFile,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Secret::Passphrase(bytes) => bytes,
            Secret::RecoveryKey(bytes) | Secret::KeyFile(bytes) => &bytes[..],
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({:?})", self.kind())
    }
}

/// What kind of secret opens a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SlotKind {
    Passphrase = 1,
    RecoveryKey = 2,
    KeyFile = 3,
}

impl SlotKind {
    /// The kind with this number, if there is one.
    pub fn from_number(number: u8) -> Option<SlotKind> {
        match number {
            1 => Some(SlotKind::Passphrase),
            2 => Some(SlotKind::RecoveryKey),
            3 => Some(SlotKind::KeyFile),
            _ => None,
        }
    }

    /// The kind's name in lists and JSON.
    pub fn name(self) -> &'static str {
        match self {
            SlotKind::Passphrase => "passphrase",
            SlotKind::RecoveryKey => "recovery-key",
            SlotKind::KeyFile => "key-file",
        }
    }
}

/// What a passphrase costs to try: Argon2id's parameters (SLOT-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfCost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl KdfCost {
    /// 64 MiB, 3 passes, 4 lanes; never less.
    pub const DEFAULT: KdfCost = KdfCost { memory_kib: 65_536, passes: 3, lanes: 4 };

    /// Whether SLOT-2 allows it. Checked before anything is allocated.
    pub fn is_allowed(&self) -> bool {
        (65_536..=4_194_304).contains(&self.memory_kib)
            && (3..=64).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

/// A slot as it stands in its blob, before a secret is tried.
#[derive(Debug, Clone)]
pub struct Slot {
    pub id: SlotId,
    pub repo: RepoId,
    pub kind: SlotKind,
    /// Passphrase slots only.
    pub cost: Option<KdfCost>,
    body: Vec<u8>,
}

/// Why a slot was refused, or did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    #[error("it has {found} bytes, not {SIZE} (SLOT-1)")]
    Size { found: usize },
    #[error(transparent)]
    Damaged(#[from] HashMismatch),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("it breaks {clause}")]
    Malformed { clause: &'static str },
    #[error("it is slot {found} under another slot's name (SLOT-1)")]
    OtherName { found: SlotId },
    #[error(
        "its key derivation asks for {memory_kib} KiB, {passes} passes and {lanes} lanes, which SLOT-2 forbids"
    )]
    Cost { memory_kib: u32, passes: u32, lanes: u32 },
    /// The secret is another slot's, or wrong.
    #[error("the secret does not open it")]
    WrongSecret,
}

/// Wraps `master` with `secret` in a new slot, and gives the blob.
///
/// `salts` are the blob's and the key derivation's. `cost` counts for passphrases only.
pub fn create(
    id: &SlotId,
    repo: &RepoId,
    master: &MasterKey,
    secret: &Secret,
    cost: KdfCost,
    salts: [[u8; 32]; 2],
) -> Result<Vec<u8>, SlotError> {
    let cost = matches!(secret, Secret::Passphrase(_)).then_some(cost);
    let mut fields = Vec::with_capacity(PART_START - HEADER_SIZE);
    fields.extend_from_slice(&format_blob::encode(repo));
    fields.extend_from_slice(&id.0);
    fields.extend_from_slice(&[secret.kind() as u8, u8::from(cost.is_some()), 0, 0]);
    let numbers = cost.map_or([0; 3], |cost| [cost.memory_kib, cost.passes, cost.lanes]);
    fields.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    fields.extend_from_slice(&salts[1]);

    let keys = slot_key(secret, cost, &fields)?.subkeys();
    let header = Header { kind: BlobKind::Slot, repo: *repo, salt: salts[0] };
    let mut blob = header.encode(&keys).to_vec();
    blob.extend_from_slice(&fields);
    seal(&keys, &context(&header, id), master.expose(), &mut blob);
    push_hash(&mut blob);
    Ok(blob)
}

/// Reads the blob that stands under the name of slot `id` as far as it goes without a secret.
///
/// # Errors
/// [`SlotError`]: damage first, a cut blob too, then what the bytes say.
pub fn decode(blob: &[u8], id: &SlotId) -> Result<Slot, SlotError> {
    let body = check_hash(blob)?;
    if blob.len() != SIZE {
        return Err(SlotError::Size { found: blob.len() });
    }
    let repo = Header::decode_plain(body, BlobKind::Slot, None)?;
    let malformed = SlotError::Malformed { clause: "SLOT-1" };
    let mut fields = Fields::new(&body[HEADER_SIZE..PART_START]);
    let copy = fields.bytes(format_blob::SIZE).ok_or(malformed.clone())?;
    if copy != format_blob::encode(&repo) {
        return Err(malformed);
    }
    let (found, kind, cost) = read_fields(&mut fields).ok_or(malformed)?;
    if found != *id {
        return Err(SlotError::OtherName { found });
    }
    let cost = match (kind, cost) {
        (SlotKind::Passphrase, Some(cost)) if !cost.is_allowed() => {
            let KdfCost { memory_kib, passes, lanes } = cost;
            return Err(SlotError::Cost { memory_kib, passes, lanes });
        }
        (SlotKind::Passphrase, Some(cost)) => Some(cost),
        (SlotKind::RecoveryKey | SlotKind::KeyFile, None) => None,
        _ => return Err(SlotError::Malformed { clause: "SLOT-2" }),
    };
    Ok(Slot { id: found, repo, kind, cost, body: body.to_vec() })
}

fn read_fields(fields: &mut Fields<'_>) -> Option<(SlotId, SlotKind, Option<KdfCost>)> {
    let id = SlotId(fields.array()?);
    let kind = SlotKind::from_number(fields.u8()?)?;
    let kdf = fields.u8()?;
    fields.zeros::<2>()?;
    let cost = KdfCost { memory_kib: fields.u32()?, passes: fields.u32()?, lanes: fields.u32()? };
    match kdf {
        0 if cost == (KdfCost { memory_kib: 0, passes: 0, lanes: 0 }) => Some((id, kind, None)),
        1 => Some((id, kind, Some(cost))),
        _ => None,
    }
}

impl Slot {
    /// The master key, if `secret` is this slot's. Deriving a passphrase's key takes a moment.
    ///
    /// # Errors
    /// `WrongSecret`, or `Malformed` if the wrapped key does not open although the secret fits.
    pub fn open(&self, secret: &Secret) -> Result<MasterKey, SlotError> {
        if secret.kind() != self.kind {
            return Err(SlotError::WrongSecret);
        }
        let keys = slot_key(secret, self.cost, &self.body[HEADER_SIZE..PART_START])?.subkeys();
        let header = match Header::decode(&self.body, BlobKind::Slot, Some(&self.repo), &keys) {
            Err(HeaderError::WrongKey) => return Err(SlotError::WrongSecret),
            other => other?,
        };
        let malformed = SlotError::Malformed { clause: "SLOT-1" };
        let plain = unseal(&keys, &context(&header, &self.id), &self.body[PART_START..])
            .map_err(|_| malformed.clone())?;
        let plain = Zeroizing::new(plain);
        plain.as_slice().try_into().map(MasterKey::from_bytes).map_err(|_| malformed)
    }
}

fn context<'a>(header: &'a Header, id: &SlotId) -> PartContext<'a> {
    PartContext { slot: *id, ..PartContext::plain(header, 0, 0, 32) }
}

/// The key-encryption key: the secret, stretched if a person made it up, bound to the slot's fields
/// (SLOT-3). `fields` are bytes 96 to 223.
fn slot_key(secret: &Secret, cost: Option<KdfCost>, fields: &[u8]) -> Result<MasterKey, SlotError> {
    let mut stretched = Zeroizing::new([0; 32]);
    match cost {
        None => stretched.copy_from_slice(secret.bytes()),
        Some(cost) => {
            let KdfCost { memory_kib, passes, lanes } = cost;
            let refused = SlotError::Cost { memory_kib, passes, lanes };
            if !cost.is_allowed() {
                return Err(refused);
            }
            let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|_| refused.clone())?;
            let salt = fields.last_chunk::<32>().ok_or(SlotError::Malformed { clause: "SLOT-1" })?;
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into(secret.bytes(), salt, &mut stretched[..])
                .map_err(|_| refused)?;
        }
    }
    let mut hasher = blake3::Hasher::new_derive_key("corso 2026-11-22 v0 slot key");
    hasher.update(&stretched[..]).update(fields);
    Ok(MasterKey::from_bytes(*hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Secret {
        Secret::Passphrase(Zeroizing::new(text.as_bytes().to_vec()))
    }

    const ID: SlotId = SlotId([1; 16]);

    fn slot_of(secret: &Secret) -> Vec<u8> {
        let master = MasterKey::from_bytes([42; 32]);
        let salts = [[3; 32], [4; 32]];
        create(&ID, &RepoId([2; 16]), &master, secret, KdfCost::DEFAULT, salts).expect("wraps")
    }

    #[test]
    fn each_kind_opens_with_its_secret_alone() {
        let secrets = [
            passphrase("correct horse"),
            Secret::RecoveryKey(Zeroizing::new([8; 32])),
            Secret::key_file(&[9; 64]).expect("long enough"),
        ];
        for secret in &secrets {
            let blob = slot_of(secret);
            assert_eq!(blob.len(), SIZE);
            let slot = decode(&blob, &ID).expect("decodes");
            assert_eq!((slot.id, slot.repo, slot.kind), (ID, RepoId([2; 16]), secret.kind()));
            assert_eq!(slot.open(secret).expect("opens").expose(), &[42; 32]);
            let wrong =
                [Secret::RecoveryKey(Zeroizing::new([7; 32])), Secret::KeyFile(Zeroizing::new([8; 32]))];
            for wrong in &wrong {
                assert_eq!(slot.open(wrong).err(), Some(SlotError::WrongSecret));
            }
        }
        let slot = decode(&slot_of(&secrets[0]), &ID).expect("decodes");
        assert_eq!(slot.open(&passphrase("correct hors")).err(), Some(SlotError::WrongSecret));
    }

    #[test]
    fn damage_is_told_from_a_wrong_secret() {
        let secret = Secret::RecoveryKey(Zeroizing::new([8; 32]));
        let blob = slot_of(&secret);
        for place in 0..SIZE {
            let mut forged = blob.clone();
            forged[place] ^= 0x80;
            assert_eq!(decode(&forged, &ID).err(), Some(SlotError::Damaged(HashMismatch)), "byte {place}");
        }
        for length in 0..SIZE {
            assert_eq!(
                decode(&blob[..length], &ID).err(),
                Some(SlotError::Damaged(HashMismatch)),
                "{length} bytes"
            );
        }
        let other = decode(&blob, &SlotId([9; 16])).err();
        assert_eq!(other, Some(SlotError::OtherName { found: ID }));
        // With its hash made to fit again, a changed field is refused or makes the secret useless.
        for place in 0..SIZE - 32 {
            let mut forged = blob[..SIZE - 32].to_vec();
            forged[place] ^= 0x80;
            push_hash(&mut forged);
            assert!(decode(&forged, &ID).and_then(|slot| slot.open(&secret)).is_err(), "byte {place}");
        }
    }

    #[test]
    fn hostile_costs_are_refused_before_they_are_paid() {
        let blob = slot_of(&passphrase("x"));
        for (offset, value) in [(180, u32::MAX), (180, 1024), (184, 1), (184, 9999), (188, 0), (188, 255)] {
            let mut forged = blob[..SIZE - 32].to_vec();
            forged[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
            push_hash(&mut forged);
            assert!(matches!(decode(&forged, &ID), Err(SlotError::Cost { .. })), "{offset} {value}");
        }
    }
}
