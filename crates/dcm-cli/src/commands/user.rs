//! `dcm user`: who works in a logical cloud.

mod request;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use dcm_wire::documents::{CredentialSpec, UserDocument};
use dcm_wire::views::{Accepted, Wish};
use reqwest::Method;
use serde_json::Value;

use super::logical_cloud::word;
use crate::arguments::{
    CloudArguments, Format, MetadataArguments, OutputArguments, WaitArguments, segment,
};
use crate::client::Path;
use crate::error::Error;
use crate::family::as_value;
use crate::output::{Cell, Palette};
use crate::resource::{self, Noun};
use crate::run::Context;
use crate::status;

/// Arguments of `dcm user`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    output: OutputArguments,

    /// What to do.
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a user; it counts from the next instantiate or update on
    Create(Create),
    /// Create a user, or replace the one of this name
    Set(Write),
    /// Show a user
    Get(One),
    /// List the users of a logical cloud
    List {
        #[command(flatten)]
        cloud: CloudArguments,
    },
    /// Delete a user; it counts from the next update on
    Delete(One),
    /// Give the certificate signing request of a user who keeps their key; at once
    Request(request::Request),
    /// Make everything that a user holds open nothing, and give them something new; at once
    Revoke(Revoke),
}

#[derive(Debug, Args)]
struct Revoke {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    wait: WaitArguments,
}

#[derive(Debug, Args)]
struct One {
    /// Name of the user
    #[arg(value_parser = segment)]
    name: String,
    #[command(flatten)]
    cloud: CloudArguments,
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    write: Write,
    /// Make their key into this new file, readable by its owner only, and give a signing request: their type
    /// is signing-request
    #[arg(long, value_name = "FILE", conflicts_with = "credential")]
    generate_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Write {
    #[command(flatten)]
    one: One,
    /// How they prove who they are in the members [default: certificate]
    #[arg(long = "type", value_name = "TYPE")]
    credential: Option<CredentialType>,
    #[command(flatten)]
    metadata: MetadataArguments,
}

/// How a user proves who they are.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum CredentialType {
    /// A client certificate, signed in each member
    Certificate,
    /// The token of a service account, for clusters that sign no client certificates
    ServiceAccount,
    /// A client certificate for a key that its holder keeps (`dcm user request`)
    SigningRequest,
}

struct User;

impl Noun for User {
    type Document = UserDocument;
    const NAME: &'static str = "user";
    const HEADER: &'static [&'static str] = &["NAME", "TYPE", "DESCRIPTION"];

    fn row(document: &Self::Document) -> Vec<Cell> {
        vec![
            Cell::plain(&document.metadata.name),
            Cell::plain(&document.spec.credential),
            Cell::plain(&document.metadata.description),
        ]
    }

    fn details(document: &Self::Document, _palette: Palette) -> Vec<String> {
        let status = document.status.as_ref();
        let Some(name) = status.and_then(|status| status.common_name.as_ref()) else {
            return Vec::new();
        };
        let waits = status.is_some_and(|status| status.waits_for.is_some());
        let what = if waits {
            "waits for a signing request with the subject"
        } else {
            "subject of the signing request:"
        };
        vec![format!("{what} CN={name}")]
    }
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let format = arguments.output.output;
    match arguments.action {
        Action::Create(create) => create.run(context, format).await,
        Action::Set(write) => {
            let (all, name, document) = document(write)?;
            resource::put::<User>(context, format, (&all.join(&name), &name), &document).await
        }
        Action::Get(one) => resource::get::<User>(context, format, &path(&one)).await,
        Action::List { cloud } => {
            resource::list::<User>(context, format, &collection(&cloud)).await
        }
        Action::Delete(one) => resource::delete::<User>(context, &path(&one), &one.name).await,
        Action::Request(request) => request.run(context, format).await,
        Action::Revoke(revoke) => revoke.run(context, format).await,
    }
}

impl Create {
    async fn run(self, context: &Context<'_>, format: Format) -> Result<(), Error> {
        let (all, name, mut document) = document(self.write)?;
        let Some(file) = self.generate_key else {
            return resource::create::<User>(context, format, (&all, &name), &document).await;
        };
        document["spec"]["type"] = request::TYPE.into();
        let place = all.join(&name);
        request::with_new_key(context, (format, &name, &place), &file, async || {
            let created = context.client.write(Method::POST, &all, &document).await?;
            context.terminal.note(&format!("user '{name}' created"));
            Ok(created.document)
        })
        .await
    }
}

impl Revoke {
    async fn run(&self, context: &Context<'_>, format: Format) -> Result<(), Error> {
        let answer = context.client.act(&path(&self.one).join("revoke")).await?;
        let accepted: Accepted = answer.decode("accepted action")?;
        let (user, cloud) = (&self.one.name, &self.one.cloud.cloud);
        if accepted.wish == Wish::Absent {
            context.terminal.note(&format!(
                "user '{user}' revoked; '{cloud}' is not instantiated, so it counts from then on"
            ));
        } else {
            context.terminal.note(&format!(
                "revoke of user '{user}' accepted: generation {}",
                accepted.generation
            ));
            if let Some(timeout) = self.wait.limit() {
                let path = cloud_path(&self.one.cloud);
                return status::wait(context, format, &path, (accepted.generation, timeout)).await;
            }
        }
        match format {
            Format::Json | Format::Yaml => context
                .terminal
                .show(format, &answer.document, |_| Ok(String::new())),
            Format::Table => Ok(()),
        }
    }
}

fn document(write: Write) -> Result<(Path, String, Value), Error> {
    let name = write.one.name;
    let document = UserDocument {
        metadata: write.metadata.named(&name),
        spec: CredentialSpec {
            credential: word(write.credential),
            csr: String::new(),
        },
        status: None,
    };
    Ok((collection(&write.one.cloud), name, as_value(&document)?))
}

fn collection(cloud: &CloudArguments) -> Path {
    cloud_path(cloud).join("users")
}

fn cloud_path(cloud: &CloudArguments) -> Path {
    super::logical_cloud::path(&cloud.project.project, &cloud.cloud)
}

fn path(one: &One) -> Path {
    collection(&one.cloud).join(&one.name)
}
