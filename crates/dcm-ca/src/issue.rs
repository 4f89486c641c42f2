//! The one place where certificates are issued: built, read back, verified by a second library, judged. What
//! does not pass never reaches the store.

use dcm_pki::authority::{
    AuthorityKey, Certificate, Chain, Issuer, Profile, RevocationList, Revoked, Serial, issue,
    revocation_list, verify_chain,
};
use dcm_pki::bundle::{self, Files, Limits, Rule};
use dcm_types::Timestamp;
use dcm_types::documents::ca::{Anchor, RevokedEdge, SignedList};
use sha2::{Digest as _, Sha256};

use crate::policy::{Policy, after, signed};
use crate::{Controller, Error};

/// An authority that can sign.
pub(crate) struct Opened {
    pub(crate) certificate: Certificate,
    pub(crate) key: AuthorityKey,
    /// Those above it, its issuer first.
    pub(crate) above: Vec<Certificate>,
}

/// What is to be issued.
pub(crate) struct Order<'a> {
    pub(crate) profile: Profile,
    pub(crate) key: &'a AuthorityKey,
    /// Number of its first list.
    pub(crate) list: u64,
    pub(crate) policy: &'a Policy,
}

/// What was issued and verified.
pub(crate) struct Made {
    pub(crate) certificate: Certificate,
    /// Those above it, its issuer first.
    pub(crate) above: Vec<Certificate>,
    pub(crate) list: SignedList,
}

/// What an edge is held against before it is stored.
pub(crate) struct Surroundings<'a> {
    /// The list of its anchor.
    pub(crate) anchor_list: &'a SignedList,
    /// What its peers trust.
    pub(crate) trusted: &'a [Certificate],
}

/// Issues the intermediate of an edge; its bundle is judged.
pub(crate) fn issue_verified(
    order: &Order<'_>,
    opened: &Opened,
    around: &Surroundings<'_>,
) -> Result<Made, Error> {
    let issuer = Issuer::new(&opened.certificate, &opened.key)?;
    let certificate = issue(&order.profile, order.key, &issuer)?.certificate;
    let (made, list) = with_list(certificate, opened.with_above(), order)?;
    verify_edge(&made, order, around, list)?;
    Ok(made)
}

/// Takes the certificate of an anchor that a back end signed, with those above it.
pub(crate) fn accepted(order: &Order<'_>, chain: Vec<Certificate>) -> Result<Made, Error> {
    let mut chain = chain.into_iter();
    let certificate = chain.next().ok_or_else(|| Error::Stored {
        what: "signed chain",
        rule: "must hold a certificate".to_owned(),
    })?;
    let (made, list) = with_list(certificate, chain.collect(), order)?;
    verify_anchor(&made, order, list)?;
    Ok(made)
}

fn with_list(
    certificate: Certificate,
    above: Vec<Certificate>,
    order: &Order<'_>,
) -> Result<(Made, Vec<u8>), Error> {
    let (key, policy, now) = (order.key, order.policy, order.profile.now);
    let (list, der) = sign_list(&certificate, key, order.list, &[], policy, now)?;
    let made = Made {
        certificate,
        above,
        list,
    };
    Ok((made, der))
}

/// An anchor is verified as peers see it, where it is the end of every chain, and up to its root.
fn verify_anchor(made: &Made, order: &Order<'_>, list: Vec<u8>) -> Result<(), Error> {
    let itself = Chain {
        authority: &made.certificate,
        between: &[],
        anchors: std::slice::from_ref(&made.certificate),
        lists: &[list],
    };
    verify_chain(&itself, order.key, order.profile.now)?;
    if let Some(top) = made.above.last() {
        let chain = Chain {
            authority: &made.certificate,
            between: &made.above,
            anchors: std::slice::from_ref(top),
            lists: &[],
        };
        verify_chain(&chain, order.key, order.profile.now)?;
    }
    Ok(())
}

fn verify_edge(
    made: &Made,
    order: &Order<'_>,
    around: &Surroundings<'_>,
    list: Vec<u8>,
) -> Result<(), Error> {
    let anchor = made.above.first().ok_or_else(|| Error::Stored {
        what: "anchor",
        rule: "must stand above its edges".to_owned(),
    })?;
    let of_anchor = stored_list(around.anchor_list)?;
    let lists = [list, of_anchor.der().to_vec()];
    let files = Files::new(
        &made.certificate,
        order.key.to_pem(),
        std::slice::from_ref(anchor),
        around.trusted,
        &lists,
    );
    judge(&files, order.policy, order.profile.now)
}

/// Refuses what breaks a rule; a leaf under it is verified by the second library there, with the lists. Only that it
/// ends soon is taken: near the end of its anchor nothing better can be had, and less than that would be worse.
fn judge(files: &Files, policy: &Policy, now: Timestamp) -> Result<(), Error> {
    let limits = Limits {
        now,
        longest_leaf: signed(policy.longest_leaf),
        propagation: signed(policy.propagation),
    };
    let findings = bundle::check(files, &limits);
    let broken: Vec<String> = findings
        .iter()
        .filter(|finding| finding.rule != Rule::EndsTooSoon)
        .map(ToString::to_string)
        .collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Error::Judged(broken.join("; ")))
    }
}

/// Signs the list of an authority.
pub(crate) fn sign_list(
    certificate: &Certificate,
    key: &AuthorityKey,
    number: u64,
    revoked: &[RevokedEdge],
    policy: &Policy,
    now: Timestamp,
) -> Result<(SignedList, Vec<u8>), Error> {
    let revoked = revoked
        .iter()
        .map(|one| {
            let serial = hex::decode(&one.serial).map_err(|error| Error::Stored {
                what: "number of a certificate",
                rule: error.to_string(),
            })?;
            Ok(Revoked { serial, at: one.at })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let ends_at = after(now, policy.list_life);
    let issuer = Issuer::new(certificate, key)?;
    let der = revocation_list(&issuer, number, &revoked, (now, ends_at))?;
    let list = SignedList {
        number,
        pem: RevocationList::to_pem(&der),
        made_at: now,
        ends_at,
    };
    Ok((list, der))
}

fn stored_list(list: &SignedList) -> Result<RevocationList, Error> {
    RevocationList::from_pem(&list.pem).map_err(|rule| Error::Stored {
        what: "list of revoked certificates",
        rule: rule.to_owned(),
    })
}

impl Opened {
    /// Itself and those above it.
    pub(crate) fn with_above(&self) -> Vec<Certificate> {
        let mut all = vec![self.certificate.clone()];
        all.extend(self.above.iter().cloned());
        all
    }
}

impl Controller {
    /// A number that was never used.
    pub(crate) fn serial(&self) -> Serial {
        Serial::from_random(self.random())
    }
}

/// The certificate of an anchor as it is stored.
pub(crate) fn stored_anchor(anchor: &Anchor) -> Result<Certificate, Error> {
    let one = stored(&anchor.certificate_pem)?;
    one.into_iter().next().ok_or_else(|| Error::Stored {
        what: "certificate",
        rule: "must be there".to_owned(),
    })
}

/// Certificates as they are stored.
pub(crate) fn stored(pem: &str) -> Result<Vec<Certificate>, Error> {
    if pem.is_empty() {
        return Ok(Vec::new());
    }
    Ok(dcm_pki::authority::certificates(
        pem,
        "a stored certificate",
    )?)
}

/// SHA-256 of a certificate, hex.
pub(crate) fn fingerprint(certificate: &Certificate) -> String {
    hex::encode(Sha256::digest(&certificate.der))
}
