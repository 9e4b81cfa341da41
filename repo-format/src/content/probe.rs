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
    let mut counts = [0u32; 256];
    for byte in sample {
        counts[*byte as usize] += 1;
    }
    let squares: u64 = counts.iter().map(|count| u64::from(*count).pow(2)).sum();
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
