//! The few questions this crate itself asks an API server: one request per connection.
//!
//! `kubectl` could ask them too, but takes more processor time per question than the answer is
//! worth while several servers are starting on few cores.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::certificates::Identity;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

pub(super) struct Client {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Client {
    pub(super) fn new(
        address: SocketAddr,
        authority: &str,
        identity: &Identity,
    ) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots
            .add(certificate(authority)?)
            .map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_client_auth_cert(
                vec![certificate(&identity.certificate)?],
                key.map_err(io::Error::other)?,
            )
            .map_err(io::Error::other)?;
        Ok(Self {
            address,
            tls: Arc::new(tls),
        })
    }

    pub(super) fn ask(&self, method: &str, path: &str) -> io::Result<Answer> {
        let stream = TcpStream::connect_timeout(&self.address, CONNECT_TIMEOUT)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let name = ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let connection =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        // Version 1.0 keeps the answer free of chunks.
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\n\r\n",
            self.address
        )?;
        let mut text = Vec::new();
        if let Err(error) = stream.read_to_end(&mut text) {
            // The server may close the connection without the closing words of TLS.
            if text.is_empty() || error.kind() != io::ErrorKind::UnexpectedEof {
                return Err(error);
            }
        }
        parse(&String::from_utf8_lossy(&text))
            .ok_or_else(|| io::Error::other("the answer is not HTTP"))
    }
}

fn certificate(pem: &str) -> io::Result<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(io::Error::other)
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some(Answer {
        status,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_taken_apart() {
        let answer = parse("HTTP/1.0 404 Not Found\r\nDate: now\r\n\r\n{\"a\": 1}").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (404, "{\"a\": 1}"));
        assert!(parse("no HTTP at all").is_none());
    }
}
