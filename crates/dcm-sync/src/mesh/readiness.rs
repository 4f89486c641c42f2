//! What can be seen of a control plane from outside: pure. That it runs is not ours to make true.

use std::collections::BTreeSet;

use dcm_cluster::{Object, Resource};
use dcm_mesh::GatewayAddress;
use dcm_mesh::values::GATEWAY;
use dcm_types::Track;
use serde_json::Value;

use crate::run::Outcome;

/// `ConfigMap` in which a control plane shows what it trusts, in each namespace of its mesh.
pub(crate) const SHOWN_ANCHORS: &str = "istio-ca-root-cert";

fn live(outcomes: &[Outcome], resource: Resource) -> impl Iterator<Item = &Object> {
    outcomes
        .iter()
        .filter(move |o| o.track == Track::Mesh && o.place.resource == resource && o.is_there())
        .filter_map(|outcome| outcome.live.as_ref())
}

/// Why the control plane does not work yet; `None`: nothing shows that it does not.
pub(crate) fn not_running(outcomes: &[Outcome]) -> Option<String> {
    let mut deployments = live(outcomes, Resource::Deployment);
    let found = deployments.find_map(|one| Some((one, unavailable(one)?)));
    if let Some((deployment, why)) = found {
        return Some(format!("Deployment {}: {why}", deployment.name()));
    }
    let mut webhooks = live(outcomes, Resource::MutatingWebhookConfiguration);
    let unserved = webhooks.find(|webhook| !is_served(webhook))?;
    Some(format!(
        "the control plane has not taken over its webhook {} yet",
        unserved.name()
    ))
}

/// Whether a Deployment has a pod that is available.
pub(crate) fn is_available(deployment: &Object) -> bool {
    unavailable(deployment).is_none()
}

/// What a Deployment without an available pod says.
fn unavailable(deployment: &Object) -> Option<String> {
    let conditions = deployment
        .at("/status/conditions")
        .and_then(Value::as_array);
    let conditions = conditions.map(Vec::as_slice).unwrap_or_default();
    let of = |kind: &str| conditions.iter().find(|one| one["type"] == kind);
    let available = of("Available");
    if available.is_some_and(|condition| condition["status"] == "True") {
        return None;
    }
    let failure = of("ReplicaFailure").filter(|condition| condition["status"] == "True");
    let said = failure.or(available);
    let said = said.and_then(|condition| condition["message"].as_str());
    let said = said.unwrap_or("no pod of it is available");
    let printable = said
        .chars()
        .filter(|c| !dcm_types::text::is_unprintable(*c));
    Some(printable.take(200).collect())
}

/// Whether whoever serves the webhooks has put their authority there.
fn is_served(configuration: &Object) -> bool {
    let webhooks = configuration.at("/webhooks").and_then(Value::as_array);
    webhooks.into_iter().flatten().all(|webhook| {
        let bundle = webhook["clientConfig"]["caBundle"].as_str();
        bundle.is_some_and(|bundle| !bundle.is_empty())
    })
}

/// Where the gateway is reached, as its Service says.
pub(crate) fn gateway_address(outcomes: &[Outcome]) -> Option<String> {
    let mut services = live(outcomes, Resource::Service);
    let service = services.find(|service| service.name() == GATEWAY)?;
    let ingress = service.at("/status/loadBalancer/ingress")?.as_array()?;
    ingress.iter().find_map(|one| {
        let text = one["ip"].as_str().or_else(|| one["hostname"].as_str())?;
        let address = GatewayAddress::read(text).ok()??;
        Some(address.host())
    })
}

/// Whether a control plane shows exactly these anchors.
pub(crate) fn shows(map: &Object, anchors: &str) -> bool {
    let shown = map.map("/data").and_then(|data| data.get("root-cert.pem"));
    let shown = shown.and_then(Value::as_str).unwrap_or_default();
    let shown = blocks(shown);
    !shown.is_empty() && shown == blocks(anchors)
}

/// The certificates of a text, whatever their order and line ends.
fn blocks(pem: &str) -> BTreeSet<String> {
    pem.split("-----END CERTIFICATE-----")
        .map(|block| block.split_whitespace().collect::<String>())
        .filter(|block| !block.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use dcm_cluster::Place;
    use dcm_types::documents::ObjectState;
    use serde_json::json;

    use super::*;
    use crate::render::Wanted;

    fn outcome(object: Value) -> Outcome {
        let object = Object(object);
        let place: Place = object.place().unwrap();
        let wanted = Wanted {
            track: Track::Mesh,
            place,
            object: object.clone(),
        };
        Outcome {
            live: Some(object),
            ..Outcome::of(&wanted, ObjectState::Ready, "Ready")
        }
    }

    fn deployment(conditions: &Value) -> Outcome {
        outcome(
            json!({ "kind": "Deployment", "metadata": { "name": "istiod", "namespace": "n" },
            "status": { "conditions": conditions } }),
        )
    }

    #[test]
    fn control_plane_without_a_pod_or_without_its_webhook_does_not_run() {
        let available = json!([{ "type": "Available", "status": "True" }]);
        let webhook = |bundle: &str| {
            outcome(
                json!({ "kind": "MutatingWebhookConfiguration", "metadata": { "name": "w" },
                "webhooks": [{ "clientConfig": { "caBundle": bundle } }] }),
            )
        };
        let runs = [deployment(&available), webhook("pem")];
        assert_eq!(not_running(&runs), None);
        let failure = json!([
            { "type": "Available", "status": "False", "message": "minimum availability" },
            { "type": "ReplicaFailure", "status": "True", "message": "no quota" },
        ]);
        let told = not_running(&[deployment(&failure)]).unwrap();
        assert_eq!(told, "Deployment istiod: no quota");
        assert!(not_running(&[deployment(&json!([]))]).is_some());
        assert!(not_running(&[deployment(&available), webhook("")]).is_some());
    }

    #[test]
    fn address_is_what_the_service_of_the_gateway_says() {
        let service = |name: &str, ingress: Value| {
            outcome(
                json!({ "kind": "Service", "metadata": { "name": name, "namespace": "n" },
                "status": { "loadBalancer": { "ingress": ingress } } }),
            )
        };
        for (ingress, expected) in [
            (json!([{ "ip": "192.0.2.7" }]), Some("192.0.2.7")),
            (json!([{ "hostname": "lb.example" }]), Some("lb.example")),
            (json!([{ "ip": "0.0.0.0" }]), None),
            (
                json!([{ "ip": "127.0.0.1" }, { "ip": "192.0.2.8" }]),
                Some("192.0.2.8"),
            ),
            (json!([]), None),
        ] {
            let seen = gateway_address(&[service(GATEWAY, ingress.clone())]);
            assert_eq!(seen.as_deref(), expected, "{ingress}");
        }
        assert_eq!(
            gateway_address(&[service("other", json!([{ "ip": "192.0.2.7" }]))]),
            None
        );
    }

    #[test]
    fn anchors_are_compared_one_by_one() {
        let one = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";
        let two = "-----BEGIN CERTIFICATE-----\nYg==\n-----END CERTIFICATE-----\n";
        let map = |text: &str| Object(json!({ "data": { "root-cert.pem": text } }));
        assert!(shows(
            &map(&format!("{two}\r\n{one}")),
            &format!("{one}{two}")
        ));
        assert!(!shows(&map(one), &format!("{one}{two}")));
        assert!(!shows(&map(&format!("{one}{two}")), one));
        assert!(!shows(&map(""), ""));
    }
}
