//! Those that need nobody else: a key that is here, and a person.

use async_trait::async_trait;
use dcm_pki::authority::{AuthorityKey, Certificate, Issuer, Profile, issue, self_sign};

use super::{Signed, SigningBackend, SigningError, SigningOrder};
use crate::Error;
use crate::issue::Opened;

/// The authority signs itself.
pub(crate) struct ItsOwn;

/// A key that is here signs, whether it was made here or imported.
pub(crate) struct KeyHere(pub(crate) Opened);

/// A person carries the request to somebody.
pub(crate) struct Somebody;

#[async_trait]
impl SigningBackend for ItsOwn {
    fn name(&self) -> &'static str {
        "itself"
    }

    async fn sign(&self, order: &SigningOrder<'_>) -> Result<Signed, SigningError> {
        let (profile, key) = inside(order)?;
        let made = self_sign(profile, key).map_err(Error::from)?;
        Ok(Signed::Chain(made.certificate.to_pem()))
    }
}

#[async_trait]
impl SigningBackend for KeyHere {
    fn name(&self) -> &'static str {
        "key"
    }

    async fn sign(&self, order: &SigningOrder<'_>) -> Result<Signed, SigningError> {
        let (profile, key) = inside(order)?;
        let issuer = Issuer::new(&self.0.certificate, &self.0.key).map_err(Error::from)?;
        let made = issue(profile, key, &issuer).map_err(Error::from)?;
        let above: String = self
            .0
            .with_above()
            .iter()
            .map(Certificate::to_pem)
            .collect();
        Ok(Signed::Chain(made.certificate.to_pem() + &above))
    }
}

#[async_trait]
impl SigningBackend for Somebody {
    fn name(&self) -> &'static str {
        "somebody"
    }

    async fn sign(&self, _: &SigningOrder<'_>) -> Result<Signed, SigningError> {
        Ok(Signed::Later)
    }
}

fn inside<'a>(order: &SigningOrder<'a>) -> Result<(&'a Profile, &'a AuthorityKey), Error> {
    order.inside.ok_or_else(|| Error::Stored {
        what: "order",
        rule: "must come with its profile".to_owned(),
    })
}
