//! Users of the directory.

use reqwest::header::{HeaderName, HeaderValue};

use crate::budget::Workload;
use crate::error::{Absence, GraphError};
use crate::graph::{Graph, in_query};
use crate::http::Call;
use crate::model::User;
use crate::paging::Pages;

/// What is told of each user.
const SELECT: &str = "$select=id,userPrincipalName,displayName,mail,userType,accountEnabled";
/// Users a page.
const PAGE: &str = "$top=999";
/// One user, or a page of them with `$select`, costs one resource unit.
const PRICE: u32 = 1;

/// Which users a list has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// An OData filter; `None` lists all.
    odata: Option<String>,
}

impl UserFilter {
    /// Everybody.
    pub fn all() -> Self {
        Self::default()
    }

    /// Everybody but guests from elsewhere, who have no drive here.
    pub fn without_guests() -> Self {
        Self::odata("onPremisesSyncEnabled eq true OR userType ne 'Guest'")
    }

    /// Those for whom an OData expression holds.
    pub fn odata(expression: &str) -> Self {
        Self { odata: Some(expression.to_owned()) }
    }
}

impl Graph {
    /// Lists users.
    ///
    /// # Errors
    ///
    /// `Setup` if the client's address cannot have paths; the rest comes with the pages.
    pub fn users(&self, filter: &UserFilter) -> Result<Pages<User>, GraphError> {
        let filter = filter.odata.as_deref().map(|odata| format!("&$filter={}", in_query(odata)));
        let query = format!("{SELECT}&{PAGE}&$count=true{}", filter.unwrap_or_default());
        let url = self.url(&["users"], &query)?;
        // `ne` and $count work on an index that lags a little; without this header, not at all.
        let eventual = HeaderValue::from_static("eventual");
        let call = Call::get(url, Workload::Directory, PRICE)
            .header(HeaderName::from_static("consistencylevel"), eventual);
        Ok(Pages::new(self.clone(), call))
    }

    /// One user, by ID or by the name they sign in with.
    ///
    /// # Errors
    ///
    /// `ResourceAbsent` if the directory has no such user.
    pub async fn user(&self, id_or_name: &str) -> Result<User, GraphError> {
        let url = self.url(&["users", id_or_name], SELECT)?;
        let user = self.json(&Call::get(url, Workload::Directory, PRICE)).await;
        user.map_err(|error| match error {
            GraphError::NotFound { place } => GraphError::ResourceAbsent { absence: Absence::User, place },
            other => other,
        })
    }
}
