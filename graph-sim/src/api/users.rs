//! The directory's users, and their drives as resources.

use super::route::Route;
use crate::judge::ViolationKind;
use crate::model::tenant::{Provision, User};
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Refusal};
use crate::wire::ask::Ask;
use crate::wire::json::Json;
use crate::wire::token;

/// The drive of a user, or why there is none.
pub fn drive_of(state: &SimState, user: u32) -> Result<u32, Refusal> {
    match state.tenant.users()[user as usize].provision {
        Provision::Drive => Ok(user),
        Provision::NoDrive => Err(Refusal::new(404, "ResourceNotFound", "User's mysite not found.")),
        Provision::NoLicense => Err(Refusal::new(400, "BadRequest", "Tenant does not have a SPO license.")),
    }
}

/// Answers one user, or a page of them.
pub fn users(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    let users = state.tenant.users();
    if let Some(user) = route.user {
        let mut json = Json::default();
        json.open().plain("@odata.context", &[&ask.link("/$metadata#users/$entity")]);
        write_user(&users[user as usize], ask.query.get("select"), &mut json);
        json.close();
        return Ok(Answer::json(200, json));
    }
    if ask.segments.len() == 2 {
        return Ok(Answer::bytes(200, "text/plain", users.len().to_string()));
    }
    let shown: Vec<&User> = users.iter().filter(|user| matches(user, ask.query.get("filter"))).collect();
    let (mut start, mut top) = (0, ask.query.top().unwrap_or(100).clamp(1, 999) as usize);
    if let Some(text) = ask.query.get("skiptoken") {
        let Ok([at, size]) = token::unseal::<2>(state.tenant.seed(), "users", text) else {
            state.ledger.record(ViolationKind::AlteredLink, state.now_ms(), "a skiptoken that was not given");
            return Err(Refusal::new(
                400,
                "Directory_ExpiredPageToken",
                "The specified page token is not valid.",
            ));
        };
        (start, top) = ((at as usize).min(shown.len()), size as usize);
    }
    let end = shown.len().min(start + top);
    let mut json = Json::with_capacity(300 * top);
    json.open().plain("@odata.context", &[&ask.link("/$metadata#users")]);
    if ask.query.get("count").is_some_and(|count| count == "true") {
        json.number("@odata.count", shown.len() as u64);
    }
    if end < shown.len() {
        let skip = token::seal(state.tenant.seed(), "users", &[end as u64, top as u64]);
        // The other options ride along, as the directory does it.
        let select = ask
            .query
            .get("select")
            .map_or(String::new(), |select| format!("&$select={}", select.replace(' ', "%20")));
        let filter = ask.query.get("filter").map_or(String::new(), |filter| {
            format!(
                "&$filter={}",
                percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC)
            )
        });
        json.text(
            "@odata.nextLink",
            &ask.link(&format!("/users?$top={top}{select}{filter}&$skiptoken={skip}")),
        );
    }
    json.key("value").open_list();
    for user in &shown[start..end] {
        json.open();
        write_user(user, ask.query.get("select"), &mut json);
        json.close();
    }
    json.close_list().close();
    Ok(Answer::json(200, json))
}

/// Understands `userPrincipalName eq '…'`, `id eq '…'` and `startswith(userPrincipalName,'…')`; other
/// filters let all pass (nobody here is a guest or from another directory).
fn matches(user: &User, filter: Option<&str>) -> bool {
    let Some(filter) = filter else { return true };
    let value = filter.split('\'').nth(1).unwrap_or("").to_lowercase();
    let name = user.principal_name.to_lowercase();
    if filter.starts_with("userPrincipalName eq ") || filter.starts_with("mail eq ") {
        name == value
    } else if filter.starts_with("id eq ") {
        user.id == value
    } else if filter.starts_with("startswith(userPrincipalName") {
        name.starts_with(&value)
    } else {
        true
    }
}

fn write_user(user: &User, select: Option<&str>, json: &mut Json) {
    let wanted = |name: &str| match select {
        None => true,
        Some(select) => select.split(',').any(|wish| wish.trim().eq_ignore_ascii_case(name)),
    };
    for (name, value) in [
        ("displayName", user.display_name.as_str()),
        ("givenName", user.given_name),
        ("mail", user.principal_name.as_str()),
        ("surname", user.surname),
        ("userPrincipalName", user.principal_name.as_str()),
        ("id", user.id.as_str()),
    ] {
        if wanted(name) {
            json.text(name, value);
        }
    }
    for (name, value) in [("userType", "Member"), ("mailNickname", user.given_name)] {
        if select.is_some() && wanted(name) {
            json.text(name, value);
        }
    }
    if select.is_some() && wanted("accountEnabled") {
        json.flag("accountEnabled", true);
    }
}

/// Answers a drive, or the list of a user's drives.
pub fn drive(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    if route.rest.first().is_some_and(|rest| rest == "drives") {
        let drive = drive_of(state, route.user.unwrap_or(0))?;
        let mut json = Json::default();
        json.open()
            .plain("@odata.context", &[&ask.link("/$metadata#drives")])
            .key("value")
            .open_list()
            .open();
        write_drive(state, drive, &mut json);
        json.close().close_list().close();
        return Ok(Answer::json(200, json));
    }
    let drive = route.drive.ok_or_else(Refusal::not_found)?;
    let mut json = Json::default();
    json.open().plain("@odata.context", &[&ask.link("/$metadata#drives/$entity")]);
    write_drive(state, drive, &mut json);
    json.close();
    Ok(Answer::json(200, json))
}

fn write_drive(state: &SimState, drive: u32, json: &mut Json) {
    const TOTAL: u64 = 1_099_511_627_776;
    let user = &state.tenant.users()[drive as usize];
    let personal = user.principal_name.replace(['.', '@'], "_");
    json.time("createdDateTime", 1_672_531_200)
        .text("description", "")
        .plain("id", &[&state.drive_id(drive)]);
    json.time("lastModifiedDateTime", 1_672_531_200).text("name", "OneDrive");
    json.plain("webUrl", &["https://contoso-my.sharepoint.com/personal/", &personal, "/Documents"]);
    json.text("driveType", "business");
    json.key("owner")
        .open()
        .key("user")
        .open()
        .text("displayName", &user.display_name)
        .text("id", &user.id)
        .close()
        .close();
    json.key("quota").open().number("deleted", 0).number("remaining", TOTAL).text("state", "normal");
    json.number("total", TOTAL).number("used", 0).close();
}
