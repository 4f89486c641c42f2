//! Key events: written in the commit of what they tell, each behind the one before in the chain of its document.
//!
//! The document holds the end of its chain, so a commit on it is a commit on the chain, and a cut end is found.

use dcm_store::{Batch, Expect};
use dcm_types::ca::Requester;
use dcm_types::documents::ca::{
    Anchor, CaEvent, CaEventRecord, CaVerb, ChainEnd, EdgeGeneration, EventCertificate,
};
use dcm_types::hash_chain::link_hash;
use dcm_types::{Key, Timestamp};

use crate::Error;

/// What is told.
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) by: Requester,
    pub(crate) verb: CaVerb,
    pub(crate) object: String,
    pub(crate) certificate: Option<EventCertificate>,
    pub(crate) detail: String,
}

impl Told {
    fn record(self) -> CaEventRecord {
        CaEventRecord {
            at: self.at,
            principal: self.by.principal,
            origin: self.by.origin,
            request: self.by.request,
            verb: self.verb,
            object: self.object,
            certificate: self.certificate,
            detail: self.detail,
        }
    }
}

/// Adds an event to a commit, and moves the end of its chain. The commit must write the document that holds the
/// end, and expect the one that was read.
pub(crate) fn tell(
    batch: &mut Batch,
    chain: &str,
    end: &mut ChainEnd,
    told: Told,
) -> Result<(), Error> {
    let record = told.record();
    let sequence = end.sequence + 1;
    let hash = event_hash(&end.hash, chain, sequence, &record)?;
    let event = CaEvent {
        chain: chain.to_owned(),
        sequence,
        previous: std::mem::replace(&mut end.hash, hash.clone()),
        record,
        hash,
    };
    end.sequence = sequence;
    batch.put(&event, Expect::Absent)?;
    Ok(())
}

/// The hash of an event.
pub(crate) fn event_hash(
    previous: &str,
    chain: &str,
    sequence: u64,
    record: &CaEventRecord,
) -> Result<String, Error> {
    let text = serde_json::to_string(record).map_err(|source| {
        Error::Store(dcm_store::Error::Encode {
            key: Key::ca_event(chain, sequence),
            source,
        })
    })?;
    Ok(link_hash(previous, chain, sequence, &text))
}

pub(crate) fn of_anchor(anchor: &Anchor) -> EventCertificate {
    EventCertificate {
        generation: anchor.generation,
        serial: anchor.serial.clone(),
        fingerprint: anchor.fingerprint.clone(),
    }
}

pub(crate) fn of_edge(edge: &EdgeGeneration) -> EventCertificate {
    EventCertificate {
        generation: edge.generation,
        serial: edge.serial.clone(),
        fingerprint: edge.fingerprint.clone(),
    }
}
