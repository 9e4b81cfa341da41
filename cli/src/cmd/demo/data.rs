//! Data to back up: text, noise, and what file systems have besides plain files.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;

const FOLDERS: u64 = 8;
const FILES_PER_FOLDER: u64 = 32;
const WORDS: [&str; 16] = [
    "backup",
    "folder",
    "the",
    "and",
    "restore",
    "of",
    "snapshot",
    "chunk",
    "to",
    "in",
    "letter",
    "is",
    "winter",
    "photograph",
    "minutes",
    "\n",
];

/// Fills `root` with about `size` bytes. The same data each time, so runs can be compared.
pub fn generate(root: &Path, size: u64) -> io::Result<()> {
    let mut random = Random(0x5eed);
    let each = (size / (FOLDERS * FILES_PER_FOLDER)).max(64);
    for folder in 0..FOLDERS {
        let path = root.join(format!("folder {folder}"));
        fs::create_dir_all(&path)?;
        for number in 0..FILES_PER_FOLDER {
            // From a tenth of the mean size to nearly twice of it.
            let length = each / 10 + random.next() % (each * 9 / 5);
            let is_text = number % 4 != 0;
            let bytes = if is_text { random.text(length) } else { random.noise(length) };
            let ending = if is_text { "txt" } else { "bin" };
            fs::write(path.join(format!("file {number}.{ending}")), bytes)?;
        }
    }
    special(root)
}

fn special(root: &Path) -> io::Result<()> {
    let folder = root.join("special");
    fs::create_dir_all(folder.join("empty"))?;
    fs::write(folder.join("run.sh"), "#!/bin/sh\n")?;
    fs::set_permissions(folder.join("run.sh"), Permissions::from_mode(0o750))?;
    fs::hard_link(folder.join("run.sh"), folder.join("run too.sh"))?;
    symlink("run.sh", folder.join("link"))?;
    fs::write(folder.join(OsStr::from_bytes(b"not UTF-8 \xff")), "odd")?;
    let sparse = File::create(folder.join("sparse"))?;
    sparse.write_all_at(b"end", 8 << 20)?;
    File::create(folder.join("empty.txt"))?;
    Ok(())
}

/// Changes a little: one file more, one less, one longer, one renamed.
pub fn change(root: &Path) -> io::Result<()> {
    let folder = root.join("folder 1");
    fs::write(folder.join("new.txt"), "new")?;
    fs::remove_file(folder.join("file 1.txt"))?;
    File::options().append(true).open(folder.join("file 2.txt"))?.write_all(b"and more")?;
    fs::rename(folder.join("file 4.bin"), root.join("folder 2").join("moved.bin"))
}

/// A small generator (xorshift): what it makes need not be secret, only varied and repeatable.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn noise(&mut self, length: u64) -> Vec<u8> {
        (0..length).step_by(8).flat_map(|_| self.next().to_le_bytes()).collect()
    }

    fn text(&mut self, length: u64) -> Vec<u8> {
        let mut text = Vec::new();
        while (text.len() as u64) < length {
            let draw = self.next();
            text.extend_from_slice(WORDS[(draw % 16) as usize].as_bytes());
            text.extend_from_slice(format!(" {} ", draw >> 48).as_bytes());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_the_same_each_time_and_about_as_large_as_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            generate(&folder.path().join(name), 1 << 20).unwrap();
            change(&folder.path().join(name)).unwrap();
        }
        let file = |name: &str| fs::read(folder.path().join(name).join("folder 3/file 3.txt")).unwrap();
        assert_eq!(file("a"), file("b"));
        let sizes =
            (0..FOLDERS).flat_map(|n| fs::read_dir(folder.path().join(format!("a/folder {n}"))).unwrap());
        let total: u64 = sizes.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        assert!((500_000..1_600_000).contains(&total), "{total}");
    }
}
