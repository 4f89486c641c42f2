//! Users of a logical cloud.

use serde::{Deserialize, Serialize};

use dcm_types::documents::User;
use dcm_types::drafts::UserDraft;
use dcm_types::{Timestamp, UserName};

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
}

/// How a user proves who they are in the members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialSpec {
    /// `certificate`, also when empty, or `service-account`: the token of a service account, where
    /// clusters sign no client certificates.
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub credential: String,
}

impl UserDocument {
    /// The document of a stored user.
    pub fn of(user: &User) -> Self {
        Self {
            metadata: MetadataDocument::of(user.name.as_str(), &user.metadata),
            spec: CredentialSpec {
                credential: show_credential(user.credential).to_owned(),
            },
            status: Some(UserStatus {
                identity_generation: user.identity_generation,
                revoked_at: user.revoked_at,
            }),
        }
    }
}

const DOCUMENT: &[Member] = &[member("metadata"), member("spec"), member("status")];
const SPEC: &[Member] = &[member("type")];

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
        let credential = spec.parsed("type", parse_credential).unwrap_or_default();
        let (name, metadata) = named?;
        Some(UserDraft {
            name,
            metadata,
            credential,
        })
    })
}
