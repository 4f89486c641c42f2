//! The authorities above the edges: a cloud's anchors, and the organisation's root.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::private_key::PrivateKeyPem;
use super::rotation::RotationState;
use crate::key::CloudKey;
use crate::key_algorithm::KeyAlgorithm;

/// What stands above the anchor of a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustModel {
    /// The anchor is signed by the organisation's root, which stays out of the mesh.
    CloudIntermediate,
    /// The anchor signs itself.
    #[default]
    CloudRoot,
}

impl TrustModel {
    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudIntermediate => "cloud-intermediate",
            Self::CloudRoot => "cloud-root",
        }
    }
}

/// Whose authority is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorityScope {
    /// The organisation's root, above all clouds.
    Organization,
    /// The anchor of one logical cloud.
    Cloud(CloudKey),
}

/// Where a key and its certificate come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyOrigin {
    /// Key and certificate were made here.
    Made,
    /// Both were imported.
    Imported,
    /// The key was made here, and somebody else signed the certificate.
    SignedElsewhere,
    /// The key was made here, and the issuer of the configuration signed the certificate.
    Issued,
}

/// One authority, without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorSummary {
    /// Counts the authorities of the scope, from 1.
    pub generation: u64,
    /// Its subject in words.
    pub subject: String,
    /// Kind of its key; `None`: it was imported and is of a kind that is not made here.
    pub algorithm: Option<KeyAlgorithm>,
    /// Where it comes from.
    pub origin: KeyOrigin,
    /// Its number, hex.
    pub serial: String,
    /// SHA-256 of the certificate, hex.
    pub fingerprint: String,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Those above it, PEM, up to the one that signs itself; empty: it signs itself.
    pub above_pem: String,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// It is in `root-cert.pem` of every member.
    pub trusted: bool,
    /// It signs the intermediates.
    pub signs: bool,
    /// How many certificates it revoked.
    pub revoked: u64,
    /// When its list of revoked certificates ends; it is made anew before.
    pub list_ends_at: Option<Timestamp>,
}

/// What is told of the authorities of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthoritySummary {
    /// Whose.
    pub scope: AuthorityScope,
    /// What stands above it; the organisation's own signs itself, or was imported.
    pub trust_model: TrustModel,
    /// The trust domain of the mesh; the organisation has none.
    pub trust_domain: Option<String>,
    /// Number of the set of anchors that members shall trust.
    pub trust: u64,
    /// By generation, those that are not used any more left out.
    pub anchors: Vec<AnchorSummary>,
    /// The last rotation.
    pub rotation: Option<RotationState>,
    /// A request waits for its answer.
    pub request_pending: bool,
    /// Why the issuer did not answer it the last time; it is asked again.
    pub request_problem: Option<String>,
}

/// A request for somebody else to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityRequest {
    /// Whose authority the answer becomes.
    pub scope: AuthorityScope,
    /// PKCS#10, PEM; `None`: its key is being made, ask again.
    pub pem: Option<String>,
    /// When it was asked for.
    pub asked_at: Timestamp,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallSigned {
    /// To whose request.
    pub scope: AuthorityScope,
    /// The signed certificate first, then those above it.
    pub chain_pem: String,
    /// SHA-256 of the certificate that the chain must lead to, hex; `None`: the last one of the chain, whatever
    /// it is.
    pub anchor_fingerprint: Option<String>,
}

/// A certificate and its key that somebody else made.
#[derive(Debug, Clone)]
pub struct ImportAuthority {
    /// Whose authority it becomes.
    pub scope: AuthorityScope,
    /// The certificate first, then those above it.
    pub chain_pem: String,
    /// Its key, unencrypted.
    pub key: PrivateKeyPem,
    /// SHA-256 of the certificate that the chain must lead to, hex; `None`: the last one of the chain.
    pub anchor_fingerprint: Option<String>,
}
