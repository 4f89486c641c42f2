//! Create, get, list and delete, the same for every noun.

use std::time::Duration;

use dcm_types::Kind;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::arguments::Format;
use crate::client::{Answer, Path, decode};
use crate::error::Error;
use crate::output::{Cell, Palette, Table};
use crate::run::Context;

/// A kind of resource: how it is called, and how it looks in a table.
pub(crate) trait Noun {
    /// Its document.
    type Document: DeserializeOwned;
    /// What it is called in messages.
    const NAME: &'static str;
    /// Columns.
    const HEADER: &'static [&'static str];

    /// One cell per column.
    fn row(document: &Self::Document) -> Vec<Cell>;

    /// What `get` shows below the row, line by line.
    fn details(_document: &Self::Document, _palette: Palette) -> Vec<String> {
        Vec::new()
    }
}

/// Creates a resource in a collection.
pub(crate) async fn create<N: Noun>(
    context: &Context<'_>,
    format: Format,
    (collection, name): (&Path, &str),
    body: &impl Serialize,
) -> Result<(), Error> {
    let answer = context.client.write(Method::POST, collection, body).await?;
    wrote::<N>(context, format, name, &answer)
}

/// Creates or replaces a resource at its own path.
pub(crate) async fn put<N: Noun>(
    context: &Context<'_>,
    format: Format,
    (path, name): (&Path, &str),
    body: &impl Serialize,
) -> Result<(), Error> {
    let answer = context.client.write(Method::PUT, path, body).await?;
    wrote::<N>(context, format, name, &answer)
}

fn wrote<N: Noun>(
    context: &Context<'_>,
    format: Format,
    name: &str,
    answer: &Answer,
) -> Result<(), Error> {
    for warning in &answer.warnings {
        context.terminal.warn(warning);
    }
    let verb = if answer.status == 201 {
        "created"
    } else {
        "changed"
    };
    context
        .terminal
        .note(&format!("{} '{name}' {verb}", N::NAME));
    context.terminal.show_data(format, &answer.document)
}

/// Shows one resource.
pub(crate) async fn get<N: Noun>(
    context: &Context<'_>,
    format: Format,
    path: &Path,
) -> Result<(), Error> {
    let answer = context.client.get(path).await?;
    context.terminal.show(format, &answer.document, |palette| {
        let document: N::Document = answer.decode(N::NAME)?;
        let mut text = table::<N>(std::slice::from_ref(&document)).render(palette);
        for line in N::details(&document, palette) {
            text.push_str(&line);
            text.push('\n');
        }
        Ok(text)
    })
}

/// Shows a collection.
pub(crate) async fn list<N: Noun>(
    context: &Context<'_>,
    format: Format,
    path: &Path,
) -> Result<(), Error> {
    list_where::<N>(context, format, path, Vec::new()).await
}

/// Shows what is selected of a collection.
pub(crate) async fn list_where<N: Noun>(
    context: &Context<'_>,
    format: Format,
    path: &Path,
    filter: Vec<(&'static str, String)>,
) -> Result<(), Error> {
    let documents = read_where(context, path, filter).await?;
    if documents.is_empty() && format == Format::Table {
        context
            .terminal
            .note(&format!("there is no {} yet", N::NAME));
        return Ok(());
    }
    let all = Value::Array(documents);
    context.terminal.show(format, &all, |palette| {
        let documents: Vec<N::Document> = decode(all.clone(), N::NAME)?;
        Ok(table::<N>(&documents).render(palette))
    })
}

/// Every document of a collection, page by page.
pub(crate) async fn read_all(context: &Context<'_>, path: &Path) -> Result<Vec<Value>, Error> {
    read_where(context, path, Vec::new()).await
}

async fn read_where(
    context: &Context<'_>,
    path: &Path,
    filter: Vec<(&'static str, String)>,
) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    let mut query = filter.clone();
    loop {
        let answer = context
            .client
            .get_waiting(path, query, Duration::ZERO)
            .await?;
        let page: Vec<Value> = answer.decode("list")?;
        all.extend(page);
        match answer.next {
            Some(next) => {
                query = filter.clone();
                query.push(("continue", next));
            }
            None => return Ok(all),
        }
    }
}

/// Deletes a resource.
pub(crate) async fn delete<N: Noun>(
    context: &Context<'_>,
    path: &Path,
    name: &str,
) -> Result<(), Error> {
    delete_with::<N>(context, path, Vec::new(), name).await
}

/// Deletes a resource; parameters tell how.
pub(crate) async fn delete_with<N: Noun>(
    context: &Context<'_>,
    path: &Path,
    query: Vec<(&'static str, String)>,
    name: &str,
) -> Result<(), Error> {
    let client = &context.client;
    let answer = client.act_with(Method::DELETE, path, query).await?;
    let outcome = if answer.status == 202 {
        "is being deleted: it goes when nothing of it is left in any cluster that answers"
    } else {
        "deleted"
    };
    context
        .terminal
        .note(&format!("{} '{name}' {outcome}", N::NAME));
    Ok(())
}

/// Whether the server says that there is no such thing.
pub(crate) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Refused(problem) if problem.kind == Kind::NotFound)
}

fn table<N: Noun>(documents: &[N::Document]) -> Table {
    let mut table = Table::new(N::HEADER);
    for document in documents {
        table.row(N::row(document));
    }
    table
}
