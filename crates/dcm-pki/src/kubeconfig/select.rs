//! From the shape of a kubeconfig to the one credential that its current context selects.
#![deny(clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dcm_types::Violation;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::admin::{AdminCredential, Authentication};
use super::faults::Faults;
use super::server::{Host, Server};
use super::shape::{Entry, File, Members};
use crate::blocks::{self, Block};
use crate::{certificate, private_key};

/// Longest bearer token, in bytes.
const TOKEN_LIMIT: usize = 16 * 1024;

const CLUSTER_AUTHORITY: &str = "certificate-authority-data";
const CLIENT_CERTIFICATE: &str = "client-certificate-data";
const CLIENT_KEY: &str = "client-key-data";

/// The credential of the current context; `None` goes with at least one fault.
pub(super) fn credential(file: &File<'_>, faults: &mut Faults) -> Option<AdminCredential> {
    let (cluster, user) = selected(file, faults)?;
    let server = cluster
        .required_text("server", faults)
        .and_then(|url| faults.keep(&cluster.path_of("server"), Server::parse(url)));
    let authority = cluster
        .required_text(CLUSTER_AUTHORITY, faults)
        .and_then(|data| {
            let certificates = certificates(data, CLUSTER_AUTHORITY);
            faults.keep(&cluster.path_of(CLUSTER_AUTHORITY), certificates)
        });
    let tls_server_name = cluster
        .text("tls-server-name")
        .map(|name| faults.keep(&cluster.path_of("tls-server-name"), Host::parse(name)));
    let authentication = authentication(user, faults);
    Some(AdminCredential {
        server: server?,
        certificate_authority_pem: pem(&authority?),
        tls_server_name: match tls_server_name {
            Some(host) => Some(host?.to_string()),
            None => None,
        },
        authentication: authentication?,
    })
}

/// Cluster and user of the current context, found by name and nothing else.
fn selected<'f, 'a>(
    file: &'f File<'a>,
    faults: &mut Faults,
) -> Option<(&'f Members<'a>, &'f Members<'a>)> {
    let current = file.current_context?;
    let context = find(
        &file.contexts,
        current,
        "contexts",
        "current-context",
        faults,
    )?;
    let mut point = |member: &str, entries: &'f [Entry<'a>], list: &str| {
        let wanted = context.required_text(member, faults)?;
        find(entries, wanted, list, &context.path_of(member), faults)
    };
    let cluster = point("cluster", &file.clusters, "clusters");
    let user = point("user", &file.users, "users");
    Some((cluster?, user?))
}

fn find<'f, 'a>(
    entries: &'f [Entry<'a>],
    name: &str,
    list: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<&'f Members<'a>> {
    let found = entries.iter().find(|entry| entry.name == Some(name));
    if found.is_none() {
        let rule = format!("must name an entry of {list}");
        faults.add(field, Violation::new(rule, name));
    }
    found.map(|entry| &entry.members)
}

fn authentication(user: &Members<'_>, faults: &mut Faults) -> Option<Authentication> {
    let certificate = user.text(CLIENT_CERTIFICATE);
    let key = user.text(CLIENT_KEY);
    let token = user.text("token");
    let one_of = "must have either client-certificate-data with client-key-data, or token";
    match (certificate, key, token) {
        (Some(certificate), Some(key), None) => client_certificate(user, certificate, key, faults),
        (None, None, Some(text)) => faults.keep(&user.path_of("token"), token_of(text)),
        (Some(_), None, None) => {
            faults.add(
                user.path_of(CLIENT_KEY),
                Violation::hidden("is required with a certificate"),
            );
            None
        }
        (None, Some(_), None) => {
            let rule = "is required with a key";
            faults.add(user.path_of(CLIENT_CERTIFICATE), Violation::hidden(rule));
            None
        }
        (None, None, None) => {
            // A refused member says already what to do instead.
            if !faults.has_within(user.own_path()) {
                faults.add(user.own_path(), Violation::hidden(one_of));
            }
            None
        }
        (_, _, Some(_)) => {
            faults.add(
                user.own_path(),
                Violation::hidden(format!("{one_of}, not both")),
            );
            None
        }
    }
}

fn token_of(text: &str) -> Result<Authentication, Violation> {
    if text.len() > TOKEN_LIMIT {
        return Err(Violation::hidden("must be at most 16 KiB"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let rule = "must be visible ASCII characters on one line";
        return Err(Violation::hidden(rule).hint("remove blanks and line breaks"));
    }
    Ok(Authentication::Token(SecretString::from(text)))
}

fn client_certificate(
    user: &Members<'_>,
    certificate: &str,
    key: &str,
    faults: &mut Faults,
) -> Option<Authentication> {
    let chain = certificates(certificate, CLIENT_CERTIFICATE);
    let chain = faults.keep(&user.path_of(CLIENT_CERTIFICATE), chain);
    let key =
        decode(key, CLIENT_KEY).and_then(|pem| private_key::read(&pem).map_err(Violation::hidden));
    let (key, public) = faults.keep(&user.path_of(CLIENT_KEY), key)?;
    let chain = chain?;
    let matches = chain
        .first()
        .and_then(|leaf| certificate::parse(leaf).ok())
        .is_some_and(|leaf| certificate::is_for(&leaf, &public));
    if !matches {
        let rule = "must be the key of the first certificate in client-certificate-data";
        faults.add(user.path_of(CLIENT_KEY), Violation::hidden(rule));
        return None;
    }
    let key_pem = blocks::write(&key.label, &key.der);
    Some(Authentication::ClientCertificate {
        certificate_pem: pem(&chain),
        key_pem: SecretString::from(key_pem.as_str()),
    })
}

/// Base64 of PEM certificates, at least one, each of which is read whole.
fn certificates(data: &str, member: &str) -> Result<Vec<Block>, Violation> {
    let text = decode(data, member)?;
    certificates_in(&text)
}

/// Reads PEM certificates, at least one, that a server is authenticated by, and writes them anew.
pub fn certificate_authorities(text: &str) -> Result<String, Violation> {
    if text.len() > super::SIZE_LIMIT {
        return Err(Violation::hidden("must be at most 256 KiB"));
    }
    Ok(pem(&certificates_in(text)?))
}

fn certificates_in(text: &str) -> Result<Vec<Block>, Violation> {
    let found = blocks::read(text).map_err(Violation::hidden)?;
    if found.is_empty() {
        return Err(Violation::hidden("must hold at least one PEM certificate"));
    }
    for block in &found {
        certificate::parse(block).map_err(Violation::hidden)?;
    }
    Ok(found)
}

fn decode(data: &str, member: &str) -> Result<Zeroizing<String>, Violation> {
    let not_base64 = || {
        let hint = if data.starts_with("-----BEGIN") {
            format!("{member} holds the base64 of the PEM text, not the text itself")
        } else {
            format!("{member} is standard base64 with padding, on one line")
        };
        Violation::hidden("must be base64 of PEM text").hint(hint)
    };
    let mut compact = Zeroizing::new(String::with_capacity(data.len()));
    compact.extend(
        data.chars()
            .filter(|character| !matches!(character, '\n' | '\r')),
    );
    let mut bytes = Zeroizing::new(vec![0; compact.len()]);
    let length = STANDARD
        .decode_slice(compact.as_bytes(), &mut bytes)
        .map_err(|_| not_base64())?;
    let bytes = bytes.get(..length).unwrap_or_default();
    let text = std::str::from_utf8(bytes).map_err(|_| not_base64())?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn pem(certificates: &[Block]) -> String {
    certificates
        .iter()
        .map(|block| blocks::write(blocks::CERTIFICATE, &block.der).to_string())
        .collect()
}
