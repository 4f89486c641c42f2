//! What was gathered over another store, and how it looks from above. Pure.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use dcm_types::{DocumentKind, Index, Key};

use super::Gathered;
use crate::store::{
    Batch, Committed, Error, Expect, Operation, Page, Query, Scope, Stored, Version,
};

/// From here on version numbers are given out; no store comes as far.
const NUMBERS: u64 = 1 << 62;
/// So many bits of a salt go into a number.
const SALT_BITS: u32 = 40;
/// So many bits count what is written.
const COUNT_BITS: u32 = 20;

/// Documents as the other store had them, and what became of them since.
#[derive(Debug)]
pub(super) struct Pending {
    seen: BTreeMap<Key, Option<Stored>>,
    staged: BTreeMap<Key, Staged>,
    first_number: u64,
    /// What was written, in order: each got the next number.
    numbered: Vec<Key>,
    commits: u64,
}

/// What was gathered about one document.
#[derive(Debug)]
struct Staged {
    /// What must hold of it in the other store.
    expect: Expect,
    becomes: Becomes,
}

#[derive(Debug)]
enum Becomes {
    /// It stays; so often it was asserted.
    Touched(u64),
    Written(Box<Written>),
    Deleted,
}

#[derive(Debug)]
struct Written {
    stored: Stored,
    indexes: Vec<(Index, String)>,
}

impl Pending {
    pub(super) fn new(salt: u64) -> Self {
        let salt = salt >> (u64::BITS - SALT_BITS);
        Self {
            seen: BTreeMap::new(),
            staged: BTreeMap::new(),
            first_number: NUMBERS + (salt << COUNT_BITS),
            numbered: Vec::new(),
            commits: 0,
        }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Whether it is known what is there, without asking the other store.
    pub(super) fn knows(&self, key: &Key) -> bool {
        let settled = |staged: &Staged| !matches!(staged.becomes, Becomes::Touched(_));
        self.seen.contains_key(key) || self.staged.get(key).is_some_and(settled)
    }

    pub(super) fn writes(&self, key: &Key) -> bool {
        let staged = self.staged.get(key);
        staged.is_some_and(|staged| matches!(staged.becomes, Becomes::Written(_)))
    }

    /// Keeps what the other store has, unless an earlier look was kept.
    pub(super) fn see(&mut self, key: &Key, found: Option<Stored>) {
        self.seen.entry(key.clone()).or_insert(found);
    }

    pub(super) fn seen_versions(&self) -> Vec<(Key, Option<Version>)> {
        let version = |found: &Option<Stored>| found.as_ref().map(|found| found.version);
        let all = self.seen.iter();
        all.map(|(key, found)| (key.clone(), version(found)))
            .collect()
    }

    pub(super) fn get(&self, key: &Key) -> Option<Stored> {
        match self.staged.get(key).map(|staged| &staged.becomes) {
            Some(Becomes::Written(written)) => Some(written.stored.clone()),
            Some(Becomes::Deleted) => None,
            Some(Becomes::Touched(times)) => self.found(key).map(|found| touched(found, *times)),
            None => self.found(key),
        }
    }

    fn found(&self, key: &Key) -> Option<Stored> {
        self.seen.get(key).cloned().flatten()
    }

    fn version(&self, key: &Key) -> Option<Version> {
        let found = || self.seen.get(key)?.as_ref().map(|found| found.version);
        match self.staged.get(key).map(|staged| &staged.becomes) {
            Some(Becomes::Written(written)) => Some(written.stored.version),
            Some(Becomes::Deleted) => None,
            Some(Becomes::Touched(times)) => found().map(|version| Version {
                touched: version.touched + times,
                ..version
            }),
            None => found(),
        }
    }

    /// Takes a batch in, or says which precondition does not hold.
    pub(super) fn stage(&mut self, batch: Batch) -> Result<Committed, Error> {
        for operation in &batch.operations {
            let found = self.version(operation.key());
            if !operation.expect().holds(found) {
                return Err(Error::Precondition {
                    key: operation.key().clone(),
                    found,
                });
            }
        }
        self.commits += u64::from(!batch.operations.is_empty());
        let mut written = Vec::new();
        for operation in batch.operations {
            let key = operation.key().clone();
            if let Some(number) = self.take(operation) {
                written.push((key, number));
            }
        }
        Ok(Committed { written })
    }

    /// Takes one operation in, whose precondition holds; a write gets a number.
    fn take(&mut self, operation: Operation) -> Option<u64> {
        let key = operation.key().clone();
        let before = self.staged.remove(&key);
        let expect = self.expectation(&key, before.as_ref(), operation.expect());
        let (becomes, number) = match operation {
            Operation::Put {
                schema,
                body,
                indexes,
                ..
            } => {
                let number = self.first_number + self.numbered.len() as u64;
                self.numbered.push(key.clone());
                let stored = Stored {
                    key: key.clone(),
                    version: Version { number, touched: 0 },
                    schema,
                    body,
                };
                let written = Box::new(Written { stored, indexes });
                (Becomes::Written(written), Some(number))
            }
            Operation::Delete { .. } => (Becomes::Deleted, None),
            Operation::Assert { .. } => (asserted(before), None),
        };
        self.staged.insert(key, Staged { expect, becomes });
        number
    }

    /// What must hold of a document in the other store. Once it is written or deleted here, what is
    /// expected of it is no matter of the other store.
    fn expectation(&self, key: &Key, before: Option<&Staged>, expect: Expect) -> Expect {
        let expect = match (expect, self.seen.get(key)) {
            // A version that was touched here is that of the other store with our own touches.
            (Expect::Untouched(_), Some(Some(found))) => Expect::Untouched(found.version),
            _ => expect,
        };
        match before {
            None => expect,
            Some(before) if matches!(before.becomes, Becomes::Touched(_)) => {
                stronger(before.expect, expect)
            }
            Some(before) => before.expect,
        }
    }

    /// How many documents of a kind the other store may list and this one not, or otherwise.
    pub(super) fn written_count(&self, kind: DocumentKind) -> usize {
        let settled = |staged: &&Staged| !matches!(staged.becomes, Becomes::Touched(_));
        self.of_kind(kind)
            .map(|(_, staged)| staged)
            .filter(settled)
            .count()
    }

    fn of_kind(&self, kind: DocumentKind) -> impl Iterator<Item = (&Key, &Staged)> {
        let first = Key::from_stored(kind, String::new());
        self.staged
            .range((Bound::Included(first), Bound::Unbounded))
            .take_while(move |(key, _)| key.kind() == kind)
    }

    /// A page of the other store, wide enough, as it looks from above.
    pub(super) fn merge(&self, query: &Query, page: Page) -> Page {
        // Beyond the end of the page the other store may have documents that were not read.
        let end = match page.documents.last() {
            Some(last) if page.more => Some(last.key.path().to_owned()),
            _ => None,
        };
        let mut documents: BTreeMap<String, Stored> = BTreeMap::new();
        for found in page.documents {
            let stays = match self.staged.get(&found.key).map(|staged| &staged.becomes) {
                None => Some(found),
                Some(Becomes::Touched(times)) => Some(touched(found, *times)),
                Some(Becomes::Written(_) | Becomes::Deleted) => None,
            };
            documents.extend(stays.map(|stored| (stored.key.path().to_owned(), stored)));
        }
        for (key, staged) in self.of_kind(query.kind) {
            let Becomes::Written(written) = &staged.becomes else {
                continue;
            };
            let path = key.path();
            let within = end.as_deref().is_none_or(|end| path <= end);
            let later = query.after.as_deref().is_none_or(|after| path > after);
            if within && later && in_scope(&query.scope, path, &written.indexes) {
                documents.insert(path.to_owned(), written.stored.clone());
            }
        }
        let mut cut = Page::cut(documents.into_values().collect(), query.limit);
        cut.more |= page.more;
        cut
    }

    /// Everything that was gathered, as a batch for the other store.
    pub(super) fn gathered(&self) -> Gathered {
        let operations = self.operations();
        let puts = operations
            .iter()
            .filter(|operation| matches!(operation, Operation::Put { .. }));
        let places: HashMap<&Key, usize> = puts.map(Operation::key).zip(0..).collect();
        let numbers = (self.first_number..).zip(&self.numbered);
        Gathered {
            places: numbers
                .filter_map(|(number, key)| Some((number, *places.get(key)?)))
                .collect(),
            batch: Batch { operations },
        }
    }

    fn operations(&self) -> Vec<Operation> {
        let all = self.staged.iter();
        all.filter_map(|(key, staged)| {
            let (key, expect) = (key.clone(), staged.expect);
            match &staged.becomes {
                Becomes::Written(written) => Some(Operation::Put {
                    key,
                    expect,
                    schema: written.stored.schema,
                    body: written.stored.body.clone(),
                    indexes: written.indexes.clone(),
                }),
                // What was never there cannot be deleted, only stay away.
                Becomes::Deleted if expect == Expect::Absent => {
                    Some(Operation::Assert { key, expect })
                }
                Becomes::Deleted => Some(Operation::Delete { key, expect }),
                Becomes::Touched(_) if expect == Expect::Anything => None,
                Becomes::Touched(_) => Some(Operation::Assert { key, expect }),
            }
        })
        .collect()
    }
}

fn touched(mut stored: Stored, times: u64) -> Stored {
    stored.version.touched += times;
    stored
}

/// What becomes of a document that is asserted, after what became of it before.
fn asserted(before: Option<Staged>) -> Becomes {
    match before.map(|before| before.becomes) {
        None => Becomes::Touched(1),
        Some(Becomes::Touched(times)) => Becomes::Touched(times + 1),
        Some(Becomes::Written(mut written)) => {
            written.stored.version.touched += 1;
            Becomes::Written(written)
        }
        Some(Becomes::Deleted) => Becomes::Deleted,
    }
}

/// Of two expectations that both hold, the one from which the other follows.
fn stronger(one: Expect, other: Expect) -> Expect {
    let strength = |expect: Expect| match expect {
        Expect::Anything => 0,
        Expect::Exists | Expect::Absent => 1,
        Expect::Number(_) => 2,
        Expect::Untouched(_) => 3,
    };
    if strength(other) > strength(one) {
        other
    } else {
        one
    }
}

fn in_scope(scope: &Scope, path: &str, indexes: &[(Index, String)]) -> bool {
    match scope {
        Scope::All => true,
        Scope::Under(parent) => path
            .strip_prefix(parent.as_str())
            .is_some_and(|rest| rest.starts_with('/')),
        Scope::Indexed(index, value) => indexes
            .iter()
            .any(|(named, held)| named == index && held == value),
    }
}
