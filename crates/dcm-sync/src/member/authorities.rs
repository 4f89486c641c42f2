//! The authorities from which a member takes client certificates, as its API server publishes them itself.
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/>

use dcm_cluster::call::Calls;
use dcm_cluster::{CallError, Place, Resource};
use parking_lot::Mutex;

use super::Member;

/// What was read of them in this session; the outer `None`: nothing yet.
pub(super) type Known = Mutex<Option<Option<String>>>;

impl Member {
    /// The authorities, PEM; `None` when the member does not tell them, or not us. Read once a session.
    pub(crate) async fn client_authorities(
        &self,
        calls: &Calls<'_>,
    ) -> Result<Option<String>, CallError> {
        if let Some(known) = self.authorities.lock().clone() {
            return Ok(known);
        }
        let place = Place {
            resource: Resource::ConfigMap,
            namespace: Some("kube-system".to_owned()),
            name: "extension-apiserver-authentication".to_owned(),
        };
        let found = match calls.get(place).await {
            Ok(found) => found,
            Err(error) if error.concerns_object_only() => None,
            Err(error) => return Err(error),
        };
        let told = found.and_then(|map| {
            map.map("/data")?
                .get("client-ca-file")?
                .as_str()
                .map(str::to_owned)
        });
        *self.authorities.lock() = Some(told.clone());
        Ok(told)
    }

    /// Reads them anew the next time: they may have changed.
    pub(crate) fn forget_authorities(&self) {
        *self.authorities.lock() = None;
    }
}
