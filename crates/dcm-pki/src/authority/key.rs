//! Key pairs of certificate authorities: made here or imported, stored sealed, never shown.
#![deny(clippy::indexing_slicing)]

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256,
};
use dcm_types::KeyAlgorithm;
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::Error;
use crate::blocks::{self, Block};
use crate::private_key;

/// Smallest modulus of an imported RSA key, in bits (RFC 8301 and the mesh's own minimum).
const RSA_MINIMUM: usize = 2048;

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key pair. It has no `Debug`, and its private bytes are wiped when it is dropped.
pub struct AuthorityKey {
    pair: Pair,
    public: Vec<u8>,
    signature: &'static SignatureAlgorithm,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl AuthorityKey {
    /// Makes a new key. RSA keys take up to a second of a core ([`KeyAlgorithm::is_slow`]).
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, Error> {
        let failed = |_| Error::GenerateKey(algorithm.as_str());
        let pkcs8 = match algorithm {
            KeyAlgorithm::EcdsaP256 => ecdsa_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed),
            KeyAlgorithm::EcdsaP384 => ecdsa_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING).map_err(failed),
            KeyAlgorithm::Ed25519 => Ed25519KeyPair::generate()
                .and_then(|pair| pair.to_pkcs8v1())
                .map(|document| Zeroizing::new(document.as_ref().to_vec()))
                .map_err(failed),
            KeyAlgorithm::Rsa3072 => rsa_pkcs8(KeySize::Rsa3072).map_err(failed),
            KeyAlgorithm::Rsa4096 => rsa_pkcs8(KeySize::Rsa4096).map_err(failed),
        }?;
        Self::from_pkcs8(&pkcs8).ok_or(Error::GenerateKey(algorithm.as_str()))
    }

    /// Reads a key that [`Self::to_pem`] wrote or that others made: PKCS#8, PKCS#1 or SEC 1 in PEM.
    pub fn from_pem(pem: &SecretString) -> Result<Self, Error> {
        let (block, _) = private_key::read(pem.expose_secret()).map_err(Error::ReadKey)?;
        let kind = "must be an RSA (2048 to 8192 bits), P-256, P-384 or Ed25519 key";
        Self::from_block(&block).ok_or(Error::ReadKey(kind))
    }

    fn from_block(block: &Block) -> Option<Self> {
        if block.label == blocks::PRIVATE_KEY {
            return Self::from_pkcs8(&block.der);
        }
        if let Ok(pair) = RsaKeyPair::from_der(&block.der) {
            return Self::of_rsa(pair);
        }
        let curves = [
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &ECDSA_P384_SHA384_ASN1_SIGNING,
        ];
        let pair = curves
            .iter()
            .find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, &block.der).ok())?;
        let document = pair.to_pkcs8v1().ok()?;
        Self::from_pkcs8(document.as_ref())
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let curves = [
            (
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                &rcgen::PKCS_ECDSA_P256_SHA256,
            ),
            (
                &ECDSA_P384_SHA384_ASN1_SIGNING,
                &rcgen::PKCS_ECDSA_P384_SHA384,
            ),
        ];
        for (curve, signature) in curves {
            if let Ok(pair) = EcdsaKeyPair::from_pkcs8(curve, der) {
                let public = pair.public_key().as_ref().to_vec();
                return Some(Self::of(Pair::Ecdsa(pair), public, signature, der));
            }
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            let public = pair.public_key().as_ref().to_vec();
            return Some(Self::of(
                Pair::Ed25519(pair),
                public,
                &rcgen::PKCS_ED25519,
                der,
            ));
        }
        Self::of_rsa(RsaKeyPair::from_pkcs8(der).ok()?)
    }

    fn of_rsa(pair: RsaKeyPair) -> Option<Self> {
        if pair.public_modulus_len() * 8 < RSA_MINIMUM {
            return None;
        }
        let der = Zeroizing::new(
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)
                .ok()?
                .as_ref()
                .to_vec(),
        );
        let public = pair.public_key().as_ref().to_vec();
        Some(Self::of(
            Pair::Rsa(pair),
            public,
            &rcgen::PKCS_RSA_SHA256,
            &der,
        ))
    }

    fn of(pair: Pair, public: Vec<u8>, signature: &'static SignatureAlgorithm, der: &[u8]) -> Self {
        Self {
            pair,
            public,
            signature,
            pkcs8: Zeroizing::new(der.to_vec()),
        }
    }

    /// The private key in PKCS#8 PEM: to be sealed, or for the one Secret that it is made for.
    pub fn to_pem(&self) -> SecretString {
        let text = blocks::write(blocks::PRIVATE_KEY, &self.pkcs8);
        SecretString::from(text.as_str())
    }

    /// The public key as it stands in a request or a certificate (`SubjectPublicKeyInfo`, DER).
    pub fn public_key_der(&self) -> Vec<u8> {
        Signer(self).subject_public_key_info()
    }
}

fn ecdsa_pkcs8(
    curve: &'static aws_lc_rs::signature::EcdsaSigningAlgorithm,
) -> Result<Zeroizing<Vec<u8>>, aws_lc_rs::error::Unspecified> {
    let document = EcdsaKeyPair::generate(curve)?.to_pkcs8v1()?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

fn rsa_pkcs8(size: KeySize) -> Result<Zeroizing<Vec<u8>>, aws_lc_rs::error::Unspecified> {
    let pair = RsaKeyPair::generate(size)?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

/// Lets the certificate library sign with a key that it does not hold.
pub(crate) struct Signer<'a>(pub(crate) &'a AuthorityKey);

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.0.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.signature
    }
}

impl SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let failed = |_| rcgen::Error::RemoteKeyError;
        let random = SystemRandom::new();
        match &self.0.pair {
            Pair::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(failed),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}
