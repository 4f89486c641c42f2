//! Lists, page by page, in the order of names.

use dcm_store::{Scope, StoreExt as _};
use dcm_types::Document;

use crate::{App, Error, Saved};

/// Largest page.
const PAGE_LIMIT: usize = 500;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Go on after this: [`Listed::next`] of the page before.
    pub after: Option<String>,
    /// At most so many; at least one and at most 500 are returned.
    pub limit: usize,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self {
            after: None,
            limit: PAGE_LIMIT,
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<D> {
    /// The documents.
    pub items: Vec<Saved<D>>,
    /// Where to go on, when more follow.
    pub next: Option<String>,
}

impl App {
    /// One page of the documents of a scope.
    pub(crate) async fn page<D: Document>(
        &self,
        scope: Scope,
        request: PageRequest,
    ) -> Result<Listed<D>, Error> {
        let limit = request.limit.clamp(1, PAGE_LIMIT);
        let (found, next) = self.store().read_page(scope, request.after, limit).await?;
        Ok(Listed {
            items: found.into_iter().map(Saved::from).collect(),
            next,
        })
    }

    /// One page of those documents of a scope that are selected.
    pub(crate) async fn page_where<D: Document>(
        &self,
        scope: Scope,
        request: PageRequest,
        keep: impl Fn(&D) -> bool,
    ) -> Result<Listed<D>, Error> {
        let limit = request.limit.clamp(1, PAGE_LIMIT);
        let mut items: Vec<Saved<D>> = Vec::new();
        let mut after = request.after;
        loop {
            let (found, next) = self
                .store()
                .read_page::<D>(scope.clone(), after, PAGE_LIMIT)
                .await?;
            for document in found.into_iter().filter(|found| keep(&found.document)) {
                if items.len() == limit {
                    let last = items.last().map(|saved| saved.document.key());
                    let next = last.map(|key| key.path().to_owned());
                    return Ok(Listed { items, next });
                }
                items.push(document.into());
            }
            if next.is_none() {
                return Ok(Listed { items, next });
            }
            after = next;
        }
    }
}
