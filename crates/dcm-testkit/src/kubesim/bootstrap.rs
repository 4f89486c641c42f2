//! What a new API server holds before anybody asks it: namespaces, and the first roles.

use std::sync::{Arc, LazyLock};

use dcm_types::Timestamp;
use serde_json::{Value, json};

use super::core::{Core, timestamp};
use super::namespaces;
use super::objects::ObjectKey;
use super::rbac::GROUP;

/// Name of a role, its rules, and the groups that it is bound to.
type Role = (&'static str, Value, &'static [&'static str]);

fn roles() -> [Role; 4] {
    let urls = |urls: Value| json!([{ "nonResourceURLs": urls, "verbs": ["get"] }]);
    let own = json!([
        { "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], "verbs": ["create"] },
        { "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"] },
    ]);
    let all = json!([
        { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] },
        { "nonResourceURLs": ["*"], "verbs": ["*"] },
    ]);
    let discovery = [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ];
    let public = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
    [
        ("cluster-admin", all, &["system:masters"]),
        ("system:basic-user", own, &["system:authenticated"]),
        (
            "system:discovery",
            urls(json!(discovery)),
            &["system:authenticated"],
        ),
        (
            "system:public-info-viewer",
            urls(json!(public)),
            &["system:authenticated", "system:unauthenticated"],
        ),
    ]
}

/// The texts of the first roles and bindings: the same for all servers, kept once.
static RBAC: LazyLock<Vec<(&'static str, String, Arc<str>)>> = LazyLock::new(|| {
    let metadata = |name: &str, number: usize| {
        json!({
            "name": name, "uid": format!("00000000-0000-4000-8000-{number:012}"), "resourceVersion": "1",
            "creationTimestamp": "2020-01-01T00:00:00Z",
            "labels": { "kubernetes.io/bootstrapping": "rbac-defaults" },
            "annotations": { "rbac.authorization.kubernetes.io/autoupdate": "true" },
        })
    };
    let mut all = Vec::new();
    for (number, (name, rules, groups)) in roles().into_iter().enumerate() {
        let api = format!("{GROUP}/v1");
        let subjects: Vec<Value> = groups
            .iter()
            .map(|group| json!({ "kind": "Group", "apiGroup": GROUP, "name": group }))
            .collect();
        let role = json!({ "kind": "ClusterRole", "apiVersion": api, "metadata": metadata(name, number), "rules": rules });
        let binding = json!({
            "kind": "ClusterRoleBinding", "apiVersion": api, "metadata": metadata(name, number + 100),
            "roleRef": { "apiGroup": GROUP, "kind": "ClusterRole", "name": name }, "subjects": subjects,
        });
        all.push(("clusterroles", name.to_owned(), role.to_string().into()));
        all.push((
            "clusterrolebindings",
            name.to_owned(),
            binding.to_string().into(),
        ));
    }
    all
});

impl Core {
    pub(super) fn bootstrap(&mut self, now: Timestamp) {
        for (plural, name, text) in RBAC.iter() {
            let key = ObjectKey::new(self.id(GROUP, plural), "", name);
            self.objects.load(key, Arc::clone(text));
        }
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            let namespace = json!({
                "kind": "Namespace", "apiVersion": "v1",
                "metadata": {
                    "name": name, "uid": self.uid(), "creationTimestamp": timestamp(now),
                    "labels": { "kubernetes.io/metadata.name": name },
                },
                "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Active" },
            });
            let key = ObjectKey::new(self.id("", "namespaces"), "", name);
            self.store(&key, namespace, now);
            namespaces::set_up(self, name, now);
        }
        self.objects.compact();
    }
}
