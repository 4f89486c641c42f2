//! Reads members of JSON objects, and remembers everything that is wrong on the way.
//!
//! A member is matched by its exact name, then by its folded name (letter case and dashes aside),
//! because clients of both older dialects spell `loadBalancerIP` as `loadbalancerIp` or
//! `loadbalancer-ip`; then by the aliases of its [`Member`]. Every report names the member as the
//! caller spelled it.
//!
//! Invariant: whatever is refused is noted in the [`Report`], and a report with a note in it refuses
//! the draft as a whole ([`Report::finish`]). So a reader may go on with a default after a refusal.

use std::cell::RefCell;

use serde_json::{Map, Value};

use dcm_types::{Fault, Violation};

use crate::refusal::{Decoded, FieldValidation, Refusal, UnknownMember};

/// A member that a reader knows.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Its canonical name.
    pub name: &'static str,
    /// Other names, in folded form.
    pub aliases: &'static [&'static str],
}

/// A member without aliases.
pub const fn member(name: &'static str) -> Member {
    Member { name, aliases: &[] }
}

/// A member with aliases, which are given in folded form (lower case, no dashes).
pub const fn aliased(name: &'static str, aliases: &'static [&'static str]) -> Member {
    Member { name, aliases }
}

/// How far a name may be from a known one to be suggested, relative to its length.
const NEAR: f64 = 0.6;
/// How many unknown members are told; more would only be noise.
const UNKNOWN_LIMIT: usize = 16;
/// How many faults are told.
const FAULT_LIMIT: usize = 64;

fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Everything that was found wrong in one document.
#[derive(Debug, Default)]
pub struct Report {
    mistyped: RefCell<Vec<Fault>>,
    invalid: RefCell<Vec<Fault>>,
    unknown: RefCell<Vec<UnknownMember>>,
}

impl Report {
    /// Notes a value that breaks a rule.
    pub fn invalid(&self, fault: Fault) {
        push_bounded(&self.invalid, fault, FAULT_LIMIT);
    }

    /// Notes a value of the wrong JSON type.
    pub fn mistyped(&self, field: &str, expected: &str) {
        let fault = Violation::hidden(format!("must be {expected}")).at(field);
        push_bounded(&self.mistyped, fault, FAULT_LIMIT);
    }

    /// Keeps the value, or notes why there is none.
    pub fn keep<T>(&self, field: &str, result: Result<T, Violation>) -> Option<T> {
        result
            .map_err(|violation| self.invalid(violation.at(field)))
            .ok()
    }

    fn unknown(&self, member: UnknownMember) {
        push_bounded(&self.unknown, member, UNKNOWN_LIMIT);
    }

    /// The draft with its unknown members, or every fault.
    pub fn finish<D>(
        self,
        draft: Option<D>,
        validation: FieldValidation,
    ) -> Result<Decoded<D>, Refusal> {
        let mut mistyped = self.mistyped.into_inner();
        let mut invalid = self.invalid.into_inner();
        let mut unknown = self.unknown.into_inner();
        match validation {
            FieldValidation::Ignore => unknown.clear(),
            FieldValidation::Warn => {}
            FieldValidation::Strict => invalid.extend(unknown.drain(..).map(refused)),
        }
        if !mistyped.is_empty() {
            mistyped.append(&mut invalid);
            return Err(Refusal::undecodable(mistyped));
        }
        match draft {
            Some(draft) if invalid.is_empty() => Ok(Decoded { draft, unknown }),
            _ => Err(Refusal::invalid(invalid)),
        }
    }
}

fn push_bounded<T>(list: &RefCell<Vec<T>>, item: T, limit: usize) {
    let mut list = list.borrow_mut();
    if list.len() < limit {
        list.push(item);
    }
}

fn refused(member: UnknownMember) -> Fault {
    let violation = Violation::hidden("is not a known member");
    match member.nearest {
        Some(nearest) => violation.hint(format!("did you mean '{nearest}'?")),
        None => violation,
    }
    .at(member.field)
}

/// A JSON object whose members were matched with the known ones.
#[derive(Debug)]
pub struct Object<'a> {
    path: String,
    found: Vec<Found<'a>>,
    report: &'a Report,
}

#[derive(Debug)]
struct Found<'a> {
    name: &'static str,
    written: &'a str,
    value: &'a Value,
}

impl<'a> Object<'a> {
    /// Opens the outermost value of a body. `null` is an object without members.
    pub fn body(value: &'a Value, known: &[Member], report: &'a Report) -> Option<Self> {
        Self::open(value, String::new(), known, report)
    }

    fn open(value: &'a Value, path: String, known: &[Member], report: &'a Report) -> Option<Self> {
        let found = match value {
            Value::Object(members) => match_members(members, &path, known, report),
            Value::Null => Vec::new(),
            _ => {
                let field = if path.is_empty() { "body" } else { &path };
                report.mistyped(field, "an object");
                return None;
            }
        };
        Some(Self {
            path,
            found,
            report,
        })
    }

    /// Where faults are noted.
    pub fn report(&self) -> &'a Report {
        self.report
    }

    fn found(&self, name: &str) -> Option<&Found<'a>> {
        self.found
            .iter()
            .find(|found| found.name == name && !found.value.is_null())
    }

    /// Whether the member is there and not `null`.
    pub fn has(&self, name: &str) -> bool {
        self.found(name).is_some()
    }

    /// Dotted path of a member as the caller wrote it, or of its canonical name when it is missing.
    pub fn path_of(&self, name: &str) -> String {
        let written = self
            .found
            .iter()
            .find(|found| found.name == name)
            .map_or(name, |found| found.written);
        join(&self.path, written)
    }

    /// The value of a member.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.found(name).map(|found| found.value)
    }

    /// A member that is text; `None` when it is missing, `null`, or noted as mistyped.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let text = self.value(name)?.as_str();
        if text.is_none() {
            self.report.mistyped(&self.path_of(name), "a string");
        }
        text
    }

    /// A member that is text and is parsed when it is there and not empty.
    pub fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        let text = self.text(name).filter(|text| !text.is_empty())?;
        self.report.keep(&self.path_of(name), parse(text))
    }

    /// A member that is a whole number within bounds; `None` when it is missing or refused.
    pub fn integer(&self, name: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.value(name)?;
        if !value.is_i64() && !value.is_u64() {
            self.report.mistyped(&self.path_of(name), "a whole number");
            return None;
        }
        let number = value.as_u64().filter(|n| (least..=most).contains(n));
        if number.is_none() {
            let rule = format!("must be from {least} to {most}");
            let violation = Violation::new(rule, &value.to_string());
            self.report.invalid(violation.at(self.path_of(name)));
        }
        number
    }

    /// A member that is a list of maps, as they are; `None` when it is missing, `null` or refused.
    pub fn maps(&self, name: &str) -> Option<Vec<&'a Map<String, Value>>> {
        let path = self.path_of(name);
        let Value::Array(items) = self.value(name)? else {
            self.report.mistyped(&path, "an array");
            return None;
        };
        let maps = items.iter().enumerate().map(|(index, item)| {
            let map = item.as_object();
            if map.is_none() {
                self.report
                    .mistyped(&format!("{path}[{index}]"), "an object");
            }
            map
        });
        maps.collect::<Vec<_>>().into_iter().collect()
    }

    /// A member that must be there, parsed; an empty one is given to the parser to refuse.
    pub fn required<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        if !self.has(name) {
            self.report
                .invalid(Violation::hidden("is required").at(self.path_of(name)));
            return None;
        }
        let text = self.text(name)?;
        self.report.keep(&self.path_of(name), parse(text))
    }

    /// A member that is an object; a missing one is an object without members.
    pub fn object(&self, name: &str, known: &[Member]) -> Option<Self> {
        let value = self.value(name).unwrap_or(&Value::Null);
        Self::open(value, self.path_of(name), known, self.report)
    }

    /// A member that is a list; a missing one is empty.
    fn list(&self, name: &str) -> impl Iterator<Item = (String, &'a Value)> {
        let path = self.path_of(name);
        let items: &'a [Value] = match self.value(name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.report.mistyped(&path, "an array");
                &[]
            }
        };
        items
            .iter()
            .enumerate()
            .map(move |(index, item)| (format!("{path}[{index}]"), item))
    }

    /// A member that is a list of objects.
    pub fn objects(&self, name: &str, known: &[Member]) -> Vec<Self> {
        self.list(name)
            .filter_map(|(path, item)| {
                if item.is_null() {
                    self.report.mistyped(&path, "an object");
                    return None;
                }
                Self::open(item, path, known, self.report)
            })
            .collect()
    }

    /// A member that is a list of texts and must be there.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        if !self.has(name) {
            let violation = Violation::hidden("is required");
            self.report.invalid(violation.at(self.path_of(name)));
            return None;
        }
        if !self.value(name)?.is_array() {
            self.report.mistyped(&self.path_of(name), "an array");
            return None;
        }
        let texts: Vec<Option<String>> = self
            .list(name)
            .map(|(path, item)| {
                let text = item.as_str();
                if text.is_none() {
                    self.report.mistyped(&path, "a string");
                }
                text.map(str::to_owned)
            })
            .collect();
        texts.into_iter().collect()
    }

    /// A member that is a map with free keys; each value is read by `read`, which says what it
    /// expected when it cannot. A missing map is empty.
    pub fn map<T>(
        &self,
        name: &str,
        read: impl Fn(&Value) -> Result<T, &'static str>,
    ) -> Option<Vec<(String, T)>> {
        let path = self.path_of(name);
        let members = match self.value(name) {
            None => return Some(Vec::new()),
            Some(Value::Object(members)) => members,
            Some(_) => {
                self.report.mistyped(&path, "an object");
                return None;
            }
        };
        let entries: Vec<Option<(String, T)>> = members
            .iter()
            .map(|(key, value)| match read(value) {
                Ok(value) => Some((key.clone(), value)),
                Err(expected) => {
                    self.report.mistyped(&join(&path, key), expected);
                    None
                }
            })
            .collect();
        entries.into_iter().collect()
    }
}

/// Joins a path and a member's name; the name is shortened and made printable. Without a name it is
/// the path itself.
pub(crate) fn join(path: &str, name: &str) -> String {
    if name.is_empty() {
        return path.to_owned();
    }
    let shown = Violation::new("", name).got;
    if path.is_empty() {
        shown
    } else {
        format!("{path}.{shown}")
    }
}

fn match_members<'a>(
    members: &'a Map<String, Value>,
    path: &str,
    known: &[Member],
    report: &Report,
) -> Vec<Found<'a>> {
    let mut found: Vec<Found<'a>> = Vec::new();
    for (written, value) in members {
        let Some(name) = match_name(written, known) else {
            report.unknown(UnknownMember {
                field: join(path, written),
                nearest: nearest(written, known).map(|name| join(path, name)),
            });
            continue;
        };
        if let Some(other) = found.iter().find(|other| other.name == name) {
            let expected = format!("given once; '{}' means the same", other.written);
            report.mistyped(&join(path, written), &expected);
            continue;
        }
        found.push(Found {
            name,
            written,
            value,
        });
    }
    found
}

fn match_name(written: &str, known: &[Member]) -> Option<&'static str> {
    if let Some(exact) = known.iter().find(|member| member.name == written) {
        return Some(exact.name);
    }
    let folded = fold(written);
    known
        .iter()
        .find(|member| fold(member.name) == folded || member.aliases.contains(&folded.as_str()))
        .map(|member| member.name)
}

fn nearest(written: &str, known: &[Member]) -> Option<&'static str> {
    if written.len() > 128 {
        return None;
    }
    let folded = fold(written);
    known
        .iter()
        .map(|member| {
            let similarity = strsim::normalized_damerau_levenshtein(&folded, &fold(member.name));
            (similarity, member.name)
        })
        .filter(|(similarity, _)| *similarity >= NEAR)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}
