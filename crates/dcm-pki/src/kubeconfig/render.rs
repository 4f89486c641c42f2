//! The YAML of a tenant's kubeconfig: a context per member, written by hand in one fixed form.
//!
//! Written by hand because it is short and holds keys: the text grows in memory that is wiped and
//! never moved. Every value that is not a constant is a double-quoted scalar of printable ASCII.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::tenant::{TenantAuthentication, TenantKubeconfig};

/// An entry under the names that it has in the file, quoted.
struct Named<'a> {
    entry: &'a TenantKubeconfig,
    context: String,
    user: String,
}

/// Writes one kubeconfig with a context per entry; `current` is the index of the selected one (the
/// first when there is no such entry). Entries that share a context name get `-2`, `-3`, … so that
/// none hides another.
pub fn render(entries: &[TenantKubeconfig], current: usize) -> SecretString {
    let named: Vec<Named<'_>> = entries
        .iter()
        .zip(unique_names(entries))
        .map(|(entry, name)| Named {
            entry,
            context: quoted(&name),
            user: quoted(&format!("{}@{name}", entry.user)),
        })
        .collect();
    let selected = named.get(current).or_else(|| named.first());
    let mut yaml = Text::with_room_for(entries);
    yaml.line(0, "apiVersion", "v1");
    yaml.line(0, "kind", "Config");
    yaml.line(0, "preferences", "{}");
    yaml.line(
        0,
        "current-context",
        selected.map_or("\"\"", |named| &named.context),
    );
    yaml.list("clusters", &named, |yaml, named| {
        yaml.line(2, "- name", &named.context);
        yaml.object(4, "cluster");
        yaml.line(6, "server", &quoted(&named.entry.server));
        yaml.base64(
            "certificate-authority-data",
            &named.entry.certificate_authority_pem,
        );
        if let Some(name) = &named.entry.tls_server_name {
            yaml.line(6, "tls-server-name", &quoted(name));
        }
    });
    yaml.list("contexts", &named, |yaml, named| {
        yaml.line(2, "- name", &named.context);
        yaml.object(4, "context");
        yaml.line(6, "cluster", &named.context);
        yaml.line(6, "namespace", &quoted(&named.entry.namespace));
        yaml.line(6, "user", &named.user);
    });
    yaml.list("users", &named, |yaml, named| {
        yaml.line(2, "- name", &named.user);
        yaml.object(4, "user");
        match &named.entry.authentication {
            TenantAuthentication::Certificate {
                certificate_pem,
                key_pem,
            } => {
                yaml.base64("client-certificate-data", certificate_pem);
                // Without it, whoever has the key puts it in.
                if let Some(key_pem) = key_pem {
                    yaml.base64("client-key-data", key_pem.expose_secret());
                }
            }
            TenantAuthentication::Token(token) => yaml.secret("token", token.expose_secret()),
            TenantAuthentication::Plugin(arguments) => yaml.plugin(arguments),
        }
    });
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
    // Room for the worst: it may be a secret, and must never move.
    let mut quoted = String::with_capacity(10 * text.len() + 2);
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
                let pem = entry.certificate_authority_pem.len() + entry.proof_length();
                // Quoting makes ten characters of one at worst, and a name stands six times. A token is
                // plain.
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

    fn list(&mut self, member: &str, named: &[Named<'_>], entry: fn(&mut Self, &Named<'_>)) {
        self.0.push_str(member);
        self.0
            .push_str(if named.is_empty() { ": []\n" } else { ":\n" });
        for named in named {
            entry(self, named);
        }
    }

    fn plugin(&mut self, arguments: &[String]) {
        self.object(6, "exec");
        self.line(8, "apiVersion", "client.authentication.k8s.io/v1");
        self.line(8, "command", "dcm");
        self.line(8, "interactiveMode", "Never");
        self.line(8, "provideClusterInfo", "false");
        self.object(8, "args");
        for argument in arguments {
            for part in ["        - ", &quoted(argument), "\n"] {
                self.0.push_str(part);
            }
        }
    }

    /// A token is letters, digits and few signs, and nothing that a quote would be needed for.
    fn secret(&mut self, member: &str, text: &str) {
        let quoted = Zeroizing::new(quoted(text));
        self.line(6, member, &quoted);
    }

    /// Base64 is plain text to every YAML reader once it is quoted.
    fn base64(&mut self, member: &str, text: &str) {
        let base64 = Zeroizing::new(STANDARD.encode(text));
        self.line(6, member, &Zeroizing::new(format!("\"{}\"", *base64)));
    }
}
