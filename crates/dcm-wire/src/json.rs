//! Strict decoding of a body: one JSON value, of limited depth, in which no member is repeated.
//!
//! `serde_json` alone would let the last of two equal members win, so that a check by one reader
//! and a use by another could see different values.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use dcm_types::Violation;

/// Deepest nesting of arrays and objects that is read (T33).
pub const DEPTH_LIMIT: usize = 32;

/// Why a body is not JSON that we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no body.
    #[error("the body is empty")]
    Empty,
    /// It is not one JSON value within the limits; the text says where and why.
    #[error("the body is not the JSON that is expected here: {0}")]
    Malformed(String),
}

/// Decodes a body.
pub fn decode(body: &[u8]) -> Result<Value, Error> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::Empty);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .map_err(|error| Error::Malformed(error.to_string()))?;
    deserializer
        .end()
        .map_err(|error| Error::Malformed(error.to_string()))?;
    Ok(value)
}

/// Builds a [`Value`] and refuses what the module's first lines say.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= DEPTH_LIMIT {
            return Err(E::custom(format!(
                "nested deeper than {DEPTH_LIMIT} levels"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if members.contains_key(&name) {
                let shown = Violation::new("", &name).got;
                return Err(de::Error::custom(format!(
                    "the member '{shown}' is repeated"
                )));
            }
            let value = access.next_value_seed(inner)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn depth_is_limited_exactly() {
        assert!(decode(nested(DEPTH_LIMIT).as_bytes()).is_ok());
        assert!(decode(nested(DEPTH_LIMIT + 1).as_bytes()).is_err());
        assert!(decode(nested(100_000).as_bytes()).is_err());
        let objects = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
        assert!(decode(objects.as_bytes()).is_err());
    }

    #[test]
    fn a_repeated_member_is_refused_at_every_level() {
        let error = decode(br#"{"a":{"b":1,"b":2}}"#).unwrap_err();
        assert!(error.to_string().contains("'b' is repeated"), "{error}");
        assert!(decode(br#"{"a":1,"\u0061":2}"#).is_err());
    }

    #[test]
    fn exactly_one_value_is_read() {
        assert_eq!(decode(b" \r\n\t"), Err(Error::Empty));
        assert!(decode(b"{} {}").is_err());
        assert!(decode(b"{}x").is_err());
        assert!(decode(b"{}\n").is_ok());
    }

    #[test]
    fn numbers_out_of_range_and_bad_text_are_refused() {
        for body in [
            &b"1e999999"[..],
            b"{\"a\":\"\\ud800\"}",
            b"\"\xff\"",
            b"NaN",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"// comment\n{}",
            b"\xef\xbb\xbf{}",
        ] {
            assert!(decode(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
    }
}
