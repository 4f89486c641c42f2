//! Tokens of service accounts: made on request, bound to the account, and expiring.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dcm_types::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::core::{Asking, Core, timestamp};
use super::message::{AUTHENTICATED, Refusal, Response, User};
use super::paths::Target;
use super::reviews;
use super::shape::{METADATA, Shape};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const LIFE: u64 = 3600;
const REQUEST: Shape = Shape::Struct(&[
    ("metadata", METADATA),
    (
        "spec",
        Shape::Struct(&[
            ("audiences", Shape::Atomic),
            ("expirationSeconds", Shape::Leaf),
        ]),
    ),
]);
const SHORTEST: u64 = 600;

/// POST of a `TokenRequest`.
pub(super) fn request(
    core: &mut Core,
    asking: Asking<'_>,
    target: &Target,
) -> Result<Response, Refusal> {
    let account = core.get(target)?;
    let body = asking.body()?;
    let seconds = body["spec"]["expirationSeconds"].as_u64().unwrap_or(LIFE);
    if seconds < SHORTEST {
        let why =
            format!("Invalid value: {seconds}: may not specify a duration less than 10 minutes");
        let message = format!(
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: {why}"
        );
        return Err(Refusal::new(422, "Invalid", message)
            .about("", "authentication.k8s.io", "TokenRequest")
            .cause("FieldValueInvalid", &why, "spec.expirationSeconds"));
    }
    let audiences = match body["spec"]["audiences"].as_array() {
        Some(list) if !list.is_empty() => json!(list),
        _ => json!([ISSUER]),
    };
    let expires = asking.now + Duration::from_secs(seconds);
    let claims = json!({
        "iss": ISSUER, "aud": audiences, "exp": expires.as_second(), "iat": asking.now.as_second(),
        "nbf": asking.now.as_second(), "jti": core.uid(),
        "sub": format!("system:serviceaccount:{}:{}", target.namespace, target.name),
        "kubernetes.io": {
            "namespace": target.namespace,
            "serviceaccount": { "name": target.name, "uid": account["metadata"]["uid"] },
        },
    });
    let mut object = json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": target.name, "namespace": target.namespace, "uid": account["metadata"]["uid"],
            "creationTimestamp": asking.time(),
        },
        "spec": { "audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": null },
        "status": { "token": write(core, &claims), "expirationTimestamp": timestamp(expires) },
    });
    let answered = object["spec"].clone();
    object["spec"] = body["spec"].clone();
    object["spec"]["expirationSeconds"] = json!(seconds);
    reviews::own(
        asking,
        ("authentication.k8s.io", "token"),
        REQUEST,
        &mut object,
    );
    object["spec"] = answered;
    Ok(Response::with(201, object))
}

fn write(core: &Core, claims: &Value) -> String {
    let head = URL_SAFE_NO_PAD.encode(json!({ "alg": "simulated", "kid": "kubesim" }).to_string());
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    format!("{text}.{}", seal(core, &text))
}

/// Not a signature that others could check, but one that only this server makes.
fn seal(core: &Core, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(core.authority.certificate());
    hash.update(
        core.find(("", "namespaces"), "", "kube-system")
            .unwrap_or_default()["metadata"]["uid"]
            .to_string(),
    );
    hash.update(text);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// The user of a token of ours that has not expired and whose account is still the same.
pub(super) fn authenticate(core: &Core, token: &str, now: Timestamp) -> Option<User> {
    let (text, signature) = token.rsplit_once('.')?;
    if seal(core, text) != signature {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(text.split_once('.')?.1).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let audience = claims["aud"].as_array()?.contains(&json!(ISSUER));
    if !audience || claims["exp"].as_i64()? <= now.as_second() {
        return None;
    }
    let bound = &claims["kubernetes.io"];
    let (namespace, name) = (
        bound["namespace"].as_str()?,
        bound["serviceaccount"]["name"].as_str()?,
    );
    let account = core.find(("", "serviceaccounts"), namespace, name)?;
    let uid = bound["serviceaccount"]["uid"].as_str()?;
    if account["metadata"]["uid"] != uid {
        return None;
    }
    let groups = [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        AUTHENTICATED.to_owned(),
    ];
    let mut user = User {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        uid: uid.to_owned(),
        groups: groups.to_vec(),
        ..User::default()
    };
    let credential = format!("JTI={}", claims["jti"].as_str().unwrap_or_default());
    user.extra.insert(
        "authentication.kubernetes.io/credential-id".to_owned(),
        json!([credential]),
    );
    Some(user)
}
