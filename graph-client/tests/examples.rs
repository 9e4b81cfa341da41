//! Every example of Microsoft's documentation that concerns drives and users, read with the models.

use std::fs;
use std::path::{Path, PathBuf};

use graph_client::json::decode;
use graph_client::model::{
    Drive, DriveItem, GraphErrorBody, ItemKind, Page, Permission, UploadStatus, User, Version,
};
use serde::de::DeserializeOwned;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples").join(name)
}

/// Reads each file of a folder as `T`, or as a page of `T`; says how many things there were.
fn read_all<T: DeserializeOwned>(name: &str) -> Vec<(String, T)> {
    let mut things = Vec::new();
    for file in fs::read_dir(folder(name)).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_page = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["value"].is_array();
        if is_page {
            let page: Page<T> = decode(&bytes).unwrap_or_else(|why| panic!("{name}: {why}"));
            things.extend(page.value.into_iter().map(|thing| (name.clone(), thing)));
        } else {
            things.push((name.clone(), decode(&bytes).unwrap_or_else(|why| panic!("{name}: {why}"))));
        }
    }
    assert!(!things.is_empty(), "no examples in {name}");
    things
}

#[test]
fn drives() {
    let drives = read_all::<Drive>("drive");
    let (_, drive) = drives.iter().find(|(name, _)| name == "od-drive-get-l128-response.json").unwrap();
    assert_eq!(drive.drive_type.as_deref(), Some("business"));
    let quota = drive.quota.as_ref().unwrap();
    assert_eq!(quota.total.unwrap().count(), 1 << 40);
    assert_eq!(quota.state.as_deref(), Some("normal"));
    let owner = drive.owner.as_ref().unwrap().user.as_ref().unwrap();
    assert_eq!(owner.display_name.as_deref(), Some("Ryan Gregg"));
}

#[test]
fn items() {
    let items = read_all::<DriveItem>("driveitem");
    let of = |file: &'static str| {
        items.iter().filter(move |(name, _)| name.starts_with(file)).map(|(_, item)| item)
    };
    let folder = of("driveitem-post-children-l92").next().unwrap();
    assert_eq!((folder.kind(), folder.name.as_deref()), (ItemKind::Folder, Some("New Folder")));
    assert!(folder.created.as_ref().unwrap().timestamp().is_some());
    assert_eq!(folder.parent.as_ref().unwrap().path.as_deref(), Some("/drive/root:/"));
    let kinds: Vec<_> = of("drive-recent-l67").map(DriveItem::kind).collect();
    assert_eq!(kinds, [ItemKind::Pointer, ItemKind::File]);
    let album = of("mock-get-drive-bundles-7b7e5b92").next().unwrap();
    assert!(album.other.get("bundle").unwrap().contains("childCount"), "what is unknown is kept");
    let placeholder = of("mock-get-drive-bundles-bundle-id").next().unwrap();
    assert_eq!(placeholder.created.as_ref().unwrap().timestamp(), None);
}

#[test]
fn pages_of_changes() {
    let items = read_all::<DriveItem>("driveitem-delta");
    let deleted = items.iter().filter(|(_, item)| item.is_deleted()).count();
    assert_eq!((items.len(), deleted), (7, 3));
}

#[test]
fn permissions() {
    let all = read_all::<Permission>("permission");
    let of = |file: &str| &all.iter().find(|(name, _)| name.starts_with(file)).unwrap().1;
    let link = of("od-permission-l92").link.as_ref().unwrap();
    assert_eq!((link.scope.as_deref(), link.kind.as_deref()), (Some("anonymous"), Some("view")));
    let old = of("od-permission-l132");
    let names: Vec<_> = old.grantees().filter_map(|set| set.user.as_ref()?.display_name.as_deref()).collect();
    assert_eq!(names, ["Misty Suarez", "Judith Clemons"]);
    let invited = of("mock-post-me-drive-items-item-id-invite");
    assert_eq!(invited.roles, ["write"]);
    assert!(invited.granted_to.as_ref().unwrap().site_user.is_some());
    assert!(!format!("{all:?}").contains("authkey"), "who sees a link can use it");
}

#[test]
fn refusals() {
    let (_, body) = &read_all::<GraphErrorBody>("error")[0];
    assert_eq!(body.codes().collect::<Vec<_>>(), ["invalidRange", "fragmentOverlap"]);
}

#[test]
fn uploads() {
    let all = read_all::<UploadStatus>("upload");
    let of = |file: &str| &all.iter().find(|(name, _)| name.starts_with(file)).unwrap().1;
    assert!(of("driveitem-createuploadsession-l122").upload_url.is_some());
    assert_eq!(of("driveitem-createuploadsession-l190").next(), Some(12_345));
    assert!(!format!("{all:?}").contains("authtoken"));
}

#[test]
fn users_and_versions() {
    let users = read_all::<User>("user");
    let adele = users.iter().find(|(name, _)| name == "mock-get-me-41428d68.json");
    assert_eq!(adele.unwrap().1.user_principal_name.as_deref(), Some("AdeleV@contoso.com"));
    let versions = read_all::<Version>("version");
    assert_eq!(versions[0].1.id.as_deref().map(str::len), Some(3));
}
