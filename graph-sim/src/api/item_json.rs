//! driveItems as JSON, written straight from the table.

use crate::faults::{ItemLies, PageFaults};
use crate::model::drive::{Drive, ROOT};
use crate::model::ids::{self, Guid};
use crate::model::item::{Item, flag};
use crate::state::SimState;
use crate::wire::json::Json;
use crate::wire::token;

/// Properties that `$select` may name, one bit each.
mod property {
    pub const NAMES: [&str; 24] = [
        "id",
        "name",
        "size",
        "file",
        "folder",
        "package",
        "root",
        "deleted",
        "parentreference",
        "createddatetime",
        "lastmodifieddatetime",
        "createdby",
        "lastmodifiedby",
        "etag",
        "ctag",
        "weburl",
        "filesysteminfo",
        "shared",
        "malware",
        "remoteitem",
        "sharepointids",
        "@microsoft.graph.downloadurl",
        "content.downloadurl",
        "publication",
    ];
    pub const ID: u32 = 1;
    pub const NAME: u32 = 1 << 1;
    pub const SIZE: u32 = 1 << 2;
    pub const FILE: u32 = 1 << 3;
    pub const FOLDER: u32 = 1 << 4;
    pub const PACKAGE: u32 = 1 << 5;
    pub const ROOT: u32 = 1 << 6;
    pub const PARENT: u32 = 1 << 8;
    pub const CREATED: u32 = 1 << 9;
    pub const MODIFIED: u32 = 1 << 10;
    pub const CREATED_BY: u32 = 1 << 11;
    pub const MODIFIED_BY: u32 = 1 << 12;
    pub const ETAG: u32 = 1 << 13;
    pub const CTAG: u32 = 1 << 14;
    pub const WEB_URL: u32 = 1 << 15;
    pub const FILE_SYSTEM: u32 = 1 << 16;
    pub const SHARED: u32 = 1 << 17;
    pub const MALWARE: u32 = 1 << 18;
    pub const REMOTE: u32 = 1 << 19;
    pub const SHAREPOINT_IDS: u32 = 1 << 20;
    pub const DOWNLOAD: u32 = 1 << 21;
    pub const CONTENT_DOWNLOAD: u32 = 1 << 22;
    /// What stands in an item when nothing is selected.
    pub const DEFAULT: u32 = !(SHAREPOINT_IDS | CONTENT_DOWNLOAD | 1 << 23);
}

/// The bits of a `$select`; 0 if there is none. Unknown names select nothing.
pub fn select_bits(select: Option<&str>) -> u32 {
    let names = select.unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
    names
        .filter_map(|name| property::NAMES.iter().position(|known| *known == name))
        .fold(0, |bits, at| bits | 1 << at)
}

/// How the items of one answer are written: what they share is made once.
pub struct ItemWriter<'a> {
    state: &'a SimState,
    drive: &'a Drive,
    drive_id: String,
    site_id: String,
    owner: Vec<u8>,
    web_root: String,
    expires_s: u64,
    bits: u32,
    /// Of a delta page: no paths, perhaps no cTag.
    delta: bool,
    pub faults: PageFaults,
    pub lies: ItemLies,
    name: String,
}

impl<'a> ItemWriter<'a> {
    pub fn new(state: &'a SimState, drive: &'a Drive, select: u32, delta: bool) -> Self {
        let user = &state.tenant.users()[drive.index as usize];
        let mut owner = Json::default();
        owner.open().key("user").open().text("email", &user.principal_name).text("id", &user.id);
        owner.text("displayName", &user.display_name).close().close();
        let personal = user.principal_name.replace(['.', '@'], "_");
        ItemWriter {
            state,
            drive,
            drive_id: state.drive_id(drive.index),
            site_id: ids::guid(drive.seed, Guid::Site, u64::from(drive.index)),
            owner: owner.finish(),
            web_root: format!("https://contoso-my.sharepoint.com/personal/{personal}/Documents"),
            expires_s: (state.now_ms() / 1000) as u64 + u64::from(state.config.wire.url_lifetime_s),
            bits: if select == 0 { property::DEFAULT } else { select | property::ID },
            delta,
            faults: PageFaults::default(),
            lies: ItemLies::default(),
            name: String::new(),
        }
    }

    /// Writes the latest state of an item, deleted or not.
    pub fn write(&mut self, index: u32, json: &mut Json) {
        if let Some(item) = self.drive.row(index).copied() {
            self.write_state(index, &item, json);
        }
    }

    /// Writes an item that is told because its sharing changed.
    pub fn write_shared(&mut self, index: u32, json: &mut Json) {
        let Some(item) = self.drive.row(index).copied() else { return };
        json.open().plain("@microsoft.graph.sharedChanged", &["True"]);
        if item.has(flag::DELETED) {
            self.deleted(index, &item, json);
        } else {
            self.present(index, &item, json);
        }
        json.close();
    }

    /// Writes a state of an item, which may be an older one.
    pub fn write_state(&mut self, index: u32, item: &Item, json: &mut Json) {
        json.open();
        if item.has(flag::DELETED) {
            self.deleted(index, item, json);
        } else {
            self.present(index, item, json);
        }
        json.close();
    }

    /// Writes the deletion of an item that never was.
    pub fn write_ghost(&mut self, number: u32, json: &mut Json) {
        let index = u32::MAX - number % 1_000_000;
        json.open()
            .plain("id", &[&self.drive.id(index)])
            .key("deleted")
            .open()
            .text("state", "deleted")
            .close()
            .close();
    }

    fn deleted(&self, index: u32, item: &Item, json: &mut Json) {
        json.plain("id", &[&self.drive.id(index)]).number("size", 0);
        self.parent(index, item, json);
        json.key(if item.is_container() { "folder" } else { "file" }).open().close();
        json.key("deleted").open();
        if index.is_multiple_of(2) {
            json.text("state", "deleted");
        }
        json.close();
    }

    fn present(&mut self, index: u32, item: &Item, json: &mut Json) {
        let bits = self.bits;
        let has = |bit: u32| bits & bit != 0;
        let unique =
            ids::guid(self.drive.seed, Guid::ListItem, u64::from(self.drive.index) << 32 | u64::from(index));
        let mut number = itoa(item.etag);
        if self.faults.unknown_type {
            json.plain("@odata.type", &["#microsoft.graph.driveItem"]);
        }
        json.plain("@odata.etag", &["\\\"{", &unique, "},", &number, "\\\""]);
        if item.is_file() && has(property::DOWNLOAD | property::CONTENT_DOWNLOAD) && !item.has(flag::MALWARE)
        {
            let url = self.download_url(index, item, &unique);
            json.plain("@microsoft.graph.downloadUrl", &[&url]);
            if has(property::CONTENT_DOWNLOAD) && bits != property::DEFAULT {
                json.plain("@content.downloadUrl", &[&url]);
            }
        }
        self.times(item, json);
        json.plain("id", &[&self.drive.id(index)]);
        self.name.clear();
        self.drive.name_into(index, item, &mut self.name);
        if has(property::NAME) {
            self.write_name(json);
        }
        if has(property::WEB_URL) {
            json.plain("webUrl", &[&self.web_root, "/_layouts/15/Doc.aspx?sourcedoc=%7B", &unique, "%7D"]);
        }
        if has(property::ETAG) {
            json.plain("eTag", &["\\\"{", &unique, "},", &number, "\\\""]);
        }
        if has(property::CTAG) && item.is_file() && (!self.delta || self.state.config.wire.delta_ctag) {
            number = itoa(item.ctag);
            json.plain("cTag", &["\\\"c:{", &unique, "},", &number, "\\\""]);
        }
        self.size(index, item, json);
        if has(property::CREATED_BY) {
            json.raw("createdBy", &self.owner);
        }
        if has(property::MODIFIED_BY) {
            json.raw("lastModifiedBy", &self.owner);
        }
        if has(property::PARENT) {
            self.parent(index, item, json);
        }
        self.facets(index, item, json);
        if has(property::SHAREPOINT_IDS) {
            json.key("sharepointIds")
                .open()
                .plain("listItemId", &[&itoa(index)])
                .plain("listItemUniqueId", &[&unique]);
            json.plain("siteId", &[&self.site_id]).close();
        }
        if self.faults.unknown_properties {
            json.key("contosoFutureThing")
                .open()
                .text("state", "x")
                .key("of")
                .open_list()
                .close_list()
                .close();
        }
    }

    fn times(&self, item: &Item, json: &mut Json) {
        for (bit, key, seconds) in [
            (property::CREATED, "createdDateTime", item.created),
            (property::MODIFIED, "lastModifiedDateTime", item.modified),
        ] {
            if self.bits & bit != 0 {
                self.time(key, seconds, json);
            }
        }
        if self.bits & property::FILE_SYSTEM != 0 {
            json.key("fileSystemInfo").open();
            self.time("createdDateTime", item.created, json);
            self.time("lastModifiedDateTime", item.modified, json);
            json.close();
        }
    }

    fn time(&self, key: &str, seconds: u32, json: &mut Json) {
        if self.faults.long_fractions {
            let text = crate::wire::time::from_ms(i64::from(seconds) * 1000);
            json.plain(key, &[text.trim_end_matches('Z'), "0000Z"]);
        } else {
            json.time(key, seconds);
        }
    }

    fn write_name(&self, json: &mut Json) {
        if self.faults.control_characters {
            // As malformed as it was seen: a raw control character within a string.
            json.plain("name", &[&self.name]).plain("description", &["a\u{1}b"]);
        } else {
            json.text("name", &self.name);
        }
    }

    fn size(&self, index: u32, item: &Item, json: &mut Json) {
        if self.bits & property::SIZE == 0 {
            return;
        }
        let lie = ItemLies::tells(self.lies.size, index, item.ctag) && item.is_file();
        let size = if lie { item.size + 7 } else { item.size };
        if self.faults.integers_as_strings {
            json.plain("size", &[&size.to_string()]);
        } else {
            json.number("size", size);
        }
    }

    fn facets(&self, index: u32, item: &Item, json: &mut Json) {
        let has = |bit: u32| self.bits & bit != 0;
        if item.is_file() {
            if has(property::FILE) {
                self.file(index, item, json);
            }
        } else if item.has(flag::FOLDER) && has(property::FOLDER) {
            json.key("folder").open().number("childCount", self.drive.children(index).len() as u64).close();
        } else if item.has(flag::PACKAGE) && has(property::PACKAGE) {
            json.key("package").open().text("type", "oneNote").close();
        } else if item.has(flag::REMOTE) && has(property::REMOTE) {
            self.shortcut(index, json);
        }
        if index == ROOT && has(property::ROOT) {
            json.key("root").open().close();
        }
        if item.has(flag::MALWARE) && has(property::MALWARE) {
            json.key("malware").open().text("description", "Virus").close();
        }
        if item.has(flag::SHARED) && has(property::SHARED) {
            json.key("shared").open().text("scope", "users").close();
        } else if self.faults.nulls && has(property::SHARED) {
            json.raw("shared", b"null").raw("children", b"null");
        }
    }

    fn file(&self, index: u32, item: &Item, json: &mut Json) {
        json.key("file").open().text("mimeType", self.drive.mime(item));
        // Empty files have no hash.
        if item.size > 0 && !ItemLies::tells(self.lies.no_hash, index, item.ctag) {
            let mut hash = self.drive.content(item).hash(&self.state.tenant.pool);
            if ItemLies::tells(self.lies.stale_hash, index, item.ctag) {
                hash[0] ^= 0x55;
            }
            json.key("hashes").open().base64("quickXorHash", &hash).close();
        }
        json.close();
    }

    /// A pointer to a folder of the next user's drive.
    fn shortcut(&self, index: u32, json: &mut Json) {
        let other = (self.drive.index + 1) % self.state.drive_count().max(1);
        json.key("remoteItem").open().plain("id", &[&ids::item(self.drive.seed, other, index % 7 + 1)]);
        json.key("folder").open().number("childCount", 1).close();
        json.key("parentReference").open().text("driveType", "business");
        json.plain("driveId", &[&self.state.drive_id(other)]).close().close();
    }

    fn parent(&self, index: u32, item: &Item, json: &mut Json) {
        json.key("parentReference")
            .open()
            .plain("driveType", &["business"])
            .plain("driveId", &[&self.drive_id]);
        if index != ROOT {
            json.plain("id", &[&self.drive.id(item.parent)]);
            if !self.delta {
                let path = percent_path(&self.drive.path(item.parent));
                json.plain("path", &["/drives/", &self.drive_id, "/root:", &path]);
            }
        }
        json.plain("siteId", &[&self.site_id]).close();
    }

    fn download_url(&self, index: u32, item: &Item, unique: &str) -> String {
        let fields = [u64::from(self.drive.index), u64::from(index), u64::from(item.ctag), self.expires_s];
        let auth = token::seal(self.drive.seed, "download", &fields);
        let origin = self.state.content_origin.get().map_or("", String::as_str);
        format!(
            "{origin}/personal/_layouts/15/download.aspx?UniqueId={unique}&Translate=false&tempauth=v1.{auth}&ApiVersion=2.0"
        )
    }

    /// A fresh pre-authenticated URL of a file.
    pub fn url_of(&self, index: u32, item: &Item) -> String {
        let unique =
            ids::guid(self.drive.seed, Guid::ListItem, u64::from(self.drive.index) << 32 | u64::from(index));
        self.download_url(index, item, &unique)
    }
}

fn itoa(number: u32) -> String {
    number.to_string()
}

/// A path with its names percent-encoded, as `parentReference.path` has it.
fn percent_path(path: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(path, KEPT).to_string()
}
