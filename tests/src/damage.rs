//! Every way in which one blob may be spoilt: what the suites of damage go through, case by case.

use bytes::Bytes;
use repo_format::format::names::{BlobId, PackKind};
use repo_format::storage::BlobName;

/// A blob's name and its bytes.
pub type Blob = (BlobName, Bytes);

/// What a disk writes at once, and so loses at once.
const SECTOR_SIZE: usize = 512;

/// The kinds of ways, in the order in which they are counted.
pub const WAYS: [&str; 9] = [
    "deleted",
    "one bit flipped",
    "a byte inverted",
    "cut short",
    "extended",
    "a sector zeroed",
    "another of its kind",
    "one of another kind",
    "a sibling repository's",
];

/// One blob spoilt in one way. Its bytes are made when they are asked for: nothing is held but the case at hand.
#[derive(Debug, Clone, Copy)]
pub struct Spoilt<'a> {
    whole: &'a Blob,
    how: How<'a>,
}

#[derive(Debug, Clone, Copy)]
enum How<'a> {
    Deleted,
    Flipped { at: usize, mask: u8 },
    Cut { len: usize },
    Extended { by: usize, with: u8 },
    Zeroed { from: usize },
    Replaced { way: usize, by: &'a Blob },
}

/// Which bytes and lengths of a blob are tried.
#[derive(Debug, Clone, Copy)]
pub enum Places {
    Every,
    /// The first, the last, and about so many between them.
    About(usize),
}

impl Places {
    /// What a setting asks for: `all`, or a number.
    ///
    /// # Panics
    /// If it is neither.
    pub fn of_setting(name: &str, usual: usize) -> Places {
        match std::env::var(name).as_deref() {
            Ok("all") => Places::Every,
            Ok(number) => Places::About(number.parse().expect("a number, or all")),
            Err(_) => Places::About(usual),
        }
    }

    /// The places of a blob of `len` bytes.
    pub fn of(self, len: usize) -> impl Iterator<Item = usize> {
        let step = match self {
            Places::Every => 1,
            Places::About(count) => (len / count.max(1)).max(1),
        };
        let last = len.checked_sub(1).filter(|last| !last.is_multiple_of(step));
        (0..len).step_by(step).chain(last)
    }
}

/// A blob's kind: one may stand where another of its kind is expected.
pub fn kind(name: &BlobName) -> &'static str {
    match BlobId::parse(name) {
        Some(BlobId::Format) => "format blob",
        Some(BlobId::CopyMarker | BlobId::Promoted) => "copy marker",
        Some(BlobId::Slot(_)) => "key slot",
        Some(BlobId::Pack(PackKind::Data, _)) => "data pack",
        Some(BlobId::Pack(PackKind::Meta, _)) => "metadata pack",
        Some(BlobId::Segment(_)) => "segment",
        Some(BlobId::Record(_)) => "record",
        Some(BlobId::Catalog(_)) => "catalog",
        None => "no blob",
    }
}

/// All that may become of `whole`, one of `all`; `siblings` are the blobs of a repository like it.
pub fn ways<'a>(
    whole: &'a Blob,
    all: &'a [Blob],
    siblings: &'a [Blob],
    places: Places,
) -> impl Iterator<Item = Spoilt<'a>> {
    let (name, bytes) = whole;
    let len = bytes.len();
    let flips = places
        .of(len)
        .flat_map(|at| [How::Flipped { at, mask: 1 << (at % 8) }, How::Flipped { at, mask: 0xff }]);
    let cuts = places.of(len).map(|len| How::Cut { len });
    let longer = [(1, 0), (1, 0xa5), (SECTOR_SIZE, 0), (len, 0xff)];
    let longer = longer.into_iter().map(|(by, with)| How::Extended { by, with });
    let sectors = (0..len).step_by(SECTOR_SIZE).map(|from| How::Zeroed { from });
    let same = all.iter().filter(move |(other, _)| other != name && kind(other) == kind(name));
    let mut kinds = vec![kind(name)];
    let others = all.iter().filter(move |(other, _)| {
        let is_new = !kinds.contains(&kind(other));
        kinds.extend(is_new.then(|| kind(other)));
        is_new
    });
    let theirs = siblings.iter().filter(move |(other, _)| kind(other) == kind(name));
    let replaced = |way: usize| move |by| How::Replaced { way, by };
    let hows = std::iter::once(How::Deleted).chain(flips).chain(cuts).chain(longer).chain(sectors);
    let hows =
        hows.chain(same.map(replaced(6))).chain(others.map(replaced(7))).chain(theirs.map(replaced(8)));
    let is_spoilt = |spoilt: &Spoilt<'_>| spoilt.bytes().as_ref() != Some(&spoilt.whole.1);
    hows.map(move |how| Spoilt { whole, how }).filter(is_spoilt)
}

impl Spoilt<'_> {
    /// Its place in [`WAYS`].
    pub fn way(&self) -> usize {
        match self.how {
            How::Deleted => 0,
            How::Flipped { mask: 0xff, .. } => 2,
            How::Flipped { .. } => 1,
            How::Cut { .. } => 3,
            How::Extended { .. } => 4,
            How::Zeroed { .. } => 5,
            How::Replaced { way, .. } => way,
        }
    }

    /// What is there instead, if anything.
    pub fn bytes(&self) -> Option<Bytes> {
        let whole = &self.whole.1;
        let mut bytes = whole.to_vec();
        match self.how {
            How::Deleted => return None,
            How::Flipped { at, mask } => bytes[at] ^= mask,
            How::Cut { len } => bytes.truncate(len),
            How::Extended { by, with } => bytes.extend(std::iter::repeat_n(with, by)),
            How::Zeroed { from } => bytes.iter_mut().skip(from).take(SECTOR_SIZE).for_each(|byte| *byte = 0),
            How::Replaced { by, .. } => return Some(by.1.clone()),
        }
        Some(bytes.into())
    }

    /// For people: what is done to which blob.
    pub fn tell(&self) -> String {
        let name = &self.whole.0;
        match self.how {
            How::Deleted => format!("{name} deleted"),
            How::Flipped { at, mask } => format!("{name} with {mask:#04x} over byte {at}"),
            How::Cut { len } => format!("{name} cut to {len} bytes"),
            How::Extended { by, with } => format!("{name} with {by} bytes {with:#04x} behind it"),
            How::Zeroed { from } => format!("{name} with zeros from byte {from}"),
            How::Replaced { by, .. } => format!("{name} in whose place is {}", by.0),
        }
    }
}

/// How often each way was tried.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally([u64; WAYS.len()]);

impl Tally {
    /// Counts a case.
    pub fn add(&mut self, spoilt: &Spoilt<'_>) {
        self.0[spoilt.way()] += 1;
    }

    /// Takes what another counted.
    pub fn merge(&mut self, other: &Tally) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// All cases.
    pub fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Whether each way was tried.
    pub fn is_full(&self) -> bool {
        self.0.iter().all(|count| *count > 0)
    }

    /// For people.
    pub fn tell(&self) -> String {
        let each = WAYS.iter().zip(self.0).map(|(way, count)| format!("{count} {way}"));
        format!("{} cases ({})", self.sum(), each.collect::<Vec<_>>().join(", "))
    }
}
