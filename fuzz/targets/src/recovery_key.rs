//! A recovery key's text (SLOT-5).

use repo_format::format::recovery_key::{decode, encode};

pub fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(key) = decode(text) else { return false };
    let again = decode(&encode(&key)).expect("what was written is read");
    assert_eq!(again, key, "a recovery key comes back");
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let text = encode(&[7; 32]);
    let typed = text.to_lowercase().replace('-', " ").replace('0', "o");
    vec![text.as_bytes().to_vec(), typed.into_bytes()]
}
