//! The front on a socket: both interfaces at their paths.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::signer::{Signer, Wanted, now};
use super::{Fault, MOUNT, State, TOKEN};

/// Length of an answer that nobody reads to its end.
const HUGE: usize = 64 * 1024 * 1024;
/// Below the mount of Vault's engine.
const VAULT: &str = "root/sign-intermediate";
const STEP: &str = "/1.0/sign";

/// An answer, or that the connection ends without one.
type Answer = Result<Response<Full<Bytes>>, &'static str>;

pub(super) async fn start(
    state: Arc<State>,
    door: &Signer,
) -> io::Result<(AbortHandle, SocketAddr)> {
    let acceptor = TlsAcceptor::from(Arc::new(configuration(door)?));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, acceptor, state));
    Ok((task.abort_handle(), address))
}

fn configuration(door: &Signer) -> io::Result<ServerConfig> {
    let pair = door.server("localhost");
    let (certificate, key) =
        pair.ok_or_else(|| io::Error::other("no certificate for the server"))?;
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(io::Error::other)?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.map_err(io::Error::other)?], key)
        .map_err(io::Error::other)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    // Connections end with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, acceptor.clone(), Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<State>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { answer(&state, request).await }
    });
    // A client that goes away is its own affair.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(state: &State, request: Request<Incoming>) -> Answer {
    state.asked.fetch_add(1, Ordering::Relaxed);
    let fault = *state.fault.lock();
    match fault {
        Some(Fault::Closes) => return Err("the connection ends"),
        Some(Fault::Hangs) => match std::future::pending::<Infallible>().await {},
        Some(Fault::Forbidden) => return Ok(refused(StatusCode::FORBIDDEN, "permission denied")),
        Some(Fault::Broken) => return Ok(refused(StatusCode::INTERNAL_SERVER_ERROR, "it broke")),
        Some(Fault::Huge) => return Ok(Response::new(Full::new(vec![b' '; HUGE].into()))),
        Some(Fault::Garbage) => return Ok(Response::new(Full::new("<html>hello</html>".into()))),
        _ => {}
    }
    let (head, body) = request.into_parts();
    let token = head
        .headers
        .get("x-vault-token")
        .and_then(|value| value.to_str().ok());
    let body = body.collect().await.map_err(|_| "no body")?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = head.uri.path();
    let answered = if path == format!("/v1/{MOUNT}/{VAULT}") {
        if token != Some(TOKEN) {
            let words = format!("permission denied for {}", token.unwrap_or_default());
            return Ok(refused(StatusCode::FORBIDDEN, &words));
        }
        vault(state, &body, fault)
    } else if path == STEP {
        let token = body["ott"].as_str().unwrap_or_default();
        let Some(claims) = state.tokens.claims(token, STEP) else {
            return Ok(refused(StatusCode::UNAUTHORIZED, "the token is not good"));
        };
        step(state, &body, claims, fault)
    } else {
        return Ok(refused(StatusCode::NOT_FOUND, "no such path"));
    };
    let document = answered.unwrap_or_else(|| json!({"errors": ["bad request"]}));
    let status = if document.get("errors").is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let mut response = Response::new(Full::new(document.to_string().into()));
    *response.status_mut() = status;
    Ok(response)
}

fn refused(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    let body = json!({"errors": [words], "message": words}).to_string();
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

/// Signs by the root that the fault says; the certificate, and the root.
fn signed(
    state: &State,
    request: &str,
    wanted: &Wanted,
    fault: Option<Fault>,
) -> Option<(String, String)> {
    let root = match fault {
        Some(Fault::AnotherRoot) => &state.other_root,
        _ => &state.root,
    };
    if fault == Some(Fault::NoCertificate) {
        return Some(("hello".to_owned(), "hello".to_owned()));
    }
    Some((root.sign(request, wanted, fault)?, root.certificate.clone()))
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn vault(state: &State, body: &Value, fault: Option<Fault>) -> Option<Value> {
    let seconds: i64 = body["ttl"].as_str()?.strip_suffix('s')?.parse().ok()?;
    if body["use_csr_values"] != false || body["format"] != "pem" {
        return None;
    }
    let wanted = Wanted {
        common_name: body["common_name"].as_str()?.to_owned(),
        organization: texts(&body["organization"]),
        unit: texts(&body["ou"]),
        uris: texts(&body["uri_sans"]),
        path_length: u8::try_from(body["max_path_length"].as_u64()?).ok()?,
        ends: now() + Duration::seconds(seconds),
    };
    let (certificate, root) = signed(state, body["csr"].as_str()?, &wanted, fault)?;
    Some(json!({"data": {
        "certificate": certificate.trim(),
        "issuing_ca": root.trim(),
        "ca_chain": [root.trim()],
        "expiration": wanted.ends.unix_timestamp(),
    }}))
}

/// The template of the provisioner makes an authority for one level below it, with the subject of the request.
fn step(
    state: &State,
    body: &Value,
    (subject, names): (String, Vec<String>),
    fault: Option<Fault>,
) -> Option<Value> {
    let request = body["csr"].as_str()?;
    let parsed = rcgen::CertificateSigningRequestParams::from_pem(request).ok()?;
    let part = |kind| match parsed.params.distinguished_name.get(&kind) {
        Some(rcgen::DnValue::Utf8String(text)) => vec![text.clone()],
        _ => Vec::new(),
    };
    let wanted = Wanted {
        common_name: subject,
        organization: part(rcgen::DnType::OrganizationName),
        unit: part(rcgen::DnType::OrganizationalUnitName),
        uris: names,
        path_length: 1,
        ends: OffsetDateTime::parse(body["notAfter"].as_str()?, &Rfc3339).ok()?,
    };
    let (certificate, root) = signed(state, request, &wanted, fault)?;
    Some(json!({"crt": certificate, "ca": root, "certChain": [certificate, root]}))
}
