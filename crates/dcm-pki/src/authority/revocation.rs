//! Lists of revoked certificates (RFC 5280, section 5). A mesh wants one of every issuer in its chain, also
//! an empty one, and none that is over.

use dcm_types::Timestamp;
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::facts::Certificate;
use super::issue::Issuer;
use super::{Error, profile};
use crate::blocks;

/// Label of such a list in PEM.
pub(crate) const LABEL: &str = "X509 CRL";

/// One certificate that shall not be trusted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Its number.
    pub serial: Vec<u8>,
    /// Since when.
    pub at: Timestamp,
}

/// Signs the list of an issuer, DER: its number grows with each, and it is valid until `next`.
pub fn revocation_list(
    issuer: &Issuer<'_>,
    number: u64,
    revoked: &[Revoked],
    (now, next): (Timestamp, Timestamp),
) -> Result<Vec<u8>, Error> {
    let certificate = issuer.certificate();
    let revoked_certs = revoked
        .iter()
        .map(|one| {
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&one.serial),
                revocation_time: profile::moment(one.at)?,
                reason_code: Some(RevocationReason::CaCompromise),
                invalidity_date: None,
            })
        })
        .collect::<Result<_, Error>>()?;
    // The library would derive the identifier of the issuer's key anew: an imported one may have another.
    let identifier = certificate.key_identifier.clone().unwrap_or_default();
    let list = CertificateRevocationListParams {
        this_update: profile::moment(now)?,
        next_update: profile::moment(next)?,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::PreSpecified(identifier),
    };
    let list = list.signed_by(&issuer.rcgen()?).map_err(Error::Build)?;
    let der = list.der().to_vec();
    let read = RevocationList::from_der(&der).map_err(Error::Built)?;
    if read.is_signed_by(certificate) && read.revoked.len() == revoked.len() {
        Ok(der)
    } else {
        Err(Error::Built("is another list"))
    }
}

/// A list, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    der: Vec<u8>,
    /// The issuer's subject, as its bytes stand there.
    pub issuer: Vec<u8>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When there should be the next one.
    pub next_update: Option<Timestamp>,
    /// Numbers of the revoked certificates.
    pub revoked: Vec<Vec<u8>>,
}

impl RevocationList {
    /// Reads one list, whole.
    pub fn from_der(der: &[u8]) -> Result<Self, &'static str> {
        let Ok(([], list)) = CertificateRevocationList::from_der(der) else {
            return Err("must hold X.509 lists of revoked certificates");
        };
        let moment = |seconds| {
            Timestamp::from_second(seconds).map_err(|_| "must have times that a calendar knows")
        };
        let next = list.next_update().map(|at| moment(at.timestamp()));
        Ok(Self {
            der: der.to_vec(),
            issuer: list.issuer().as_raw().to_vec(),
            this_update: moment(list.last_update().timestamp())?,
            next_update: next.transpose()?,
            revoked: list
                .iter_revoked_certificates()
                .map(|one| {
                    one.raw_serial()
                        .iter()
                        .copied()
                        .skip_while(|byte| *byte == 0)
                        .collect()
                })
                .collect(),
        })
    }

    /// Reads one list from PEM, whole.
    pub fn from_pem(pem: &str) -> Result<Self, &'static str> {
        match blocks::read(pem)?.as_slice() {
            [block] if block.label == LABEL => Self::from_der(&block.der),
            _ => Err("must hold exactly one PEM block X509 CRL"),
        }
    }

    /// As it is sent.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// It is signed by the key of that authority.
    pub fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let (Ok((_, list)), Ok((_, issuer))) = (
            CertificateRevocationList::from_der(&self.der),
            parse_x509_certificate(&issuer.der),
        ) else {
            return false;
        };
        list.verify_signature(issuer.public_key()).is_ok()
    }

    /// In PEM, in the one form that we write.
    pub fn to_pem(der: &[u8]) -> String {
        blocks::write(LABEL, der).to_string()
    }
}
