//! Which crate may know which: among ourselves, and of the technologies outside.
//!
//! Arrows point downwards only, by layer. A technology is known to the crates of its row and to no
//! other, so that it can be exchanged in one place. Development dependencies may use any
//! technology, and the testkit, because tests stand outside of the picture.

use cargo_metadata::{Dependency, DependencyKind, Package};

use super::{Finding, Tree};

/// A crate may depend on crates of lower layers.
const LAYERS: &[&[&str]] = &[
    &["dcm-types"],
    &["dcm-wire", "dcm-pki", "dcm-store"],
    &["dcm-cluster", "dcm-mesh"],
    &["dcm-istioctl"],
    &["dcm-ca", "dcm-sync", "dcm-app"],
    &["dcm-rpc", "dcm-api", "dcm-cli", "dcm-issuer"],
    &["dcm"],
    &["dcm-testkit"],
    &["xtask"],
];

/// Tighter than the layers: these know of our crates only what stands here.
const NARROW: &[(&str, &[&str])] = &[
    ("dcm-mesh", &["dcm-types", "dcm-pki"]),
    ("dcm-istioctl", &["dcm-mesh"]),
    ("dcm-cli", &["dcm-types", "dcm-wire", "dcm-pki"]),
    ("dcm-api", &["dcm-types", "dcm-wire", "dcm-app"]),
    ("dcm-ca", &["dcm-types", "dcm-pki", "dcm-store"]),
    ("dcm-rpc", &["dcm-types"]),
    ("dcm-issuer", &["dcm-types", "dcm-pki", "dcm-ca"]),
];

/// A technology, as prefixes of crate names, and who may know it.
const TECHNOLOGIES: &[(&str, &[&str], &[&str])] = &[
    (
        "Kubernetes",
        &["kube", "kube-", "k8s-openapi"],
        &["dcm-cluster"],
    ),
    (
        "SQL and MongoDB",
        &["rusqlite", "sqlx", "mongodb", "bson"],
        &["dcm-store"],
    ),
    (
        "the HTTP server",
        &["axum", "axum-", "tower-http"],
        &["dcm-api"],
    ),
    ("OpenAPI", &["utoipa", "utoipa-"], &["dcm-api", "dcm-wire"]),
    ("the HTTP client", &["reqwest"], &["dcm-cli"]),
    (
        "gRPC",
        &["tonic", "tonic-", "prost", "prost-"],
        &["dcm-rpc", "dcm-testkit"],
    ),
    (
        "X.509",
        &["x509-", "rcgen", "pem", "rustls-webpki", "rustls-pki-types"],
        &["dcm-pki", "dcm-testkit"],
    ),
    (
        "cryptography",
        &["aws-lc-rs", "ring"],
        &["dcm-pki", "dcm-store", "dcm-testkit"],
    ),
    (
        "TLS",
        &["rustls", "hyper-rustls", "tokio-rustls"],
        &["dcm-cluster", "dcm-issuer", "dcm-rpc", "dcm-testkit"],
    ),
    (
        "the command line",
        &["clap", "clap_"],
        &["dcm-cli", "dcm", "xtask"],
    ),
    (
        "the terminal",
        &["indicatif", "comfy-table", "anstream", "anstyle"],
        &["dcm-cli", "dcm-testkit", "xtask"],
    ),
    (
        "YAML",
        &["serde-saphyr"],
        &["dcm-pki", "dcm-mesh", "dcm-cli"],
    ),
    ("configuration files", &["toml"], &["dcm", "xtask"]),
    (
        "errors without a type",
        &["anyhow"],
        &["dcm", "dcm-cli", "xtask"],
    ),
    (
        "the async runtime",
        &["tokio", "tokio-"],
        &[
            "dcm-store",
            "dcm-app",
            "dcm-ca",
            "dcm-cluster",
            "dcm-sync",
            "dcm-issuer",
            "dcm-rpc",
            "dcm-api",
            "dcm-cli",
            "dcm",
            "dcm-testkit",
        ],
    ),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let packages = tree.metadata.packages.iter();
    packages
        .flat_map(|package| package_findings(package, tree))
        .collect()
}

fn package_findings(package: &Package, tree: &Tree) -> Vec<Finding> {
    let manifest = package.manifest_path.strip_prefix(&tree.root);
    let manifest = manifest.map_or_else(|_| package.name.to_string(), ToString::to_string);
    let finding = |rule, message| Finding {
        rule,
        path: manifest.clone(),
        message,
    };
    let Some(layer) = layer_of(&package.name) else {
        let message = format!("{} has no place in the table of layers", package.name);
        return vec![finding("arrows", message)];
    };
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        if let Some(message) = forbidden_arrow(&package.name, layer, dependency) {
            findings.push(finding("arrows", message));
        }
        if let Some(message) = foreign_technology(&package.name, dependency) {
            findings.push(finding("technology", message));
        }
    }
    findings
}

fn forbidden_arrow(from: &str, layer: usize, dependency: &Dependency) -> Option<String> {
    let to = dependency.name.as_str();
    let target_layer = layer_of(to)?;
    let development = dependency.kind == DependencyKind::Development;
    // A crate's tests may ask for a feature of the crate itself, and put a neighbour behind a port.
    if development && (to == "dcm-testkit" || target_layer == layer) {
        return None;
    }
    if target_layer >= layer {
        return Some(format!(
            "{from} must not know {to}: arrows point to lower layers only"
        ));
    }
    let (_, known) = NARROW.iter().find(|(name, _)| *name == from)?;
    let allowed = development || known.contains(&to);
    (!allowed).then(|| {
        format!(
            "{from} must not know {to}: it knows only {}",
            known.join(", ")
        )
    })
}

fn foreign_technology(crate_name: &str, dependency: &Dependency) -> Option<String> {
    if dependency.kind == DependencyKind::Development {
        return None;
    }
    let is_of = |prefix: &str| {
        let family = prefix.ends_with(['-', '_']);
        dependency.name == prefix || (family && dependency.name.starts_with(prefix))
    };
    let (technology, _, owners) = TECHNOLOGIES
        .iter()
        .find(|(_, prefixes, _)| prefixes.iter().any(|prefix| is_of(prefix)))?;
    let owned = owners.contains(&crate_name);
    let name = &dependency.name;
    (!owned).then(|| {
        format!(
            "{name}: {technology} is known only to {}",
            owners.join(", ")
        )
    })
}

fn layer_of(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, kind: &str) -> Dependency {
        let text = format!(
            r#"{{"name": "{name}", "req": "*", "kind": {kind}, "optional": false,
                "uses_default_features": true, "features": []}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn arrow(from: &str, to: &str, kind: &str) -> bool {
        forbidden_arrow(from, layer_of(from).unwrap(), &dependency(to, kind)).is_none()
    }

    #[test]
    fn arrows_point_downwards_only() {
        assert!(arrow("dcm-app", "dcm-types", "null"));
        assert!(arrow("dcm", "dcm-sync", "null"));
        assert!(!arrow("dcm-app", "dcm-sync", "null"));
        assert!(!arrow("dcm-app", "dcm-ca", "null"));
        assert!(!arrow("dcm-ca", "dcm-cluster", "null"));
        assert!(!arrow("dcm-types", "dcm-app", "null"));
        assert!(arrow("dcm-cli", "dcm-pki", "null"));
        assert!(!arrow("dcm-cli", "dcm-store", "null"));
        assert!(!arrow("dcm-app", "dcm-testkit", "null"));
        assert!(arrow("dcm-app", "dcm-testkit", "\"dev\""));
        assert!(arrow("dcm-store", "dcm-store", "\"dev\""));
        assert!(arrow("dcm-app", "dcm-ca", "\"dev\""));
        assert!(!arrow("dcm-ca", "dcm-api", "\"dev\""));
    }

    #[test]
    fn a_technology_is_known_to_its_crates_only() {
        let allowed = |crate_name, name, kind| {
            foreign_technology(crate_name, &dependency(name, kind)).is_none()
        };
        assert!(allowed("dcm-cluster", "kube", "null"));
        assert!(!allowed("dcm-sync", "kube", "null"));
        assert!(!allowed("dcm-app", "kube", "null"));
        assert!(!allowed("dcm-api", "kube-runtime", "null"));
        assert!(allowed("dcm-api", "kubectl-like-name", "null"));
        assert!(!allowed("dcm-types", "tokio", "null"));
        assert!(allowed("dcm-types", "tokio", "\"dev\""));
    }
}
