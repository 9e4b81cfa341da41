//! Permissions of items: those they have of their own, and those they inherit.

use hyper::Method;
use serde::Deserialize;

use super::children::with_item;
use super::route::Route;
use super::write::{parse, refusal};
use crate::judge::ViolationKind;
use crate::model::drive::{Drive, Grant, ROOT};
use crate::model::ids::{self, Guid};
use crate::model::item::flag;
use crate::seed::Seed;
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::Ask;
use crate::wire::json::Json;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Invitation {
    recipients: Vec<Recipient>,
    roles: Vec<String>,
    send_invitation: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Recipient {
    email: Option<String>,
    object_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LinkBody {
    r#type: Option<String>,
    scope: Option<String>,
}

/// Answers the list of permissions, invite and createLink.
pub fn permissions(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    match (&ask.method, route.rest.first().map(String::as_str)) {
        (&Method::GET, _) => list(state, ask, route),
        (&Method::POST, Some("invite")) => invite(state, ask, route),
        (&Method::POST, Some("createlink")) => create_link(state, ask, route),
        _ => Err(Refusal::new(501, "notSupported", "Permissions cannot be deleted here.")),
    }
}

fn list(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    with_item(state, route, |drive, index| {
        let own = judge(state, drive, index, "GET permissions");
        let mut json = Json::default();
        json.open().plain("@odata.context", &[&ask.link("/$metadata#permissions")]).key("value").open_list();
        write_owner(state, drive, index, own, &mut json);
        if own {
            for (place, grant) in all_grants(drive, index).iter().enumerate() {
                write_grant(drive, index, place, grant, &mut json);
            }
        }
        json.close_list().close();
        Ok(Answer::json(200, json))
    })
}

/// Whether an item has permissions of its own; writes down that they were asked for where it has none.
fn judge(state: &SimState, drive: &Drive, index: u32, call: &str) -> bool {
    let own = drive.item(index).is_some_and(|item| item.has(flag::SHARED));
    if !own && index != ROOT {
        state.ledger.record(ViolationKind::NeedlessPermissions, state.now_ms(), call);
    }
    own
}

/// Judges an item that is asked for together with its permissions, at the same price.
pub fn judge_expansion(state: &SimState, ask: &Ask, route: &Route) {
    let expands = ask.query.get("expand").is_some_and(|what| what.contains("permissions"));
    if let (true, Some(drive), Some(index)) = (expands, route.drive, route.place.item()) {
        state.read_drive(drive, |found| judge(state, found, index, "GET item with its permissions"));
    }
}

/// What the base state shares an item with, and what was granted since.
fn all_grants(drive: &Drive, index: u32) -> Vec<Grant> {
    let seed = drive.seed.named("grant").with(u64::from(drive.index)).with(u64::from(index));
    let mut grants = Vec::new();
    // Items that were shared from the start have a grant that no list holds.
    let from_start = drive.state_of(index, 0).is_some_and(|item| item.has(flag::SHARED));
    if from_start {
        let email = Some(format!("guest{}@fabrikam.example", seed.below(50)));
        let role = if seed.with(1).chance(0.3) { "write" } else { "read" };
        grants.push(Grant { email, role: role.into(), link: None });
        if seed.with(2).chance(0.3) {
            let link = Some(("organization".into(), "view".into()));
            grants.push(Grant { email: None, role: "read".into(), link });
        }
    }
    grants.extend_from_slice(drive.grants(index));
    grants
}

fn write_owner(state: &SimState, drive: &Drive, index: u32, own: bool, json: &mut Json) {
    let user = &state.tenant.users()[drive.index as usize];
    json.open().plain("id", &["owner"]).key("roles").open_list().value("owner").close_list();
    json.key("grantedToV2").open().key("user").open();
    json.text("displayName", &user.display_name).text("id", &user.id).close().close();
    if !own && index != ROOT {
        json.key("inheritedFrom").open().plain("driveId", &[&state.drive_id(drive.index)]);
        json.plain("id", &[&drive.id(ROOT)]).text("path", "/drive/root:").close();
    }
    json.close();
}

fn write_grant(drive: &Drive, index: u32, place: usize, grant: &Grant, json: &mut Json) {
    let seed = Seed(drive.seed.0).named("permission").with(u64::from(index));
    let id = ids::guid(seed, Guid::Request, place as u64);
    json.open().plain("id", &[&id]).key("roles").open_list().value(&grant.role).close_list();
    if let Some((scope, kind)) = &grant.link {
        json.plain("shareId", &["s!", &id]).key("link").open().text("scope", scope).text("type", kind);
        json.plain("webUrl", &["https://contoso-my.sharepoint.com/:x:/g/", &id])
            .flag("preventsDownload", false)
            .close();
        json.key("grantedToIdentitiesV2").open_list().close_list();
    }
    if let Some(email) = &grant.email {
        let user = ids::guid(Seed(crate::seed::hash_bytes(email.as_bytes())), Guid::User, 0);
        json.key("grantedToV2").open().key("user").open();
        json.text("displayName", email).plain("id", &[&user]).text("email", email).close().close();
    }
    json.close();
}

fn invite(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    let body: Invitation = parse(ask)?;
    if body.send_invitation {
        state.ledger.record(ViolationKind::SentInvitation, state.now_ms(), "POST invite");
    }
    let role = body.roles.first().filter(|role| ["read", "write", "owner"].contains(&role.as_str()));
    let role = role.ok_or_else(|| Refusal::invalid("The roles are missing or not known."))?.clone();
    let named = body.recipients.into_iter().filter_map(|recipient| recipient.email.or(recipient.object_id));
    let grants: Vec<Grant> =
        named.map(|email| Grant { email: Some(email), role: role.clone(), link: None }).collect();
    if grants.is_empty() {
        return Err(Refusal::invalid("The recipients are missing."));
    }
    grant(state, ask, route, &grants, true)
}

fn create_link(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    let body: LinkBody = parse(ask)?;
    let kind = body.r#type.unwrap_or_else(|| "view".into());
    if !["view", "edit", "embed"].contains(&kind.as_str()) {
        return Err(Refusal::invalid("The type of the link is not known."));
    }
    let role = if kind == "edit" { "write" } else { "read" };
    let link = Some((body.scope.unwrap_or_else(|| "organization".into()), kind));
    if let Some(there) = existing_link(state, route, &link) {
        return Ok(there);
    }
    grant(state, ask, route, &[Grant { email: None, role: role.into(), link }], false)
}

/// The link of this scope and type that was made before: the service makes no second one.
fn existing_link(state: &SimState, route: &Route, link: &Option<(String, String)>) -> Option<Answer> {
    let index = route.place.item()?;
    let there = state.read_drive(route.drive.unwrap_or(0), |drive| {
        let grants = all_grants(drive, index);
        let place = grants.iter().position(|grant| grant.link == *link)?;
        let mut json = Json::default();
        write_grant(drive, index, place, &grants[place], &mut json);
        Some(Answer::json(200, json))
    });
    there.flatten()
}

/// Gives permissions and answers with them, as a list or as the one.
fn grant(state: &SimState, ask: &Ask, route: &Route, grants: &[Grant], as_list: bool) -> Outcome {
    let index = route.place.item().ok_or_else(Refusal::not_found)?;
    let now_ms = state.now_ms();
    let done = state.change_drive(route.drive.unwrap_or(0), |drive| {
        let first = all_grants(drive, index).len();
        for grant in grants {
            drive.share(index, grant.clone(), now_ms).map_err(refusal)?;
        }
        let mut json = Json::default();
        if as_list {
            json.open()
                .plain("@odata.context", &[&ask.link("/$metadata#Collection(permission)")])
                .key("value")
                .open_list();
        }
        for (place, grant) in grants.iter().enumerate() {
            write_grant(drive, index, first + place, grant, &mut json);
        }
        if as_list {
            json.close_list().close();
        }
        Ok(Answer::json(if as_list { 200 } else { 201 }, json))
    });
    done.unwrap_or_else(|| Err(Refusal::not_found()))
}
