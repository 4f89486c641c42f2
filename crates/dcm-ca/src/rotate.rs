//! Rotations: begun and aborted by somebody, carried on by the loop, one phase per commit.

use dcm_store::{Batch, Expect, Versioned};
use dcm_types::ca::{KeyOrigin, RotationKind};
use dcm_types::ca::{Requester, RotationPhase, RotationState, StartRotation};
use dcm_types::documents::ca::{Anchor, CaAuthority, CaEdge, CaVerb, PendingRequest};
use dcm_types::{CloudKey, Kind, Timestamp};

use crate::establish::add;
use crate::events::{self, tell};
use crate::plan::{self, RotationStep, plan_rotation};
use crate::settle::settle;
use crate::{Controller, Error};

impl Controller {
    /// Begins a rotation, or tells what one would do.
    pub(crate) async fn start(
        &self,
        start: &StartRotation,
        by: &Requester,
    ) -> Result<RotationState, Error> {
        settle(|| self.try_start(start, by)).await
    }

    async fn try_start(
        &self,
        start: &StartRotation,
        by: &Requester,
    ) -> Result<RotationState, Error> {
        let read = self.authority_of(&start.cloud).await?;
        refuse_start(
            &read.document,
            start.kind,
            self.issuer_of(&read.document).is_some(),
        )?;
        let edges = self.edge_documents(&read.document).await?;
        if start.dry_run {
            let now = self.now();
            return Ok(plan::would_be(
                self.policy(),
                start,
                &read.document,
                &edges,
                now,
            ));
        }
        let mut authority = read.document.clone();
        let mut batch = Batch::new();
        self.begin(&mut batch, &mut authority, start.kind, by)?;
        self.commit_authority(batch, &authority, &read).await?;
        self.state(&start.cloud, &authority, &edges)
    }

    /// Writes down that a rotation begins.
    pub(crate) fn begin(
        &self,
        batch: &mut Batch,
        authority: &mut CaAuthority,
        kind: RotationKind,
        by: &Requester,
    ) -> Result<(), Error> {
        plan::begin(authority, kind, self.now());
        let detail = match kind {
            RotationKind::Intermediate => "intermediates",
            RotationKind::Anchor => "anchor",
        };
        let event = self.told(authority, by, CaVerb::RotationStarted, None, detail);
        tell(batch, &authority.chain(), &mut authority.events, event)
    }

    /// The last rotation of a cloud.
    pub(crate) async fn rotation(&self, cloud: &CloudKey) -> Result<RotationState, Error> {
        let read = self.authority_of(cloud).await?;
        let edges = self.edge_documents(&read.document).await?;
        self.state(cloud, &read.document, &edges)
    }

    fn state(
        &self,
        cloud: &CloudKey,
        authority: &CaAuthority,
        edges: &[CaEdge],
    ) -> Result<RotationState, Error> {
        let Some(rotation) = &authority.rotation else {
            let message = format!("logical cloud '{cloud}' was never rotated");
            let hint = "start a rotation";
            return Err(Error::refused(Kind::NotFound, message, hint));
        };
        let of = (authority, rotation);
        Ok(plan::rotation_state(self.policy(), cloud, of, edges))
    }

    /// Ends the running rotation.
    pub(crate) async fn abort(
        &self,
        cloud: &CloudKey,
        by: &Requester,
    ) -> Result<RotationState, Error> {
        settle(|| self.try_abort(cloud, by)).await
    }

    async fn try_abort(&self, cloud: &CloudKey, by: &Requester) -> Result<RotationState, Error> {
        let read = self.authority_of(cloud).await?;
        let Some(running) = read.document.running() else {
            let message = format!("no rotation of logical cloud '{cloud}' is running");
            return Err(Error::conflict(message, "there is nothing to abort"));
        };
        if !running.phase.can_be_aborted(running.kind) {
            let message = format!(
                "the rotation of logical cloud '{cloud}' is in phase '{}', from which the way back is not shorter",
                running.phase.as_str()
            );
            return Err(Error::conflict(message, "let it end, and rotate again"));
        }
        // Where nothing of it reached a member there is nothing to take back.
        let phase = match (running.kind, running.phase) {
            (RotationKind::Anchor, RotationPhase::TrustBoth) => RotationPhase::TakingBack,
            _ => RotationPhase::Aborted,
        };
        let mut authority = read.document.clone();
        // What the issuer was asked for is not wished any more; what a person asked for still is.
        authority.request = authority.request.filter(|one| !one.is_for_issuer());
        let mut batch = Batch::new();
        let event = self.told(&authority, by, CaVerb::RotationAborted, None, "");
        tell(&mut batch, &authority.chain(), &mut authority.events, event)?;
        self.go(&mut batch, &mut authority, phase, by)?;
        self.commit_authority(batch, &authority, &read).await?;
        let edges = self.edge_documents(&authority).await?;
        self.state(cloud, &authority, &edges)
    }

    /// Enters a phase, and tells of it and of the keys that are gone with it.
    fn go(
        &self,
        batch: &mut Batch,
        authority: &mut CaAuthority,
        phase: RotationPhase,
        by: &Requester,
    ) -> Result<(), Error> {
        let before: Vec<Anchor> = authority.anchors.clone();
        let gone = plan::enter(authority, phase, self.now());
        let chain = authority.chain();
        let event = self.told(authority, by, CaVerb::RotationWent, None, phase.as_str());
        tell(batch, &chain, &mut authority.events, event)?;
        for anchor in before.iter().filter(|one| gone.contains(&one.generation)) {
            let certificate = Some(events::of_anchor(anchor));
            let detail = "nobody trusts it any more";
            let event = self.told(authority, by, CaVerb::Destroyed, certificate, detail);
            tell(batch, &chain, &mut authority.events, event)?;
        }
        Ok(())
    }

    /// Carries the rotation of a cloud on by one step. `false`: there is nothing to do now. Its edges were read after
    /// its authority.
    pub(crate) async fn carry_on(
        &self,
        read: &Versioned<CaAuthority>,
        edges: &[Versioned<CaEdge>],
        by: &Requester,
    ) -> Result<bool, Error> {
        if read.document.running().is_none() {
            return Ok(false);
        }
        let edges: Vec<CaEdge> = edges.iter().map(|found| found.document.clone()).collect();
        let step = plan_rotation(self.now(), self.policy(), &read.document, &edges);
        let mut authority = read.document.clone();
        let mut batch = Batch::new();
        match step {
            RotationStep::Rest => return Ok(false),
            RotationStep::MakeAnchor if self.issuer_of(&authority).is_some() => {
                let asked = authority.request.as_ref();
                if asked.is_some_and(PendingRequest::is_for_issuer) {
                    return Ok(false);
                }
                self.ask_for_anchor(&mut batch, &mut authority, by)?;
            }
            RotationStep::MakeAnchor => {
                let above = self.above(&authority).await?;
                let anchor = Box::pin(self.make_anchor(&authority, above)).await?;
                self.take_next(&mut batch, &mut authority, anchor, (CaVerb::Issued, by))?;
            }
            RotationStep::Count(aging) => {
                if let Some(rotation) = &mut authority.rotation {
                    rotation.aging = aging;
                }
                // Nothing that a member gets has changed, so nobody is told.
                batch.put(&authority, Expect::Untouched(read.version))?;
                self.store().commit(batch).await?;
                return Ok(false);
            }
            RotationStep::Enter(phase) => self.go(&mut batch, &mut authority, phase, by)?,
        }
        self.commit_authority(batch, &authority, read).await?;
        Ok(true)
    }

    /// The next anchor of a rotation is there: from now on both are trusted.
    pub(crate) fn take_next(
        &self,
        batch: &mut Batch,
        authority: &mut CaAuthority,
        anchor: Anchor,
        (verb, by): (CaVerb, &Requester),
    ) -> Result<(), Error> {
        let certificate = Some(events::of_anchor(&anchor));
        let event = self.told(authority, by, verb, certificate, "next anchor");
        tell(batch, &authority.chain(), &mut authority.events, event)?;
        if let Some(rotation) = &mut authority.rotation {
            rotation.to = Some(anchor.generation);
        }
        add(authority, anchor);
        self.go(batch, authority, RotationPhase::TrustBoth, by)
    }

    /// Begins to replace an anchor that was made here and will end.
    pub(crate) async fn renew_anchor(
        &self,
        read: &Versioned<CaAuthority>,
        by: &Requester,
    ) -> Result<bool, Error> {
        let issuer = self.issuer_of(&read.document);
        let signing = read.document.signing_anchor();
        if signing.is_some_and(|anchor| anchor.origin == KeyOrigin::Issued) && issuer.is_none() {
            return Ok(false);
        }
        let ends: Option<Timestamp> = match self.organization().await? {
            _ if issuer.is_some() => issuer.map(|issuer| issuer.anchor.not_after),
            Some(root)
                if read.document.trust_model == dcm_types::ca::TrustModel::CloudIntermediate =>
            {
                root.document
                    .signing_anchor()
                    .map(|anchor| anchor.not_after)
            }
            _ => None,
        };
        if !plan::anchor_is_due(self.now(), self.policy(), &read.document, ends) {
            return Ok(false);
        }
        let mut authority = read.document.clone();
        let mut batch = Batch::new();
        self.begin(&mut batch, &mut authority, RotationKind::Anchor, by)?;
        self.commit_authority(batch, &authority, read).await?;
        Ok(true)
    }

    pub(crate) async fn edge_documents(
        &self,
        authority: &CaAuthority,
    ) -> Result<Vec<CaEdge>, Error> {
        let Some(uid) = authority.cloud_uid() else {
            return Ok(Vec::new());
        };
        let edges = self.edges_of(uid).await?;
        Ok(edges.into_iter().map(|found| found.document).collect())
    }
}

/// Why a rotation cannot begin now.
pub(crate) fn refuse_start(
    authority: &CaAuthority,
    kind: RotationKind,
    has_issuer: bool,
) -> Result<(), Error> {
    let Some(anchor) = authority.signing_anchor() else {
        let hint = "install the answer to its certificate request";
        return Err(Error::conflict("there is no anchor yet", hint));
    };
    if let Some(running) = authority.running() {
        let message = format!(
            "a rotation is running, in phase '{}'",
            running.phase.as_str()
        );
        return Err(Error::conflict(
            message,
            "wait until it is over, or abort it",
        ));
    }
    if kind != RotationKind::Anchor {
        return Ok(());
    }
    let renewed = match anchor.origin {
        KeyOrigin::Made => true,
        KeyOrigin::Issued => has_issuer,
        KeyOrigin::Imported | KeyOrigin::SignedElsewhere => false,
    };
    if !renewed {
        let message = "the anchor was not made here, so the next one is not made here either";
        let hint = "import the next one, or ask for a certificate request and install its answer";
        return Err(Error::conflict(message, hint));
    }
    Ok(())
}
