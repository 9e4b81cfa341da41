//! Listing: sorted by name whatever the storage's own order, one page request where that is enough.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::ObjectMeta;
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use object_store::path::Path as Key;

use super::error::StorageError;
use super::name::BlobName;
use super::open::Storage;

/// Names on one page, by the stores' own limit.
const PAGE_NAMES_MAX: usize = 1000;

/// A blob as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    pub name: BlobName,
    /// In bytes.
    pub size: u64,
    /// When the storage says that it was written, in nanoseconds since 1970 UTC. Information:
    /// nothing may depend on it.
    pub modified_ns: i64,
}

impl Storage {
    /// Lists every blob whose name begins with `prefix`, sorted by name.
    ///
    /// Files that no blob name could name are not ours, and are passed over.
    ///
    /// # Errors
    ///
    /// As for any request; a listing is whole or an error.
    pub async fn list(&self, prefix: &str) -> Result<Vec<BlobInfo>, StorageError> {
        self.list_after(prefix, "", usize::MAX).await
    }

    /// Lists the first `limit` blobs whose names begin with `prefix` and come strictly after
    /// `after` in byte order, sorted by name. `after` is a whole name, or empty for all.
    ///
    /// On a bucket this asks for no page more than it needs.
    ///
    /// # Errors
    ///
    /// As for [`Storage::list`].
    pub async fn list_after(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, StorageError> {
        let mut found = match self.pages() {
            Some(pages) => self.list_pages(pages, prefix, after, limit).await?,
            None => self.list_stream(prefix, after).await?,
        };
        found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        found.truncate(limit);
        Ok(found)
    }

    async fn list_pages(
        &self,
        pages: &Arc<dyn PaginatedListStore>,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, StorageError> {
        let mut found = Vec::new();
        let mut token = None;
        while found.len() < limit {
            let options = PaginatedListOptions {
                offset: (!after.is_empty()).then(|| self.key_text(after)),
                max_keys: Some((limit - found.len()).min(PAGE_NAMES_MAX)),
                page_token: token,
                ..Default::default()
            };
            let page = self.list_page(pages, prefix, options).await?;
            found.extend(self.wanted(page.result.objects, prefix, after));
            token = page.page_token;
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn list_page(
        &self,
        pages: &Arc<dyn PaginatedListStore>,
        prefix: &str,
        options: PaginatedListOptions,
    ) -> Result<PaginatedListResult, StorageError> {
        let key = self.key_text(prefix);
        let key = (!key.is_empty()).then_some(key.as_str());
        let ask = async || {
            let options = PaginatedListOptions {
                offset: options.offset.clone(),
                max_keys: options.max_keys,
                page_token: options.page_token.clone(),
                ..Default::default()
            };
            self.meter().list();
            self.attempt(shown(prefix), 0, pages.list_paginated(key, options)).await
        };
        self.retried(ask).await.map_err(|error| self.listing_failure(error))
    }

    /// Folders and memory list everything below a folder in one go.
    async fn list_stream(&self, prefix: &str, after: &str) -> Result<Vec<BlobInfo>, StorageError> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let key = Key::from(self.key_text(folder));
        let offset = (!after.is_empty()).then(|| Key::from(self.key_text(after)));
        let ask = async || {
            self.meter().list();
            let objects = match &offset {
                Some(offset) => self.store().list_with_offset(Some(&key), offset),
                None => self.store().list(Some(&key)),
            };
            self.attempt(shown(prefix), 0, objects.try_collect::<Vec<ObjectMeta>>()).await
        };
        let objects = self.retried(ask).await.map_err(|error| self.listing_failure(error))?;
        Ok(self.wanted(objects, prefix, after).collect())
    }

    /// Drops foreign names, and what lies before `after`, as not every store honours an offset.
    fn wanted(&self, objects: Vec<ObjectMeta>, prefix: &str, after: &str) -> impl Iterator<Item = BlobInfo> {
        objects.into_iter().filter_map(move |object| {
            let name = BlobName::new(self.name_of(object.location.as_ref())?).ok()?;
            let wanted = name.as_str().starts_with(prefix) && name.as_str() > after;
            let modified_ns = object.last_modified.timestamp_nanos_opt().unwrap_or(0);
            wanted.then_some(BlobInfo { name, size: object.size, modified_ns })
        })
    }

    /// An empty listing is no error, so one that says "not found" speaks of the whole location.
    fn listing_failure(&self, error: StorageError) -> StorageError {
        match error {
            StorageError::NotFound { .. } => {
                StorageError::LocationMissing { location: self.location().to_string(), source: None }
            }
            error => error,
        }
    }
}

/// What messages call a listing.
fn shown(prefix: &str) -> &str {
    if prefix.is_empty() { "the listing" } else { prefix }
}
