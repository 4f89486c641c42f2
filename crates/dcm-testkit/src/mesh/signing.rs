//! How a workload gets its certificate: a token of its service account, a request, and one call over gRPC.
//!
//! The call is `istio.v1.auth.IstioCertificateService/CreateCertificate`; its two messages are small enough to
//! be written down here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{AsciiMetadataValue, errors::InvalidMetadataValue};
use tonic::transport::{Channel, Endpoint, Uri};

use super::{Error, Member, Workload};

const METHOD: &str = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
/// The audience that a control plane of a mesh takes.
const AUDIENCE: &str = "istio-ca";
const DEADLINE: Duration = Duration::from_secs(20);
/// The life that is asked for when nobody says another one.
pub(super) const LIFE: Duration = Duration::from_mins(10);

#[derive(Clone, PartialEq, prost::Message)]
struct Request {
    #[prost(string, tag = "1")]
    csr: String,
    #[prost(int64, tag = "3")]
    validity_duration: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Answer {
    #[prost(string, repeated, tag = "1")]
    cert_chain: Vec<String>,
}

/// The certificate service of one control plane.
pub(super) struct Service<'a> {
    pub(super) address: SocketAddr,
    /// The name that its certificate must have.
    pub(super) host: &'a str,
    pub(super) cluster: &'a str,
    pub(super) anchors: &'a str,
    /// How long the certificate shall live.
    pub(super) life: Duration,
}

impl Service<'_> {
    pub(super) fn certificate(&self, token: &str) -> Result<Workload, Error> {
        let key = KeyPair::generate()?;
        let request = CertificateParams::new(Vec::new())?.serialize_request(&key)?;
        let message = Request {
            csr: request.pem()?,
            validity_duration: self.life.as_secs().try_into().unwrap_or(i64::MAX),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Reach)?;
        let answer = runtime.block_on(async {
            let call = tokio::time::timeout(DEADLINE, self.call(message, token));
            call.await
                .map_err(|_| Error::Reach(io::ErrorKind::TimedOut.into()))?
        })?;
        // The last one is the anchor, once more.
        let anchors = answer.cert_chain.last().cloned().unwrap_or_default();
        let chain = answer.cert_chain.split_last();
        Ok(Workload {
            chain: chain.map(|(_, chain)| chain.concat()).unwrap_or_default(),
            key: key.serialize_pem(),
            anchors,
        })
    }

    async fn call(&self, message: Request, token: &str) -> Result<Answer, Error> {
        let mut client = tonic::client::Grpc::new(self.connect().await?);
        client.ready().await.map_err(reach)?;
        let mut request = tonic::Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", value(&format!("Bearer {token}"))?);
        metadata.insert("clusterid", value(self.cluster)?);
        let codec = tonic_prost::ProstCodec::<Request, Answer>::default();
        let path = PathAndQuery::from_static(METHOD);
        let answer = client.unary(request, path, codec).await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| Error::Refused {
                code: status.code().to_string(),
                message: status.message().to_owned(),
            })
    }

    async fn connect(&self) -> Result<Channel, Error> {
        let connector = TlsConnector::from(Arc::new(self.tls()?));
        let name = ServerName::try_from(self.host.to_owned()).map_err(reach)?;
        let address = self.address;
        // Not `https`: the channel would want to do TLS by itself, and to know the address by that name.
        let uri: Uri = format!("http://{}", self.host).parse().map_err(reach)?;
        let connect = tower::service_fn(move |_: Uri| {
            let (connector, name) = (connector.clone(), name.clone());
            async move {
                let stream = TcpStream::connect(address).await?;
                connector.connect(name, stream).await.map(TokioIo::new)
            }
        });
        let endpoint = Endpoint::from(uri);
        endpoint
            .connect_with_connector(connect)
            .await
            .map_err(reach)
    }

    fn tls(&self) -> Result<ClientConfig, Error> {
        let mut roots = RootCertStore::empty();
        for anchor in CertificateDer::pem_slice_iter(self.anchors.as_bytes()) {
            let anchor = anchor.map_err(|error| Error::Material(io::Error::other(error)))?;
            roots.add(anchor)?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

/// Asks the API server for a token of a service account for the mesh, as a kubelet does for a pod.
pub(super) fn token(of: &Member, namespace: &str, service_account: &str) -> Result<String, Error> {
    let mut command = of.kubectl();
    command.args(["create", "token", service_account, "--namespace", namespace]);
    command.args(["--audience", AUDIENCE]);
    let said = command.output().map_err(|source| Error::Spawn {
        program: "kubectl",
        source,
    })?;
    if said.status.success() {
        return Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned());
    }
    let reason = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    Err(Error::Token(reason))
}

fn value(text: &str) -> Result<AsciiMetadataValue, Error> {
    text.parse()
        .map_err(|error: InvalidMetadataValue| reach(error))
}

fn reach(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Reach(io::Error::other(error))
}
