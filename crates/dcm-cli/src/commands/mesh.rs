//! `dcm mesh`: what the members of a logical cloud shall hold of its mesh.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use dcm_wire::views::{MeshMemberView, MeshPeerView, ServiceMeshView};

use super::logical_cloud;
use crate::arguments::{
    ClusterPath, Format, OutputArguments, ProjectArguments, cluster_path, segment,
};
use crate::client::Path;
use crate::error::Error;
use crate::output::{Cell, Palette, Table, Tone, printable};
use crate::run::Context;

/// Arguments of `dcm mesh`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Format.
    #[command(flatten)]
    output: OutputArguments,

    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what each member shall hold: bundle, manifest, peers, and what hinders; never a key
    Show(One),
    /// Print the manifest of the control plane of a member
    Manifest {
        #[command(flatten)]
        one: One,
        /// The member
        #[arg(value_name = "PROVIDER/NAME", value_parser = cluster_path)]
        cluster: ClusterPath,
    },
}

#[derive(Debug, Args)]
struct One {
    /// The logical cloud
    #[arg(value_parser = segment)]
    cloud: String,

    #[command(flatten)]
    project: ProjectArguments,
}

impl One {
    fn path(&self) -> Path {
        logical_cloud::path(&self.project.project, &self.cloud).join("service-mesh")
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    match arguments.action {
        Action::Show(one) => show(&one, arguments.output.output, context).await,
        Action::Manifest { one, cluster } => {
            let path = one
                .path()
                .join("cluster-providers")
                .join(&cluster.provider)
                .join("clusters")
                .join(&cluster.cluster)
                .join("manifest");
            let text = context.client.get_text(&path, Vec::new()).await?;
            context.terminal.data(&text)
        }
    }
}

async fn show(one: &One, format: Format, context: &Context<'_>) -> Result<(), Error> {
    let answer = context.client.get(&one.path()).await?;
    context.terminal.show(format, &answer.document, |palette| {
        Ok(mesh(&answer.decode("mesh")?, palette))
    })
}

fn mesh(shown: &ServiceMeshView, palette: Palette) -> String {
    let name = shown.name.as_deref().unwrap_or("none");
    let domain = shown.trust_domain.as_deref().unwrap_or("-");
    let head = format!("mesh {name}, mode {}, trust domain {domain}", shown.mode);
    let mut text = format!("{}\n", printable(&head));
    if shown.members.is_empty() {
        return text;
    }
    let mut table = Table::new(&[
        "CLUSTER", "MODE", "GEN", "BUNDLE", "UNTIL", "MANIFEST", "PEERS", "PROBLEM",
    ]);
    for member in &shown.members {
        table.row(row(member));
    }
    text.push_str(&table.render(palette));
    for member in &shown.members {
        if let Some(problem) = &member.problem {
            let word = palette.paint(Tone::Bad, &cluster(member));
            let told = format!("{} ({})", problem.message, problem.hint);
            let _ = writeln!(text, "{word}: {}", printable(&told));
        }
    }
    text
}

fn cluster(member: &MeshMemberView) -> String {
    format!("{}/{}", member.cluster_provider, member.cluster)
}

fn row(member: &MeshMemberView) -> Vec<Cell> {
    let bundle = member.bundle.as_ref();
    let version =
        bundle.map(|bundle| format!("{}.{}.{}", bundle.generation, bundle.trust, bundle.lists));
    let until = bundle.map(|bundle| bundle.not_after.strftime("%Y-%m-%d").to_string());
    let digest = member.manifest_digest.as_deref();
    let (tone, problem) = match &member.problem {
        Some(problem) => (Tone::Bad, problem.reason.as_str()),
        None => (Tone::Faint, "-"),
    };
    let or_none = |text: Option<String>| Cell::plain(text.unwrap_or_else(|| "-".to_owned()));
    vec![
        Cell::plain(cluster(member)),
        Cell::plain(&member.mode),
        Cell::plain(member.generation.to_string()),
        or_none(version),
        or_none(until),
        or_none(digest.map(|digest| digest.chars().take(12).collect())),
        Cell::plain(peers(&member.peers)),
        Cell::new(tone, problem),
    ]
}

/// How many are known, of how many.
fn peers(peers: &[MeshPeerView]) -> String {
    if peers.is_empty() {
        return "-".to_owned();
    }
    let known = peers.iter().filter(|peer| peer.address.is_some()).count();
    format!("{known} of {}", peers.len())
}
