//! The configuration file: connected repositories, and settings. It never holds a secret.

mod file;
mod places;

use std::collections::BTreeMap;
use std::path::PathBuf;

use repo_format::storage::Location;
use serde::{Deserialize, Serialize};

use crate::args::sources::{self, Settings};

pub use places::Places;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The repository that is meant when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_repository: Option<String>,
    /// Values of options that neither a flag nor the environment gives.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Setting>,
    /// Connected repositories by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub repositories: BTreeMap<String, Connection>,
}

/// A value as TOML writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    Switch(bool),
    Number(u64),
    Text(String),
    /// For options that may be given several times.
    Several(Vec<String>),
}

/// A connected repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The repository's ID as it was when it was connected: another one there is an error.
    pub id: String,
    pub location: Location,
}

/// Why the configuration file, or what it should say, is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    #[error("cannot read the configuration file {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the configuration file {} is no UTF-8 text", path.display())]
    NotText { path: PathBuf },
    #[error("the configuration file {} is malformed", path.display())]
    Malformed { path: PathBuf, source: Box<toml::de::Error> },
    /// A key under `[settings]` that is no option.
    #[error("the configuration file {} sets {name}, which is no option", path.display())]
    UnknownSetting { path: PathBuf, name: String },
    #[error("cannot write the configuration file {}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// Neither the configuration nor the file system says where such a folder is.
    #[error("there is no home folder to keep {what} in")]
    NoHome { what: &'static str },
    /// No repository is named, and none is connected.
    #[error("no repository is connected, and none is named")]
    NotConnected,
    /// A name that no connected repository has.
    #[error("no connected repository is called {name}")]
    UnknownName { name: String },
    /// The name is another repository's.
    #[error("{name} is already the name of the repository at {location}")]
    NameTaken { name: String, location: String },
    /// The name looks like a path or URL, so `--repo` could not name it.
    #[error("{name:?} cannot be a name: use letters, digits, - and _")]
    BadName { name: String },
    /// `--repo` is neither a name nor a location.
    #[error("--repo names no repository")]
    Location(#[from] repo_format::storage::LocationError),
}

/// What `--repo` or its absence means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub location: Location,
    /// Name and ID, if it is a connected one.
    pub known: Option<(String, String)>,
}

impl Config {
    /// The repository meant by `--repo`, or the default one.
    ///
    /// A connected name wins. What has a `/`, a `:` or a leading `.` is a location.
    ///
    /// # Errors
    /// `NotConnected`, `UnknownName`, `Location`.
    pub fn target(&self, named: Option<&str>) -> Result<Target, ConfigError> {
        let name = match named {
            Some(name) => name,
            None => self.default_repository.as_deref().ok_or(ConfigError::NotConnected)?,
        };
        if let Some(connection) = self.repositories.get(name) {
            let known = Some((name.to_owned(), connection.id.clone()));
            return Ok(Target { location: connection.location.clone(), known });
        }
        if is_name(name) {
            return Err(ConfigError::UnknownName { name: name.to_owned() });
        }
        Ok(Target { location: absolute(name.parse()?), known: None })
    }

    /// Remembers a repository and makes it the default. Without a name it gets one after its
    /// location. Says what it is called.
    ///
    /// # Errors
    /// `NameTaken`, `BadName`.
    pub fn connect(&mut self, name: Option<&str>, connection: Connection) -> Result<String, ConfigError> {
        let free =
            |name: &str| self.repositories.get(name).is_none_or(|it| it.location == connection.location);
        let name = match name {
            Some(name) if !is_name(name) => return Err(ConfigError::BadName { name: name.into() }),
            Some(name) if !free(name) => {
                let location = self.repositories[name].location.to_string();
                return Err(ConfigError::NameTaken { name: name.into(), location });
            }
            Some(name) => name.to_owned(),
            None => {
                let wish = wish(&connection.location);
                let numbered = (2..).map(|number| format!("{wish}-{number}"));
                std::iter::once(wish.clone()).chain(numbered).find(|name| free(name)).unwrap_or(wish)
            }
        };
        self.repositories.insert(name.clone(), connection);
        self.default_repository = Some(name.clone());
        Ok(name)
    }

    /// Drops a connection. Another one becomes the default only if it is the last.
    ///
    /// # Errors
    /// `NotConnected`, `UnknownName`.
    pub fn disconnect(&mut self, named: Option<&str>) -> Result<(String, Connection), ConfigError> {
        let name = named.map(str::to_owned).or_else(|| self.default_repository.clone());
        let name = name.ok_or(ConfigError::NotConnected)?;
        let Some(connection) = self.repositories.remove(&name) else {
            return Err(ConfigError::UnknownName { name });
        };
        if self.default_repository.as_ref() == Some(&name) {
            let only = self.repositories.keys().next().filter(|_| self.repositories.len() == 1);
            self.default_repository = only.cloned();
        }
        Ok((name, connection))
    }

    /// The settings as text, the way the environment would give them.
    pub fn settings(&self) -> Settings {
        let text = |setting: &Setting| match setting {
            Setting::Switch(on) => on.to_string(),
            Setting::Number(number) => number.to_string(),
            Setting::Text(text) => text.clone(),
            Setting::Several(values) => values.join("\n"),
        };
        self.settings.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    fn unknown_setting(&self) -> Option<&String> {
        let all = sources::all_settings();
        self.settings.keys().find(|name| !all.contains(name))
    }
}

/// A path is meant from where we stand, today and when it is remembered.
pub fn absolute(location: Location) -> Location {
    match location {
        Location::Folder { path } => Location::Folder { path: std::path::absolute(&path).unwrap_or(path) },
        other => other,
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.bytes().all(plain)
}

/// What a repository would be called after its location.
fn wish(location: &Location) -> String {
    let text = match location {
        Location::Folder { path } => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Location::S3 { bucket, .. } | Location::Gcs { bucket, .. } => bucket.clone(),
        Location::Azure { container, .. } => container.clone(),
        _ => String::new(),
    };
    let plain = |c: char| if is_name(c.encode_utf8(&mut [0; 4])) { c } else { '-' };
    let name: String = text.trim_matches('.').chars().map(plain).collect();
    if name.is_empty() { "repository".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Connection {
        Connection { id: "00".into(), location: Location::Folder { path: path.into() } }
    }

    #[test]
    fn names_come_from_locations_and_stay_apart() {
        let mut config = Config::default();
        assert_eq!(config.connect(None, at("/mnt/My backup")).unwrap(), "My-backup");
        assert_eq!(config.connect(None, at("/other/My backup")).unwrap(), "My-backup-2");
        assert_eq!(config.connect(None, at("/mnt/My backup")).unwrap(), "My-backup");
        let taken = config.connect(Some("My-backup"), at("/third"));
        assert!(matches!(taken, Err(ConfigError::NameTaken { .. })));
        assert!(matches!(config.connect(Some("a/b"), at("/x")), Err(ConfigError::BadName { .. })));
    }

    #[test]
    fn a_target_is_a_name_or_a_location() {
        let mut config = Config::default();
        assert!(matches!(config.target(None), Err(ConfigError::NotConnected)));
        config.connect(Some("disk"), at("/mnt/disk")).unwrap();
        assert_eq!(config.target(None).unwrap(), config.target(Some("disk")).unwrap());
        assert!(matches!(config.target(Some("dusk")), Err(ConfigError::UnknownName { .. })));
        let path = config.target(Some("./dusk")).unwrap();
        assert!(path.known.is_none());
        assert!(matches!(path.location, Location::Folder { path } if path.is_absolute()));
        assert!(config.target(Some("ftp://x")).is_err());
    }

    #[test]
    fn disconnecting_leaves_a_default_only_where_it_is_clear() {
        let mut config = Config::default();
        for name in ["a", "b", "c"] {
            config.connect(Some(name), at(&format!("/{name}"))).unwrap();
        }
        config.disconnect(None).unwrap();
        assert_eq!(config.default_repository, None);
        config.disconnect(Some("a")).unwrap();
        assert!(matches!(config.disconnect(None), Err(ConfigError::NotConnected)));
        assert!(config.disconnect(Some("a")).is_err());
    }
}
