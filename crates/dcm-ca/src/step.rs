//! The loop: looks at every authority, and does what is needed. It may be stopped between any two commits.

use std::collections::BTreeSet;
use std::time::Duration;

use dcm_store::{Batch, Change, Expect, Scope, StoreExt as _, Versioned};
use dcm_types::documents::LogicalCloud;
use dcm_types::documents::ca::{AuthorityOwner, CaAuthority, CaEdge, CaVerb};
use dcm_types::{Document as _, DocumentKind, Key, Uid, chain};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::controller::itself;
use crate::edge::Read;
use crate::events::{self, tell};
use crate::plan::{self, EdgeStep, Why};
use crate::{Controller, Error, issuer};

/// Authorities that are read at once.
const PAGE: usize = 200;
/// Steps that one look at an authority does at most, so that one cloud does not keep the others waiting.
const STEPS: usize = 16;

/// How long hints are gathered, so that a burst of reports is one look.
const GATHER: Duration = Duration::from_millis(50);
/// The pause after a look that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until cancelled.
pub async fn run(controller: Controller, cancellation: CancellationToken) {
    tokio::select! {
        () = cancellation.cancelled() => {}
        () = look_again_and_again(&controller) => {}
        () = issuer::ask_again_and_again(&controller) => {}
    }
}

async fn look_again_and_again(controller: &Controller) {
    // Before the first look, so that nothing is missed in between.
    let mut changes = controller.store().changes();
    let mut hinted = Hinted::everything();
    loop {
        let looked = controller.look_at_hinted(&hinted).await;
        if let Err(error) = looked {
            tracing::warn!(
                error = chain(&error),
                "a look at the authorities failed, it is repeated"
            );
            sleep(PAUSE).await;
        }
        hinted = Hinted::default();
        let first = timeout(controller.policy().interval, hinted.wait(&mut changes)).await;
        if first.is_err() {
            hinted = Hinted::everything();
        } else {
            timeout(GATHER, hinted.gather(&mut changes)).await.ok();
        }
    }
}

/// What may have changed since the last look. It only saves time: everything is looked at regularly.
#[derive(Default)]
struct Hinted {
    authorities: BTreeSet<Key>,
    everything: bool,
}

impl Hinted {
    fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// Until there is one.
    async fn wait(&mut self, changes: &mut BoxStream<'static, Change>) {
        while !self.everything && self.authorities.is_empty() {
            self.next(changes).await;
        }
    }

    /// Never ends.
    async fn gather(&mut self, changes: &mut BoxStream<'static, Change>) {
        loop {
            self.next(changes).await;
        }
    }

    async fn next(&mut self, changes: &mut BoxStream<'static, Change>) {
        match changes.next().await {
            Some(Change::Document(key)) => self.authorities.extend(authority_of(&key)),
            Some(Change::Missed) => self.everything = true,
            None => std::future::pending().await,
        }
    }
}

/// The authority that a changed document belongs to.
fn authority_of(key: &Key) -> Option<Key> {
    match key.kind() {
        DocumentKind::CaAuthority => Some(key.clone()),
        DocumentKind::CaEdge => {
            let cloud = Uid::parse(key.path().split('/').next()?)?;
            Some(Key::ca_authority(cloud))
        }
        _ => None,
    }
}

impl Controller {
    async fn look_at_hinted(&self, hinted: &Hinted) -> Result<(), Error> {
        if hinted.everything {
            return self.look_at_all().await;
        }
        for key in &hinted.authorities {
            self.look_at(key).await?;
        }
        Ok(())
    }

    /// Looks at every authority once. The first error is returned, after all others were looked at.
    pub async fn look_at_all(&self) -> Result<(), Error> {
        let mut after = None;
        // What the others stand on comes first.
        let mut outcome = self.look_at(&Key::ca_organization()).await;
        loop {
            let page = self
                .store()
                .read_page::<CaAuthority>(Scope::All, after, PAGE)
                .await;
            let (authorities, next) = page?;
            for authority in authorities {
                let key = authority.document.key();
                if let Err(error) = self.look_at(&key).await {
                    let object = crate::establish::object(&authority.document);
                    tracing::warn!(object, error = chain(&error), "an authority has to wait");
                    outcome = outcome.and(Err(error));
                }
            }
            if next.is_none() {
                return outcome;
            }
            after = next;
        }
    }

    /// Does what one authority and its edges need.
    async fn look_at(&self, key: &Key) -> Result<(), Error> {
        for _ in 0..STEPS {
            let Some(read) = self.read_authority(key).await? else {
                return Ok(());
            };
            match Box::pin(self.one_step(&read)).await {
                Ok(true) | Err(Error::Raced) => {}
                Ok(false) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        // What was committed is a hint to look again.
        Ok(())
    }

    async fn one_step(&self, read: &Versioned<CaAuthority>) -> Result<bool, Error> {
        let by = itself();
        if self.make_request(read).await? || self.renew_lists(read).await? {
            return Ok(true);
        }
        let AuthorityOwner::Cloud { key, uid } = &read.document.owner else {
            self.note_late(&read.document, &[]);
            return Ok(false);
        };
        let cloud = self.store().read::<LogicalCloud>(&Key::cloud(key)).await?;
        let Some(cloud) = cloud.filter(|found| found.document.uid == *uid) else {
            self.bury(read).await?;
            return Ok(true);
        };
        if read.document.signing == 0 {
            return Ok(false);
        }
        if self.renew_anchor(read, &by).await? {
            return Ok(true);
        }
        // Read after the authority: an edge that is made meanwhile is decided on that authority, and then it does
        // not take the commit.
        let edges = self.edges_of(cloud.document.uid).await?;
        if self.carry_on(read, &edges, &by).await? {
            return Ok(true);
        }
        self.look_at_edges((&cloud, read), edges).await
    }

    /// Every edge that needs something by itself. A revoked one gets another certificate only when it is asked for.
    async fn look_at_edges(
        &self,
        (cloud, authority): (&Versioned<LogicalCloud>, &Versioned<CaAuthority>),
        edges: Vec<Versioned<CaEdge>>,
    ) -> Result<bool, Error> {
        let mut advanced = false;
        self.note_late(&authority.document, &edges);
        for edge in edges {
            let now = self.now();
            let step = plan::plan_edge(
                now,
                self.policy(),
                &authority.document,
                Some(&edge.document),
            );
            if matches!(step, EdgeStep::Keep | EdgeStep::Issue(Why::Revoked)) {
                continue;
            }
            let read = Read {
                cloud,
                authority,
                edge: Some(&edge),
            };
            match self.advance_edge(&edge.document.target, &read).await {
                // Nothing: somebody asked for it at the same time, or it waits for its turn.
                Ok(done) => advanced |= done,
                Err(Error::Raced) => advanced = true,
                Err(error) => return Err(error),
            }
        }
        Ok(advanced)
    }

    /// Makes the lists of anchors anew that would be over.
    async fn renew_lists(&self, read: &Versioned<CaAuthority>) -> Result<bool, Error> {
        let now = self.now();
        let anchors = read.document.anchors.iter();
        let due: Vec<u64> = anchors
            .filter(|anchor| anchor.not_after > now && plan::list_is_due(now, &anchor.list))
            .map(|anchor| anchor.generation)
            .collect();
        if due.is_empty() {
            return Ok(false);
        }
        let mut authority = read.document.clone();
        let mut batch = Batch::new();
        for generation in due {
            self.sign_anchor_list(&mut batch, &mut authority, &itself(), (generation, None))?;
        }
        self.commit_authority(batch, &authority, read).await?;
        Ok(true)
    }

    /// The cloud is gone: its edges first, its authority last, so that a stop in between leaves what finds the rest.
    async fn bury(&self, read: &Versioned<CaAuthority>) -> Result<(), Error> {
        let authority = &read.document;
        let Some(uid) = authority.cloud_uid() else {
            return Ok(());
        };
        let edges: Vec<Versioned<CaEdge>> = self.edges_of(uid).await?;
        for edge in &edges {
            self.forget_edge(edge, &itself()).await?;
        }
        let mut end = authority.events.clone();
        let mut batch = Batch::new();
        let certificate = authority.signing_anchor().map(events::of_anchor);
        let detail = "the logical cloud is gone; its keys are destroyed";
        let event = self.told(authority, &itself(), CaVerb::Closed, certificate, detail);
        tell(&mut batch, &authority.chain(), &mut end, event)?;
        batch.delete(authority.key(), Expect::Untouched(read.version));
        self.store().commit(batch).await?;
        self.forget_late(authority);
        Ok(())
    }
}
