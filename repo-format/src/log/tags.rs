//! Tags: names and values, ascending by name (SNAP-1 key 8).

use std::collections::BTreeMap;

use crate::cbor::{CborError, Reader, Writer};

pub(crate) fn write(tags: &BTreeMap<String, String>, w: &mut Writer) {
    w.array(tags.len());
    for (name, value) in tags {
        w.array(2).text(name).text(value);
    }
}

pub(crate) fn read(r: &mut Reader<'_>) -> Result<BTreeMap<String, String>, CborError> {
    let order = r.error("tags do not ascend by name");
    let tags: Vec<(String, String)> = r.get()?;
    if tags.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(order);
    }
    Ok(tags.into_iter().collect())
}
