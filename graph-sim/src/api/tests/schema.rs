//! Every body fits the types that Microsoft publishes.

use std::collections::HashMap;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::{Client, json as body_of, mixed};
use crate::model::truth::TrueKind;
use crate::state::Mutation;

/// A type of the metadata document.
#[derive(Default, Debug)]
struct Type {
    base: Option<String>,
    open: bool,
    properties: HashMap<String, String>,
    members: Vec<String>,
}

/// The types by name.
struct Schema(HashMap<String, Type>);

impl Schema {
    /// Reads the fixture, which has one element a line.
    fn load() -> Self {
        let text = include_str!("../../../tests/fixtures/graph-drive.csdl.xml");
        let mut types: HashMap<String, Type> = HashMap::new();
        let mut current = String::new();
        for line in text.lines().map(str::trim) {
            let attribute = |name: &str| {
                let (_, rest) = line.split_once(&format!(" {name}=\""))?;
                rest.split('"').next().map(String::from)
            };
            let is_type =
                ["<EntityType", "<ComplexType", "<EnumType"].iter().any(|start| line.starts_with(start));
            if is_type {
                current = attribute("Name").unwrap();
                let (base, open) = (attribute("BaseType"), attribute("OpenType").is_some());
                types.insert(current.clone(), Type { base, open, ..Type::default() });
            } else if line.starts_with("<Property") {
                let known = types.get_mut(&current).unwrap();
                known.properties.insert(attribute("Name").unwrap(), attribute("Type").unwrap());
            } else if line.starts_with("<Member") {
                types.get_mut(&current).unwrap().members.push(attribute("Name").unwrap());
            }
        }
        assert!(types.len() > 40);
        Schema(types)
    }

    fn property(&self, name: &str, key: &str) -> Option<&str> {
        let known = self.0.get(name)?;
        let found = known.properties.get(key).map(String::as_str);
        found.or_else(|| self.property(known.base.as_ref()?.rsplit('.').next()?, key))
    }

    /// Whether undeclared properties are allowed. driveItem is open in the document, but what is written
    /// here is all declared.
    fn open(&self, name: &str) -> bool {
        name != "driveItem" && self.0.get(name).is_some_and(|known| known.open)
    }

    /// Asserts that `value` is a value of the type.
    fn check(&self, value: &Value, kind: &str, at: &str) {
        if let Some(inner) = kind.strip_prefix("Collection(").and_then(|kind| kind.strip_suffix(')')) {
            let items = value.as_array().unwrap_or_else(|| panic!("{at} is no list"));
            items.iter().for_each(|item| self.check(item, inner, at));
            return;
        }
        let time = |text: &str| crate::wire::time::parse_ms(text).is_some();
        let fits = match kind {
            "Edm.String" => value.is_string(),
            "Edm.Int64" | "Edm.Int32" => value.is_i64() || value.is_u64(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.DateTimeOffset" => value.as_str().is_some_and(time),
            other => return self.check_named(value, other.rsplit('.').next().unwrap(), at),
        };
        assert!(fits, "{at}: {value} is no {kind}");
    }

    fn check_named(&self, value: &Value, name: &str, at: &str) {
        let known = self.0.get(name).unwrap_or_else(|| panic!("{at}: the type {name} is not in the fixture"));
        if !known.members.is_empty() {
            assert!(
                value.as_str().is_some_and(|text| known.members.iter().any(|m| m == text)),
                "{at}: {value}"
            );
            return;
        }
        let object = value.as_object().unwrap_or_else(|| panic!("{at} is no object: {value}"));
        for (key, value) in object.iter().filter(|(key, _)| !key.contains('@')) {
            match self.property(name, key) {
                Some(kind) => self.check(value, kind, &format!("{at}.{key}")),
                None => assert!(self.open(name), "{at}: {name} has no property {key}"),
            }
        }
    }

    /// Asserts that a page or an entity fits.
    fn check_body(&self, body: &Value, name: &str) {
        match body.get("value") {
            Some(list) => {
                self.check(list, &format!("Collection({name})"), name);
                let others = body
                    .as_object()
                    .unwrap()
                    .keys()
                    .filter(|key| !key.starts_with("@odata.") && *key != "value");
                assert_eq!(others.count(), 0);
            }
            None => self.check(body, name, name),
        }
    }
}

/// Errors have one shape everywhere.
fn check_error(body: &Value) {
    let error = &body["error"];
    assert!(error["code"].is_string() && error["message"].is_string(), "{body}");
    assert!(error["innerError"]["request-id"].is_string() && error["innerError"]["date"].is_string());
    assert_eq!(body.as_object().unwrap().len(), 1);
}

#[test]
fn reads_fit() {
    let (schema, client) = (Schema::load(), Client::new(mixed(200)));
    client.state.mutate(&Mutation { drive: Some(0), seed: Some(3), count: 40 });
    let user = &client.state.users()[0].id;
    let drive = format!("/v1.0/drives/{}", client.state.drive_id(0));
    for (url, name) in [
        ("/v1.0/users".to_string(), "user"),
        (format!("/v1.0/users/{user}?$select=id,displayName,accountEnabled,userType"), "user"),
        (format!("/v1.0/users/{user}/drive"), "drive"),
        (format!("/v1.0/users/{user}/drives"), "drive"),
        (drive.clone(), "drive"),
        (format!("{drive}/root"), "driveItem"),
        (format!("{drive}/root/children?$top=100"), "driveItem"),
        (format!("{drive}/root/delta?$top=1000"), "driveItem"),
        (format!("{drive}/root/delta?$select=id,name,sharepointIds,content.downloadUrl,file"), "driveItem"),
        (format!("{drive}/root/delta?token=2020-01-01T00:00:00Z"), "driveItem"),
    ] {
        schema.check_body(&client.json(&url), name);
    }
    for item in client.state.true_state(0) {
        let url = format!("{drive}/items/{}", item.id);
        schema.check_body(&client.json(&url), "driveItem");
        schema.check_body(&client.json(&format!("{url}/permissions")), "permission");
        if item.kind == TrueKind::File {
            schema.check_body(&client.json(&format!("{url}/versions")), "driveItemVersion");
        }
    }
}

#[test]
fn deletions_fit() {
    let (schema, client) = (Schema::load(), Client::new(mixed(100)));
    let base = format!("/v1.0/drives/{}/root/delta?token=latest", client.state.drive_id(0));
    let link = client.json(&base)["@odata.deltaLink"].as_str().unwrap().to_string();
    client.state.mutate(&Mutation { drive: Some(0), seed: Some(3), count: 60 });
    let page = client.json(&link);
    assert!(page["value"].as_array().unwrap().iter().any(|item| item.get("deleted").is_some()));
    schema.check_body(&page, "driveItem");
}

#[test]
fn writes_fit() {
    let (schema, client) = (Schema::load(), Client::new(mixed(50)));
    let root = format!("/v1.0/drives/{}/root", client.state.drive_id(0));
    let send = |method, url: &str, body: Value| {
        let reply = client.send(method, url, &[], body.to_string().into());
        assert!(reply.answer.status < 300, "{url}: {}", body_of(&reply));
        body_of(&reply)
    };
    let folder = send(Method::POST, &format!("{root}/children"), json!({ "name": "F", "folder": {} }));
    schema.check_body(&folder, "driveItem");
    let item = format!("/v1.0/drives/{}/items/{}", client.state.drive_id(0), folder["id"].as_str().unwrap());
    schema.check_body(&send(Method::PATCH, &item, json!({ "name": "G" })), "driveItem");
    let invite =
        json!({ "recipients": [{ "email": "a@b.example" }], "roles": ["write"], "sendInvitation": false });
    schema.check_body(&send(Method::POST, &format!("{item}/invite"), invite), "permission");
    schema.check_body(
        &send(Method::POST, &format!("{item}/createLink"), json!({ "type": "view" })),
        "permission",
    );
    schema.check_body(
        &send(Method::POST, &format!("{root}:/x.txt:/createUploadSession"), json!({})),
        "uploadSession",
    );
    assert!(client.state.violations().is_empty());
}

#[test]
fn refusals_have_graphs_shape() {
    let client = Client::new(mixed(20));
    let drive = format!("/v1.0/drives/{}", client.state.drive_id(0));
    let no_drive = client.state.users()[2].id.clone();
    for (url, status) in [
        ("/v1.0/nothing/here".to_string(), 404),
        (format!("{drive}/items/nothing"), 404),
        (format!("{drive}/root:/nothing/at/all"), 404),
        ("/v1.0/drives/b!nothing/root".to_string(), 404),
        ("/v1.0/users/nobody@nowhere".to_string(), 404),
        (format!("/v1.0/users/{no_drive}/drive"), 404),
        (format!("{drive}/root/delta?token=AAAA"), 400),
    ] {
        let reply = client.send(Method::GET, &url, &[], Bytes::new());
        assert_eq!(reply.answer.status, status, "{url}");
        check_error(&body_of(&reply));
    }
}
