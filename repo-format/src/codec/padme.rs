//! Padmé: sizes that say little (CONV-6).

/// The padded size of a blob of `length` bytes; at most 12 % larger.
pub fn padme(length: u64) -> u64 {
    let mask = padme_step(length) - 1;
    length.saturating_add(mask) & !mask
}

/// What padded sizes near `length` are multiples of; padding is shorter.
pub fn padme_step(length: u64) -> u64 {
    if length < 2 {
        return 1;
    }
    let exponent = length.ilog2();
    1 << (exponent - (exponent.ilog2() + 1))
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
