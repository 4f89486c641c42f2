//! Requests as read in a member: only what is byte for byte ours is ever approved.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_types::documents::PendingCertificate;
use dcm_types::{Sealed, Timestamp};
use serde_json::{Value, json};

use super::{RequestState, approved, renewal_at, request_state};
use dcm_cluster::Object;

const ME: &str = "kubernetes-admin";

fn pending() -> PendingCertificate {
    PendingCertificate {
        epoch: 1,
        request_name: "dcm-00".to_owned(),
        key: Some(Sealed(String::new())),
        request_pem: "PEM".to_owned(),
        requested_at: Timestamp::UNIX_EPOCH,
    }
}

fn ours(status: &Value) -> Object {
    Object(json!({
        "kind": "CertificateSigningRequest",
        "metadata": { "name": "dcm-00" },
        "spec": {
            "request": STANDARD.encode("PEM"),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["digital signature", "client auth"],
            "username": ME,
        },
        "status": status,
    }))
}

fn state(object: &Object) -> RequestState {
    request_state(object, &pending(), ME)
}

#[test]
fn every_difference_makes_a_request_foreign() {
    assert_eq!(state(&ours(&json!({}))), RequestState::Unapproved);
    let edits = [
        ("request", json!(STANDARD.encode("OTHER"))),
        ("signerName", json!("kubernetes.io/kubelet-serving")),
        (
            "usages",
            json!(["digital signature", "client auth", "cert sign"]),
        ),
        (
            "usages",
            json!(["client auth", "digital signature", "server auth"]),
        ),
        ("username", json!("somebody")),
        ("username", Value::Null),
    ];
    for (member, value) in edits {
        let mut object =
            ours(&json!({ "conditions": [{ "type": "Approved" }], "certificate": "eA==" }));
        object.0["spec"][member] = value;
        assert_eq!(state(&object), RequestState::Planted, "{member}");
    }
    assert_eq!(state(&Object(Value::Null)), RequestState::Planted);
}

#[test]
fn states_of_our_own_request() {
    let approved = json!([{ "type": "Approved", "status": "True" }]);
    assert_eq!(
        state(&ours(&json!({ "conditions": approved }))),
        RequestState::Approved
    );
    let issued = json!({ "conditions": approved, "certificate": STANDARD.encode("CERT") });
    assert_eq!(
        state(&ours(&issued)),
        RequestState::Issued("CERT".to_owned())
    );
    let denied = json!({ "conditions": [{ "type": "Denied", "message": "no" }] });
    assert_eq!(
        state(&ours(&denied)),
        RequestState::Refused("denied: no".to_owned())
    );
    let garbled = json!({ "conditions": approved, "certificate": "%%" });
    assert!(matches!(state(&ours(&garbled)), RequestState::Refused(_)));
}

#[test]
fn approval_keeps_what_was_read() {
    let mut request = ours(&json!({}));
    request.0["metadata"]["resourceVersion"] = json!("42");
    let approval = approved(&request, Timestamp::UNIX_EPOCH);
    assert_eq!(approval.resource_version(), "42");
    assert_eq!(approval.at("/spec"), request.at("/spec"));
    assert_eq!(
        approval.text("/status/conditions/0/lastUpdateTime"),
        "1970-01-01T00:00:00Z"
    );
}

#[test]
fn certificate_is_renewed_after_a_third_of_its_life() {
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    assert_eq!(renewal_at(at(1000), at(4000)), at(2000));
}
