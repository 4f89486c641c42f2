//! What is asked of the CA controller of a server.

use std::fmt::Write as _;

use clap::{Args, Subcommand, ValueEnum};
use dcm_wire::views::{
    AnchorView, AuthorityRequestView, AuthorityView, BundleView, GenerationStateView,
    KeyEventsView, RotationPhaseView, RotationView,
};
use jiff::Timestamp;
use reqwest::Method;
use serde::Serialize;

use super::foreign::{ImportArguments, SignedArguments};
use crate::arguments::{ClusterPath, Format, cluster_path, segment};
use crate::client::{Answer, Path};
use crate::commands::logical_cloud;
use crate::error::Error;
use crate::output::{Cell, Palette, Table, Tone, printable};
use crate::run::Context;

/// Whose authority is meant.
#[derive(Debug, Args)]
pub(super) struct ScopeArguments {
    /// The logical cloud; without it, the organisation
    #[arg(value_parser = segment, requires = "project")]
    cloud: Option<String>,

    /// Its project
    #[arg(short, long, env = "DCM_PROJECT", value_name = "PROJECT", value_parser = segment)]
    project: Option<String>,
}

/// Which logical cloud is meant.
#[derive(Debug, Args)]
pub(super) struct OneCloud {
    /// The logical cloud
    #[arg(value_parser = segment)]
    cloud: String,

    #[command(flatten)]
    project: crate::arguments::ProjectArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    /// The intermediate of every edge, under the same anchor
    Intermediate,
    /// The anchor, and with it the intermediate of every edge
    Anchor,
}

#[derive(Debug, Subcommand)]
pub(super) enum Asked {
    /// Show anchors, the last rotation and the intermediates of the edges; never a key
    Show(ScopeArguments),
    /// Give new keys, phase by phase, each when every member was seen to follow
    Rotate {
        #[command(flatten)]
        cloud: OneCloud,
        /// What gets a new key
        #[arg(long, value_enum)]
        kind: Kind,
        /// Only tell what would be done, and who would hold it up now
        #[arg(long)]
        dry_run: bool,
    },
    /// Show the last rotation, and who holds it up
    Rotation(OneCloud),
    /// End the running rotation; that of an anchor until the new one signs
    Abort(OneCloud),
    /// Revoke the present intermediate of an edge; it gets a new one
    Revoke {
        #[command(flatten)]
        cloud: OneCloud,
        /// The edge
        #[arg(value_name = "PROVIDER/NAME", value_parser = cluster_path)]
        cluster: ClusterPath,
    },
    /// Ask for a certificate request that somebody else signs; the same one until it is answered
    Csr(ScopeArguments),
    /// Take a certificate authority that somebody else made, with its key
    Import {
        #[command(flatten)]
        scope: ScopeArguments,
        #[command(flatten)]
        files: ImportArguments,
    },
    /// Take the answer to a certificate request
    InstallSigned {
        #[command(flatten)]
        files: SignedArguments,
        #[command(flatten)]
        scope: ScopeArguments,
    },
    /// The record of what happened to keys
    #[command(subcommand)]
    Audit(Audit),
}

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Verify it; ends with 1 when an event is not right
    Verify(ScopeArguments),
}

impl ScopeArguments {
    fn path(&self) -> Path {
        match (&self.project, &self.cloud) {
            (Some(project), Some(cloud)) => logical_cloud::path(project, cloud).join("ca"),
            _ => Path::new(&["ca"]),
        }
    }
}

impl OneCloud {
    fn path(&self) -> Path {
        logical_cloud::path(&self.project.project, &self.cloud).join("ca")
    }
}

pub(super) async fn run(asked: &Asked, format: Format, context: &Context<'_>) -> Result<(), Error> {
    let client = &context.client;
    match asked {
        Asked::Show(scope) => {
            let answer = client.get(&scope.path()).await?;
            context.terminal.show(format, &answer.document, |palette| {
                Ok(authority(&answer.decode("authority")?, palette))
            })
        }
        Asked::Rotate {
            cloud,
            kind,
            dry_run,
        } => {
            let kind = match kind {
                Kind::Intermediate => "intermediate",
                Kind::Anchor => "anchor",
            };
            let mut query = vec![("kind", kind.to_owned())];
            query.extend(dry_run.then(|| ("dryRun", "true".to_owned())));
            let path = cloud.path().join("rotation");
            let answer = client.act_with(Method::POST, &path, query).await?;
            show_rotation(&answer, format, context)
        }
        Asked::Rotation(cloud) => {
            let answer = client.get(&cloud.path().join("rotation")).await?;
            show_rotation(&answer, format, context)
        }
        Asked::Abort(cloud) => {
            let path = cloud.path().join("rotation").join("abort");
            show_rotation(&client.act(&path).await?, format, context)
        }
        Asked::Revoke { cloud, cluster } => {
            let path = cloud
                .path()
                .join("cluster-providers")
                .join(&cluster.provider);
            let path = path.join("clusters").join(&cluster.cluster).join("revoke");
            let answer = client.act(&path).await?;
            context.terminal.show(format, &answer.document, |palette| {
                Ok(bundles(&[answer.decode("bundle")?], palette))
            })
        }
        Asked::Csr(scope) => request(scope, format, context).await,
        Asked::Import { scope, files } => {
            let (path, body) = (scope.path().join("import"), files.body()?);
            taken(
                &client.write(Method::POST, &path, &body).await?,
                format,
                context,
            )
        }
        Asked::InstallSigned { scope, files } => {
            let (path, body) = (scope.path().join("signed"), files.body()?);
            taken(
                &client.write(Method::POST, &path, &body).await?,
                format,
                context,
            )
        }
        Asked::Audit(Audit::Verify(scope)) => verify(scope, format, context).await,
    }
}

async fn request(
    scope: &ScopeArguments,
    format: Format,
    context: &Context<'_>,
) -> Result<(), Error> {
    let answer = context.client.act(&scope.path().join("request")).await?;
    let request: AuthorityRequestView = answer.decode("certificate request")?;
    if request.request.is_none() && format == Format::Table {
        let note = "its key is being made; ask again in a moment";
        context.terminal.note(note);
        return Ok(());
    }
    context.terminal.show(format, &answer.document, |_| {
        Ok(request.request.unwrap_or_default())
    })
}

fn taken(answer: &Answer, format: Format, context: &Context<'_>) -> Result<(), Error> {
    context.terminal.show(format, &answer.document, |palette| {
        Ok(authority(&answer.decode("authority")?, palette))
    })
}

async fn verify(
    scope: &ScopeArguments,
    format: Format,
    context: &Context<'_>,
) -> Result<(), Error> {
    let answer = context.client.get(&scope.path().join("audit")).await?;
    let events: KeyEventsView = answer.decode("record of key events")?;
    context.terminal.show(format, &answer.document, |palette| {
        let (chains, verified) = (events.chains, events.verified);
        let mut text = format!("{verified} event(s) in {chains} chain(s) verified\n");
        for event in &events.bad {
            let word = palette.paint(Tone::Bad, "bad:");
            let told = format!("{} {}: {}", event.chain, event.sequence, event.why);
            let _ = writeln!(text, "{word} {}", printable(&told));
        }
        Ok(text)
    })?;
    match events.bad.len() {
        0 => Ok(()),
        broken => Err(Error::BadRecord { broken }),
    }
}

fn show_rotation(answer: &Answer, format: Format, context: &Context<'_>) -> Result<(), Error> {
    context.terminal.show(format, &answer.document, |palette| {
        Ok(rotation(&answer.decode("rotation")?, palette))
    })
}

fn authority(shown: &AuthorityView, palette: Palette) -> String {
    let mut anchors = Table::new(&[
        "ANCHOR", "SUBJECT", "KEY", "UNTIL", "TRUSTED", "SIGNS", "REVOKED",
    ]);
    for anchor in &shown.anchors {
        anchors.row(anchor_row(anchor));
    }
    let mut text = anchors.render(palette);
    if let Some(last) = &shown.rotation {
        let _ = write!(text, "\n{}", rotation(last, palette));
    }
    if !shown.bundles.is_empty() {
        let _ = write!(text, "\n{}", bundles(&shown.bundles, palette));
    }
    if let Some(problem) = &shown.request_problem {
        let word = palette.paint(Tone::Bad, "waits for its issuer:");
        let _ = writeln!(text, "{word} {}", printable(problem));
    }
    text
}

fn anchor_row(anchor: &AnchorView) -> Vec<Cell> {
    let yes = |is: bool| Cell::plain(if is { "yes" } else { "no" });
    vec![
        Cell::plain(anchor.generation.to_string()),
        Cell::plain(&anchor.subject),
        Cell::plain(anchor.algorithm.as_deref().unwrap_or("imported")),
        until(anchor.not_after, anchor.late_at, anchor.signs),
        yes(anchor.trusted),
        yes(anchor.signs),
        Cell::plain(anchor.revoked.to_string()),
    ]
}

fn bundles(shown: &[BundleView], palette: Palette) -> String {
    let mut table = Table::new(&[
        "CLUSTER",
        "GENERATION",
        "STATE",
        "ANCHOR",
        "KEY",
        "RENEWED",
        "UNTIL",
    ]);
    for bundle in shown {
        let in_force = matches!(
            bundle.state,
            GenerationStateView::Active | GenerationStateView::Issued
        );
        let tone = match bundle.state {
            GenerationStateView::Active => Tone::Good,
            GenerationStateView::Issued => Tone::Busy,
            GenerationStateView::Superseded => Tone::Faint,
            GenerationStateView::Revoked => Tone::Bad,
        };
        table.row(vec![
            Cell::plain(format!("{}/{}", bundle.cluster_provider, bundle.cluster)),
            Cell::plain(bundle.generation.to_string()),
            Cell::new(tone, word(&bundle.state)),
            Cell::plain(bundle.anchor.to_string()),
            Cell::plain(&bundle.algorithm),
            Cell::plain(day(bundle.renew_at)),
            until(bundle.not_after, bundle.late_at, in_force),
        ]);
    }
    table.render(palette)
}

fn rotation(shown: &RotationView, palette: Palette) -> String {
    let tone = match shown.phase {
        RotationPhaseView::Done => Tone::Good,
        RotationPhaseView::Aborted => Tone::Faint,
        _ => Tone::Busy,
    };
    let what = if shown.dry_run {
        "would be rotation"
    } else {
        "rotation"
    };
    let phase = palette.paint(tone, &word(&shown.phase));
    let mut text = format!(
        "{what} {} of {}: {phase}, {} members\n",
        shown.number,
        word(&shown.kind),
        shown.members
    );
    for edge in &shown.waiting {
        let cluster = format!("{}/{}", edge.cluster_provider, edge.cluster);
        let missing = word(&edge.missing);
        let _ = writeln!(text, "  waits for {} ({missing})", printable(&cluster));
    }
    text
}

/// A word of the interface.
fn word(value: &impl Serialize) -> String {
    let text = serde_json::to_value(value).ok();
    let text = text.as_ref().and_then(serde_json::Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// The end, marked when nothing took its place in time.
fn until(ends: Timestamp, late_at: Timestamp, in_force: bool) -> Cell {
    if in_force && Timestamp::now() >= late_at {
        return Cell::new(Tone::Bad, format!("{} (late)", day(ends)));
    }
    Cell::plain(day(ends))
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
