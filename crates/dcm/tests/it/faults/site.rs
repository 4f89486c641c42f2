//! Simulated clusters, each behind a proxy, and what must be true of what was written to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_testkit::kubesim::{self, Member, Options, Request, User, VirtualClock, Written};
use dcm_testkit::proxy::Proxy;
use dcm_types::Timestamp;
use dcm_types::member_name::{MANAGED_BY_LABEL, MANAGER, OWNER_LABEL, SYSTEM_NAMESPACE};
use serde_json::{Value, json};

/// The user of the kubeconfig that the process has.
const PRODUCT: &str = "dcm-under-test";

/// A simulated cluster that is reached over TCP and TLS through a proxy.
pub(super) struct Edge {
    pub(super) member: Member,
    pub(super) proxy: Proxy,
    kubeconfig: String,
    _server: kubesim::Server,
}

impl Edge {
    pub(super) async fn start() -> Self {
        // Decides uids; that of `kube-system` is by what clusters are told apart.
        static SEEDS: AtomicU64 = AtomicU64::new(1);
        let seed = SEEDS.fetch_add(1, Ordering::Relaxed);
        let options = Options {
            seed,
            version: "v1.36.3".to_owned(),
            clock: Arc::new(VirtualClock::starting_at(Timestamp::now())),
            authority: None,
        };
        let member = Member::new(&format!("edge-{seed}"), options).unwrap();
        member.controllers(|them| them.namespace_end = Duration::from_millis(300));
        let server = kubesim::Server::start(&member).await.unwrap();
        let proxy = Proxy::start(server.address()).unwrap();
        let url = format!("https://{}", proxy.address());
        let kubeconfig = member
            .kubeconfig_for(&url, PRODUCT, &["system:masters"])
            .unwrap();
        let edge = Self {
            member,
            proxy,
            kubeconfig,
            _server: server,
        };
        edge.plant();
        edge.member.journal().start();
        edge
    }

    pub(super) async fn several(count: usize) -> Vec<Self> {
        let mut edges = Vec::new();
        for _ in 0..count {
            edges.push(Self::start().await);
        }
        edges
    }

    pub(super) fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// What somebody else does, past proxy and faults; it must be accepted.
    pub(super) fn meddle(&self, method: &str, path: &str, body: &Value) -> Value {
        let somebody = User::named("somebody", &["system:masters"]);
        let mut request = Request::new(method, path);
        if !body.is_null() {
            request = request.with_body(body);
        }
        if method == "PATCH" {
            "application/merge-patch+json".clone_into(&mut request.media_type);
        }
        let answer = self.member.request(&somebody, &request);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.body
    }

    /// Foreign objects, also of the names and kinds that we write.
    fn plant(&self) {
        let foreign =
            |name: &str| json!({ "metadata": { "name": name, "labels": { "whose": "not-dcms" } } });
        self.meddle("POST", "/api/v1/namespaces", &foreign("foreign"));
        let inside = "/api/v1/namespaces/foreign";
        let rights = "/apis/rbac.authorization.k8s.io/v1/namespaces/foreign/roles";
        self.meddle("POST", &format!("{inside}/configmaps"), &foreign("theirs"));
        self.meddle("POST", rights, &foreign("theirs"));
        let mut quota = foreign("limits");
        quota["spec"] = json!({ "hard": { "configmaps": "9" } });
        self.meddle("POST", &format!("{inside}/resourcequotas"), &quota);
    }

    /// The object at a path.
    pub(super) fn object(&self, path: &str) -> Option<Value> {
        self.member.object(path)
    }

    /// Names of everything that carries an owner label of ours.
    pub(super) fn ours(&self) -> Vec<String> {
        const LISTS: [&str; 11] = [
            "/api/v1/namespaces",
            "/api/v1/configmaps",
            "/api/v1/resourcequotas",
            "/api/v1/limitranges",
            "/api/v1/serviceaccounts",
            "/apis/networking.k8s.io/v1/networkpolicies",
            "/apis/rbac.authorization.k8s.io/v1/roles",
            "/apis/rbac.authorization.k8s.io/v1/rolebindings",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        ];
        let list = |path: &str| {
            let query = format!("{path}?labelSelector=dcm.internal%2Fcloud");
            let items = self.object(&query).unwrap()["items"].take();
            let plural = path.rsplit('/').next().unwrap().to_owned();
            let names = items.as_array().cloned().unwrap().into_iter();
            names.map(move |item| format!("{plural}/{}", item["metadata"]["name"]))
        };
        LISTS.into_iter().flat_map(list).collect()
    }

    /// What must be true of every prefix of what was written, whatever was killed meanwhile.
    pub(super) fn check_what_was_written(&self) {
        let entries = self.member.journal().entries();
        let by_us = entries.iter().filter(|entry| entry.by == PRODUCT);
        assert!(by_us.clone().count() > 0, "nothing was written at all");
        for entry in by_us {
            let made = entry.before.is_none().then_some(&entry.after);
            if made.is_some_and(|made| made["metadata"]["name"] == SYSTEM_NAMESPACE) {
                // The namespace of the anchors belongs to no cloud, and stays.
                continue;
            }
            for object in entry.before.iter().chain([&entry.after]) {
                let labels = &object["metadata"]["labels"];
                assert_eq!(labels[MANAGED_BY_LABEL], MANAGER, "not ours: {entry:#?}");
            }
        }
        quotas_come_before_bindings(&entries);
    }

    /// Whether the certificate of a kubeconfig of ours opens the namespace, and nothing else.
    pub(super) fn opens(&self, kubeconfig: &str, namespace: &str) -> bool {
        let Some(user) = self.user(kubeconfig) else {
            return false;
        };
        let get = |namespace: &str| {
            let path = format!("/api/v1/namespaces/{namespace}/configmaps");
            self.member
                .request(&user, &Request::new("GET", &path))
                .status
        };
        assert_eq!(get("foreign"), 403);
        get(namespace) == 200
    }

    /// The user of whichever certificate in a kubeconfig opens this cluster.
    fn user(&self, kubeconfig: &str) -> Option<User> {
        let certificates = kubeconfig.lines().filter_map(|line| {
            let (_, encoded) = line.split_once("client-certificate-data:")?;
            STANDARD.decode(encoded.trim().trim_matches('"')).ok()
        });
        certificates
            .filter_map(|pem| String::from_utf8(pem).ok())
            .find_map(|pem| self.member.user(&pem))
    }
}

/// When a binding of ours appears, every quota of its namespace is in force as it is written there.
fn quotas_come_before_bindings(entries: &[Written]) {
    let mut quotas: BTreeMap<(String, String), &Written> = BTreeMap::new();
    let text = |object: &Value, field: &str| {
        object["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    for entry in entries {
        let object = &entry.after;
        let (namespace, name) = (text(object, "namespace"), text(object, "name"));
        let owned = object["metadata"]["labels"].get(OWNER_LABEL).is_some();
        match object["kind"].as_str() {
            Some("ResourceQuota") if owned && entry.gone => {
                quotas.remove(&(namespace, name));
            }
            Some("ResourceQuota") if owned => {
                quotas.insert((namespace, name), entry);
            }
            Some("RoleBinding") if owned && entry.before.is_none() => {
                let mut of_it = quotas
                    .iter()
                    .filter(|((of, _), _)| *of == namespace)
                    .peekable();
                assert!(
                    of_it.peek().is_some(),
                    "a binding without a quota: {object:#}"
                );
                for (_, quota) in of_it {
                    let quota = &quota.after;
                    assert_eq!(quota["status"]["hard"], quota["spec"]["hard"], "{quota:#}");
                }
            }
            _ => {}
        }
    }
}
