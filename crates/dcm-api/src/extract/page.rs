//! Paging: `?limit=&continue=`, answered by a bare array and the headers `Link` and `X-Continue`.
//!
//! A caller who names no limit gets everything: clients of the older dialects know no pages.

use std::future::Future;

use axum::extract::FromRequestParts;
use axum::response::Response;
use dcm_app::{Listed, PageRequest, Saved};
use dcm_types::Violation;
use http::StatusCode;
use http::header::{HeaderName, LINK};
use http::request::Parts;
use serde::Serialize;

use super::query::Parameters;
use crate::answer::Answer;
use crate::error::ApiError;

/// Header with the value of `continue` for the next page.
const CONTINUE: HeaderName = HeaderName::from_static("x-continue");
/// Largest page.
const PAGE_LIMIT: usize = 500;
/// Where even a caller who names no limit is told to go on.
const WHOLE_LIMIT: usize = 20_000;
/// Longest value of `continue`: longer than any path of names.
const CONTINUE_LIMIT: usize = 1024;

/// Which part of a list is asked for.
pub(crate) struct Page {
    path: String,
    /// The parameters that narrow the list; the next page has them too.
    filters: String,
    limit: Option<usize>,
    after: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Parameters::of(parts)?;
        Ok(Self {
            path: parts.uri.path().to_owned(),
            filters: filters(parts.uri.query().unwrap_or_default()),
            limit: query.parse("limit", parse_limit)?,
            after: query.parse("continue", parse_continue)?,
        })
    }
}

/// The parameters that are not of the page, each followed by `&`, as they were encoded.
fn filters(query: &str) -> String {
    let of_page = |pair: &&str| !pair.starts_with("limit=") && !pair.starts_with("continue=");
    query
        .split('&')
        .filter(|pair| !pair.is_empty() && pair.bytes().all(|b| b.is_ascii_graphic()))
        .filter(of_page)
        .fold(String::new(), |text, pair| text + pair + "&")
}

/// A page is never larger than the largest, whatever is asked for.
fn parse_limit(text: &str) -> Result<usize, Violation> {
    let limit: Option<i64> = text.parse().ok().filter(|limit| *limit > 0);
    limit
        .map(|limit| usize::try_from(limit).unwrap_or(PAGE_LIMIT).min(PAGE_LIMIT))
        .ok_or_else(|| Violation::new("must be a whole number of at least 1", text))
}

fn parse_continue(text: &str) -> Result<String, Violation> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_./~".contains(&b);
    if text.is_empty() || text.len() > CONTINUE_LIMIT || !text.bytes().all(known) {
        return Err(Violation::new(
            "must be a value of the header X-Continue",
            text,
        ));
    }
    Ok(text.to_owned())
}

impl Page {
    /// Cuts the page out of a list that is always read as a whole, and shows each document.
    pub(crate) fn cut<D, V>(
        &self,
        all: &[Saved<D>],
        name: impl Fn(&D) -> &str,
        view: impl Fn(&D) -> V,
    ) -> (Vec<V>, Option<String>) {
        let after = self.after.as_deref().unwrap_or_default();
        let rest: Vec<&D> = all
            .iter()
            .map(|saved| &saved.document)
            .filter(|document| name(document) > after)
            .collect();
        let page = &rest[..rest.len().min(self.limit.unwrap_or(WHOLE_LIMIT))];
        let more = page.len() < rest.len();
        let next = page
            .last()
            .filter(|_| more)
            .map(|last| name(last).to_owned());
        (page.iter().map(|document| view(document)).collect(), next)
    }

    /// Reads the page, or everything, and shows each document.
    async fn read<D, V, F>(
        &self,
        fetch: impl Fn(PageRequest) -> F,
        view: impl Fn(&Saved<D>) -> V,
    ) -> Result<(Vec<V>, Option<String>), ApiError>
    where
        F: Future<Output = Result<Listed<D>, dcm_app::Error>>,
    {
        let mut views = Vec::new();
        let mut after = self.after.clone();
        loop {
            let limit = self.limit.unwrap_or(PAGE_LIMIT);
            let listed = fetch(PageRequest { after, limit }).await?;
            views.extend(listed.items.iter().map(&view));
            after = listed.next;
            if after.is_none() || self.limit.is_some() || views.len() >= WHOLE_LIMIT {
                return Ok((views, after));
            }
        }
    }

    /// The answer: a bare array, and where it goes on.
    pub(crate) async fn list<D, V, F>(
        &self,
        fetch: impl Fn(PageRequest) -> F,
        view: impl Fn(&Saved<D>) -> V,
    ) -> Result<Response, ApiError>
    where
        V: Serialize,
        F: Future<Output = Result<Listed<D>, dcm_app::Error>>,
    {
        let (views, next) = self.read(fetch, view).await?;
        Ok(self.answer(&views, next.as_deref()))
    }

    /// An answer of which the headers say where it goes on.
    pub(crate) fn answer(&self, body: &impl Serialize, next: Option<&str>) -> Response {
        let answer = Answer::json(StatusCode::OK, body);
        let Some(next) = next else {
            return answer.into();
        };
        let limit = self.limit.unwrap_or(PAGE_LIMIT);
        let link = format!(
            "<{}?{}limit={limit}&continue={next}>; rel=\"next\"",
            self.path, self.filters
        );
        answer.header(LINK, &link).header(CONTINUE, next).into()
    }
}
