//! Every way in which a network fails, in front of one of two clusters: the other one is ready meanwhile, the
//! status says what is the matter with it, and it goes on by itself when the network is back.

use std::time::Duration;

use dcm_testkit::proxy::Mode;
use serde_json::Value;

use super::site::Edge;
use crate::members::harness::{Folder, SHORT, Server, member};

/// What fails and how the status calls it.
const FAULTS: [(Mode, &[&str]); 5] = [
    (Mode::Refuse, &["unreachable"]),
    (Mode::Reset, &["unreachable"]),
    (Mode::Hang, &["unreachable", "timeout"]),
    (Mode::HalfOpen, &["unreachable", "timeout"]),
    (Mode::Drip, &["unreachable", "timeout"]),
];

/// A server, a cluster that lives, and one for each fault with a cloud on both of them.
struct Sea {
    folder: Folder,
    server: Server,
    edges: Vec<Edge>,
    clouds: Vec<String>,
}

impl Sea {
    async fn new() -> Self {
        let folder = Folder::with(SHORT);
        let server = folder.serve();
        let edges = Edge::several(FAULTS.len() + 1).await;
        let kubeconfigs: Vec<_> = edges.iter().map(Edge::kubeconfig).collect();
        folder.register_by(&server, &kubeconfigs).await;
        let mut clouds = Vec::new();
        for number in 1..=FAULTS.len() {
            let (project, namespace) = (format!("p{number}"), format!("slice-{number}"));
            let on = [0, number];
            clouds.push(folder.describe_on(&server, &project, &namespace, &on).await);
        }
        Self {
            folder,
            server,
            edges,
            clouds,
        }
    }

    fn break_all(&self) {
        for (edge, (mode, _)) in self.edges[1..].iter().zip(FAULTS) {
            edge.proxy.set(mode);
        }
    }

    fn mend_all(&self) {
        for edge in &self.edges {
            edge.proxy.set(Mode::Pass);
        }
    }

    /// Asks all clouds for an action; waits until the live member of each is there, and the other one is told
    /// to be away, and why.
    async fn half_done(&self, action: &str, there: impl Fn(&Value) -> bool) {
        for cloud in &self.clouds {
            self.folder.act(&self.server, cloud, action).await;
        }
        for (number, (cloud, (mode, categories))) in (1..).zip(self.clouds.iter().zip(FAULTS)) {
            let what = format!("half done ({action}, {mode:?})");
            let is_half = |view: &Value| {
                let away = member(view, number);
                let category = away["lastError"]["category"].as_str().unwrap_or_default();
                there(member(view, 0))
                    && away["state"] == "unreachable"
                    && categories.contains(&category)
            };
            self.folder.until(&self.server, cloud, &what, is_half).await;
        }
    }

    async fn all(&self, until: &str) {
        for cloud in &self.clouds {
            self.folder.wait(&self.server, cloud, until).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_fails_holds_up_its_own_cluster_only_and_heals_by_itself() {
    let sea = Sea::new().await;
    let ready_at = |generation: u64| {
        move |live: &Value| live["state"] == "ready" && live["appliedGeneration"] == generation
    };
    // Before anything was heard of these clusters.
    sea.break_all();
    sea.half_done("instantiate", ready_at(1)).await;
    sea.mend_all();
    sea.all("ready").await;
    // With connections and watches that are there.
    for cloud in &sea.clouds {
        sea.folder.limit(&sea.server, cloud, 5).await;
    }
    sea.break_all();
    sea.half_done("update", ready_at(2)).await;
    sea.mend_all();
    sea.all("ready").await;
    sea.break_all();
    sea.half_done("terminate", |live| {
        live["state"] == "absent" || live.is_null()
    })
    .await;
    sea.mend_all();
    sea.all("absent").await;
    for edge in &sea.edges {
        assert_eq!(edge.ours(), [""; 0]);
        edge.check_what_was_written();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_is_no_failure() {
    let edge = Edge::start().await;
    let folder = Folder::with(SHORT);
    let server = folder.serve();
    folder.register_by(&server, &[edge.kubeconfig()]).await;
    edge.proxy.set(Mode::Delay(Duration::from_millis(50)));
    let cloud = folder.describe(&server, "shop", "slice", 1).await;
    folder.act(&server, &cloud, "instantiate").await;
    folder.wait(&server, &cloud, "ready").await;
    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
    assert_eq!(edge.ours(), [""; 0]);
}
