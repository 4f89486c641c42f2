//! The chain: how a link is made of a record, and how a chain is verified.
//!
//! A link hashes the hash before it, its scope and position, and the record's text as it is stored. So an edited or
//! deleted record, and an edited, deleted or moved link, is found at the first place where it matters;
//! only a cut end cannot be seen without a checkpoint that is kept elsewhere.

use std::collections::HashSet;

use dcm_store::{Query, Scope, StoreExt as _};
use dcm_types::documents::AuditLink;
use dcm_types::hash_chain::link_hash;
use dcm_types::{DocumentKind, Key};

use crate::{App, Error, Principal};

/// Records that are read at once.
const PAGE: usize = 500;

/// What the verification of a chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Links that were found to be right, from the first on.
    pub verified: u64,
    /// Records that are not linked yet; they are within moments of the change.
    pub unlinked: u64,
    /// The first link that is not right; what follows it was not looked at.
    pub first_bad: Option<BadLink>,
}

/// A link that is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLink {
    /// Its position in the chain.
    pub sequence: u64,
    /// Id of the record that it links.
    pub record: String,
    /// What is wrong.
    pub why: &'static str,
}

impl App {
    /// Verifies the chain of a scope: a project's name, or [`Key::SYSTEM_SCOPE`].
    pub async fn verify_audit(&self, _who: &Principal, scope: &str) -> Result<ChainReport, Error> {
        let below = || Scope::Under(scope.to_owned());
        let mut report = ChainReport {
            verified: 0,
            unlinked: 0,
            first_bad: None,
        };
        let mut previous = String::new();
        let mut linked = HashSet::new();
        let mut after = None;
        while report.first_bad.is_none() {
            let (links, next) = self
                .store()
                .read_page::<AuditLink>(below(), after, PAGE)
                .await?;
            for found in links {
                let link = found.document;
                let expected = report.verified + 1;
                let why = match self.verify_link(scope, &link, expected, &previous).await? {
                    None if !linked.insert(link.record.clone()) => Some("links a record again"),
                    found => found,
                };
                if let Some(why) = why {
                    report.first_bad = Some(BadLink {
                        sequence: expected,
                        record: link.record,
                        why,
                    });
                    break;
                }
                previous = link.hash;
                report.verified = expected;
            }
            if next.is_none() {
                break;
            }
            after = next;
        }
        report.unlinked = self.count_unlinked(scope, &linked).await?;
        Ok(report)
    }

    async fn verify_link(
        &self,
        scope: &str,
        link: &AuditLink,
        expected: u64,
        previous: &str,
    ) -> Result<Option<&'static str>, Error> {
        if link.sequence != expected || link.scope != scope {
            return Ok(Some(
                "is not the next link: one before it is missing, or it was moved",
            ));
        }
        if link.previous != previous {
            return Ok(Some("does not follow the link before it"));
        }
        let Some(record) = self.store().get(&Key::audit(scope, &link.record)).await? else {
            return Ok(Some("links a record that does not exist"));
        };
        if link_hash(previous, scope, expected, &record.body) != link.hash {
            return Ok(Some("links a record that was changed"));
        }
        Ok(None)
    }

    async fn count_unlinked(&self, scope: &str, linked: &HashSet<String>) -> Result<u64, Error> {
        let mut count = 0;
        let mut after = None;
        loop {
            let page = self
                .store()
                .list(&Query {
                    kind: DocumentKind::Audit,
                    scope: Scope::Under(scope.to_owned()),
                    after,
                    limit: PAGE,
                })
                .await?;
            let ids = page.documents.iter().filter_map(|d| id_of(&d.key));
            count += ids.filter(|id| !linked.contains(*id)).count() as u64;
            after = page.documents.last().map(|d| d.key.path().to_owned());
            if !page.more {
                return Ok(count);
            }
        }
    }
}

/// The id in the key of a record.
pub(super) fn id_of(key: &Key) -> Option<&str> {
    key.path().split_once('/').map(|(_, id)| id)
}
