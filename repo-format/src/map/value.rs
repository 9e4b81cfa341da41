//! Values of any length: in the map if they fit, else an object behind it (MAP-5).

use bytes::Bytes;

use super::{MapError, MapStore, VALUE_SIZE_MAX};
use crate::cbor;
use crate::codec::ContentId;
use crate::content::{ContentError, ReadContent};
use crate::object::{self, ObjectReader, ObjectRef};

/// Most bytes that a boxed value stands for (MAP-5).
pub const BOXED_SIZE_MAX: usize = 16 << 20;

const INLINE: u8 = 0;
const OBJECT: u8 = 1;

/// The map value that stands for `bytes`.
///
/// # Errors
/// [`MapError`] if there are more than 16 MiB, or the object cannot be stored.
pub fn box_value(store: MapStore<'_>, bytes: &[u8]) -> Result<Vec<u8>, MapError> {
    if bytes.len() > BOXED_SIZE_MAX {
        return Err(MapError::BoxedLength { found: bytes.len() });
    }
    let mut value = Vec::with_capacity(VALUE_SIZE_MAX.min(bytes.len() + 1));
    if bytes.len() < VALUE_SIZE_MAX {
        value.push(INLINE);
        value.extend_from_slice(bytes);
    } else {
        value.push(OBJECT);
        let object = object::write_bytes(store.contents, store.splitter, bytes)?;
        value.extend_from_slice(&cbor::encode(&object));
    }
    Ok(value)
}

/// The bytes that `value` of the map at `root` stands for.
///
/// # Errors
/// [`ContentError::Malformed`], naming the map, for a value that is not as a writer makes it, and
/// any other if the object cannot be read.
pub fn unbox_value(
    contents: &dyn ReadContent,
    root: &ContentId,
    value: &Bytes,
) -> Result<Bytes, ContentError> {
    match value.split_first() {
        Some((&INLINE, bytes)) => Ok(value.slice_ref(bytes)),
        Some((&OBJECT, reference)) => {
            let reference = cbor::decode::<ObjectRef>(reference)
                .map_err(|source| ContentError::MalformedCbor { id: *root, clause: "MAP-5", source })?;
            if reference.size < VALUE_SIZE_MAX as u64 {
                let clause = "MAP-5: a value that fits is not an object";
                return Err(ContentError::Malformed { id: *root, clause });
            }
            let object = ObjectReader::open(contents, reference)?;
            object
                .read_all_bounded(BOXED_SIZE_MAX, "MAP-5: a boxed value has at most 16 MiB")
                .map(Bytes::from)
        }
        _ => {
            let clause = "MAP-5: a boxed value begins with 0 or 1";
            Err(ContentError::Malformed { id: *root, clause })
        }
    }
}
