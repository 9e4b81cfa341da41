//! From options to a storage's location.

use repo_format::storage::{Location, LocationError};

use crate::args::LocationCommand;
use crate::config::absolute;

/// The location that options describe.
///
/// # Errors
/// [`LocationError`] for a prefix or an endpoint that cannot be.
pub fn location(command: &LocationCommand) -> Result<Location, LocationError> {
    let location = match command.clone() {
        LocationCommand::Filesystem { path } => absolute(Location::Folder { path }),
        LocationCommand::S3 { bucket, prefix, endpoint, region, path_style, ca_file } => {
            Location::S3 { bucket, prefix, endpoint, region, path_style, ca_file }
        }
        LocationCommand::Azure { account, container, prefix, endpoint, ca_file } => {
            Location::Azure { account, container, prefix, endpoint, ca_file }
        }
        LocationCommand::Gcs { bucket, prefix } => Location::Gcs { bucket, prefix },
    };
    location.validate()?;
    Ok(location)
}
