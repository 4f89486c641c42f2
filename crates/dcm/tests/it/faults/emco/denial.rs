//! A real API server that refuses some calls, by an admission policy of its own.

use std::time::{Duration, Instant};

use dcm_testkit::ControlPlane;
use serde_json::{Value, json};

use crate::members::harness::kubectl;

/// A policy that is in force until it is lifted.
pub(super) struct Denial<'a> {
    plane: &'a ControlPlane,
    name: String,
}

/// What a policy refuses.
pub(super) struct Refused {
    pub(super) group: &'static str,
    pub(super) resource: &'static str,
    pub(super) operation: &'static str,
    /// Of which objects, in the language of policies.
    pub(super) condition: String,
}

impl<'a> Denial<'a> {
    /// Refuses calls, and waits until it does.
    pub(super) fn set(plane: &'a ControlPlane, name: &str, refused: &Refused) -> Self {
        let rule = |group: &str, resource: &str, operation: &str| {
            json!({
                "apiGroups": [group], "apiVersions": ["*"],
                "resources": [resource], "operations": [operation],
            })
        };
        // Beside what is meant it refuses a config map that nobody wants, by which is seen that it is in force.
        let condition = format!(
            "request.resource.resource == 'configmaps' ? object.metadata.name == '{name}' : ({})",
            refused.condition
        );
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": { "name": name },
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": { "resourceRules": [
                    rule(refused.group, refused.resource, refused.operation),
                    rule("", "configmaps", "CREATE"),
                ] },
                "matchConditions": [{ "name": "those", "expression": condition }],
                "validations": [{ "expression": "false", "message": "not today", "reason": "Forbidden" }],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": { "name": name },
            "spec": { "policyName": name, "validationActions": ["Deny"] },
        });
        apply(plane, &policy);
        apply(plane, &binding);
        let denial = Self {
            plane,
            name: name.to_owned(),
        };
        denial.until_in_force();
        denial
    }

    fn until_in_force(&self) {
        let started = Instant::now();
        let create = [
            "create",
            "configmap",
            &self.name,
            "--dry-run=server",
            "-n",
            "default",
        ];
        loop {
            let output = self.plane.kubectl().args(create).output().unwrap();
            if String::from_utf8_lossy(&output.stderr).contains("not today") {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{output:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// From here on everything is allowed again.
    pub(super) fn lift(self) {
        drop(self);
    }
}

impl Drop for Denial<'_> {
    fn drop(&mut self) {
        for kind in [
            "validatingadmissionpolicybinding",
            "validatingadmissionpolicy",
        ] {
            kubectl(
                self.plane,
                &["delete", kind, &self.name, "--ignore-not-found"],
            );
        }
    }
}

fn apply(plane: &ControlPlane, object: &Value) {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), object.to_string()).unwrap();
    kubectl(plane, &["apply", "-f", file.path().to_str().unwrap()]);
}
