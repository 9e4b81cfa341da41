//! What one policy says (POL-1).

use crate::cbor::{Cbor, CborError, Reader, Writer};

/// Most bytes in a policy's encoding (POL-1).
pub const POLICY_SIZE_MAX: usize = 1 << 16;
/// Most tags, and most patterns, in a policy (POL-1).
pub const VALUES_MAX: usize = 1024;

/// One policy. What is `None` is inherited from the next wider scope.
///
/// A count or duration of 0 says that there is no such rule, whatever wider scopes say; so does an
/// empty list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// How many of the latest snapshots stay.
    pub keep_last: Option<u32>,
    /// Of how many hours that have snapshots the newest one stays; and so on.
    pub keep_hourly: Option<u32>,
    pub keep_daily: Option<u32>,
    pub keep_weekly: Option<u32>,
    pub keep_monthly: Option<u32>,
    pub keep_yearly: Option<u32>,
    /// How long before the newest snapshot all stay, in seconds.
    pub keep_within: Option<u64>,
    /// Snapshots with one of these always stay. Ascending, none twice.
    pub keep_tags: Option<Vec<TagRule>>,
    pub compression: Option<Compression>,
    /// Patterns in gitignore syntax, in their order. For folders.
    pub excludes: Option<Vec<String>>,
}

/// A tag that protects: of any value, or of this one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagRule {
    pub name: String,
    pub value: Option<String>,
}

/// How hard to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Compression {
    None = 0,
    Fast = 1,
    Default = 2,
    Max = 3,
}

impl Policy {
    /// Whether nothing is said: a policy that need not be kept.
    pub fn is_empty(&self) -> bool {
        *self == Policy::default()
    }

    /// Whether a rule says which snapshots stay, so that others may go. Tags only protect.
    pub fn has_keep_rule(&self) -> bool {
        let counts = [
            self.keep_last,
            self.keep_hourly,
            self.keep_daily,
            self.keep_weekly,
            self.keep_monthly,
            self.keep_yearly,
        ];
        counts.iter().flatten().any(|count| *count > 0) || self.keep_within.is_some_and(|within| within > 0)
    }
}

impl Cbor for Policy {
    fn write(&self, w: &mut Writer) {
        w.map(|m| {
            m.put_some(0, &self.keep_last);
            m.put_some(1, &self.keep_hourly);
            m.put_some(2, &self.keep_daily);
            m.put_some(3, &self.keep_weekly);
            m.put_some(4, &self.keep_monthly);
            m.put_some(5, &self.keep_yearly);
            m.put_some(6, &self.keep_within);
            m.put_some(7, &self.keep_tags);
            m.put_some(8, &self.compression);
            m.put_some(9, &self.excludes);
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let start = r.offset();
        let policy = r.map(|m| {
            Ok(Policy {
                keep_last: m.get_some(0)?,
                keep_hourly: m.get_some(1)?,
                keep_daily: m.get_some(2)?,
                keep_weekly: m.get_some(3)?,
                keep_monthly: m.get_some(4)?,
                keep_yearly: m.get_some(5)?,
                keep_within: m.get_some(6)?,
                keep_tags: m.get_with(7, read_tags)?,
                compression: m.get_some(8)?,
                excludes: m.get_with(9, read_patterns)?,
            })
        })?;
        match r.offset() - start > POLICY_SIZE_MAX {
            true => Err(CborError { offset: start, what: "a policy is too large (POL-1)" }),
            false => Ok(policy),
        }
    }
}

fn read_tags(r: &mut Reader<'_>) -> Result<Vec<TagRule>, CborError> {
    let start = r.offset();
    let tags: Vec<TagRule> = read_values(r)?;
    match tags.is_sorted_by(|a, b| a < b) {
        true => Ok(tags),
        false => Err(CborError { offset: start, what: "tags do not ascend (POL-1)" }),
    }
}

fn read_patterns(r: &mut Reader<'_>) -> Result<Vec<String>, CborError> {
    let start = r.offset();
    let patterns: Vec<String> = read_values(r)?;
    match patterns.iter().any(String::is_empty) {
        true => Err(CborError { offset: start, what: "a pattern is empty (POL-1)" }),
        false => Ok(patterns),
    }
}

fn read_values<T: Cbor>(r: &mut Reader<'_>) -> Result<Vec<T>, CborError> {
    let start = r.offset();
    let values: Vec<T> = r.get()?;
    match values.len() > VALUES_MAX {
        true => Err(CborError { offset: start, what: "a policy has at most 1024 values in a list (POL-1)" }),
        false => Ok(values),
    }
}

impl Cbor for TagRule {
    fn write(&self, w: &mut Writer) {
        w.array(2).put(&self.name).put(&self.value);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let unnamed = r.error("a tag without a name (POL-1)");
        let rule = r.tuple(|t| Ok(TagRule { name: t.get()?, value: t.get()? }))?;
        if rule.name.is_empty() { Err(unnamed) } else { Ok(rule) }
    }
}

impl Cbor for Compression {
    fn write(&self, w: &mut Writer) {
        w.u64(*self as u64);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        let unknown = r.error("unknown compression (POL-1)");
        match r.u64()? {
            0 => Ok(Compression::None),
            1 => Ok(Compression::Fast),
            2 => Ok(Compression::Default),
            3 => Ok(Compression::Max),
            _ => Err(unknown),
        }
    }
}
