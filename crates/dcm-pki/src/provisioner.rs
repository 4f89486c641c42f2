//! One-time tokens of somebody who may ask an issuer: claims, signed with a P-256 key (JWS, ES256).
#![deny(clippy::indexing_slicing)]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::{blocks, private_key};

/// Bytes of a coordinate of the curve.
const COORDINATE: usize = 32;

/// The key of a provisioner. It has no `Debug`.
pub struct Provisioner {
    pair: EcdsaKeyPair,
    /// Thumbprint of its public key (RFC 7638): under that name the issuer knows it.
    identifier: String,
}

impl Provisioner {
    /// Reads its key: P-256, PKCS#8 or SEC 1 in PEM. The error is a rule that it breaks.
    pub fn from_pem(pem: &SecretString) -> Result<Self, &'static str> {
        const RULE: &str = "must be a P-256 key";
        let (block, _) = private_key::read(pem.expose_secret())?;
        let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = if block.label == blocks::PRIVATE_KEY {
            EcdsaKeyPair::from_pkcs8(curve, &block.der).map_err(|_| RULE)
        } else {
            EcdsaKeyPair::from_private_key_der(curve, &block.der).map_err(|_| RULE)
        }?;
        let point = pair.public_key().as_ref();
        let (Some(x), Some(y)) = (
            point.get(1..=COORDINATE),
            point.get(COORDINATE + 1..=2 * COORDINATE),
        ) else {
            return Err(RULE);
        };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // Members in the order that the thumbprint wants.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let identifier = URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
        Ok(Self { pair, identifier })
    }

    /// Under which name the issuer knows the key.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Signs claims. `None`: the library could not.
    pub fn token(&self, claims: &Value) -> Option<SecretString> {
        let head = json!({"alg": "ES256", "kid": self.identifier, "typ": "JWT"});
        let [head, claims] = [&head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{head}.{claims}");
        let random = SystemRandom::new();
        let signature = self.pair.sign(&random, signed.as_bytes()).ok()?;
        let signature = URL_SAFE_NO_PAD.encode(signature.as_ref());
        Some(SecretString::from(format!("{signed}.{signature}")))
    }
}

#[cfg(test)]
#[expect(
    clippy::indexing_slicing,
    reason = "a test that indexes too far fails, as it should"
)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use dcm_types::KeyAlgorithm;

    use super::*;
    use crate::authority::AuthorityKey;

    #[test]
    fn a_token_verifies_under_the_key_that_it_names() {
        let key = AuthorityKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let provisioner = Provisioner::from_pem(&key.to_pem()).unwrap();
        let token = provisioner.token(&json!({"sub": "shop"})).unwrap();
        let parts: Vec<&str> = token.expose_secret().split('.').collect();
        let signed = format!("{}.{}", parts[0], parts[1]);
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        let public = provisioner.pair.public_key().as_ref();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
        public.verify(signed.as_bytes(), &signature).unwrap();
        let head: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
        assert_eq!(head["kid"], provisioner.identifier());
    }

    #[test]
    fn other_keys_are_refused() {
        for algorithm in [KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
            let key = AuthorityKey::generate(algorithm).unwrap();
            assert!(Provisioner::from_pem(&key.to_pem()).is_err());
        }
        assert!(Provisioner::from_pem(&"hello".into()).is_err());
    }
}
