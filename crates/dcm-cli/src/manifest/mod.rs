//! Documents in files: several in one, in our own form or in the "anchor" form of EMCO's tool.
//!
//! ```text
//!   source  files, folders, standard input      split    text into documents, each with its line
//!   form    one document: which form, its place  nouns    kinds and the paths they stand for
//! ```
//!
//! Invariant: everything that is wrong with the files is told before a request is made.

mod form;
mod nouns;
mod source;
mod split;

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use crate::client::Path;
use crate::error::Error;

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The file as it was named; `-` for standard input.
    pub(crate) file: String,
    /// Which document of the file, from 1 on.
    pub(crate) number: usize,
    /// Its first line.
    pub(crate) line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{} (document {})",
            self.file, self.line, self.number
        )
    }
}

/// One document of a file.
pub(crate) struct Manifest {
    pub(crate) origin: Origin,
    pub(crate) content: Content,
}

/// What a document asks for. No `Debug`: it may hold a credential.
pub(crate) enum Content {
    /// That a document is there.
    Document {
        /// Path of its collection, below `/v2`.
        collection: Vec<String>,
        /// Its name; empty when it has none of its own.
        name: String,
        document: Value,
    },
    /// An action.
    Action {
        /// Path of the logical cloud, below `/v2`.
        cloud: Vec<String>,
        action: String,
    },
}

impl Manifest {
    /// The path of the single call that creates it or does it.
    pub(crate) fn place(&self) -> String {
        match &self.content {
            Content::Document { collection, .. } => collection.join("/"),
            Content::Action { cloud, action } => format!("{}/{action}", cloud.join("/")),
        }
    }

    /// What it is called in a table.
    pub(crate) fn title(&self) -> String {
        match &self.content {
            Content::Document { name, .. } if !name.is_empty() => {
                format!("{}/{name}", self.place())
            }
            _ => self.place(),
        }
    }

    /// The path of the document itself. A reference without a name is found by its cluster.
    pub(crate) fn path(&self) -> Option<Path> {
        let Content::Document {
            collection,
            name,
            document,
        } = &self.content
        else {
            return None;
        };
        if !name.is_empty() {
            return Some(path_of(collection).join(name));
        }
        let member = |name: &str| document.get("spec")?.get(name)?.as_str();
        let (provider, cluster) = (member("clusterProvider")?, member("cluster")?);
        let (_, cloud) = collection.split_last()?;
        let flat = path_of(cloud).join("cluster-providers").join(provider);
        Some(flat.join("cluster-references").join(cluster))
    }
}

/// The one value of a text in YAML or JSON.
pub(crate) fn one_value(file: &std::path::Path, text: &str) -> Result<Value, Error> {
    let mut parts = split::split(text).into_iter();
    let fault = match (parts.next().map(|part| part.value), parts.next()) {
        (Some(Ok(value)), None) => return Ok(value),
        (Some(Err(fault)), _) => fault,
        (None, _) => "holds nothing".to_owned(),
        (Some(Ok(_)), Some(_)) => "must hold one document".to_owned(),
    };
    Err(Error::Manifests(vec![format!(
        "{}: {fault}",
        file.display()
    )]))
}

/// A path of segments below `/v2`.
pub(crate) fn path_of(segments: &[String]) -> Path {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Path::new(&segments)
}

/// Reads the documents of files, in the order in which they are named.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Manifest>, Error> {
    let mut manifests = Vec::new();
    let mut faults = Vec::new();
    for source in source::read(files)? {
        let folder = source.folder.as_deref();
        for part in split::split(&source.text) {
            let origin = Origin {
                file: source.name.clone(),
                number: part.number,
                line: part.line,
            };
            match part.value.and_then(|value| form::read(value, folder)) {
                Ok(contents) => manifests.extend(contents.into_iter().map(|content| Manifest {
                    origin: origin.clone(),
                    content,
                })),
                Err(fault) => faults.push(format!("{origin}: {fault}")),
            }
        }
    }
    if !faults.is_empty() {
        return Err(Error::Manifests(faults));
    }
    if manifests.is_empty() {
        return Err(Error::Manifests(vec![
            "the files hold no document".to_owned(),
        ]));
    }
    Ok(manifests)
}
