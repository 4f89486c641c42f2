//! Labels that a tenant wants on its namespace: Kubernetes' grammar, outside of every domain that
//! something in the cluster trusts (T17).
//!
//! A label on a namespace can switch pod security off, join a mesh, or pass a network policy, so a
//! domain that belongs to a platform is refused as a whole, with everything below it.

use std::collections::BTreeMap;

use crate::error::Violation;
use crate::name::is_subdomain;

/// How many labels a tenant may set.
const LABEL_COUNT: usize = 50;
/// Longest name part of a key, and longest value.
const NAME_LIMIT: usize = 63;

/// Domains of which no label may be set, nor of any domain below them.
const RESERVED_DOMAINS: &[&str] = &[
    "kubernetes.io",
    "k8s.io",
    "x-k8s.io",
    "istio.io",
    "dcm.internal",
    // Admission and network policies of widespread add-ons are switched by namespace labels.
    "cattle.io",
    "cilium.io",
    "gatekeeper.sh",
    "kyverno.io",
    "linkerd.io",
    "openshift.io",
    "projectcalico.org",
];

/// Keys without a domain that a platform trusts.
const RESERVED_KEYS: &[&str] = &["istio-injection", "istio-discovery", "control-plane"];

/// Checks a set of labels; every offending key is reported.
pub fn check_namespace_labels(
    labels: &BTreeMap<String, String>,
) -> Result<(), Vec<(String, Violation)>> {
    if labels.len() > LABEL_COUNT {
        let got = labels.len().to_string();
        let violation = Violation::new(format!("must be at most {LABEL_COUNT} labels"), &got);
        return Err(vec![(String::new(), violation)]);
    }
    let faults: Vec<_> = labels
        .iter()
        .flat_map(|(key, value)| [(key, check_key(key)), (key, check_value(value))])
        .filter_map(|(key, outcome)| Some((key.clone(), outcome.err()?)))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

/// `[domain/]name`, not reserved.
fn check_key(key: &str) -> Result<(), Violation> {
    let (domain, name) = match key.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, key),
    };
    if domain.is_some_and(|domain| !is_subdomain(domain)) || !is_qualified_part(name) {
        return Err(Violation::new(
            "has a key that is not a Kubernetes label key: an optional lower-case domain and '/', then \
             1 to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends",
            key,
        ));
    }
    let reserved = match domain {
        Some(domain) => is_reserved(domain),
        None => RESERVED_KEYS.contains(&name),
    };
    if reserved {
        return Err(
            Violation::new("has a key that is reserved for the cluster itself", key)
                .hint("use a domain of your own, for example 'example.com/team'"),
        );
    }
    Ok(())
}

fn is_reserved(domain: &str) -> bool {
    RESERVED_DOMAINS.iter().any(|reserved| {
        domain
            .strip_suffix(reserved)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn check_value(value: &str) -> Result<(), Violation> {
    if value.is_empty() || is_qualified_part(value) {
        return Ok(());
    }
    Err(Violation::new(
        "has a value that is not a Kubernetes label value: at most 63 letters, digits, '-', '_' and '.', \
         with a letter or digit at both ends",
        value,
    ))
}

/// The name part of a qualified name, and a label value that is not empty.
pub(crate) fn is_qualified_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= NAME_LIMIT
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str) -> bool {
        check_namespace_labels(&BTreeMap::from([(key.to_owned(), value.to_owned())])).is_ok()
    }

    #[test]
    fn tenants_may_label_in_domains_of_their_own() {
        let value_of_63 = "v".repeat(63);
        for (key, value) in [
            ("team", "payments"),
            ("example.com/team", "a.b_c-d"),
            ("example.com/Empty", ""),
            ("notkubernetes.io/x", "y"),
            ("kubernetes.io.example.com/x", "y"),
            ("managed-by", "me"),
            ("limit", &value_of_63),
        ] {
            assert!(check(key, value), "{key}={value}");
        }
    }

    #[test]
    fn reserved_and_malformed_labels_are_refused() {
        let value_of_64 = "v".repeat(64);
        let key_of_64 = "k".repeat(64);
        let domain_of_254 = format!("{}.io/x", "d".repeat(254));
        let huge = "x".repeat(1_000_000);
        for (key, value) in [
            ("pod-security.kubernetes.io/enforce", "privileged"),
            ("pod-security.kubernetes.io/enforce-version", "v1.0"),
            ("istio-injection", "disabled"),
            ("istio.io/rev", "other"),
            ("topology.istio.io/network", "other"),
            ("kubernetes.io/metadata.name", "kube-system"),
            ("app.kubernetes.io/managed-by", "somebody"),
            ("k8s.io/x", "y"),
            ("node.k8s.io/x", "y"),
            ("dcm.internal/cloud", "0"),
            ("x.dcm.internal/cloud", "0"),
            ("admission.gatekeeper.sh/ignore", "true"),
            ("field.cattle.io/projectId", "p"),
            ("", "v"),
            ("/x", "v"),
            ("a/", "v"),
            ("a/b/c", "v"),
            ("Example.com/x", "v"),
            ("-a", "v"),
            ("a b", "v"),
            ("a", "b c"),
            ("a", "-b"),
            ("a", "b\n"),
            ("\u{430}", "v"),
            (&key_of_64, "v"),
            ("a", &value_of_64),
            (&domain_of_254, "v"),
            (&huge, "v"),
            ("a", &huge),
        ] {
            assert!(!check(key, value), "{key:.60}={value:.60}");
        }
    }

    #[test]
    fn every_offending_label_is_named() {
        let labels = [("istio-injection", "a b"), ("ok", "v"), ("-", "v")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let keys: Vec<String> = check_namespace_labels(&labels)
            .unwrap_err()
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, ["-", "istio-injection", "istio-injection"]);
    }

    #[test]
    fn their_number_is_bounded() {
        let labels = |count: usize| {
            (0..count)
                .map(|i| (format!("k{i}"), String::new()))
                .collect()
        };
        assert!(check_namespace_labels(&labels(50)).is_ok());
        assert!(check_namespace_labels(&labels(51)).is_err());
    }
}
