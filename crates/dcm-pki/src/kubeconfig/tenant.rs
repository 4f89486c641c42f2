//! What a tenant gets: the parts of a kubeconfig per member, and the YAML of several in one file.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::admin::{secret, secret_json};
use crate::error::Error;

/// A tenant's way into one member.
#[derive(Clone)]
pub struct TenantKubeconfig {
    /// Name of the context, and of the cluster entry.
    pub context: String,
    /// URL of the API server.
    pub server: String,
    /// The authorities that the server is authenticated by, PEM.
    pub certificate_authority_pem: String,
    /// The name in the server's certificate, when it is not the host.
    pub tls_server_name: Option<String>,
    /// The user's name; the user entry is called `user@context`.
    pub user: String,
    /// The user's certificate, PEM.
    pub certificate_pem: String,
    /// Its private key, PEM.
    pub key_pem: SecretString,
    /// The namespace of the logical cloud.
    pub namespace: String,
}

impl fmt::Debug for TenantKubeconfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TenantKubeconfig")
            .field("context", &self.context)
            .field("server", &self.server)
            .field("user", &self.user)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<T> {
    context: T,
    server: T,
    certificate_authority: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(default = "Option::default")]
    tls_server_name: Option<T>,
    user: T,
    certificate: T,
    key: T,
    namespace: T,
}

impl TenantKubeconfig {
    /// The form in which it is sealed and stored.
    pub fn to_json(&self) -> SecretString {
        secret_json(&Stored {
            context: self.context.as_str(),
            server: self.server.as_str(),
            certificate_authority: self.certificate_authority_pem.as_str(),
            tls_server_name: self.tls_server_name.as_deref(),
            user: self.user.as_str(),
            certificate: self.certificate_pem.as_str(),
            key: self.key_pem.expose_secret(),
            namespace: self.namespace.as_str(),
        })
    }

    /// Reads back what [`Self::to_json`] wrote.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        // The library's error may quote the text, so it is not kept.
        let stored: Stored<String> =
            serde_json::from_slice(json).map_err(|_| Error::ReadTenantKubeconfig)?;
        Ok(Self {
            context: stored.context,
            server: stored.server,
            certificate_authority_pem: stored.certificate_authority,
            tls_server_name: stored.tls_server_name,
            user: stored.user,
            certificate_pem: stored.certificate,
            key_pem: secret(stored.key),
            namespace: stored.namespace,
        })
    }
}

/// Writes one kubeconfig with a context per entry; `current` is the index of the selected one (the
/// first when there is no such entry). Entries that share a context name get `-2`, `-3`, … so that
/// none hides another.
pub fn render(entries: &[TenantKubeconfig], current: usize) -> SecretString {
    let names = unique_names(entries);
    let named: Vec<(&TenantKubeconfig, String)> = entries
        .iter()
        .zip(names.iter().map(|name| quoted(name)))
        .collect();
    let user = |entry: &TenantKubeconfig, index: usize| {
        let name = names.get(index).map_or("", String::as_str);
        quoted(&format!("{}@{name}", entry.user))
    };
    let mut yaml = Text::with_room_for(entries);
    yaml.line(0, "apiVersion", "v1");
    yaml.line(0, "kind", "Config");
    yaml.line(0, "preferences", "{}");
    let selected = named.get(current).or_else(|| named.first());
    yaml.line(
        0,
        "current-context",
        selected.map_or("\"\"", |(_, name)| name),
    );
    yaml.list("clusters", named.is_empty());
    for (entry, name) in &named {
        yaml.line(2, "- name", name);
        yaml.object(4, "cluster");
        yaml.line(6, "server", &quoted(&entry.server));
        yaml.base64(
            "certificate-authority-data",
            &entry.certificate_authority_pem,
        );
        if let Some(name) = &entry.tls_server_name {
            yaml.line(6, "tls-server-name", &quoted(name));
        }
    }
    yaml.list("contexts", named.is_empty());
    for (index, (entry, name)) in named.iter().enumerate() {
        yaml.line(2, "- name", name);
        yaml.object(4, "context");
        yaml.line(6, "cluster", name);
        yaml.line(6, "namespace", &quoted(&entry.namespace));
        yaml.line(6, "user", &user(entry, index));
    }
    yaml.list("users", named.is_empty());
    for (index, (entry, _)) in named.iter().enumerate() {
        yaml.line(2, "- name", &user(entry, index));
        yaml.object(4, "user");
        yaml.base64("client-certificate-data", &entry.certificate_pem);
        yaml.base64("client-key-data", entry.key_pem.expose_secret());
    }
    SecretString::from(yaml.0.as_str())
}

fn unique_names(entries: &[TenantKubeconfig]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let wanted: BTreeSet<&str> = entries.iter().map(|entry| entry.context.as_str()).collect();
    entries
        .iter()
        .map(|entry| {
            let mut name = entry.context.clone();
            let mut number = 1;
            while !taken.insert(name.clone()) {
                number += 1;
                name = format!("{}-{number}", entry.context);
                if wanted.contains(name.as_str()) {
                    // It is the own name of another entry.
                    name.clone_from(&entry.context);
                }
            }
            name
        })
        .collect()
}

/// A YAML double-quoted scalar that every reader takes for text; only printable ASCII stands for
/// itself.
fn quoted(text: &str) -> String {
    use fmt::Write as _;

    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            ' '..='~' => quoted.push(character),
            _ => write!(quoted, "\\U{:08X}", u32::from(character))
                .expect("writing into a string cannot fail"),
        }
    }
    quoted.push('"');
    quoted
}

/// The text that is being written: wiped when dropped, and large enough never to move.
struct Text(Zeroizing<String>);

impl Text {
    fn with_room_for(entries: &[TenantKubeconfig]) -> Self {
        let room: usize = entries
            .iter()
            .map(|entry| {
                let names = entry.context.len() + entry.user.len() + entry.namespace.len();
                let server =
                    entry.server.len() + entry.tls_server_name.as_ref().map_or(0, String::len);
                let pem = entry.certificate_authority_pem.len()
                    + entry.certificate_pem.len()
                    + entry.key_pem.expose_secret().len();
                // Quoting makes ten characters of one at worst, and a name stands six times.
                1024 + 60 * names + 10 * server + 2 * pem
            })
            .sum();
        Self(Zeroizing::new(String::with_capacity(1024 + room)))
    }

    fn line(&mut self, indent: usize, member: &str, value: &str) {
        for part in [&" ".repeat(indent), member, ": ", value, "\n"] {
            self.0.push_str(part);
        }
    }

    fn object(&mut self, indent: usize, member: &str) {
        for part in [&" ".repeat(indent), member, ":\n"] {
            self.0.push_str(part);
        }
    }

    fn list(&mut self, member: &str, is_empty: bool) {
        self.0.push_str(member);
        self.0.push_str(if is_empty { ": []\n" } else { ":\n" });
    }

    /// Base64 is plain text to every YAML reader once it is quoted.
    fn base64(&mut self, member: &str, text: &str) {
        let base64 = Zeroizing::new(STANDARD.encode(text));
        self.line(6, member, &Zeroizing::new(format!("\"{}\"", *base64)));
    }
}
