//! Logical clouds on two real control planes: to life, back after drift, and gone; beside a plain
//! client that makes the same objects.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use dcm_testkit::ControlPlane;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Place;
use super::figure::{Figure, Unit};
use super::idle::at_rest;
use super::statistics::{largest, median};
use super::tools::{Program, Tools};
use crate::http::Connection;
use crate::output;
use crate::serve::{self, Server};

const CLUSTERS: usize = 2;
const CLOUDS: &str = "/v2/projects/bench/logical-clouds";
/// Between two rounds, so that what follows a round is not measured with the next one, and nobody
/// comes near the limit of calls per second.
const PAUSE: Duration = Duration::from_millis(300);
const BARE: &str = "bare client";
const CHECK_LIMIT: Duration = Duration::from_secs(30);

/// An answer of the plain client.
#[derive(Deserialize)]
struct Took {
    milliseconds: f64,
}

#[derive(Deserialize)]
struct Watching {
    watching: usize,
}

#[derive(Deserialize)]
struct Left {
    milliseconds: Vec<f64>,
    left: usize,
}

pub(super) fn measure(tools: &Tools, place: &Place, clouds: u16) -> Result<Vec<Figure>> {
    let control_planes = ControlPlane::start_many(CLUSTERS)?;
    output::warn(format!(
        "{clouds} logical clouds on two control planes: about 2 min"
    ));
    let configuration = "[clusters]\nallow_addresses = [\"127.0.0.0/8\"]\n";
    let folder = place.folder("clusters", configuration)?;
    let server = Server::start(&tools.dcm, &folder, serve::any_address())?;
    let stand = Stand::register(server.address(), &control_planes)?;
    let kubeconfigs: Vec<PathBuf> = control_planes
        .iter()
        .map(ControlPlane::kubeconfig_path)
        .collect();
    let mut bare = tools.bare_client(&kubeconfigs)?;
    let names: Vec<String> = (0..clouds)
        .map(|number| format!("cloud-{number}"))
        .collect();

    let mut figures = creation(&stand, &mut bare, &names)?;
    figures.push(drift(&mut bare, &names)?);
    figures.extend(at_rest(&server, "idle, 2 clusters")?);
    figures.push(removal(server.address(), &mut bare, &names)?);
    Ok(figures)
}

/// A server in which control planes are registered.
pub(super) struct Stand {
    server: SocketAddr,
    clusters: Vec<String>,
}

impl Stand {
    /// Registers them and waits until they were found healthy.
    pub(super) fn register(server: SocketAddr, control_planes: &[ControlPlane]) -> Result<Self> {
        let mut api = Api::open(server)?;
        api.post("/v2/projects", &named("bench"))?;
        api.post("/v2/cluster-providers", &named("edges"))?;
        let clusters: Vec<_> = (1..=control_planes.len())
            .map(|number| format!("cluster-{number}"))
            .collect();
        for (name, control_plane) in clusters.iter().zip(control_planes) {
            let mut cluster = named(name);
            cluster["spec"] = json!({ "kubeconfig": control_plane.kubeconfig() });
            api.post("/v2/cluster-providers/edges/clusters", &cluster)?;
            let path = format!("/v2/cluster-providers/edges/clusters/{name}");
            let began = Instant::now();
            loop {
                let state = api.get(&path)?["status"]["state"].take();
                match state.as_str() {
                    Some("healthy") => break,
                    Some("unchecked") if began.elapsed() < CHECK_LIMIT => thread::sleep(PAUSE),
                    _ => bail!("cluster {name} is {state}"),
                }
            }
        }
        Ok(Self { server, clusters })
    }
}

/// Milliseconds of ours and of the plain client: from the wish to kubeconfigs in hand, each round beside
/// one of the plain client.
pub(super) fn by_turns(
    stand: &Stand,
    bare: &mut Program,
    names: &[String],
    command: &dyn Fn(&str) -> String,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut api = Api::open(stand.server)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first round of each warms up connections and caches, and is not counted.
    api.describe("warm-up", &stand.clusters)?;
    api.bring_to_life("warm-up", &stand.clusters)?;
    let _: Took = bare.ask(&command("warm-up"))?;
    for name in names {
        api.describe(name, &stand.clusters)?;
        thread::sleep(PAUSE);
        ours.push(api.bring_to_life(name, &stand.clusters)?);
        thread::sleep(PAUSE);
        let took: Took = bare.ask(&command(name))?;
        theirs.push(took.milliseconds);
    }
    Ok((ours, theirs))
}

fn creation(stand: &Stand, bare: &mut Program, names: &[String]) -> Result<Vec<Figure>> {
    let command = |name: &str| format!("create bare-{name}");
    let (ours, theirs) = by_turns(stand, bare, names, &command)?;
    let (middle, bare_middle) = (median(&ours), median(&theirs));
    let figure = |what, value| Figure::new(what, Unit::Milliseconds, value);
    let times = middle / bare_middle;
    Ok(vec![
        figure("instantiate to ready, 2 clusters: median", middle)
            .beside(bare_middle, BARE)
            .at_most(150.0),
        Figure::new(
            "instantiate to ready: of the bare client",
            Unit::Times,
            times,
        )
        .at_most(2.0),
        figure("instantiate to ready: slowest", largest(&ours)).beside(largest(&theirs), BARE),
    ])
}

/// A role binding is deleted in each cloud, in one cluster after the other.
fn drift(bare: &mut Program, names: &[String]) -> Result<Figure> {
    let mut times = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let cluster = number % CLUSTERS;
        let took: Took = bare.ask(&format!("drift {cluster} {name}"))?;
        times.push(took.milliseconds);
        thread::sleep(PAUSE);
    }
    let figure = Figure::new(
        "deleted role binding is back",
        Unit::Milliseconds,
        median(&times),
    );
    Ok(figure.at_most(300.0))
}

/// All are terminated, each shortly after the one before; the delays of the clusters overlap.
fn removal(server: SocketAddr, bare: &mut Program, names: &[String]) -> Result<Figure> {
    let mut api = Api::open(server)?;
    let command = format!("leave {}", names.join(" "));
    let watching: Watching = bare.ask(&command)?;
    ensure!(
        watching.watching == names.len() * CLUSTERS,
        "not all clouds are watched"
    );
    for name in names {
        api.post(&format!("{CLOUDS}/{name}/terminate"), &Value::Null)?;
        thread::sleep(PAUSE);
    }
    let gone: Left = bare.answer(&command)?;
    ensure!(
        gone.left == 0,
        "{} objects are left in the clusters",
        gone.left
    );
    let what = "terminate: nothing left after the namespace (max)";
    let figure = Figure::new(what, Unit::Milliseconds, largest(&gone.milliseconds));
    Ok(figure.at_most(1000.0))
}

/// The REST interface.
struct Api {
    connection: Connection,
}

impl Api {
    fn open(server: SocketAddr) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(server)?,
        })
    }

    fn get(&mut self, path: &str) -> Result<Value> {
        self.send("GET", path, "")
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send("POST", path, &body)
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> Result<Value> {
        let text = self.text(method, path, body)?;
        serde_json::from_str(&text).with_context(|| format!("the answer to {method} {path}"))
    }

    fn text(&mut self, method: &str, path: &str, body: &str) -> Result<String> {
        let answer = self.connection.send(method, path, body)?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {}: {}", answer.status, answer.body);
        }
        Ok(answer.body)
    }

    /// Everything that is written down before the wish.
    fn describe(&mut self, name: &str, clusters: &[String]) -> Result<()> {
        let clusters: Vec<_> = clusters
            .iter()
            .map(|cluster| json!({ "clusterProvider": "edges", "cluster": cluster }))
            .collect();
        let mut cloud = named(name);
        cloud["spec"] = json!({
            "namespace": name, "user": { "userName": "alice" }, "clusters": clusters,
        });
        self.post(CLOUDS, &cloud)?;
        let mut quota = named("small");
        quota["spec"] = json!({ "configmaps": "10" });
        self.post(&format!("{CLOUDS}/{name}/cluster-quotas"), &quota)?;
        let mut permission = named("edit");
        permission["spec"] = json!({
            "apiGroups": [""], "resources": ["configmaps"],
            "verbs": ["get", "list", "create", "update", "delete"],
        });
        self.post(&format!("{CLOUDS}/{name}/user-permissions"), &permission)?;
        Ok(())
    }

    /// Milliseconds from the wish until the kubeconfig with all clusters is in hand.
    fn bring_to_life(&mut self, name: &str, clusters: &[String]) -> Result<f64> {
        let began = Instant::now();
        self.post(&format!("{CLOUDS}/{name}/instantiate"), &Value::Null)?;
        let status = self.get(&format!("{CLOUDS}/{name}/status?wait=ready&timeout=30s"))?;
        ensure!(
            status["ready"] == json!(true),
            "cloud {name} is not ready: {status:#}"
        );
        let kubeconfig = self.text("GET", &format!("{CLOUDS}/{name}/kubeconfig"), "")?;
        let took = began.elapsed();
        let certificates = kubeconfig.matches("client-certificate-data").count();
        ensure!(
            certificates == clusters.len(),
            "the kubeconfig has {certificates} certificates"
        );
        Ok(took.as_secs_f64() * 1e3)
    }
}

fn named(name: &str) -> Value {
    json!({ "metadata": { "name": name } })
}
