//! Documents that are written one at a time: created, replaced, deleted, each with its parent asserted.

use dcm_store::{Expect, Versioned};
use dcm_types::{CloudKey, Document, Key};

use crate::change::{Act, Change, version_of};
use crate::settle::settle;
use crate::{App, Error, Precondition, Principal, Saved, Written};

/// Where a document belongs.
pub(crate) struct Site<'a> {
    /// The scope of its audit records.
    scope: &'a str,
    /// What must exist for it to exist; whoever decided on the children of it notices.
    parent: Option<Key>,
    /// What it names, and must exist too.
    named: Option<Key>,
    /// What it was decided on, and must not have changed.
    decided_on: Option<(Key, u64)>,
}

impl<'a> Site<'a> {
    /// A document without a parent.
    pub(crate) const fn top(scope: &'a str) -> Self {
        Self {
            scope,
            parent: None,
            named: None,
            decided_on: None,
        }
    }

    /// A document that belongs to no project, below another one.
    pub(crate) fn system(parent: Key) -> Site<'static> {
        Site {
            scope: Key::SYSTEM_SCOPE,
            parent: Some(parent),
            named: None,
            decided_on: None,
        }
    }

    /// A document that belongs to a logical cloud.
    pub(crate) fn in_cloud(cloud: &'a CloudKey) -> Self {
        Self {
            scope: cloud.project.as_str(),
            parent: Some(Key::cloud(cloud)),
            named: None,
            decided_on: None,
        }
    }

    /// A document that names another one of its cloud.
    pub(crate) fn naming(self, named: Option<Key>) -> Self {
        Self { named, ..self }
    }

    /// A document that was decided on the version of another one.
    pub(crate) fn decided_on(self, decided_on: Option<(Key, u64)>) -> Self {
        Self { decided_on, ..self }
    }

    /// A change that holds only while the parent exists.
    pub(crate) fn change(&self) -> Change {
        let mut change = Change::new();
        for required in [&self.parent, &self.named].into_iter().flatten() {
            change.assert(required.clone(), Expect::Exists);
        }
        if let Some((key, version)) = &self.decided_on {
            change.assert(key.clone(), Expect::Number(*version));
        }
        change
    }
}

impl App {
    /// Creates a document; one of its name that exists already is an error.
    pub(crate) async fn create_document<D: Document>(
        &self,
        who: &Principal,
        site: &Site<'_>,
        document: D,
    ) -> Result<Saved<D>, Error> {
        self.insert(who, site.scope, document, site.change()).await
    }

    /// Creates or replaces the document of a key; `make` is given what is there.
    pub(crate) async fn put_document<D: Document + PartialEq>(
        &self,
        who: &Principal,
        site: &Site<'_>,
        key: &Key,
        precondition: &Precondition,
        make: impl Fn(Option<&D>) -> Result<D, Error>,
    ) -> Result<Written<D>, Error> {
        settle(async || {
            let found = self.find::<D>(key).await?;
            precondition.check(found.as_ref())?;
            let document = make(found.as_ref().map(|found| &found.document))?;
            self.write(who, site.scope, found, document, site.change())
                .await
        })
        .await
    }

    /// Deletes a document that has no children.
    pub(crate) async fn delete_document<D: Document>(
        &self,
        who: &Principal,
        site: &Site<'_>,
        key: &Key,
        precondition: &Precondition,
    ) -> Result<(), Error> {
        settle(async || {
            let found = self.require::<D>(key).await?;
            precondition.check(Some(&found))?;
            let expect = Expect::Number(found.version.number);
            self.commit_delete(who, site, key, expect).await
        })
        .await
    }

    /// Deletes a document that may have children, of kind `C`, and is kept while it has.
    pub(crate) async fn delete_parent<D: Document, C: Document>(
        &self,
        who: &Principal,
        site: &Site<'_>,
        key: &Key,
        precondition: &Precondition,
        children: &str,
    ) -> Result<(), Error> {
        settle(async || {
            let found = self.require::<D>(key).await?;
            precondition.check(Some(&found))?;
            self.refuse_children::<C>(key, children).await?;
            self.commit_delete(who, site, key, Expect::Untouched(found.version))
                .await
        })
        .await
    }

    pub(crate) async fn commit_delete(
        &self,
        who: &Principal,
        site: &Site<'_>,
        key: &Key,
        expect: Expect,
    ) -> Result<(), Error> {
        let mut change = site.change();
        change.delete(key.clone(), expect);
        let act = Act::done(who, site.scope, "delete", key.clone());
        self.commit(change, act).await?;
        Ok(())
    }

    /// Creates a document, or replaces the one that was found. One that stays as it is is not
    /// written: its version does not change, and nothing happened that could be told of.
    pub(crate) async fn write<D: Document + PartialEq>(
        &self,
        who: &Principal,
        scope: &str,
        found: Option<Versioned<D>>,
        document: D,
        mut change: Change,
    ) -> Result<Written<D>, Error> {
        let Some(found) = found else {
            let created = self.insert(who, scope, document, change).await;
            return Ok(Written {
                saved: created.map_err(Error::raced_if_taken)?,
                created: true,
            });
        };
        let saved = if found.document == document {
            found.into()
        } else {
            change.put(&document, Expect::Number(found.version.number))?;
            let act = Act::done(who, scope, "update", document.key());
            self.save(document, change, act).await?
        };
        Ok(Written {
            saved,
            created: false,
        })
    }

    /// Adds the creation of a document to a change and commits it.
    async fn insert<D: Document>(
        &self,
        who: &Principal,
        scope: &str,
        document: D,
        mut change: Change,
    ) -> Result<Saved<D>, Error> {
        change.put(&document, Expect::Absent)?;
        let act = Act::done(who, scope, "create", document.key());
        self.save(document, change, act).await
    }

    async fn save<D: Document>(
        &self,
        document: D,
        change: Change,
        act: Act<'_>,
    ) -> Result<Saved<D>, Error> {
        let committed = self.commit(change, act).await?;
        Ok(Saved {
            version: version_of(&committed, &document.key()),
            document,
        })
    }
}
