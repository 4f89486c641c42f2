//! The command line of a mesh's control plane, and the mesh that it is told.

use std::path::Path;

use serde_json::{Value, json};

/// The mesh of one logical cloud in one member.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespace of the control plane; made by the caller.
    pub namespace: String,
    pub revision: String,
    pub trust_domain: String,
    /// The name of the member.
    pub cluster: String,
    /// Label of the namespaces that belong to the mesh.
    pub discovery_label: (String, String),
}

impl Settings {
    /// The name under which the control plane serves, and which its own certificate has.
    pub(super) fn host(&self) -> String {
        format!("istiod-{}.{}.svc", self.revision, self.namespace)
    }

    /// In place of the `ConfigMap` that an installed control plane reads.
    pub(super) fn mesh(&self) -> Value {
        let (label, value) = &self.discovery_label;
        json!({
            "trustDomain": self.trust_domain,
            "rootNamespace": self.namespace,
            "discoverySelectors": [{ "matchLabels": { label: value } }],
            "defaultConfig": { "discoveryAddress": format!("{}:15012", self.host()) },
        })
    }
}

/// Numbers of the loopback ports.
#[derive(Debug, Clone, Copy)]
pub(super) struct PortNumbers {
    pub(super) http: u16,
    pub(super) https: u16,
    pub(super) grpc: u16,
    pub(super) secure_grpc: u16,
    pub(super) monitoring: u16,
}

/// Arguments of `env`, which starts the program with nothing of our own environment.
pub(super) fn arguments(
    program: &Path,
    settings: &Settings,
    folder: &Path,
    kubeconfig: &Path,
    ports: PortNumbers,
) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let address = |name: &str, port: u16| format!("--{name}=127.0.0.1:{port}");
    let namespace = &settings.namespace;
    vec![
        "-i".into(),
        format!("ROOT_CA_DIR={}", file("cacerts")),
        format!("POD_NAMESPACE={namespace}"),
        format!("POD_NAME=istiod-{}", settings.revision),
        format!("REVISION={}", settings.revision),
        format!("CLUSTER_ID={}", settings.cluster),
        // Without it a changed set of anchors is refused.
        "ISTIO_MULTIROOT_MESH=true".into(),
        // As in the manifests that we render.
        "MAX_WORKLOAD_CERT_TTL=24h".into(),
        // There are no proxies here that something could be injected for.
        "INJECT_ENABLED=false".into(),
        format!("HOME={}", folder.display()),
        program.display().to_string(),
        "discovery".into(),
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--meshConfig={}", file("mesh.json")),
        format!("--namespace={namespace}"),
        format!("--clusterRegistriesNamespace={namespace}"),
        address("httpAddr", ports.http),
        address("httpsAddr", ports.https),
        address("grpcAddr", ports.grpc),
        address("secureGRPCAddr", ports.secure_grpc),
        address("monitoringAddr", ports.monitoring),
        // Any free one: nobody asks there.
        "--ctrlz_port=0".into(),
        "--profile=false".into(),
    ]
}
