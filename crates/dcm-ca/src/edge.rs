//! Edges: what the plan says is needed is made, and committed on what it was decided on.

use dcm_pki::authority::{Level, Profile};
use dcm_store::{Batch, Expect, Versioned};
use dcm_types::ca::{CaBundle, CaChange, Requester};
use dcm_types::documents::LogicalCloud;
use dcm_types::documents::ca::{Anchor, CaAuthority, CaEdge, CaVerb, ChainEnd, EdgeGeneration};
use dcm_types::{Document as _, Kind, TargetKey, Timestamp};

use crate::bundle;
use crate::controller::itself;
use crate::events::{self, Told, tell};
use crate::issue::{self, Opened, Order, Surroundings, fingerprint, issue_verified, sign_list};
use crate::keys::{KEY, KeyPlace};
use crate::plan::{self, EdgeStep, Why, plan_edge};
use crate::policy::after;
use crate::settle::settle;
use crate::{Controller, Error, names};

/// Steps that one call does at most: authority, intermediate, and what a plan would say after them.
const STEPS: usize = 8;
/// Older intermediates that are remembered, without their keys.
const REMEMBERED: usize = 8;

/// What was read to decide on an edge.
pub(crate) struct Read<'a> {
    pub(crate) cloud: &'a Versioned<LogicalCloud>,
    pub(crate) authority: &'a Versioned<CaAuthority>,
    pub(crate) edge: Option<&'a Versioned<CaEdge>>,
}

impl Controller {
    /// The bundle that an edge shall have.
    pub(crate) async fn ensure(&self, target: &TargetKey) -> Result<CaBundle, Error> {
        settle(|| self.try_ensure(target)).await
    }

    async fn try_ensure(&self, target: &TargetKey) -> Result<CaBundle, Error> {
        for _ in 0..STEPS {
            let cloud = self.cloud(&target.cloud).await?;
            let uid = cloud.document.uid;
            let moment = self.moment(uid, target).await?;
            let Some(authority) = &moment.authority else {
                self.establish(&cloud).await?;
                continue;
            };
            if authority.document.signing == 0 {
                let message = format!("the authority of '{}' waits for a signature", target.cloud);
                let hint =
                    "`dcm ca show` says for what; `dcm ca install-signed` answers its request";
                return Err(Error::refused(Kind::Unavailable, message, hint));
            }
            let read = Read {
                cloud: &cloud,
                authority,
                edge: moment.edge.as_ref(),
            };
            if self.advance_edge(target, &read).await? {
                continue;
            }
            let edge = moment
                .edge
                .as_ref()
                .ok_or_else(|| bundle::missing(target))?;
            return self.bundle(&authority.document, &edge.document);
        }
        Err(Error::Raced)
    }

    /// Does what an edge needs. `false`: it needs nothing.
    pub(crate) async fn advance_edge(
        &self,
        target: &TargetKey,
        read: &Read<'_>,
    ) -> Result<bool, Error> {
        let authority = &read.authority.document;
        let edge = read.edge.map(|found| &found.document);
        match plan_edge(self.now(), self.policy(), authority, edge) {
            EdgeStep::Keep => return Ok(false),
            EdgeStep::Issue(why) => {
                // One decision at a time, so that no two take the same place.
                let _turn = if why.can_wait() {
                    Some(self.turn.lock().await)
                } else {
                    None
                };
                if self.must_wait(read, why).await? {
                    return Ok(false);
                }
                self.issue_edge(target, read, why).await?;
            }
            EdgeStep::SignList => self.renew_edge_list(read).await?,
        }
        self.tell(CaChange::Target(target.clone()));
        Ok(true)
    }

    /// Enough other members of the cloud are getting another intermediate.
    async fn must_wait(&self, read: &Read<'_>, why: Why) -> Result<bool, Error> {
        let Some(edge) = read.edge.filter(|_| why.can_wait()) else {
            return Ok(false);
        };
        let edges = self.edges_of(edge.document.cloud_uid).await?;
        let others = edges.iter().map(|found| &found.document);
        Ok(plan::must_wait(
            self.now(),
            self.policy(),
            &edge.document,
            others,
        ))
    }

    async fn issue_edge(&self, target: &TargetKey, read: &Read<'_>, why: Why) -> Result<(), Error> {
        let authority = &read.authority.document;
        let mut edge = read.edge.map_or_else(
            || CaEdge {
                target: target.clone(),
                cloud_uid: read.cloud.document.uid,
                uid: self.uid(),
                generations: Vec::new(),
                lists: 0,
                written: None,
                loaded: None,
                events: ChainEnd::default(),
            },
            |found| found.document.clone(),
        );
        let anchor = signing(authority)?;
        let opened = self.open_anchor(authority, anchor)?;
        let of = (authority, anchor);
        let generation = self.new_generation(of, &opened, &edge).await?;
        let now = self.now();
        let mut batch = Batch::new();
        let event = |verb, of: &EdgeGeneration, detail: &str| Told {
            at: now,
            by: itself(),
            verb,
            object: target.to_string(),
            certificate: Some(events::of_edge(of)),
            detail: detail.to_owned(),
        };
        let chain = edge.chain();
        let issued = event(CaVerb::Issued, &generation, why.as_str());
        tell(&mut batch, &chain, &mut edge.events, issued)?;
        for older in &mut edge.generations {
            if older.key.take().is_some() {
                let destroyed = event(CaVerb::Destroyed, older, "a newer one took its place");
                tell(&mut batch, &chain, &mut edge.events, destroyed)?;
            }
        }
        edge.lists += 1;
        remember(&mut edge.generations, generation, now);
        self.commit_edge(batch, &edge, read).await
    }

    /// Makes, verifies and seals an intermediate.
    async fn new_generation(
        &self,
        (authority, anchor): (&CaAuthority, &Anchor),
        opened: &Opened,
        edge: &CaEdge,
    ) -> Result<EdgeGeneration, Error> {
        let policy = self.policy();
        let algorithm = policy.edge_algorithm;
        let number = edge.current().map_or(1, |current| current.generation + 1);
        let key = self.pool.make(algorithm).await?;
        // After the key, which may have taken a while.
        let now = self.now();
        let profile = Profile {
            level: Level::Edge,
            subject: names::of_edge(policy, edge, number),
            serial: self.serial(),
            trust_domain: authority.trust_domain.clone(),
            constrained: false,
            now,
            not_after: after(now, policy.edge_life).min(anchor.not_after),
        };
        let order = Order {
            profile,
            key: &key,
            list: edge.lists + 1,
            policy,
        };
        let trusted = trusted(authority)?;
        let around = Surroundings {
            anchor_list: &anchor.list,
            trusted: &trusted,
        };
        let made = issue_verified(&order, opened, &around)?;
        let certificate = &made.certificate;
        let valid = (certificate.not_before, certificate.not_after);
        let place = KeyPlace {
            document: &edge.key(),
            uid: edge.uid,
            field: KEY,
            epoch: number,
        };
        Ok(EdgeGeneration {
            generation: number,
            anchor: anchor.generation,
            rotation: authority.rotations,
            algorithm,
            certificate_pem: certificate.to_pem(),
            key: Some(self.seal(place, &key)?),
            serial: hex::encode(&certificate.serial),
            fingerprint: fingerprint(certificate),
            not_before: valid.0,
            not_after: valid.1,
            renew_at: plan::renew_at(policy, edge.uid, valid),
            revoked_at: None,
            list: made.list,
        })
    }

    async fn renew_edge_list(&self, read: &Read<'_>) -> Result<(), Error> {
        let Some(found) = read.edge else {
            return Ok(());
        };
        let mut edge = found.document.clone();
        let (key, chain, now) = (edge.key(), edge.chain(), self.now());
        let (uid, lists) = (edge.uid, edge.lists + 1);
        let Some(current) = edge.generations.last_mut() else {
            return Ok(());
        };
        let Some(sealed) = &current.key else {
            return Ok(());
        };
        let place = KeyPlace {
            document: &key,
            uid,
            field: KEY,
            epoch: current.generation,
        };
        let key = self.open_key(place, sealed)?;
        let certificates = issue::stored(&current.certificate_pem)?;
        let Some(certificate) = certificates.first() else {
            return Ok(());
        };
        let (list, _) = sign_list(certificate, &key, lists, &[], self.policy(), now)?;
        current.list = list;
        let signed = Told {
            at: now,
            by: itself(),
            verb: CaVerb::ListSigned,
            object: edge.target.to_string(),
            certificate: Some(events::of_edge(current)),
            detail: String::new(),
        };
        edge.lists = lists;
        let mut batch = Batch::new();
        tell(&mut batch, &chain, &mut edge.events, signed)?;
        self.commit_edge(batch, &edge, read).await
    }

    async fn commit_edge(
        &self,
        mut batch: Batch,
        edge: &CaEdge,
        read: &Read<'_>,
    ) -> Result<(), Error> {
        let cloud = &read.cloud;
        let expect = read
            .edge
            .map_or(Expect::Absent, |found| Expect::Number(found.version.number));
        batch.put(edge, expect)?;
        batch.assert(
            read.authority.document.key(),
            Expect::Number(read.authority.version.number),
        );
        batch.assert(cloud.document.key(), Expect::Number(cloud.version.number));
        self.store().commit(batch).await?;
        Ok(())
    }

    /// The edge is no member any more.
    pub(crate) async fn release_edge(
        &self,
        target: &TargetKey,
        by: &Requester,
    ) -> Result<(), Error> {
        settle(|| async {
            let uid = self.cloud(&target.cloud).await?.document.uid;
            match self.edge(uid, target).await? {
                Some(edge) => self.forget_edge(&edge, by).await,
                None => Ok(()),
            }
        })
        .await?;
        self.tell(CaChange::Target(target.clone()));
        Ok(())
    }

    pub(crate) async fn forget_edge(
        &self,
        edge: &Versioned<CaEdge>,
        by: &Requester,
    ) -> Result<(), Error> {
        let document = &edge.document;
        let mut end = document.events.clone();
        let mut batch = Batch::new();
        let closed = Told {
            at: self.now(),
            by: by.clone(),
            verb: CaVerb::Closed,
            object: document.target.to_string(),
            certificate: document.current().map(events::of_edge),
            detail: "no member any more; its keys are destroyed".to_owned(),
        };
        tell(&mut batch, &document.chain(), &mut end, closed)?;
        batch.delete(document.key(), Expect::Number(edge.version.number));
        self.store().commit(batch).await?;
        Ok(())
    }
}

fn signing(authority: &CaAuthority) -> Result<&Anchor, Error> {
    authority.signing_anchor().ok_or_else(|| Error::Stored {
        what: "authority",
        rule: "must have the anchor that signs".to_owned(),
    })
}

/// The certificates that members trust.
fn trusted(authority: &CaAuthority) -> Result<Vec<dcm_pki::authority::Certificate>, Error> {
    let anchors = authority.trusted.iter();
    anchors
        .filter_map(|generation| authority.anchor(*generation))
        .map(issue::stored_anchor)
        .collect()
}

/// Adds the newest, and forgets those that ended.
fn remember(generations: &mut Vec<EdgeGeneration>, newest: EdgeGeneration, now: Timestamp) {
    generations.retain(|one| one.not_after > now);
    let surplus = (generations.len() + 1).saturating_sub(REMEMBERED);
    generations.drain(..surplus);
    generations.push(newest);
}
