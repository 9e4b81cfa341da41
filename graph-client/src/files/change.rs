//! Changes to a drive: folders, small files, names, places, times, removal.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderValue, IF_MATCH};
use serde_json::{Map, Value, json};

use super::upload::SMALL_FILE_MAX;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::http::{Call, Repeat};
use crate::model::{DriveId, DriveItem, ItemId, Moment};

/// What happens if the name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// `NameTaken`.
    Fail,
    /// The new one takes its place.
    Replace,
    /// The new one gets a number.
    Rename,
}

impl Conflict {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Replace => "replace",
            Self::Rename => "rename",
        }
    }

    /// Only replacing twice is as good as replacing once.
    fn repeat(self) -> Repeat {
        if self == Self::Replace { Repeat::Safe } else { Repeat::Never }
    }
}

/// Where a content goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadTo {
    /// Into a folder, under a name.
    New { parent: ItemId, name: String, conflict: Conflict },
    /// Over the content of an item, if it still has this tag.
    Over { item: ItemId, e_tag: Option<String> },
}

/// The times of a new file or folder, as a client sets them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewFile {
    pub created: Option<Moment>,
    pub last_modified: Option<Moment>,
}

impl NewFile {
    /// `None` if there is nothing to set.
    pub(super) fn file_system_info(&self) -> Option<Value> {
        let mut info = Map::new();
        if let Some(created) = &self.created {
            info.insert("createdDateTime".into(), json!(created.0));
        }
        if let Some(last_modified) = &self.last_modified {
            info.insert("lastModifiedDateTime".into(), json!(last_modified.0));
        }
        (!info.is_empty()).then(|| info.into())
    }
}

/// What becomes of an item; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemPatch {
    pub name: Option<String>,
    /// Another folder of the same drive.
    pub parent: Option<ItemId>,
    pub times: NewFile,
    pub description: Option<String>,
    /// If the new name is taken; `None` leaves it to the service, which refuses.
    pub conflict: Option<Conflict>,
    /// Only if the item still has this tag.
    pub e_tag: Option<String>,
}

impl ItemPatch {
    fn body(&self) -> Value {
        let mut body = Map::new();
        let texts = [("name", &self.name), ("description", &self.description)];
        for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
            body.insert(key.into(), json!(text));
        }
        if let Some(parent) = &self.parent {
            body.insert("parentReference".into(), json!({"id": parent.as_str()}));
        }
        if let Some(info) = self.times.file_system_info() {
            body.insert("fileSystemInfo".into(), info);
        }
        if let Some(conflict) = self.conflict {
            body.insert("@microsoft.graph.conflictBehavior".into(), json!(conflict.as_str()));
        }
        body.into()
    }
}

impl Graph {
    /// Makes a folder.
    ///
    /// # Errors
    ///
    /// `NameTaken` if it may not replace what is there; `Ambiguous` if no answer came: look for it.
    pub async fn create_folder(
        &self,
        drive: &DriveId,
        parent: &ItemId,
        name: &str,
        conflict: Conflict,
        times: &NewFile,
    ) -> Result<DriveItem, GraphError> {
        let segments = ["drives", drive.as_str(), "items", parent.as_str(), "children"];
        let mut body = json!({
            "name": name,
            "folder": {},
            "@microsoft.graph.conflictBehavior": conflict.as_str(),
        });
        if let (Some(info), Some(body)) = (times.file_system_info(), body.as_object_mut()) {
            body.insert("fileSystemInfo".into(), info);
        }
        let call = self.change_files(Method::POST, &segments, "", Repeat::Never)?;
        self.json(&call.json(&body).on_behalf_of(drive.as_str())).await
    }

    /// Writes a small content in one piece: up to [`SMALL_FILE_MAX`] bytes, and the only way for none.
    ///
    /// # Errors
    ///
    /// `NameTaken`, `Precondition` and `QuotaFull` as they say; `Ambiguous` if no answer came and the
    /// call must not be made twice: look for it; `Setup` for more bytes.
    pub async fn put_small(
        &self,
        drive: &DriveId,
        to: &UploadTo,
        content: Bytes,
    ) -> Result<DriveItem, GraphError> {
        if content.len() > SMALL_FILE_MAX {
            return Err(GraphError::Setup { what: "a large file needs an upload session".into() });
        }
        let call = match to {
            UploadTo::New { conflict, .. } => {
                let query = format!("@microsoft.graph.conflictBehavior={}", conflict.as_str());
                self.upload_call(Method::PUT, drive, to, "content", &query, conflict.repeat())?
            }
            UploadTo::Over { .. } => self.upload_call(Method::PUT, drive, to, "content", "", Repeat::Safe)?,
        };
        self.json(&call.bytes(content)).await
    }

    /// Renames or moves an item, or sets its times.
    ///
    /// # Errors
    ///
    /// `NotFound` if it is gone, `NameTaken` and `Precondition` as they say.
    pub async fn patch_item(
        &self,
        drive: &DriveId,
        item: &ItemId,
        patch: &ItemPatch,
    ) -> Result<DriveItem, GraphError> {
        let segments = ["drives", drive.as_str(), "items", item.as_str()];
        let call = self.change_files(Method::PATCH, &segments, "", Repeat::Safe)?;
        let call = if_match(call, patch.e_tag.as_deref())?;
        self.json(&call.json(&patch.body()).on_behalf_of(drive.as_str())).await
    }

    /// Moves an item to the recycle bin. One that is gone already is fine.
    ///
    /// # Errors
    ///
    /// `Forbidden` and `Precondition` as they say.
    pub async fn delete_item(&self, drive: &DriveId, item: &ItemId) -> Result<(), GraphError> {
        let segments = ["drives", drive.as_str(), "items", item.as_str()];
        let call = self.change_files(Method::DELETE, &segments, "", Repeat::Safe)?;
        match self.done(&call.on_behalf_of(drive.as_str())).await {
            Err(GraphError::NotFound { .. }) => Ok(()),
            done => done,
        }
    }

    /// A call to where a content goes: `…/items/ID:/name:/action`, or `…/items/ID/action`.
    pub(super) fn upload_call(
        &self,
        method: Method,
        drive: &DriveId,
        to: &UploadTo,
        action: &str,
        query: &str,
        repeat: Repeat,
    ) -> Result<Call, GraphError> {
        let call = match to {
            UploadTo::New { parent, name, .. } => {
                let (parent, name) = (format!("{parent}:"), format!("{name}:"));
                let segments = ["drives", drive.as_str(), "items", &parent, &name, action];
                self.change_files(method, &segments, query, repeat)?
            }
            UploadTo::Over { item, e_tag } => {
                let segments = ["drives", drive.as_str(), "items", item.as_str(), action];
                if_match(self.change_files(method, &segments, query, repeat)?, e_tag.as_deref())?
            }
        };
        Ok(call.on_behalf_of(drive.as_str()))
    }
}

fn if_match(call: Call, e_tag: Option<&str>) -> Result<Call, GraphError> {
    let Some(e_tag) = e_tag else { return Ok(call) };
    let value = HeaderValue::from_str(e_tag);
    let value = value.map_err(|_| GraphError::Setup { what: "a tag that no header can hold".into() })?;
    Ok(call.header(IF_MATCH, value))
}
