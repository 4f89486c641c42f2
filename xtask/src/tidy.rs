//! The house rules, as code: each rule looks at the tree and gives findings.
//!
//! An exception is an entry with a reason in `xtask/tidy-allow.toml`; one that no longer excepts
//! anything is a finding itself, so that the list only holds what is needed.

mod allow;
mod arrows;
mod links;
mod machine;
mod manifests;
mod modules;
mod sources;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cargo_metadata::Metadata;

use crate::{output, workspace};
use allow::AllowList;

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    rule: &'static str,
    /// Relative to the work tree.
    path: String,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} [{}]", self.path, self.message, self.rule)
    }
}

/// What the rules look at; read once.
struct Tree {
    root: PathBuf,
    metadata: Metadata,
    fuzz: Metadata,
    files: Vec<TextFile>,
}

struct TextFile {
    /// Relative to the work tree.
    path: String,
    text: String,
}

impl Tree {
    fn read() -> Result<Self> {
        let root = workspace::root();
        let mut files = Vec::new();
        for path in workspace::files()? {
            let bytes = fs::read(root.join(&path));
            let bytes = bytes.with_context(|| format!("reading {}", path.display()))?;
            // What is not text is no business of these rules.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(TextFile {
                    path: path.to_string_lossy().into_owned(),
                    text,
                });
            }
        }
        Ok(Self {
            root,
            metadata: workspace::metadata()?,
            fuzz: workspace::fuzz_metadata()?,
            files,
        })
    }

    fn rust_files(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| {
            Path::new(&file.path)
                .extension()
                .is_some_and(|extension| extension == "rs")
        })
    }
}

pub(crate) fn run() -> Result<()> {
    let tree = Tree::read()?;
    let mut findings = Vec::new();
    findings.extend(arrows::check(&tree));
    findings.extend(manifests::check(&tree)?);
    findings.extend(sources::check(&tree));
    findings.extend(modules::check(&tree));
    findings.extend(machine::check(&tree));
    findings.extend(links::check(&tree));
    let findings = AllowList::read(&tree.root)?.apply(findings);
    for finding in &findings {
        output::say(finding);
    }
    if !findings.is_empty() {
        bail!("{} findings of tidy", findings.len());
    }
    output::warn(format!("tidy: {} files are in order", tree.files.len()));
    Ok(())
}
