//! What is changed in the authority of a cloud: its lists, its rotations, its end.

use dcm_store::{Batch, Expect, Versioned};
use dcm_types::TargetKey;
use dcm_types::ca::{AuthorityScope, BundleSummary, CaChange, Requester};
use dcm_types::documents::ca::{
    Anchor, CaAuthority, CaEdge, CaVerb, EventCertificate, RevokedEdge,
};

use crate::bundle::{missing, summaries};
use crate::establish::object;
use crate::events::{self, Told, tell};
use crate::issue::sign_list;
use crate::settle::settle;
use crate::{Controller, Error};

impl Controller {
    /// An event about an authority.
    pub(crate) fn told(
        &self,
        authority: &CaAuthority,
        by: &Requester,
        verb: CaVerb,
        certificate: Option<EventCertificate>,
        detail: impl Into<String>,
    ) -> Told {
        Told {
            at: self.now(),
            by: by.clone(),
            verb,
            object: object(authority),
            certificate,
            detail: detail.into(),
        }
    }

    /// Commits a changed authority. It must be as it was read, and nothing may have been decided on it meanwhile.
    pub(crate) async fn commit_authority(
        &self,
        mut batch: Batch,
        changed: &CaAuthority,
        read: &Versioned<CaAuthority>,
    ) -> Result<(), Error> {
        batch.put(changed, Expect::Untouched(read.version))?;
        self.store().commit(batch).await?;
        self.tell_authority(changed);
        Ok(())
    }

    pub(crate) fn tell_authority(&self, authority: &CaAuthority) {
        if let AuthorityScope::Cloud(cloud) = authority.owner.scope() {
            self.tell(CaChange::Cloud(cloud));
        }
    }

    /// Revokes the present certificate of an edge.
    pub(crate) async fn revoke_edge(
        &self,
        target: &TargetKey,
        by: &Requester,
    ) -> Result<BundleSummary, Error> {
        let summary = settle(|| self.try_revoke(target, by)).await?;
        self.tell(CaChange::Cloud(target.cloud.clone()));
        Ok(summary)
    }

    async fn try_revoke(&self, target: &TargetKey, by: &Requester) -> Result<BundleSummary, Error> {
        let read = self.authority_of(&target.cloud).await?;
        let mut authority = read.document.clone();
        let uid = authority.cloud_uid().ok_or_else(|| missing(target))?;
        let found = self.edge(uid, target).await?;
        let found = found.ok_or_else(|| missing(target))?;
        let mut edge = found.document.clone();
        let now = self.now();
        let chain = edge.chain();
        let Some(current) = edge.generations.last_mut() else {
            return Err(missing(target));
        };
        if current.revoked_at.is_some() {
            return newest(&authority, &edge).ok_or_else(|| missing(target));
        }
        current.revoked_at = Some(now);
        let revoked = RevokedEdge {
            serial: current.serial.clone(),
            at: now,
            not_after: current.not_after,
        };
        let (issuer, certificate) = (current.anchor, events::of_edge(current));
        let mut batch = Batch::new();
        let detail = target.cluster.to_string();
        let event = self.told(&authority, by, CaVerb::Revoked, Some(certificate), detail);
        tell(&mut batch, &chain, &mut edge.events, event)?;
        self.sign_anchor_list(&mut batch, &mut authority, by, (issuer, Some(revoked)))?;
        batch.put(&edge, Expect::Number(found.version.number))?;
        batch.put(&authority, Expect::Untouched(read.version))?;
        self.store().commit(batch).await?;
        newest(&authority, &edge).ok_or_else(|| missing(target))
    }

    /// Signs the list of an anchor anew, with one more that is revoked.
    pub(crate) fn sign_anchor_list(
        &self,
        batch: &mut Batch,
        authority: &mut CaAuthority,
        by: &Requester,
        (generation, revoked): (u64, Option<RevokedEdge>),
    ) -> Result<(), Error> {
        let Some(anchor) = authority.anchor(generation) else {
            return Ok(());
        };
        let now = self.now();
        let opened = self.open_anchor(authority, anchor)?;
        let mut anchor: Anchor = anchor.clone();
        anchor.revoked.retain(|one| one.not_after > now);
        anchor.revoked.extend(revoked);
        let number = authority.lists + 1;
        let (list, _) = sign_list(
            &opened.certificate,
            &opened.key,
            number,
            &anchor.revoked,
            self.policy(),
            now,
        )?;
        anchor.list = list;
        authority.lists = number;
        let detail = format!("{} revoked", anchor.revoked.len());
        let certificate = Some(events::of_anchor(&anchor));
        let event = self.told(authority, by, CaVerb::ListSigned, certificate, detail);
        tell(batch, &authority.chain(), &mut authority.events, event)?;
        let mut anchors = authority.anchors.iter_mut();
        if let Some(stored) = anchors.find(|one| one.generation == generation) {
            *stored = anchor;
        }
        Ok(())
    }
}

/// What is told of the generation in force.
fn newest(authority: &CaAuthority, edge: &CaEdge) -> Option<BundleSummary> {
    summaries(authority, edge).into_iter().next()
}
