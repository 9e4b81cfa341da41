//! Where tokens come from: one at a time, renewed before they end.
//!
//! Tokens are opaque: how long one lives is what the endpoint said beside it, less a margin.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded::Serializer;

use super::certificate::Signer;
use super::claims::Claims;
use super::credential::{Credential, DeviceStart, ShowPrompt};
use crate::clock::Clock;
use crate::config::GraphConfig;
use crate::error::{Fault, GraphError};
use crate::http::{Call, Http};
use crate::json;
use crate::model::Whole;
use crate::secret::Secret;

/// A token is renewed so long before its end; a fifth of its life if that is less.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// How an assertion calls itself.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Gives the token that calls carry, and gets another when it is needed.
///
/// However many calls ask, one request for a token is on its way at a time.
#[derive(Debug)]
pub struct TokenSource {
    http: Arc<Http>,
    clock: Arc<dyn Clock>,
    client_id: String,
    credential: Credential,
    token_url: Url,
    device_url: Url,
    scope: String,
    current: RwLock<Option<Arc<Token>>>,
    /// Held by whoever gets a token. In it: what renews a person's sign-in.
    flight: Mutex<Option<Secret>>,
}

/// A token, ready for the header.
#[derive(Debug)]
pub struct Token {
    header: HeaderValue,
    text: Secret,
    serial: u64,
    /// In the clock's time.
    renew_at: Duration,
    ends_at: Duration,
}

impl Token {
    /// `Bearer …`, marked as sensitive.
    pub(crate) fn header(&self) -> &HeaderValue {
        &self.header
    }

    /// Which one it is: they are counted.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: Secret,
    /// Seconds.
    expires_in: Whole,
    #[serde(default)]
    refresh_token: Option<Secret>,
}

impl TokenSource {
    /// # Errors
    ///
    /// `Setup` if the cloud's address or the certificate cannot be used.
    pub(crate) fn new(config: &GraphConfig, http: Arc<Http>) -> Result<Self, GraphError> {
        if let Credential::Certificate { pem } = &config.credential {
            Signer::from_pem(pem)?;
        }
        let endpoint = |name: &str| -> Result<Url, GraphError> {
            let mut url = config.cloud.login_url()?;
            let segments = url.path_segments_mut();
            let mut segments = segments
                .map_err(|()| GraphError::Setup { what: "the sign-in address has no path".into() })?;
            segments.pop_if_empty().push(&config.tenant).extend(["oauth2", "v2.0", name]);
            drop(segments);
            Ok(url)
        };
        Ok(Self {
            http,
            clock: config.clock.clone(),
            client_id: config.client_id.clone(),
            credential: config.credential.clone(),
            token_url: endpoint("token")?,
            device_url: endpoint("devicecode")?,
            scope: config.cloud.scope(),
            current: RwLock::new(None),
            flight: Mutex::new(None),
        })
    }

    /// The token at hand, or a new one.
    ///
    /// # Errors
    ///
    /// `SignIn` if Microsoft refuses, `Setup` if the federated token cannot be read, otherwise what
    /// kept the endpoint from answering.
    pub async fn token(&self) -> Result<Arc<Token>, GraphError> {
        let fresh = self.current.read().clone().filter(|token| self.clock.now() < token.renew_at);
        match fresh {
            Some(token) => Ok(token),
            None => self.get(|token, now| now < token.renew_at).await,
        }
    }

    /// Gets another token, unless somebody has since token `serial`.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::token`].
    pub(crate) async fn renew(&self, serial: u64) -> Result<(), GraphError> {
        self.get(|token, _| token.serial > serial).await.map(drop)
    }

    /// What the token says of itself; empty for an opaque one.
    ///
    /// # Errors
    ///
    /// As [`TokenSource::token`].
    pub async fn claims(&self) -> Result<Claims, GraphError> {
        Ok(Claims::of(&self.token().await?.text))
    }

    async fn get(&self, will_do: impl Fn(&Token, Duration) -> bool) -> Result<Arc<Token>, GraphError> {
        let mut refresh = self.flight.lock().await;
        let current = self.current.read().clone();
        if let Some(token) = current.as_ref().filter(|token| will_do(token, self.clock.now())) {
            return Ok(token.clone());
        }
        // Boxed, because a call needs a token and a token needs a call.
        let reply = match Box::pin(self.fetch(&mut refresh)).await {
            Ok(reply) => reply,
            Err(error) => {
                let alive =
                    |token: &Arc<Token>| self.clock.now() < token.ends_at && will_do(token, Duration::ZERO);
                return current.filter(alive).ok_or(error);
            }
        };
        let token = Arc::new(self.accept(reply, current.map_or(0, |token| token.serial), &mut refresh)?);
        *self.current.write() = Some(token.clone());
        Ok(token)
    }

    fn accept(
        &self,
        reply: TokenReply,
        before: u64,
        refresh: &mut Option<Secret>,
    ) -> Result<Token, GraphError> {
        let header = HeaderValue::from_str(&format!("Bearer {}", reply.access_token.expose()));
        let mut header = header
            .map_err(|_| self.sign_in(Secret::default()).protocol("a token that no header can hold"))?;
        header.set_sensitive(true);
        let life = Duration::from_secs(reply.expires_in.count().min(7 * 24 * 3600));
        let now = self.clock.now();
        if reply.refresh_token.is_some() {
            *refresh = reply.refresh_token;
        }
        Ok(Token {
            header,
            text: reply.access_token,
            serial: before + 1,
            renew_at: now + life - MARGIN.min(life / 5),
            ends_at: now + life,
        })
    }

    async fn fetch(&self, refresh: &mut Option<Secret>) -> Result<TokenReply, GraphError> {
        match &self.credential {
            Credential::Secret(secret) => {
                self.exchange(&self.client_form(&[("client_secret", secret.expose())])).await
            }
            Credential::Certificate { pem } => {
                let signer = Signer::from_pem(pem)?;
                let assertion =
                    signer.assertion(&self.client_id, self.token_url.as_str(), self.clock.wall())?;
                self.assert(&assertion).await
            }
            Credential::FederatedTokenFile(path) => self.assert(&read_token(path)?).await,
            Credential::DeviceCode { show } => match refresh.take() {
                Some(token) => match self.exchange(&self.refresh_form(&token)).await {
                    Err(GraphError::SignIn { .. }) => self.by_device(show).await,
                    reply => reply,
                },
                None => self.by_device(show).await,
            },
        }
    }

    async fn assert(&self, assertion: &Secret) -> Result<TokenReply, GraphError> {
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.expose())];
        self.exchange(&self.client_form(&proof)).await
    }

    /// Shows a code, and asks until a person has used it.
    async fn by_device(&self, show: &ShowPrompt) -> Result<TokenReply, GraphError> {
        let scope = self.person_scope();
        let start = form(&[("client_id", &self.client_id), ("scope", &scope)]);
        let call = Call::sign_in(self.device_url.clone(), start);
        let start: DeviceStart = self.http.run(&call, None, |reply| Ok(json::decode(&reply.body)?)).await?;
        show(&start.prompt);
        let (mut interval, end) = (start.interval(), self.clock.now() + start.life());
        let form = form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", &self.client_id),
            ("device_code", start.device_code.expose()),
        ]);
        loop {
            self.clock.sleep(interval).await;
            match self.exchange(&form).await {
                Err(GraphError::SignIn { error, .. })
                    if self.clock.now() < end && error == "authorization_pending" => {}
                Err(GraphError::SignIn { error, .. }) if self.clock.now() < end && error == "slow_down" => {
                    interval += Duration::from_secs(5);
                }
                reply => return reply,
            }
        }
    }

    async fn exchange(&self, form: &Secret) -> Result<TokenReply, GraphError> {
        let call = self.sign_in(form.clone());
        self.http.run(&call, None, |reply| json::decode(&reply.body).map_err(Fault::from)).await
    }

    fn sign_in(&self, form: Secret) -> Call {
        Call::sign_in(self.token_url.clone(), form)
    }

    fn client_form(&self, proof: &[(&str, &str)]) -> Secret {
        let mut pairs = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("scope", self.scope.as_str()),
        ];
        pairs.extend(proof);
        form(&pairs)
    }

    fn refresh_form(&self, token: &Secret) -> Secret {
        form(&[
            ("grant_type", "refresh_token"),
            ("client_id", &self.client_id),
            ("scope", &self.person_scope()),
            ("refresh_token", token.expose()),
        ])
    }

    fn person_scope(&self) -> String {
        format!("{} offline_access openid profile", self.scope)
    }
}

fn form(pairs: &[(&str, &str)]) -> Secret {
    Serializer::new(String::new()).extend_pairs(pairs).finish().into()
}

/// Reads the file anew, because it is rewritten under us.
fn read_token(path: &Path) -> Result<Secret, GraphError> {
    let text = std::fs::read_to_string(path).map(Secret::from);
    let text = text.map_err(|why| GraphError::Setup {
        what: format!("cannot read the federated token file {}: {}", path.display(), why.kind()),
    })?;
    match text.expose().trim() {
        "" => {
            Err(GraphError::Setup { what: format!("the federated token file {} is empty", path.display()) })
        }
        trimmed => Ok(trimmed.into()),
    }
}
