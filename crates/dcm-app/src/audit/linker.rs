//! The linker: gives every audit record its place in the chain of its scope.
//!
//! It works from hints, which name the new records; when hints were lost, and at the start, it compares
//! all records with all links. A link is written only where there is none (compare-and-swap on the
//! position), so several linkers disturb each other and break nothing: the loser reads what the winner
//! linked and goes on behind it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use dcm_store::{Batch, Expect, Query, Scope, StoreExt as _};
use dcm_types::documents::AuditLink;
use dcm_types::hash_chain::link_hash;
use dcm_types::{DocumentKind, Key};

use crate::{App, Error};

/// Links written in one commit.
const CHUNK: usize = 100;
/// Links and records that are read at once.
const PAGE: usize = 500;
/// Records that are remembered as linked, so that a hint that comes late is not taken for new. More
/// than hints can be under way before the stream says that it lost some.
const REMEMBERED: usize = 20_000;

/// The end of the chain of one scope.
#[derive(Debug, Clone, Default)]
struct End {
    sequence: u64,
    hash: String,
}

/// Links records.
#[derive(Debug)]
pub(crate) struct Linker {
    /// Records to link, by scope.
    pending: BTreeMap<String, BTreeSet<String>>,
    /// Everything is to be compared.
    everything: bool,
    ends: HashMap<String, End>,
    recent: Recent,
}

impl Linker {
    /// One that begins by comparing everything.
    pub(crate) fn new() -> Self {
        Self {
            pending: BTreeMap::new(),
            everything: true,
            ends: HashMap::new(),
            recent: Recent::default(),
        }
    }

    /// Takes a hint about a record.
    pub(crate) fn note(&mut self, record: &Key) {
        if let Some((scope, id)) = record.path().split_once('/') {
            let ids = self.pending.entry(scope.to_owned()).or_default();
            ids.insert(id.to_owned());
        }
    }

    /// Hints were lost, or may have been.
    pub(crate) fn note_everything(&mut self) {
        self.everything = true;
    }

    /// Links what is pending. After an error, call it again: nothing is forgotten.
    pub(crate) async fn run(&mut self, app: &App) -> Result<(), Error> {
        if self.everything {
            self.find_unlinked(app).await?;
            self.everything = false;
        }
        while let Some(scope) = self.pending.keys().next().cloned() {
            self.link_scope(app, &scope).await?;
            self.pending.remove(&scope);
        }
        Ok(())
    }

    /// Compares all records with all links, scope by scope in the order of paths.
    async fn find_unlinked(&mut self, app: &App) -> Result<(), Error> {
        let mut after = None;
        let mut scope = String::new();
        let mut linked = HashSet::new();
        loop {
            let query = Query {
                kind: DocumentKind::Audit,
                scope: Scope::All,
                after,
                limit: PAGE,
            };
            let page = app.store().list(&query).await?;
            for record in &page.documents {
                let Some((of, id)) = record.key.path().split_once('/') else {
                    continue;
                };
                if of != scope {
                    of.clone_into(&mut scope);
                    self.ends.remove(of);
                    linked = self.read_links(app, of).await?;
                }
                if !linked.contains(id) {
                    self.note(&record.key);
                }
            }
            after = page.documents.last().map(|d| d.key.path().to_owned());
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Reads the links behind the known end, moves the end, and tells which records they link.
    async fn read_links(&mut self, app: &App, scope: &str) -> Result<HashSet<String>, Error> {
        let mut end = self.ends.get(scope).cloned().unwrap_or_default();
        let mut linked = HashSet::new();
        let mut after =
            (end.sequence > 0).then(|| Key::audit_link(scope, end.sequence).path().to_owned());
        loop {
            let below = Scope::Under(scope.to_owned());
            let (links, next) = app
                .store()
                .read_page::<AuditLink>(below, after, PAGE)
                .await?;
            for found in links {
                let link = found.document;
                end = End {
                    sequence: link.sequence,
                    hash: link.hash,
                };
                self.recent.add(scope, &link.record);
                linked.insert(link.record);
            }
            if next.is_none() {
                self.ends.insert(scope.to_owned(), end);
                return Ok(linked);
            }
            after = next;
        }
    }

    async fn link_scope(&mut self, app: &App, scope: &str) -> Result<(), Error> {
        if !self.ends.contains_key(scope) {
            self.read_links(app, scope).await?;
        }
        loop {
            let chunk = self.next_chunk(scope);
            if chunk.is_empty() {
                return Ok(());
            }
            match self.link(app, scope, &chunk).await {
                Ok(()) => self.forget(scope, &chunk),
                Err(Error { .. }) if self.was_overtaken(app, scope).await? => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next records that are not linked yet.
    fn next_chunk(&mut self, scope: &str) -> Vec<String> {
        let Some(ids) = self.pending.get_mut(scope) else {
            return Vec::new();
        };
        ids.retain(|id| !self.recent.has(scope, id));
        ids.iter().take(CHUNK).cloned().collect()
    }

    fn forget(&mut self, scope: &str, chunk: &[String]) {
        if let Some(ids) = self.pending.get_mut(scope) {
            for id in chunk {
                ids.remove(id);
            }
        }
    }

    /// Whether somebody else wrote links behind the end that we knew.
    async fn was_overtaken(&mut self, app: &App, scope: &str) -> Result<bool, Error> {
        Ok(!self.read_links(app, scope).await?.is_empty())
    }

    /// Writes the links of some records behind the end.
    async fn link(&mut self, app: &App, scope: &str, chunk: &[String]) -> Result<(), Error> {
        let mut end = self.ends.get(scope).cloned().unwrap_or_default();
        let mut batch = Batch::new();
        for id in chunk {
            // A hint can be of a record that was removed by hand; there is nothing to link then.
            let Some(record) = app.store().get(&Key::audit(scope, id)).await? else {
                continue;
            };
            let sequence = end.sequence + 1;
            let link = AuditLink {
                scope: scope.to_owned(),
                sequence,
                record: id.clone(),
                previous: end.hash.clone(),
                hash: link_hash(&end.hash, scope, sequence, &record.body),
            };
            batch.put(&link, Expect::Absent)?;
            end = End {
                sequence,
                hash: link.hash,
            };
        }
        if !batch.operations.is_empty() {
            app.store().commit(batch).await?;
        }
        for id in chunk {
            self.recent.add(scope, id);
        }
        self.ends.insert(scope.to_owned(), end);
        Ok(())
    }
}

/// The records that were linked last.
#[derive(Debug, Default)]
struct Recent {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Recent {
    fn add(&mut self, scope: &str, id: &str) {
        let path = Key::audit(scope, id).path().to_owned();
        if self.known.insert(path.clone()) {
            self.order.push_back(path);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    fn has(&self, scope: &str, id: &str) -> bool {
        self.known.contains(Key::audit(scope, id).path())
    }
}
