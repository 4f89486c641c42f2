//! The `metadata` of every document: its name, and free text.

use serde::{Deserialize, Serialize};

use dcm_types::documents::Metadata;
use dcm_types::{Description, UserData, Violation};

use crate::object::{Member, Object, member};

/// Name and free text of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MetadataDocument {
    /// The name; on a PUT it may be left out, and is that of the path.
    #[serde(default)]
    pub name: String,
    /// At most 1024 characters.
    #[serde(default)]
    pub description: String,
    /// At most 512 characters.
    #[serde(default)]
    pub user_data1: String,
    /// At most 512 characters.
    #[serde(default)]
    pub user_data2: String,
}

impl MetadataDocument {
    /// The name and free text of a stored document.
    pub fn of(name: &str, metadata: &Metadata) -> Self {
        Self {
            name: name.to_owned(),
            description: metadata.description.as_str().to_owned(),
            user_data1: metadata.user_data1.as_str().to_owned(),
            user_data2: metadata.user_data2.as_str().to_owned(),
        }
    }

    /// A name without free text.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

const METADATA: &[Member] = &[
    member("name"),
    member("description"),
    member("userData1"),
    member("userData2"),
];

/// Reads the member `metadata`. Without a name in the body, that of the path counts.
pub(super) fn read_metadata<N: Clone + PartialEq>(
    body: &Object<'_>,
    path_name: Option<&N>,
    parse: impl Fn(&str) -> Result<N, Violation>,
) -> Option<(N, Metadata)> {
    let object = body.object("metadata", METADATA)?;
    let text = read_texts(&object);
    let name = read_name(&object, path_name, parse);
    Some((name?, text?))
}

/// Reads the member `name`, which must be that of the path if there is one.
pub(super) fn read_name<N: Clone + PartialEq>(
    object: &Object<'_>,
    path_name: Option<&N>,
    parse: impl Fn(&str) -> Result<N, Violation>,
) -> Option<N> {
    let Some(path_name) = path_name else {
        return object.required("name", parse);
    };
    if !object.has("name") {
        return Some(path_name.clone());
    }
    object.required("name", |text| {
        let name = parse(text)?;
        if name != *path_name {
            return Err(Violation::new("must be the name in the path", text));
        }
        Ok(name)
    })
}

/// Reads the free text beside a name.
pub(super) fn read_texts(object: &Object<'_>) -> Option<Metadata> {
    let description = read_text(object, "description", Description::parse);
    let user_data1 = read_text(object, "userData1", UserData::parse);
    let user_data2 = read_text(object, "userData2", UserData::parse);
    Some(Metadata {
        description: description?,
        user_data1: user_data1?,
        user_data2: user_data2?,
    })
}

fn read_text<T>(
    object: &Object<'_>,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, Violation>,
) -> Option<T> {
    let text = object.text(name).unwrap_or_default();
    object.report().keep(&object.path_of(name), parse(text))
}
