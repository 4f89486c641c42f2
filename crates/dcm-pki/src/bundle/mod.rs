//! What lies in the Secret `cacerts` of a mesh: an edge's intermediate with its key, the chain, the anchors, and
//! lists of revoked certificates (Istio, "Plug in CA Certificates").

use secrecy::{ExposeSecret as _, SecretString};

use crate::authority::facts::Certificate;
use crate::authority::revocation::RevocationList;

mod check;
mod secret;

pub use check::{Finding, Limits, Rule, Severity, check, check_together};

/// The file with the certificate that signs workloads; exactly one.
pub const CERTIFICATE: &str = "ca-cert.pem";
/// The file with its private key.
pub const KEY: &str = "ca-key.pem";
/// The file that is sent after every leaf: the signing certificate first, then those above it.
pub const CHAIN: &str = "cert-chain.pem";
/// The file with what peers trust.
pub const ANCHORS: &str = "root-cert.pem";
/// The file with a list of revoked certificates of every issuer in the chain.
pub const LISTS: &str = "ca-crl.pem";

/// The files as texts, whoever made them.
pub struct Files {
    /// [`CERTIFICATE`].
    pub certificate: String,
    /// [`KEY`].
    pub key: SecretString,
    /// [`CHAIN`].
    pub chain: String,
    /// [`ANCHORS`].
    pub anchors: String,
    /// [`LISTS`]; may be missing.
    pub lists: Option<String>,
}

impl Files {
    /// Writes the files of an edge. `above` goes from the issuer of the edge up to its anchor.
    pub fn new(
        edge: &Certificate,
        key: SecretString,
        above: &[Certificate],
        anchors: &[Certificate],
        lists: &[Vec<u8>],
    ) -> Self {
        let texts = |certificates: &[Certificate]| -> String {
            certificates.iter().map(Certificate::to_pem).collect()
        };
        let lists: String = lists
            .iter()
            .map(|der| RevocationList::to_pem(der))
            .collect();
        Self {
            certificate: edge.to_pem(),
            key,
            chain: edge.to_pem() + &texts(above),
            anchors: texts(anchors),
            lists: (!lists.is_empty()).then_some(lists),
        }
    }

    /// Names and texts, in the order in which they are explained. The second one is the key.
    pub fn each(&self) -> Vec<(&'static str, &str)> {
        let mut files = vec![
            (CERTIFICATE, self.certificate.as_str()),
            (KEY, self.key.expose_secret()),
            (CHAIN, self.chain.as_str()),
            (ANCHORS, self.anchors.as_str()),
        ];
        files.extend(self.lists.as_deref().map(|lists| (LISTS, lists)));
        files
    }
}
