//! Watches namespaces of logical clouds and their anchors go, and counts what is left afterwards.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::cluster::{Cluster, Event, text};

/// On everything of a logical cloud; its value is the same on all of them.
const OWNER: &str = "/metadata/labels/dcm.internal~1cloud";
const OWNER_LABEL: &str = "dcm.internal/cloud";
const LIMIT: Duration = Duration::from_mins(2);
const NAMESPACES: &str = "/api/v1/namespaces";
const ANCHORS: &str = "/api/v1/namespaces/dcm-system/configmaps";
/// Every kind of which a logical cloud has objects.
const COLLECTIONS: [&str; 8] = [
    NAMESPACES,
    "/api/v1/configmaps",
    "/api/v1/resourcequotas",
    "/api/v1/limitranges",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/certificates.k8s.io/v1/certificatesigningrequests",
];

/// The watches of one cluster.
pub(crate) struct Leaving {
    cluster: Cluster,
    owners: Vec<String>,
    namespaces: UnboundedReceiver<Event>,
    anchors: UnboundedReceiver<Event>,
}

/// How it went in one cluster.
pub(crate) struct Gone {
    /// For each namespace: from its end to the end of its anchor.
    pub(crate) milliseconds: Vec<f64>,
    /// Objects of the owners that are still there.
    pub(crate) left: usize,
}

pub(crate) async fn watch(cluster: &Cluster, names: &[&str]) -> Result<Leaving> {
    let list = cluster.get(NAMESPACES).await?;
    let items = list["items"].as_array().context("no list")?;
    let wanted = items
        .iter()
        .filter(|item| names.contains(&text(item, "/metadata/name")));
    let owners: Vec<String> = wanted.map(|item| text(item, OWNER).to_owned()).collect();
    ensure!(
        owners.len() == names.len(),
        "of {} namespaces {} are there",
        names.len(),
        owners.len()
    );
    let from = text(&list, "/metadata/resourceVersion");
    Ok(Leaving {
        cluster: cluster.clone(),
        owners,
        namespaces: cluster.watch(NAMESPACES, OWNER_LABEL, from).await?,
        anchors: cluster.watch(ANCHORS, OWNER_LABEL, from).await?,
    })
}

impl Leaving {
    pub(crate) async fn wait(mut self) -> Result<Gone> {
        let gone = async {
            let namespaces = ends(&mut self.namespaces, &self.owners).await?;
            let anchors = ends(&mut self.anchors, &self.owners).await?;
            anyhow::Ok((namespaces, anchors))
        };
        let gone = tokio::time::timeout(LIMIT, gone).await;
        let (namespaces, anchors) = gone.context("waiting for namespaces and anchors to go")??;
        let after = |owner: &String| {
            let time = anchors[owner].saturating_duration_since(namespaces[owner]);
            time.as_secs_f64() * 1e3
        };
        Ok(Gone {
            milliseconds: self.owners.iter().map(after).collect(),
            left: self.left().await?,
        })
    }

    async fn left(&self) -> Result<usize> {
        let mut left = 0;
        for collection in COLLECTIONS {
            let path = format!("{collection}?labelSelector={OWNER_LABEL}");
            let list = self.cluster.get(&path).await?;
            let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
            let ours = |item: &&Value| self.owners.iter().any(|owner| owner == text(item, OWNER));
            left += items.iter().filter(ours).count();
        }
        Ok(left)
    }
}

/// When the object of each owner ended.
async fn ends(
    events: &mut UnboundedReceiver<Event>,
    owners: &[String],
) -> Result<HashMap<String, Instant>> {
    let mut ends = HashMap::new();
    while ends.len() < owners.len() {
        let event = events.recv().await.context("the watch ended")?;
        let owner = text(&event.object, OWNER);
        if event.gone && owners.iter().any(|wanted| wanted == owner) {
            ends.insert(owner.to_owned(), event.at);
        }
    }
    Ok(ends)
}
