//! Recovery keys as text: 14 groups of 4 characters (SLOT-5).

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BYTES: usize = 35;
const CHARACTERS: usize = 56;

/// A text that is no recovery key. Says nothing of the text itself, which may be nearly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryKeyError {
    #[error("a recovery key has {CHARACTERS} letters and digits; this has {found}")]
    Length { found: usize },
    #[error("character {place} of the recovery key is none that it may have")]
    Character { place: usize },
    #[error("the recovery key's checksum does not fit: a character is wrong or two are swapped")]
    Checksum,
}

/// The text of 32 secret bytes.
pub fn encode(key: &[u8; 32]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    bytes[..32].copy_from_slice(key);
    bytes[32..].copy_from_slice(&checksum(key));
    let mut text = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / 4));
    // 5 bytes are 8 characters, so the 35 bytes end on a character.
    for (group, chunk) in bytes.chunks_exact(5).enumerate() {
        let bits = chunk.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in 0..8 {
            if place % 4 == 0 && (group, place) != (0, 0) {
                text.push('-');
            }
            text.push(ALPHABET[(bits >> (35 - 5 * place) & 31) as usize] as char);
        }
    }
    text
}

/// The secret bytes of a text, as a person may have typed it.
///
/// # Errors
/// [`RecoveryKeyError`] says what is wrong without repeating the text.
pub fn decode(text: &str) -> Result<Zeroizing<[u8; 32]>, RecoveryKeyError> {
    let typed: Zeroizing<Vec<char>> =
        Zeroizing::new(text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect());
    if typed.len() != CHARACTERS {
        return Err(RecoveryKeyError::Length { found: typed.len() });
    }
    let mut bytes = Zeroizing::new([0u8; BYTES]);
    for (group, characters) in typed.chunks_exact(8).enumerate() {
        let mut bits = 0u64;
        for (place, character) in characters.iter().enumerate() {
            let value =
                value_of(*character).ok_or(RecoveryKeyError::Character { place: group * 8 + place + 1 })?;
            bits = bits << 5 | value;
        }
        bytes[group * 5..group * 5 + 5].copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&bytes[..32]);
    if checksum(&key) != bytes[32..] {
        return Err(RecoveryKeyError::Checksum);
    }
    Ok(key)
}

fn value_of(character: char) -> Option<u64> {
    let folded = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|known| *known as char == folded).map(|place| place as u64)
}

fn checksum(key: &[u8; 32]) -> [u8; 3] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"corso recovery key").update(key);
    let hash = hasher.finalize();
    [hash.as_bytes()[0], hash.as_bytes()[1], hash.as_bytes()[2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_typed_sloppily() {
        let key = *blake3::hash(b"key").as_bytes();
        let text = encode(&key);
        assert_eq!(text.len(), 56 + 13);
        assert_eq!(*decode(&text).expect("reads"), key);
        let sloppy = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(*decode(&sloppy).expect("reads"), key);
    }

    #[test]
    fn a_typing_error_is_found() {
        let text = encode(&[5; 32]);
        let wrong = format!("{}{}", &text[..text.len() - 1], if text.ends_with('Z') { 'Y' } else { 'Z' });
        assert_eq!(decode(&wrong), Err(RecoveryKeyError::Checksum));
        assert_eq!(decode("ABC"), Err(RecoveryKeyError::Length { found: 3 }));
        let with_u = format!("U{}", &text[1..]);
        assert_eq!(decode(&with_u), Err(RecoveryKeyError::Character { place: 1 }));
    }
}
