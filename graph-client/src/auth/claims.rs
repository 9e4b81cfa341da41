//! What a token says of itself, for people to read.
//!
//! Access tokens are opaque: nothing is decided by what is found here, and nothing is verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::secret::Secret;

/// The claims worth showing. All are absent if the token is no JWT.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// Permissions of the application: `Files.Read.All`, …
    pub roles: Vec<String>,
    /// Permissions of a person who signed in, separated by blanks.
    pub scp: Option<String>,
    /// The application's ID.
    pub appid: Option<String>,
    /// The application's name.
    pub app_displayname: Option<String>,
    /// The tenant's ID.
    pub tid: Option<String>,
}

impl Claims {
    /// Reads them from a token's middle part.
    pub fn of(token: &Secret) -> Self {
        let payload = token.expose().split('.').nth(1).unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// All permissions, of whichever kind.
    pub fn permissions(&self) -> Vec<&str> {
        let delegated = self.scp.iter().flat_map(|scp| scp.split_whitespace());
        self.roles.iter().map(String::as_str).chain(delegated).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_and_opaque_tokens_tolerated() {
        let payload =
            URL_SAFE_NO_PAD.encode(r#"{"roles":["Files.Read.All"],"scp":"User.Read openid","new":1}"#);
        let claims = Claims::of(&Secret::from(format!("e30.{payload}.sig")));
        assert_eq!(claims.permissions(), ["Files.Read.All", "User.Read", "openid"]);
        assert_eq!(Claims::of(&Secret::from("opaque")), Claims::default());
        assert_eq!(Claims::of(&Secret::from("a.!.c")), Claims::default());
    }
}
