//! The record step: target and access documents, by compare-and-swap. Nobody else writes them. What is left
//! of a cloud that is gone is recorded in its tombstone instead.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use dcm_store::{Batch, Error as StoreError, Expect, Store};
use dcm_types::documents::{LastError, ObjectIdentity, Observed, Target, Tombstone};
use dcm_types::{Document as _, Key, Timestamp};

use crate::credentials::Credential;
use crate::error::Error;
use crate::load::Inputs;
use crate::render::Wanted;

/// The documents of one target during a run, with the versions under which they were read.
pub(crate) struct Ledger {
    pub(crate) target: Target,
    tombstone: Option<Tombstone>,
    /// What the right to write rests on; `None` where only deletes are to come.
    held: Option<Key>,
    version: Option<u64>,
    /// That the wish is the one that the run began with.
    still_wanted: Option<(Key, Expect)>,
    /// What the store holds, to leave out writes that change nothing.
    stored: Option<Target>,
}

impl Ledger {
    /// The target as stored, or a new one.
    pub(crate) fn open(inputs: &Inputs) -> Self {
        let revision = &inputs.revision;
        let stored = inputs.target.as_ref().map(|target| target.document.clone());
        let mut target = stored.clone().unwrap_or_else(|| Target {
            key: inputs.key.clone(),
            cloud_uid: revision.cloud_uid,
            namespace: revision.slice.namespace.clone(),
            wanted_generation: revision.generation,
            applied_generation: None,
            observed: Observed::Absent,
            inventory: Vec::new(),
            reaches_out: false,
            gateway_address: None,
            conditions: Vec::new(),
            objects: Vec::new(),
            last_error: None,
            checked_at: None,
            check_at: None,
            emptied_at: None,
        });
        target.wanted_generation = revision.generation;
        target.cloud_uid = revision.cloud_uid;
        target.namespace = revision.slice.namespace.clone();
        let version = inputs.target.as_ref().map(|target| target.version.number);
        Self {
            target,
            tombstone: inputs.tombstone.clone(),
            held: inputs.hold(),
            version,
            still_wanted: inputs.still_wanted.clone(),
            stored,
        }
    }

    /// The document that the record is kept in.
    fn home(&self) -> Key {
        match &self.tombstone {
            Some(tombstone) => tombstone.key(),
            None => self.target.key(),
        }
    }

    fn put(&self, batch: &mut Batch) -> Result<(), StoreError> {
        let expect = Self::expect(self.version);
        match &self.tombstone {
            Some(tombstone) => {
                let target = self.target.clone();
                let tombstone = tombstone.clone();
                batch.put(
                    &Tombstone {
                        target,
                        ..tombstone
                    },
                    expect,
                )?;
            }
            None => {
                batch.put(&self.target, expect)?;
            }
        }
        Ok(())
    }

    fn expect(version: Option<u64>) -> Expect {
        version.map_or(Expect::Absent, Expect::Number)
    }

    /// Unknown first: says what may exist, and stores keys, before the first changing call.
    pub(crate) async fn begin(
        &mut self,
        store: &dyn Store,
        wanted: &[Wanted],
        credentials: &mut [Credential],
    ) -> Result<(), StoreError> {
        let mut inventory: BTreeSet<ObjectIdentity> = std::mem::take(&mut self.target.inventory)
            .into_iter()
            .collect();
        inventory.extend(wanted.iter().map(|wanted| wanted.place.identity()));
        self.target.inventory = inventory.into_iter().collect();
        self.target.observed = Observed::Unknown;
        self.target.emptied_at = None;
        let mut batch = Batch::new();
        if let Some(held) = &self.held {
            batch.assert(held.clone(), Expect::Exists);
        }
        self.commit(store, batch, credentials).await
    }

    /// Writes the target, the credentials that changed, and deletes the given documents: one commit.
    pub(crate) async fn write(
        &mut self,
        store: &dyn Store,
        credentials: &mut [Credential],
        gone: &[(Key, Expect)],
    ) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        for (key, expect) in gone {
            batch.delete(key.clone(), *expect);
        }
        self.commit(store, batch, credentials).await
    }

    async fn commit(
        &mut self,
        store: &dyn Store,
        mut batch: Batch,
        credentials: &mut [Credential],
    ) -> Result<(), StoreError> {
        let changed = self.stored.as_ref() != Some(&self.target);
        if changed {
            self.put(&mut batch)?;
        }
        for credential in credentials.iter().filter(|credential| credential.dirty) {
            batch.put(&credential.access, Self::expect(credential.version))?;
        }
        if batch.operations.is_empty() {
            return Ok(());
        }
        self.assert_wish(&mut batch);
        let committed = store.commit(batch).await?;
        for (key, version) in committed.written {
            if key == self.home() {
                self.version = Some(version);
                self.stored = Some(self.target.clone());
            }
            for credential in credentials.iter_mut().filter(|c| c.access.key() == key) {
                credential.version = Some(version);
                credential.dirty = false;
            }
        }
        Ok(())
    }

    /// Deletes the document that the record is kept in, with others, in one commit.
    pub(crate) async fn remove(
        &self,
        store: &dyn Store,
        gone: &[(Key, Expect)],
    ) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        if let Some(version) = self.version {
            batch.delete(self.home(), Expect::Number(version));
        }
        for (key, expect) in gone {
            batch.delete(key.clone(), *expect);
        }
        self.assert_wish(&mut batch);
        store.commit(batch).await.map(drop)
    }

    /// A run under an older wish commits nothing, and so never begins to write: neither its own read of the
    /// target nor a lease could tell it.
    fn assert_wish(&self, batch: &mut Batch) {
        if let Some((key, expect)) = &self.still_wanted {
            batch.assert(key.clone(), *expect);
        }
    }

    /// Whether it is recorded already that the member is out of reach, under this wish: whoever waits at its
    /// gate writes that once.
    pub(crate) fn knows(&self, error: &Error) -> bool {
        let Error::Held(why) = error else {
            return false;
        };
        self.stored.as_ref() == Some(&self.target)
            && self
                .target
                .last_error
                .as_ref()
                .is_some_and(|last| last.category == why.category())
    }

    /// Notes why a run failed.
    pub(crate) fn fail(&mut self, error: &Error, now: Timestamp) {
        let attempts = self
            .target
            .last_error
            .as_ref()
            .map_or(0, |last| last.attempts);
        self.target.last_error = Some(LastError {
            category: error.category().to_owned(),
            message: dcm_types::chain(error),
            hint: error.hint().to_owned(),
            at: now,
            attempts: attempts.saturating_add(1),
            member_generation: error.member_generation(),
        });
        self.target.conditions = crate::conditions::of_error(error, &self.target.conditions, now);
    }
}

/// Fingerprint of what was rendered, and of the credentials that go with it.
pub(crate) fn fingerprint(wanted: &[Wanted], credentials: &[Credential]) -> String {
    let mut hasher = DefaultHasher::new();
    for wanted in wanted {
        wanted.object.0.to_string().hash(&mut hasher);
    }
    for credential in credentials {
        credential.access.identity.hash(&mut hasher);
        credential
            .access
            .current
            .as_ref()
            .map(|current| current.epoch)
            .hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
