//! Private keys that others made: which kind, and the public key that belongs to it.
#![deny(clippy::indexing_slicing)]

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};

use crate::blocks::{self, Block};

/// Label of a PKCS#1 key.
const RSA_KEY: &str = "RSA PRIVATE KEY";
/// Label of a SEC 1 key.
const EC_KEY: &str = "EC PRIVATE KEY";
/// `openssl ecparam` writes the name of the curve before the key; the key repeats it.
const EC_PARAMETERS: &str = "EC PARAMETERS";

/// The one private key of a PEM text, and the bytes of its public key as they stand in the bit string
/// of a certificate. The error is a rule that the text breaks.
pub(crate) fn read(pem: &str) -> Result<(Block, Vec<u8>), &'static str> {
    let mut found: Vec<Block> = blocks::read(pem)?
        .into_iter()
        .filter(|block| block.label != EC_PARAMETERS)
        .collect();
    let (Some(block), true) = (found.pop(), found.is_empty()) else {
        return Err("must hold exactly one PEM private key");
    };
    if block.encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return Err("must not be encrypted");
    }
    let public = match block.label.as_str() {
        blocks::PRIVATE_KEY => pkcs8(&block.der),
        RSA_KEY => RsaKeyPair::from_der(&block.der).ok().map(|key| rsa(&key)),
        EC_KEY => sec1(&block.der),
        _ => return Err("must hold a PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY"),
    };
    match public {
        Some(public) => Ok((block, public)),
        None => Err("must be an RSA (2048 to 8192 bits), P-256, P-384, P-521 or Ed25519 key"),
    }
}

fn rsa(key: &RsaKeyPair) -> Vec<u8> {
    key.public_key().as_ref().to_vec()
}

fn pkcs8(der: &[u8]) -> Option<Vec<u8>> {
    let curves = [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ];
    let ec = || {
        curves
            .iter()
            .find_map(|curve| EcdsaKeyPair::from_pkcs8(curve, der).ok())
    };
    if let Some(key) = ec() {
        return Some(key.public_key().as_ref().to_vec());
    }
    if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return Some(key.public_key().as_ref().to_vec());
    }
    RsaKeyPair::from_pkcs8(der).ok().map(|key| rsa(&key))
}

fn sec1(der: &[u8]) -> Option<Vec<u8>> {
    let curves = [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ];
    curves
        .iter()
        .find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok())
        .map(|key| key.public_key().as_ref().to_vec())
}
