//! Values with a syntax of their own: sizes, durations, tags, parts of a snapshot.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::{OsStringValueParser, TypedValueParser};
use repo_format::policy::TagRule;

use super::repo::{RetentionChange, RetentionLeast};

/// A size such as `64KiB`, `1.5 GB` or plain bytes.
pub fn size(text: &str) -> Result<u64, String> {
    text.parse().map(|ByteSize(bytes)| bytes).map_err(|_| "expected a size such as 512KiB or 2GiB".into())
}

/// A duration such as `90s`, `2m` or `1h30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|span| Duration::try_from(span).ok())
        .filter(|span| !span.is_zero())
        .ok_or_else(|| "expected a duration such as 90s, 2m or 1h30m".into())
}

/// A waiting time such as `7d`, `36h` or `0`; days have 24 hours.
pub fn wait(text: &str) -> Result<Duration, String> {
    if matches!(text, "0" | "0s") {
        return Ok(Duration::ZERO);
    }
    let long = span(text).map(Duration::from_secs).or_else(|_| duration(text));
    long.map_err(|_| "expected a time such as 7d, 36h or 0".into())
}

/// How long blobs are locked, such as `30d` or `36h`, in seconds.
pub fn retention(text: &str) -> Result<u64, String> {
    let seconds = wait(text).map_or(0, |span| span.as_secs());
    // A century is a slip of the hand, and cannot be taken back.
    match (1..=100 * 366 * 24 * 3600).contains(&seconds) {
        true => Ok(seconds),
        false => Err("expected a time such as 30d or 36h, of a hundred years at most".into()),
    }
}

/// A retention, or `none`.
pub fn retention_change(text: &str) -> Result<RetentionChange, String> {
    match text {
        "none" => Ok(RetentionChange::None),
        text => retention(text).map(RetentionChange::To),
    }
}

/// The least that is left of a retention, or `half` of it.
pub fn retention_least(text: &str) -> Result<RetentionLeast, String> {
    match text {
        "half" => Ok(RetentionLeast::Half),
        text => retention(text).map(RetentionLeast::Seconds),
    }
}

/// A share such as `2` or `2%`.
pub fn percent(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.strip_suffix('%').unwrap_or(text).trim().parse().ok();
    let fits = number.filter(|percent| (0.0..=100.0).contains(percent));
    fits.ok_or_else(|| "expected a share such as 2%, at most 100%".into())
}

/// A number of at least one.
pub fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a number of at least 1".into())
}

/// How many snapshots a rule keeps.
pub fn keep_count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("expected a number of 1 to {}", u32::MAX))
}

/// A stretch of time such as `36h`, `30d` or `1w2d`, in seconds.
pub fn span(text: &str) -> Result<u64, String> {
    let parse = || {
        let mut rest = text;
        let mut seconds = 0u64;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, unit) = rest.split_at(digits);
            let in_unit = match unit.chars().next()? {
                'h' => 3600,
                'd' => 24 * 3600,
                'w' => 7 * 24 * 3600,
                _ => return None,
            };
            seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(in_unit)?)?;
            rest = &unit[1..];
        }
        (seconds > 0).then_some(seconds)
    };
    parse().ok_or_else(|| "expected hours, days or weeks such as 36h, 30d or 1w2d".into())
}

/// A tag that protects, `name` or `name=value`.
pub fn tag_rule(text: &str) -> Result<TagRule, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    match name.is_empty() {
        true => Err("expected NAME or NAME=VALUE".into()),
        false => Ok(TagRule { name: name.to_owned(), value }),
    }
}

/// A pattern of what to leave out.
pub fn pattern(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains('\n') {
        true => Err("expected a pattern as in gitignore, on one line".into()),
        false => Ok(text.to_owned()),
    }
}

/// What becomes of a field of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// A wider policy says.
    Inherit,
    /// There is no such rule, whatever wider policies say.
    None,
    To(T),
}

/// A parser of what a field becomes: `inherit`, `none`, or what `parse` takes.
pub fn change<T>(
    parse: fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Change<T>, String> + Clone + Send + Sync + 'static
where
    T: 'static,
{
    move |text| match text {
        "inherit" => Ok(Change::Inherit),
        "none" => Ok(Change::None),
        text => parse(text).map(Change::To).map_err(|wanted| format!("{wanted}, `none` or `inherit`")),
    }
}

/// A tag, `name=value`.
pub fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("expected NAME=VALUE".into()),
    }
}

/// A folder of a drive: its path from the root, without slashes around it.
pub fn drive_folder(text: &str) -> Result<String, String> {
    let names: Vec<&str> = text.split('/').filter(|name| !name.is_empty()).collect();
    match names.iter().any(|name| matches!(*name, "." | "..")) {
        false if !names.is_empty() => Ok(names.join("/")),
        _ => Err("expected a path from the drive's root, such as Documents/Work".into()),
    }
}

/// How much of the data to read: a share of the packs or an amount.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SampleArg {
    Percent(f64),
    Bytes(u64),
}

/// A sample such as `5%` or `2GiB`.
pub fn sample(text: &str) -> Result<SampleArg, String> {
    let wrong = || "expected a share such as 5% or a size such as 2GiB".to_owned();
    match text.strip_suffix('%') {
        Some(number) => {
            let percent: f64 = number.trim().parse().map_err(|_| wrong())?;
            (percent > 0.0 && percent <= 100.0).then_some(SampleArg::Percent(percent)).ok_or_else(wrong)
        }
        None => size(text).ok().filter(|bytes| *bytes > 0).map(SampleArg::Bytes).ok_or_else(wrong),
    }
}

/// A snapshot, and a path in it: `ID` or `ID:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// An ID, the beginning of one, or `latest`.
    pub snapshot: String,
    /// The names below the root; none for the root itself.
    pub path: Vec<Vec<u8>>,
}

impl Place {
    /// Parses an argument. Paths are bytes, so this takes what the system gives.
    pub fn parser() -> impl TypedValueParser<Value = Place> {
        OsStringValueParser::new().try_map(Place::parse)
    }

    fn parse(argument: OsString) -> Result<Place, &'static str> {
        let bytes = argument.into_vec();
        let (id, path) = match bytes.iter().position(|byte| *byte == b':') {
            Some(colon) => (&bytes[..colon], &bytes[colon + 1..]),
            None => (&bytes[..], &[][..]),
        };
        let snapshot = str::from_utf8(id).map_err(|_| "a snapshot's ID is hexadecimal, or `latest`")?;
        if snapshot.is_empty() {
            return Err("expected ID or ID:PATH");
        }
        let names = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
        let path: Vec<Vec<u8>> = names.map(<[u8]>::to_vec).collect();
        match path.iter().any(|name| name == b"..") {
            true => Err("a path in a snapshot has no `..`"),
            false => Ok(Place { snapshot: snapshot.to_owned(), path }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_have_units() {
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("1.5 MB"), Ok(1_500_000));
        assert_eq!(size("77"), Ok(77));
        assert!(size("many").is_err() && size("-1").is_err());
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(wait("7d"), Ok(Duration::from_secs(7 * 24 * 3600)));
        assert_eq!((wait("0"), wait("0s")), (Ok(Duration::ZERO), Ok(Duration::ZERO)));
        assert_eq!(wait("36h"), Ok(Duration::from_secs(36 * 3600)));
        for wrong in ["", "7", "-1d", "-1h", "1.5d", "99999999999999999d"] {
            assert!(wait(wrong).is_err(), "{wrong}");
        }
        assert_eq!((percent("2%"), percent("0.5")), (Ok(2.0), Ok(0.5)));
        assert!(percent("101").is_err() && percent("-1%").is_err() && percent("NaN").is_err());
        assert!(duration("0s").is_err() && duration("-2s").is_err() && duration("5").is_err());
    }

    #[test]
    fn samples_are_shares_or_sizes() {
        assert_eq!(sample("5%"), Ok(SampleArg::Percent(5.0)));
        assert_eq!(sample("2GiB"), Ok(SampleArg::Bytes(2 << 30)));
        for wrong in ["0%", "101%", "NaN%", "%", "0", "x"] {
            assert!(sample(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rules_keep_something_for_some_time() {
        assert_eq!(span("30d"), Ok(30 * 86_400));
        assert_eq!(span("1w2d12h"), Ok(9 * 86_400 + 43_200));
        for wrong in ["", "0d", "30", "d", "-1d", "1.5d", "30 d", "1m", "9999999999999999999w", "1é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        for wrong in ["0", "-1", "x", "", "4294967296"] {
            assert!(keep_count(wrong).is_err(), "{wrong}");
        }
        let rule =
            |name: &str, value: Option<&str>| TagRule { name: name.into(), value: value.map(Into::into) };
        assert_eq!(tag_rule("legal=hold"), Ok(rule("legal", Some("hold"))));
        assert_eq!(tag_rule("legal"), Ok(rule("legal", None)));
        assert_eq!(tag_rule("legal="), Ok(rule("legal", Some(""))));
        assert!(tag_rule("=hold").is_err());
        let count = change(keep_count);
        assert_eq!((count("inherit"), count("none")), (Ok(Change::Inherit), Ok(Change::None)));
        assert_eq!(count("3"), Ok(Change::To(3)));
        assert!(count("0").unwrap_err().contains("`inherit`"));
    }

    #[test]
    fn places_split_at_the_first_colon() {
        let place = |text: &str| Place::parse(text.into());
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        assert_eq!(place("latest"), Ok(Place { snapshot: "latest".into(), path: vec![] }));
        let path = names(&["a:b", "c"]);
        assert_eq!(place("ab12:/a:b/./c/"), Ok(Place { snapshot: "ab12".into(), path }));
        assert!(place(":x").is_err() && place("a:../b").is_err());
        let raw = Place::parse(OsString::from_vec(b"ab:\xff".to_vec()));
        assert_eq!(raw.unwrap().path, [vec![0xff]]);
    }
}
