//! A certificate as proof: the assertion that its key signs.
//!
//! A JWT with `alg` PS256 and `x5t#S256`, the SHA-256 of the certificate, as documented since 2025.

use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use uuid::Uuid;

use crate::error::GraphError;
use crate::secret::Secret;

/// How long an assertion may be used.
const LIFE: Duration = Duration::from_secs(600);
/// Before now, for clocks that run behind ours.
const SLACK: Duration = Duration::from_secs(60);

/// A certificate and its key.
pub struct Signer {
    key: RsaKeyPair,
    /// Base64url of the certificate's SHA-256.
    thumbprint: String,
}

impl Signer {
    /// Reads the first certificate and the first private key of a PEM text.
    ///
    /// # Errors
    ///
    /// `Setup` if one of them is missing, encrypted, or not RSA.
    pub fn from_pem(pem: &Secret) -> Result<Self, GraphError> {
        let setup = |what: &str| GraphError::Setup { what: format!("the certificate's PEM text {what}") };
        let bytes = pem.expose().as_bytes();
        let certificate = CertificateDer::from_pem_slice(bytes).map_err(|_| setup("has no certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(bytes)
            .map_err(|_| setup("has no private key (or an encrypted one; decrypt it first)"))?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(setup("has a key that is not RSA")),
        };
        let key = key.map_err(|_| setup("has a key that is not RSA of 2048 bits or more"))?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate));
        Ok(Self { key, thumbprint })
    }

    /// An assertion that `client_id` makes for `audience`, the token endpoint, at `now`.
    ///
    /// # Errors
    ///
    /// `Setup` if the key does not sign.
    pub fn assertion(&self, client_id: &str, audience: &str, now: SystemTime) -> Result<Secret, GraphError> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": Uuid::new_v4().to_string(),
            "iat": now.as_secs(),
            "nbf": now.saturating_sub(SLACK).as_secs(),
            "exp": (now + LIFE).as_secs(),
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| GraphError::Setup { what: "the certificate's key does not sign".into() })?;
        Ok(Secret::from(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use super::*;

    fn pem(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    /// A key, and a PEM text with it and a certificate, of which only the bytes matter here.
    fn made() -> (RsaKeyPair, String) {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).unwrap();
        let text = pem("CERTIFICATE", b"a certificate") + &pem("PRIVATE KEY", der.as_ref());
        (key, text)
    }

    fn part(text: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    }

    #[test]
    fn an_assertion_is_signed_with_ps256_and_names_the_certificate() {
        let (key, text) = made();
        let signer = Signer::from_pem(&text.into()).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let assertion = signer.assertion("client", "https://login/token", now).unwrap();
        let (signed, signature) = assertion.expose().rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let (header, claims) = (part(header), part(claims));
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, b"a certificate"));
        assert_eq!(header["alg"], "PS256");
        assert_eq!(header["x5t#S256"], Value::from(thumbprint));
        assert_eq!((&claims["iss"], &claims["sub"]), (&claims["sub"], &Value::from("client")));
        assert_eq!(claims["aud"], "https://login/token");
        assert_eq!(claims["exp"], 1_000_600);
        let other = signer.assertion("client", "https://login/token", now).unwrap();
        assert_ne!(assertion, other, "each has an ID of its own");
    }

    #[test]
    fn what_is_missing_in_the_pem_is_named() {
        let (_, text) = made();
        let certificate = text.split_once("-----BEGIN PRIVATE").unwrap().0.to_owned();
        let said = |text: String| match Signer::from_pem(&text.into()) {
            Err(GraphError::Setup { what }) => what,
            _ => panic!("that cannot work"),
        };
        assert!(said(String::new()).contains("no certificate"));
        assert!(said(certificate.clone()).contains("no private key"));
        assert!(said(certificate + &pem("PRIVATE KEY", b"none")).contains("not RSA"));
    }
}
