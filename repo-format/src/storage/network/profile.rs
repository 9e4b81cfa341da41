//! AWS profile files: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::credentials::{in_home, unusable};
use crate::storage::error::StorageError;

/// No profile file is larger than this, and one that is will not be read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The settings of one profile, those of the credentials file first.
#[derive(Default)]
pub(super) struct Profile(BTreeMap<String, String>);

impl Profile {
    /// Reads the profile that `AWS_PROFILE` names, else `default`.
    ///
    /// # Errors
    ///
    /// `Setup` if a profile was named and neither file has it, or a file cannot be read.
    pub fn load(env: &dyn Fn(&str) -> Option<String>) -> Result<Profile, StorageError> {
        let named = env("AWS_PROFILE").or_else(|| env("AWS_DEFAULT_PROFILE"));
        let name = named.as_deref().unwrap_or("default");
        let file =
            |variable: &str, usual: &str| env(variable).map(PathBuf::from).or_else(|| in_home(env, usual));
        let mut settings = BTreeMap::new();
        let mut found = false;
        // The first file that has a setting wins, and keys belong in the credentials file.
        let sources = [
            (file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"), name.to_string()),
            (file("AWS_CONFIG_FILE", ".aws/config"), section_of_config(name)),
        ];
        for (path, section) in sources {
            let Some(text) = path.as_deref().map(read).transpose()?.flatten() else {
                continue;
            };
            for (key, value) in section_settings(&text, &section, &mut found) {
                settings.entry(key).or_insert(value);
            }
        }
        if named.is_some() && !found {
            return Err(unusable(format!("AWS profile {name:?} is in neither of the AWS files")));
        }
        Ok(Profile(settings))
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

fn section_of_config(name: &str) -> String {
    if name == "default" { name.to_string() } else { format!("profile {name}") }
}

/// A missing file is no error, an unreadable one is.
fn read(path: &Path) -> Result<Option<String>, StorageError> {
    let cannot = |why: String| unusable(format!("{}: {why}", path.display()));
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error.to_string())),
        Ok(meta) if meta.len() > FILE_BYTES_MAX => return Err(cannot("too large".to_string())),
        Ok(_) => {}
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| cannot(error.to_string()))
}

/// The `key = value` lines of one section. Indented lines belong to a nested setting; none of
/// those is of use here.
fn section_settings(text: &str, section: &str, found: &mut bool) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = header.split_whitespace().eq(section.split_whitespace());
            *found |= inside;
        } else if inside
            && !nested
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            settings.push((key.trim().to_ascii_lowercase(), value.trim().to_string()));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "[default]\naws_access_key_id = D\n\n[ work ]\n# note\n\
        aws_access_key_id=W\naws_secret_access_key = a=b\ns3 =\n  max_queue_size = 1\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\n[profile work]\nregion = us-west-2\n\
        aws_access_key_id = other\n";

    fn load(profile: Option<&str>) -> Result<Profile, StorageError> {
        let folder = tempfile::tempdir().unwrap();
        let aws = folder.path().join(".aws");
        std::fs::create_dir(&aws).unwrap();
        std::fs::write(aws.join("credentials"), CREDENTIALS).unwrap();
        std::fs::write(aws.join("config"), CONFIG).unwrap();
        let home = folder.path().display().to_string();
        let profile = profile.map(str::to_string);
        Profile::load(&|name| match name {
            "HOME" => Some(home.clone()),
            "AWS_PROFILE" => profile.clone(),
            _ => None,
        })
    }

    #[test]
    fn both_files_make_a_profile_and_the_credentials_file_wins() {
        let work = load(Some("work")).unwrap();
        assert_eq!(work.get("aws_access_key_id"), Some("W"));
        assert_eq!(work.get("aws_secret_access_key"), Some("a=b"));
        assert_eq!(work.get("region"), Some("us-west-2"));
        assert_eq!(work.get("max_queue_size"), None);
        assert_eq!(load(None).unwrap().get("region"), Some("eu-west-1"));
    }

    #[test]
    fn a_named_profile_must_be_there() {
        assert!(load(Some("absent")).is_err());
        assert!(Profile::load(&|_| None).is_ok());
    }
}
