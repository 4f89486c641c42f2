//! What the synchronizer sees of a member cluster: calls with answers, and watches.
//!
//! A [`Call`] is plain data, so that it can be counted, failed, delayed, simulated, or tunnelled by an
//! agent. Implementations know transports: [`KubeConnector`] reaches a member directly. The rest of this crate
//! knows none. Its tests against real API servers stand in `dcm-sync/tests/it`.

use async_trait::async_trait;
use dcm_types::Timestamp;
use dcm_types::documents::Cluster;
use futures::stream::BoxStream;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub mod call;
mod connect;
mod kube;
#[cfg(feature = "meddling")]
pub mod meddling;
pub mod object;
pub mod wire;

pub use call::{CallError, CallErrorKind};
pub use kube::{KubeConnector, Limits};
pub use object::{Object, Place, Resource};

/// Uid and resourceVersion as just read: the guard of every changing or deleting call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
}

/// What is asked for a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// The `ServiceAccount`.
    pub account: Place,
    /// Its uid as just read: another one of the name gives no token.
    pub uid: String,
    /// How long it shall be valid.
    pub seconds: u64,
}

/// A token that a member gave out. Its `Debug` shows nothing of it.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: SecretString,
    /// When it ends, by the member's word; what the token says of itself may differ.
    pub expires_at: Timestamp,
}

impl PartialEq for IssuedToken {
    fn eq(&self, other: &Self) -> bool {
        self.token.expose_secret() == other.token.expose_secret()
            && self.expires_at == other.expires_at
    }
}

/// One call to the API server of a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// GET of one object; answers [`Answer::Absent`] on 404.
    Get(Place),
    /// LIST by label selector.
    List {
        /// What to list.
        resource: Resource,
        /// In one namespace, or everywhere.
        namespace: Option<String>,
        /// Label selector.
        selector: String,
    },
    /// POST. An object that exists is [`CallErrorKind::AlreadyExists`].
    Create(Object),
    /// JSON patch of `managedFields` that turns our `Update` entry, left by the POST, into `Apply`;
    /// without it removed labels and rules would stay for ever.
    ClaimFields(Object),
    /// Server-side apply with our field manager; the object carries uid and resourceVersion.
    Apply(Object),
    /// DELETE with preconditions; answers [`Answer::Absent`] on 404.
    Delete(Place, Guard),
    /// PUT of the `approval` subresource of a certificate signing request.
    Approve(Object),
    /// POST of the `token` subresource of a `ServiceAccount`; answers [`Answer::Token`].
    RequestToken(TokenRequest),
    /// POST of a review (`SelfSubjectReview`, `SelfSubjectAccessReview`).
    Review(Value),
    /// GET of `/version`.
    Version,
}

impl Call {
    /// Whether the call can change anything in the member.
    pub fn mutates(&self) -> bool {
        match self {
            Self::Get(_) | Self::List { .. } | Self::Review(_) | Self::Version => false,
            Self::Create(_)
            | Self::ClaimFields(_)
            | Self::Apply(_)
            | Self::Delete(..)
            | Self::Approve(_)
            // It leaves nothing in the member, but what it gives opens it.
            | Self::RequestToken(_) => true,
        }
    }

    /// A short name for logs and counters, for example `create ResourceQuota`.
    pub fn name(&self) -> String {
        match self {
            Self::Get(place) => format!("get {}", place.resource.kind()),
            Self::List { resource, .. } => format!("list {}", resource.kind()),
            Self::Create(object) => format!("create {}", object.kind()),
            Self::ClaimFields(object) => format!("claim-fields {}", object.kind()),
            Self::Apply(object) => format!("apply {}", object.kind()),
            Self::Delete(place, _) => format!("delete {}", place.resource.kind()),
            Self::Approve(_) => "approve CertificateSigningRequest".to_owned(),
            Self::RequestToken(_) => "request-token ServiceAccount".to_owned(),
            Self::Review(_) => "review".to_owned(),
            Self::Version => "version".to_owned(),
        }
    }
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The object as the member holds it now.
    Object(Object),
    /// A list, and the resourceVersion to watch from.
    List(Vec<Object>, String),
    /// There is no such object.
    Absent,
    /// A token.
    Token(IssuedToken),
}

/// What a watch tells.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchEvent {
    /// The object was added or changed.
    Upsert(Object),
    /// The object is gone.
    Gone(Object),
    /// Nothing happened up to this resourceVersion.
    Bookmark(String),
}

/// The events of a watch, until it ends.
pub type WatchStream = BoxStream<'static, Result<WatchEvent, CallError>>;

/// A member cluster.
#[async_trait]
pub trait ClusterApi: Send + Sync + 'static {
    /// Makes one call. It has a deadline of its own and is never repeated.
    async fn call(&self, call: Call) -> Result<Answer, CallError>;

    /// Watches a resource by label selector, from a resourceVersion that a list gave.
    async fn watch(
        &self,
        resource: Resource,
        selector: &str,
        resource_version: &str,
    ) -> Result<WatchStream, CallError>;
}

/// Makes a [`ClusterApi`] of a registered cluster and its credential.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Prepares a connection. It resolves and checks the address, and does not call anything yet.
    async fn connect(
        &self,
        cluster: &Cluster,
        credential: &dcm_pki::kubeconfig::AdminCredential,
    ) -> Result<std::sync::Arc<dyn ClusterApi>, CallError>;
}
