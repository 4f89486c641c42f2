//! The Secret with the bundle of authorities. Its key comes from the CA controller at the moment of the call, and
//! is nowhere else: what is read of the Secret is hidden before anything is done with it.

use dcm_cluster::{Object, Resource};
use dcm_mesh::MeshName;
use dcm_mesh::objects::cacerts;
use dcm_pki::bundle::{ANCHORS, CERTIFICATE, CHAIN, Files};
use dcm_types::ca::{BundleVersion, CaBundle};
use dcm_types::documents::ObjectState;
use dcm_types::{Kind, TargetKey, Uid};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Authorities;
use crate::render::Wanted;
use crate::run::Outcome;

/// Its name, which every control plane looks for.
pub(crate) const NAME: &str = "cacerts";
/// Annotation: which bundle it holds.
const VERSION: &str = "dcm.internal/bundle";
/// Annotation: digest of its files.
const FILES: &str = "dcm.internal/files";
/// Member of an object that was read: digest of the files that are hidden.
const SEEN: &str = "seenFiles";
/// Files that everybody may see.
const OPEN: [&str; 3] = [CERTIFICATE, CHAIN, ANCHORS];

/// Notes which bundle an object holds.
pub(crate) fn set_version(object: &mut Object, version: &BundleVersion) {
    let BundleVersion {
        generation,
        trust,
        lists,
    } = version;
    let text = format!("{generation}.{trust}.{lists}");
    object.0["metadata"]["annotations"][VERSION] = json!(text);
}

/// Which bundle an object says that it holds.
pub(crate) fn version_of(object: &Object) -> Option<BundleVersion> {
    let mut numbers = annotation(object, VERSION).split('.').map(str::parse);
    let mut number = || numbers.next()?.ok();
    let version = BundleVersion {
        generation: number()?,
        trust: number()?,
        lists: number()?,
    };
    numbers.next().is_none().then_some(version)
}

fn annotation<'a>(object: &'a Object, name: &str) -> &'a str {
    let all = object.at("/metadata/annotations");
    let found = all.and_then(|all| all.get(name));
    found.and_then(Value::as_str).unwrap_or_default()
}

/// Digest of the files of a Secret, hidden or not.
pub(crate) fn digest_of(object: &Object) -> String {
    if let Some(seen) = object.0.get(SEEN).and_then(Value::as_str) {
        return seen.to_owned();
    }
    let mut hash = Sha256::new();
    for (name, text) in object.map("/data").into_iter().flatten() {
        for part in [name.as_str(), text.as_str().unwrap_or_default()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex::encode(hash.finalize())
}

/// A Secret without what must not be seen; any other object as it is.
pub(crate) fn hidden(mut object: Object) -> Object {
    if object.kind() != Resource::Secret.kind() || object.0.get(SEEN).is_some() {
        return object;
    }
    let digest = digest_of(&object);
    if let Some(data) = object.0.get_mut("data").and_then(Value::as_object_mut) {
        data.retain(|name, _| OPEN.contains(&name.as_str()));
    }
    object.0[SEEN] = json!(digest);
    object
}

/// Paths of what is not as wished. A newer bundle than the one that is known stays.
pub(crate) fn differences(wanted: &Object, live: &Object) -> Vec<Vec<String>> {
    let path = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    let labels = wanted.map("/metadata/labels").into_iter().flatten();
    let held = live.at("/metadata/labels");
    for (name, value) in labels {
        if held.and_then(|held| held.get(name)) != Some(value) {
            found.push(path(&["metadata", "labels", name]));
        }
    }
    let files = annotation(live, FILES);
    if files.is_empty() || files != digest_of(live) {
        found.push(path(&["data"]));
        return found;
    }
    match (version_of(wanted), version_of(live)) {
        (Some(wish), Some(held)) if wish == held => {
            let differ = OPEN
                .iter()
                .filter(|name| file(wanted, name) != file(live, name));
            found.extend(differ.map(|name| path(&["data", name])));
        }
        (Some(wish), Some(held)) if held.covers(&wish) => {}
        _ => found.push(path(&["metadata", "annotations", VERSION])),
    }
    found
}

fn file<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.map("/data")?.get(name)
}

/// The Secret as it is sent, or why it cannot be.
pub(crate) async fn joined(
    authorities: Option<&Authorities>,
    (target, cloud_uid): (&TargetKey, Uid),
    name: &MeshName,
    wanted: &Wanted,
) -> Result<Wanted, Box<Outcome>> {
    let hindered =
        |state, reason, message: &str| Box::new(Outcome::of(wanted, state, reason).says(message));
    let waits = |reason, message: &str| hindered(ObjectState::Progressing, reason, message);
    let Some(authorities) = authorities else {
        let message = "this server has no CA controller";
        return Err(hindered(ObjectState::Blocked, "AuthorityMissing", message));
    };
    let bundle = authorities.controller.get_bundle(target).await;
    let bundle = bundle.map_err(|error| match error.kind {
        Kind::Conflict => waits("BundleRevoked", "the next bundle is not there yet"),
        Kind::NotFound => waits("WaitsForBundle", "there is no bundle yet"),
        _ => waits("AuthorityUnreachable", &error.message),
    })?;
    let wished = version_of(&wanted.object);
    let fits = bundle.cloud_uid == cloud_uid && &bundle.target == target;
    if !fits || wished.is_some_and(|wished| !bundle.version.covers(&wished)) {
        let message = "the CA controller does not have the bundle yet that was prepared";
        return Err(waits("WaitsForBundle", message));
    }
    Ok(sealed_in(name, wanted, bundle))
}

/// What came of it, without anything that must not be seen: also not in the words of a cluster that refused it.
pub(crate) fn told(outcome: Outcome) -> Outcome {
    let message = match outcome.reason {
        "Invalid" | "WebhookDown" | "Forbidden" => {
            "the cluster refuses the Secret of the bundle".to_owned()
        }
        _ => outcome.message,
    };
    Outcome {
        live: outcome.live.map(hidden),
        message,
        ..outcome
    }
}

fn sealed_in(name: &MeshName, wanted: &Wanted, bundle: CaBundle) -> Wanted {
    let files = Files {
        certificate: bundle.certificate_pem,
        key: bundle.key.secret().clone(),
        chain: bundle.chain_pem,
        anchors: bundle.anchors_pem,
        lists: (!bundle.lists_pem.is_empty()).then_some(bundle.lists_pem),
    };
    let mut object = wanted.object.clone();
    object.0["data"] = cacerts(name, &files)["data"].take();
    set_version(&mut object, &bundle.version);
    let digest = digest_of(&object);
    object.0["metadata"]["annotations"][FILES] = json!(digest);
    Wanted {
        object,
        ..wanted.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(generation: u64, trust: u64, lists: u64) -> BundleVersion {
        BundleVersion {
            generation,
            trust,
            lists,
        }
    }

    fn secret(version: &BundleVersion, certificate: &str, key: &str) -> Object {
        let mut object = Object(json!({
            "kind": "Secret", "metadata": { "labels": { "a": "b" } },
            "data": { CERTIFICATE: certificate, CHAIN: "chain", ANCHORS: "anchors", "ca-key.pem": key },
        }));
        set_version(&mut object, version);
        object.0["metadata"]["annotations"][FILES] = json!(digest_of(&object));
        object
    }

    /// As the wish is: without what is joined later.
    fn wish(version: &BundleVersion, certificate: &str) -> Object {
        let mut object = secret(version, certificate, "");
        object.0["data"]
            .as_object_mut()
            .unwrap()
            .remove("ca-key.pem");
        object
    }

    #[test]
    fn key_is_hidden_and_its_change_is_seen() {
        let (one, other) = (
            hidden(secret(&version(1, 1, 1), "c", "canary-1")),
            hidden(secret(&version(1, 1, 1), "c", "canary-2")),
        );
        assert!(!one.0.to_string().contains("canary"));
        assert_ne!(digest_of(&one), digest_of(&other));
        assert_eq!(hidden(one.clone()), one);
    }

    #[test]
    fn same_bundle_is_kept_and_a_newer_one_never_goes_back() {
        let wanted = wish(&version(2, 1, 3), "c");
        let live = |version| hidden(secret(&version, "c", "k"));
        assert_eq!(differences(&wanted, &live(version(2, 1, 3))), [[""; 0]; 0]);
        assert_eq!(differences(&wanted, &live(version(3, 1, 3))), [[""; 0]; 0]);
        for older in [version(1, 1, 3), version(3, 1, 2)] {
            assert_eq!(differences(&wanted, &live(older)).len(), 1, "{older:?}");
        }
    }

    #[test]
    fn whatever_somebody_changed_in_it_is_seen() {
        let wanted = wish(&version(1, 1, 1), "c");
        let mut file = secret(&version(1, 1, 1), "c", "k");
        file.0["data"]["ca-key.pem"] = json!("theirs");
        // Also when who did it knows how the digest is made.
        let forged = secret(&version(1, 1, 1), "theirs", "theirs");
        let mut label = secret(&version(1, 1, 1), "c", "k");
        label.0["metadata"]["labels"] = json!({});
        for changed in [file, forged, label] {
            assert_eq!(differences(&wanted, &hidden(changed)).len(), 1);
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in ["", "1.2", "1.2.3.4", "1.2.x", "-1.2.3"] {
            let object = Object(json!({ "metadata": { "annotations": { VERSION: text } } }));
            assert_eq!(version_of(&object), None, "{text}");
        }
    }
}
