//! The direct front: simulated members behind the port of the synchronizer, without any socket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dcm_cluster::{
    Answer, Call, CallError, CallErrorKind, ClusterApi, Connector, Limits, Object, Resource,
    WatchEvent, WatchStream, wire,
};
use dcm_pki::kubeconfig::{AdminCredential, Authentication, Host};
use dcm_types::documents::Cluster;
use futures::StreamExt as _;
use http::StatusCode;
use parking_lot::RwLock;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::faults::Fault;
use super::member::{Broken, Member, Reply};
use super::message::{Request, Response, User};

/// The domain of simulated members; it exists nowhere.
const DOMAIN: &str = "kubesim.test";

/// The address of a member in its kubeconfig.
pub(super) fn server(name: &str) -> String {
    format!("https://{name}.{DOMAIN}:6443")
}

/// Simulated members by name: a [`Connector`] that finds them by the server of their kubeconfig.
pub struct Fleet {
    members: RwLock<BTreeMap<String, Member>>,
    limits: Limits,
}

impl Fleet {
    /// An empty one, with the limits that a real connector would have.
    pub fn new(limits: Limits) -> Self {
        Self {
            members: RwLock::default(),
            limits,
        }
    }

    /// Adds a member, or puts another one in the place of one of the same name.
    pub fn add(&self, member: Member) {
        self.members
            .write()
            .insert(member.name().to_owned(), member);
    }

    /// A member by name.
    pub fn member(&self, name: &str) -> Option<Member> {
        self.members.read().get(name).cloned()
    }
}

#[async_trait]
impl Connector for Fleet {
    async fn connect(
        &self,
        _cluster: &Cluster,
        credential: &AdminCredential,
    ) -> Result<Arc<dyn ClusterApi>, CallError> {
        let unknown = || {
            CallError::new(
                CallErrorKind::Unreachable,
                "resolve",
                "the server's name has no address",
            )
        };
        let Host::Name(host) = &credential.server.host else {
            return Err(unknown());
        };
        let name = host.split('.').next().unwrap_or_default();
        let member = self.member(name).ok_or_else(unknown)?;
        Ok(Arc::new(Direct {
            trusted: credential.certificate_authority_pem.trim()
                == member.authority().certificate().trim(),
            certificate: match &credential.authentication {
                Authentication::ClientCertificate {
                    certificate_pem, ..
                } => CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok(),
                Authentication::Token(_) => None,
            },
            token: match &credential.authentication {
                Authentication::Token(token) => Some(token.expose_secret().to_owned()),
                Authentication::ClientCertificate { .. } => None,
            },
            member,
            limits: self.limits,
        }))
    }
}

/// One credential at one member.
struct Direct {
    member: Member,
    limits: Limits,
    trusted: bool,
    certificate: Option<CertificateDer<'static>>,
    token: Option<String>,
}

impl Direct {
    fn user(&self) -> Option<User> {
        match (&self.certificate, &self.token) {
            (Some(certificate), _) => self.member.authenticate(certificate),
            (None, Some(token)) => self.member.authenticate_token(token),
            (None, None) => None,
        }
    }

    async fn exchange(&self, request: Request, name: &str) -> Result<Reply, CallError> {
        let error = |kind, message| Err(CallError::new(kind, name, message));
        if !self.trusted {
            return error(
                CallErrorKind::Tls,
                "invalid peer certificate: UnknownIssuer",
            );
        }
        let call = self.member.call(self.user(), request);
        match tokio::time::timeout(self.limits.call_deadline, call).await {
            Err(_) => error(CallErrorKind::Timeout, "no answer in time"),
            Ok(Err(Broken(fault))) => Err(self.broken(fault, name).await),
            Ok(Ok(reply)) => Ok(reply),
        }
    }

    async fn answer(
        &self,
        http: &http::Request<Vec<u8>>,
        name: &str,
    ) -> Result<Response, CallError> {
        match self.exchange(request(http), name).await? {
            Reply::Answer(response) => Ok(response),
            Reply::Watch(_) => Err(CallError::new(
                CallErrorKind::Garbled,
                name,
                "the answer is a watch",
            )),
        }
    }

    /// A list, page by page, as the real connection reads it.
    async fn list(
        &self,
        (resource, namespace): (Resource, Option<&str>),
        selector: &str,
        name: &str,
    ) -> Result<Answer, CallError> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let http = wire::of_page(resource, namespace, selector, &after)?;
            let response = self.answer(&http, name).await?;
            if response.status >= 300 {
                return Err(refused(&response, name, false));
            }
            let page = wire::page(resource, name, response.body)?;
            all.extend(page.objects);
            match page.next {
                Some(next) => after = next,
                None => return Ok(Answer::List(all, page.version)),
            }
        }
    }

    /// What the real connection makes of a fault, after the same time.
    async fn broken(&self, fault: Fault, name: &str) -> CallError {
        let hang = |time: Duration| tokio::time::sleep(time);
        let (kind, message) = match fault {
            Fault::ConnectRefused => (CallErrorKind::Unreachable, "connection refused"),
            Fault::BadCertificate => (CallErrorKind::Tls, "invalid peer certificate: Expired"),
            Fault::ConnectHang => {
                hang(self.limits.connect_deadline).await;
                (CallErrorKind::Timeout, "deadline has elapsed")
            }
            Fault::HandshakeHang | Fault::TimeoutBefore | Fault::TimeoutAfter | Fault::SlowDrip => {
                hang(self.limits.call_deadline).await;
                (CallErrorKind::Timeout, "no answer in time")
            }
            Fault::Garbled => (CallErrorKind::Garbled, "the answer is not JSON"),
            _ => (
                CallErrorKind::Garbled,
                "the answer broke off or is too large",
            ),
        };
        CallError::new(kind, name, message)
    }
}

/// Our request out of an HTTP request.
fn request(http: &http::Request<Vec<u8>>) -> Request {
    let uri = http
        .uri()
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let media_type = http.headers().get(http::header::CONTENT_TYPE);
    let mut request = Request::new(http.method().as_str(), uri);
    media_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .clone_into(&mut request.media_type);
    request.body.clone_from(http.body());
    request
}

fn refused(response: &Response, name: &str, is_create: bool) -> CallError {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = response.body.to_string();
    let retry_after = response.retry_after.map(Duration::from_secs);
    wire::refused(status, body.as_bytes(), name, is_create, retry_after)
}

#[async_trait]
impl ClusterApi for Direct {
    async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let name = call.name();
        if let Call::List {
            resource,
            namespace,
            selector,
        } = &call
        {
            let place = (*resource, namespace.as_deref());
            return self.list(place, selector, &name).await;
        }
        let response = self.answer(&wire::of_call(&call)?, &name).await?;
        if response.status == 404 && matches!(call, Call::Get(_) | Call::Delete(..)) {
            return Ok(Answer::Absent);
        }
        if response.status >= 300 {
            return Err(refused(&response, &name, matches!(call, Call::Create(_))));
        }
        if matches!(call, Call::RequestToken(_)) {
            let body = response.body.to_string();
            return wire::token(body.as_bytes(), &name).map(Answer::Token);
        }
        Ok(wire::answer(response.body))
    }

    async fn watch(
        &self,
        resource: Resource,
        selector: &str,
        resource_version: &str,
    ) -> Result<WatchStream, CallError> {
        let name = format!("watch {}", resource.kind());
        let idle = self.limits.watch_idle;
        let http = wire::of_watch(resource, selector, resource_version, idle)?;
        match self.exchange(request(&http), &name).await? {
            Reply::Answer(response) => Err(refused(&response, &name, false)),
            Reply::Watch(events) => Ok(events.map(move |event| read(event, &name)).boxed()),
        }
    }
}

fn read(mut event: Value, name: &str) -> Result<WatchEvent, CallError> {
    let object = Object(event["object"].take());
    match event["type"].as_str() {
        Some("ADDED" | "MODIFIED") => Ok(WatchEvent::Upsert(object)),
        Some("DELETED") => Ok(WatchEvent::Gone(object)),
        Some("BOOKMARK") => Ok(WatchEvent::Bookmark(object.resource_version().to_owned())),
        _ if object.at("/code").and_then(Value::as_u64) == Some(410) => Err(CallError::new(
            CallErrorKind::Gone,
            name,
            object.text("/message"),
        )),
        _ => Err(CallError::new(
            CallErrorKind::Server,
            name,
            object.text("/message"),
        )),
    }
}
