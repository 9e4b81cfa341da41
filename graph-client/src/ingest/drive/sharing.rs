//! Permissions as an item's facts keep them: who, what, and by which way; no address that lets in.

use serde_json::{Value, json};

use super::convert::person;
use crate::model::{IdentitySet, Permission};

/// The permissions in JSON, as an array of objects.
///
/// `id`, `roles`, `to` (who: `id`, `name`, `email`), `inherited` (ID of the folder), `link` (`type`,
/// `scope`), `expires`, `password`; what does not apply is absent.
pub(super) fn encode(permissions: &[Permission]) -> Vec<u8> {
    let all: Vec<Value> = permissions.iter().map(one).collect();
    Value::from(all).to_string().into_bytes()
}

fn one(permission: &Permission) -> Value {
    let single = permission.granted_to.iter().chain(&permission.granted_to_old).take(1);
    let several = match permission.granted_to_identities.is_empty() {
        true => &permission.granted_to_identities_old,
        false => &permission.granted_to_identities,
    };
    let to: Vec<Value> = single.chain(several).map(who).collect();
    let mut told = json!({ "id": permission.id.as_str(), "roles": permission.roles });
    let link = permission.link.as_ref().map(|link| json!({ "type": link.kind, "scope": link.scope }));
    let folder = permission.inherited_from.as_ref().and_then(|folder| folder.id.as_ref());
    let parts = [
        ("to", (!to.is_empty()).then(|| to.into())),
        ("link", link),
        ("inherited", folder.map(|folder| folder.as_str().into())),
        ("expires", permission.expires.as_ref().map(|at| at.0.clone().into())),
        ("password", permission.has_password.map(Value::from)),
    ];
    for (key, value) in parts {
        if let Some(value) = value {
            told[key] = value;
        }
    }
    told
}

fn who(set: &IdentitySet) -> Value {
    let person = person(Some(set));
    let mut told = json!({});
    for (key, text) in [("id", person.id), ("name", person.name), ("email", person.email)] {
        if !text.is_empty() {
            told[key] = text.into();
        }
    }
    told
}
