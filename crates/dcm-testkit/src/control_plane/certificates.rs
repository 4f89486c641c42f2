//! A certificate authority for one control plane, and what is signed under it.
//!
//! Keys are ECDSA P-256 throughout: made in no time, and TLS with them is cheap.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// A certificate with its key, both PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn create() -> Result<Self, rcgen::Error> {
        let mut parameters = named("dcm-testkit-ca", None)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?,
        })
    }

    pub(super) fn certificate(&self) -> String {
        self.issuer.pem()
    }

    fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A client certificate: the common name is the user, the organization is the group.
    pub(super) fn client(&self, user: &str, group: Option<&str>) -> Result<Identity, rcgen::Error> {
        self.sign(named(user, group)?, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn server(&self) -> Result<Identity, rcgen::Error> {
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"];
        let mut parameters = named("kube-apiserver", None)?;
        let with_names = CertificateParams::new(names.map(str::to_owned))?;
        parameters.subject_alt_names = with_names.subject_alt_names;
        self.sign(parameters, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn sign(
        &self,
        mut parameters: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, rcgen::Error> {
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![usage];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Writes the files that the server processes are pointed at.
    pub(crate) fn write_server_files(&self, folder: &Path) -> Result<(), super::Error> {
        let server = self.server()?;
        let service_accounts = KeyPair::generate()?;
        for (name, content) in [
            ("ca.crt", self.certificate()),
            ("ca.key", self.key()),
            ("apiserver.crt", server.certificate),
            ("apiserver.key", server.key),
            ("service-accounts.key", service_accounts.serialize_pem()),
            ("service-accounts.pub", service_accounts.public_key_pem()),
        ] {
            write_private(&folder.join(name), &content).map_err(super::Error::PrepareFolder)?;
        }
        Ok(())
    }
}

/// Writes a file that only its owner can read.
pub(super) fn write_private(path: &Path, content: &str) -> io::Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content.as_bytes())
}

fn named(name: &str, organization: Option<&str>) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        parameters
            .distinguished_name
            .push(DnType::OrganizationName, organization);
    }
    // Wide, so that no test depends on the clock of the machine.
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2049, 12, 31);
    Ok(parameters)
}
