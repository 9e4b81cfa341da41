//! Where Microsoft is: its public cloud, those of nations, and any other address.

use url::Url;

use crate::error::GraphError;

/// A cloud: where to sign in, and where Graph is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cloud {
    /// The public one.
    #[default]
    Global,
    /// US Government, L4.
    UsGov,
    /// US Department of Defense, L5.
    DoD,
    /// China, run by 21Vianet.
    China,
    /// Somewhere else: a proxy or a simulator. Both may have a path, to which is added.
    Custom { login_url: Url, graph_url: Url },
}

impl Cloud {
    /// Where tokens come from: `https://login.microsoftonline.com/`.
    ///
    /// # Errors
    ///
    /// `Setup` if a custom address cannot have paths.
    pub fn login_url(&self) -> Result<Url, GraphError> {
        match self {
            Self::Global => known("https://login.microsoftonline.com/"),
            Self::UsGov | Self::DoD => known("https://login.microsoftonline.us/"),
            Self::China => known("https://login.chinacloudapi.cn/"),
            Self::Custom { login_url, .. } => folder(login_url.clone()),
        }
    }

    /// The root of Graph, without a version: `https://graph.microsoft.com/`.
    ///
    /// # Errors
    ///
    /// `Setup` if a custom address cannot have paths.
    pub fn graph_url(&self) -> Result<Url, GraphError> {
        match self {
            Self::Global => known("https://graph.microsoft.com/"),
            Self::UsGov => known("https://graph.microsoft.us/"),
            Self::DoD => known("https://dod-graph.microsoft.us/"),
            Self::China => known("https://microsoftgraph.chinacloudapi.cn/"),
            Self::Custom { graph_url, .. } => {
                let mut url = folder(graph_url.clone())?;
                // People copy the address with its version, which is added to it anyway.
                if let Some(root) = url.path().strip_suffix("v1.0/").map(str::to_owned) {
                    url.set_path(&root);
                }
                Ok(url)
            }
        }
    }

    /// The audience of the token that Graph wants: every permission that was consented to.
    ///
    /// A custom cloud is asked for the public one's, which simulators and proxies take.
    pub fn scope(&self) -> String {
        let root = match self {
            Self::Custom { .. } | Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::DoD => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        };
        format!("{root}/.default")
    }
}

fn known(url: &str) -> Result<Url, GraphError> {
    Url::parse(url).map_err(|_| GraphError::Setup { what: format!("{url} is no address") })
}

/// The same address with a slash at its end, so that paths can be added.
fn folder(mut url: Url) -> Result<Url, GraphError> {
    if url.cannot_be_a_base() || !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(GraphError::Setup { what: "the address of a cloud must begin with https://".into() });
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_address_keeps_its_path() {
        let url = |text: &str| Url::parse(text).unwrap();
        let cloud =
            Cloud::Custom { login_url: url("http://127.0.0.1:1"), graph_url: url("http://h/sim?x=1") };
        assert_eq!(cloud.login_url().unwrap().as_str(), "http://127.0.0.1:1/");
        assert_eq!(cloud.graph_url().unwrap().join("v1.0/me").unwrap().as_str(), "http://h/sim/v1.0/me");
        let versioned = Cloud::Custom { login_url: url("http://h/"), graph_url: url("http://h/sim/v1.0") };
        assert_eq!(versioned.graph_url().unwrap().as_str(), "http://h/sim/");
        let odd = Cloud::Custom { login_url: url("mailto:a@b"), graph_url: url("http://h/") };
        assert!(matches!(odd.login_url(), Err(GraphError::Setup { .. })));
    }
}
