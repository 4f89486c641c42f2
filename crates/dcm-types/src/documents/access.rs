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
    /// `pending-key`, at `epoch`.
    pub key: Sealed,
    /// The certificate signing request, PEM; compared byte by byte before approval.
    pub request_pem: String,
    /// When it was made.
    pub requested_at: Timestamp,
}

/// A certificate that was issued and matches its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCertificate {
    /// Secret epoch of its key.
    pub epoch: u64,
    /// The private key, sealed for [`crate::sealed::Purpose::UserKey`], field `key`, at `epoch`.
    pub key: Sealed,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// The JSON of `dcm_pki::kubeconfig::TenantKubeconfig`, sealed for
    /// [`crate::sealed::Purpose::TenantKubeconfig`], field `kubeconfig`, at `epoch`.
    pub kubeconfig: Sealed,
    /// Set once the bindings that this certificate rests on were read back; the kubeconfig is handed
    /// out only then.
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
    /// The one current certificate.
    pub current: Option<IssuedCertificate>,
    /// The next one, while it is being issued.
    pub pending: Option<PendingCertificate>,
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
