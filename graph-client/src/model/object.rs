//! How an object of Graph is read: known properties by name, the rest kept as it came.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

/// Declares an object: a struct, and how it is read from JSON.
///
/// Behind each field stands the property's name, and its other names. A property that is absent or
/// null gives the field's default; one that occurs twice counts the last time; one that no field
/// names goes into `other`.
macro_rules! object {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$of_field:meta])* $field:ident: $type:ty = $key:literal $(| $alias:literal)*,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name {
            $($(#[$of_field])* pub $field: $type,)*
            /// Properties that this release has no name for.
            pub other: $crate::model::Other,
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Reader;

                impl<'de> serde::de::Visitor<'de> for Reader {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("an object: ", stringify!($name)))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<$crate::model::object::Key<'de>>()? {
                            match key.as_str() {
                                $($key $(| $alias)* => {
                                    let value = map.next_value::<Option<$type>>()?;
                                    object.$field = value.unwrap_or_default();
                                })*
                                _ => object.other.keep(key, map.next_value()?),
                            }
                        }
                        Ok(object)
                    }
                }

                from.deserialize_map(Reader)
            }
        }
    };
}

pub(super) use object;

/// The name of a property, borrowed from the document where it can be.
pub struct Key<'de>(Cow<'de, str>);

impl Key<'_> {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a property")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }

        from.deserialize_str(Reader)
    }
}

/// Properties without a field of their own: name and JSON text. `Debug` shows the names alone.
#[derive(Clone, Default)]
pub struct Other(BTreeMap<String, Box<RawValue>>);

impl Other {
    /// The JSON text of a property.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.get())
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.get()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn keep(&mut self, name: Key<'_>, value: Box<RawValue>) {
        self.0.insert(name.0.into_owned(), value);
    }
}

impl PartialEq for Other {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
