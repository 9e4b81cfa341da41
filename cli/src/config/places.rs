//! Where configuration, cache and state are kept: the XDG folders unless told otherwise.

use std::path::PathBuf;

use etcetera::{BaseStrategy, choose_base_strategy};

use super::ConfigError;
use crate::args::GlobalArgs;

/// The paths that one run uses.
pub struct Places;

impl Places {
    /// The configuration file: `--config`, else in `CORSO_CONFIG_DIR`, else in the user's folder.
    ///
    /// # Errors
    /// `NoHome`.
    pub fn config_file(chosen: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
        if let Some(path) = chosen {
            return Ok(path);
        }
        let folder = match std::env::var_os("CORSO_CONFIG_DIR").filter(|value| !value.is_empty()) {
            Some(folder) => PathBuf::from(folder),
            None => base("the configuration")?.config_dir().join("corso"),
        };
        Ok(folder.join("config.toml"))
    }

    /// Where indexes are cached; nowhere with `--no-cache`.
    ///
    /// # Errors
    /// `NoHome`.
    pub fn cache(global: &GlobalArgs) -> Result<Option<PathBuf>, ConfigError> {
        match &global.cache_dir {
            _ if global.no_cache => Ok(None),
            Some(folder) => Ok(Some(folder.clone())),
            None => Ok(Some(base("a cache")?.cache_dir().join("corso"))),
        }
    }

    /// Where the newest revision seen of each repository is remembered.
    ///
    /// # Errors
    /// `NoHome`.
    pub fn state(global: &GlobalArgs) -> Result<PathBuf, ConfigError> {
        if let Some(folder) = &global.state_dir {
            return Ok(folder.clone());
        }
        let base = base("state")?;
        Ok(base.state_dir().unwrap_or_else(|| base.data_dir()).join("corso"))
    }
}

fn base(what: &'static str) -> Result<impl BaseStrategy, ConfigError> {
    choose_base_strategy().map_err(|_| ConfigError::NoHome { what })
}
