//! The vectors of quickXorHash that three other implementations agree on.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use graph_sim::model::quickxor;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    len: usize,
    #[serde(rename = "quickXorHash")]
    hash: String,
    ascii: Option<String>,
    /// Of generated inputs.
    sha256_of_input: Option<String>,
}

/// The first `length` bytes of SHA-256 of 0, 1, 2, … as 8 little-endian bytes.
fn input(length: usize) -> Vec<u8> {
    let digest = |number: u64| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &number.to_le_bytes());
    let mut bytes: Vec<u8> =
        (0..length.div_ceil(32) as u64).flat_map(|n| digest(n).as_ref().to_vec()).collect();
    bytes.truncate(length);
    bytes
}

#[test]
fn all_vectors_pass() {
    let file: File = serde_json::from_str(include_str!("fixtures/quickxorhash.json")).unwrap();
    assert_eq!(file.vectors.len(), 28);
    for vector in file.vectors {
        let bytes = vector.ascii.map_or_else(|| input(vector.len), String::into_bytes);
        if let Some(expected) = vector.sha256_of_input {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "input of length {}", vector.len);
        }
        assert_eq!(STANDARD.encode(quickxor::hash(&bytes)), vector.hash, "length {}", vector.len);
    }
}
