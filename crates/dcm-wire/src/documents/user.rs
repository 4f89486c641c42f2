//! Users of a logical cloud.

use serde::{Deserialize, Serialize};

use dcm_types::documents::{CredentialKind, User};
use dcm_types::drafts::UserDraft;
use dcm_types::{Timestamp, UserName, Violation};

use super::logical_cloud::{parse_credential, show_credential};
use super::metadata::read_metadata;
use super::{MetadataDocument, read};
use crate::object::{Member, Object, member};
use crate::refusal::{Decoded, FieldValidation, Refusal};

/// A user of a logical cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserDocument {
    /// Name and free text. The name is for people; what a certificate carries is made by the server.
    pub metadata: MetadataDocument,
    /// How the user proves who they are.
    #[serde(default)]
    pub spec: CredentialSpec,
    /// Who they are in the members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(read_only))]
    pub status: Option<UserStatus>,
}

/// Who a user is in the members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserStatus {
    /// Grows with each revocation; what was issued for an earlier one opens nothing.
    pub identity_generation: u64,
    /// When the last revocation was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// For the type `signing-request`: the common name that must be the whole subject of the request. A
    /// revocation changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_name: Option<String>,
    /// `signing-request` while none is here for this common name, and the user can have no certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// How a user proves who they are in the members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialSpec {
    /// `certificate`, also when empty; `service-account`: the token of a service account, where clusters
    /// sign no client certificates; `signing-request`: a certificate for a key that its holder keeps.
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub credential: String,
    /// For the type `signing-request`, which it implies: the request (PKCS#10, PEM) for the key, whose
    /// subject is exactly the common name in the status. When empty, what is there stays.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub csr: String,
}

impl UserDocument {
    /// The document of a stored user, and who they are in the members.
    pub fn of(user: &User, identity: &str) -> Self {
        let keeps_key = user.credential == CredentialKind::SigningRequest;
        let waits = keeps_key && user.signing_request.is_none();
        Self {
            metadata: MetadataDocument::of(user.name.as_str(), &user.metadata),
            spec: CredentialSpec {
                credential: show_credential(user.credential).to_owned(),
                csr: user.signing_request.clone().unwrap_or_default(),
            },
            status: Some(UserStatus {
                identity_generation: user.identity_generation,
                revoked_at: user.revoked_at,
                common_name: keeps_key.then(|| identity.to_owned()),
                waits_for: waits.then(|| show_credential(user.credential).to_owned()),
            }),
        }
    }
}

const DOCUMENT: &[Member] = &[member("metadata"), member("spec"), member("status")];
const SPEC: &[Member] = &[member("type"), member("csr")];

/// Reads a user.
pub fn read_user_document(
    body: &[u8],
    path_name: Option<&UserName>,
    validation: FieldValidation,
) -> Result<Decoded<UserDraft>, Refusal> {
    read(body, validation, |value, report| {
        let body = Object::body(value, DOCUMENT, report)?;
        let named = read_metadata(&body, path_name, UserName::parse);
        let spec = body.object("spec", SPEC)?;
        let (credential, signing_request) = read_credential(&spec);
        let (name, metadata) = named?;
        Some(UserDraft {
            name,
            metadata,
            credential,
            signing_request,
        })
    })
}

/// The type, and the request that goes with one of them.
fn read_credential(spec: &Object<'_>) -> (CredentialKind, Option<String>) {
    let text = |text: &str| Ok::<_, Violation>(text.to_owned());
    let request = spec
        .parsed("csr", text)
        .filter(|text| !text.trim().is_empty());
    let given = spec.parsed("type", parse_credential);
    let default = if request.is_some() {
        CredentialKind::SigningRequest
    } else {
        CredentialKind::default()
    };
    let credential = given.unwrap_or(default);
    if request.is_some() && credential != CredentialKind::SigningRequest {
        let violation = Violation::hidden("is taken for the type signing-request only")
            .hint("leave it out, or the type");
        spec.report().invalid(violation.at(spec.path_of("csr")));
    }
    (credential, request)
}
