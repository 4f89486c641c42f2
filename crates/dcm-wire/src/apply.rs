//! Lists of documents with their places, as `POST /v2/apply` takes them, and what became of them.
//!
//! A place is the path of the single call below `/v2/`: that of a collection, as a POST has it, or that
//! of the document, as a PUT has it; or that of an action. The document is read by the reader of the
//! single call.

mod place;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use dcm_types::{Entry, Fault, Key, Kind, Violation};

use crate::json;
use crate::refusal::{Decoded, FieldValidation, Refusal, UnknownMember};

pub use place::place_of;

/// How many entries a list may have.
pub const ENTRY_LIMIT: usize = 1000;
/// How many faults of a list are told.
const FAULT_LIMIT: usize = 128;
/// How many unknown members of a list are told.
const UNKNOWN_LIMIT: usize = 16;

/// An entry of a list that is applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplyEntry {
    /// The path of the single call, relative to `/v2/`: of a collection, of a document, or of an action.
    pub path: String,
    /// The document, as the single call takes it; none for an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub document: Option<Value>,
}

/// What became of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AppliedList {
    /// Nothing was written.
    pub dry_run: bool,
    /// Entry by entry, in the order of the list.
    pub entries: Vec<AppliedEntry>,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AppliedEntry {
    /// The path of the document, relative to `/v2/`; of an action, that of its logical cloud.
    pub path: String,
    /// What was done, or would be.
    pub result: ApplyResult,
    /// The entity tag of the document; none when a dry run did not make it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The generation to wait for; of an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
}

/// What was done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ApplyResult {
    /// It did not exist.
    Created,
    /// It was another one.
    Updated,
    /// It was so already.
    Unchanged,
    /// The action was accepted.
    Accepted,
}

impl AppliedEntry {
    /// What became of the entry of a document.
    pub fn of(key: &Key, result: ApplyResult, version: Option<u64>) -> Self {
        Self {
            path: place_of(key),
            result,
            etag: version.map(|version| format!("\"{version}\"")),
            generation: None,
        }
    }
}

/// What was found wrong in the entries so far.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    unknown: Vec<UnknownMember>,
    faults: Vec<Fault>,
    undecodable: bool,
}

/// Reads a list.
pub fn read_apply(
    body: &[u8],
    validation: FieldValidation,
) -> Result<Decoded<Vec<Entry>>, Refusal> {
    let Value::Array(items) = json::decode(body)? else {
        let violation = Violation::hidden("must be an array of entries");
        return Err(Refusal::undecodable(vec![violation.at("body")]));
    };
    if items.len() > ENTRY_LIMIT {
        let rule = format!("must have at most {ENTRY_LIMIT} entries");
        let violation = Violation::new(rule, &items.len().to_string());
        return Err(Refusal::invalid(vec![
            violation
                .hint("send them as several lists, parents first")
                .at("body"),
        ]));
    }
    let mut found = Found::default();
    for (index, item) in items.iter().enumerate() {
        found.take(index, item, validation);
    }
    found.finish()
}

impl Found {
    fn take(&mut self, index: usize, item: &Value, validation: FieldValidation) {
        let Value::Object(members) = item else {
            let violation = Violation::hidden("must be an object with 'path' and 'document'");
            self.faults.push(violation.at(format!("[{index}]")));
            self.undecodable = true;
            return;
        };
        self.take_unknown(index, members, validation);
        let path = match members.get("path") {
            Some(Value::String(path)) => path,
            Some(_) => {
                let violation = Violation::hidden("must be a string");
                self.faults.push(violation.at(format!("[{index}].path")));
                self.undecodable = true;
                return;
            }
            None => {
                let violation = Violation::hidden("is required")
                    .hint("the path of the single call below /v2/, for example 'projects'");
                self.faults.push(violation.at(format!("[{index}].path")));
                return;
            }
        };
        let document = members.get("document").unwrap_or(&Value::Null);
        match place::read(path, document, validation) {
            Ok(Decoded { draft, unknown }) => {
                self.entries.push(draft);
                let named = unknown.into_iter().map(|member| UnknownMember {
                    field: format!("[{index}].document.{}", member.field),
                    ..member
                });
                self.unknown.extend(named);
            }
            Err(refusal) => {
                self.undecodable |= refusal.kind == Kind::Undecodable;
                let named = refusal.faults.into_iter().map(|fault| Fault {
                    field: field_within(index, &fault.field),
                    ..fault
                });
                self.faults.extend(named);
            }
        }
    }

    fn take_unknown(
        &mut self,
        index: usize,
        members: &Map<String, Value>,
        validation: FieldValidation,
    ) {
        let unknown = members
            .keys()
            .filter(|name| !matches!(name.as_str(), "path" | "document"));
        for name in unknown {
            // Names of callers are cut and made printable by whoever tells of a value.
            let shown = Violation::new("", name).got;
            let field = format!("[{index}].{shown}");
            match validation {
                FieldValidation::Ignore => {}
                FieldValidation::Warn => self.unknown.push(UnknownMember {
                    field,
                    nearest: None,
                }),
                FieldValidation::Strict => self
                    .faults
                    .push(Violation::hidden("is not a known member").at(field)),
            }
        }
    }

    fn finish(mut self) -> Result<Decoded<Vec<Entry>>, Refusal> {
        self.faults.truncate(FAULT_LIMIT);
        self.unknown.truncate(UNKNOWN_LIMIT);
        if self.undecodable {
            return Err(Refusal::undecodable(self.faults));
        }
        if !self.faults.is_empty() {
            return Err(Refusal::invalid(self.faults));
        }
        Ok(Decoded {
            draft: self.entries,
            unknown: self.unknown,
        })
    }
}

/// A field of an entry, as the caller of the list sees it.
fn field_within(index: usize, field: &str) -> String {
    match field {
        place::PATH => format!("[{index}].path"),
        "body" => format!("[{index}].document"),
        field => format!("[{index}].document.{field}"),
    }
}
