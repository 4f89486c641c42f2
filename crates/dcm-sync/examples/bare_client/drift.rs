//! Deletes a role binding of a logical cloud behind the product's back, and sees how soon it is back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};

use crate::cluster::{Cluster, text};

const LIMIT: Duration = Duration::from_secs(20);

/// Milliseconds from the call that deletes it until it is seen again.
pub(crate) async fn delete_and_wait(cluster: &Cluster, namespace: &str) -> Result<f64> {
    let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
    let list = cluster.get(&path).await?;
    let name = text(&list, "/items/0/metadata/name").to_owned();
    let from = text(&list, "/metadata/resourceVersion");
    let mut events = cluster.watch(&path, "", from).await?;
    let began = Instant::now();
    cluster.delete(&format!("{path}/{name}")).await?;
    let back = async {
        let mut gone = false;
        while let Some(event) = events.recv().await {
            if text(&event.object, "/metadata/name") != name {
                continue;
            }
            if gone && !event.gone {
                return Ok(event.at);
            }
            gone |= event.gone;
        }
        Err(anyhow!("the watch ended"))
    };
    let back = tokio::time::timeout(LIMIT, back).await;
    let back = back.with_context(|| format!("waiting for role binding {name}"))??;
    Ok(back.saturating_duration_since(began).as_secs_f64() * 1e3)
}
