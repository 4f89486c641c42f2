//! The key of a certificate authority: which kind it is.

use serde::{Deserialize, Serialize};

use crate::error::Violation;

/// Kinds of keys that certificate authorities of ours may have. More will come; what is stored is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384,
    /// RSA with 3072 bits, PKCS#1 v1.5 and SHA-256; made in about a quarter of a second.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA with 4096 bits, PKCS#1 v1.5 and SHA-256; made in about half a second.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// Ed25519. No document of Istio promises that it takes it, so it must be asked for by a switch.
    Ed25519,
}

impl KeyAlgorithm {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 5] = [
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::Ed25519,
    ];

    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::Ed25519 => "ed25519",
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::as_str).join(", ");
                Violation::new(format!("must be one of {known}"), text)
            })
    }

    /// Whether a key takes so long to make that it must not be made on a thread that others wait for.
    pub const fn is_slow(self) -> bool {
        matches!(self, Self::Rsa3072 | Self::Rsa4096)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_stored_form_are_one() {
        for algorithm in KeyAlgorithm::ALL {
            let stored = serde_json::to_value(algorithm).unwrap();
            assert_eq!(stored, algorithm.as_str());
            assert_eq!(KeyAlgorithm::parse(algorithm.as_str()).unwrap(), algorithm);
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "rsa-2048", "ECDSA-P256", "ecdsa-p521", "md5"] {
            assert!(KeyAlgorithm::parse(text).is_err(), "{text}");
        }
    }
}
