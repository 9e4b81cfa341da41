//! Padmé: sizes that say little (CONV-6).

/// The padded size of a blob of `length` bytes; at most 12 % larger.
pub fn padme(length: u64) -> u64 {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let zero_bits = exponent - (exponent.ilog2() + 1);
    let mask = (1u64 << zero_bits) - 1;
    length.saturating_add(mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::padme;

    #[test]
    fn sizes_of_the_paper() {
        for (length, padded) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (3, 3),
            (8, 8),
            (9, 10),
            (100, 104),
            (1000, 1024),
            (33_554_433, 34_603_008),
        ] {
            assert_eq!(padme(length), padded, "{length}");
        }
        for length in (1..3_000_000).step_by(977) {
            assert!(padme(length) >= length && (padme(length) - length) as f64 <= length as f64 * 0.12);
        }
    }
}
