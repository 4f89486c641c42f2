//! A document as it lies in the collection: readable with every tool of MongoDB, and given back byte for byte.
//!
//! ```text
//!   _id      "quota/project/cloud/name"          kind, path   the same, apart
//!   number   version                             touched      assertions since
//!   indexes  ["cluster=provider/name", ...]      schema, body
//! ```
//!
//! Documents of the store itself have an `_id` that begins with `~`, which no kind does.

use dcm_types::{DocumentKind, Index, Key};
use mongodb::bson::{Bson, Document, doc};

use crate::store::{Error, Stored, Version};

/// The counter of version numbers, and what is true of the whole store.
pub(super) const STORE: &str = "~store";
/// Begins the ids of leases.
pub(super) const LEASE: &str = "~lease/";
/// Begins the ids of commits that were done.
pub(super) const OPERATION: &str = "~operation/";
/// The kind of a placeholder that is made and deleted in one transaction.
pub(super) const ABSENT: &str = "~absent";

/// The largest document that MongoDB takes.
const LARGEST: usize = 16 * 1024 * 1024;
/// What the version and the server's own bookkeeping may add to what we measure.
const ROOM: usize = 16 * 1024;
/// A body that is nested deeper is kept as text; MongoDB takes 100 levels.
const DEEPEST: usize = 60;

/// The `_id` of a document.
pub(super) fn id(key: &Key) -> String {
    key.to_string()
}

/// The key that an `_id` stands for; `None` for documents of the store itself, and for strangers.
pub(super) fn key_of(id: &str) -> Option<Key> {
    let (kind, path) = id.split_once('/')?;
    Some(Key::from_stored(
        DocumentKind::parse(kind)?,
        path.to_owned(),
    ))
}

/// How an index value stands in a document.
pub(super) fn entry(index: Index, value: &str) -> String {
    format!("{}={value}", index.as_str())
}

/// A document without its version; refused when it is larger than the server takes.
pub(super) fn encode(
    key: &Key,
    schema: u32,
    indexes: &[(Index, String)],
    body: &str,
) -> Result<Document, Error> {
    let entries: Vec<String> = indexes.iter().map(|(i, value)| entry(*i, value)).collect();
    let document = doc! {
        "kind": key.kind().as_str(),
        "path": key.path(),
        "schema": i64::from(schema),
        "indexes": entries,
        "body": fields(body).map_or_else(|| Bson::String(body.to_owned()), Bson::Document),
    };
    let bytes = document
        .to_vec()
        .map_err(|error| Error::Backend {
            doing: "write a document as BSON",
            source: error.to_string().into(),
        })?
        .len();
    if bytes > LARGEST - ROOM {
        return Err(Error::TooLarge {
            key: key.clone(),
            bytes,
            limit: LARGEST - ROOM,
        });
    }
    Ok(document)
}

/// What must be read of a document to know its version.
pub(super) fn version_only() -> Document {
    doc! { "number": 1, "touched": 1 }
}

/// The version of a document.
pub(super) fn version(document: &Document) -> Result<Version, Error> {
    Ok(Version {
        number: whole(document, "number")?,
        touched: whole(document, "touched")?,
    })
}

/// What is there, as it was given.
pub(super) fn stored(mut document: Document) -> Result<Stored, Error> {
    let key = document.get_str("_id").ok().and_then(key_of);
    let key = key.ok_or_else(|| strange(&document, "_id"))?;
    let version = version(&document)?;
    let schema = u32::try_from(whole(&document, "schema")?);
    let schema = schema.map_err(|_| strange(&document, "schema"))?;
    let body = match document.remove("body") {
        Some(Bson::String(text)) => text,
        Some(Bson::Document(fields)) => {
            serde_json::to_string(&fields).map_err(|_| strange(&document, "body"))?
        }
        _ => return Err(strange(&document, "body")),
    };
    Ok(Stored {
        key,
        version,
        schema,
        body,
    })
}

/// Whether a field is exactly this text.
pub(super) fn says(document: &Document, field: &str, text: &str) -> bool {
    document.get_str(field).is_ok_and(|found| found == text)
}

/// A number that is never negative; servers and tools may have stored it in fewer bits.
pub(super) fn whole(document: &Document, field: &'static str) -> Result<u64, Error> {
    let number = match document.get(field) {
        Some(Bson::Int64(number)) => *number,
        Some(Bson::Int32(number)) => i64::from(*number),
        _ => return Err(strange(document, field)),
    };
    u64::try_from(number).map_err(|_| strange(document, field))
}

/// A document that we did not write so.
#[derive(Debug, thiserror::Error)]
#[error("document '{id}' has a field '{field}' that this program did not write")]
struct Strange {
    id: String,
    field: &'static str,
}

fn strange(document: &Document, field: &'static str) -> Error {
    let id = document
        .get_str("_id")
        .unwrap_or("without a text as its _id");
    Error::Backend {
        doing: "understand a document",
        source: Box::new(Strange {
            id: id.to_owned(),
            field,
        }),
    }
}

/// The fields of a JSON text, if they give back exactly this text and no server minds their names.
fn fields(text: &str) -> Option<Document> {
    if text.contains("\"$") || text.contains("\\u0000") || depth(text) > DEEPEST {
        return None;
    }
    let fields: Document = serde_json::from_str(text).ok()?;
    let again = serde_json::to_string(&fields).ok()?;
    (again == text).then_some(fields)
}

/// At least how deep a JSON text is nested; brackets within text are counted as well, which does no harm.
fn depth(text: &str) -> usize {
    let (_, deepest) = text.bytes().fold((0_usize, 0), |(now, deepest), byte| {
        let now = match byte {
            b'{' | b'[' => now + 1,
            b'}' | b']' => now.saturating_sub(1),
            _ => now,
        };
        (now, deepest.max(now))
    });
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::from_stored(DocumentKind::Quota, "p/c/q".to_owned())
    }

    fn through(body: &str) -> (bool, String) {
        let mut document = encode(&key(), 2, &[(Index::Cloud, "u".to_owned())], body).unwrap();
        let apart = matches!(document.get("body"), Some(Bson::Document(_)));
        document.insert("_id", id(&key()));
        document.insert("number", 7_i64);
        document.insert("touched", 0_i32);
        let bytes = document.to_vec().unwrap();
        let stored = stored(Document::from_reader(bytes.as_slice()).unwrap()).unwrap();
        assert_eq!((stored.key, stored.schema), (key(), 2));
        assert_eq!(
            stored.version,
            Version {
                number: 7,
                touched: 0
            }
        );
        (apart, stored.body)
    }

    #[test]
    fn bodies_are_kept_as_fields_where_that_gives_back_the_same_text() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        for (body, apart) in [
            (r#"{"b":1,"a":{"x.y/z":[true,null,-1.5]}}"#, true),
            (r#"{"large":9223372036854775807,"text":"\u0001ü"}"#, true),
            (r#"{"larger":9223372036854775808}"#, false),
            (r#"{"space": 1}"#, false),
            (r#"{"exponent":1e2}"#, false),
            (r#"{"$set":{"$oid":"0123456789abcdef01234567"}}"#, false),
            (r#"{"nul\u0000":1}"#, false),
            (r#"{"twice":1,"twice":2}"#, false),
            ("[1]", false),
            (r#""text""#, false),
            ("", false),
            ("\u{0}", false),
            (deep.as_str(), false),
        ] {
            assert_eq!(through(body), (apart, body.to_owned()));
        }
    }

    #[test]
    fn a_document_that_the_server_would_refuse_names_its_key_and_the_limit() {
        let text = |length: usize| format!("\"{}\"", "x".repeat(length));
        assert!(encode(&key(), 1, &[], &text(LARGEST - ROOM - 200)).is_ok());
        let refused = encode(&key(), 1, &[], &text(LARGEST - ROOM)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "quota/p/c/q has 16760912 bytes, the store takes at most 16760832"
        );
        assert!(!refused.retryable());
    }

    #[test]
    fn ids_of_the_store_itself_are_no_keys() {
        assert_eq!(key_of("quota/p/c/q"), Some(key()));
        for id in [
            STORE,
            "~lease/sync",
            "~operation/1",
            "quota",
            "quotas/p/c/q",
        ] {
            assert_eq!(key_of(id), None, "{id}");
        }
    }

    #[test]
    fn fields_of_strangers_are_named() {
        let document = doc! { "_id": "quota/p", "number": "seven", "touched": 0 };
        let strange = dcm_types::chain(&version(&document).unwrap_err());
        assert!(
            strange.ends_with(
                "document 'quota/p' has a field 'number' that this program did not write"
            ),
            "{strange}"
        );
    }
}
