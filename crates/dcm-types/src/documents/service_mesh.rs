//! The mesh of a logical cloud: what its tenant wishes of it, and the service mesh document, which says what one
//! member shall hold of it. Never a key: that is joined at the moment of the call.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ca::{BundleVersion, TrustModel};
use crate::document::{Document, Index};
use crate::error::Violation;
use crate::key::{ClusterKey, DocumentKind, Key, TargetKey};
use crate::mesh_name::MeshName;
use crate::uid::Uid;

/// What a logical cloud has of a mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeshMode {
    /// Nothing.
    #[default]
    Off,
    /// A namespace with the bundle of authorities (`cacerts`), for a control plane that somebody else installs.
    CaOnly,
    /// A control plane of its own in every member.
    Istio,
}

impl MeshMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Off, Self::CaOnly, Self::Istio];

    /// Stable text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::CaOnly => "ca-only",
            Self::Istio => "istio",
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|mode| mode.as_str() == text);
        found.ok_or_else(|| Violation::new("must be off, ca-only or istio", text))
    }
}

/// What is wished of the mesh of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshSpec {
    /// What there is of it.
    pub mode: MeshMode,
    /// Namespace and revision in every member; made with this and never anew.
    pub name: MeshName,
    /// What stands above its anchor; `None`: what the CA controller does for all. Never changed: an anchor has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_model: Option<TrustModel>,
    /// Control planes may read the other members with bounded credentials.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remote_secrets: bool,
}

/// The mesh of a revision, frozen. Bundles have their own clock, and where gateways are is read when it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionMesh {
    /// What there is of it; never [`MeshMode::Off`].
    pub mode: MeshMode,
    /// Namespace and revision.
    pub name: MeshName,
    /// Where images of the control plane come from; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hub: String,
    /// Their version; empty where there is no control plane.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// Control planes may read the other members.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remote_secrets: bool,
}

/// SHA-256 of a rendered manifest, or of what it is rendered from; hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ManifestDigest(String);

impl ManifestDigest {
    /// The digest of a text.
    pub fn of(text: &str) -> Self {
        Self(hex::encode(Sha256::digest(text)))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ManifestDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let good = text.len() == 64 && text.bytes().all(digit);
        good.then_some(Self(text))
            .ok_or("must be 64 hex digits in lower case")
    }
}

impl From<ManifestDigest> for String {
    fn from(digest: ManifestDigest) -> Self {
        digest.0
    }
}

/// What was rendered for the control planes of a mesh; one text serves all members, with stand-ins for their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshManifest {
    /// Uid of the logical cloud.
    pub cloud_uid: Uid,
    /// Digest of the text.
    pub digest: ManifestDigest,
    /// Which renderer, in which version.
    pub renderer_version: String,
    /// YAML, one object per document.
    pub text: String,
}

impl Document for MeshManifest {
    const KIND: DocumentKind = DocumentKind::MeshManifest;

    fn key(&self) -> Key {
        Key::mesh_manifest(self.cloud_uid, &self.digest)
    }
}

/// Another member of the mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshPeer {
    /// Which cluster.
    pub cluster: ClusterKey,
    /// Its name in the mesh.
    pub cluster_name: String,
    /// Its network in the mesh.
    pub network: String,
    /// Where its gateway is reached: an address or the name of a host; `None`: not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Why a member could not be prepared. What was prepared before stays in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshProblem {
    /// One word in `CamelCase`, stable, for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// The bundle of a member, by reference and with its certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshBundle {
    /// Which one.
    pub version: BundleVersion,
    /// The member's intermediate, PEM.
    pub certificate_pem: String,
    /// The intermediate and those above it, up to its anchor, PEM.
    pub chain_pem: String,
    /// What workloads of the cloud trust, PEM.
    pub anchors_pem: String,
    /// End of the intermediate.
    pub not_after: Timestamp,
    /// When it is asked for again, at the latest.
    pub ask_again_at: Timestamp,
}

/// The service mesh document: what one member shall hold of the mesh of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceMesh {
    /// Cloud and cluster.
    pub key: TargetKey,
    /// Uid of the logical cloud.
    pub cloud_uid: Uid,
    /// Generation of the revision that it was prepared for.
    pub generation: u64,
    /// What there is of the mesh.
    pub mode: MeshMode,
    /// Namespace and revision of the mesh.
    pub name: MeshName,
    /// The member's name in the mesh.
    pub cluster_name: String,
    /// The member's network in the mesh.
    pub network: String,
    /// Under which the mesh's workloads are known; `None` before the first bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// Its bundle; `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<MeshBundle>,
    /// The manifest of its control plane; `None` where there is none, or before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestDigest>,
    /// Digest of what that was rendered from: the same is not rendered again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered_from: Option<ManifestDigest>,
    /// The other members, by cluster.
    #[serde(default)]
    pub peers: Vec<MeshPeer>,
    /// Why it is not as it should be; `None` when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<MeshProblem>,
    /// When anything of it last changed.
    pub prepared_at: Timestamp,
}

impl ServiceMesh {
    /// Key of its manifest, where it has one.
    pub fn manifest_key(&self) -> Option<Key> {
        let digest = self.manifest.as_ref()?;
        Some(Key::mesh_manifest(self.cloud_uid, digest))
    }

    /// Whether everything is there that its mode asks for.
    pub fn is_complete(&self) -> bool {
        let manifest = self.mode != MeshMode::Istio || self.manifest.is_some();
        self.bundle.is_some() && manifest
    }
}

impl Document for ServiceMesh {
    const KIND: DocumentKind = DocumentKind::ServiceMesh;

    fn key(&self) -> Key {
        Key::service_mesh(&self.key)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![
            (Index::Cluster, self.key.cluster.path()),
            (Index::Cloud, self.cloud_uid.to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_stored_form_of_a_mode_are_one() {
        for mode in MeshMode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
            assert_eq!(MeshMode::parse(mode.as_str()), Ok(mode));
        }
        let refused = MeshMode::parse("ambient").unwrap_err();
        assert_eq!(refused.rule, "must be off, ca-only or istio");
    }

    #[test]
    fn what_is_no_digest_is_not_read() {
        let digest = ManifestDigest::of("a");
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(
            serde_json::from_str::<ManifestDigest>(&text).unwrap(),
            digest
        );
        for text in ["\"\"", "\"../x\"", &text.to_uppercase()] {
            assert!(
                serde_json::from_str::<ManifestDigest>(text).is_err(),
                "{text}"
            );
        }
    }
}
