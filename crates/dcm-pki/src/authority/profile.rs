//! What stands in the certificate of an authority, by its level.
//!
//! Sources: RFC 5280 (4.1.2.2 serial, 4.2.1.1 and 4.2.1.2 key identifiers, 4.2.1.3 key usage, 4.2.1.9 basic
//! constraints), the SPIFFE X.509-SVID standard (a signing certificate has at most one URI, without a path).

use dcm_types::Timestamp;
use jiff::SignedDuration;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa,
    KeyIdMethod, KeyUsagePurpose, SanType, SerialNumber,
};
use time::OffsetDateTime;

use super::Error;

/// How far back a certificate begins, for peers whose clocks are behind.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Most characters of one part of a subject (X.520: 64 for each of these attributes).
const PART_LIMIT: usize = 64;
/// `id-ce-nameConstraints` (RFC 5280 4.2.1.10).
const NAME_CONSTRAINTS: [u64; 4] = [2, 5, 29, 30];

/// Where an authority stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The organisation's root; signs the anchors of logical clouds.
    Root,
    /// The anchor of one logical cloud; signs the intermediates of its edges, and nothing outside trusts it.
    Cloud,
    /// The intermediate of one edge; signs workloads only.
    Edge,
}

impl Level {
    /// How many authorities may follow below it.
    pub const fn path_length(self) -> u8 {
        match self {
            Self::Root => 2,
            Self::Cloud => 1,
            Self::Edge => 0,
        }
    }
}

/// A serial number: 128 random bits, made positive and not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Serial([u8; 16]);

impl Serial {
    /// Makes one of random bytes. The second bit is set, so that it always has 16 bytes and is positive.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        let [first, ..] = &mut bytes;
        *first = (*first & 0x7f) | 0x40;
        Self(bytes)
    }

    /// Its bytes, as they stand in the certificate.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Who an authority is. A subject is never used again for another key: whoever names it counts generations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The organisation.
    pub organization: String,
    /// The logical cloud; the root has none.
    pub unit: Option<String>,
    /// Its own name, with its generation.
    pub common_name: String,
}

/// What a certificate is asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Where it stands.
    pub level: Level,
    /// Who it is.
    pub subject: Subject,
    /// Its number, never used before by the same issuer.
    pub serial: Serial,
    /// The trust domain of the mesh: becomes its one alternative name `spiffe://DOMAIN`. A root has none.
    pub trust_domain: Option<String>,
    /// Whether workloads of other trust domains are refused by the certificate itself. Off unless asked
    /// for: verifiers that do not know such constraints refuse every chain that has one.
    pub constrained: bool,
    /// Now.
    pub now: Timestamp,
    /// Its end.
    pub not_after: Timestamp,
}

impl Profile {
    /// Its first moment.
    pub fn not_before(&self) -> Timestamp {
        whole_seconds(self.now)
            .saturating_sub(SKEW)
            .unwrap_or(Timestamp::MIN)
    }

    /// What the library shall build; every default of it that matters is set here.
    pub(super) fn parameters(&self) -> Result<CertificateParams, Error> {
        let mut parameters = CertificateParams::default();
        parameters.not_before = moment(self.not_before())?;
        parameters.not_after = moment(self.not_after)?;
        parameters.serial_number = Some(SerialNumber::from_slice(self.serial.bytes()));
        parameters.distinguished_name = self.name()?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(self.level.path_length()));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_identifier_method = KeyIdMethod::Sha256;
        if let Some(domain) = &self.trust_domain {
            let uri = uri(domain).try_into().map_err(Error::Build)?;
            parameters.subject_alt_names = vec![SanType::URI(uri)];
            if self.constrained {
                parameters.custom_extensions = vec![only_domain(domain)];
            }
        }
        Ok(parameters)
    }

    pub(super) fn name(&self) -> Result<DistinguishedName, Error> {
        let mut name = DistinguishedName::new();
        let subject = &self.subject;
        let unit = subject.unit.as_deref();
        let parts = [
            (
                DnType::OrganizationName,
                Some(subject.organization.as_str()),
            ),
            (DnType::OrganizationalUnitName, unit),
            (DnType::CommonName, Some(subject.common_name.as_str())),
        ];
        for (attribute, text) in parts {
            let Some(text) = text else { continue };
            let characters = text.chars().count();
            if characters == 0 || characters > PART_LIMIT || text.chars().any(char::is_control) {
                let rule = "must have 1 to 64 characters in each part of its subject, none of them a control character";
                return Err(Error::Asked(rule.to_owned()));
            }
            name.push(attribute, text);
        }
        Ok(name)
    }
}

/// The identity of a trust domain.
pub(super) fn uri(domain: &str) -> String {
    format!("spiffe://{domain}")
}

/// Name constraints: URIs of this host only, critical. The library cannot write them by itself.
fn only_domain(domain: &str) -> CustomExtension {
    // NameConstraints ::= SEQUENCE { permittedSubtrees [0] { GeneralSubtree { uniformResourceIdentifier [6] } } }
    let uri = tagged(0x86, domain.as_bytes());
    let subtree = tagged(0x30, &uri);
    let permitted = tagged(0xa0, &subtree);
    let content = tagged(0x30, &permitted);
    let mut extension = CustomExtension::from_oid_content(&NAME_CONSTRAINTS, content);
    extension.set_criticality(true);
    extension
}

/// DER: tag, length, content. Trust domains have at most 255 bytes, so two bytes of length are enough.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    let mut der = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    der.extend_from_slice(content);
    der
}

/// Certificates count whole seconds.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

pub(crate) fn moment(at: Timestamp) -> Result<OffsetDateTime, Error> {
    OffsetDateTime::from_unix_timestamp(at.as_second())
        .map_err(|_| Error::Asked("must end at a time that a calendar knows".to_owned()))
}
