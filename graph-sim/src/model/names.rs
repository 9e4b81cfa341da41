//! Names of generated items: unique by their number, some of them nasty.

use std::fmt::Write;

use super::item::{Item, flag};
use crate::seed::Seed;

/// A kind of file: what its name ends in, its MIME type, and whether its content is words.
pub struct Kind {
    pub extension: &'static str,
    pub mime: &'static str,
    pub text: bool,
    /// Which part of all files, in thousandths.
    share: u16,
}

const fn kind(extension: &'static str, mime: &'static str, text: bool, share: u16) -> Kind {
    Kind { extension, mime, text, share }
}

/// The kinds of files that there are.
pub const KINDS: &[Kind] = &[
    kind("txt", "text/plain", true, 250),
    kind("csv", "text/csv", true, 150),
    kind("md", "text/markdown", true, 80),
    kind("pdf", "application/pdf", false, 200),
    kind("jpg", "image/jpeg", false, 180),
    kind("zip", "application/zip", false, 50),
    kind("mp4", "video/mp4", false, 60),
    kind("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", false, 12),
    kind("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false, 10),
    kind("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", false, 8),
];

/// The kind of a OneNote section, not drawn for ordinary files.
pub const ONE_NOTE_MIME: &str = "application/msonenote";

const FIRST: &[&str] =
    &["Budget", "Report", "Notes", "Invoice", "Plan", "Draft", "Photo", "Minutes", "Scan", "Offer"];
const SECOND: &[&str] =
    &["north", "spring", "team", "final", "client", "2024", "old", "review", "pilot", "travel"];
const NASTY: &[&str] = &[
    "Über straße",
    "日本語の資料",
    "résume\u{301}",
    "emoji 🎉",
    "100% done #1",
    "it's {odd} & [odd]",
    "a+b=c; d,e",
    "Ελληνικά",
    "עברית",
    "dots...and  spaces",
    "CON report",
    "~tilde",
    "%2F%20",
    "nul",
];

/// Draws a kind of file by their shares.
pub fn draw_kind(seed: Seed) -> u16 {
    let mut left = seed.below(1000) as u16;
    for (index, kind) in KINDS.iter().enumerate() {
        if left < kind.share {
            return index as u16;
        }
        left -= kind.share;
    }
    0
}

/// The MIME type that a name's ending tells.
pub fn mime_of(name: &str) -> &'static str {
    kind_of(name).map_or("application/octet-stream", |kind| KINDS[usize::from(kind)].mime)
}

/// Which of [`KINDS`] a name's ending tells.
pub fn kind_of(name: &str) -> Option<u16> {
    let (_, extension) = name.rsplit_once('.')?;
    let found = KINDS.iter().position(|kind| kind.extension.eq_ignore_ascii_case(extension))?;
    Some(found as u16)
}

/// Appends the generated name of item `index` to `out`.
pub fn generate(seed: Seed, index: u32, item: &Item, out: &mut String) {
    let own = seed.with(u64::from(index)).named("name");
    let first = own.with(1).pick(FIRST);
    let second = if own.chance(0.06) { own.with(2).pick(NASTY) } else { own.with(3).pick(SECOND) };
    let written = if item.has(flag::FOLDER | flag::PACKAGE | flag::REMOTE) {
        write!(out, "{first} {second} {index}")
    } else {
        write!(out, "{first} {second} {index}.{}", KINDS[usize::from(item.kind) % KINDS.len()].extension)
    };
    written.expect("a String takes what is written");
}

/// Why SharePoint would refuse a name; `None` if it takes it.
pub fn refusal(name: &str, folder: bool) -> Option<&'static str> {
    let reserved = ["con", "prn", "aux", "nul", "desktop.ini", ".lock", "_vti_"];
    if name.is_empty() || name.len() > 400 {
        return Some("The name is empty or too long.");
    }
    if name.chars().any(|c| "\"*:<>?/\\|".contains(c) || c < ' ') {
        return Some("The name contains a character that is not allowed.");
    }
    if name.starts_with(' ') || name.ends_with([' ', '.']) || (folder && name.starts_with('~')) {
        return Some("The name begins or ends with a character that is not allowed there.");
    }
    reserved.contains(&name.to_lowercase().as_str()).then_some("The name is reserved.")
}

/// What names are compared by: SharePoint's do not differ by case.
pub fn fold_case(name: &str) -> String {
    name.to_lowercase()
}
