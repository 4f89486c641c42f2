//! step-ca: signs for whoever has a one-time token of one of its JWK provisioners. Its template must make an
//! authority of it.

use std::time::Duration;

use async_trait::async_trait;
use dcm_ca::{Signed, SigningBackend, SigningError, SigningOrder};
use dcm_pki::Provisioner;
use dcm_types::Timestamp;
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::connection::Connection;
use crate::vault::lines;

const SIGN: &str = "/1.0/sign";
/// How long a token is good; it is used at once, by a clock that may differ a little.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// A provisioner of a step-ca.
pub(crate) struct StepCa {
    pub(crate) connection: Connection,
    /// Its name there.
    pub(crate) provisioner: String,
    pub(crate) key: Provisioner,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    crt: String,
    #[serde(default)]
    ca: String,
    #[serde(default, rename = "certChain")]
    chain: Vec<String>,
}

#[async_trait]
impl SigningBackend for StepCa {
    fn name(&self) -> &'static str {
        "step-ca"
    }

    async fn sign(&self, order: &SigningOrder<'_>) -> Result<Signed, SigningError> {
        let token = self.key.token(&self.claims(order));
        let token =
            token.ok_or_else(|| SigningError::Refused("no token can be signed".to_owned()))?;
        let body = json!({
            "csr": order.request_pem,
            "ott": token.expose_secret(),
            "notAfter": later(order.now, order.life).to_string(),
        });
        let answer: Answer = self.connection.post(SIGN, None, &body).await?;
        let chain = match answer.chain.as_slice() {
            [] => vec![answer.crt, answer.ca],
            chain => chain.to_vec(),
        };
        Ok(Signed::Chain(lines(chain.into_iter())))
    }
}

impl StepCa {
    fn claims(&self, order: &SigningOrder<'_>) -> Value {
        let uri = order.trust_domain.map(|name| format!("spiffe://{name}"));
        let now = order.now.as_second();
        json!({
            "iss": self.provisioner,
            "aud": format!("{}{SIGN}", self.connection.address()),
            "sub": order.common_name,
            "sans": [uri.unwrap_or_else(|| order.common_name.to_owned())],
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFE.as_secs(),
            "jti": Uuid::new_v4().to_string(),
        })
    }
}

/// In whole seconds.
fn later(now: Timestamp, life: Duration) -> Timestamp {
    let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    let end = now.as_second().saturating_add(seconds);
    Timestamp::from_second(end).unwrap_or(Timestamp::MAX)
}
