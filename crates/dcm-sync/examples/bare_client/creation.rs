//! Creates what makes up a logical cloud, one object after the other, and waits for what the cluster does.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use dcm_pki::UserKey;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::cluster::{Cluster, Event, text};
use crate::objects::{self, LABEL, SYSTEM_NAMESPACE};

const LIMIT: Duration = Duration::from_secs(20);
pub(crate) const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
pub(crate) const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// A cluster, and the watches that stand before anything is created.
pub(crate) struct Creator {
    cluster: Cluster,
    quotas: UnboundedReceiver<Event>,
    requests: UnboundedReceiver<Event>,
}

/// What stands in a cluster before anything else.
pub(crate) async fn prepare(cluster: &Cluster) -> Result<Value> {
    let namespace = objects::system_namespace();
    cluster.create("/api/v1/namespaces", &namespace).await
}

impl Creator {
    pub(crate) async fn prepare(cluster: &Cluster) -> Result<Self> {
        Ok(Self {
            cluster: cluster.clone(),
            quotas: from_now_on(cluster, "/api/v1/resourcequotas").await?,
            requests: from_now_on(cluster, REQUESTS).await?,
        })
    }

    pub(crate) async fn create(&mut self, name: &str) -> Result<()> {
        let cluster = self.cluster.clone();
        let anchors = format!("/api/v1/namespaces/{SYSTEM_NAMESPACE}/configmaps");
        cluster.create(&anchors, &objects::anchor(name)).await?;
        cluster
            .create("/api/v1/namespaces", &objects::namespace(name))
            .await?;
        let quotas = format!("/api/v1/namespaces/{name}/resourcequotas");
        cluster.create(&quotas, &objects::quota(name)).await?;
        let policies = format!("/apis/networking.k8s.io/v1/namespaces/{name}/networkpolicies");
        cluster
            .create(&policies, &objects::network_policy(name))
            .await?;
        self.certify(name).await?;
        wait(&mut self.quotas, name, "/status/hard/configmaps").await?;
        cluster
            .create(
                &format!("{RBAC}/namespaces/{name}/roles"),
                &objects::role(name),
            )
            .await?;
        let binding = objects::role_binding(name, name);
        cluster
            .create(&format!("{RBAC}/namespaces/{name}/rolebindings"), &binding)
            .await?;
        Ok(())
    }

    async fn certify(&mut self, name: &str) -> Result<()> {
        let key = UserKey::generate()?;
        let pem = dcm_pki::certificate_request(&key, name)?;
        let request = objects::certificate_request(name, &pem);
        let made = self.cluster.create(REQUESTS, &request).await?;
        let approval = format!("{REQUESTS}/{name}/approval");
        self.cluster
            .replace(&approval, &objects::approved(made))
            .await?;
        wait(&mut self.requests, name, "/status/certificate").await
    }
}

/// A watch of what is labelled by us, from now on.
pub(crate) async fn from_now_on(cluster: &Cluster, path: &str) -> Result<UnboundedReceiver<Event>> {
    let list: Value = cluster.get(&format!("{path}?limit=1")).await?;
    cluster
        .watch(path, LABEL, text(&list, "/metadata/resourceVersion"))
        .await
}

/// Waits until the object of this name has something in this place.
async fn wait(events: &mut UnboundedReceiver<Event>, name: &str, place: &str) -> Result<()> {
    let found = async {
        while let Some(event) = events.recv().await {
            let there = !text(&event.object, place).is_empty();
            if text(&event.object, "/metadata/name") == name && there {
                return Ok(());
            }
        }
        Err(anyhow!("the watch ended"))
    };
    let found = tokio::time::timeout(LIMIT, found).await;
    found.with_context(|| format!("waiting for {place} of {name}"))?
}
