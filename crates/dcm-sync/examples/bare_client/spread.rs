//! Logical clouds in many clusters, with the objects, the order and the concurrency of the product: what
//! may stand beside each other is created beside each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use dcm_pki::UserKey;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use futures::try_join;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::cluster::{Cluster, Event, text};
use crate::creation::{RBAC, REQUESTS, from_now_on};
use crate::objects::{self, SYSTEM_NAMESPACE};

const LIMIT: Duration = Duration::from_mins(2);
const NAMESPACES: &str = "/api/v1/namespaces";
/// What a watch may tell of an object, as the product does.
const SIGNED: &str = "/status/certificate";
const IN_FORCE: &str = "/status/hard/configmaps";

/// Who waits for something of the object of a name.
type Waiting = Arc<Mutex<HashMap<String, Arc<Notify>>>>;

/// A cluster with the watches that stand before anything is created.
#[derive(Clone)]
pub(crate) struct Worker {
    cluster: Cluster,
    quotas: Waiting,
    requests: Waiting,
    ends: Waiting,
}

impl Worker {
    pub(crate) async fn prepare(cluster: &Cluster) -> Result<Self> {
        let (quotas, requests, namespaces) = try_join!(
            from_now_on(cluster, "/api/v1/resourcequotas"),
            from_now_on(cluster, REQUESTS),
            from_now_on(cluster, NAMESPACES),
        )?;
        Ok(Self {
            cluster: cluster.clone(),
            quotas: follow(quotas, |event| !text(&event.object, IN_FORCE).is_empty()),
            requests: follow(requests, |event| !text(&event.object, SIGNED).is_empty()),
            ends: follow(namespaces, |event| event.gone),
        })
    }

    async fn create(self, name: String) -> Result<()> {
        let (cluster, name) = (&self.cluster, name.as_str());
        let (in_force, signed) = (expect(&self.quotas, name), expect(&self.requests, name));
        let anchors = format!("{NAMESPACES}/{SYSTEM_NAMESPACE}/configmaps");
        cluster.create(&anchors, &objects::anchor(name)).await?;
        cluster
            .create(NAMESPACES, &objects::namespace(name))
            .await?;
        let quotas = format!("{NAMESPACES}/{name}/resourcequotas");
        let policies = format!("/apis/networking.k8s.io/v1/namespaces/{name}/networkpolicies");
        let roles = format!("{RBAC}/namespaces/{name}/roles");
        let (quota, policy) = (objects::quota(name), objects::network_policy(name));
        let role = objects::role(name);
        try_join!(
            cluster.create(&quotas, &quota),
            cluster.create(&policies, &policy),
            cluster.create(&roles, &role),
            self.certify(name),
        )?;
        wait(&in_force, "the quota").await?;
        wait(&signed, "the certificate").await?;
        let binding = objects::role_binding(name, name);
        let bindings = format!("{RBAC}/namespaces/{name}/rolebindings");
        cluster.create(&bindings, &binding).await?;
        Ok(())
    }

    async fn certify(&self, name: &str) -> Result<Value> {
        let key = UserKey::generate()?;
        let pem = dcm_pki::certificate_request(&key, name)?;
        let request = objects::certificate_request(name, &pem);
        let made = self.cluster.create(REQUESTS, &request).await?;
        let approval = format!("{REQUESTS}/{name}/approval");
        let approved = objects::approved(made);
        self.cluster.replace(&approval, &approved).await
    }

    /// The same in the other direction: what opens something first, the anchor last.
    async fn end(self, name: String) -> Result<()> {
        let (cluster, name) = (&self.cluster, name.as_str());
        let gone = expect(&self.ends, name);
        let binding = format!("{RBAC}/namespaces/{name}/rolebindings/{name}");
        cluster.delete(&binding).await?;
        let (request, namespace) = (format!("{REQUESTS}/{name}"), format!("{NAMESPACES}/{name}"));
        try_join!(cluster.delete(&request), cluster.delete(&namespace))?;
        wait(&gone, "the end of the namespace").await?;
        let anchor = format!("{NAMESPACES}/{SYSTEM_NAMESPACE}/configmaps/{name}");
        cluster.delete(&anchor).await?;
        Ok(())
    }
}

/// Which clouds in which clusters, and how many at the same time.
pub(crate) struct Work<'a> {
    pub(crate) workers: &'a [Worker],
    /// Name, the first cluster, and how many follow it; at the end it goes on with the first.
    pub(crate) clouds: Vec<(String, usize, usize)>,
    pub(crate) at_once: usize,
}

impl Work<'_> {
    fn pairs(&self) -> impl Iterator<Item = (Worker, String)> {
        let clouds = self.clouds.iter();
        clouds.flat_map(|(name, first, count)| {
            let clusters = self.workers.iter().cycle().skip(*first).take(*count);
            clusters.map(|worker| (worker.clone(), name.clone()))
        })
    }

    pub(crate) async fn create(&self) -> Result<()> {
        let all = stream::iter(self.pairs().map(|(worker, name)| worker.create(name)));
        all.buffer_unordered(self.at_once).try_collect().await
    }

    pub(crate) async fn end(&self) -> Result<()> {
        let all = stream::iter(self.pairs().map(|(worker, name)| worker.end(name)));
        all.buffer_unordered(self.at_once).try_collect().await
    }
}

fn expect(waiting: &Waiting, name: &str) -> Arc<Notify> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(waiting.entry(name.to_owned()).or_default())
}

async fn wait(told: &Notify, what: &str) -> Result<()> {
    let told = tokio::time::timeout(LIMIT, told.notified()).await;
    told.with_context(|| format!("waiting for {what}"))
}

/// Tells those who wait, once for each object.
fn follow(mut events: UnboundedReceiver<Event>, tells: fn(&Event) -> bool) -> Waiting {
    let waiting = Waiting::default();
    let told = Arc::clone(&waiting);
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if tells(&event) {
                let name = text(&event.object, "/metadata/name");
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(waiting) = told.remove(name) {
                    waiting.notify_one();
                }
            }
        }
    });
    waiting
}
