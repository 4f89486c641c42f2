//! A cluster's authority, its administrator, and a kubeconfig made of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A secret that no refusal may repeat.
pub(crate) const CANARY: &str = "DCMCANARY-5d41402abc4b2a76";
/// A good token; a secret too.
pub(crate) const TOKEN: &str = "DCMCANARY-token-b9719d911017c592";

/// A key and the certificate that an authority gave for it.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// What a good kubeconfig is made of.
pub(crate) struct Sample {
    pub(crate) authority: String,
    pub(crate) admin: Identity,
    pub(crate) other: Identity,
}

/// Parameters of a certificate with this common name and nothing else.
pub(crate) fn named(common_name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    parameters
}

/// A new authority: its issuer, and its certificate in PEM.
pub(crate) fn authority() -> (Issuer<'static, KeyPair>, String) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = named("authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = parameters.self_signed(&key).unwrap();
    (Issuer::new(parameters, key), certificate.pem())
}

fn identity(issuer: &Issuer<'static, KeyPair>, name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    Identity {
        certificate: named(name).signed_by(&key, issuer).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

pub(crate) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

impl Sample {
    pub(crate) fn new() -> Self {
        let (issuer, authority) = authority();
        Self {
            authority,
            admin: identity(&issuer, "admin"),
            other: identity(&issuer, "other"),
        }
    }

    /// Puts the values into a text of the data file.
    pub(crate) fn fill(&self, text: &str) -> String {
        let broken = |pem: &str| {
            let mut lines: Vec<&str> = pem.lines().collect();
            lines[1] = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2";
            lines.join("\n")
        };
        let encrypted = self
            .admin
            .key
            .replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let two = format!("{}{}", self.admin.key, self.other.key);
        text.replace("$GOOD", &good("$CA", "{token: $TOKEN}"))
            .replace("$CANARY", CANARY)
            .replace("$TOKEN", TOKEN)
            .replace("$BROKEN_CERTIFICATE", &base64(&broken(&self.authority)))
            .replace("$BROKEN_KEY", &base64(&broken(&self.admin.key)))
            .replace("$ENCRYPTED_KEY", &base64(&encrypted))
            .replace("$OTHER_KEY", &base64(&self.other.key))
            .replace("$TWO_KEYS", &base64(&two))
            .replace("$CERTIFICATE", &base64(&self.admin.certificate))
            .replace("$KEY", &base64(&self.admin.key))
            .replace("$CA", &base64(&self.authority))
    }

    /// Every text that is secret, in the forms in which it might be repeated.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![CANARY.to_owned(), TOKEN.to_owned(), base64(CANARY)];
        for key in [&self.admin.key, &self.other.key] {
            let body = key.lines().filter(|line| !line.starts_with("-----"));
            secrets.extend(body.map(str::to_owned));
            let data = base64(key);
            secrets.extend(
                data.as_bytes()
                    .chunks(40)
                    .map(|part| String::from_utf8(part.to_vec()).unwrap()),
            );
        }
        secrets.retain(|secret| secret.len() >= 16);
        secrets
    }
}

/// A good kubeconfig in flow style.
pub(crate) fn good(authority: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\n\
         clusters: [{{name: edge, cluster: {{server: \"https://192.0.2.10:6443\", \
         certificate-authority-data: {authority}}}}}]\n\
         users: [{{name: admin, user: {user}}}]\n\
         contexts: [{{name: main, context: {{cluster: edge, user: admin}}}}]\n\
         current-context: main\n"
    )
}
