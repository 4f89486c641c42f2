//! Who a cluster is: the UID of its `kube-system`, tied to the one name it is registered under.
//!
//! A cluster that answers with another identity than before, or with one that another name holds, gets
//! no write from us.

use dcm_store::{Batch, Error as StoreError, Expect, Scope, Store, StoreExt};
use dcm_types::documents::{Cluster, ClusterIdentity};
use dcm_types::{ClusterKey, Document as _, Index, Key};

use crate::error::Error;
use dcm_cluster::call::Calls;
use dcm_cluster::{CallError, Place, Resource};

/// Reads the identity of a cluster.
pub(crate) async fn read(calls: &Calls<'_>) -> Result<String, CallError> {
    let place = Place {
        resource: Resource::Namespace,
        namespace: None,
        name: "kube-system".to_owned(),
    };
    let namespace = calls.get(place).await?.ok_or_else(|| {
        CallError::new(
            dcm_cluster::CallErrorKind::Garbled,
            "get Namespace",
            "the cluster has no namespace kube-system",
        )
    })?;
    Ok(namespace.uid().to_owned())
}

/// Reads our user name and groups there (`SelfSubjectReview`).
pub(crate) async fn who_am_i(calls: &Calls<'_>) -> Result<(String, Vec<String>), CallError> {
    let review = serde_json::json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
    });
    let answer = calls.review(review).await?;
    let groups = answer
        .at("/status/userInfo/groups")
        .and_then(serde_json::Value::as_array);
    let groups = groups
        .into_iter()
        .flatten()
        .filter_map(|group| group.as_str().map(str::to_owned))
        .collect();
    Ok((answer.text("/status/userInfo/username").to_owned(), groups))
}

/// Ties the identity to the registered name, or says why not.
pub(crate) async fn claim(
    store: &dyn Store,
    cluster: &Cluster,
    identity: &str,
) -> Result<(), Error> {
    let overtaken = |result: &Result<(), Error>| {
        matches!(result, Err(Error::Store(StoreError::Precondition { .. })))
    };
    let mut result = try_claim(store, cluster, identity).await;
    if overtaken(&result) {
        // Somebody was faster; perhaps another synchronizer, and for the same name.
        result = try_claim(store, cluster, identity).await;
    }
    if overtaken(&result) {
        return Err(Error::DuplicateCluster {
            cluster: cluster.key.clone(),
        });
    }
    result
}

async fn try_claim(store: &dyn Store, cluster: &Cluster, identity: &str) -> Result<(), Error> {
    let held: Vec<_> = store
        .read_all::<ClusterIdentity>(Scope::Indexed(Index::Cluster, cluster.key.path()))
        .await?;
    let mut batch = Batch::new();
    for held in held {
        let document = held.document;
        if document.holder_uid == cluster.uid {
            if document.identity == identity {
                return Ok(());
            }
            return Err(Error::IdentityChanged {
                cluster: cluster.key.clone(),
            });
        }
        // Left by an earlier registration under this name.
        batch.delete(document.key(), Expect::Number(held.version.number));
    }
    let expect = free(store, identity, &cluster.key).await?;
    let claim = ClusterIdentity {
        identity: identity.to_owned(),
        holder: cluster.key.clone(),
        holder_uid: cluster.uid,
    };
    batch.operations.retain(|operation| {
        !matches!(operation, dcm_store::Operation::Delete { key, .. } if *key == claim.key())
    });
    batch.put(&claim, expect)?;
    store.commit(batch).await?;
    Ok(())
}

/// Under which precondition the identity can be taken; an error when another registered name holds it.
async fn free(store: &dyn Store, identity: &str, asking: &ClusterKey) -> Result<Expect, Error> {
    let Some(held) = store
        .read::<ClusterIdentity>(&Key::cluster_identity(identity))
        .await?
    else {
        return Ok(Expect::Absent);
    };
    let holder = store
        .read::<Cluster>(&Key::cluster(&held.document.holder))
        .await?;
    let alive = holder.is_some_and(|holder| holder.document.uid == held.document.holder_uid);
    if alive {
        return Err(Error::DuplicateCluster {
            cluster: asking.clone(),
        });
    }
    Ok(Expect::Number(held.version.number))
}
