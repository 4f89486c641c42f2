//! What a cluster gave as a token of a `ServiceAccount`: accepted only if it says that it is what was asked
//! for. The cluster that signed it is the only one that will be shown it, so its signature is not checked.
#![deny(clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dcm_types::Timestamp;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::certificate::Validity;

/// Longest token that is looked at, in bytes.
const TOKEN_LIMIT: usize = 16 * 1024;
/// How far its beginning may lie in the future, because clocks differ.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Why a token is not the one that was asked for. It quotes nothing of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenMismatch {
    /// It is not a token that tells of itself.
    #[error("the answer is not a token: it {0}")]
    Unreadable(&'static str),
    /// It is for somebody else.
    #[error("the token is for another subject")]
    Subject,
    /// It is bound to another account of the name.
    #[error("the token is bound to another service account of that name")]
    Account,
    /// It begins more than 10 minutes from now, is over, or ends before it begins.
    #[error("the token is not valid now")]
    NotNow,
}

/// What a token says of itself.
#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    sub: std::borrow::Cow<'a, str>,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default, rename = "kubernetes.io", borrow)]
    kubernetes: Option<Kubernetes<'a>>,
}

#[derive(Deserialize)]
struct Kubernetes<'a> {
    #[serde(default, borrow)]
    serviceaccount: Option<Account<'a>>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow)]
    uid: std::borrow::Cow<'a, str>,
}

/// Checks that a token is for exactly our subject, bound to exactly our account, and valid now; tells
/// from when to when.
pub fn verify_token(
    token: &SecretString,
    subject: &str,
    account_uid: &str,
    now: Timestamp,
) -> Result<Validity, TokenMismatch> {
    let payload = payload(token.expose_secret())?;
    // The library's error may quote the text, so it is not kept.
    let claims: Claims<'_> = serde_json::from_slice(&payload)
        .map_err(|_| TokenMismatch::Unreadable("must say whom it is for and when it ends"))?;
    if claims.sub != subject {
        return Err(TokenMismatch::Subject);
    }
    let bound = claims.kubernetes.and_then(|of| of.serviceaccount);
    if bound.is_none_or(|account| account.uid != account_uid) {
        return Err(TokenMismatch::Account);
    }
    let moment = |seconds| Timestamp::from_second(seconds).map_err(|_| TokenMismatch::NotNow);
    let not_after = moment(claims.exp)?;
    let not_before = claims.nbf.map_or(Ok(now), moment)?;
    let begins_late = not_before.duration_since(now) > SKEW;
    if begins_late || not_after <= now || not_after <= not_before {
        return Err(TokenMismatch::NotNow);
    }
    Ok(Validity {
        not_before,
        not_after,
    })
}

/// The middle one of the three parts, decoded.
fn payload(token: &str) -> Result<Zeroizing<Vec<u8>>, TokenMismatch> {
    if token.len() > TOKEN_LIMIT {
        return Err(TokenMismatch::Unreadable("must be at most 16 KiB"));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !token.bytes().all(is_plain) {
        return Err(TokenMismatch::Unreadable(
            "must be letters, digits, '-', '_' and '.'",
        ));
    }
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenMismatch::Unreadable("must have three parts"));
    };
    let decoded = URL_SAFE_NO_PAD.decode(payload).map(Zeroizing::new);
    decoded.map_err(|_| TokenMismatch::Unreadable("must be base64 between its dots"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SUBJECT: &str = "system:serviceaccount:dcm-system:dcm-bob-000000000000";

    fn token(claims: &Value) -> SecretString {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let payload = part(&claims.to_string());
        SecretString::from(format!("{}.{payload}.{}", part("{}"), part("signature")))
    }

    fn claims() -> Value {
        json!({
            "sub": SUBJECT, "nbf": 1000, "exp": 4000, "aud": ["https://kubernetes.default.svc"],
            "kubernetes.io": { "namespace": "dcm-system", "serviceaccount": { "name": "x", "uid": "u1" } },
        })
    }

    fn verdict(token: &SecretString) -> Result<Validity, TokenMismatch> {
        verify_token(token, SUBJECT, "u1", Timestamp::from_second(1000).unwrap())
    }

    #[test]
    fn a_token_for_us_tells_from_when_to_when() {
        let validity = verdict(&token(&claims())).unwrap();
        assert_eq!(validity.not_before.as_second(), 1000);
        assert_eq!(validity.not_after.as_second(), 4000);
    }

    #[test]
    fn a_token_that_is_not_ours_is_refused() {
        let rows = [
            (
                "/sub",
                json!("system:serviceaccount:dcm-system:other"),
                TokenMismatch::Subject,
            ),
            (
                "/kubernetes.io/serviceaccount/uid",
                json!("u2"),
                TokenMismatch::Account,
            ),
            (
                "/kubernetes.io/serviceaccount",
                Value::Null,
                TokenMismatch::Account,
            ),
            ("/kubernetes.io", Value::Null, TokenMismatch::Account),
            ("/exp", json!(1000), TokenMismatch::NotNow),
            ("/exp", json!(i64::MAX), TokenMismatch::NotNow),
            ("/nbf", json!(1601), TokenMismatch::NotNow),
        ];
        for (pointer, value, expected) in rows {
            let mut claims = claims();
            *claims.pointer_mut(pointer).unwrap() = value;
            assert_eq!(verdict(&token(&claims)), Err(expected), "{pointer}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_quoted() {
        let long = "a".repeat(TOKEN_LIMIT + 1);
        for text in [
            "",
            "a.b",
            "a.b.c.d",
            "a.$.c",
            "a.e30.c",
            "a.e30\n.c",
            "a. .c",
            &long,
        ] {
            let error = verdict(&SecretString::from(text)).unwrap_err();
            assert!(matches!(error, TokenMismatch::Unreadable(_)), "{text}");
        }
    }
}
