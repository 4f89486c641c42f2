//! Errors of calls to a member cluster, and convenience on top of [`ClusterApi`].

use std::time::Duration;

use serde_json::Value;

use crate::{Answer, Call, ClusterApi, Guard, IssuedToken, Object, Place, Resource, TokenRequest};

/// What kind of failure a call met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallErrorKind {
    /// No connection.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// The server's certificate is not what the credential says.
    Tls,
    /// The address of the server is refused by policy (T5).
    RefusedAddress,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 403 of an admission quota that the member itself has.
    QuotaExceeded,
    /// 404 where an object or its namespace should be.
    NotFound,
    /// 404 of a path: the member does not know the kind, or not in this version.
    MissingKind,
    /// 409 of a POST.
    AlreadyExists,
    /// 409 of anything else: the precondition does not hold.
    Conflict,
    /// 410: the watch is too old.
    Gone,
    /// 400 or 422.
    Invalid,
    /// 429.
    TooManyRequests,
    /// An admission webhook of the member did not answer, so that the member refuses the write.
    Webhook,
    /// 5xx.
    Server,
    /// Not an answer of an API server, or one that is too large.
    Garbled,
    /// The run's own deadline passed; nothing was sent.
    Deadline,
}

/// Why a call failed. The message is bounded; text from a cluster is data.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{call}: {message}")]
pub struct CallError {
    /// What kind of failure.
    pub kind: CallErrorKind,
    /// [`Call::name`] of the call.
    pub call: String,
    /// For people.
    pub message: String,
    /// What the member said about when to come back.
    pub retry_after: Option<Duration>,
}

/// Longest text of a cluster that is kept, in characters.
const MESSAGE_LIMIT: usize = 300;

impl CallError {
    /// An error with a bounded, printable message.
    pub fn new(kind: CallErrorKind, call: impl Into<String>, message: &str) -> Self {
        let message = message
            .chars()
            .filter(|c| !dcm_types::text::is_unprintable(*c))
            .take(MESSAGE_LIMIT)
            .collect();
        Self {
            kind,
            call: call.into(),
            message,
            retry_after: None,
        }
    }

    /// Stable label for conditions and metrics.
    pub fn category(&self) -> &'static str {
        match self.kind {
            CallErrorKind::Unreachable => "unreachable",
            CallErrorKind::Timeout | CallErrorKind::Deadline => "timeout",
            CallErrorKind::Tls => "tls",
            CallErrorKind::RefusedAddress => "refused-address",
            CallErrorKind::Unauthorized => "unauthorized",
            CallErrorKind::Forbidden => "forbidden",
            CallErrorKind::QuotaExceeded => "quota-exceeded",
            CallErrorKind::NotFound => "not-found",
            CallErrorKind::MissingKind => "missing-kind",
            CallErrorKind::AlreadyExists | CallErrorKind::Conflict => "conflict",
            CallErrorKind::Gone => "gone",
            CallErrorKind::Invalid => "invalid",
            CallErrorKind::TooManyRequests => "too-many-requests",
            CallErrorKind::Webhook => "webhook",
            CallErrorKind::Server => "server",
            CallErrorKind::Garbled => "garbled",
        }
    }

    /// Whether the error says something about the object only, so that other tracks can go on.
    pub fn concerns_object_only(&self) -> bool {
        match self.kind {
            CallErrorKind::Forbidden
            | CallErrorKind::QuotaExceeded
            | CallErrorKind::NotFound
            | CallErrorKind::MissingKind
            | CallErrorKind::Webhook
            | CallErrorKind::AlreadyExists
            | CallErrorKind::Conflict
            | CallErrorKind::Invalid => true,
            CallErrorKind::Unreachable
            | CallErrorKind::Timeout
            | CallErrorKind::Tls
            | CallErrorKind::RefusedAddress
            | CallErrorKind::Unauthorized
            | CallErrorKind::Gone
            | CallErrorKind::TooManyRequests
            | CallErrorKind::Server
            | CallErrorKind::Garbled
            | CallErrorKind::Deadline => false,
        }
    }

    /// What an operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self.kind {
            CallErrorKind::Unreachable => {
                "check that the cluster runs and that its address is reached from here; work goes on by itself when it answers"
            }
            CallErrorKind::Timeout => {
                "the API server accepted the connection and did not answer in time; check its load and the network between"
            }
            CallErrorKind::Tls => {
                "the server's certificate does not match the certificate authority of the registered kubeconfig; register the cluster with its present one"
            }
            CallErrorKind::RefusedAddress => {
                "open the address with `clusters.allow_addresses` if the cluster really lives there"
            }
            CallErrorKind::Unauthorized => {
                "the registered credential is not accepted any more; replace it with `dcm cluster set-kubeconfig`"
            }
            CallErrorKind::Forbidden => {
                "the registered credential lacks a right; `dcm cluster get` lists what is missing"
            }
            CallErrorKind::QuotaExceeded => {
                "a quota that the cluster itself has is used up; raise it there, or remove what uses it"
            }
            CallErrorKind::MissingKind => {
                "the cluster does not serve the kind; check that its Kubernetes is new enough and that the kind is installed"
            }
            CallErrorKind::NotFound => {
                "the object or its namespace is not there; it is tried again"
            }
            CallErrorKind::AlreadyExists | CallErrorKind::Conflict => {
                "something else changed the object at the same time, or holds its name; it is tried again"
            }
            CallErrorKind::Gone => "the watch was too old; it is opened anew",
            CallErrorKind::Invalid => {
                "the cluster refuses the object as it stands; see the message, and change the document"
            }
            CallErrorKind::TooManyRequests => {
                "the cluster limits our calls; it is tried again later"
            }
            CallErrorKind::Webhook => {
                "an admission webhook of the cluster does not answer; start it or remove its configuration there; it is tried again"
            }
            CallErrorKind::Server => {
                "the cluster failed to serve the call; see the log of its API server; it is tried again"
            }
            CallErrorKind::Garbled => {
                "the address does not answer like a Kubernetes API server; check what listens there"
            }
            CallErrorKind::Deadline => "the run took too long and ended; it is tried again",
        }
    }
}

/// Calls by name, with the answer that each of them has.
pub struct Calls<'a>(pub &'a dyn ClusterApi);

impl Calls<'_> {
    /// One object; `None` when it is not there.
    pub async fn get(&self, place: Place) -> Result<Option<Object>, CallError> {
        match self.0.call(Call::Get(place)).await? {
            Answer::Object(object) => Ok(Some(object)),
            Answer::Absent => Ok(None),
            Answer::List(..) | Answer::Token(_) => Err(unexpected("get")),
        }
    }

    /// The objects that a label selector matches, and the resourceVersion to watch from.
    pub async fn list(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<(Vec<Object>, String), CallError> {
        let call = Call::List {
            resource,
            namespace: namespace.map(str::to_owned),
            selector: selector.to_owned(),
        };
        match self.0.call(call).await? {
            Answer::List(objects, version) => Ok((objects, version)),
            Answer::Object(_) | Answer::Absent | Answer::Token(_) => Err(unexpected("list")),
        }
    }

    /// Creates; answers the object as it stands there.
    pub async fn create(&self, object: &Object) -> Result<Object, CallError> {
        self.object(Call::Create(object.clone())).await
    }

    /// Server-side apply onto what was read; claims the fields of a POST first.
    pub async fn change(&self, wanted: &Object, live: &Object) -> Result<Object, CallError> {
        let mut guard = live.guard();
        if live.has_unclaimed_fields() {
            guard = self.object(Call::ClaimFields(live.clone())).await?.guard();
        }
        self.object(Call::Apply(wanted.guarded_by(&guard))).await
    }

    /// Replaces the approval of a certificate signing request.
    pub async fn approve(&self, request: Object) -> Result<Object, CallError> {
        self.object(Call::Approve(request)).await
    }

    /// Asks for a token of a `ServiceAccount`.
    pub async fn request_token(&self, request: TokenRequest) -> Result<IssuedToken, CallError> {
        match self.0.call(Call::RequestToken(request)).await? {
            Answer::Token(token) => Ok(token),
            _ => Err(unexpected("request-token")),
        }
    }

    /// Asks for a review, whose answer stands in its `status`.
    pub async fn review(&self, review: Value) -> Result<Object, CallError> {
        self.object(Call::Review(review)).await
    }

    /// The version of the API server.
    pub async fn version(&self) -> Result<Object, CallError> {
        self.object(Call::Version).await
    }

    /// Deletes what was read; an object that is gone already is success. Says whether it was still there.
    pub async fn delete(&self, live: &Object) -> Result<bool, CallError> {
        let place = live.place().ok_or_else(|| unexpected("delete"))?;
        match self.0.call(Call::Delete(place, live.guard())).await? {
            Answer::Object(_) => Ok(true),
            Answer::Absent => Ok(false),
            Answer::List(..) | Answer::Token(_) => Err(unexpected("delete")),
        }
    }

    async fn object(&self, call: Call) -> Result<Object, CallError> {
        let name = call.name();
        match self.0.call(call).await? {
            Answer::Object(object) => Ok(object),
            Answer::Absent => Err(CallError::new(CallErrorKind::NotFound, name, "not found")),
            Answer::List(..) | Answer::Token(_) => Err(unexpected("object call")),
        }
    }
}

impl Object {
    /// The guard of an object as read.
    pub fn guard(&self) -> Guard {
        Guard {
            uid: self.uid().to_owned(),
            resource_version: self.resource_version().to_owned(),
        }
    }
}

fn unexpected(call: &str) -> CallError {
    CallError::new(
        CallErrorKind::Garbled,
        call,
        "the answer has another form than the call asks for",
    )
}
