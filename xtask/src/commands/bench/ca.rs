//! The CA controller on the embedded store: intermediates of edges issued, verified and stored, a bundle that is there
//! asked for again, and rotations of a cloud with many members, of which only our own work is counted; and the meshes
//! that rest on them.

use anyhow::Result;
use dcm_testkit::IstioAssets;
use serde::Deserialize;

use super::Place;
use super::figure::{Figure, Unit};
use super::tools::Tools;

/// Edges that get an intermediate.
const EDGES: usize = 1000;

/// Members of the cloud that is rotated, and of the mesh that is prepared.
const MEMBERS: usize = 100;

/// What `mesh_rate` prints.
#[derive(Deserialize)]
struct Mesh {
    manifests_seconds: f64,
    prepared_seconds: f64,
    runs: f64,
    changed_address_seconds: f64,
    changed_address_runs: f64,
}

/// Edges whose bundles are asked for over the socket.
const ASKED: usize = 100;

/// What `bundle_rate` prints, in milliseconds.
#[derive(Deserialize)]
struct OverSocket {
    near_p99: f64,
    far_p50: f64,
    far_p99: f64,
}

/// What `issue_rate` prints.
#[derive(Deserialize)]
struct Told {
    issued_seconds: f64,
    warm_p50_ms: f64,
    warm_p99_ms: f64,
}

/// What `rotation_cost` prints.
#[derive(Deserialize)]
struct Rotations {
    intermediate: Rotation,
    anchor: Rotation,
    bare_ms: f64,
}

/// The whole of one rotation.
#[derive(Deserialize)]
struct Rotation {
    wall_ms: f64,
    processor_ms: f64,
    looks: u32,
    virtual_hours: f64,
}

pub(super) fn measure(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    let mut figures = issued(tools, place)?;
    let folder = place.folder("rotation", "")?;
    let told: Rotations = serde_json::from_str(&tools.rotation_cost(&folder, MEMBERS)?)?;
    for (what, rotation) in [
        ("intermediates", &told.intermediate),
        ("anchor", &told.anchor),
    ] {
        figures.extend(rotated(what, rotation, told.bare_ms));
    }
    Ok(figures)
}

/// Wall and processor of one rotation, beside the same number of certificates that are only signed.
fn rotated(what: &str, of: &Rotation, bare_ms: f64) -> [Figure; 2] {
    let (looks, hours) = (of.looks, of.virtual_hours);
    let name =
        format!("{what} of {MEMBERS} members rotated ({looks} looks in {hours:.1} h), own time");
    let bare = format!("{} certificates signed", MEMBERS + 1);
    let wall = Figure::new(name, Unit::Milliseconds, of.wall_ms).beside(bare_ms, bare);
    let processor = Figure::new("the same, processor", Unit::Milliseconds, of.processor_ms);
    [wall.at_most(5000.0), processor]
}

fn issued(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    let told: Told = serde_json::from_str(&tools.issue_rate(&place.folder("ca", "")?, EDGES)?)?;
    let issued = format!("{EDGES} intermediates issued, verified, stored");
    let mut figures = vec![
        Figure::new(issued, Unit::Milliseconds, told.issued_seconds * 1000.0).at_most(1500.0),
        Figure::new(
            "bundle that is there, p50",
            Unit::Milliseconds,
            told.warm_p50_ms,
        ),
        Figure::new(
            "bundle that is there, p99",
            Unit::Milliseconds,
            told.warm_p99_ms,
        )
        .at_most(1.0),
    ];
    figures.extend(over_socket(tools, place)?);
    figures.extend(meshes(tools, place)?);
    Ok(figures)
}

fn meshes(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    let istioctl = IstioAssets::obtain()?.istioctl;
    let folder = place.folder("mesh", "")?;
    let told: Mesh = serde_json::from_str(&tools.mesh_rate(&folder, &istioctl, MEMBERS)?)?;
    let milliseconds =
        |name: String, seconds: f64| Figure::new(name, Unit::Milliseconds, seconds * 1000.0);
    let count = |name: &str, runs: f64| Figure::new(name, Unit::Count, runs);
    Ok(vec![
        milliseconds(
            format!("istioctl: manifests of {MEMBERS} members"),
            told.manifests_seconds,
        )
        .at_most(2000.0),
        milliseconds(
            format!("mesh of {MEMBERS} members prepared, bundles included"),
            told.prepared_seconds,
        ),
        count("runs of istioctl for it", told.runs).at_most(1.0),
        milliseconds(
            format!("changed gateway address told to {MEMBERS} members"),
            told.changed_address_seconds,
        ),
        count("runs of istioctl for it", told.changed_address_runs).at_most(0.0),
    ])
}

/// The same over gRPC, beside the same controller without the socket.
fn over_socket(tools: &Tools, place: &Place) -> Result<[Figure; 2]> {
    let folder = place.folder("ca-socket", "")?;
    let told: OverSocket = serde_json::from_str(&tools.bundle_rate(&folder, ASKED)?)?;
    let median = "bundle that is there over gRPC, p50";
    let last = "bundle that is there over gRPC, p99";
    Ok([
        Figure::new(median, Unit::Milliseconds, told.far_p50),
        Figure::new(last, Unit::Milliseconds, told.far_p99)
            .beside(told.near_p99, "in process")
            .at_most(3.0),
    ])
}
