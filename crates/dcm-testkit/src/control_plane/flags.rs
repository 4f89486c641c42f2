//! The command lines of the three servers. Each flag that is not obvious says why it is there.

use std::path::Path;

pub(super) const ETCD: &str = "etcd";
pub(super) const API_SERVER: &str = "kube-apiserver";
pub(super) const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// Numbers of the loopback ports, as they stand in the command lines.
#[derive(Clone, Copy)]
pub(super) struct PortNumbers {
    pub(super) etcd_client: u16,
    pub(super) etcd_peer: u16,
    pub(super) api_server: u16,
}

pub(super) fn etcd(folder: &Path, ports: PortNumbers) -> Vec<String> {
    let client = format!("http://127.0.0.1:{}", ports.etcd_client);
    let peer = format!("http://127.0.0.1:{}", ports.etcd_peer);
    vec![
        "--name=default".into(),
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        // The data need to outlive processes, not power cuts.
        "--unsafe-no-fsync=true".into(),
        "--log-level=warn".into(),
    ]
}

pub(super) fn api_server(folder: &Path, ports: PortNumbers) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd_client),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        format!("--secure-port={}", ports.api_server),
        format!("--tls-cert-file={}", file("apiserver.crt")),
        format!("--tls-private-key-file={}", file("apiserver.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        "--authorization-mode=RBAC".into(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
        format!(
            "--service-account-key-file={}",
            file("service-accounts.pub")
        ),
        format!(
            "--service-account-signing-key-file={}",
            file("service-accounts.key")
        ),
        "--service-cluster-ip-range=10.0.0.0/24".into(),
        // A loopback address is refused in Endpoints, every ten seconds anew.
        "--endpoint-reconciler-type=none".into(),
        // Stands in the way of nothing, but waits for connections when the server ends.
        "--shutdown-delay-duration=0s".into(),
        "--profiling=false".into(),
    ]
}

pub(super) fn controller_manager(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let kubeconfig = file("controller-manager.kubeconfig");
    vec![
        format!("--kubeconfig={kubeconfig}"),
        format!("--authentication-kubeconfig={kubeconfig}"),
        format!("--authorization-kubeconfig={kubeconfig}"),
        // One replica; a new one must not wait for the lease of the one before.
        "--leader-elect=false".into(),
        // Without it the namespace, quota and signing controllers are refused (403): namespaces
        // stay terminating, requests for certificates unsigned, the status of quotas empty.
        "--use-service-account-credentials=true".into(),
        // There are no nodes here.
        "--controllers=*,-nodelifecycle,-nodeipam,-cloud-node-lifecycle".into(),
        format!("--cluster-signing-cert-file={}", file("ca.crt")),
        format!("--cluster-signing-key-file={}", file("ca.key")),
        format!("--root-ca-file={}", file("ca.crt")),
        format!(
            "--service-account-private-key-file={}",
            file("service-accounts.key")
        ),
        // Each controller makes its service account and a token one after the other: with the
        // default limit of 20 calls a second this alone takes four seconds.
        "--kube-api-qps=1000".into(),
        "--kube-api-burst=2000".into(),
        // Nobody asks it anything: no port to find, none to clash.
        "--secure-port=0".into(),
        "--profiling=false".into(),
    ]
}
