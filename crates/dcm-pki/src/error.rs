//! What can fail in this crate, apart from what a hostile input gets told (`Fault`, `Mismatch`).
//!
//! No variant carries text of its input: that input may be a secret.

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cryptographic library could not make a key.
    #[error("generate a P-256 key")]
    GenerateKey,
    /// The text is not an unencrypted P-256 key in PKCS#8 PEM.
    #[error("read a P-256 key in PKCS#8 PEM")]
    ReadUserKey,
    /// The text is not one unencrypted private key that we know.
    #[error("read a private key: {0}")]
    ReadPrivateKey(&'static str),
    /// The common name cannot stand in a certificate.
    #[error("put the common name into a certificate request: {0}")]
    CommonName(&'static str),
    /// The request could not be built or signed.
    #[error("build a certificate request")]
    BuildRequest(#[source] rcgen::Error),
    /// The text is not a certificate request.
    #[error("read a certificate request: {0}")]
    ReadRequest(&'static str),
    /// The text is not a certificate.
    #[error("read a certificate: {0}")]
    ReadCertificate(&'static str),
    /// The certificate is for another key.
    #[error("the key is not that of the certificate")]
    KeyOfAnother,
    /// There is no certificate that a key is missing for.
    #[error("no key is missing: nobody keeps one for what is there")]
    KeyNotMissing,
    /// The sealed form of an administrator's credential could not be read back.
    #[error("read a stored administrator credential")]
    ReadCredential,
    /// The sealed form of a tenant's kubeconfig could not be read back.
    #[error("read a stored tenant kubeconfig")]
    ReadTenantKubeconfig,
}
