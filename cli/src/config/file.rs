//! The file itself: read whole, replaced whole.

use std::io::{ErrorKind, Write};
use std::path::Path;

use super::{Config, ConfigError};

impl Config {
    /// Reads the file; one that is not there says nothing.
    ///
    /// # Errors
    /// `Read`, `NotText`, `Malformed`, `UnknownSetting`.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Config::default()),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(ConfigError::NotText { path: path.to_owned() });
            }
            read => read.map_err(|source| ConfigError::Read { path: path.to_owned(), source })?,
        };
        let config: Config = toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: source.into() })?;
        match config.unknown_setting() {
            Some(name) => Err(ConfigError::UnknownSetting { path: path.to_owned(), name: name.clone() }),
            None => Ok(config),
        }
    }

    /// Replaces the file: a reader sees the old or the new one, and nobody else sees either.
    ///
    /// # Errors
    /// `Write`.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        self.replace(path).map_err(|source| ConfigError::Write { path: path.to_owned(), source })
    }

    fn replace(&self, path: &Path) -> std::io::Result<()> {
        let text = toml::to_string_pretty(self).map_err(std::io::Error::other)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Connection, Setting};
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn what_is_saved_is_loaded_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/config.toml");
        assert_eq!(Config::load(&path).unwrap(), Config::default());
        let mut config = Config::default();
        let location = "s3://bucket/prefix?endpoint=http://localhost:9000".parse().unwrap();
        config.connect(None, Connection { id: "ab".into(), location }).unwrap();
        config.settings.insert("compression".into(), Setting::Text("max".into()));
        config.settings.insert("retries".into(), Setting::Number(2));
        config.settings.insert("exclude".into(), Setting::Several(vec!["a".into(), "b".into()]));
        config.save(&path).unwrap();
        assert_eq!(Config::load(&path).unwrap(), config);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(config.settings()["exclude"], "a\nb");
    }

    #[test]
    fn a_file_with_mistakes_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        for (text, wanted) in [("x = [", "malformed"), ("passphrase = 'x'", "malformed")] {
            std::fs::write(&path, text).unwrap();
            let shown = Config::load(&path).unwrap_err().to_string();
            assert!(shown.contains(wanted), "{shown}");
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(Config::load(&path), Err(ConfigError::NotText { .. })));
        std::fs::write(&path, "[settings]\ncolour = 'red'").unwrap();
        assert!(matches!(Config::load(&path), Err(ConfigError::UnknownSetting { .. })));
    }
}
