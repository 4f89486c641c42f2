//! Label selectors in Kubernetes' syntax: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`,
//! `a notin (b,c)`, joined by commas. As there, `!=` and `notin` also select what has no such label.

use std::collections::BTreeSet;

use crate::error::Violation;

/// Longest selector that is read, in bytes.
const SELECTOR_LIMIT: usize = 4096;
/// How many requirements one selector has at most.
const REQUIREMENT_LIMIT: usize = 64;
/// Longest key, and longest value.
const TEXT_LIMIT: usize = 317;

/// What must hold of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    Exists(String),
    Missing(String),
    In(String, BTreeSet<String>),
    NotIn(String, BTreeSet<String>),
}

/// A selector: every requirement must hold. An empty one selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<Requirement>);

impl LabelSelector {
    /// Reads a selector.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.len() > SELECTOR_LIMIT {
            let rule = format!("must be at most {SELECTOR_LIMIT} characters");
            return Err(Violation::new(rule, text));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let requirements = split(text)
            .map(|part| requirement(part.trim()))
            .collect::<Option<Vec<_>>>()
            .filter(|requirements| requirements.len() <= REQUIREMENT_LIMIT);
        requirements.map(Self).ok_or_else(|| {
            Violation::new("must be a Kubernetes label selector", text)
                .hint("for example 'a', '!a', 'a=b', 'a!=b', 'a in (b,c)', joined by commas")
        })
    }

    /// Whether it selects what has these labels; `value` gives the value of a label that is there.
    pub fn matches<'l>(&self, value: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Missing(key) => value(key).is_none(),
            Requirement::In(key, wanted) => value(key).is_some_and(|value| wanted.contains(value)),
            Requirement::NotIn(key, refused) => {
                value(key).is_none_or(|value| !refused.contains(value))
            }
        })
    }
}

/// Parts between commas that are outside of parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.split(move |character| {
        match character {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        character == ',' && !inside
    })
}

fn requirement(part: &str) -> Option<Requirement> {
    if let Some(key) = part.strip_prefix('!') {
        return Some(Requirement::Missing(key_of(key)?));
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Some(Requirement::NotIn(key_of(key)?, one(value)?));
    }
    if let Some((key, value)) = part.split_once('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        return Some(Requirement::In(key_of(key)?, one(value)?));
    }
    let Some((left, set)) = part.split_once('(') else {
        return Some(Requirement::Exists(key_of(part)?));
    };
    let values = set
        .strip_suffix(')')?
        .split(',')
        .map(value_of)
        .collect::<Option<BTreeSet<String>>>()?;
    let (key, operator) = left.trim_end().rsplit_once(char::is_whitespace)?;
    match operator {
        "in" => Some(Requirement::In(key_of(key)?, values)),
        "notin" => Some(Requirement::NotIn(key_of(key)?, values)),
        _ => None,
    }
}

fn one(value: &str) -> Option<BTreeSet<String>> {
    Some(BTreeSet::from([value_of(value)?]))
}

fn key_of(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && is_plain(text, true)).then(|| text.to_owned())
}

fn value_of(text: &str) -> Option<String> {
    let text = text.trim();
    is_plain(text, false).then(|| text.to_owned())
}

/// What labels and their values consist of; a key may have a domain before a slash.
fn is_plain(text: &str, is_key: bool) -> bool {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.') || (is_key && b == b'/')
    };
    text.len() <= TEXT_LIMIT && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_selected() {
        let labels = [("team", "a"), ("tier", ""), ("example.com/x", "1")];
        let value = |key: &str| {
            labels
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, v)| *v)
        };
        for (selector, expected) in [
            ("", true),
            (" ", true),
            ("team", true),
            ("tier", true),
            ("none", false),
            ("!none", true),
            ("!team", false),
            ("team=a", true),
            ("team==a", true),
            ("team = a", true),
            ("team=b", false),
            ("tier=", true),
            ("tier=x", false),
            ("none=a", false),
            ("team!=b", true),
            ("team!=a", false),
            ("none!=a", true),
            ("tier!=x", true),
            ("team in (a,b)", true),
            ("team in (b, c)", false),
            ("team in(a)", true),
            ("none in (a)", false),
            ("team notin (b,c)", true),
            ("team notin (a,c)", false),
            ("none notin (a)", true),
            ("example.com/x=1,team in (a,b),!none", true),
            ("example.com/x=1,team in (a,b),none", false),
        ] {
            let parsed = LabelSelector::parse(selector).unwrap();
            assert_eq!(parsed.matches(value), expected, "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        let many = "a,".repeat(64) + "a";
        let long = "a".repeat(5000);
        for selector in [
            ",",
            "a,",
            ",a",
            "=b",
            "!=b",
            "!",
            "a b",
            "a in",
            "a in b",
            "a in (b",
            "a in b)",
            "a within (b)",
            "in (b)",
            "a=b=c",
            "a=(b)",
            "a>1",
            "a in (b)c",
            "a in (b (c))",
            "é",
            "a=\u{202e}",
            "a/b=c/d",
            "a!!=b",
            "!a=b",
            &many,
            &long,
        ] {
            assert!(LabelSelector::parse(selector).is_err(), "{selector:.40}");
        }
    }
}
