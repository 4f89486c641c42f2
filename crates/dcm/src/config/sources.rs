//! Where the configuration comes from, and what is wrong with it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use dcm_types::Fault;
use toml::{Table, Value};

use super::{Config, keys};

/// What every variable of the configuration begins with.
const PREFIX: &str = "DCM__";

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file, if one is named.
    pub file: Option<PathBuf>,
    /// Variables of the environment that begin with `DCM__`.
    pub variables: Vec<(String, String)>,
    /// From `--listen`.
    pub listen: Option<SocketAddr>,
    /// From `--data-dir`.
    pub data_dir: Option<PathBuf>,
}

/// A configuration that was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// Where it came from, besides the defaults, for people.
    pub origins: Vec<String>,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("read configuration file '{}'", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML, or a value in it is not what it should be.
    #[error("understand configuration file '{}'", path.display())]
    Understand {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Keys that do not exist.
    #[error("{}", unknown_text(.0))]
    Unknown(Vec<UnknownKey>),
    /// Values that do not go together, or are out of range.
    #[error("{}", fault_text(.0))]
    Refused(Vec<Fault>),
    /// A variable has a value that its key cannot have.
    #[error("environment variable {name} has a value that '{key}' cannot have: {reason}")]
    Variable {
        /// The variable.
        name: String,
        /// The key it sets.
        key: String,
        /// Why, on one line.
        reason: String,
    },
}

/// A key that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// Where it stands.
    pub origin: String,
    /// As it is written there.
    pub key: String,
    /// The nearest key, as it would be written there.
    pub nearest: Option<String>,
}

fn unknown_text(unknown: &[UnknownKey]) -> String {
    let lines: Vec<String> = unknown
        .iter()
        .map(|unknown| {
            let text = format!("unknown key '{}' in {}", unknown.key, unknown.origin);
            match &unknown.nearest {
                Some(nearest) => format!("{text}: did you mean '{nearest}'?"),
                None => text,
            }
        })
        .collect();
    lines.join("\n")
}

fn fault_text(faults: &[Fault]) -> String {
    let lines = faults.iter().map(|fault| {
        let got = match fault.got.as_str() {
            "" => String::new(),
            got => format!(", not '{got}'"),
        };
        format!("'{}' {}{got}", fault.field, fault.rule)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The variables of this process that belong to the configuration.
pub fn environment() -> Vec<(String, String)> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let mut variables: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    variables.sort();
    variables
}

pub(super) fn load(sources: &Sources) -> Result<Loaded, Error> {
    let known = keys::known();
    let mut merged = known.clone();
    let mut origins = Vec::new();
    if let Some(path) = &sources.file {
        overlay(&mut merged, read_file(path, &known)?);
        origins.push(path.display().to_string());
    }
    for (name, text) in &sources.variables {
        set_variable(&mut merged, &known, name, text)?;
        origins.push(name.clone());
    }
    let mut config: Config = merged
        .try_into()
        .expect("every source was decoded on its own");
    if let Some(listen) = sources.listen {
        config.server.listen = listen;
        origins.push("--listen".to_owned());
    }
    if let Some(data_dir) = &sources.data_dir {
        config.store.data_dir.clone_from(data_dir);
        origins.push("--data-dir".to_owned());
    }
    let mut faults = config.store.faults();
    faults.extend(config.ca.faults());
    if !faults.is_empty() {
        return Err(Error::Refused(faults));
    }
    Ok(Loaded { config, origins })
}

/// The table of a file, every key and value of it checked.
fn read_file(path: &Path, known: &Table) -> Result<Table, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    let misunderstood = |source| Error::Understand {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let table: Table = toml::from_str(&text).map_err(misunderstood)?;
    let unknown = keys::unknown(&table, known);
    if !unknown.is_empty() {
        let origin = format!("'{}'", path.display());
        return Err(Error::Unknown(
            unknown
                .into_iter()
                .map(|key| UnknownKey {
                    origin: origin.clone(),
                    nearest: keys::nearest(&key, known),
                    key,
                })
                .collect(),
        ));
    }
    // Decoded from the text once more, because only so a wrong value is told with its line.
    toml::from_str::<Config>(&text).map_err(misunderstood)?;
    Ok(table)
}

fn overlay(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Sets the key that `DCM__SECTION__KEY` names.
fn set_variable(merged: &mut Table, known: &Table, name: &str, text: &str) -> Result<(), Error> {
    let key = name
        .trim_start_matches(PREFIX)
        .replace("__", ".")
        .to_lowercase();
    let unknown = || {
        Error::Unknown(vec![UnknownKey {
            origin: "the environment".to_owned(),
            key: name.to_owned(),
            nearest: keys::nearest(&key, known)
                .map(|key| format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())),
        }])
    };
    let (section, fields) = key.split_once('.').ok_or_else(unknown)?;
    let default = fields
        .split('.')
        .try_fold(known.get(section).ok_or_else(unknown)?, |place, field| {
            place.get(field)
        })
        .filter(|value| !value.is_table())
        .ok_or_else(unknown)?;
    let mut changed = merged.clone();
    let place = fields
        .split('.')
        .try_fold(
            changed.get_mut(section).ok_or_else(unknown)?,
            |place, field| place.get_mut(field),
        )
        .ok_or_else(unknown)?;
    *place = read_value(default, text);
    let decoded: Result<Config, _> = changed.clone().try_into();
    if let Err(error) = decoded {
        return Err(Error::Variable {
            name: name.to_owned(),
            key,
            reason: error
                .message()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        });
    }
    *merged = changed;
    Ok(())
}

/// The value of a variable: text where the key takes text, otherwise TOML; a list may also be
/// written with commas only.
fn read_value(default: &Value, text: &str) -> Value {
    let toml = || -> Option<Value> {
        let mut table: Table = toml::from_str(&format!("value = {text}")).ok()?;
        table.remove("value")
    };
    let plain = || Value::String(text.to_owned());
    match default {
        Value::String(_) => plain(),
        Value::Array(_) if !text.trim_start().starts_with('[') => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        ),
        _ => toml().unwrap_or_else(plain),
    }
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
