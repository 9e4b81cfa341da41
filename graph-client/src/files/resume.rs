//! A content as one stream, however often the connection breaks and the address expires.

use bytes::{Buf, Bytes};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, LOCATION, RANGE};

use super::download::DownloadOf;
use super::pre_auth;
use crate::budget::{Workload, price};
use crate::error::{Fault, GraphError, Place};
use crate::graph::Graph;
use crate::http::{Call, Opened};
use crate::model::DriveItem;
use crate::secret::Secret;

/// Fresh addresses for one content, at most, without a byte in between.
const REFRESHES_MAX: u32 = 3;
/// Breaks of one transfer, at most, whatever came in between.
const BREAKS_MAX: u32 = 200;

/// Where the bytes come from.
#[derive(Debug)]
pub struct Source {
    graph: Graph,
    of: DownloadOf,
    body: Option<Opened>,
    /// The next byte that is handed out.
    at: u64,
    /// Bytes of the body to pass over first.
    skip: u64,
    total: Option<u64>,
    tag: Option<HeaderValue>,
    /// Whether the end was told rather than read.
    at_end: bool,
    /// Since the last byte that came.
    breaks: u32,
    refreshes: u32,
    breaks_in_all: u32,
}

impl Source {
    pub fn new(graph: Graph, of: DownloadOf, at: u64) -> Self {
        Self {
            graph,
            of,
            body: None,
            at,
            skip: 0,
            total: None,
            tag: None,
            at_end: false,
            breaks: 0,
            refreshes: 0,
            breaks_in_all: 0,
        }
    }

    pub fn of(&self) -> &DownloadOf {
        &self.of
    }

    pub fn at(&self) -> u64 {
        self.at
    }

    pub fn total(&self) -> Option<u64> {
        self.total
    }

    pub fn place(&self) -> Place {
        Place::of(format!("GET content of {}", self.of.item))
    }

    /// The next bytes; `None` where the service says that the content ends.
    pub async fn next(&mut self) -> Result<Option<Bytes>, GraphError> {
        loop {
            if self.at_end {
                return Ok(None);
            }
            let Some(body) = &mut self.body else {
                self.open().await?;
                continue;
            };
            match body.chunk(self.graph.http()).await {
                Ok(Some(bytes)) => {
                    let bytes = self.pass_over(bytes);
                    if !bytes.is_empty() {
                        return Ok(Some(bytes));
                    }
                }
                Ok(None) if self.total.is_some_and(|total| self.at < total) || self.skip > 0 => {
                    self.break_off(Fault::Cut).await?;
                }
                Ok(None) => self.at_end = true,
                Err(fault) => self.break_off(fault).await?,
            }
        }
    }

    /// Asks from here on, though the end was told.
    pub async fn reopen(&mut self) -> Result<(), GraphError> {
        (self.body, self.total, self.at_end) = (None, None, false);
        self.open().await
    }

    /// Opens the content at the next byte, with fresh addresses as far as needed.
    pub async fn open(&mut self) -> Result<(), GraphError> {
        while self.body.is_none() && !self.at_end {
            let Some(url) = self.of.url.clone() else {
                self.look().await?;
                continue;
            };
            match self.graph.open_pre_auth(&self.call(&url)?).await {
                Ok(opened) => self.accept(opened).await?,
                Err(GraphError::Expired { place }) => self.renew(place).await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// An address was refused, which may be because it has expired: gets a fresh one, or gives up.
    async fn renew(&mut self, place: Place) -> Result<(), GraphError> {
        let denied = place.status == Some(403);
        if self.refreshes >= REFRESHES_MAX {
            // Fresh addresses have not expired: whoever is denied with them is denied the content.
            let denied = denied.then(|| GraphError::Forbidden { place: place.clone() });
            return Err(denied.unwrap_or(GraphError::Expired { place }));
        }
        self.refreshes += 1;
        let item = self.look().await?;
        if denied && item.malware.is_some() {
            return Err(GraphError::Malware { place });
        }
        Ok(())
    }

    /// Looks at the item: whether its content is still the one that was listed, and where it is.
    ///
    /// # Errors
    ///
    /// `Vanished` or `Changed` if it is not.
    pub async fn look(&mut self) -> Result<DriveItem, GraphError> {
        let item = match self.graph.item(&self.of.drive, &self.of.item).await {
            Err(GraphError::NotFound { place }) => return Err(GraphError::Vanished { place }),
            item => item?,
        };
        if item.is_deleted() {
            return Err(GraphError::Vanished { place: self.place() });
        }
        if !self.of.is_still(&item) {
            return Err(GraphError::Changed { place: self.place() });
        }
        let url = match &item.download_url {
            Some(url) => url.clone(),
            None => self.redirected().await?,
        };
        self.of.url = Some(url);
        Ok(item)
    }

    /// The address to which `/content` leads.
    async fn redirected(&self) -> Result<Secret, GraphError> {
        let segments = ["drives", self.of.drive.as_str(), "items", self.of.item.as_str(), "content"];
        let call = self.graph.get_files(&segments, "", price::ITEM)?;
        // Like an item and unlike a content: whoever asks may have a content on its way.
        let call = call.on_behalf_of(self.of.drive.as_str());
        let opened = self.graph.open_api(&call).await?;
        let location = opened.headers.get(LOCATION).and_then(|url| url.to_str().ok());
        location.map(Secret::from).ok_or_else(|| call.protocol("a content without an address"))
    }

    fn call(&self, url: &Secret) -> Result<Call, GraphError> {
        let call = pre_auth(Method::GET, url, "content of", (&self.of.drive, &self.of.item))?;
        // Without it, SharePoint has been seen to refuse ranges.
        let call = call.header(ACCEPT, HeaderValue::from_static("*/*"));
        if self.at == 0 {
            return Ok(call);
        }
        let range = HeaderValue::from_str(&format!("bytes={}-", self.at));
        Ok(call.header(RANGE, range.map_err(|_| self.protocol("a range that no header can hold"))?))
    }

    /// Takes an answer if it is of the content that came so far.
    async fn accept(&mut self, opened: Opened) -> Result<(), GraphError> {
        let range = Span::of(&opened.headers);
        let (from, total) = match (opened.status, range) {
            (200, _) => (0, length(&opened.headers)),
            (206, Some(Span { from: Some(from), total })) if from == self.at => (from, total),
            // What was told to be there is not, or it is just the end.
            (416, Some(Span { total: Some(total), .. })) if total == self.at => {
                (self.at_end, self.total) = (true, Some(total));
                return Ok(());
            }
            (206 | 416, _) => {
                drop(opened);
                return self.break_off(Fault::Cut).await;
            }
            _ => return Err(self.protocol("an answer that is no content")),
        };
        let tag = opened.headers.get(ETAG).cloned();
        let other_length = matches!((self.total, total), (Some(then), Some(now)) if then != now);
        let other_tag = matches!((&self.tag, &tag), (Some(then), Some(now)) if then != now);
        if other_length || other_tag {
            self.look().await?;
        }
        self.total = total.or(self.total);
        self.tag = tag.or(self.tag.take());
        self.skip = self.at - from;
        self.body = Some(opened);
        Ok(())
    }

    /// Drops the bytes that came before, and counts the rest as handed out.
    fn pass_over(&mut self, mut bytes: Bytes) -> Bytes {
        let skipped = self.skip.min(bytes.len() as u64);
        bytes.advance(usize::try_from(skipped).unwrap_or(bytes.len()));
        self.skip -= skipped;
        if !bytes.is_empty() {
            self.at += bytes.len() as u64;
            (self.breaks, self.refreshes) = (0, 0);
        }
        bytes
    }

    /// The transfer broke: waits a little, then goes on from here; or gives up.
    async fn break_off(&mut self, fault: Fault) -> Result<(), GraphError> {
        self.body = None;
        self.breaks += 1;
        self.breaks_in_all += 1;
        if self.breaks >= self.graph.http().deadlines().attempts || self.breaks_in_all >= BREAKS_MAX {
            let (place, attempts) = (self.place(), self.breaks_in_all);
            return Err(GraphError::Exhausted { place, attempts, source: fault });
        }
        self.graph.http().back_off(Workload::Files, self.breaks).await;
        Ok(())
    }

    fn protocol(&self, what: &'static str) -> GraphError {
        GraphError::Protocol { what, place: self.place() }
    }
}

/// What `Content-Range` says: `bytes 5-9/10`, or `bytes */10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Option<u64>,
    total: Option<u64>,
}

impl Span {
    fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(CONTENT_RANGE)?.to_str().ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes")?.trim().split_once('/')?;
        let from = range.split_once('-').and_then(|(from, _)| from.trim().parse().ok());
        Some(Self { from, total: total.trim().parse().ok() })
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let span = |from, total| Some(Span { from, total });
        assert_eq!(Span::parse("bytes 5-9/10"), span(Some(5), Some(10)));
        assert_eq!(Span::parse("bytes */10"), span(None, Some(10)));
        assert_eq!(Span::parse("bytes 5-9/*"), span(Some(5), None));
        assert_eq!(Span::parse("items 5-9/10"), None);
        assert_eq!(Span::parse("bytes"), None);
    }
}
