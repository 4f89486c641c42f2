//! Access: the credential of one user in one member. Written by the synchronizer only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::{Document, Index};
use crate::documents::CredentialKind;
use crate::key::{DocumentKind, Key, TargetKey};
use crate::name::UserName;
use crate::sealed::Sealed;
use crate::uid::Uid;

/// A certificate that was asked for and is not here yet. Stored before the request is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCertificate {
    /// Secret epoch; only grows.
    pub epoch: u64,
    /// Random name of the `CertificateSigningRequest` (T20).
    pub request_name: String,
    /// The private key, PKCS#8 PEM, sealed for [`crate::sealed::Purpose::UserKey`], field
    /// `pending-key`, at `epoch`; `None`: only its holder has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Sealed>,
    /// The certificate signing request, PEM; compared byte by byte before approval.
    pub request_pem: String,
    /// When it was made.
    pub requested_at: Timestamp,
}

/// What was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Proof {
    /// A certificate that matches its key.
    Certificate {
        /// The certificate, PEM.
        certificate_pem: String,
        /// The private key, sealed for [`crate::sealed::Purpose::UserKey`], field `key`, at the epoch;
        /// `None`: only its holder has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<Sealed>,
    },
    /// A token; it stands in the kubeconfig only.
    Token {
        /// Uid of the `ServiceAccount` in the member: a token dies with it.
        account_uid: String,
    },
}

/// A credential that was issued and is what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCredential {
    /// Secret epoch.
    pub epoch: u64,
    /// What it is.
    #[serde(flatten)]
    pub proof: Proof,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// The JSON of `dcm_pki::kubeconfig::TenantKubeconfig`, sealed for
    /// [`crate::sealed::Purpose::TenantKubeconfig`], field `kubeconfig`, at `epoch`.
    pub kubeconfig: Sealed,
    /// Set once the bindings that it rests on were read back; the kubeconfig is handed out only then.
    pub usable: bool,
}

/// The credential of one user in one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Cloud and cluster.
    pub target: TargetKey,
    /// The user's name.
    pub user: UserName,
    /// Made with this document; part of the associated data of its sealed fields.
    pub uid: Uid,
    /// Uid of the logical cloud.
    pub cloud_uid: Uid,
    /// Common name in the certificate and subject of the bindings.
    pub identity: String,
    /// Kind of credential.
    pub credential: CredentialKind,
    /// The last secret epoch of earlier identities; epochs only grow.
    #[serde(default)]
    pub last_epoch: u64,
    /// The one that is in force.
    pub current: Option<IssuedCredential>,
    /// The next certificate, while it is being issued.
    pub pending: Option<PendingCertificate>,
}

impl Access {
    /// The latest secret epoch that was used for it.
    pub fn latest_epoch(&self) -> u64 {
        let current = self.current.as_ref().map_or(0, |current| current.epoch);
        let pending = self.pending.as_ref().map_or(0, |pending| pending.epoch);
        current.max(pending).max(self.last_epoch)
    }
}

impl Document for Access {
    const KIND: DocumentKind = DocumentKind::Access;

    fn key(&self) -> Key {
        Key::access(&self.target, &self.user)
    }

    fn indexes(&self) -> Vec<(Index, String)> {
        vec![(Index::Cloud, self.cloud_uid.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_an_earlier_version_is_read() {
        let text = r#"{"epoch":3,"key":"k","certificate_pem":"c","not_before":"2026-01-01T00:00:00Z",
            "not_after":"2026-01-08T00:00:00Z","kubeconfig":"s","usable":true}"#;
        let read: IssuedCredential = serde_json::from_str(text).unwrap();
        let proof = Proof::Certificate {
            certificate_pem: "c".to_owned(),
            key: Some(Sealed("k".to_owned())),
        };
        assert_eq!((read.epoch, &read.proof), (3, &proof));
        let written = serde_json::to_value(&read).unwrap();
        let same: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(written, same);
    }
}
