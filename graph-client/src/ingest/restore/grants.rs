//! Permissions, from what a snapshot keeps of them to calls that give them. Nobody gets mail.

use serde_json::Value;

use crate::files::{LinkScope, LinkType, Recipient};
use crate::model::Permission;

/// Something that is to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grant {
    /// A role to people and groups.
    Role { role: &'static str, to: Vec<Recipient> },
    /// A link; it is a new one, and whoever had the old one needs it.
    Link(LinkType, LinkScope),
}

/// Reads what an item's facts keep: what is the item's own and not its owner's. The second part tells
/// what cannot be given back.
pub(super) fn wanted(permissions: &[u8]) -> (Vec<Grant>, Vec<String>) {
    let (mut grants, mut left_out) = (Vec::new(), Vec::new());
    let Ok(Value::Array(all)) = serde_json::from_slice(permissions) else { return (grants, left_out) };
    for permission in &all {
        let roles: Vec<&str> = texts(permission, "roles").collect();
        if permission.get("inherited").is_some() || roles.contains(&"owner") {
            continue;
        }
        match one(permission, &roles) {
            Ok(grant) if grants.contains(&grant) => {}
            Ok(grant) => grants.push(grant),
            Err(why) => left_out.push(why.to_owned()),
        }
    }
    (merged(grants), left_out)
}

fn one(permission: &Value, roles: &[&str]) -> Result<Grant, &'static str> {
    if permission.get("expires").is_some() {
        return Err("a permission that expires is not given back, as it would last");
    }
    if permission.get("password").and_then(Value::as_bool) == Some(true) {
        return Err("a link with a password is not given back, as it would have none");
    }
    let to: Vec<Recipient> =
        permission.get("to").and_then(Value::as_array).into_iter().flatten().filter_map(who).collect();
    let link = permission.get("link");
    let text = |key: &str| link.and_then(|link| link.get(key)).and_then(Value::as_str);
    let role = if text("type") == Some("edit") || roles.contains(&"write") { "write" } else { "read" };
    match (link, text("scope")) {
        (Some(_), Some(scope @ ("anonymous" | "organization"))) => {
            let scope = if scope == "anonymous" { LinkScope::Anonymous } else { LinkScope::Organization };
            match text("type") {
                Some("edit") => Ok(Grant::Link(LinkType::Edit, scope)),
                Some("view") => Ok(Grant::Link(LinkType::View, scope)),
                _ => Err("a link that embeds is not given back"),
            }
        }
        _ if to.is_empty() => Err("a permission is not given back, as nobody is named in it"),
        // A link for some people is given to them as what it is: a role.
        (Some(_), _) => Ok(Grant::Role { role, to }),
        (None, _) if roles.iter().any(|role| ["read", "write"].contains(role)) => {
            Ok(Grant::Role { role, to })
        }
        _ => Err("a permission of a kind that only SharePoint gives is not given back"),
    }
}

fn who(person: &Value) -> Option<Recipient> {
    let text = |key: &str| person.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let email = text("email").map(|email| Recipient::Email(email.to_owned()));
    email.or_else(|| text("id").map(|id| Recipient::Object(id.to_owned())))
}

fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    value.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// One grant for each role: one call for all whom it concerns.
fn merged(grants: Vec<Grant>) -> Vec<Grant> {
    let mut all: Vec<Grant> = Vec::new();
    for grant in grants {
        let Grant::Role { role, to } = grant else {
            all.push(grant);
            continue;
        };
        let same = all.iter_mut().find_map(|known| match known {
            Grant::Role { role: known, to } if *known == role => Some(to),
            _ => None,
        });
        match same {
            Some(known) => {
                known.extend(to.into_iter().filter(|new| !known.contains(new)).collect::<Vec<_>>())
            }
            None => all.push(Grant::Role { role, to }),
        }
    }
    all
}

/// What of `grants` an item has not got yet.
pub(super) fn missing(grants: &[Grant], have: &[Permission]) -> Vec<Grant> {
    let left = grants.iter().filter_map(|grant| match grant {
        Grant::Role { role, to } => {
            let to: Vec<Recipient> = to.iter().filter(|who| !has_role(have, role, who)).cloned().collect();
            (!to.is_empty()).then_some(Grant::Role { role, to })
        }
        Grant::Link(kind, scope) => {
            (!have.iter().any(|own| is_link(own, *kind, *scope))).then(|| grant.clone())
        }
    });
    left.collect()
}

fn has_role(have: &[Permission], role: &str, who: &Recipient) -> bool {
    let fits = |permission: &&Permission| permission.roles.iter().any(|own| own == role);
    let mut grantees = have.iter().filter(fits).flat_map(Permission::grantees);
    grantees.any(|set| {
        let mut all = [&set.user, &set.group, &set.site_user, &set.site_group].into_iter().flatten();
        all.any(|one| match who {
            Recipient::Email(email) => one.email.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(email)),
            Recipient::Object(id) => one.id.as_ref() == Some(id),
        })
    })
}

fn is_link(permission: &Permission, kind: LinkType, scope: LinkScope) -> bool {
    let (kind, scope) = (
        if kind == LinkType::Edit { "edit" } else { "view" },
        if scope == LinkScope::Anonymous { "anonymous" } else { "organization" },
    );
    permission
        .link
        .as_ref()
        .is_some_and(|link| link.kind.as_deref() == Some(kind) && link.scope.as_deref() == Some(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_items_own_is_given_back() {
        let json = br#"[
            {"id":"1","roles":["owner"],"to":[{"id":"u0"}]},
            {"id":"2","roles":["write"],"to":[{"id":"u1"}],"inherited":"01F"},
            {"id":"3","roles":["read"],"to":[{"id":"u2","email":"a@x.org"}]},
            {"id":"4","roles":["read"],"to":[{"id":"u3"}]},
            {"id":"5","roles":["read"],"link":{"type":"view","scope":"organization"}},
            {"id":"6","roles":["write"],"link":{"type":"edit","scope":"users"},"to":[{"id":"u4"}]},
            {"id":"7","roles":["read"],"link":{"type":"view","scope":"anonymous"},"password":true},
            {"id":"8","roles":["read"],"to":[{"id":"u5"}],"expires":"2031-01-01T00:00:00Z"}]"#;
        let (grants, left_out) = wanted(json);
        let object = |id: &str| Recipient::Object(id.into());
        assert_eq!(
            grants,
            [
                Grant::Role { role: "read", to: vec![Recipient::Email("a@x.org".into()), object("u3")] },
                Grant::Link(LinkType::View, LinkScope::Organization),
                Grant::Role { role: "write", to: vec![object("u4")] },
            ]
        );
        assert_eq!(left_out.len(), 2);
        assert_eq!(wanted(b"").0, []);
        assert_eq!(wanted(b"{\"a\":1}").0, []);
    }

    #[test]
    fn what_an_item_has_is_not_given_again() {
        let have: Vec<Permission> = serde_json::from_str(
            r#"[{"id":"1","roles":["read"],"grantedToV2":{"user":{"id":"u3","email":"A@x.org"}}},
                {"id":"2","roles":["read"],"link":{"type":"view","scope":"organization"}}]"#,
        )
        .unwrap();
        let to = vec![Recipient::Email("a@x.org".into()), Recipient::Object("u9".into())];
        let grants = [
            Grant::Role { role: "read", to },
            Grant::Link(LinkType::View, LinkScope::Organization),
            Grant::Link(LinkType::Edit, LinkScope::Organization),
        ];
        let left = missing(&grants, &have);
        assert_eq!(
            left,
            [
                Grant::Role { role: "read", to: vec![Recipient::Object("u9".into())] },
                Grant::Link(LinkType::Edit, LinkScope::Organization)
            ]
        );
    }
}
