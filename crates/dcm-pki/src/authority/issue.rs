//! Issuing: build, read back, compare. Nothing that was not compared leaves this file.

use rcgen::CertificateParams;

use super::facts::Certificate;
use super::key::{AuthorityKey, Signer};
use super::profile::{self, Level, Profile};
use super::{Error, profile::whole_seconds};

/// An authority that can sign: its certificate and its key.
pub struct Issuer<'a> {
    certificate: &'a Certificate,
    key: &'a AuthorityKey,
}

impl<'a> Issuer<'a> {
    /// Joins a certificate with its key; refuses a key of another one, and one that may not sign.
    pub fn new(certificate: &'a Certificate, key: &'a AuthorityKey) -> Result<Self, Error> {
        if certificate.public_key != key.public_key_der() {
            return Err(Error::Asked(
                "must have the key of its certificate".to_owned(),
            ));
        }
        if certificate.authority.is_none() || !certificate.signs_certificates {
            return Err(Error::Asked("must be a certificate authority".to_owned()));
        }
        Ok(Self { certificate, key })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        self.certificate
    }

    pub(crate) fn rcgen(&self) -> Result<rcgen::Issuer<'a, Signer<'a>>, Error> {
        let der = self.certificate.der.as_slice().into();
        rcgen::Issuer::from_ca_cert_der(&der, Signer(self.key)).map_err(Error::Build)
    }
}

/// What was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, read back.
    pub certificate: Certificate,
}

/// A root, or the anchor of a logical cloud that stands under no root: signs itself.
pub fn self_sign(profile: &Profile, key: &AuthorityKey) -> Result<Issued, Error> {
    let parameters = profile.parameters()?;
    check_end(profile)?;
    let built = parameters.self_signed(&Signer(key)).map_err(Error::Build)?;
    let certificate = read_back(built.der(), profile, &key.public_key_der(), &parameters)?;
    let itself = certificate.clone();
    linked(&certificate, &itself)?;
    Ok(Issued { certificate })
}

/// An authority below another one.
pub fn issue(profile: &Profile, key: &AuthorityKey, issuer: &Issuer<'_>) -> Result<Issued, Error> {
    let parameters = profile.parameters()?;
    check_end(profile)?;
    let parent = issuer.certificate;
    leaves_room(parent, profile.level)?;
    if profile.not_after > parent.not_after {
        return Err(Error::Asked("must not end after its issuer".to_owned()));
    }
    let built = parameters
        .signed_by(&Signer(key), &issuer.rcgen()?)
        .map_err(Error::Build)?;
    let certificate = read_back(built.der(), profile, &key.public_key_der(), &parameters)?;
    linked(&certificate, parent)?;
    Ok(Issued { certificate })
}

fn check_end(profile: &Profile) -> Result<(), Error> {
    if profile.not_after <= profile.now {
        return Err(Error::Asked("must end in the future".to_owned()));
    }
    Ok(())
}

/// The parent may have an authority of this level below it, and that one those below it.
fn leaves_room(parent: &Certificate, level: Level) -> Result<(), Error> {
    let room = match parent.authority {
        Some(None) => true,
        Some(Some(length)) => length > u32::from(level.path_length()),
        None => false,
    };
    if room {
        Ok(())
    } else {
        let rule = "must stand under an issuer whose path length leaves room for it";
        Err(Error::Asked(rule.to_owned()))
    }
}

/// Reads what was built, and compares it with what was asked for.
fn read_back(
    der: &[u8],
    profile: &Profile,
    public_key: &[u8],
    parameters: &CertificateParams,
) -> Result<Certificate, Error> {
    let found = Certificate::from_der(der).map_err(Error::Built)?;
    let domain = profile.trust_domain.as_deref();
    let uris: Vec<String> = domain.map(profile::uri).into_iter().collect();
    let checks = [
        (found.public_key == public_key, "has another key"),
        (found.serial == profile.serial.bytes(), "has another number"),
        (
            found.not_before == profile.not_before(),
            "begins at another time",
        ),
        (
            found.not_after == whole_seconds(profile.not_after),
            "ends at another time",
        ),
        (
            found.authority == Some(Some(u32::from(profile.level.path_length())))
                && found.authority_is_critical,
            "is another kind of authority",
        ),
        (
            found.signs_certificates && found.signs_lists,
            "may not sign",
        ),
        (!found.has_purposes, "is limited to purposes"),
        (
            found.uris == uris && found.other_names == 0,
            "has other names",
        ),
        (
            found.has_name_constraints != parameters.custom_extensions.is_empty(),
            "has other constraints",
        ),
        (found.key_identifier.is_some(), "has no key identifier"),
        (found.weakness.is_none(), "is too weak"),
        (
            !found.unknown_critical,
            "has an extension that was not asked for",
        ),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        None => Ok(found),
        Some((_, difference)) => Err(Error::Built(difference)),
    }
}

/// The link between a certificate and its issuer is whole: name, key identifier, signature.
fn linked(certificate: &Certificate, issuer: &Certificate) -> Result<(), Error> {
    // A subject with the same attribute twice does not survive the library; then no chain would be built.
    if certificate.issuer != issuer.subject {
        return Err(Error::Built(
            "names its issuer in another way than the issuer itself",
        ));
    }
    if certificate.issuer_key_identifier != issuer.key_identifier {
        return Err(Error::Built("has another key identifier for its issuer"));
    }
    if !certificate.is_signed_by(issuer) {
        return Err(Error::Built("is not signed by its issuer"));
    }
    Ok(())
}
