//! The little of X.509 that is needed: where the RSA key of a certificate is.

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const VERSION: u8 = 0xa0;

/// The RSAPublicKey (DER, PKCS #1) in a certificate; `None` if it cannot be read.
///
/// A certificate is a sequence whose first part holds, in this order: version (optional), serial number,
/// algorithm, issuer, validity, subject, key info. The key info is a sequence of algorithm and bit string.
pub fn rsa_key(certificate: &[u8]) -> Option<&[u8]> {
    let (body, _) = element(certificate, SEQUENCE)?;
    let (mut fields, _) = element(body, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        fields = skip(fields)?;
    }
    for _ in 0..5 {
        fields = skip(fields)?;
    }
    let (info, _) = element(fields, SEQUENCE)?;
    let (bits, _) = element(skip(info)?, BIT_STRING)?;
    // The first byte counts the unused bits of the last.
    bits.split_first().filter(|(unused, _)| **unused == 0).map(|(_, key)| key)
}

/// The content of the element at the front, if it has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let count = length & 0x7f;
        if count == 0 || count > 4 || rest.len() < count {
            return None;
        }
        length = rest[..count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = &rest[count..];
    }
    (*found == tag && length <= rest.len()).then(|| rest.split_at(length))
}

/// What follows the element at the front.
fn skip(bytes: &[u8]) -> Option<&[u8]> {
    element(bytes, *bytes.first()?).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::rsa_key;

    #[test]
    fn nonsense_has_no_key() {
        for bytes in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x02\x30\x00", &[0x30; 64]] {
            assert_eq!(rsa_key(bytes), None);
        }
    }
}
