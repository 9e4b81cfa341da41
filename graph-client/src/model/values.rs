//! Values smaller than an object: IDs, whole numbers and moments.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Declares the ID of one kind of thing. IDs are opaque, and case matters in them.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// As Graph writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether there is none: the property was absent.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The ID of a drive: `b!…` on business, 16 hexadecimal digits on personal.
    DriveId
);
id!(
    /// The ID of an item, unique within its drive. It stays through renames and moves.
    ItemId
);
id!(
    /// The ID of a user: a GUID.
    UserId
);
id!(
    /// The ID of a permission, unique within its item.
    PermissionId
);

/// A whole number. Graph writes it as a number and, now and then, as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Whole(pub i64);

impl Whole {
    /// As a count or a size; 0 if it is negative.
    pub fn count(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
                i64::try_from(number).map(Whole).map_err(|_| E::custom("too large a number"))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
                // 2⁵³: up to it every whole number is one of its own as a float.
                let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
                if exact { Ok(Whole(number as i64)) } else { Err(E::custom("not a whole number")) }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
                text.trim().parse().map(Whole).map_err(|_| E::custom("not a whole number"))
            }
        }

        from.deserialize_any(Reader)
    }
}

/// A moment as Graph writes it: RFC 3339 with 0 to 7 digits of fraction.
///
/// The text is kept; [`Moment::timestamp`] reads it, so that one odd moment spoils no page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(transparent)]
pub struct Moment(pub String);

impl Moment {
    /// The point in time; `None` if the text is no moment.
    pub fn timestamp(&self) -> Option<jiff::Timestamp> {
        self.0.parse().ok()
    }
}

impl From<jiff::Timestamp> for Moment {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_come_as_numbers_and_as_text() {
        let read = |text: &str| serde_json::from_str::<Whole>(text).ok();
        assert_eq!(read("7"), Some(Whole(7)));
        assert_eq!(read("\"1099511627776\""), Some(Whole(1 << 40)));
        assert_eq!(read("12.0"), Some(Whole(12)));
        assert_eq!(read("-1").map(Whole::count), Some(0));
        assert_eq!(read("0.5"), None);
        assert_eq!(read("18446744073709551615"), None);
        assert_eq!(read("\"many\""), None);
    }

    #[test]
    fn moments_have_up_to_seven_digits_of_fraction() {
        let at = |text: &str| Moment(text.to_owned()).timestamp().map(|at| at.as_nanosecond());
        assert_eq!(at("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        assert_eq!(at("1970-01-01T00:00:00.1234567Z"), Some(123_456_700));
        assert_eq!(at("1970-01-01T01:00:00.5+01:00"), Some(500_000_000));
        assert_eq!(at("datetime"), None);
    }
}
