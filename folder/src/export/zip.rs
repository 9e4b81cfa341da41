//! A zip archive in the making: under a temporary name until it is whole.

use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use repo_format::tree::{Entry, Meta, TimeNs};
use tempfile::NamedTempFile;
use zip::result::{ZipError, ZipResult};
use zip::write::FullFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// From this size on an entry gets 64-bit sizes. Below it, even what does not compress stays below
/// 4 GiB.
const LARGE_BYTES_MIN: u64 = 0xf000_0000;
/// Fast rather than small: most large files of an office are compressed already.
const LEVEL: i64 = 3;
/// 100 ns steps between 1601, where Windows begins to count, and 1970.
const WINDOWS_EPOCH: i64 = 116_444_736_000_000_000;

/// Writes entries one after another.
pub(super) struct Zip {
    writer: ZipWriter<BufWriter<NamedTempFile>>,
}

impl Zip {
    /// Begins an archive in `folder`. Nobody but the owner can read it.
    pub fn begin(folder: &Path) -> io::Result<Zip> {
        let file = tempfile::Builder::new().prefix(".corso-").suffix(".part").tempfile_in(folder)?;
        Ok(Zip { writer: ZipWriter::new(BufWriter::with_capacity(1 << 20, file)) })
    }

    /// Adds a folder.
    ///
    /// # Errors
    /// An entry that the format cannot hold is refused alone; see [`fatal`].
    pub fn folder(&mut self, path: &str, entry: &Entry) -> ZipResult<()> {
        self.writer.add_directory(path, options(entry)?)
    }

    /// Begins a file; what was begun before is complete.
    ///
    /// # Errors
    /// As [`Zip::folder`].
    pub fn file(&mut self, path: &str, entry: &Entry) -> ZipResult<()> {
        let options = options(entry)?
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .large_file(entry.size >= LARGE_BYTES_MIN);
        self.writer.start_file(path, options)
    }

    /// Writes bytes of the file that was begun last.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)
    }

    /// Takes the file that was begun last out again, and what was written of it.
    pub fn abandon(&mut self) -> ZipResult<()> {
        self.writer.abort_file()?;
        let Some(buffer) = self.writer.get_ref() else { return Ok(()) };
        // To go back, the buffer was emptied: the next entry begins where the file's own position is.
        let mut file = buffer.get_ref().as_file();
        let end = file.stream_position()?;
        Ok(file.set_len(end)?)
    }

    /// Completes the archive; gives the file, still under its temporary name.
    pub fn finish(self) -> ZipResult<NamedTempFile> {
        let file = self.writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        Ok(file)
    }
}

/// The input or output error in it, after which nothing can be written; none for an entry that was
/// refused alone.
pub(super) fn fatal(error: ZipError) -> Result<String, io::Error> {
    match error {
        ZipError::Io(error) => Err(error),
        refused => Ok(refused.to_string()),
    }
}

/// The times of an entry, in the three forms that readers look for.
fn options(entry: &Entry) -> ZipResult<FullFileOptions<'static, 'static>> {
    let Meta { mtime_ns, btime_ns, .. } = entry.meta;
    let options = FullFileOptions::default();
    let Some(mtime_ns) = mtime_ns else { return Ok(options) };
    let options = match dos_time(mtime_ns) {
        Some(time) => options.last_modified_time(time),
        None => options,
    };
    let options = match (windows_time(mtime_ns), windows_time(btime_ns.unwrap_or(mtime_ns))) {
        (Some(modified), Some(created)) => options.with_ntfs_times(modified, modified, created)?,
        _ => options,
    };
    match unix_time(mtime_ns) {
        Some(modified) => options.with_extended_timestamp(Some(modified), None, btime_ns.and_then(unix_time)),
        None => Ok(options),
    }
}

/// To two seconds, in local time, from 1980 to 2107.
fn dos_time(ns: TimeNs) -> Option<DateTime> {
    let local = Timestamp::from_nanosecond(ns.into()).ok()?.to_zoned(TimeZone::system());
    let part = |number: i8| u8::try_from(number).ok();
    DateTime::from_date_and_time(
        u16::try_from(local.year()).ok()?,
        part(local.month())?,
        part(local.day())?,
        part(local.hour())?,
        part(local.minute())?,
        part(local.second())?,
    )
    .ok()
}

/// Seconds, which readers take for signed.
fn unix_time(ns: TimeNs) -> Option<u32> {
    i32::try_from(ns.div_euclid(1_000_000_000)).ok().and_then(|seconds| u32::try_from(seconds).ok())
}

fn windows_time(ns: TimeNs) -> Option<u64> {
    u64::try_from(ns.div_euclid(100) + WINDOWS_EPOCH).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use repo_format::tree::EntryKind;

    fn entry(size: u64, mtime_ns: i64) -> Entry {
        let meta = Meta { mtime_ns: Some(mtime_ns), btime_ns: Some(0), ..Meta::default() };
        Entry { kind: EntryKind::File(None), size, items: 0, meta }
    }

    fn noise(size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    #[test]
    fn of_an_abandoned_file_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Zip::begin(folder.path()).unwrap();
        for (name, is_kept) in [("a", true), ("bad", false), ("b", true), ("worse", false)] {
            archive.file(name, &entry(3, 1)).unwrap();
            match is_kept {
                true => archive.write(b"abc").unwrap(),
                false => {
                    archive.write(&noise(3_000_000)).unwrap();
                    archive.abandon().unwrap();
                }
            }
        }
        let file = archive.finish().unwrap();
        assert!(file.as_file().metadata().unwrap().len() < 1000);
        let mut read = zip::ZipArchive::new(file.reopen().unwrap()).unwrap();
        let names: Vec<String> =
            (0..read.len()).map(|n| read.by_index(n).unwrap().name().unwrap().into_owned()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn times_are_kept_where_a_form_can_hold_them() {
        for ns in [i64::MIN, -1, 0, 315_532_800_000_000_000, 1_748_779_200_123_456_700, i64::MAX] {
            let options = options(&entry(0, ns)).unwrap();
            assert!(!options.extra_fields().is_empty(), "{ns}");
        }
        assert_eq!(unix_time(-1), None);
        assert_eq!(windows_time(0), Some(116_444_736_000_000_000));
    }
}
