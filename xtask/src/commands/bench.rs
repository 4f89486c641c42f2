//! `cargo xtask bench`: the figures that the product is held against, each beside its target and, where
//! there is one, a baseline that was measured in the same run.
//!
//! A figure that misses its target is told and is no error; one that cannot be measured is. Everything
//! is a release build. The machine's other work shows in the figures: run it on a quiet one.

mod api;
mod ca;
mod clusters;
mod commits;
mod create;
mod figure;
mod idle;
mod load;
mod statistics;
mod sync;
mod tools;
mod waiters;

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::output;
use crate::workspace;
use figure::Figure;
use tools::{
    BARE_CLIENT, BARE_SERVER, BUNDLE_RATE, COMMIT_RATE, ISSUE_RATE, MESH_RATE, ROTATION_COST, Tools,
};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    apart: Option<Apart>,
    /// Only these parts
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Logical clouds to bring to life for the median
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=200))]
    clouds: u16,
    /// Measure the programs as they were built last
    #[arg(long)]
    no_build: bool,
    /// Print JSON in place of a table
    #[arg(long)]
    json: bool,
}

/// What is measured by a command of its own.
#[derive(clap::Subcommand)]
enum Apart {
    /// The synchronizer against very many simulated members; takes about 15 minutes
    Sync(sync::Arguments),
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Creating logical clouds over HTTP
    Create,
    /// Logical clouds on two real control planes
    Clusters,
    /// The REST interface over a store with 100,000 documents
    Api,
    /// The server when it has nothing to do
    Idle,
    /// Many who wait for a status
    Waiters,
    /// Intermediates of edges, bundles that are there, rotations and meshes
    Ca,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(Apart::Sync(arguments)) = &arguments.apart {
        return sync::run(arguments);
    }
    let wanted = |part| arguments.parts.is_empty() || arguments.parts.contains(&part);
    let tools = Tools::locate()?;
    if !arguments.no_build {
        let beside = [COMMIT_RATE, BARE_CLIENT, BARE_SERVER];
        let authorities = [ISSUE_RATE, BUNDLE_RATE, ROTATION_COST, MESH_RATE];
        Tools::build(&[&beside[..], &authorities].concat())?;
    }
    let place = Place::create()?;
    let mut figures = Vec::new();
    if wanted(Part::Idle) {
        figures.extend(idle::measure(&tools, &place)?);
    }
    if wanted(Part::Waiters) {
        figures.extend(waiters::measure(&tools, &place)?);
    }
    if wanted(Part::Ca) {
        figures.extend(ca::measure(&tools, &place)?);
    }
    if wanted(Part::Create) {
        figures.extend(create::measure(&tools, &place)?);
    }
    if wanted(Part::Api) {
        figures.extend(api::measure(&tools, &place)?);
    }
    if wanted(Part::Clusters) {
        figures.extend(clusters::measure(&tools, &place, arguments.clouds)?);
    }
    report(&figures, arguments.json)
}

fn report(figures: &[Figure], json: bool) -> Result<()> {
    if json {
        output::say(serde_json::to_string_pretty(figures)?);
        return Ok(());
    }
    let header = ["FIGURE", "MEASURED", "BASELINE", "TARGET", ""].map(str::to_owned);
    let mut rows = vec![header.to_vec()];
    rows.extend(figures.iter().map(Figure::row));
    output::say("");
    for line in output::table(&rows) {
        output::say(line);
    }
    Ok(())
}

/// A folder on the disk of the work tree, since temporary folders may be in memory, where nothing
/// has to be synced. Removed at the end.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn create() -> Result<Self> {
        let target = workspace::metadata()?.target_directory;
        let folder = PathBuf::from(target.join(format!("bench-{}", std::process::id())));
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// An empty folder in it, with the configuration of a server.
    fn folder(&self, name: &str, configuration: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir(&folder)?;
        fs::write(folder.join("dcm.toml"), configuration)?;
        Ok(folder)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed lies in the build folder and does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
