//! From an item as Graph tells it to what ingestion needs of it.

use repo_format::tree::TimeNs;

use crate::ingest::{ChangeKind, ItemChange, Person};
use crate::model::{DriveItem, IdentitySet, ItemKind, Moment};

/// One occurrence of an item in a page.
pub fn change_of(item: &DriveItem) -> ItemChange {
    let kind = match item.kind() {
        _ if item.root.is_some() => ChangeKind::Root,
        ItemKind::Folder => ChangeKind::Folder,
        ItemKind::Package => ChangeKind::Package(
            item.package.as_ref().and_then(|package| package.kind.clone()).unwrap_or_default(),
        ),
        ItemKind::File => ChangeKind::File,
        ItemKind::Pointer => {
            let remote = item.remote_item.as_deref();
            let drive = remote.and_then(|remote| remote.parent.as_ref()?.drive_id.as_ref());
            let target = remote.and_then(|remote| remote.id.as_ref());
            ChangeKind::Pointer(
                drive.map(|drive| drive.as_str().to_owned()).unwrap_or_default(),
                target.map(|target| target.as_str().to_owned()).unwrap_or_default(),
            )
        }
        ItemKind::Unknown => ChangeKind::Unknown,
    };
    let client = item.file_system_info.as_ref();
    let first = |client: Option<&Moment>, service: &Option<Moment>| {
        client.and_then(nanoseconds).or_else(|| service.as_ref().and_then(nanoseconds))
    };
    let parent = item.parent.as_ref().and_then(|parent| parent.id.as_ref());
    ItemChange {
        parent: parent.map(|parent| parent.as_str().to_owned()),
        name: item.name.clone(),
        deleted: item.is_deleted(),
        size: item.size_bytes(),
        hash: item.quick_xor().map(|hash| hash.0),
        e_tag: item.e_tag.clone(),
        c_tag: item.c_tag.clone(),
        created_ns: first(client.and_then(|info| info.created.as_ref()), &item.created),
        modified_ns: first(client.and_then(|info| info.last_modified.as_ref()), &item.last_modified),
        created_by: person(item.created_by.as_ref()),
        modified_by: person(item.last_modified_by.as_ref()),
        mime: item.file.as_ref().and_then(|file| file.mime_type.clone()),
        shared: item.is_shared(),
        malware: item.malware.is_some(),
        list_item: item.sharepoint_ids.as_ref().and_then(|ids| ids.list_item_unique_id.clone()),
        ..ItemChange::new(item.id.as_str(), kind)
    }
}

fn nanoseconds(moment: &Moment) -> Option<TimeNs> {
    TimeNs::try_from(moment.timestamp()?.as_nanosecond()).ok()
}

/// Whoever of a set is told; people first.
pub(super) fn person(set: Option<&IdentitySet>) -> Person {
    let Some(set) = set else { return Person::default() };
    let actors = [&set.user, &set.site_user, &set.application, &set.group, &set.site_group, &set.device];
    let Some(actor) = actors.into_iter().flatten().next() else { return Person::default() };
    Person {
        id: actor.id.clone().unwrap_or_default(),
        name: actor.display_name.clone().unwrap_or_default(),
        email: actor.email.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeltaPage;

    fn read(item: &str) -> ItemChange {
        let body = format!(r#"{{"value":[{item}],"@odata.deltaLink":"https://x"}}"#);
        let page = DeltaPage::decode(body.as_bytes(), String::new()).unwrap();
        change_of(&page.items[0])
    }

    #[test]
    fn a_file_has_what_the_page_tells_of_it() {
        let change = read(
            r#"{"id":"01A","name":"a.txt","size":9,"eTag":"\"{G},2\"","parentReference":{"id":"01P"},
                "file":{"mimeType":"text/plain","hashes":{"quickXorHash":"bMSlbysmxJL6S75XwfMcQZOpcr4="}},
                "lastModifiedDateTime":"2024-01-01T00:00:00Z","shared":{},
                "fileSystemInfo":{"lastModifiedDateTime":"2023-01-01T00:00:00.5Z"},
                "createdBy":{"user":{"id":"u1","displayName":"Ada"}}}"#,
        );
        assert_eq!((change.kind, change.size), (ChangeKind::File, Some(9)));
        assert_eq!(change.parent.as_deref(), Some("01P"));
        assert_eq!(change.hash.map(|hash| hash[0]), Some(0x6c));
        assert_eq!(change.modified_ns, Some(1_672_531_200_500_000_000), "the client's time goes first");
        assert!(change.shared && !change.malware && !change.deleted);
        assert_eq!((change.created_by.id.as_str(), change.created_by.name.as_str()), ("u1", "Ada"));
    }

    #[test]
    fn kinds_follow_from_facets() {
        assert_eq!(read(r#"{"id":"0","root":{},"folder":{}}"#).kind, ChangeKind::Root);
        assert_eq!(
            read(r#"{"id":"0","package":{"type":"oneNote"}}"#).kind,
            ChangeKind::Package("oneNote".into())
        );
        let pointer =
            r#"{"id":"0","folder":{},"remoteItem":{"id":"01X","parentReference":{"driveId":"b!1"}}}"#;
        assert_eq!(read(pointer).kind, ChangeKind::Pointer("b!1".into(), "01X".into()));
        let gone = read(r#"{"id":"0","deleted":{"state":"deleted"}}"#);
        assert!(gone.deleted && gone.kind == ChangeKind::Unknown && gone.name.is_none());
    }
}
