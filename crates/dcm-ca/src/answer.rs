//! Authorities of others: requests that they sign, and certificates that come with their keys. All is checked
//! before it is taken: the signer may be careless, or answer with something else.

use dcm_pki::authority::{Asked, AuthorityKey, Certificate, authority_request, check_answer};
use dcm_store::{Batch, Expect, Versioned};
use dcm_types::ca::{
    AuthorityRequest, AuthorityScope, ImportAuthority, InstallSigned, KeyOrigin, Requester,
    RotationKind, RotationPhase, TrustModel,
};
use dcm_types::documents::ca::{
    AuthorityOwner, CaAuthority, CaVerb, MadeRequest, PendingRequest, RequestSigner, Rotation,
};
use dcm_types::{Document as _, Key, Timestamp};

use crate::controller::itself;
use crate::establish::{add, anchor, level};
use crate::events::{self, tell};
use crate::issue::{Made, fingerprint, sign_list};
use crate::keys::{KEY, KeyPlace, REQUEST_KEY};
use crate::settle::settle;
use crate::{Controller, Error, plan};

/// Largest text of a chain that is read.
const SIZE_LIMIT: usize = 64 * 1024;

/// What somebody else signed.
struct Foreign<'a> {
    scope: &'a AuthorityScope,
    chain_pem: &'a str,
    anchor_fingerprint: Option<&'a str>,
    /// What an answer of the issuer is held against besides.
    bounds: Option<&'a Bounds>,
    origin: KeyOrigin,
    generation: u64,
    by: &'a Requester,
}

/// What is asked of the issuer of the configuration only.
pub(crate) struct Bounds {
    /// The request that it answers.
    pub(crate) epoch: u64,
    /// The certificate that its answer must lead to.
    pub(crate) anchor: Certificate,
    /// It must end between these two.
    pub(crate) ends: (Timestamp, Timestamp),
}

impl Controller {
    /// The authority of a scope; a new one without certificates where there is none, with what it must not meet.
    async fn authority_for(
        &self,
        scope: &AuthorityScope,
    ) -> Result<
        (
            CaAuthority,
            Option<Versioned<CaAuthority>>,
            Option<(Key, Expect)>,
        ),
        Error,
    > {
        let (key, cloud) = match scope {
            AuthorityScope::Organization => (Key::ca_organization(), None),
            AuthorityScope::Cloud(name) => {
                let cloud = self.cloud(name).await?;
                (Key::ca_authority(cloud.document.uid), Some(cloud))
            }
        };
        let guard = cloud.as_ref().map(|cloud| {
            let expect = Expect::Number(cloud.version.number);
            (cloud.document.key(), expect)
        });
        if let Some(found) = self.read_authority(&key).await? {
            return Ok((found.document.clone(), Some(found), guard));
        }
        let owner = AuthorityOwner::Organization;
        let new = match &cloud {
            Some(cloud) => self.empty_authority(cloud).await?,
            None => self.nothing_of(owner, TrustModel::CloudRoot, None),
        };
        Ok((new, None, guard))
    }

    /// Asks for a request; the loop makes it.
    pub(crate) async fn request(
        &self,
        scope: &AuthorityScope,
        by: &Requester,
    ) -> Result<AuthorityRequest, Error> {
        settle(|| self.try_request(scope, by)).await
    }

    async fn try_request(
        &self,
        scope: &AuthorityScope,
        by: &Requester,
    ) -> Result<AuthorityRequest, Error> {
        let (mut authority, read, guard) = self.authority_for(scope).await?;
        if let Some(pending) = &authority.request {
            return Ok(AuthorityRequest {
                scope: scope.clone(),
                pem: pending.made.as_ref().map(|made| made.pem.clone()),
                asked_at: pending.asked_at,
            });
        }
        refuse_while_rotating(&authority)?;
        let asked_at = self.now();
        // The number is taken now: it stands in the subject, and no other key may have that.
        authority.last_generation += 1;
        authority.request = Some(PendingRequest {
            epoch: authority.last_generation,
            asked_at,
            made: None,
            signer: RequestSigner::Somebody,
        });
        let mut batch = Batch::new();
        let event = self.told(
            &authority,
            by,
            CaVerb::Requested,
            None,
            "a certificate request",
        );
        tell(&mut batch, &authority.chain(), &mut authority.events, event)?;
        self.commit_foreign(batch, &authority, read.as_ref(), guard)
            .await?;
        Ok(AuthorityRequest {
            scope: scope.clone(),
            pem: None,
            asked_at,
        })
    }

    /// Makes key and text of a request that was asked for. `false`: there is none.
    pub(crate) async fn make_request(&self, read: &Versioned<CaAuthority>) -> Result<bool, Error> {
        let mut authority = read.document.clone();
        let Some(epoch) = authority
            .request
            .as_ref()
            .and_then(|request| request.made.is_none().then_some(request.epoch))
        else {
            return Ok(false);
        };
        let key = self.pool.make(self.policy().anchor_algorithm).await?;
        let issuer = self.issuer_of(&authority);
        let ends = issuer.map(|issuer| issuer.anchor.not_after);
        let profile = self.anchor_profile(&authority, epoch, ends);
        let made = authority_request(&profile, &key)?;
        let place = KeyPlace {
            document: &authority.key(),
            uid: authority.uid,
            field: REQUEST_KEY,
            epoch,
        };
        let sealed = self.seal(place, &key)?;
        if let Some(request) = &mut authority.request {
            request.made = Some(MadeRequest {
                key: sealed,
                pem: made.pem,
                subject: hex::encode(made.subject),
            });
        }
        self.commit_authority(Batch::new(), &authority, read)
            .await?;
        Ok(true)
    }

    /// Takes the answer to a request.
    pub(crate) async fn install(
        &self,
        answer: &InstallSigned,
        by: &Requester,
    ) -> Result<CaAuthority, Error> {
        settle(|| self.try_install(answer, None, by)).await
    }

    /// Takes an answer of the issuer.
    pub(crate) async fn install_issued(
        &self,
        answer: &InstallSigned,
        bounds: &Bounds,
    ) -> Result<CaAuthority, Error> {
        let by = itself();
        settle(|| self.try_install(answer, Some(bounds), &by)).await
    }

    async fn try_install(
        &self,
        answer: &InstallSigned,
        bounds: Option<&Bounds>,
        by: &Requester,
    ) -> Result<CaAuthority, Error> {
        let (authority, read, guard) = self.authority_for(&answer.scope).await?;
        let Some((request, made)) = authority
            .request
            .as_ref()
            .and_then(|request| Some((request, request.made.as_ref()?)))
            .filter(|(request, _)| bounds.is_none_or(|bounds| bounds.epoch == request.epoch))
        else {
            let hint = "ask for a certificate request first";
            return Err(Error::conflict(
                "no certificate request waits for an answer",
                hint,
            ));
        };
        let place = KeyPlace {
            document: &authority.key(),
            uid: authority.uid,
            field: REQUEST_KEY,
            epoch: request.epoch,
        };
        let key = self.open_key(place, &made.key)?;
        let subject = hex::decode(&made.subject).map_err(|error| Error::Stored {
            what: "subject of a request",
            rule: error.to_string(),
        })?;
        let foreign = Foreign {
            scope: &answer.scope,
            chain_pem: &answer.chain_pem,
            anchor_fingerprint: answer.anchor_fingerprint.as_deref(),
            bounds,
            origin: match bounds {
                None => KeyOrigin::SignedElsewhere,
                Some(_) => KeyOrigin::Issued,
            },
            generation: request.epoch,
            by,
        };
        let chain = self.check(&authority, &foreign, &key, Some(&subject))?;
        self.take(authority, read.as_ref(), guard, (&foreign, chain, key))
            .await
    }

    /// Takes a certificate with its key.
    pub(crate) async fn import_authority(
        &self,
        import: &ImportAuthority,
        by: &Requester,
    ) -> Result<CaAuthority, Error> {
        settle(|| self.try_import(import, by)).await
    }

    async fn try_import(
        &self,
        import: &ImportAuthority,
        by: &Requester,
    ) -> Result<CaAuthority, Error> {
        let (authority, read, guard) = self.authority_for(&import.scope).await?;
        let key =
            AuthorityKey::from_pem(import.key.secret()).map_err(|error| Error::answer(&error))?;
        let foreign = Foreign {
            scope: &import.scope,
            chain_pem: &import.chain_pem,
            anchor_fingerprint: import.anchor_fingerprint.as_deref(),
            bounds: None,
            origin: KeyOrigin::Imported,
            generation: authority.last_generation + 1,
            by,
        };
        let chain = self.check(&authority, &foreign, &key, None)?;
        self.take(authority, read.as_ref(), guard, (&foreign, chain, key))
            .await
    }

    /// All rules of what comes from others.
    fn check(
        &self,
        authority: &CaAuthority,
        foreign: &Foreign<'_>,
        key: &AuthorityKey,
        subject: Option<&[u8]>,
    ) -> Result<Vec<Certificate>, Error> {
        if !waits_for_answer(authority) || foreign.origin == KeyOrigin::Imported {
            refuse_while_rotating(authority)?;
        }
        if foreign.chain_pem.len() > SIZE_LIMIT {
            let rule = "must be at most 64 KiB, with the certificate";
            let hint = "give the certificate and those above it, and nothing else";
            return Err(Error::invalid("chain", rule, hint));
        }
        let refused = |error| Error::answer(&error);
        let pinned = match foreign.anchor_fingerprint {
            None => None,
            Some(wanted) => {
                let given = dcm_pki::authority::certificates(foreign.chain_pem, "the signed chain");
                let wanted = wanted.replace(':', "").to_ascii_lowercase();
                let mut given = given.map_err(refused)?.into_iter();
                let found = given
                    .find(|one| fingerprint(one) == wanted)
                    .ok_or_else(|| {
                        let rule = "must be the SHA-256 of a certificate of the chain";
                        let hint = "give the chain up to it, or the right fingerprint";
                        Error::invalid("anchorFingerprint", rule, hint)
                    })?;
                Some(found)
            }
        };
        let anchors = authority.anchors.iter();
        let used: Vec<Vec<u8>> = anchors
            .filter_map(|anchor| hex::decode(&anchor.serial).ok())
            .collect();
        let asked = Asked {
            key,
            level: level(authority),
            subject,
            trust_domain: subject.and(authority.trust_domain.as_deref()),
            anchor: pinned
                .as_ref()
                .or(foreign.bounds.map(|bounds| &bounds.anchor)),
            until: foreign.bounds.map(|bounds| bounds.ends.1),
            used_serials: &used,
            now: self.now(),
        };
        let chain = check_answer(foreign.chain_pem, &asked).map_err(refused)?;
        let ends = chain.first().map(|one| one.not_after);
        if let (Some(bounds), Some(ends)) = (foreign.bounds, ends)
            && ends < bounds.ends.0
        {
            let rule = "must be valid for longer than an intermediate below it";
            let hint = "let the issuer sign for longer, or renew what it signs with";
            return Err(Error::invalid("certificate", rule, hint));
        }
        Ok(chain)
    }

    /// Stores what was checked: the first of its scope signs at once; a cloud that has an anchor begins to
    /// rotate to it.
    async fn take(
        &self,
        mut authority: CaAuthority,
        read: Option<&Versioned<CaAuthority>>,
        guard: Option<(Key, Expect)>,
        (foreign, chain, key): (&Foreign<'_>, Vec<Certificate>, AuthorityKey),
    ) -> Result<CaAuthority, Error> {
        let generation = foreign.generation;
        let place = KeyPlace {
            document: &authority.key(),
            uid: authority.uid,
            field: KEY,
            epoch: generation,
        };
        let sealed = self.seal(place, &key)?;
        let mut chain = chain.into_iter();
        let Some(certificate) = chain.next() else {
            let rule = "must hold a PEM certificate";
            return Err(Error::invalid("certificate", rule, "give it"));
        };
        let list = authority.lists + 1;
        let (list, _) = sign_list(&certificate, &key, list, &[], self.policy(), self.now())?;
        let above = chain.collect();
        let made = Made {
            certificate,
            above,
            list,
        };
        let next = anchor(made, generation, (foreign.origin, None), sealed);
        let verb = match foreign.origin {
            KeyOrigin::Imported => CaVerb::Imported,
            KeyOrigin::Made | KeyOrigin::SignedElsewhere | KeyOrigin::Issued => CaVerb::Installed,
        };
        let waited = waits_for_answer(&authority);
        authority.request = None;
        let mut batch = Batch::new();
        let rotates = authority.signing > 0 && matches!(foreign.scope, AuthorityScope::Cloud(_));
        if rotates && waited {
            self.take_next(&mut batch, &mut authority, next, (verb, foreign.by))?;
        } else if rotates {
            self.begin(&mut batch, &mut authority, RotationKind::Anchor, foreign.by)?;
            self.take_next(&mut batch, &mut authority, next, (verb, foreign.by))?;
        } else {
            let certificate = Some(events::of_anchor(&next));
            let event = self.told(&authority, foreign.by, verb, certificate, "");
            tell(&mut batch, &authority.chain(), &mut authority.events, event)?;
            add(&mut authority, next);
            plan::first_anchor(&mut authority, generation);
        }
        self.commit_foreign(batch, &authority, read, guard).await?;
        Ok(authority)
    }

    async fn commit_foreign(
        &self,
        mut batch: Batch,
        authority: &CaAuthority,
        read: Option<&Versioned<CaAuthority>>,
        guard: Option<(Key, Expect)>,
    ) -> Result<(), Error> {
        if let Some((key, expect)) = guard {
            batch.assert(key, expect);
        }
        let expect = read.map_or(Expect::Absent, |found| Expect::Untouched(found.version));
        batch.put(authority, expect)?;
        self.store().commit(batch).await?;
        self.tell_authority(authority);
        Ok(())
    }
}

/// A rotation waits for the answer to its request, whoever gives it.
fn waits_for_answer(authority: &CaAuthority) -> bool {
    let requested = |running: &Rotation| {
        running.kind == RotationKind::Anchor && running.phase == RotationPhase::Requested
    };
    let asked = authority.request.as_ref();
    asked.is_some_and(PendingRequest::is_for_issuer) && authority.running().is_some_and(requested)
}

fn refuse_while_rotating(authority: &CaAuthority) -> Result<(), Error> {
    match authority.running() {
        None => Ok(()),
        Some(running) => {
            let message = format!(
                "a rotation is running, in phase '{}'",
                running.phase.as_str()
            );
            Err(Error::conflict(
                message,
                "wait until it is over, or abort it",
            ))
        }
    }
}
