//! Members reached directly, through kube's client: built by hand from our own parsed credential, never
//! from an uploaded file, without kube's own retries, with a deadline and a size limit on every call.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dcm_pki::kubeconfig::{AdminCredential, Authentication};
use dcm_types::address::AddressPolicy;
use dcm_types::documents::Cluster;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tower::ServiceBuilder;

use crate::connect::{PinnedConnector, resolve};
use crate::{
    Answer, Call, CallError, CallErrorKind, ClusterApi, Connector, Resource, WatchStream, wire,
};

mod watch;

/// HTTP/2 pings on an idle connection, so that a member that hangs is noticed.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// How long calls to a member may take, and how large its answers may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Deadline of a TCP and TLS connection.
    pub connect_deadline: Duration,
    /// Deadline of one call.
    pub call_deadline: Duration,
    /// Time after which a watch without any event ends.
    pub watch_idle: Duration,
    /// Largest answer, in bytes.
    pub answer_bytes: usize,
}

/// Connects directly, within an address policy.
pub struct KubeConnector {
    policy: AddressPolicy,
    limits: Limits,
}

impl KubeConnector {
    /// A connector that reaches what the policy allows.
    pub fn new(policy: AddressPolicy, limits: Limits) -> Self {
        Self { policy, limits }
    }
}

#[async_trait]
impl Connector for KubeConnector {
    async fn connect(
        &self,
        _cluster: &Cluster,
        credential: &AdminCredential,
    ) -> Result<Arc<dyn ClusterApi>, CallError> {
        let deadline = self.limits.connect_deadline;
        let address = resolve(&credential.server, &self.policy, deadline).await?;
        let connector = PinnedConnector { address, deadline };
        let client = client(credential, connector)?;
        Ok(Arc::new(KubeApi {
            client,
            call_deadline: self.limits.call_deadline,
            watch_idle: self.limits.watch_idle,
            answer_limit: self.limits.answer_bytes,
        }))
    }
}

/// kube's configuration from our credential: nothing but server, CA, name and credential.
fn configuration(credential: &AdminCredential) -> Result<kube::Config, CallError> {
    let broken = |what: &str| CallError::new(CallErrorKind::Tls, "connect", what);
    let url = credential.server.to_string();
    let mut config = kube::Config::new(
        url.parse()
            .map_err(|_| broken("the server's URL is not usable"))?,
    );
    let roots = CertificateDer::pem_slice_iter(credential.certificate_authority_pem.as_bytes())
        .map(|der| der.map(|der| der.to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| broken("the certificate authority is not usable"))?;
    config.root_cert = Some(roots);
    config
        .tls_server_name
        .clone_from(&credential.tls_server_name);
    match &credential.authentication {
        Authentication::ClientCertificate {
            certificate_pem,
            key_pem,
        } => {
            config.auth_info.client_certificate_data = Some(STANDARD.encode(certificate_pem));
            config.auth_info.client_key_data =
                Some(STANDARD.encode(key_pem.expose_secret()).into());
        }
        Authentication::Token(token) => config.auth_info.token = Some(token.clone()),
    }
    Ok(config)
}

fn client(
    credential: &AdminCredential,
    connector: PinnedConnector,
) -> Result<kube::Client, CallError> {
    // The text of kube's errors may quote the credential, so it is not passed on.
    let broken = |_| {
        CallError::new(
            CallErrorKind::Tls,
            "connect",
            "the credential is not usable",
        )
    };
    let config = configuration(credential)?;
    let mut builder = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(config.rustls_client_config().map_err(broken)?)
        .https_only();
    if let Some(name) = &config.tls_server_name {
        let name = rustls::pki_types::ServerName::try_from(name.clone()).map_err(|_| {
            CallError::new(
                CallErrorKind::Tls,
                "connect",
                "tls-server-name is not usable",
            )
        })?;
        builder =
            builder.with_server_name_resolver(hyper_rustls::FixedServerNameResolver::new(name));
    }
    let https = builder.enable_all_versions().wrap_connector(connector);
    let hyper = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_INTERVAL)
        .build::<_, Body>(https);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().map_err(broken)?)
        .map_err(tower::BoxError::from)
        .service(hyper);
    Ok(kube::Client::new(service, "default"))
}

/// One member over HTTPS.
struct KubeApi {
    client: kube::Client,
    call_deadline: Duration,
    watch_idle: Duration,
    answer_limit: usize,
}

#[async_trait]
impl ClusterApi for KubeApi {
    async fn call(&self, call: Call) -> Result<Answer, CallError> {
        if let Call::List {
            resource,
            namespace,
            selector,
        } = &call
        {
            let place = (*resource, namespace.as_deref());
            return self.list(place, selector, &call.name()).await;
        }
        let name = call.name();
        let absent_is_an_answer = matches!(call, Call::Get(_) | Call::Delete(..));
        let is_create = matches!(call, Call::Create(_));
        let (status, retry_after, body) = self.send(wire::of_call(&call)?, &name).await?;
        if status == StatusCode::NOT_FOUND && absent_is_an_answer {
            return Ok(Answer::Absent);
        }
        if !status.is_success() {
            return Err(wire::refused(status, &body, &name, is_create, retry_after));
        }
        // A token is taken from the bytes: a parsed answer would keep a copy that is not wiped.
        if matches!(call, Call::RequestToken(_)) {
            return wire::token(&body, &name).map(Answer::Token);
        }
        Ok(wire::answer(json(&body, &name)?))
    }

    async fn watch(
        &self,
        resource: Resource,
        selector: &str,
        resource_version: &str,
    ) -> Result<WatchStream, CallError> {
        let name = format!("watch {}", resource.kind());
        let request = wire::of_watch(resource, selector, resource_version, self.watch_idle)?;
        let send = self.client.send(request.map(Body::from));
        let response = tokio::time::timeout(self.call_deadline, send)
            .await
            .map_err(|_| CallError::new(CallErrorKind::Timeout, &name, "no answer in time"))?
            .map_err(|error| transport(&error, &name))?;
        let status = response.status();
        if !status.is_success() {
            let body = self.read(response.into_body(), &name).await?;
            return Err(wire::refused(status, &body, &name, false, None));
        }
        Ok(watch::events(
            response.into_body(),
            self.answer_limit,
            self.watch_idle,
            name,
        ))
    }
}

/// Most objects of one list that are held; a member must not make us hold more.
const LISTED: usize = 50_000;

impl KubeApi {
    /// A list, page by page. Its version is that of the first page, as the later ones are of the same moment.
    async fn list(
        &self,
        (resource, namespace): (Resource, Option<&str>),
        selector: &str,
        name: &str,
    ) -> Result<Answer, CallError> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let request = wire::of_page(resource, namespace, selector, &after)?;
            let (status, retry_after, body) = self.send(request, name).await?;
            if !status.is_success() {
                return Err(wire::refused(status, &body, name, false, retry_after));
            }
            let page = wire::page(resource, name, json(&body, name)?)?;
            all.extend(page.objects);
            if all.len() > LISTED {
                let why = "more objects carry our labels than we ever write";
                return Err(CallError::new(CallErrorKind::Invalid, name, why));
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(Answer::List(all, page.version)),
            }
        }
    }

    /// Sends a request, and reads the answer to its end, within the deadline of a call.
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        name: &str,
    ) -> Result<(StatusCode, Option<Duration>, Bytes), CallError> {
        let exchange = self.exchange(request, name);
        let answer = tokio::time::timeout(self.call_deadline, exchange).await;
        answer.map_err(|_| CallError::new(CallErrorKind::Timeout, name, "no answer in time"))?
    }

    async fn exchange(
        &self,
        request: Request<Vec<u8>>,
        name: &str,
    ) -> Result<(StatusCode, Option<Duration>, Bytes), CallError> {
        let response = self
            .client
            .send(request.map(Body::from))
            .await
            .map_err(|error| transport(&error, name))?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok())
            .map(Duration::from_secs);
        let body = self.read(response.into_body(), name).await?;
        Ok((status, retry_after, body))
    }

    async fn read(&self, body: Body, name: &str) -> Result<Bytes, CallError> {
        let limited = Limited::new(body, self.answer_limit)
            .collect()
            .await
            .map_err(|_| {
                CallError::new(
                    CallErrorKind::Garbled,
                    name,
                    "the answer broke off or is too large",
                )
            })?;
        Ok(limited.to_bytes())
    }
}

/// Sorts the errors of the transport. Their texts name addresses, never credentials.
fn transport(error: &kube::Error, name: &str) -> CallError {
    let text = dcm_types::chain(error);
    let kind = if has_source::<rustls::Error>(error) || text.contains("invalid peer certificate") {
        CallErrorKind::Tls
    } else if text.contains("deadline has elapsed") || text.contains("timed out") {
        CallErrorKind::Timeout
    } else {
        CallErrorKind::Unreachable
    };
    // The name that the library gives the layer says nothing to those who read it.
    let text = text.strip_prefix("ServiceError: ").unwrap_or(&text);
    CallError::new(kind, name, text)
}

fn has_source<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<E>() {
            return true;
        }
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if inner.is_some_and(|inner| has_source::<E>(inner)) {
            return true;
        }
        next = error.source();
    }
    false
}

/// The value of a body as JSON.
fn json(body: &[u8], name: &str) -> Result<Value, CallError> {
    serde_json::from_slice(body)
        .map_err(|_| CallError::new(CallErrorKind::Garbled, name, "the answer is not JSON"))
}
