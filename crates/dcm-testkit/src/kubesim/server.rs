//! The front on a socket: TLS with client certificates and bearer tokens, HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Response as HttpResponse, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::authority::Authority;
use super::faults::Fault;
use super::member::{Broken, Member, Reply};
use super::message::{MASTERS, Request, User};

const CERTIFICATE_LIFE: Duration = Duration::from_hours(24 * 365);
/// How long a call hangs that never ends; longer than anybody waits.
const FOREVER: Duration = Duration::from_hours(1);
/// From the beginning of an answer that breaks off to its end.
const CUT_AFTER: Duration = Duration::from_millis(50);
/// Length of what a drip or an endless body begins with.
const CHUNK: usize = 64 * 1024;
/// Chunks of an endless body: one gigabyte of them.
const CHUNKS: usize = 16 * 1024;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A member that is reached over the network; ends when dropped.
pub struct Server {
    member: Member,
    address: SocketAddr,
    accepting: AbortHandle,
    connections: Arc<AtomicU64>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// Serves a member on a free loopback port. Must be called within a tokio runtime.
    pub async fn start(member: &Member) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let foreign =
            Authority::create("kubesim-foreign", member.now()).map_err(io::Error::other)?;
        let doors = Doors {
            good: TlsAcceptor::from(Arc::new(configuration(member, &member.authority())?)),
            bad: TlsAcceptor::from(Arc::new(configuration(member, &foreign)?)),
        };
        let connections = Arc::new(AtomicU64::new(0));
        let task = accept(listener, doors, member.clone(), Arc::clone(&connections));
        Ok(Self {
            member: member.clone(),
            address,
            accepting: tokio::spawn(task).abort_handle(),
            connections,
        })
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// `https://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kubeconfig of an administrator.
    pub fn kubeconfig(&self) -> Option<String> {
        self.member
            .kubeconfig_for(&self.url(), "kubesim-admin", &[MASTERS])
    }
}

fn configuration(member: &Member, authority: &Authority) -> io::Result<ServerConfig> {
    let pair = authority.server(member.name(), member.now(), CERTIFICATE_LIFE);
    let pair = pair.ok_or_else(|| io::Error::other("no certificate for the server"))?;
    let certificate =
        CertificateDer::from_pem_slice(pair.certificate.as_bytes()).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).map_err(io::Error::other)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut configuration = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_client_cert_verifier(Arc::new(AnyCertificate(provider)))
        .with_single_cert(vec![certificate], key)
        .map_err(io::Error::other)?;
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(configuration)
}

/// Takes any client certificate whose key the client has: who that is, is asked later, and answered by 401
/// as the real server does, not by a broken connection.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyCertificate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate that clients trust, and one that they do not.
#[derive(Clone)]
struct Doors {
    good: TlsAcceptor,
    bad: TlsAcceptor,
}

/// Takes connections until the server is dropped; they end with it.
async fn accept(
    listener: TcpListener,
    doors: Doors,
    member: Member,
    connections_made: Arc<AtomicU64>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections_made.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(connection(stream, doors.clone(), member.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, doors: Doors, member: Member) {
    // Faults that come before the first request strike the connection.
    let acceptor = match member.faults().of_connection() {
        Some(Fault::ConnectRefused) => return,
        Some(Fault::BadCertificate) => doors.bad,
        Some(_) => return tokio::time::sleep(FOREVER).await,
        None => doors.good,
    };
    // Small answers must not wait for each other.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first());
    let certificate = certificate.map(|certificate| certificate.clone().into_owned());
    let service = service_fn(move |request| {
        let (member, certificate) = (member.clone(), certificate.clone());
        async move { answer(&member, certificate.as_ref(), request).await }
    });
    // How a connection ends is the client's affair.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An error ends the connection, or with HTTP/2 the stream.
async fn answer(
    member: &Member,
    certificate: Option<&CertificateDer<'_>>,
    request: http::Request<Incoming>,
) -> Result<HttpResponse<Body>, io::Error> {
    let user = user(member, certificate, request.headers());
    let request = read(request).await?;
    match member.call(user, request).await {
        Ok(Reply::Answer(response)) => {
            // What is no object is plain text.
            let text = response
                .body
                .as_str()
                .map_or_else(|| response.body.to_string(), str::to_owned);
            let mut http = http_response(response.status, full(text));
            if let Some(seconds) = response.retry_after {
                http.headers_mut()
                    .insert(header::RETRY_AFTER, seconds.into());
            }
            Ok(http)
        }
        Ok(Reply::Watch(events)) => {
            let lines = events.map(|event| Ok(Frame::data(Bytes::from(format!("{event}\n")))));
            Ok(http_response(200, StreamBody::new(lines).boxed_unsync()))
        }
        Err(Broken(fault)) => broken(fault).await,
    }
}

async fn broken(fault: Fault) -> Result<HttpResponse<Body>, io::Error> {
    let cut = || io::Error::other("this answer was made to break off");
    match fault {
        Fault::ConnectRefused | Fault::BadCertificate => Err(cut()),
        Fault::Garbled => Ok(http_response(
            200,
            full("<html>no API server</html>".to_owned()),
        )),
        Fault::ResetMidAnswer | Fault::Truncated => {
            let head = futures::stream::iter([Ok(Frame::data(Bytes::from_static(b"{\"kind\":")))]);
            // Later, so that the head is on its way before the end is.
            let end = futures::stream::once(async move {
                tokio::time::sleep(CUT_AFTER).await;
                Err(cut())
            });
            let frames = head.chain(end);
            Ok(http_response(200, StreamBody::new(frames).boxed_unsync()))
        }
        Fault::Endless => {
            let chunk = Bytes::from(vec![b' '; CHUNK]);
            let frames =
                futures::stream::iter(0..CHUNKS).map(move |_| Ok(Frame::data(chunk.clone())));
            Ok(http_response(200, StreamBody::new(frames).boxed_unsync()))
        }
        Fault::SlowDrip => {
            let frames = futures::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Some((Ok(Frame::data(Bytes::from_static(b" "))), ()))
            });
            Ok(http_response(200, StreamBody::new(frames).boxed_unsync()))
        }
        _ => {
            tokio::time::sleep(FOREVER).await;
            Err(cut())
        }
    }
}

fn full(text: String) -> Body {
    Full::new(Bytes::from(text))
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

fn http_response(status: u16, body: Body) -> HttpResponse<Body> {
    let mut response = HttpResponse::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn user(
    member: &Member,
    certificate: Option<&CertificateDer<'_>>,
    headers: &http::HeaderMap,
) -> Option<User> {
    let by_certificate = certificate.and_then(|certificate| member.authenticate(certificate));
    let authorization = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|text| text.strip_prefix("Bearer "));
    by_certificate.or_else(|| member.authenticate_token(token?))
}

async fn read(request: http::Request<Incoming>) -> Result<Request, io::Error> {
    let uri = request
        .uri()
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let mut ours = Request::new(request.method().as_str(), uri);
    let text = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let media_type = text(header::CONTENT_TYPE)
        .split(';')
        .next()
        .unwrap_or_default();
    media_type.trim().clone_into(&mut ours.media_type);
    text(header::USER_AGENT).clone_into(&mut ours.agent);
    ours.body = request
        .into_body()
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes()
        .to_vec();
    Ok(ours)
}
