//! Whose kubeconfig is asked for, and with what in it.

use axum::extract::FromRequestParts;
use dcm_app::{AskedKubeconfig, KubeconfigForm};
use dcm_types::{UserName, Violation};
use http::Uri;
use http::request::Parts;

use super::query::Parameters;
use crate::error::ApiError;

/// The query parameter `user`.
pub(crate) struct OfUser(pub(crate) Option<UserName>);

impl<S: Send + Sync> FromRequestParts<S> for OfUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Parameters::of(parts)?
            .parse("user", UserName::parse)
            .map(Self)
    }
}

/// The query parameters `user` and `exec`.
pub(crate) struct OfKubeconfig(pub(crate) AskedKubeconfig);

impl<S: Send + Sync> FromRequestParts<S> for OfKubeconfig {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let parameters = Parameters::of(parts)?;
        let form = parameters.parse("exec", server)?;
        Ok(Self(AskedKubeconfig {
            user: parameters.parse("user", UserName::parse)?,
            form: form.unwrap_or_default(),
        }))
    }
}

/// Longest address of a server, in bytes.
const ADDRESS_LIMIT: usize = 256;

/// An address under which the holder of the kubeconfig reaches this server.
fn server(text: &str) -> Result<KubeconfigForm, Violation> {
    let uri: Option<Uri> = text.parse().ok();
    let usable = uri.is_some_and(|uri| {
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map(http::uri::Authority::as_str);
        let plain = authority.is_some_and(|authority| !authority.contains('@'));
        matches!(scheme, "http" | "https")
            && plain
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none()
    });
    if usable && text.len() <= ADDRESS_LIMIT {
        return Ok(KubeconfigForm::Plugin(text.to_owned()));
    }
    let rule = "must be the address of this server: http or https, host, port, and nothing else";
    Err(Violation::new(rule, text).hint("for example http://127.0.0.1:9077"))
}
