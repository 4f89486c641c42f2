//! The API server itself: state, and one function from a request to an answer. No I/O, no clock.

use std::sync::Arc;

use dcm_types::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::authority::Authority;
use super::controllers::{Controllers, Timers};
use super::kinds::{KindId, Kinds};
use super::message::{Refusal, Request, Response, User};
use super::objects::{ObjectKey, Objects};
use super::paths::{self, Target};
use super::watch::Watch;
use super::{discovery, rbac, reviews, tokens};

/// A simulated API server with its controllers.
pub(super) struct Core {
    pub(super) kinds: Kinds,
    pub(super) objects: Objects,
    pub(super) timers: Timers,
    pub(super) controllers: Controllers,
    pub(super) authority: Arc<Authority>,
    /// `v1.36.3`.
    pub(super) version: String,
    seed: u64,
    numbers: u64,
}

/// What a request leads to.
pub(super) enum Outcome {
    Answer(Response),
    Watch(Box<Watch>),
}

/// A request, who makes it, and when.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) request: &'a Request,
    pub(super) user: &'a User,
    pub(super) now: Timestamp,
}

impl Asking<'_> {
    /// The body as JSON; other forms of bodies are not spoken here.
    pub(super) fn body(&self) -> Result<Value, Refusal> {
        if self.request.media_type.contains("protobuf") || self.request.media_type.contains("cbor")
        {
            let message = "the body of the request was in an unknown format - accepted media types include: application/json";
            return Err(Refusal::new(415, "UnsupportedMediaType", message));
        }
        serde_json::from_slice(&self.request.body).map_err(|error| {
            Refusal::bad_request(format!(
                "the body of the request was in an unknown format: {error}"
            ))
        })
    }

    /// The field manager: named, or the first word of the user agent.
    pub(super) fn manager(&self) -> String {
        let named = self.request.parameter("fieldManager");
        let agent = self.request.agent.split('/').next().unwrap_or_default();
        named
            .filter(|name| !name.is_empty())
            .unwrap_or(agent)
            .to_owned()
    }

    pub(super) fn time(&self) -> String {
        timestamp(self.now)
    }
}

/// The time as objects carry it: whole seconds.
pub(super) fn timestamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Core {
    pub(super) fn new(seed: u64, version: &str, authority: Arc<Authority>, now: Timestamp) -> Self {
        let mut core = Self {
            kinds: Kinds::default(),
            objects: Objects::default(),
            timers: Timers::default(),
            controllers: Controllers::default(),
            authority,
            version: version.to_owned(),
            seed,
            numbers: 0,
        };
        core.bootstrap(now);
        core
    }

    /// Serves one request. What was due until now happens first.
    pub(super) fn handle(&mut self, request: &Request, user: &User, now: Timestamp) -> Outcome {
        self.advance(now);
        let asking = Asking { request, user, now };
        self.serve(asking)
            .unwrap_or_else(|refusal| Outcome::Answer(refusal.into()))
    }

    fn serve(&mut self, asking: Asking<'_>) -> Result<Outcome, Refusal> {
        let path = asking.request.path.as_str();
        if let Some(target) = paths::target(&self.kinds, path) {
            return self.serve_resource(asking, &target);
        }
        if let Some(answer) = reviews::serve(self, asking)? {
            return Ok(Outcome::Answer(answer));
        }
        rbac::check_path(self, asking)?;
        discovery::serve(self, path).map(|body| Outcome::Answer(Response::ok(body)))
    }

    fn serve_resource(&mut self, asking: Asking<'_>, target: &Target) -> Result<Outcome, Refusal> {
        let is_watch = asking.request.is_set("watch");
        let verb = match (asking.request.method.as_str(), target.name.is_empty()) {
            ("GET", true) if is_watch => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", false) => "update",
            ("PATCH", false) => "patch",
            ("DELETE", false) => "delete",
            ("DELETE", true) => "deletecollection",
            _ => return Err(not_allowed()),
        };
        rbac::check(self, asking.user, verb, target)?;
        let answer = match verb {
            "watch" => return Watch::open(self, asking, target).map(Outcome::Watch),
            "list" => self.list(asking, target)?,
            "get" => Response::ok(self.get(target)?),
            "create" if target.subresource == "token" => tokens::request(self, asking, target)?,
            "create" if target.name.is_empty() => self.create(asking, target)?,
            "update" => self.update(asking, target)?,
            "patch" => self.patch(asking, target)?,
            "delete" if target.subresource.is_empty() => self.delete(asking, target)?,
            "deletecollection" if target.kind.verbs.contains(&verb) => {
                self.delete_collection(asking, target)?
            }
            _ => return Err(not_allowed()),
        };
        Ok(Outcome::Answer(answer))
    }

    /// The object of a target, or 404.
    pub(super) fn get(&self, target: &Target) -> Result<Value, Refusal> {
        let found = self.objects.get(&key_of(target));
        found.ok_or_else(|| target.kind.not_found(&target.name))
    }

    /// A uid: different for each call and each server, the same for the same seed.
    pub(super) fn uid(&mut self) -> String {
        self.numbers += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(self.numbers.to_be_bytes());
        let text = hex::encode(&hash.finalize()[..16]);
        let parts = [
            &text[..8],
            &text[8..12],
            &text[13..16],
            &text[17..20],
            &text[20..],
        ];
        let [first, second, third, fourth, last] = parts;
        format!("{first}-{second}-4{third}-8{fourth}-{last}")
    }

    /// Five letters for `generateName`.
    pub(super) fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let uid = self.uid();
        let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
        let bytes = hex::decode(&uid[24..34]).unwrap_or_default();
        bytes.into_iter().map(letter).collect()
    }

    /// A built-in object by group, plural, namespace and name.
    pub(super) fn find(&self, kind: (&str, &str), namespace: &str, name: &str) -> Option<Value> {
        let id = self.kinds.id_of(kind.0, kind.1);
        self.objects.get(&ObjectKey::new(id, namespace, name))
    }

    /// Writes an object and wakes the controllers that mind it.
    pub(super) fn store(&mut self, key: &ObjectKey, object: Value, now: Timestamp) -> Value {
        let object = self.objects.put(key.clone(), object);
        self.noticed(key, &object, now);
        object
    }

    /// Removes an object and wakes the controllers that mind it.
    pub(super) fn erase(
        &mut self,
        key: &ObjectKey,
        last: Option<Value>,
        now: Timestamp,
    ) -> Option<Value> {
        let object = self.objects.remove(key, last)?;
        self.noticed_end(key, now);
        Some(object)
    }

    pub(super) fn id(&self, group: &str, plural: &str) -> KindId {
        self.kinds.id_of(group, plural)
    }
}

pub(super) fn key_of(target: &Target) -> ObjectKey {
    ObjectKey::new(target.id, &target.namespace, &target.name)
}

pub(super) fn not_allowed() -> Refusal {
    Refusal::new(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
}

/// `Status` of success about an object that is gone.
pub(super) fn deleted(target: &Target, object: &Value) -> Value {
    let mut details = json!({
        "name": object["metadata"]["name"], "kind": target.kind.plural, "uid": object["metadata"]["uid"],
    });
    if !target.kind.group.is_empty() {
        details["group"] = json!(target.kind.group);
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
