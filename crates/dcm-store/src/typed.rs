//! Domain documents through a store: decode on the way out, encode with key and indexes on the way in.

use async_trait::async_trait;
use dcm_types::{Document, Key};

use crate::store::{Batch, Error, Expect, Operation, Page, Query, Scope, Store, Stored, Version};

/// A document with the version under which it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<D> {
    /// The document.
    pub document: D,
    /// Its version.
    pub version: Version,
}

/// Page size when everything of a scope is read.
const ALL_PAGE: usize = 500;

/// Decodes what [`Store::get_many`] found.
pub fn decode<D: Document>(stored: Stored) -> Result<Versioned<D>, Error> {
    let document = serde_json::from_str(&stored.body).map_err(|source| Error::Decode {
        key: stored.key,
        source,
    })?;
    Ok(Versioned {
        document,
        version: stored.version,
    })
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write of a document.
    pub fn put<D: Document>(&mut self, document: &D, expect: Expect) -> Result<&mut Self, Error> {
        let key = document.key();
        let body = serde_json::to_string(document).map_err(|source| Error::Encode {
            key: key.clone(),
            source,
        })?;
        let indexes = document.indexes();
        self.operations.push(Operation::Put {
            key,
            expect,
            schema: D::SCHEMA,
            body,
            indexes,
        });
        Ok(self)
    }

    /// How many documents it writes.
    pub fn puts(&self) -> usize {
        let puts = |operation: &&Operation| matches!(operation, Operation::Put { .. });
        self.operations.iter().filter(puts).count()
    }

    /// Adds a delete.
    pub fn delete(&mut self, key: Key, expect: Expect) -> &mut Self {
        self.operations.push(Operation::Delete { key, expect });
        self
    }

    /// Adds an assertion.
    pub fn assert(&mut self, key: Key, expect: Expect) -> &mut Self {
        self.operations.push(Operation::Assert { key, expect });
        self
    }
}

/// Typed reads on every store.
#[async_trait]
pub trait StoreExt: Store {
    /// Reads one document.
    async fn read<D: Document>(&self, key: &Key) -> Result<Option<Versioned<D>>, Error> {
        self.get(key).await?.map(decode).transpose()
    }

    /// Reads one page; the second value is the path to go on after, when more follow.
    async fn read_page<D: Document>(
        &self,
        scope: Scope,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<Versioned<D>>, Option<String>), Error> {
        let Page { documents, more } = self
            .list(&Query {
                kind: D::KIND,
                scope,
                after,
                limit,
            })
            .await?;
        let next = if more {
            documents.last().map(|d| d.key.path().to_owned())
        } else {
            None
        };
        let decoded = documents
            .into_iter()
            .map(decode)
            .collect::<Result<_, _>>()?;
        Ok((decoded, next))
    }

    /// Reads everything of a scope, page by page.
    async fn read_all<D: Document>(&self, scope: Scope) -> Result<Vec<Versioned<D>>, Error> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let (page, next) = self.read_page::<D>(scope.clone(), after, ALL_PAGE).await?;
            all.extend(page);
            if next.is_none() {
                return Ok(all);
            }
            after = next;
        }
    }
}

impl<S: Store + ?Sized> StoreExt for S {}
