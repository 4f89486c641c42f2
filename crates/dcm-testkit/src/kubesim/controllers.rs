//! What happens by itself, later: the controllers of a cluster, as tasks at times.
//!
//! Every task looks at the state when its time comes, so that one too many does no harm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dcm_types::Timestamp;
use serde_json::Value;

use super::authority::Authority;
use super::core::Core;
use super::objects::ObjectKey;
use super::{crd, csr, namespaces, quota};

/// What the signer of client certificates does.
#[derive(Clone)]
pub enum Signer {
    /// It signs.
    Works,
    /// It never answers.
    Absent,
    /// It signs under another authority.
    Other(Arc<Authority>),
    /// It signs for another key than was asked for.
    OtherKey,
}

/// How fast controllers are, and what they do.
#[derive(Clone)]
pub struct Controllers {
    /// Whether they run at all.
    pub running: bool,
    /// From a new namespace to its service account and the certificate authority in it.
    pub namespace_setup: Duration,
    /// From the end of a namespace to the end of what is in it.
    pub namespace_end: Duration,
    /// From a quota to its being in force.
    pub quota: Duration,
    /// From an approval to the certificate.
    pub signing: Duration,
    /// What the signer does.
    pub signer: Signer,
}

impl Default for Controllers {
    fn default() -> Self {
        Self {
            running: true,
            namespace_setup: Duration::from_millis(20),
            // As measured at real ones.
            namespace_end: Duration::from_secs(5),
            quota: Duration::from_millis(100),
            signing: Duration::from_millis(50),
            signer: Signer::Works,
        }
    }
}

/// Something that a controller will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    SetUpNamespace(String),
    EmptyNamespace(String),
    CountQuota(String, String),
    Sign(String),
    CollectRequest(String),
}

/// Tasks by time; of the same time in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Timers {
    tasks: BTreeMap<(Timestamp, u64), Task>,
    numbers: u64,
}

impl Timers {
    /// Adds a task; one that is there already for the same time or earlier is enough.
    pub(super) fn at(&mut self, time: Timestamp, task: Task) {
        if self
            .tasks
            .iter()
            .any(|((at, _), known)| *at == time && *known == task)
        {
            return;
        }
        self.numbers += 1;
        self.tasks.insert((time, self.numbers), task);
    }

    fn due(&mut self, now: Timestamp) -> Option<(Timestamp, Task)> {
        let entry = self
            .tasks
            .first_entry()
            .filter(|entry| entry.key().0 <= now)?;
        let ((time, _), task) = entry.remove_entry();
        Some((time, task))
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.tasks.keys().next().map(|(time, _)| *time)
    }
}

impl Core {
    /// Does what is due. While controllers stand still nothing is lost: it is due later.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while self.controllers.running
            && let Some((time, task)) = self.timers.due(now)
        {
            self.perform(&task, time.max(now.min(time)));
        }
    }

    /// When something will happen by itself.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.timers.next().filter(|_| self.controllers.running)
    }

    fn perform(&mut self, task: &Task, now: Timestamp) {
        match task {
            Task::SetUpNamespace(name) => namespaces::set_up(self, name, now),
            Task::EmptyNamespace(name) => namespaces::empty(self, name, now),
            Task::CountQuota(namespace, name) => quota::count(self, namespace, name, now),
            Task::Sign(name) => csr::sign(self, name, now),
            Task::CollectRequest(name) => csr::collect(self, name, now),
        }
    }

    /// An object was written: which controllers mind it?
    pub(super) fn noticed(&mut self, key: &ObjectKey, object: &Value, now: Timestamp) {
        let kind = object["kind"].as_str().unwrap_or_default();
        match kind {
            "Namespace" => namespaces::noticed(self, object, now),
            "ResourceQuota" if object["status"].get("hard") != object["spec"].get("hard") => {
                self.count_later(&key.namespace, &key.name, now);
            }
            "CertificateSigningRequest" => csr::noticed(self, object, now),
            "CustomResourceDefinition" => crd::noticed(self, key, object),
            _ => {}
        }
    }

    /// An object is gone: which controllers mind it?
    pub(super) fn noticed_end(&mut self, key: &ObjectKey, now: Timestamp) {
        let definitions = self.id("apiextensions.k8s.io", "customresourcedefinitions");
        if key.kind == definitions {
            crd::ended(self, &key.name);
        }
        if key.namespace.is_empty() {
            return;
        }
        let own = [
            ("configmaps", "kube-root-ca.crt"),
            ("serviceaccounts", "default"),
        ];
        if own
            .iter()
            .any(|(plural, name)| key.kind == self.id("", plural) && *key.name == **name)
        {
            let at = now + self.controllers.namespace_setup;
            self.timers
                .at(at, Task::SetUpNamespace(key.namespace.to_string()));
        }
        let quotas = self.id("", "resourcequotas");
        for quota in self.objects.keys(quotas, Some(&key.namespace)) {
            self.count_later(&quota.namespace, &quota.name, now);
        }
    }

    fn count_later(&mut self, namespace: &str, name: &str, now: Timestamp) {
        let task = Task::CountQuota(namespace.to_owned(), name.to_owned());
        self.timers.at(now + self.controllers.quota, task);
    }
}
