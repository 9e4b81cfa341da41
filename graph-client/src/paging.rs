//! Lists in pages: links followed as they are, to their end, and never in a circle.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use futures::stream::{self, Stream};
use serde::de::DeserializeOwned;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::http::Call;
use crate::model::Page;

/// A page whose link leads back is asked for so often.
const SLIPS_MAX: u32 = 3;

/// Links that were followed, as 64-bit hashes: a long feed has thousands, each over a kilobyte.
#[derive(Debug, Default)]
pub struct Trail {
    state: RandomState,
    followed: HashSet<u64>,
}

impl Trail {
    /// Whether `link` is a new one; it counts as followed from now on.
    pub fn is_new(&mut self, link: &str) -> bool {
        self.followed.insert(self.state.hash_one(link))
    }
}

/// A list, fetched page by page. Empty pages are no end.
#[derive(Debug)]
pub struct Pages<T> {
    graph: Graph,
    /// The call for the next page; `None` after the last.
    call: Option<Call>,
    trail: Trail,
    item: std::marker::PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Pages<T> {
    pub(crate) fn new(graph: Graph, first: Call) -> Self {
        Self { graph, call: Some(first.page()), trail: Trail::default(), item: std::marker::PhantomData }
    }

    /// The next page; `None` after the last. After a failure the same page may be asked for again.
    ///
    /// # Errors
    ///
    /// What kept the page from coming; `Protocol` if the service leads in a circle.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, GraphError> {
        let Some(call) = self.call.clone() else { return Ok(None) };
        // A link that leads back may be a slip: the page is asked for again.
        for _ in 0..SLIPS_MAX {
            let page: Page<T> = self.graph.page(&call).await?;
            let next = page.next.as_deref();
            if next.is_none_or(|link| self.trail.is_new(link)) {
                let url = next.map(|link| self.graph.link(link)).transpose()?;
                self.call = url.map(|url| Call { url, ..call });
                return Ok(Some(page.value));
            }
        }
        Err(call.protocol("pages that lead in a circle"))
    }

    /// All items, one after the other; a failure is the last of them.
    pub fn into_stream(self) -> impl Stream<Item = Result<T, GraphError>> {
        stream::try_unfold((self, Vec::new().into_iter()), |(mut pages, mut page)| async move {
            loop {
                if let Some(item) = page.next() {
                    return Ok(Some((item, (pages, page))));
                }
                match pages.next_page().await? {
                    Some(items) => page = items.into_iter(),
                    None => return Ok(None),
                }
            }
        })
    }

    /// All items at once.
    ///
    /// # Errors
    ///
    /// As [`Pages::next_page`].
    pub async fn all(mut self) -> Result<Vec<T>, GraphError> {
        let mut all = Vec::new();
        while let Some(page) = self.next_page().await? {
            all.extend(page);
        }
        Ok(all)
    }
}
