//! JSON written straight into a buffer: no tree of values is built.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::time;

/// A document in the making. Commas come of themselves; what is opened must be closed.
#[derive(Default)]
pub struct Json {
    out: Vec<u8>,
}

impl Json {
    pub fn with_capacity(bytes: usize) -> Self {
        Json { out: Vec::with_capacity(bytes) }
    }

    /// The bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// How many bytes are written.
    pub fn length(&self) -> usize {
        self.out.len()
    }

    /// Opens an object as a value.
    pub fn open(&mut self) -> &mut Self {
        self.comma();
        self.out.push(b'{');
        self
    }

    pub fn close(&mut self) -> &mut Self {
        self.out.push(b'}');
        self
    }

    pub fn open_list(&mut self) -> &mut Self {
        self.comma();
        self.out.push(b'[');
        self
    }

    pub fn close_list(&mut self) -> &mut Self {
        self.out.push(b']');
        self
    }

    /// Writes a key, which needs no escaping.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self
    }

    /// A value that is a string.
    pub fn value(&mut self, text: &str) -> &mut Self {
        self.comma();
        self.out.push(b'"');
        self.escaped(text);
        self.out.push(b'"');
        self
    }

    /// A key and a string.
    pub fn text(&mut self, key: &str, text: &str) -> &mut Self {
        self.key(key).value(text)
    }

    /// A key and a string whose parts need no escaping.
    pub fn plain(&mut self, key: &str, parts: &[&str]) -> &mut Self {
        self.key(key);
        self.out.push(b'"');
        parts.iter().for_each(|part| self.out.extend_from_slice(part.as_bytes()));
        self.out.push(b'"');
        self
    }

    pub fn number(&mut self, key: &str, number: u64) -> &mut Self {
        self.key(key);
        self.digits(number);
        self
    }

    pub fn flag(&mut self, key: &str, value: bool) -> &mut Self {
        self.raw(key, if value { b"true" } else { b"false" })
    }

    /// A key and JSON that is written already.
    pub fn raw(&mut self, key: &str, json: &[u8]) -> &mut Self {
        self.key(key);
        self.out.extend_from_slice(json);
        self
    }

    /// Bytes as they are, where a value may stand.
    pub fn splice(&mut self, json: &[u8]) -> &mut Self {
        self.comma();
        self.out.extend_from_slice(json);
        self
    }

    /// A key and a time of whole seconds.
    pub fn time(&mut self, key: &str, seconds: u32) -> &mut Self {
        self.key(key);
        self.out.push(b'"');
        time::write_seconds(i64::from(seconds), &mut self.out);
        self.out.extend_from_slice(b"Z\"");
        self
    }

    /// A key and bytes in padded base64.
    pub fn base64(&mut self, key: &str, bytes: &[u8; 20]) -> &mut Self {
        let mut letters = [0; 28];
        self.key(key);
        self.out.push(b'"');
        if let Ok(length) = STANDARD.encode_slice(bytes, &mut letters) {
            self.out.extend_from_slice(&letters[..length]);
        }
        self.out.push(b'"');
        self
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    fn digits(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    fn escaped(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\') {
            self.out.extend_from_slice(&rest[..at]);
            match rest[at] {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                byte => self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            }
            rest = &rest[at + 1..];
        }
        self.out.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_escapes_make_valid_json() {
        let mut json = Json::default();
        json.open().text("a", "q\"\\\n").number("n", 18_446_744_073_709_551_615).key("l").open_list();
        json.value("x").open().close().open().flag("f", true).close().close_list().time("t", 0).close();
        let value: serde_json::Value = serde_json::from_slice(&json.finish()).unwrap();
        assert_eq!(value["a"], "q\"\\\n");
        assert_eq!(value["n"], u64::MAX);
        assert_eq!(value["l"][2]["f"], true);
        assert_eq!(value["t"], "1970-01-01T00:00:00Z");
    }
}
