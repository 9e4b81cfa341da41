//! Grants given back: to people, and as links. Nobody gets mail for it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::budget::price;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::http::{Call, Repeat};
use crate::model::{DriveId, ItemId, Page, Permission};

/// To whom something is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// By mail address.
    Email(String),
    /// By ID in the directory: a user or a group.
    Object(String),
}

impl Recipient {
    fn body(&self) -> Value {
        match self {
            Self::Email(email) => json!({"email": email}),
            Self::Object(id) => json!({"objectId": id}),
        }
    }
}

/// What a link lets its bearer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    View,
    Edit,
}

/// Whom a link lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkScope {
    /// Everybody who has it.
    Anonymous,
    /// Everybody of the organisation who has it.
    Organization,
    /// Those who were named.
    Users,
}

impl Graph {
    /// Grants roles (`read`, `write`) on an item. No mail is sent.
    ///
    /// # Errors
    ///
    /// `Refused` if the service cannot grant it; `Ambiguous` if no answer came: look at the permissions.
    pub async fn invite(
        &self,
        drive: &DriveId,
        item: &ItemId,
        recipients: &[Recipient],
        roles: &[&str],
    ) -> Result<Vec<Permission>, GraphError> {
        let body = json!({
            "recipients": recipients.iter().map(Recipient::body).collect::<Vec<_>>(),
            "roles": roles,
            "requireSignIn": true,
            "sendInvitation": false,
        });
        let call = self.share_call(drive, item, "invite", Repeat::Never)?.json(&body);
        let granted: Page<Permission> = self.json(&call).await?;
        Ok(granted.value)
    }

    /// Makes a link to an item, or gives the one that the application made before.
    ///
    /// # Errors
    ///
    /// `Refused` or `Forbidden` if the tenant allows no such links.
    pub async fn create_link(
        &self,
        drive: &DriveId,
        item: &ItemId,
        kind: LinkType,
        scope: LinkScope,
    ) -> Result<Permission, GraphError> {
        let kind = match kind {
            LinkType::View => "view",
            LinkType::Edit => "edit",
        };
        let scope = match scope {
            LinkScope::Anonymous => "anonymous",
            LinkScope::Organization => "organization",
            LinkScope::Users => "users",
        };
        let call = self.share_call(drive, item, "createLink", Repeat::Safe)?;
        self.json(&call.json(&json!({"type": kind, "scope": scope}))).await
    }

    fn share_call(
        &self,
        drive: &DriveId,
        item: &ItemId,
        action: &str,
        repeat: Repeat,
    ) -> Result<Call, GraphError> {
        let segments = ["drives", drive.as_str(), "items", item.as_str(), action];
        let call = self.change_files(Method::POST, &segments, "", repeat)?;
        Ok(Call { price: price::PERMISSIONS, ..call.on_behalf_of(drive.as_str()) })
    }
}
