//! The verification of key events: nothing was edited, deleted, reordered or moved, and no chain was cut.
//!
//! The end of a chain stands in the document that it tells of; when that is gone, its last event must say so. A chain
//! that was deleted as a whole, with its document, leaves nothing to find: that needs a copy that is kept elsewhere.

use std::collections::BTreeMap;

use dcm_store::{Scope, StoreExt as _};
use dcm_types::Key;
use dcm_types::ca::{AuthorityScope, BadEvent, CaAuditReport};
use dcm_types::documents::ca::{CaAuthority, CaEvent, CaVerb, ChainEnd};

use crate::events::event_hash;
use crate::{Controller, Error};

/// Documents that are read at once.
const PAGE: usize = 500;

/// A chain as far as it was read.
#[derive(Default)]
struct Read {
    end: ChainEnd,
    verified: u64,
    closed: bool,
    bad: Option<BadEvent>,
}

impl Controller {
    /// Verifies every chain of a scope.
    pub(crate) async fn verify(&self, scope: &AuthorityScope) -> Result<CaAuditReport, Error> {
        let path = match scope {
            AuthorityScope::Organization => format!("{}/organization", Key::SYSTEM_SCOPE),
            AuthorityScope::Cloud(cloud) => cloud.path(),
        };
        // Before the events: one that is written meanwhile makes a chain longer than its end says, not shorter.
        let ends = self.ends(scope).await?;
        let mut chains = self.read_chains(&path).await?;
        for (chain, end) in &ends {
            chains
                .entry(chain.clone())
                .or_default()
                .check_end(chain, end);
        }
        for (chain, read) in &mut chains {
            if !ends.contains_key(chain) {
                read.check_closed(chain);
            }
        }
        Ok(CaAuditReport {
            chains: chains.len() as u64,
            verified: chains.values().map(|read| read.verified).sum(),
            bad: chains.into_values().filter_map(|read| read.bad).collect(),
        })
    }

    async fn read_chains(&self, path: &str) -> Result<BTreeMap<String, Read>, Error> {
        let mut chains: BTreeMap<String, Read> = BTreeMap::new();
        let mut after = None;
        loop {
            let scope = Scope::Under(path.to_owned());
            let (events, next) = self
                .store()
                .read_page::<CaEvent>(scope, after, PAGE)
                .await?;
            for found in events {
                let event = found.document;
                chains
                    .entry(event.chain.clone())
                    .or_default()
                    .take(&event)?;
            }
            if next.is_none() {
                return Ok(chains);
            }
            after = next;
        }
    }

    /// The ends of the chains whose documents are there.
    async fn ends(&self, scope: &AuthorityScope) -> Result<BTreeMap<String, ChainEnd>, Error> {
        let mut ends = BTreeMap::new();
        let authorities = self.store().read_all::<CaAuthority>(Scope::All).await?;
        let authorities = authorities.into_iter().map(|found| found.document);
        for authority in authorities.filter(|one| one.owner.scope() == *scope) {
            for edge in self.edge_documents(&authority).await? {
                ends.insert(edge.chain(), edge.events);
            }
            ends.insert(authority.chain(), authority.events);
        }
        Ok(ends)
    }
}

impl Read {
    /// Takes the next event of the chain, in the order of the store.
    fn take(&mut self, event: &CaEvent) -> Result<(), Error> {
        if self.bad.is_some() {
            return Ok(());
        }
        let expected = self.end.sequence + 1;
        let hash = event_hash(&self.end.hash, &event.chain, expected, &event.record)?;
        let why = if event.sequence != expected {
            Some("is not the next event: one before it is missing, or it was moved")
        } else if event.previous != self.end.hash {
            Some("does not follow the event before it")
        } else if event.hash != hash {
            Some("was changed")
        } else if self.closed {
            Some("follows the last event")
        } else {
            None
        };
        if let Some(why) = why {
            self.spoil(&event.chain, expected, why);
            return Ok(());
        }
        self.verified += 1;
        self.closed = event.record.verb == CaVerb::Closed;
        self.end = ChainEnd {
            sequence: expected,
            hash,
        };
        Ok(())
    }

    /// The document knows how far its chain goes.
    fn check_end(&mut self, chain: &str, end: &ChainEnd) {
        let cut = self.end.sequence < end.sequence;
        let other = self.end.sequence == end.sequence && self.end.hash != end.hash;
        if cut {
            let why = "is missing: the document says that the chain goes on";
            self.spoil(chain, self.end.sequence + 1, why);
        } else if other {
            self.spoil(
                chain,
                end.sequence,
                "is not the event that the document knows",
            );
        }
    }

    fn check_closed(&mut self, chain: &str) {
        if !self.closed {
            let why = "is missing: what the chain tells of is gone, and no event says so";
            self.spoil(chain, self.end.sequence + 1, why);
        }
    }

    fn spoil(&mut self, chain: &str, sequence: u64, why: &str) {
        if self.bad.is_none() {
            self.bad = Some(BadEvent {
                chain: chain.to_owned(),
                sequence,
                why: why.to_owned(),
            });
        }
    }
}
