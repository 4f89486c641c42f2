//! Logical clouds on real control planes, beside the bare client.

use std::path::PathBuf;

use anyhow::Result;
use dcm_testkit::ControlPlane;

use super::Bench;
use crate::commands::bench::clusters::{self, Stand};
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::statistics::percentile;
use crate::output;
use crate::serve::{self, Server};

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Figure>> {
    let (count, clouds) = (bench.arguments.control_planes, bench.arguments.clouds);
    let control_planes = ControlPlane::start_many(count.into())?;
    output::warn(format!(
        "{clouds} logical clouds on {count} control planes: about {} s",
        u32::from(clouds) * 3
    ));
    let configuration = "[clusters]\nallow_addresses = [\"127.0.0.0/8\"]\n";
    let folder = bench.place.folder("real", configuration)?;
    let server = Server::start(&bench.tools.dcm, &folder, serve::any_address())?;
    let stand = Stand::register(server.address(), &control_planes)?;
    let kubeconfigs: Vec<PathBuf> = control_planes
        .iter()
        .map(ControlPlane::kubeconfig_path)
        .collect();
    let mut bare = bench.tools.bare_client(&kubeconfigs)?;
    let names: Vec<String> = (0..clouds)
        .map(|number| format!("cloud-{number}"))
        .collect();
    let every = format!(":0:{count}");
    let command = |name: &str| format!("spread {count} bare-{name}{every}");
    let (ours, theirs) = clusters::by_turns(&stand, &mut bare, &names, &command)?;
    let what = |of: &str| format!("instantiate on {count} control planes: {of}");
    let mut figures = Vec::new();
    for (of, share) in [("median", 0.5), ("p99", 0.99)] {
        let (mine, bare) = (percentile(&ours, share), percentile(&theirs, share));
        let figure = Figure::new(what(of), Unit::Milliseconds, mine);
        figures.push(figure.beside(bare, "bare client"));
        let figure = Figure::new(
            what(&format!("{of}, of the bare client")),
            Unit::Times,
            mine / bare,
        );
        figures.push(figure.at_most(2.0));
    }
    Ok(figures)
}
