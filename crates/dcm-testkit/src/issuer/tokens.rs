//! One-time tokens of a provisioner, judged as step-ca does.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use rcgen::{KeyPair, PublicKeyData as _};
use serde_json::Value;

use super::{PROVISIONER, signer};

/// The provisioner's key, and the tokens that were used.
pub(super) struct Tokens {
    key: KeyPair,
    pem: String,
    used: Mutex<BTreeSet<String>>,
}

impl Tokens {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().expect("the library makes keys");
        Self {
            pem: key.serialize_pem(),
            key,
            used: Mutex::default(),
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.pem
    }

    /// The subject and the names of a token that is good. `None`: it is not.
    pub(super) fn claims(&self, token: &str, path: &str) -> Option<(String, Vec<String>)> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (head, claims) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.der_bytes());
        public.verify(signed.as_bytes(), &signature).ok()?;
        let read = |text: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
        };
        let (head, claims) = (read(head)?, read(claims)?);
        let now = signer::now().unix_timestamp();
        let ours = head["kid"].as_str() == Some(&self.identifier())
            && head["alg"] == "ES256"
            && claims["iss"] == PROVISIONER
            && claims["aud"].as_str()?.ends_with(path)
            // The clocks of tests go ahead, so only the length of its life is looked at.
            && claims["exp"].as_i64()? - claims["iat"].as_i64()? <= 600
            && claims["exp"].as_i64()? > now;
        let fresh = ours && self.used.lock().insert(claims["jti"].as_str()?.to_owned());
        let names = claims["sans"].as_array()?.iter();
        let names = names.filter_map(|name| name.as_str().map(str::to_owned));
        let subject = claims["sub"].as_str()?.to_owned();
        fresh.then(|| (subject, names.collect()))
    }

    /// Thumbprint of its public key (RFC 7638).
    fn identifier(&self) -> String {
        let point = self.key.der_bytes();
        let (x, y) = point.split_at(33);
        let x = URL_SAFE_NO_PAD.encode(x.get(1..).unwrap_or_default());
        let y = URL_SAFE_NO_PAD.encode(y);
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }
}
