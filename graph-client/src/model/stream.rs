//! Pages as their bytes come: each item is decoded when its last byte is there.
//!
//! What is kept of a page that is half here is its items, the bytes of the one that is not complete,
//! and the page's own properties. Which bytes belong to an item is told by counting brackets outside of
//! strings; what is between them is [`decode`]'s to read, with all that it mends. A list that is not
//! recognised as such (its name written with escapes, say) is read with the page's properties.

use memchr::memchr2;
use serde::de::DeserializeOwned;

use super::Page;
use crate::json::{JsonError, decode};

/// The list of a page, in the letters that everybody writes it with.
const LIST: &[u8] = b"\"value\"";

/// Reads a page from pieces of its body.
///
/// ```
/// use graph_client::model::{DriveItem, PageReader};
///
/// let mut page = PageReader::<DriveItem>::default();
/// page.push(br#"{"value":[{"id":"01A"},{"id":"#)?;
/// page.push(br#""01B"}],"@odata.nextLink":"https://x"}"#)?;
/// let page = page.finish()?;
/// assert_eq!((page.value.len(), page.next.as_deref()), (2, Some("https://x")));
/// # Ok::<(), graph_client::json::JsonError>(())
/// ```
#[derive(Debug)]
pub struct PageReader<T> {
    items: Vec<T>,
    /// The page without its items.
    page: Vec<u8>,
    /// The item that is not complete.
    item: Vec<u8>,
    place: Place,
    /// Open brackets, and whether a string is open, and its next byte escaped.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Where the last string among the page's own names and values begins.
    string_at: usize,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the page, beside the list.
    Page,
    /// In the page, behind the list's name and its colon.
    Name,
    /// In the list; `true`: items came before.
    List(bool),
}

impl<T> Default for PageReader<T> {
    fn default() -> Self {
        let (items, page, item) = (Vec::new(), Vec::new(), Vec::new());
        let (depth, in_string, escaped, string_at) = (0, false, false, 0);
        Self { items, page, item, place: Place::Page, depth, in_string, escaped, string_at }
    }
}

impl<T: DeserializeOwned> PageReader<T> {
    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// `Broken` or `Unexpected` for an item that is none.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), JsonError> {
        while let Some((first, rest)) = bytes.split_first() {
            // Most of a page is text: it is passed over at once, up to its end.
            let text = match self.in_string && !self.escaped {
                true => memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len()),
                false => 0,
            };
            if text > 0 {
                self.kept().extend_from_slice(&bytes[..text]);
                bytes = &bytes[text..];
            } else {
                self.take(*first)?;
                bytes = rest;
            }
        }
        Ok(())
    }

    /// The page, if it is complete.
    ///
    /// # Errors
    ///
    /// `Cut` or `Broken` if it is no JSON, `Unexpected` if it is no page.
    pub fn finish(self) -> Result<Page<T>, JsonError> {
        let mut page: Page<T> = decode(&self.page)?;
        // Nothing is in both: a list that was recognised is empty in the page.
        page.value.extend(self.items);
        Ok(page)
    }

    fn take(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = byte == b'\\' && !self.escaped;
            self.kept().push(byte);
            return Ok(());
        }
        match (byte, self.place) {
            (b'"', _) => {
                self.in_string = true;
                self.string_at = self.page.len();
            }
            (b':', Place::Page) if self.depth == 1 && self.is_behind_name() => self.place = Place::Name,
            (b'[', Place::Name) => {
                self.page.push(byte);
                (self.place, self.depth) = (Place::List(false), self.depth + 1);
                return Ok(());
            }
            (b',', Place::List(_)) if self.depth == 2 => return self.complete(),
            (b']', Place::List(before)) if self.depth == 2 => {
                if before || !self.item.trim_ascii().is_empty() {
                    self.complete()?;
                }
                (self.place, self.depth) = (Place::Page, 1);
            }
            (b'{' | b'[', place) => {
                self.depth += 1;
                self.place = if place == Place::Name { Place::Page } else { place };
            }
            (b'}' | b']', Place::List(_)) if self.depth == 2 => return Err(broken()),
            (b'}' | b']', _) => self.depth = self.depth.saturating_sub(1),
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            // Something else is called as the list is.
            (_, Place::Name) => self.place = Place::Page,
            _ => {}
        }
        self.kept().push(byte);
        Ok(())
    }

    /// Whether the last string is the list's name.
    fn is_behind_name(&self) -> bool {
        self.page.get(self.string_at..).is_some_and(|name| name.trim_ascii_end() == LIST)
    }

    /// Where the next byte goes.
    fn kept(&mut self) -> &mut Vec<u8> {
        match self.place {
            Place::List(_) => &mut self.item,
            Place::Page | Place::Name => &mut self.page,
        }
    }

    /// An item has come to its end.
    fn complete(&mut self) -> Result<(), JsonError> {
        let item = decode(&self.item).map_err(|error| match error {
            // More will not come: what is behind it is there.
            JsonError::Cut { .. } => broken(),
            error => error,
        })?;
        self.items.push(item);
        self.item.clear();
        self.place = Place::List(true);
        Ok(())
    }
}

/// Somewhere; the line is not counted.
fn broken() -> JsonError {
    JsonError::Broken { line: 0, column: 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn in_pieces(body: &[u8], size: usize) -> Result<Page<Value>, JsonError> {
        let mut reader = PageReader::default();
        body.chunks(size.max(1)).try_for_each(|piece| reader.push(piece))?;
        reader.finish()
    }

    #[test]
    fn items_come_one_by_one_whatever_stands_around_them() {
        let bodies: [&[u8]; 7] = [
            b"{\"value\":[]}",
            b"{ \"value\" : [ ] , \"@odata.nextLink\":\"l\"}",
            b"{\"a\":{\"value\":[1]},\"value\":[{\"b\":[1,{}]},\"x,]\\\"y\",[2,3],null,true],\"c\":[\"value\"]}",
            b"\xef\xbb\xbf{\"value\":[1,2],\"@odata.deltaLink\":\"d\"}\n",
            b"{\"value\":null}",
            b"{\"\\u0076alue\":[1,2]}",
            b"{\"value\":[\"raw \x01 control, ] and \xff\"]}",
        ];
        for body in bodies {
            let whole: Page<Value> = decode(body).unwrap();
            for size in [1, 2, 3, 7, 1000] {
                assert_eq!(in_pieces(body, size), Ok(whole.clone()), "{}", String::from_utf8_lossy(body));
            }
        }
    }

    #[test]
    fn what_is_no_page_is_refused_and_what_is_cut_is_told_as_cut() {
        for body in [
            "{\"value\":[1,]}",
            "{\"value\":[,1]}",
            "{\"value\":[1}",
            "{\"value\":[1 2]}",
            "{\"value\":[tru]}",
        ] {
            assert!(matches!(in_pieces(body.as_bytes(), 3), Err(JsonError::Broken { .. })), "{body}");
        }
        for body in
            ["", "{", "{\"value\":[", "{\"value\":[1", "{\"value\":[1,", "{\"value\":[1]", "{\"value\":[\"a"]
        {
            assert!(matches!(in_pieces(body.as_bytes(), 3), Err(JsonError::Cut { .. })), "{body}");
        }
        let twice = in_pieces(b"{\"value\":[1],\"value\":[2]}", 4);
        assert!(matches!(twice, Err(JsonError::Unexpected { .. })), "{twice:?}");
        assert!(matches!(in_pieces(b"[\"value\",[1]]", 4), Err(JsonError::Unexpected { .. })));
    }

    #[test]
    fn an_item_of_another_shape_is_told_before_the_page_ends() {
        let mut reader = PageReader::<u8>::default();
        assert!(matches!(reader.push(b"{\"value\":[1,\"x\","), Err(JsonError::Unexpected { .. })));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z\"\\\\\\[\\],:{}\u{1}é]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("value|[a-z\"]{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn pieces_say_what_the_whole_says(
            items in prop::collection::vec(any_json(), 0..5),
            more in any_json(),
            size in 1..40_usize,
            cut in 0..400_usize,
        ) {
            let page = serde_json::json!({ "a": more, "value": items, "@odata.nextLink": "l", "z": more });
            let body = page.to_string().into_bytes();
            let whole: Page<Value> = decode(&body).unwrap();
            prop_assert_eq!(in_pieces(&body, size), Ok(whole));
            let cut = cut % body.len();
            // A lone minus at the end is held to be broken, and not cut.
            let cut = in_pieces(&body[..cut], size);
            let is_refused = matches!(cut, Err(JsonError::Cut { .. } | JsonError::Broken { .. }));
            prop_assert!(is_refused);
        }
    }
}
