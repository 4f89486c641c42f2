//! Evidence: what members were seen to have is written down, whatever the order in which reports come.

use dcm_store::{Batch, Expect};
use dcm_types::Timestamp;
use dcm_types::ca::{CaChange, Evidence, EvidenceStage, Seen};
use dcm_types::documents::ca::{CaEdge, CaVerb};

use crate::controller::itself;
use crate::events::{self, Told, tell};
use crate::settle::settle;
use crate::{Controller, Error};

impl Controller {
    /// Takes a report. One about an edge or a cloud that is gone is no error: it is late.
    pub(crate) async fn take_evidence(&self, evidence: &Evidence) -> Result<(), Error> {
        if settle(|| self.try_take(evidence)).await? {
            self.tell(CaChange::Target(evidence.target.clone()));
        }
        Ok(())
    }

    async fn try_take(&self, evidence: &Evidence) -> Result<bool, Error> {
        let Some(read) = self.edge(evidence.cloud_uid, &evidence.target).await? else {
            return Ok(false);
        };
        let mut edge = read.document.clone();
        let newest = edge.current().map_or(0, |current| current.generation);
        if evidence.version.generation > newest {
            let message = format!(
                "'{}' has generation {}, and {newest} is the last that is known",
                evidence.target.cluster, evidence.version.generation
            );
            let hint = "the store is older than its members: restore a newer one";
            return Err(Error::conflict(message, hint));
        }
        let now = self.now();
        let before = edge.loaded.map_or(0, |seen| seen.version.generation);
        if !note(&mut edge, evidence, now) {
            return Ok(false);
        }
        let mut batch = Batch::new();
        let after = edge.loaded_generation();
        if let Some(loaded) = after.filter(|loaded| loaded.generation > before) {
            let told = Told {
                at: now,
                by: itself(),
                verb: CaVerb::Loaded,
                object: edge.target.to_string(),
                certificate: Some(events::of_edge(loaded)),
                detail: String::new(),
            };
            tell(&mut batch, &edge.chain(), &mut edge.events, told)?;
        }
        batch.put(&edge, Expect::Number(read.version.number))?;
        self.store().commit(batch).await?;
        Ok(true)
    }
}

/// Writes a report down. `false`: it says nothing new.
fn note(edge: &mut CaEdge, evidence: &Evidence, now: Timestamp) -> bool {
    let seen = Seen {
        version: evidence.version,
        at: now,
    };
    let is_new = |known: Option<Seen>| {
        known.is_none_or(|known| {
            known.version != seen.version && seen.version.covers(&known.version)
        })
    };
    let loaded = evidence.stage >= EvidenceStage::Loaded && is_new(edge.loaded);
    let written = is_new(edge.written);
    if written {
        edge.written = Some(seen);
    }
    if loaded {
        edge.loaded = Some(seen);
    }
    written || loaded
}
