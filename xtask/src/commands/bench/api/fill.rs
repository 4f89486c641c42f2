//! Fills the store, through the REST interface.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{CLIENTS, CLOUDS};
use crate::commands::bench::create::{self, name};
use crate::commands::bench::figure::{Figure, Unit};
use crate::commands::bench::load::{Ask, Load, Request, Until};
use crate::http::Connection;
use crate::workspace;

const CLUSTERS: [&str; 2] = ["one", "two"];
/// A kubeconfig as it should be, and the server in it.
const KUBECONFIG: &str = "crates/dcm-api/tests/data/kubeconfig.yaml";
const SERVER: &str = "https://1.2.3.4:6443";
/// Nobody listens there, and it is told at once.
const NOWHERE: &str = "https://127.0.0.1:1";

/// Makes all clouds with all their documents; the figure is the rate of requests.
pub(super) fn fill(server: SocketAddr) -> Result<Figure> {
    prepare(server)?;
    let mut all = Load::default();
    for request in [create, quota, permission, instantiate, stop] as [fn(u64) -> Ask; 5] {
        let request: Request<'_> = &request;
        let next = AtomicU64::new(0);
        all.add(Load::run(
            server,
            CLIENTS,
            Until::Number(CLOUDS),
            &next,
            request,
        )?);
    }
    Ok(Figure::new(
        "filling the store: requests",
        Unit::PerSecond,
        all.per_second(),
    ))
}

/// The project and the clusters.
fn prepare(server: SocketAddr) -> Result<()> {
    let kubeconfig = fs::read_to_string(workspace::root().join(KUBECONFIG)).context(KUBECONFIG)?;
    ensure!(
        kubeconfig.contains(SERVER),
        "{KUBECONFIG} has another server"
    );
    let kubeconfig = kubeconfig.replace(SERVER, NOWHERE);
    let named = |name: &str, spec: Value| json!({ "metadata": { "name": name }, "spec": spec });
    let post = |path: &str, body: Value| -> Result<()> {
        let answer = Connection::open(server)?.send("POST", path, &body.to_string())?;
        ensure!(
            answer.status == 201,
            "POST {path}: {}: {}",
            answer.status,
            answer.body
        );
        Ok(())
    };
    post("/v2/projects", json!({ "metadata": { "name": "bench" } }))?;
    post(
        "/v2/cluster-providers",
        json!({ "metadata": { "name": "edges" } }),
    )?;
    CLUSTERS.iter().try_for_each(|cluster| {
        let spec = json!({ "kubeconfig": kubeconfig });
        post("/v2/cluster-providers/edges/clusters", named(cluster, spec))
    })
}

fn post(path: String, body: String) -> Ask {
    Ask {
        method: "POST",
        path,
        body,
    }
}

/// A cloud with two members.
pub(super) fn create(number: u64) -> Ask {
    let name = name(number);
    let [one, two] = CLUSTERS;
    let body = format!(
        r#"{{"metadata":{{"name":"{name}","description":"One of many that are made to see how fast it goes"}},"spec":{{"namespace":"{name}","user":{{"userName":"alice"}},"labels":{{"team":"bench"}},"clusters":[{{"clusterProvider":"edges","cluster":"{one}"}},{{"clusterProvider":"edges","cluster":"{two}"}}]}}}}"#
    );
    post(create::CLOUDS.to_owned(), body)
}

fn quota(number: u64) -> Ask {
    let body = r#"{"metadata":{"name":"small"},"spec":{"pods":"10","limits.memory":"8Gi"}}"#;
    post(format!("{}/cluster-quotas", path(number)), body.to_owned())
}

fn permission(number: u64) -> Ask {
    let body = r#"{"metadata":{"name":"edit"},"spec":{"apiGroups":["","apps"],"resources":["configmaps","secrets","deployments"],"verbs":["get","list","watch","create","update","delete"]}}"#;
    post(
        format!("{}/user-permissions", path(number)),
        body.to_owned(),
    )
}

fn instantiate(number: u64) -> Ask {
    post(format!("{}/instantiate", path(number)), String::new())
}

fn stop(number: u64) -> Ask {
    post(format!("{}/stop", path(number)), String::new())
}

/// The path of a cloud.
pub(super) fn path(number: u64) -> String {
    format!("{}/{}", create::CLOUDS, name(number))
}
