//! `cargo xtask istio`: the programs of the mesh, built into the cache or found ready.

use anyhow::Result;
use dcm_testkit::IstioAssets;

use crate::output;

#[derive(clap::Subcommand)]
pub(crate) enum Task {
    /// Build istioctl and pilot-discovery into the cache: 5 min the first time
    Build,
}

impl Task {
    pub(super) fn run(self) -> Result<()> {
        match self {
            Self::Build => build(),
        }
    }
}

fn build() -> Result<()> {
    let assets = IstioAssets::obtain()?;
    for program in [assets.istioctl, assets.pilot_discovery] {
        output::say(program.display());
    }
    Ok(())
}
