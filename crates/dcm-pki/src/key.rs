//! The key pair of a logical cloud's user: P-256, made here, stored sealed, never shown.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::blocks;
use crate::error::Error;

/// A P-256 key pair. It has no `Debug`, and is wiped when it is dropped.
pub struct UserKey {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl UserKey {
    /// Makes a new key.
    pub fn generate() -> Result<Self, Error> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map_err(|_| Error::GenerateKey)?;
        let document = pair.to_pkcs8v1().map_err(|_| Error::GenerateKey)?;
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        Ok(Self { pair, pkcs8 })
    }

    /// The private key in PKCS#8 PEM, to be sealed.
    pub fn to_pem(&self) -> SecretString {
        let text = blocks::write(blocks::PRIVATE_KEY, &self.pkcs8);
        SecretString::from(text.as_str())
    }

    /// Reads back what [`Self::to_pem`] wrote.
    pub fn from_pem(pem: &SecretString) -> Result<Self, Error> {
        let found = blocks::read(pem.expose_secret()).map_err(|_| Error::ReadUserKey)?;
        let [block] = found.as_slice() else {
            return Err(Error::ReadUserKey);
        };
        if block.label != blocks::PRIVATE_KEY || block.encrypted {
            return Err(Error::ReadUserKey);
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &block.der)
            .map_err(|_| Error::ReadUserKey)?;
        let pkcs8 = block.der.clone();
        Ok(Self { pair, pkcs8 })
    }

    /// The public key as it stands in a request or a certificate (`SubjectPublicKeyInfo`, DER).
    pub fn public_key_der(&self) -> Vec<u8> {
        Signer(self).subject_public_key_info()
    }
}

/// Lets the certificate library sign with a key that it does not hold.
pub(crate) struct Signer<'a>(pub(crate) &'a UserKey);

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0
            .pair
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_pem_form() {
        let key = UserKey::generate().unwrap();
        let again = UserKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(key.public_key_der(), again.public_key_der());
    }

    #[test]
    fn two_keys_differ() {
        let (one, two) = (UserKey::generate().unwrap(), UserKey::generate().unwrap());
        assert_ne!(one.public_key_der(), two.public_key_der());
    }

    #[test]
    fn other_text_is_refused() {
        let pem = UserKey::generate().unwrap().to_pem();
        let pem = pem.expose_secret();
        let rows = [
            String::new(),
            "x".to_owned(),
            format!("{pem}{pem}"),
            pem.replace("PRIVATE KEY", "EC PRIVATE KEY"),
            pem.replacen('M', "A", 1),
        ];
        for row in rows {
            assert!(UserKey::from_pem(&SecretString::from(row)).is_err());
        }
    }
}
