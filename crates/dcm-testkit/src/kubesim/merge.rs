//! What server-side apply does with values: which fields there are, what differs, merge, take away.

use serde_json::{Map, Value, json};

use super::fields::FieldSet;
use super::shape::{Shape, Walk};

/// What differs between two values.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) removed: FieldSet,
}

/// The step of an item of a list.
fn item_step(shape: Shape, item: &Value) -> String {
    match shape {
        Shape::Keyed(keys, _) => {
            let keys: Map<String, Value> = keys
                .iter()
                .map(|key| ((*key).to_owned(), item[*key].clone()))
                .collect();
            format!("k:{}", Value::Object(keys))
        }
        _ => format!("v:{item}"),
    }
}

/// Steps, values and shapes below a value that is walked into.
fn members(shape: Shape, value: &Value) -> Vec<(String, &Value, Shape)> {
    match value {
        Value::Object(map) => {
            let members = map.iter();
            members
                .map(|(name, value)| (format!("f:{name}"), value, shape.field(name)))
                .collect()
        }
        Value::Array(items) => {
            let items = items.iter();
            items
                .map(|item| (item_step(shape, item), item, shape.item()))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn is_empty_map(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// The fields that a value has.
pub(super) fn fields(value: &Value, shape: Shape) -> FieldSet {
    let mut set = FieldSet::default();
    let is_list = shape.walk(value) == Walk::List;
    for (step, inner, inner_shape) in members(shape, value) {
        let whole = inner_shape.walk(inner) == Walk::Whole;
        let named = step
            .strip_prefix("f:")
            .is_some_and(|name| shape.names(name));
        if whole || is_list || is_empty_map(inner) || !named {
            set.members.insert(step.clone());
        }
        if !whole {
            let below = fields(inner, inner_shape);
            if !below.is_empty() {
                set.children.insert(step, below);
            }
        }
    }
    set
}

pub(super) fn compare(old: &Value, new: &Value, shape: Shape) -> Comparison {
    let mut comparison = Comparison::default();
    compare_at(
        &mut Vec::new(),
        (Some(old), Some(new)),
        shape,
        &mut comparison,
    );
    comparison
}

fn compare_at(
    path: &mut Vec<String>,
    (old, new): (Option<&Value>, Option<&Value>),
    shape: Shape,
    comparison: &mut Comparison,
) {
    let walk = |value: Option<&Value>| value.map(|value| shape.walk(value));
    let whole = walk(old).or(walk(new)) == Some(Walk::Whole)
        || walk(old)
            .zip(walk(new))
            .is_some_and(|(old, new)| old != new)
        || (is_hollow(old) && is_hollow(new));
    if !whole {
        for (step, old, new, inner) in pairs(shape, old, new) {
            path.push(step);
            compare_at(path, (old, new), inner, comparison);
            path.pop();
        }
    }
    match (old, new) {
        (None, Some(_)) => comparison.added.insert(path),
        (Some(_), None) => comparison.removed.insert(path),
        (Some(old), Some(new)) if whole && old != new => comparison.modified.insert(path),
        _ => {}
    }
}

fn is_hollow(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

type Pair<'a> = (String, Option<&'a Value>, Option<&'a Value>, Shape);

fn pairs<'a>(shape: Shape, old: Option<&'a Value>, new: Option<&'a Value>) -> Vec<Pair<'a>> {
    let of = |value: Option<&'a Value>| value.map_or_else(Vec::new, |value| members(shape, value));
    let mut new = of(new);
    let mut pairs = Vec::new();
    for (step, old, inner) in of(old) {
        let position = new.iter().position(|(other, ..)| *other == step);
        let partner = position.map(|position| new.remove(position).1);
        pairs.push((step, Some(old), partner, inner));
    }
    pairs.extend(
        new.into_iter()
            .map(|(step, new, inner)| (step, None, Some(new), inner)),
    );
    pairs
}

/// The live value with the applied one laid over it.
pub(super) fn merge(live: &Value, applied: &Value, shape: Shape) -> Value {
    match (shape.walk(live), shape.walk(applied), live, applied) {
        (Walk::Map, Walk::Map, Value::Object(live), Value::Object(applied)) => {
            let mut merged = live.clone();
            for (name, value) in applied {
                let value = match live.get(name) {
                    Some(live) => merge(live, value, shape.field(name)),
                    None => value.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Walk::List, Walk::List, Value::Array(live), Value::Array(applied)) => {
            let mut merged = live.clone();
            for item in applied {
                let step = item_step(shape, item);
                match merged
                    .iter_mut()
                    .find(|other| item_step(shape, other) == step)
                {
                    Some(other) => *other = merge(other, item, shape.item()),
                    None => merged.push(item.clone()),
                }
            }
            Value::Array(merged)
        }
        _ => applied.clone(),
    }
}

/// The value without the fields of a set; `None` when nothing is left of it.
pub(super) fn remove(value: &Value, set: &FieldSet, shape: Shape) -> Option<Value> {
    let keep = |step: &str, inner: &Value, inner_shape: Shape| {
        if set.has(step) {
            return None;
        }
        match set.below(step) {
            Some(below) if inner_shape.walk(inner) != Walk::Whole => {
                remove(inner, below, inner_shape)
            }
            _ => Some(inner.clone()),
        }
    };
    match value {
        Value::Object(map) => {
            let left: Map<String, Value> = map
                .iter()
                .filter_map(|(name, inner)| {
                    Some((
                        name.clone(),
                        keep(&format!("f:{name}"), inner, shape.field(name))?,
                    ))
                })
                .collect();
            (!left.is_empty()).then_some(Value::Object(left))
        }
        Value::Array(items) => {
            let left: Vec<Value> = items
                .iter()
                .filter_map(|item| keep(&item_step(shape, item), item, shape.item()))
                .collect();
            (!left.is_empty()).then(|| json!(left))
        }
        other => Some(other.clone()),
    }
}

/// Adds to a set the fixed fields that something lies below.
pub(super) fn with_named(set: &FieldSet, shape: Shape) -> FieldSet {
    let mut all = set.clone();
    for (step, below) in &set.children {
        let inner = match step.strip_prefix("f:") {
            Some(name) => {
                if shape.names(name) {
                    all.members.insert(step.clone());
                }
                shape.field(name)
            }
            None => shape.item(),
        };
        all.children.insert(step.clone(), with_named(below, inner));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAVES: Shape = Shape::Map(&Shape::Leaf);
    const KEYED: Shape = Shape::Keyed(&["type"], &Shape::Free);
    const SHAPE: Shape =
        Shape::Struct(&[("data", LEAVES), ("whole", Shape::Atomic), ("list", KEYED)]);

    #[test]
    fn a_map_is_owned_key_by_key_and_an_atomic_value_as_a_whole() {
        let value =
            json!({ "data": { "a": "1" }, "whole": { "x": 1 }, "list": [{ "type": "A", "s": 1 }] });
        let expected = json!({
            "f:data": { "f:a": {} }, "f:whole": {},
            "f:list": { "k:{\"type\":\"A\"}": { ".": {}, "f:s": {}, "f:type": {} } },
        });
        assert_eq!(fields(&value, SHAPE).write(), expected);
    }

    #[test]
    fn a_new_map_is_told_with_its_keys() {
        let new = json!({ "data": { "a": "1" } });
        let comparison = compare(&json!({}), &new, SHAPE);
        assert_eq!(
            comparison.added.write(),
            json!({ "f:data": { ".": {}, "f:a": {} } })
        );
        let comparison = compare(&new, &json!({ "data": { "a": "2", "b": "3" } }), SHAPE);
        assert_eq!(
            comparison.modified.write(),
            json!({ "f:data": { "f:a": {} } })
        );
        assert_eq!(comparison.added.write(), json!({ "f:data": { "f:b": {} } }));
        let comparison = compare(&new, &json!({}), SHAPE);
        assert_eq!(
            comparison.removed.write(),
            json!({ "f:data": { ".": {}, "f:a": {} } })
        );
    }

    #[test]
    fn merging_keeps_what_the_applied_value_does_not_name() {
        let live = json!({ "data": { "a": "1", "b": "2" }, "list": [{ "type": "A", "s": 1 }] });
        let applied =
            json!({ "data": { "b": "3" }, "list": [{ "type": "A", "t": 2 }, { "type": "B" }] });
        let expected = json!({
            "data": { "a": "1", "b": "3" },
            "list": [{ "type": "A", "s": 1, "t": 2 }, { "type": "B" }],
        });
        assert_eq!(merge(&live, &applied, SHAPE), expected);
    }

    #[test]
    fn removing_every_key_removes_the_map() {
        let value = json!({ "data": { "a": "1" }, "whole": [1] });
        let set = FieldSet::read(&json!({ "f:data": { "f:a": {} } }));
        assert_eq!(remove(&value, &set, SHAPE), Some(json!({ "whole": [1] })));
    }
}
