//! Whether two workloads take each other, by mutual TLS on loopback, with rustls on both sides.
//!
//! As in a mesh, names of hosts play no part: a peer is known by its chain up to an anchor.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::DerefMut;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, DigitallySignedStruct, RootCertStore,
    ServerConfig, ServerConnection, SideData, SignatureScheme,
};

use super::{Error, Workload};

const WORD: &[u8; 5] = b"hello";
const TIMEOUT: Duration = Duration::from_secs(10);

/// Shakes hands with rustls on both sides and sends a word each way; else why not, by either side. What could not be
/// tried to its end is an error.
pub fn handshake(client: &Workload, server: &Workload) -> Result<Result<(), String>, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Reach)?;
    let address = listener.local_addr().map_err(Error::Reach)?;
    let mut server = ServerConnection::new(Arc::new(server_config(server)?))?;
    let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
    let mut client = ClientConnection::new(Arc::new(client_config(client)?), name)?;
    let serving = thread::spawn(move || -> io::Result<()> {
        let (stream, _) = listener.accept()?;
        exchange(&mut server, stream)
    });
    let asked = TcpStream::connect(address).and_then(|stream| exchange(&mut client, stream));
    let answered = serving
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    match asked.and(answered) {
        Ok(()) => Ok(Ok(())),
        // Says nothing about whether they would take each other.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err(Error::Reach(error))
        }
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn exchange<C, S>(connection: &mut C, mut stream: TcpStream) -> io::Result<()>
where
    C: DerefMut<Target = ConnectionCommon<S>>,
    S: SideData,
{
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut tls = rustls::Stream::new(connection, &mut stream);
    tls.write_all(WORD)?;
    let mut answer = [0; WORD.len()];
    tls.read_exact(&mut answer)
}

fn server_config(of: &Workload) -> Result<ServerConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(anchors(of)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| Error::Material(io::Error::other(error)))?;
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(of)?, key(of)?)?)
}

fn client_config(of: &Workload) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = ByChainOnly {
        anchors: anchors(of)?,
        algorithms: provider.signature_verification_algorithms,
    };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(chain(of)?, key(of)?)?)
}

fn anchors(of: &Workload) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for anchor in certificates(&of.anchors)? {
        roots.add(anchor)?;
    }
    Ok(roots)
}

fn chain(of: &Workload) -> Result<Vec<CertificateDer<'static>>, Error> {
    certificates(&of.chain)
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Result<_, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    all.map_err(|error| Error::Material(io::Error::other(error)))
}

fn key(of: &Workload) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(of.key.as_bytes())
        .map_err(|error| Error::Material(io::Error::other(error)))
}

/// Takes a server whose chain leads to an anchor, whatever it is called.
#[derive(Debug)]
struct ByChainOnly {
    anchors: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ByChainOnly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.anchors,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
