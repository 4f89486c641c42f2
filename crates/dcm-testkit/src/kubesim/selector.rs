//! Label and field selectors of lists and watches.

use serde_json::Value;

use super::message::{Refusal, Request};

/// One condition on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// All conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selector {
    labels: Vec<Condition>,
    /// JSON pointer, wanted text, and whether it must be equal.
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    pub(super) fn of(request: &Request) -> Result<Self, Refusal> {
        let text = request.parameter("labelSelector").unwrap_or_default();
        let labels = parts(text).into_iter().map(condition);
        let fields = request.parameter("fieldSelector").unwrap_or_default();
        let fields = fields.split(',').filter(|part| !part.is_empty()).map(field);
        Ok(Self {
            labels: labels.collect::<Option<_>>().ok_or_else(|| {
                Refusal::bad_request(format!("unable to parse requirement: {text}"))
            })?,
            fields: fields.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let label = |key: &str| labels.get(key).and_then(Value::as_str);
        let by_label = self.labels.iter().all(|condition| match condition {
            Condition::In(key, values) => label(key).is_some_and(|v| values.iter().any(|w| w == v)),
            Condition::NotIn(key, values) => {
                !label(key).is_some_and(|v| values.iter().any(|w| w == v))
            }
            Condition::Exists(key) => label(key).is_some(),
            Condition::Absent(key) => label(key).is_none(),
        });
        let by_field = self.fields.iter().all(|(pointer, wanted, equal)| {
            let found = object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default();
            (found == wanted) == *equal
        });
        by_label && by_field
    }
}

/// Splits at commas outside of parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (index, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

fn condition(part: &str) -> Option<Condition> {
    let list = |text: &str| -> Option<Vec<String>> {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(
            inner
                .split(',')
                .map(|value| value.trim().to_owned())
                .collect(),
        )
    };
    if let Some((key, value)) = part.split_once("!=") {
        return Some(Condition::NotIn(
            key.trim().to_owned(),
            vec![value.trim().to_owned()],
        ));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some(Condition::In(
            key.trim().to_owned(),
            vec![value.trim().to_owned()],
        ));
    }
    if let Some((key, values)) = part.split_once(" notin ") {
        return Some(Condition::NotIn(key.trim().to_owned(), list(values)?));
    }
    if let Some((key, values)) = part.split_once(" in ") {
        return Some(Condition::In(key.trim().to_owned(), list(values)?));
    }
    if part.contains([' ', '(', ')']) {
        return None;
    }
    Some(match part.strip_prefix('!') {
        Some(key) => Condition::Absent(key.trim().to_owned()),
        None => Condition::Exists(part.to_owned()),
    })
}

fn field(part: &str) -> Result<(String, String, bool), Refusal> {
    let (name, value, equal) = if let Some((name, value)) = part.split_once("!=") {
        (name, value, false)
    } else {
        let split = part.split_once("==").or_else(|| part.split_once('='));
        let (name, value) =
            split.ok_or_else(|| Refusal::bad_request(format!("invalid field selector: {part}")))?;
        (name, value, true)
    };
    if !matches!(
        name,
        "metadata.name" | "metadata.namespace" | "status.phase" | "type"
    ) {
        let message = format!("field label not supported: {name}");
        return Err(Refusal::bad_request(message));
    }
    Ok((
        format!("/{}", name.replace('.', "/")),
        value.to_owned(),
        equal,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(query: &str) -> bool {
        let request = Request::new("GET", &format!("/x?{query}"));
        let object = json!({ "metadata": { "name": "n", "labels": { "a": "1", "d/b": "2" } } });
        Selector::of(&request).unwrap().matches(&object)
    }

    #[test]
    fn every_form_of_condition_is_understood() {
        for held in [
            "",
            "labelSelector=a%3D1",
            "labelSelector=a%3D%3D1,d%2Fb",
            "labelSelector=a!%3D2",
            "labelSelector=a+in+(1,3),!c",
            "labelSelector=a+notin+(2,3)",
            "labelSelector=c+notin+(1)",
            "fieldSelector=metadata.name%3Dn",
            "fieldSelector=metadata.name!%3Dm",
        ] {
            assert!(matches(held), "{held}");
        }
        for failed in [
            "labelSelector=a%3D2",
            "labelSelector=c",
            "labelSelector=!a",
            "labelSelector=a+in+(2)",
            "labelSelector=a,d%2Fb%3D3",
            "fieldSelector=metadata.name%3Dm",
        ] {
            assert!(!matches(failed), "{failed}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for bad in [
            "labelSelector=a+in+1",
            "labelSelector=a+b",
            "fieldSelector=spec.x%3D1",
            "fieldSelector=x",
        ] {
            let request = Request::new("GET", &format!("/x?{bad}"));
            assert_eq!(Selector::of(&request).unwrap_err().code, 400, "{bad}");
        }
    }
}
