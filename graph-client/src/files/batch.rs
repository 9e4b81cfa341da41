//! Many items in one request: `$batch`. It saves round trips, not resource units.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::budget::{Workload, price};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::http::{Answer, Call, Repeat, Verdict};
use crate::json;
use crate::model::{
    BATCH_SIZE_MAX, BatchAnswer, BatchCall, BatchReply, BatchRequest, DriveId, DriveItem, ItemId,
};

/// What a batch tells of each item.
type Found = (ItemId, Result<DriveItem, GraphError>);

impl Graph {
    /// The items as they are now, with fresh addresses of their contents, in the order asked for.
    ///
    /// If most of a delta page is wanted, asking for that page again ([`DeltaPage::from`]) is cheaper:
    /// one resource unit rather than one an item.
    ///
    /// [`DeltaPage::from`]: crate::model::DeltaPage::from
    ///
    /// # Errors
    ///
    /// What failed for an item stands beside it. The call fails only with what concerns all: sign-in,
    /// throttling, an exhausted budget.
    pub async fn refresh_download_urls(
        &self,
        drive: &DriveId,
        items: &[ItemId],
    ) -> Result<Vec<Found>, GraphError> {
        let mut found = Vec::with_capacity(items.len());
        for some in items.chunks(BATCH_SIZE_MAX) {
            found.extend(self.batch_of_items(drive, some).await?);
        }
        Ok(found)
    }

    async fn batch_of_items(&self, drive: &DriveId, items: &[ItemId]) -> Result<Vec<Found>, GraphError> {
        let call = self.batch_call(drive, items)?;
        let reply: BatchReply = self.json(&call).await?;
        let mut answers: BTreeMap<String, BatchAnswer> =
            reply.responses.into_iter().map(|answer| (answer.id.clone(), answer)).collect();
        let mut found = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let result = match answers.remove(&at.to_string()) {
                Some(answer) => self.one_of_batch(drive, item, &answer).await,
                None => self.item(drive, item).await,
            };
            match result {
                Err(error) if error.stops_everything() => return Err(error),
                result => found.push((item.clone(), result)),
            }
        }
        Ok(found)
    }

    /// What an answer says; whatever has to be tried again is asked for by itself.
    async fn one_of_batch(
        &self,
        drive: &DriveId,
        item: &ItemId,
        answer: &BatchAnswer,
    ) -> Result<DriveItem, GraphError> {
        let call = self.get_files(&["drives", drive.as_str(), "items", item.as_str()], "", price::ITEM)?;
        let headers = ["retry-after", "request-id"].map(HeaderName::from_static).into_iter();
        let headers: HeaderMap = headers
            .filter_map(|name| {
                let value = HeaderValue::from_str(&answer.header(name.as_str())?).ok()?;
                Some((name, value))
            })
            .collect();
        let body = answer.body.as_ref().map_or("", |body| body.get()).as_bytes();
        let read = Answer { status: answer.status, headers: &headers, body, request_id: "", failures: 0 };
        match read.verdict(&call) {
            Verdict::Done => match json::decode(body) {
                Ok(item) => Ok(item),
                Err(_) => self.item(drive, item).await,
            },
            Verdict::Failed(error) => Err(error),
            Verdict::Throttled(_) | Verdict::Later(_) => {
                self.http().heed_part(&call, &headers);
                self.item(drive, item).await
            }
            Verdict::NewToken(_) => self.item(drive, item).await,
        }
    }

    fn batch_call(&self, drive: &DriveId, items: &[ItemId]) -> Result<Call, GraphError> {
        let mut requests = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let url = self.url(&["drives", drive.as_str(), "items", item.as_str()], "")?;
            let root = self.url(&[], "")?;
            let relative = url.path().strip_prefix(root.path()).unwrap_or(url.path());
            requests.push(BatchCall { id: at.to_string(), method: "GET", url: relative.to_owned() });
        }
        let body = serde_json::to_value(BatchRequest { requests });
        let body = body.map_err(|_| GraphError::Setup { what: "a batch that cannot be written".into() })?;
        // Reads alone: twice is as good as once. Each part has its price.
        let price = price::ITEM.saturating_mul(u32::try_from(items.len()).unwrap_or(u32::MAX));
        let url = self.url(&["$batch"], "")?;
        let call = Call::api(Method::POST, url, Workload::Files, price, Repeat::Safe).json(&body);
        Ok(call.on_behalf_of(drive.as_str()))
    }
}
