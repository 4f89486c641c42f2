//! Where the server is, and what is refused of a connection string before anything is sent.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use mongodb::options::{ClientOptions, ServerAddress, Tls};
use secrecy::{ExposeSecret, SecretString};

use super::Refusal;

/// How long we look for a server that can answer, unless the connection string says it.
const SELECTION: Duration = Duration::from_secs(5);
/// How long a connection may take, unless the connection string says it.
const CONNECTING: Duration = Duration::from_secs(5);
/// Connections at most, unless the connection string says it.
const CONNECTIONS: u32 = 64;

/// Where the documents are.
#[derive(Clone)]
pub struct MongoOptions {
    /// The connection string; it may hold a password and is never shown.
    pub uri: SecretString,
    /// The database.
    pub database: String,
    /// The collection.
    pub collection: String,
    /// Whether a server that is in no replica set is taken, if it can do transactions.
    pub allow_standalone: bool,
    /// How long a call may take in all, with its retries.
    pub deadline: Duration,
}

impl MongoOptions {
    /// How long a call may take unless somebody says otherwise: longer than an election takes.
    pub const DEADLINE: Duration = Duration::from_secs(25);

    /// For the server of a connection string, with the names that are used by default.
    pub fn new(uri: SecretString) -> Self {
        Self {
            uri,
            database: "dcm".to_owned(),
            collection: "dcm".to_owned(),
            allow_standalone: false,
            deadline: Self::DEADLINE,
        }
    }
}

impl fmt::Debug for MongoOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MongoOptions")
            .field("database", &self.database)
            .field("collection", &self.collection)
            .finish_non_exhaustive()
    }
}

/// What the driver is told; what the connection string says about concerns does not count.
pub(super) async fn client_options(options: &MongoOptions) -> Result<ClientOptions, Refusal> {
    // What the driver says about a string may quote the password.
    let parsed = ClientOptions::parse(options.uri.expose_secret()).await;
    let mut parsed = parsed.map_err(|_| Refusal::Uri)?;
    match &parsed.tls {
        Some(Tls::Enabled(tls)) if tls.allow_invalid_certificates == Some(true) => {
            return Err(Refusal::UnverifiedTls);
        }
        Some(Tls::Enabled(_)) => {}
        Some(Tls::Disabled) | None => {
            if let Some(host) = parsed.hosts.iter().find(|host| !on_this_machine(host)) {
                return Err(Refusal::Plaintext {
                    host: host.to_string(),
                });
            }
        }
    }
    parsed.app_name.get_or_insert_with(|| "dcm".to_owned());
    parsed.server_selection_timeout.get_or_insert(SELECTION);
    parsed.connect_timeout.get_or_insert(CONNECTING);
    parsed.max_pool_size.get_or_insert(CONNECTIONS);
    parsed.retry_writes = Some(true);
    parsed.retry_reads = Some(true);
    parsed.selection_criteria = None;
    parsed.read_concern = None;
    parsed.write_concern = None;
    Ok(parsed)
}

fn on_this_machine(host: &ServerAddress) -> bool {
    match host {
        ServerAddress::Tcp { host, .. } => {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        ServerAddress::Unix { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(uri: &str) -> Result<ClientOptions, Refusal> {
        client_options(&MongoOptions::new(uri.into())).await
    }

    #[tokio::test]
    async fn plaintext_leaves_no_machine_and_certificates_are_looked_at() {
        for (uri, accepted) in [
            ("mongodb://127.0.0.1:27017", true),
            ("mongodb://localhost,[::1]:27018/?replicaSet=rs", true),
            ("mongodb://db.example:27017/?tls=true", true),
            ("mongodb://db.example", false),
            ("mongodb://127.0.0.1,10.0.0.1/?replicaSet=rs", false),
            (
                "mongodb://db.example/?tls=true&tlsAllowInvalidCertificates=true",
                false,
            ),
            ("mongodb://db.example/?tls=true&tlsInsecure=true", false),
            ("postgres://db.example", false),
        ] {
            assert_eq!(parse(uri).await.is_ok(), accepted, "{uri}");
        }
    }

    #[tokio::test]
    async fn a_connection_string_cannot_weaken_what_is_promised() {
        let weak = "mongodb://127.0.0.1/?w=1&readConcernLevel=local&readPreference=secondary";
        let options = parse(weak).await.unwrap();
        assert!(options.write_concern.is_none());
        assert!(options.read_concern.is_none());
        assert!(options.selection_criteria.is_none());
    }

    #[tokio::test]
    async fn no_error_and_no_debug_text_shows_the_password() {
        for uri in [
            "mongodb://user:hidden@pass@db.example",
            "mongodb://user:hidden%zz@127.0.0.1",
            "mongodb://user:hidden@db.example",
        ] {
            let refusal = parse(uri).await.unwrap_err();
            let all = format!("{refusal} {refusal:?} {:?}", MongoOptions::new(uri.into()));
            assert!(!all.contains("hidden"), "{all}");
        }
    }
}
