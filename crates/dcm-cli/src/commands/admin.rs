//! `dcm admin`: what an operator does after an accident.

use clap::{Args, Subcommand};
use dcm_wire::views::Accepted;
use reqwest::Method;

use crate::arguments::{Format, OutputArguments, ProjectArguments, segment};
use crate::error::Error;
use crate::run::Context;

/// Arguments of `dcm admin`.
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
    /// Make what the store says true in members that hold a newer generation, as after a restore
    AdoptGeneration {
        /// The logical cloud
        #[arg(value_name = "CLOUD", value_parser = segment)]
        cloud: String,
        #[command(flatten)]
        project: ProjectArguments,
        /// The newest generation that a member holds, as its status says
        #[arg(long, value_name = "NUMBER")]
        generation: u64,
    },
}

pub(crate) async fn run(arguments: Arguments, context: &Context<'_>) -> Result<(), Error> {
    let Action::AdoptGeneration {
        cloud,
        project,
        generation,
    } = arguments.action;
    let path = super::logical_cloud::path(&project.project, &cloud).join("adopt-generation");
    let query = vec![("generation", generation.to_string())];
    let answer = context.client.act_with(Method::POST, &path, query).await?;
    let accepted: Accepted = answer.decode("answer")?;
    let note = format!(
        "logical cloud '{cloud}': generation {} is wanted, above that of every member",
        accepted.generation
    );
    context.terminal.note(&note);
    if arguments.output.output == Format::Json {
        let terminal = context.terminal;
        terminal.show(Format::Json, &answer.document, |_| Ok(String::new()))?;
    }
    Ok(())
}
