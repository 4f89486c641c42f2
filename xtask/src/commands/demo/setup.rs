//! What the demo stands on: programs, two control planes, a server on an empty folder.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use dcm_testkit::{Assets, ControlPlane, Folder, IstioAssets};

use super::stage::Stage;
use super::times::Times;
use crate::serve::{self, Profile, Server};
use crate::{output, workspace};

/// The names of the clusters in the demo; control plane and name have the same index.
pub(super) const CLUSTERS: [&str; 2] = ["berlin", "oslo"];
/// The provider of each: one is registered from the command line, the other as clients of EMCO do it.
pub(super) const PROVIDERS: [&str; 2] = ["edges", "sites"];
pub(super) const PROJECT: &str = "acme";
pub(super) const CLOUD: &str = "shop";

/// A cluster as it is named everywhere.
pub(super) fn registered(index: usize) -> String {
    format!("{}/{}", PROVIDERS[index], CLUSTERS[index])
}

/// Waits are short, so that "nothing is left" can be verified while somebody watches: the last look
/// comes when no run that began before the end could still be writing, which is both deadlines later.
const CONFIGURATION: &str = r#"# Settings of the demo; everything else is as delivered.
[clusters]
# The control planes of the demo are on this machine, which is refused by default.
allow_addresses = ["127.0.0.0/8"]

[sync]
run_deadline = "3s"
call_deadline = "3s"
connect_deadline = "2s"
backoff_cap = "2s"
scan_interval = "5s"
usage_interval = "1s"
"#;

/// So that an anchor is replaced while somebody watches: it waits until every workload's certificate from before has
/// ended, which is usually after a day.
const CA: &str = r#"
[ca]
organization = "Acme"
longest_leaf = "6s"
propagation = "1s"
interval = "1s"
"#;
/// How long certificates of workloads live in the demo, in seconds.
pub(super) const LEAF_SECONDS: u64 = 6;

/// Everything that runs.
pub(super) struct Scene {
    // Dropped in this order: the server ends before what it talks to, the folder last.
    pub(super) server: Server,
    pub(super) control_planes: Vec<ControlPlane>,
    /// What plays the members of a mesh, where its programs are there.
    pub(super) mesh_members: Option<PathBuf>,
    pub(super) folder: Folder,
}

pub(super) fn prepare(release: bool) -> Result<(Scene, Stage)> {
    let mut times = Times::start();
    let (assets, dcm) = programs(release)?;
    let mesh_members = mesh_members()?;
    let began = Instant::now();
    let control_planes = ControlPlane::start_many(CLUSTERS.len())?;
    times.before("two Kubernetes control planes started", began.elapsed());

    let folder = Folder::create("dcm-demo-").context("making a folder for the demo")?;
    furnish(folder.path(), &assets, &dcm, &control_planes)?;
    let server = Server::start(&dcm, folder.path(), serve::usual_address())?;
    times.before("dcm serve started", server.took());
    times.lines().iter().take(2).for_each(output::warn);
    let stage = Stage::open(folder.path(), server.address(), times)?;
    let scene = Scene {
        server,
        control_planes,
        mesh_members,
        folder,
    };
    Ok((scene, stage))
}

/// Gets what runs, which takes minutes the first time and seconds from then on.
fn programs(release: bool) -> Result<(Assets, PathBuf)> {
    // One after the other: builds of Go and of Rust would only slow each other down.
    let assets = Assets::obtain()?;
    let (profile, what) = if release {
        (
            Profile::Release,
            "release build, about 6 min the first time",
        )
    } else {
        (Profile::Dev, "dev build, about 4 min the first time")
    };
    output::warn(format!("building dcm: {what}"));
    Ok((assets, serve::build(profile)?))
}

/// The act of the mesh does without its programs, so they are not built here.
fn mesh_members() -> Result<Option<PathBuf>> {
    if IstioAssets::find()?.is_none() {
        return Ok(None);
    }
    let name = "mesh_members";
    let package = ["build", "--locked", "--package", "dcm-testkit"];
    let mut command = workspace::cargo(package);
    command.args(["--features", "mesh", "--example", name]);
    output::warn("building what plays the members of a mesh");
    workspace::run(&mut command)?;
    let target = workspace::metadata()?.target_directory;
    Ok(Some(
        target.join("debug").join("examples").join(name).into(),
    ))
}

/// Where the CA controller is served.
pub(super) fn socket(folder: &Path) -> PathBuf {
    folder.join("run").join("ca.sock")
}

/// The programs under their plain names, the configuration, and the kubeconfigs of the administrators.
fn furnish(
    folder: &Path,
    assets: &Assets,
    dcm: &Path,
    control_planes: &[ControlPlane],
) -> Result<()> {
    let programs = folder.join("bin");
    fs::create_dir(&programs)?;
    symlink(dcm, programs.join("dcm"))?;
    symlink(&assets.kubectl, programs.join("kubectl"))?;
    let socket = socket(folder);
    let configuration = format!("{CONFIGURATION}{CA}socket = '{}'\n", socket.display());
    fs::write(folder.join("dcm.toml"), configuration)?;
    for (name, control_plane) in CLUSTERS.iter().zip(control_planes) {
        let mut options = fs::File::options();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(folder.join(format!("{name}.kubeconfig")))?;
        file.write_all(control_plane.kubeconfig().as_bytes())?;
    }
    Ok(())
}

/// What `--keep` is for.
pub(super) fn tell_how_to_go_on(stage: &Stage, scene: &Scene) {
    let folder = scene.folder.path().display();
    output::say("");
    stage.heading("Everything keeps running until Ctrl-C, which removes it all");
    let mut rows = vec![row(
        "dcm serve",
        &format!("http://{}", scene.server.address()),
        "serve.log",
    )];
    for (name, control_plane) in CLUSTERS.iter().zip(&scene.control_planes) {
        rows.push(row(
            name,
            &control_plane.server(),
            &format!("{name}.kubeconfig"),
        ));
    }
    for line in output::table(&rows) {
        output::say(format!("  {line}"));
    }
    output::say("\nIn another terminal:\n");
    output::say(format!("  cd {folder}"));
    output::say("  export PATH=$PWD/bin:$PATH");
    for (name, value) in stage.variables() {
        output::say(format!("  export {name}={value}"));
    }
    for line in NEXT {
        output::say(format!("  {line}"));
    }
}

/// Commands that work after the demo.
const NEXT: &[&str] = &[
    "dcm provider create edges",
    "dcm cluster create edges/berlin --kubeconfig berlin.kubeconfig --wait",
    "dcm cluster create edges/oslo --kubeconfig oslo.kubeconfig --wait",
    "dcm project create acme",
    "dcm logical-cloud create second --user bob --cluster edges/berlin --cluster edges/oslo",
    "dcm permission create edit --cloud second --resource configmaps --verb get --verb list --verb create",
    "dcm logical-cloud instantiate second --wait",
    "dcm kubeconfig second --output second.kubeconfig",
    "kubectl --kubeconfig second.kubeconfig create configmap hello --from-literal=from=bob",
    "dcm logical-cloud terminate second --wait",
];

fn row(what: &str, address: &str, file: &str) -> Vec<String> {
    vec![what.to_owned(), address.to_owned(), file.to_owned()]
}
