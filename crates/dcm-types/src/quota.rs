//! Limits of a quota: keys by Kubernetes' grammar, quantities normalised.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Violation;
use crate::label::is_qualified_part;
use crate::name::{is_label, is_subdomain};
use crate::quantity::Quantity;

/// How many limits one quota may have.
const LIMIT_COUNT: usize = 100;
/// How alike a known key must be to be offered instead of an unknown one.
const LIKENESS: f64 = 0.8;

/// `spec.hard` of a `ResourceQuota`: validated keys, quantities in canonical form, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<String, String>",
    into = "BTreeMap<String, String>"
)]
pub struct QuotaLimits(BTreeMap<String, String>);

impl QuotaLimits {
    /// The only constructor. Every fault is reported with its key; the key is empty when the fault is
    /// of the whole.
    pub fn parse(limits: BTreeMap<String, String>) -> Result<Self, Vec<(String, Violation)>> {
        if limits.is_empty() || limits.len() > LIMIT_COUNT {
            let rule = format!("must have 1 to {LIMIT_COUNT} limits");
            let violation = Violation::new(rule, &limits.len().to_string())
                .hint("for example {\"pods\": \"10\", \"limits.memory\": \"8Gi\"}");
            return Err(vec![(String::new(), violation)]);
        }
        let mut canonical = BTreeMap::new();
        let mut faults = Vec::new();
        for (key, text) in limits {
            match Unit::of(&key).and_then(|unit| unit.check(&text)) {
                Ok(quantity) => {
                    canonical.insert(key, quantity.canonical());
                }
                Err(violation) => faults.push((key, violation)),
            }
        }
        if faults.is_empty() {
            Ok(Self(canonical))
        } else {
            Err(faults)
        }
    }

    /// Key and canonical quantity of each limit.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, quantity)| (key.as_str(), quantity.as_str()))
    }

    /// Whether pods that name no requests or limits of their own would be refused, so that the
    /// namespace needs a `LimitRange` with defaults.
    pub fn has_compute(&self) -> bool {
        self.compute() != Compute::default()
    }

    /// Which defaults a plain container needs to be admitted.
    pub fn compute(&self) -> Compute {
        let has = |keys: &[&str]| keys.iter().any(|key| self.0.contains_key(*key));
        Compute {
            request_cpu: has(&["cpu", "requests.cpu"]),
            request_memory: has(&["memory", "requests.memory"]),
            limit_cpu: has(&["limits.cpu"]),
            limit_memory: has(&["limits.memory"]),
        }
    }
}

impl TryFrom<BTreeMap<String, String>> for QuotaLimits {
    type Error = Violation;

    fn try_from(limits: BTreeMap<String, String>) -> Result<Self, Violation> {
        Self::parse(limits).map_err(|mut faults| faults.remove(0).1)
    }
}

impl From<QuotaLimits> for BTreeMap<String, String> {
    fn from(limits: QuotaLimits) -> Self {
        limits.0
    }
}

/// What the admission of a quota demands of every container: only these four, whatever else is
/// limited (Kubernetes' pod evaluator).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent demands, named as in a container's resources"
)]
pub struct Compute {
    /// `requests.cpu`; a limit on CPU serves as well.
    pub request_cpu: bool,
    /// `requests.memory`; a limit on memory serves as well.
    pub request_memory: bool,
    /// `limits.cpu`.
    pub limit_cpu: bool,
    /// `limits.memory`.
    pub limit_memory: bool,
}

impl Compute {
    /// The demands of several quotas together.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            request_cpu: self.request_cpu || other.request_cpu,
            request_memory: self.request_memory || other.request_memory,
            limit_cpu: self.limit_cpu || other.limit_cpu,
            limit_memory: self.limit_memory || other.limit_memory,
        }
    }
}

/// What is counted by a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// CPU time or bytes.
    Amount,
    /// Things; a whole number.
    Count,
}

use Unit::{Amount, Count};

/// Keys without parameters: those that the original contract names, and Kubernetes' short forms.
const PLAIN_KEYS: &[(&str, Unit)] = &[
    ("cpu", Amount),
    ("memory", Amount),
    ("ephemeral-storage", Amount),
    ("limits.cpu", Amount),
    ("limits.memory", Amount),
    ("limits.ephemeral-storage", Amount),
    ("requests.cpu", Amount),
    ("requests.memory", Amount),
    ("requests.storage", Amount),
    ("requests.ephemeral-storage", Amount),
    ("persistentvolumeclaims", Count),
    ("pods", Count),
    ("configmaps", Count),
    ("replicationcontrollers", Count),
    ("resourcequotas", Count),
    ("services", Count),
    ("services.loadbalancers", Count),
    ("services.nodeports", Count),
    ("secrets", Count),
    ("count/replicationcontrollers", Count),
    ("count/deployments.apps", Count),
    ("count/replicasets.apps", Count),
    ("count/statefulsets.apps", Count),
    ("count/jobs.batch", Count),
    ("count/cronjobs.batch", Count),
    ("count/deployments.extensions", Count),
];

/// What a limit of one storage class begins with its name and ends with.
const STORAGE_CLASS: &str = ".storageclass.storage.k8s.io/";

impl Unit {
    /// The unit of a key; an unknown key is refused, because Kubernetes would take it and never
    /// enforce it.
    fn of(key: &str) -> Result<Self, Violation> {
        if let Some((_, unit)) = PLAIN_KEYS.iter().find(|(plain, _)| *plain == key) {
            return Ok(*unit);
        }
        if let Some(counted) = key.strip_prefix("count/") {
            return of_counted(key, counted);
        }
        if let Some((class, limited)) = key.split_once(STORAGE_CLASS) {
            return of_storage_class(key, class, limited);
        }
        let size = key.strip_prefix("requests.").unwrap_or(key);
        if let Some(size) = size.strip_prefix("hugepages-") {
            let known = Quantity::parse(size).is_ok_and(|page| page.canonical() == size);
            return if known { Ok(Amount) } else { Err(unknown(key)) };
        }
        if key.contains('/') {
            return of_extended(key);
        }
        Err(unknown(key))
    }

    fn check(self, text: &str) -> Result<Quantity, Violation> {
        let quantity = Quantity::parse(text)?;
        if quantity.is_negative() {
            return Err(Violation::new("must not be negative", text));
        }
        if self == Count && !quantity.is_whole() {
            return Err(Violation::new("must be a whole number", text));
        }
        Ok(quantity)
    }
}

/// `count/resource[.group]`.
fn of_counted(key: &str, counted: &str) -> Result<Unit, Violation> {
    let (resource, group) = match counted.split_once('.') {
        Some((resource, group)) => (resource, Some(group)),
        None => (counted, None),
    };
    if is_label(resource) && group.is_none_or(is_subdomain) && is_qualified_part(counted) {
        return Ok(Count);
    }
    Err(Violation::new(
        "is not of the form 'count/<resource>' or 'count/<resource>.<group>', with at most 63 characters \
         after the '/'",
        key,
    ))
}

/// `class.storageclass.storage.k8s.io/requests.storage` or `/persistentvolumeclaims`.
fn of_storage_class(key: &str, class: &str, limited: &str) -> Result<Unit, Violation> {
    let domain = &key[..key.len() - limited.len() - 1];
    match limited {
        "requests.storage" if is_subdomain(class) && is_subdomain(domain) => Ok(Amount),
        "persistentvolumeclaims" if is_subdomain(class) && is_subdomain(domain) => Ok(Count),
        _ => Err(Violation::new(
            "is not of the form '<class>.storageclass.storage.k8s.io/requests.storage' or \
             '.../persistentvolumeclaims'",
            key,
        )),
    }
}

/// `requests.domain/name` of an extended resource. It cannot be overcommitted, so Kubernetes counts
/// its requests only.
fn of_extended(key: &str) -> Result<Unit, Violation> {
    if let Some(resource) = key.strip_prefix("limits.") {
        return Err(Violation::new("would never be enforced", key).hint(format!(
            "limit requests of an extended resource: 'requests.{resource}'"
        )));
    }
    let parts = key
        .strip_prefix("requests.")
        .and_then(|resource| resource.split_once('/'));
    let Some((domain, name)) = parts else {
        return Err(unknown(key));
    };
    let native = domain == "kubernetes.io" || domain.ends_with(".kubernetes.io");
    // The whole prefix, `requests.` included, is a domain to Kubernetes.
    let prefix = &key[..key.len() - name.len() - 1];
    if is_subdomain(domain) && is_subdomain(prefix) && is_qualified_part(name) && !native {
        Ok(Count)
    } else {
        Err(unknown(key))
    }
}

fn unknown(key: &str) -> Violation {
    let violation = Violation::new("is not a limit that Kubernetes enforces", key);
    // Likeness costs the product of the lengths, and a long key is like none.
    let nearest = PLAIN_KEYS
        .iter()
        .filter(|_| key.len() <= 64)
        .map(|(known, _)| {
            (
                strsim::jaro_winkler(known, &key.to_ascii_lowercase()),
                known,
            )
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        Some((_, known)) => violation.hint(format!("did you mean '{known}'?")),
        None => violation.hint(
            "for example 'pods', 'requests.cpu', 'limits.memory', 'count/deployments.apps', \
             'requests.example.com/gpu'",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rows: &[(&str, &str)]) -> Result<QuotaLimits, Vec<(String, Violation)>> {
        QuotaLimits::parse(
            rows.iter()
                .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn every_form_of_key_is_taken() {
        for (key, text) in [
            ("limits.cpu", "400m"),
            ("limits.memory", "1000Mi"),
            ("requests.storage", "1.5Ti"),
            ("pods", "500"),
            ("pods", "2k"),
            ("services.nodeports", "0"),
            ("count/deployments.extensions", "3"),
            ("count/widgets.example.com", "3"),
            ("count/pods", "3"),
            ("requests.nvidia.com/gpu", "4"),
            ("gold.storageclass.storage.k8s.io/requests.storage", "500Gi"),
            (
                "gold.storageclass.storage.k8s.io/persistentvolumeclaims",
                "5",
            ),
            ("hugepages-2Mi", "1Gi"),
            ("requests.hugepages-1Gi", "2Gi"),
        ] {
            assert!(parse(&[(key, text)]).is_ok(), "{key}={text}");
        }
        for (key, unit) in PLAIN_KEYS {
            assert_eq!(Unit::of(key), Ok(*unit));
        }
    }

    #[test]
    fn what_would_not_be_enforced_is_refused() {
        let long = format!("count/{}", "x".repeat(64));
        let huge = "x".repeat(1_000_000);
        for (key, text) in [
            ("", "1"),
            ("Pods", "1"),
            ("requests.cpus", "1"),
            ("limits.nvidia.com/gpu", "1"),
            ("nvidia.com/gpu", "1"),
            ("requests.kubernetes.io/x", "1"),
            ("requests./x", "1"),
            ("requests.example.com/", "1"),
            ("requests.example.com/a/b", "1"),
            ("count/", "1"),
            ("count/Pods", "1"),
            ("count/a.B", "1"),
            ("count/a..b", "1"),
            ("count/a/b", "1"),
            (&long, "1"),
            (".storageclass.storage.k8s.io/requests.storage", "1"),
            ("gold.storageclass.storage.k8s.io/pods", "1"),
            ("hugepages-", "1"),
            ("hugepages-2048Ki", "1"),
            ("pods", "1.5"),
            ("pods", "100m"),
            ("pods", "-1"),
            ("requests.nvidia.com/gpu", "500m"),
            ("limits.memory", "1GB"),
            ("limits.memory", ""),
            ("limits.memory", "1e999999"),
            (&huge, "1"),
            ("pods", &huge),
        ] {
            assert!(parse(&[(key, text)]).is_err(), "{key:.60}={text:.60}");
        }
        assert!(parse(&[]).is_err());
    }

    #[test]
    fn all_faults_are_reported_and_the_nearest_key_is_offered() {
        let faults = parse(&[("request.cpu", "1"), ("pods", "x"), ("secrets", "1")]).unwrap_err();
        let keys: Vec<&str> = faults.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["pods", "request.cpu"]);
        assert_eq!(
            faults[1].1.hint.as_deref(),
            Some("did you mean 'requests.cpu'?")
        );
    }

    #[test]
    fn quantities_are_canonical_and_stable_through_json() {
        let limits = parse(&[("limits.memory", "1024Mi"), ("limits.cpu", "0.5")]).unwrap();
        assert_eq!(
            limits.iter().collect::<Vec<_>>(),
            [("limits.cpu", "500m"), ("limits.memory", "1Gi")]
        );
        let json = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<QuotaLimits>(&json).unwrap(), limits);
        assert!(serde_json::from_str::<QuotaLimits>(r#"{"pods":"-1"}"#).is_err());
    }

    #[test]
    fn only_cpu_and_memory_keep_plain_pods_out() {
        let none = parse(&[("pods", "1"), ("limits.ephemeral-storage", "1Gi")]).unwrap();
        assert!(!none.has_compute());
        let some = parse(&[("memory", "1Gi"), ("limits.cpu", "2")]).unwrap();
        let compute = some.compute();
        assert!(compute.request_memory && compute.limit_cpu);
        assert!(!compute.request_cpu && !compute.limit_memory);
        assert_eq!(none.compute().or(compute), compute);
    }
}
