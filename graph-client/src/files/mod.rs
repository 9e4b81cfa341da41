//! Drives and what is in them: feeds of changes, items, contents, permissions, uploads.

mod batch;
mod change;
mod delta;
mod download;
mod drives;
mod items;
mod refresh;
mod resume;
mod share;
mod upload;

pub use change::{Conflict, ItemPatch, NewFile, UploadTo};
pub use delta::{DeltaFrom, DeltaPages};
pub use download::{Download, DownloadOf, Received};
pub use share::{LinkScope, LinkType, Recipient};
pub use upload::{FRAGMENT_SIZE, FRAGMENT_UNIT, SMALL_FILE_MAX, UploadSession, UploadStep};

use reqwest::Method;
use url::Url;

use crate::error::{GraphError, Place};
use crate::http::Call;
use crate::model::{DriveId, ItemId};
use crate::secret::Secret;

/// A call to an address that lets its bearer in, on behalf of an item.
fn pre_auth(
    method: Method,
    url: &Secret,
    what: &str,
    (drive, item): (&DriveId, &ItemId),
) -> Result<Call, GraphError> {
    let what = format!("{what} {item}");
    let place = || Place::of(format!("{method} {what}"));
    let parsed = Url::parse(url.expose());
    let url = parsed.map_err(|_| GraphError::Protocol { what: "an address that is none", place: place() })?;
    Ok(Call::pre_auth(method, url, &what).on_behalf_of(drive.as_str()))
}
