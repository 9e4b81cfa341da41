use proptest::prelude::*;

use super::*;
use crate::codec::ContentId;

/// A map with a required, a defaulted and an absent-able entry.
#[derive(Debug, PartialEq)]
struct Sample {
    name: String,
    count: u64,
    time: Option<i64>,
}

impl Cbor for Sample {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put(0, &self.name);
            m.put_unless(1, &self.count, &0);
            m.put_some(2, &self.time);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map(|m| Ok(Sample { name: m.get(0)?, count: m.get_or(1, 0)?, time: m.get_some(2)? }))
    }
}

fn refusal<T: Cbor + std::fmt::Debug>(hex: &str) -> &'static str {
    let bytes = hex::decode(hex).expect("the test's own hex");
    decode::<T>(&bytes).expect_err("it must be refused").what
}

#[test]
fn longer_heads_than_needed_are_refused() {
    for hex in ["1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff"] {
        assert_eq!(refusal::<u64>(hex), "not the shortest encoding", "{hex}");
    }
    assert_eq!(refusal::<i64>("3800"), "not the shortest encoding");
    assert_eq!(refusal::<String>("780161"), "not the shortest encoding");
    assert_eq!(refusal::<Vec<u8>>("580161"), "not the shortest encoding");
    assert_eq!(refusal::<Vec<u64>>("980101"), "not the shortest encoding");
    assert_eq!(refusal::<Sample>("b8010060"), "not the shortest encoding");
}

#[test]
fn indefinite_lengths_are_refused() {
    assert_eq!(refusal::<Vec<u64>>("9f01ff"), "indefinite length");
    assert_eq!(refusal::<Sample>("bf0060ff"), "indefinite length");
    assert!(decode::<Vec<u8>>(&[0x5f, 0x41, 1, 0xff]).is_err());
    assert!(decode::<String>(&[0x7f, 0x61, 0x61, 0xff]).is_err());
}

#[test]
fn counts_beyond_the_bytes_left_are_refused() {
    assert_eq!(refusal::<Vec<u64>>("9bffffffffffffffff"), "count exceeds the bytes left");
    assert_eq!(refusal::<Vec<u64>>("820100".split_at(4).0), "count exceeds the bytes left");
    assert_eq!(refusal::<Sample>("ba7fffffff0060"), "count exceeds the bytes left");
    assert_eq!(refusal::<Vec<u8>>("5b7fffffffffffffff00"), "ends too early");
}

#[test]
fn map_keys_ascend_and_are_known() {
    assert_eq!(refusal::<Sample>("a201050060"), "a required key is missing");
    assert_eq!(refusal::<Sample>("a200600060"), "map keys do not ascend");
    assert_eq!(refusal::<Sample>("a3006002000105"), "map keys do not ascend");
    assert_eq!(refusal::<Sample>("a200600300"), "unknown map key");
    assert_eq!(refusal::<Sample>("a200601903e700"), "unknown map key");
    assert_eq!(refusal::<Sample>("a200606161 00".replace(' ', "").as_str()), "another type was expected");
}

#[test]
fn keys_from_1000_are_skipped_but_checked() {
    let plain = Sample { name: String::new(), count: 0, time: None };
    let skipped = hex::decode("a200601903e88401 4161 6161 a100f6".replace(' ', "")).unwrap();
    assert_eq!(decode::<Sample>(&skipped), Ok(plain));
    // In what is skipped: a float, a tag, undefined, a long head, text keys.
    for value in ["f93c00", "c100", "f7", "1800", "a1616100"] {
        let hex = format!("a200601903e8{value}");
        assert!(decode::<Sample>(&hex::decode(&hex).unwrap()).is_err(), "{hex}");
    }
}

#[test]
fn a_default_written_out_is_refused() {
    assert_eq!(refusal::<Sample>("a200600100"), "a default is written out");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let mut bytes = hex::decode("a200601903e8").unwrap();
        bytes.extend(vec![0x81; depth - 1]);
        bytes.push(0);
        decode::<Sample>(&bytes)
    };
    assert!(nested(DEPTH_MAX).is_ok());
    assert_eq!(nested(DEPTH_MAX + 1).unwrap_err().what, "nested too deeply");
    assert_eq!(nested(100_000).unwrap_err().what, "nested too deeply");
}

#[test]
fn only_zeros_may_follow_and_only_where_padding_may() {
    assert_eq!(decode::<u64>(&[5, 0]).unwrap_err().what, "bytes behind the end");
    assert_eq!(decode_padded::<u64>(&[5, 0, 0]), Ok(5));
    assert_eq!(decode_padded::<u64>(&[5]), Ok(5));
    let error = decode_padded::<u64>(&[5, 0, 1]).unwrap_err();
    assert_eq!(error, CborError { offset: 2, what: "padding that is not zero" });
}

#[test]
fn lengths_of_identifiers_and_tuples_are_exact() {
    assert!(decode::<ContentId>(&encode(&vec![0u8; 31])).is_err());
    assert!(decode::<ContentId>(&encode(&vec![0u8; 32])).is_ok());
    assert_eq!(refusal::<(u64, u64)>("8101"), "array shorter than expected");
    assert_eq!(refusal::<(u64, u64)>("83010203"), "array longer than expected");
    assert_eq!(refusal::<u32>("1b0000000100000000"), "number out of range");
    assert_eq!(refusal::<u64>("20"), "number out of range");
    assert_eq!(refusal::<i64>("1b8000000000000000"), "number out of range");
}

proptest! {
    #[test]
    fn what_is_encoded_decodes(
        name in ".*", count: u64, time: Option<i64>,
        rows: Vec<(u64, String, Vec<u8>)>, nulls: Vec<Option<bool>>,
    ) {
        let sample = Sample { name, count, time };
        prop_assert_eq!(decode::<Sample>(&encode(&sample)).unwrap(), sample);
        prop_assert_eq!(decode::<Vec<(u64, String, Vec<u8>)>>(&encode(&rows)).unwrap(), rows);
        prop_assert_eq!(decode::<Vec<Option<bool>>>(&encode(&nulls)).unwrap(), nulls);
    }

    /// What is read at all is read as another decoder reads it, and what that one reads and we refuse is not canonical.
    #[test]
    fn another_decoder_reads_the_same(
        head: u8, tail in prop::collection::vec(any::<u8>(), 0..12), short in 0u8..24,
    ) {
        for head in [head, head & 0xe0 | short] {
            let bytes = [&[head][..], &tail].concat();
            let theirs = || minicbor::Decoder::new(&bytes);
            macro_rules! compare {
                ($ours:ident, $theirs:ident) => {
                    let (mut ours, mut other) = (Reader::new(&bytes), theirs());
                    match (ours.$ours(), other.$theirs()) {
                        (Ok(own), Ok(value)) => {
                            prop_assert_eq!(own, value);
                            prop_assert_eq!(ours.offset(), other.position());
                        }
                        (Ok(_), Err(error)) => prop_assert!(false, "{error}"),
                        (Err(error), Ok(_)) => prop_assert_eq!(error.what, "not the shortest encoding"),
                        (Err(_), Err(_)) => {}
                    }
                };
            }
            compare!(u64, u64);
            compare!(i64, i64);
            compare!(bytes, bytes);
            compare!(text, str);
            compare!(bool, bool);
            prop_assert_eq!(Reader::new(&bytes).null(), theirs().null().is_ok());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_read_only_if_canonical(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut reader = Reader::new(&bytes);
        let _ = reader.skip();
        if let Ok(values) = decode::<Vec<i64>>(&bytes) {
            prop_assert_eq!(encode(&values), bytes.clone());
        }
        if let Ok(pair) = decode::<(u64, Vec<u8>)>(&bytes) {
            prop_assert_eq!(encode(&pair), bytes);
        }
    }
}
