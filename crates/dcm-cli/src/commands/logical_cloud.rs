//! `dcm logical-cloud`: create them, make them exist, watch them, make them go.

use clap::{Args, Subcommand, ValueEnum};
use dcm_wire::documents::{
    CloudMeshSpec, CloudPolicySpec, LogicalCloudDocument, LogicalCloudSpec, MemberSpec, UserSpec,
};
use dcm_wire::views::{Accepted, Wish};

use super::user::CredentialType;
use crate::arguments::{
    Format, MemberArgument, MetadataArguments, OutputArguments, Pair, ProjectArguments,
    WaitArguments, member, pair, segment,
};
use crate::client::Path;
use crate::error::Error;
use crate::output::{Cell, Palette, Tone};
use crate::resource::{self, Noun};
use crate::run::Context;
use crate::status;

/// Arguments of `dcm logical-cloud`.
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
    /// Create a logical cloud; no cluster is touched before `instantiate`
    Create(Box<Create>),
    /// Show a logical cloud
    Get(One),
    /// List the logical clouds of a project
    List {
        #[command(flatten)]
        project: ProjectArguments,
    },
    /// Delete a logical cloud; terminate it first
    Delete(One),
    /// Make it exist in its members, as its documents say now
    Instantiate(Act),
    /// Make its members match its documents as they are now
    Update(Act),
    /// Remove it from its members
    Terminate(Act),
    /// Leave its members as they are until the next action
    Stop(One),
    /// Show where each member stands; ends with 3 when one needs attention
    Status(Act),
}

#[derive(Debug, Args)]
struct One {
    /// Name of the logical cloud
    #[arg(value_parser = segment)]
    name: String,
    #[command(flatten)]
    project: ProjectArguments,
}

#[derive(Debug, Args)]
struct Act {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    wait: WaitArguments,
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    one: One,
    /// Its namespace in every member; made of its name when left out
    #[arg(
        short,
        long,
        value_name = "NAMESPACE",
        default_value = "",
        hide_default_value = true
    )]
    namespace: String,
    /// Its user
    #[arg(short, long, value_name = "NAME")]
    user: Option<String>,
    /// How its user proves who they are in the members [default: certificate]
    #[arg(long, value_name = "TYPE", requires = "user")]
    user_type: Option<CredentialType>,
    /// Network preset [default: baseline]
    #[arg(long, value_name = "PRESET")]
    isolation: Option<Isolation>,
    /// Pod security level [default: baseline]
    #[arg(long, value_name = "LEVEL")]
    pod_security: Option<PodSecurity>,
    /// What is done when others change in a member what was applied [default: correct]
    #[arg(long, value_name = "POLICY")]
    drift: Option<Drift>,
    /// What its members have of a mesh [default: as the server gives all]
    #[arg(long, value_name = "MODE")]
    mesh: Option<MeshMode>,
    /// A label on its namespace; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<Pair>,
    /// A member, with the address of its load balancer if it has one; may be repeated
    #[arg(long = "cluster", value_name = "PROVIDER/NAME[=IP]", value_parser = member)]
    clusters: Vec<MemberArgument>,
    #[command(flatten)]
    metadata: MetadataArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Isolation {
    /// No network policies
    Open,
    /// Ingress only from its own namespace
    Baseline,
    /// Ingress and egress only within its own namespace
    Strict,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Drift {
    /// It is changed back
    Correct,
    /// The status tells of it; `update` applies the wish again
    Report,
    /// It is not looked at
    Off,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MeshMode {
    /// Nothing
    Off,
    /// A namespace with a bundle of authorities
    CaOnly,
    /// A control plane
    Istio,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PodSecurity {
    /// Kubernetes' level `baseline`
    Baseline,
    /// Kubernetes' level `restricted`
    Restricted,
}

pub(super) fn word(value: Option<impl ValueEnum>) -> String {
    value
        .and_then(|value| value.to_possible_value())
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

struct LogicalCloud;

impl Noun for LogicalCloud {
    type Document = LogicalCloudDocument;
    const NAME: &'static str = "logical cloud";
    const HEADER: &'static [&'static str] = &[
        "NAME",
        "NAMESPACE",
        "USER",
        "ISOLATION",
        "WISH",
        "GENERATION",
        "DESCRIPTION",
    ];

    fn row(document: &Self::Document) -> Vec<Cell> {
        let spec = &document.spec;
        let user = spec.user.as_ref().map(|user| user.user_name.as_str());
        let lifecycle = document.status.as_ref();
        let (tone, wish) = match lifecycle {
            None => (Tone::Faint, "-"),
            Some(status) if status.delete_when_absent => (Tone::Busy, "deleted"),
            Some(status) => show_wish(status.wish),
        };
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(&spec.namespace),
            Cell::plain(user.unwrap_or_default()),
            Cell::plain(&spec.isolation),
            Cell::new(tone, wish),
            Cell::plain(lifecycle.map_or_else(String::new, |status| status.generation.to_string())),
            Cell::plain(&document.metadata.description),
        ]
    }

    fn details(document: &Self::Document, palette: Palette) -> Vec<String> {
        let told = "privileged: a permission leaves its namespace".to_owned();
        let privileged = document.privileged.then_some(told);
        let policy = document.spec.policy.as_ref();
        let drift = policy.map(|policy| format!("changes of others in members: {}", policy.drift));
        let mesh = document.spec.mesh.as_ref();
        let mesh = mesh.map(|mesh| format!("mesh: {} ({})", mesh.mode, mesh.name));
        let lines = privileged.into_iter().chain(drift).chain(mesh);
        lines
            .map(|line| format!("  {}", palette.paint(Tone::Busy, &line)))
            .collect()
    }
}

/// A wish, and what it means.
pub(crate) const fn show_wish(wish: Wish) -> (Tone, &'static str) {
    match wish {
        Wish::Present => (Tone::Good, "present"),
        Wish::Absent => (Tone::Busy, "absent"),
    }
}

/// The path of a logical cloud.
pub(crate) fn path(project: &str, cloud: &str) -> Path {
    collection(project).join(cloud)
}

fn collection(project: &str) -> Path {
    Path::new(&["projects", project, "logical-clouds"])
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match arguments.action {
        Action::Create(create) => {
            let all = collection(&create.one.project.project);
            let (name, document) = document(*create);
            resource::create::<LogicalCloud>(context, format, (&all, &name), &document).await
        }
        Action::Get(one) => resource::get::<LogicalCloud>(context, format, &one.path()).await,
        Action::List { project } => {
            resource::list::<LogicalCloud>(context, format, &collection(&project.project)).await
        }
        Action::Delete(one) => {
            resource::delete::<LogicalCloud>(context, &one.path(), &one.name).await
        }
        Action::Instantiate(act) => act.run(context, format, "instantiate").await,
        Action::Update(act) => act.run(context, format, "update").await,
        Action::Terminate(act) => act.run(context, format, "terminate").await,
        Action::Stop(one) => one.stop(context, format).await,
        Action::Status(act) => {
            let path = act.one.path();
            match act.wait.limit() {
                Some(timeout) => status::wait(context, format, &path, (0, timeout)).await,
                None => status::show(context, format, &path).await,
            }
        }
    }
}

impl One {
    fn path(&self) -> Path {
        path(&self.project.project, &self.name)
    }

    /// Asks that work on it rests. There is nothing to wait for.
    async fn stop(&self, context: &Context<'_>, format: Format) -> Result<(), Error> {
        let answer = context.client.act(&self.path().join("stop")).await?;
        let accepted: Accepted = answer.decode("accepted action")?;
        context.terminal.note(&if accepted.paused {
            format!("'{}' is stopped until the next action", self.name)
        } else {
            format!("'{}' was never instantiated: nothing to stop", self.name)
        });
        context.terminal.show_data(format, &answer.document)
    }
}

impl Act {
    /// Asks for an action, and waits for what it wishes if it shall.
    async fn run(&self, context: &Context<'_>, format: Format, action: &str) -> Result<(), Error> {
        let path = self.one.path();
        let answer = context.client.act(&path.join(action)).await?;
        let accepted: Accepted = answer.decode("accepted action")?;
        let generation = accepted.generation;
        context.terminal.note(&format!(
            "{action} of '{}' accepted: generation {generation}",
            self.one.name
        ));
        if let Some(timeout) = self.wait.limit() {
            return status::wait(context, format, &path, (generation, timeout)).await;
        }
        context.terminal.show_data(format, &answer.document)
    }
}

fn document(create: Create) -> (String, LogicalCloudDocument) {
    let name = create.one.name;
    let clusters = create
        .clusters
        .into_iter()
        .map(|member| MemberSpec {
            name: String::new(),
            cluster_provider: member.cluster.provider,
            cluster: member.cluster.cluster,
            load_balancer_ip: member.load_balancer.unwrap_or_default(),
        })
        .collect();
    let document = LogicalCloudDocument {
        metadata: create.metadata.named(&name),
        spec: LogicalCloudSpec {
            namespace: create.namespace,
            labels: create.labels.into_iter().collect(),
            level: String::new(),
            user: create.user.map(|user_name| UserSpec {
                user_name,
                credential: word(create.user_type),
            }),
            isolation: word(create.isolation),
            pod_security: word(create.pod_security),
            policy: create.drift.map(|drift| CloudPolicySpec {
                drift: word(Some(drift)),
            }),
            mesh: create.mesh.map(|mode| CloudMeshSpec {
                mode: word(Some(mode)),
                ..CloudMeshSpec::default()
            }),
            clusters,
        },
        privileged: false,
        status: None,
    };
    (name, document)
}
