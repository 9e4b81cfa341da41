//! Guessing whether bytes compress, to keep noise out of the frames of text (PARAMETERS B).

/// Bytes looked at.
const SAMPLE: usize = 4096;

/// Whether compression is likely to help.
///
/// Compares the chance that two bytes of a sample are equal with that of pure noise. Short pieces
/// tell too little and count as compressible.
pub(super) fn is_compressible(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    if sample.len() < 512 {
        return true;
    }
    // Four counts of each byte: with one, equal bytes in a row would wait for each other.
    let mut counts = [[0u16; 4]; 256];
    for four in sample.chunks(4) {
        four.iter().enumerate().for_each(|(place, byte)| counts[usize::from(*byte)][place] += 1);
    }
    let squares: u64 =
        counts.iter().map(|counts| counts.iter().map(|c| u64::from(*c)).sum::<u64>().pow(2)).sum();
    let length = sample.len() as u64;
    let noise = length * length / 256 + length;
    squares * 10 > noise * 13
}

#[cfg(test)]
mod tests {
    use super::is_compressible;

    #[test]
    fn noise_is_told_from_text() {
        let mut noise = vec![0; 5000];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        assert!(!is_compressible(&noise));
        let base64: Vec<u8> = noise.iter().map(|byte| b'A' + byte % 58).collect();
        assert!(is_compressible(&base64));
        assert!(is_compressible(&noise[..100]));
    }
}
