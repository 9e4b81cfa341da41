//! Compression of JSON, for who takes it.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

use crate::faults::Shape;
use crate::wire::answer::{Answer, Payload};

/// Whether a request takes gzip.
pub fn is_taken(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|wish| {
        let (coding, weight) = wish.split_once(';').unwrap_or((wish, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        matches!(coding.trim(), "gzip" | "x-gzip" | "*") && weight.is_some_and(|weight| weight > 0.0)
    })
}

/// Compresses an answer of JSON, and leaves any other as it is.
///
/// Faults of the content (cut JSON, wrong lengths, a changed byte) are laid over the JSON first, so that
/// a client finds them when it has decoded what came. Those of the transfer (resets, cut bodies, drips)
/// count bytes of the wire, and stay in the shape.
pub fn compress(answer: Answer, shape: &mut Shape) -> Answer {
    let is_json = answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    match &answer.body {
        Payload::Bytes(plain) if is_json && !plain.is_empty() => {
            let plain = spoil(plain.clone(), shape);
            // Writing to memory does not fail; if it did, the answer would go as it is.
            let Ok(packed) = gzip(&plain) else {
                return Answer { body: Payload::Bytes(plain), ..answer };
            };
            let answer = Answer { body: Payload::Bytes(packed), ..answer };
            answer.with("content-encoding", "gzip").with("vary", "Accept-Encoding")
        }
        _ => answer,
    }
}

fn gzip(plain: &[u8]) -> std::io::Result<Bytes> {
    // A page shrinks to a part of it even so; the simulator shall not be what is waited for.
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}

/// Lays the faults of the content over it, and takes them out of the shape.
fn spoil(plain: Bytes, shape: &mut Shape) -> Bytes {
    let mut plain = super::body::cut_json(plain, shape.cut_json.take());
    match std::mem::take(&mut shape.excess) {
        0 => {}
        less if less < 0 => plain.truncate(plain.len().saturating_sub(less.unsigned_abs() as usize)),
        more => {
            let mut longer = plain.to_vec();
            longer.resize(plain.len() + more as usize, b'+');
            plain = longer.into();
        }
    }
    match shape.corrupt.take() {
        Some(drawn) => super::body::corrupt(&plain, super::body::corrupt_at(drawn, plain.len() as u64)),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn takes(value: &str) -> bool {
        is_taken(&HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]))
    }

    #[test]
    fn gzip_is_for_who_takes_it() {
        assert!(takes("gzip") && takes("deflate, gzip;q=0.5") && takes("*") && takes("br,gzip; q=1.0"));
        assert!(!takes("gzip;q=0") && !takes("br, deflate") && !takes(""));
        assert!(!is_taken(&HeaderMap::new()));
    }

    fn decoded(shape: &mut Shape) -> Vec<u8> {
        let json = Bytes::from(vec![b'7'; 1000]);
        let answer = compress(Answer::bytes(200, "application/json", json), shape);
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        let Payload::Bytes(packed) = answer.body else { panic!("JSON is bytes") };
        assert!(packed.len() < 200, "{}", packed.len());
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn faults_of_the_content_are_found_when_it_is_decoded() {
        let shape = |excess, cut_json, corrupt| Shape { excess, cut_json, corrupt, ..Shape::default() };
        assert_eq!(decoded(&mut Shape::default()), [b'7'; 1000]);
        assert_eq!(decoded(&mut shape(-10, None, None)).len(), 990);
        assert_eq!(decoded(&mut shape(10, None, None))[1000..], *b"++++++++++");
        assert_eq!(decoded(&mut shape(0, Some(250), None)).len(), 250);
        let mut one = shape(0, None, Some(99));
        assert_eq!(decoded(&mut one).iter().filter(|byte| **byte != b'7').count(), 1);
        assert_eq!(one, Shape::default(), "they are not laid over it again");
        let mut transfer = Shape { chunked: true, drip_bytes_per_s: Some(5), ..Shape::default() };
        decoded(&mut transfer);
        assert!(transfer.chunked && transfer.drip_bytes_per_s == Some(5));
    }

    #[test]
    fn what_is_no_json_goes_as_it_is() {
        let html = Answer::bytes(429, "text/html; charset=utf-8", "<html>");
        for answer in [html, Answer::empty(204)] {
            assert_eq!(compress(answer, &mut Shape::default()).header("content-encoding"), None);
        }
    }
}
