//! `dcm ca`: certificate authorities of meshes.

mod asked;
mod foreign;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use dcm_pki::bundle::{self, Files, Finding, Limits, Severity};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::arguments::{Format, OutputArguments, duration};
use crate::error::Error;
use crate::file;
use crate::output::{Cell, Palette, Table, Terminal, Tone};
use crate::run::Context;

/// Arguments of `dcm ca`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    output: OutputArguments,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Judge what lies in a Secret `cacerts`: stricter than the control plane that reads it
    ///
    /// Takes folders with ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem and ca-crl.pem, and
    /// Secrets as `kubectl get secret cacerts -o yaml` prints them (`-` reads one from standard input).
    /// Needs no server, and no key leaves this process. Several bundles are also held against each
    /// other: no two may share a key. Ends with 1 when a rule is broken, a risk included.
    Check(CheckArguments),

    #[command(flatten)]
    Asked(asked::Asked),
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// Folders, or files with a Secret
    #[arg(required = true, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Longest life of a workload's certificate in this mesh
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    leaf_life: Duration,

    /// Longest that a new bundle takes to reach every control plane
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    propagation: Duration,
}

impl Arguments {
    /// It talks to no server.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.action, Action::Check(_))
    }
}

/// Runs a command that needs no server.
pub(crate) fn run_alone(arguments: &Arguments, terminal: &Terminal) -> Result<(), Error> {
    match &arguments.action {
        Action::Check(check) => judge(check, arguments.output.output, terminal),
        Action::Asked(_) => Ok(()),
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match &arguments.action {
        Action::Check(check) => judge(check, format, context.terminal),
        Action::Asked(asked) => asked::run(asked, format, context).await,
    }
}

fn judge(arguments: &CheckArguments, format: Format, terminal: &Terminal) -> Result<(), Error> {
    let limits = Limits {
        now: Timestamp::now(),
        longest_leaf: signed(arguments.leaf_life),
        propagation: signed(arguments.propagation),
    };
    let mut bundles = Vec::new();
    for path in &arguments.paths {
        bundles.push((path.display().to_string(), read(path)?));
    }
    let mut found: Vec<(String, Finding)> = Vec::new();
    for (name, files) in &bundles {
        let broken = bundle::check(files, &limits);
        found.extend(broken.into_iter().map(|finding| (name.clone(), finding)));
    }
    let all: Vec<(&str, &Files)> = bundles
        .iter()
        .map(|(name, files)| (name.as_str(), files))
        .collect();
    let together = bundle::check_together(&all);
    found.extend(
        together
            .into_iter()
            .map(|finding| ("all".to_owned(), finding)),
    );
    show(&found, bundles.len(), format, terminal)?;
    match found.len() {
        0 => Ok(()),
        broken => Err(Error::BadBundle { broken }),
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn read(path: &Path) -> Result<Files, Error> {
    if !path.is_dir() {
        let text = file::read_text(path)?;
        return Files::from_secret(&text).map_err(|rule| Error::NoBundle {
            path: path.to_owned(),
            rule,
        });
    }
    let text = |name: &str| file::read_text(&path.join(name));
    let lists = path.join(bundle::LISTS);
    let has_lists = fs::exists(&lists).unwrap_or(false);
    Ok(Files {
        certificate: text(bundle::CERTIFICATE)?,
        key: SecretString::from(text(bundle::KEY)?),
        chain: text(bundle::CHAIN)?,
        anchors: text(bundle::ANCHORS)?,
        lists: has_lists.then(|| file::read_text(&lists)).transpose()?,
    })
}

fn show(
    found: &[(String, Finding)],
    bundles: usize,
    format: Format,
    terminal: &Terminal,
) -> Result<(), Error> {
    let rows: Vec<Value> = found
        .iter()
        .map(|(name, finding)| {
            json!({
                "bundle": name, "severity": finding.rule.severity().as_str(),
                "rule": finding.rule.as_str(), "file": finding.file,
                "message": finding.message, "hint": finding.rule.hint(),
            })
        })
        .collect();
    if found.is_empty() && format == Format::Table {
        let good = terminal.note_palette.paint(Tone::Good, "good:");
        terminal.note(&format!("{good} {bundles} bundle(s) keep all rules"));
        return Ok(());
    }
    terminal.show(format, &Value::Array(rows), |palette| {
        Ok(table(found, palette))
    })
}

fn table(found: &[(String, Finding)], palette: Palette) -> String {
    let mut table = Table::new(&["BUNDLE", "SEVERITY", "RULE", "FILE", "MESSAGE"]);
    let mut hints: Vec<String> = Vec::new();
    for (name, finding) in found {
        let severity = finding.rule.severity();
        let tone = match severity {
            Severity::Refused | Severity::Breaks => Tone::Bad,
            Severity::Risky => Tone::Busy,
        };
        table.row(vec![
            Cell::plain(name),
            Cell::new(tone, severity.as_str()),
            Cell::plain(finding.rule.as_str()),
            Cell::plain(finding.file),
            Cell::plain(&finding.message),
        ]);
        let hint = format!("  {}: {}", finding.rule.as_str(), finding.rule.hint());
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    let hints = hints.join("\n");
    format!(
        "{}{}\n",
        table.render(palette),
        palette.paint(Tone::Faint, &hints)
    )
}
