//! The connection to a member (T4, T5): the address policy holds for what a name resolves to, another
//! authority gets no byte of the credential, redirects are not followed, answers are bounded.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dcm_cluster::{Call, CallError, CallErrorKind, Connector as _, KubeConnector, Limits};
use dcm_pki::kubeconfig::{AdminCredential, Authentication, Server};
use dcm_types::address::AddressPolicy;
use dcm_types::documents::Cluster;
use dcm_types::{Timestamp, Uid};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority, and a server certificate of it for `localhost` and 127.0.0.1.
struct Authority {
    certificate_pem: String,
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = ca.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        Self {
            certificate_pem: certificate.pem(),
            chain: vec![leaf.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        }
    }
}

/// Writes the answer to a request.
type Answering = Arc<dyn Fn(&mut dyn std::io::Write) + Send + Sync>;

/// Serves one fixed answer to every connection, and keeps what it was sent in clear.
fn serve(authority: &Authority, answer: Answering) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(authority.chain.clone(), authority.key.clone_key())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::Stream::new(&mut session, &mut stream);
            let mut buffer = [0; 8192];
            if let Ok(length) = tls.read(&mut buffer) {
                heard.lock().unwrap().extend_from_slice(&buffer[..length]);
                answer(&mut tls);
            }
        }
    });
    (address, seen)
}

fn head(status: &str, more: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{more}\r\n")
}

const TOKEN: &str = "DCMCANARY-connection-token";

fn credential(server: &str, authority: &Authority) -> AdminCredential {
    AdminCredential {
        server: Server::parse(server).unwrap(),
        certificate_authority_pem: authority.certificate_pem.clone(),
        tls_server_name: None,
        authentication: Authentication::Token(TOKEN.into()),
    }
}

fn cluster() -> Cluster {
    Cluster {
        uid: Uid::from_random([7; 16]),
        key: dcm_types::ClusterKey {
            provider: dcm_types::ProviderName::parse("site").unwrap(),
            cluster: dcm_types::ClusterName::parse("edge").unwrap(),
        },
        metadata: dcm_types::documents::Metadata::default(),
        server: String::new(),
        credential: dcm_types::Sealed(String::new()),
        credential_epoch: 1,
        git_ops: dcm_types::documents::GitOps::default(),
        public: dcm_types::documents::PublicAccess::default(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// Connects and asks for the version.
async fn ask(credential: &AdminCredential, allow: &[&str]) -> Result<(), CallError> {
    let allow = allow.iter().map(|range| range.parse().unwrap()).collect();
    let policy = AddressPolicy {
        allow,
        own: Vec::new(),
    };
    let limits = Limits {
        connect_deadline: Duration::from_secs(2),
        call_deadline: Duration::from_secs(4),
        watch_idle: Duration::from_mins(1),
        answer_bytes: 1024 * 1024,
    };
    let api = KubeConnector::new(policy, limits)
        .connect(&cluster(), credential)
        .await?;
    api.call(Call::Version).await.map(drop)
}

const OPEN: &[&str] = &["127.0.0.0/8", "::1/128"];

#[tokio::test(flavor = "multi_thread")]
async fn address_that_a_name_resolves_to_is_checked() {
    let authority = Authority::new();
    let (address, seen) = serve(&authority, Arc::new(|_| {}));
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", address.port());
        let error = ask(&credential(&url, &authority), &[]).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::RefusedAddress, "{error}");
    }
    assert!(seen.lock().unwrap().is_empty(), "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_server_is_answered_with_the_token() {
    let authority = Authority::new();
    let body = r#"{"gitVersion":"v1.36.3"}"#;
    let answer = move |out: &mut dyn std::io::Write| {
        let head = head("200 OK", &format!("content-length: {}\r\n", body.len()));
        drop(out.write_all(format!("{head}{body}").as_bytes()));
    };
    let (address, seen) = serve(&authority, Arc::new(answer));
    let url = format!("https://127.0.0.1:{}", address.port());
    ask(&credential(&url, &authority), OPEN).await.unwrap();
    let heard = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
    assert!(
        heard.contains(TOKEN),
        "the test would see a token that is sent: {heard}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn server_of_another_authority_gets_no_byte_of_the_credential() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (address, seen) = serve(&theirs, Arc::new(|_| {}));
    let url = format!("https://127.0.0.1:{}", address.port());
    let error = ask(&credential(&url, &ours), OPEN).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Tls, "{error}");
    assert!(seen.lock().unwrap().is_empty(), "no byte inside TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_is_an_error_and_not_a_way() {
    let authority = Authority::new();
    let (target, reached) = serve(&authority, Arc::new(|_| {}));
    let answer = move |out: &mut dyn std::io::Write| {
        let more = format!("location: https://{target}/version\r\ncontent-length: 0\r\n");
        drop(out.write_all(head("302 Found", &more).as_bytes()));
    };
    let (address, _) = serve(&authority, Arc::new(answer));
    let url = format!("https://127.0.0.1:{}", address.port());
    let error = ask(&credential(&url, &authority), OPEN).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Garbled, "{error}");
    assert!(reached.lock().unwrap().is_empty(), "nobody went there");
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_answer_is_cut_off() {
    let authority = Authority::new();
    let sent = Arc::new(Mutex::new(0_usize));
    let counted = Arc::clone(&sent);
    let answer = move |out: &mut dyn std::io::Write| {
        if out.write_all(head("200 OK", "").as_bytes()).is_err() {
            return;
        }
        let chunk = vec![b'x'; 64 * 1024];
        // A gigabyte, if the reader took it.
        for _ in 0..16 * 1024 {
            if out.write_all(&chunk).is_err() {
                return;
            }
            *counted.lock().unwrap() += chunk.len();
        }
    };
    let (address, _) = serve(&authority, Arc::new(answer));
    let url = format!("https://127.0.0.1:{}", address.port());
    let error = ask(&credential(&url, &authority), OPEN).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Garbled, "{error}");
    assert!(
        *sent.lock().unwrap() < 64 * 1024 * 1024,
        "the rest was not read"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_that_is_not_an_api_servers_says_so() {
    let authority = Authority::new();
    let answer = |out: &mut dyn std::io::Write| {
        let body = "<html>hello</html>";
        let head = head("200 OK", &format!("content-length: {}\r\n", body.len()));
        drop(out.write_all(format!("{head}{body}").as_bytes()));
    };
    let (address, _) = serve(&authority, Arc::new(answer));
    let url = format!("https://localhost:{}", address.port());
    let error = ask(&credential(&url, &authority), OPEN).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Garbled, "{error}");
    assert!(
        !error.to_string().contains("hello"),
        "the body is not passed on"
    );
}
