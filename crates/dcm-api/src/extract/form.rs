//! A cluster to register, as JSON or as the form of the later system: the part `metadata` with the
//! document, the part `file` with the kubeconfig. Other parts are ignored.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Request};
use dcm_types::drafts::ClusterDraft;
use dcm_types::{ClusterName, Violation};
use dcm_wire::documents::{ClusterUpload, read_cluster, read_cluster_upload};
use dcm_wire::{Decoded, Refusal};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use secrecy::SecretString;

use super::Write;
use super::body::receive;
use crate::error::ApiError;

/// A write of a cluster.
pub(crate) struct ClusterWrite {
    /// The write.
    pub(crate) write: Write,
    upload: Option<ClusterUpload>,
}

impl ClusterWrite {
    /// Reads the document and its kubeconfig.
    pub(crate) fn decode(
        &self,
        path_name: Option<&ClusterName>,
    ) -> Result<Decoded<ClusterDraft>, ApiError> {
        self.write.decode(|body, mode| match &self.upload {
            Some(upload) => read_cluster_upload(upload, path_name, mode),
            None => read_cluster(body, path_name, mode),
        })
    }

    /// Whether it came as a form, so that faults of the kubeconfig are those of a part.
    pub(crate) fn is_form(&self) -> bool {
        self.upload.is_some()
    }
}

impl<S: Send + Sync> FromRequest<S> for ClusterWrite {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Some(media_type) = form_type(request.headers()) else {
            let write = Write::from_request(request, state).await?;
            return Ok(Self {
                write,
                upload: None,
            });
        };
        let write = receive(request, state).await?;
        let upload = read_form(media_type, write.bytes()).await?;
        Ok(Self {
            write,
            upload: Some(upload),
        })
    }
}

/// The media type of a request that is a form by its own word.
fn form_type(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(CONTENT_TYPE)?;
    let text = value.to_str().ok()?;
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence
        .eq_ignore_ascii_case("multipart/form-data")
        .then(|| value.clone())
}

/// The parts of a form that was received as a whole.
async fn read_form(media_type: HeaderValue, body: Bytes) -> Result<ClusterUpload, ApiError> {
    let mut request = Request::new(Body::from(body));
    request.headers_mut().insert(CONTENT_TYPE, media_type);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| malformed("body", "a form with a boundary in its Content-Type"))?;
    let broken = || malformed("body", "a well-formed multipart/form-data");
    let (mut metadata, mut file) = (None, None);
    while let Some(part) = form.next_field().await.map_err(|_| broken())? {
        let name = part.name().unwrap_or_default().to_owned();
        let slot = match name.as_str() {
            "metadata" => &mut metadata,
            "file" => &mut file,
            _ => continue,
        };
        let content = part.bytes().await.map_err(|_| broken())?;
        if slot.replace(content).is_some() {
            return Err(malformed(&name, "given once"));
        }
    }
    let metadata = metadata.filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
        let violation = Violation::hidden("is required").hint("the part 'metadata' holds the JSON");
        ApiError::parameter("metadata", violation)
    })?;
    Ok(ClusterUpload {
        metadata: metadata.to_vec(),
        file: file.map(|bytes| text_of(&bytes)).transpose()?,
    })
}

fn text_of(bytes: &[u8]) -> Result<SecretString, ApiError> {
    std::str::from_utf8(bytes)
        .map(SecretString::from)
        .map_err(|_| ApiError::parameter("file", Violation::hidden("must be UTF-8 text")))
}

/// 422: the body is not what it says that it is.
fn malformed(field: &str, expected: &str) -> ApiError {
    let violation = Violation::hidden(format!("must be {expected}"));
    ApiError::from(Refusal::undecodable(vec![violation.at(field)]))
}
