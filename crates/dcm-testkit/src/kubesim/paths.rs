//! Paths of requests: which kind, namespace, object and subresource they mean.

use std::sync::Arc;

use super::kinds::{Kind, KindId, Kinds};
use super::message::unescape;

/// What a path of a resource means.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) id: KindId,
    pub(super) kind: Arc<Kind>,
    /// Empty for cluster-scoped kinds and for all namespaces.
    pub(super) namespace: String,
    /// Empty for a collection.
    pub(super) name: String,
    pub(super) subresource: String,
}

impl Target {
    /// The namespace of a list; `None`: all.
    pub(super) fn within(&self) -> Option<&str> {
        let all = !self.kind.namespaced || self.namespace.is_empty();
        (!all).then_some(self.namespace.as_str())
    }
}

/// The target of a path; `None` when it is no path of a resource that is served.
pub(super) fn target(kinds: &Kinds, path: &str) -> Option<Target> {
    let steps: Vec<String> = path.trim_matches('/').split('/').map(unescape).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let (group, version, rest) = match steps.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, plural, rest @ ..]
            if !(group.is_empty() && matches!(*plural, "status" | "finalize")) =>
        {
            (*namespace, [&[*plural], rest].concat())
        }
        rest => ("", rest.to_vec()),
    };
    let (plural, name, subresource) = match rest.as_slice() {
        [plural] => (*plural, "", ""),
        [plural, name] => (*plural, *name, ""),
        [plural, name, subresource] => (*plural, *name, *subresource),
        _ => return None,
    };
    let (id, kind) = kinds.find(group, version, plural)?;
    let known = subresource.is_empty() || kind.subresources.contains(&subresource);
    let placed = kind.namespaced || namespace.is_empty();
    // All namespaces can be listed, but an object is in one of them.
    let found = !kind.namespaced || !namespace.is_empty() || name.is_empty();
    (known && placed && found).then(|| Target {
        id,
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: subresource.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> Option<(String, String, String, String)> {
        let found = target(&Kinds::default(), path)?;
        Some((
            found.kind.plural.clone(),
            found.namespace,
            found.name,
            found.subresource,
        ))
    }

    fn are(texts: [&str; 4]) -> (String, String, String, String) {
        let [a, b, c, d] = texts.map(str::to_owned);
        (a, b, c, d)
    }

    #[test]
    fn paths_of_objects_collections_and_subresources() {
        let rbac = "/apis/rbac.authorization.k8s.io/v1";
        assert_eq!(
            parts("/api/v1/namespaces"),
            Some(are(["namespaces", "", "", ""]))
        );
        assert_eq!(
            parts("/api/v1/namespaces/n"),
            Some(are(["namespaces", "", "n", ""]))
        );
        assert_eq!(
            parts("/api/v1/namespaces/n/finalize"),
            Some(are(["namespaces", "", "n", "finalize"]))
        );
        assert_eq!(
            parts("/api/v1/namespaces/n/secrets/s"),
            Some(are(["secrets", "n", "s", ""]))
        );
        assert_eq!(
            parts("/api/v1/configmaps"),
            Some(are(["configmaps", "", "", ""]))
        );
        assert_eq!(
            parts(&format!("{rbac}/namespaces/n/roles/a%3Ab")),
            Some(are(["roles", "n", "a:b", ""]))
        );
    }

    #[test]
    fn what_is_not_served_has_no_target() {
        for path in [
            "/",
            "/api/v1",
            "/api/v2/namespaces",
            "/api/v1/namespaces/n/nothing",
            "/api/v1/configmaps/c",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/n/clusterroles",
            "/api/v1/namespaces/n/secrets/s/log",
        ] {
            assert_eq!(parts(path), None, "{path}");
        }
    }
}
