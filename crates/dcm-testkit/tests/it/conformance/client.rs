//! A client that hides nothing: requests as they are, answers as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use dcm_pki::kubeconfig::{AdminCredential, Authentication};
use dcm_testkit::ControlPlane;
use dcm_testkit::kubesim::{Member, Options, Server, VirtualClock};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret as _;
use serde_json::Value;

type Http = HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Makes a kubeconfig of a user of no group, or of an administrator.
type Kubeconfigs = Box<dyn Fn(&str) -> String + Send + Sync>;

/// An API server, simulated or real.
pub(crate) struct Cluster {
    pub(crate) name: &'static str,
    kubeconfigs: Kubeconfigs,
    restart: Box<dyn Fn() + Send + Sync>,
    clients: Mutex<BTreeMap<String, (String, Http)>>,
}

/// A simulated member that is served.
pub(crate) struct Simulated {
    pub(crate) cluster: Cluster,
    _server: Server,
}

pub(crate) async fn simulated(version: &str) -> Simulated {
    // As old as the real one beside it: long enough that its first times do not matter.
    let clock = Arc::new(VirtualClock::starting_at(dcm_types::Timestamp::now()));
    let options = Options {
        seed: 1,
        version: version.to_owned(),
        clock,
        authority: None,
    };
    let member = Member::new("simulated", options).unwrap();
    // All files of the script go on at once, and each looks back to its own beginning.
    member.keep_history(4 * 1024 * 1024);
    let server = Server::start(&member).await.unwrap();
    let url = server.url();
    let forgetful = member.clone();
    let kubeconfigs = move |user: &str| {
        let groups: &[&str] = if user == "admin" {
            &["system:masters"]
        } else {
            &[]
        };
        member.kubeconfig_for(&url, user, groups).unwrap()
    };
    Simulated {
        cluster: Cluster::new("simulated", Box::new(kubeconfigs), move || {
            forgetful.compact();
        }),
        _server: server,
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Bytes,
}

impl Cluster {
    fn new(
        name: &'static str,
        kubeconfigs: Kubeconfigs,
        restart: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            kubeconfigs,
            restart: Box::new(restart),
            clients: Mutex::default(),
        }
    }

    pub(crate) fn real(plane: ControlPlane) -> Self {
        let plane = Arc::new(plane);
        let same = Arc::clone(&plane);
        let kubeconfigs = move |user: &str| {
            let group = (user == "admin").then_some("system:masters");
            plane.kubeconfig_for(user, group).unwrap()
        };
        Self::new("real", Box::new(kubeconfigs), move || {
            same.restart().unwrap();
        })
    }

    /// The server starts anew and remembers no changes. Connections that were open are not used again.
    pub(crate) fn restart(&self) {
        tokio::task::block_in_place(|| (self.restart)());
        self.clients.lock().clear();
    }

    fn client(&self, user: &str) -> (String, Http) {
        let mut clients = self.clients.lock();
        let make = || {
            let kubeconfig = (self.kubeconfigs)(user);
            let credential = dcm_pki::kubeconfig::parse(kubeconfig.as_bytes()).unwrap();
            (
                credential.server.to_string(),
                http(&credential, user != "token"),
            )
        };
        clients.entry(user.to_owned()).or_insert_with(make).clone()
    }

    /// Sends one request. `user` is a user, or `token` with a bearer token.
    pub(crate) async fn send(
        &self,
        user: &str,
        token: Option<&str>,
        request: (&str, &str),
        body: (&str, &Value),
    ) -> Answer {
        let (server, client) = self.client(user);
        let (method, path) = request;
        let (media_type, content) = body;
        let mut http = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", server.trim_end_matches('/')))
            .header("accept", "application/json")
            .header("user-agent", "conformance/1");
        if let Some(token) = token {
            http = http.header("authorization", format!("Bearer {token}"));
        }
        let bytes = if content.is_null() {
            Bytes::new()
        } else {
            http = http.header("content-type", media_type);
            Bytes::from(content.to_string())
        };
        let response = client
            .request(http.body(Full::new(bytes)).unwrap())
            .await
            .unwrap();
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer {
            status,
            retry_after,
            body,
        }
    }
}

fn http(credential: &AdminCredential, with_certificate: bool) -> Http {
    let mut roots = RootCertStore::empty();
    let authority = credential.certificate_authority_pem.as_bytes();
    roots
        .add(CertificateDer::from_pem_slice(authority).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match &credential.authentication {
        Authentication::ClientCertificate {
            certificate_pem,
            key_pem,
        } if with_certificate => {
            let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key_pem.expose_secret().as_bytes()).unwrap();
            builder
                .with_client_auth_cert(vec![certificate], key)
                .unwrap()
        }
        _ => builder.with_no_client_auth(),
    };
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only();
    HttpClient::builder(TokioExecutor::new()).build(https.enable_all_versions().build())
}
