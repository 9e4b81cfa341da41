//! A drive's feed of changes.

use std::fmt;

use url::Url;

use crate::budget::{Workload, price};
use crate::error::{GraphError, Resync};
use crate::graph::Graph;
use crate::http::{Call, wait_after};
use crate::model::{DeltaPage, DriveId, DriveItem, Page};
use crate::paging::Trail;

/// What is told of each item.
const SELECT: &str = "id,name,size,eTag,cTag,createdDateTime,lastModifiedDateTime,createdBy,lastModifiedBy,\
                      parentReference,file,folder,package,deleted,root,remoteItem,shared,specialFolder,malware,\
                      fileSystemInfo,sharepointIds";
/// The address of the content, by both names that are in use.
const SELECT_URL: &str = ",content.downloadUrl,@microsoft.graph.downloadUrl";
/// Items a page, as many as are granted.
const PAGE_SIZE: u32 = 1000;
/// An odd page is asked for so often.
const SLIPS_MAX: u32 = 3;
/// Deletions told as such, gaps in rights crossed, and sharing told where it begins.
const PREFER: &str =
    "deltashowremovedasdeleted, deltatraversepermissiongaps, deltashowsharingchanges, hierarchicalsharing";

/// Where a feed begins. `Debug` does not show the link.
#[derive(Clone, PartialEq, Eq)]
pub enum DeltaFrom {
    /// Everything there is.
    Start,
    /// A link that a page gave: the next page, or the next round.
    Link(String),
}

impl fmt::Debug for DeltaFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "Start",
            Self::Link(_) => "Link(…)",
        })
    }
}

/// One round of a feed, page by page, until the page that has the link of the next round.
#[derive(Debug)]
pub struct DeltaPages {
    graph: Graph,
    drive: DriveId,
    /// Where the next page is; `None` after the last.
    at: Option<DeltaFrom>,
    with_urls: bool,
    page_size: u32,
    trail: Trail,
}

impl Graph {
    /// What changed in a drive.
    pub fn delta(&self, drive: &DriveId, from: DeltaFrom) -> DeltaPages {
        let (graph, drive, trail) = (self.clone(), drive.clone(), Trail::default());
        DeltaPages { graph, drive, at: Some(from), with_urls: true, page_size: PAGE_SIZE, trail }
    }
}

impl DeltaPages {
    /// Leaves out the addresses of contents, half of a page: for when they would expire unused.
    /// It makes a difference only from the start, because a link keeps what it was asked with.
    pub fn without_urls(mut self) -> Self {
        self.with_urls = false;
        self
    }

    /// Asks for so many items a page, at least one: fewer for a drive whose pages cannot be had in time.
    /// It makes a difference only from the start.
    pub fn page_size(mut self, items: u32) -> Self {
        self.page_size = items.max(1);
        self
    }

    /// The next page; `None` after the one with the link of the next round. After a failure the same
    /// page may be asked for again.
    ///
    /// # Errors
    ///
    /// `Resync` if the link is dead, also in the middle: start over. `Protocol` if the service leads in
    /// a circle, or ends without a link for the next round.
    pub async fn next(&mut self) -> Result<Option<DeltaPage>, GraphError> {
        let Some(at) = self.at.clone() else { return Ok(None) };
        let call = self.call(&at)?;
        // What is odd is asked for again; it may be a slip.
        for slips in 1..=SLIPS_MAX {
            match self.page(&call).await {
                Err(GraphError::Protocol { .. } | GraphError::NotFound { .. }) if slips < SLIPS_MAX => {}
                // A link to what is no more: the drive may be there all the same.
                Err(GraphError::NotFound { place }) if at != DeltaFrom::Start => {
                    return Err(GraphError::Resync { kind: Resync::Unspecified, place });
                }
                page => return page.map(Some),
            }
            self.graph.clock().sleep(wait_after(slips)).await;
        }
        Err(call.protocol("a page that cannot be had"))
    }

    async fn page(&mut self, call: &Call) -> Result<DeltaPage, GraphError> {
        let page: Page<DriveItem> = self.graph.page(call).await?;
        if page.value.iter().any(|item| item.id.is_empty()) {
            return Err(call.protocol("an item without an ID"));
        }
        self.at = match (&page.next, &page.delta) {
            (Some(link), _) if self.trail.is_new(link) => Some(DeltaFrom::Link(link.clone())),
            (Some(_), _) => return Err(call.protocol("pages that lead in a circle")),
            (None, Some(_)) => None,
            (None, None) => return Err(call.protocol("a feed that ends without a link for the next round")),
        };
        Ok(DeltaPage::new(page, call.url.clone().into()))
    }

    fn call(&self, at: &DeltaFrom) -> Result<Call, GraphError> {
        match at {
            DeltaFrom::Start => {
                let urls = if self.with_urls { SELECT_URL } else { "" };
                let query = format!("$top={}&$select={SELECT}{urls}", self.page_size);
                let url = self.graph.url(&["drives", self.drive.as_str(), "root", "delta"], &query)?;
                Ok(page_call(url, price::LIST, &self.drive))
            }
            DeltaFrom::Link(link) => self.graph.delta_link(&self.drive, link),
        }
    }
}

impl Graph {
    /// The call for a page of a feed that is known by its link.
    pub(super) fn delta_link(&self, drive: &DriveId, link: &str) -> Result<Call, GraphError> {
        // A link of another cloud, kept from when the tenant was there, is a dead one.
        let url = self.link(link).map_err(dead)?;
        // The first page of an enumeration is the one without a token.
        let price = if url.as_str().contains("token=") { price::ITEM } else { price::LIST };
        Ok(page_call(url, price, drive))
    }
}

fn page_call(url: Url, price: u32, drive: &DriveId) -> Call {
    Call::get(url, Workload::Files, price).prefer(PREFER).page().on_behalf_of(drive.as_str())
}

fn dead(error: GraphError) -> GraphError {
    match error {
        GraphError::Protocol { place, .. } => GraphError::Resync { kind: Resync::Unspecified, place },
        other => other,
    }
}
