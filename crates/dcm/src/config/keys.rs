//! Which keys there are, and the nearest one to a key that is not.

use toml::{Table, Value};

/// All keys with the values they have by default, as a tree.
pub(super) fn known() -> Table {
    Table::try_from(super::Config::default()).expect("the defaults can be written as TOML")
}

/// The dotted keys of a table that the other one does not have, in order.
pub(super) fn unknown(table: &Table, known: &Table) -> Vec<String> {
    let mut found = Vec::new();
    collect(table, known, "", &mut found);
    found
}

fn collect(table: &Table, known: &Table, prefix: &str, found: &mut Vec<String>) {
    for (key, value) in table {
        let path = join(prefix, key);
        match (known.get(key), value) {
            (None, Value::Table(inner)) if !inner.is_empty() => {
                // A section that does not exist: name its keys, they say more.
                collect(inner, &Table::new(), &path, found);
            }
            (None, _) => found.push(path),
            (Some(Value::Table(known)), Value::Table(inner)) => {
                collect(inner, known, &path, found);
            }
            // A value of the wrong type is found, and told better, where it is decoded.
            (Some(_), _) => {}
        }
    }
}

/// The known dotted key that looks most like this one, if one does.
pub(super) fn nearest(key: &str, known: &Table) -> Option<String> {
    let mut all = Vec::new();
    collect(known, &Table::new(), "", &mut all);
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    all.into_iter()
        .map(|candidate| {
            let whole = strsim::jaro_winkler(key, &candidate);
            // The right key in the wrong section is near as well.
            let inner = strsim::jaro_winkler(&last(key), &last(&candidate)) - 0.05;
            (whole.max(inner), candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_key() {
        let known = known();
        for key in [
            "server.listen",
            "store.data_dir",
            "clusters.allow_addresses",
            "log.level",
        ] {
            let (section, key) = key.split_once('.').unwrap();
            assert!(known[section].get(key).is_some(), "{section}.{key}");
        }
    }

    #[test]
    fn unknown_keys_are_named_with_their_section() {
        let table: Table = toml::from_str("[sync]\nfoo = 1\n[bar]\nx = 1\ny = 2\n[log]\n").unwrap();
        assert_eq!(unknown(&table, &known()), ["bar.x", "bar.y", "sync.foo"]);
    }

    #[test]
    fn nearest_key_is_found_across_typing_errors_and_sections() {
        let known = known();
        let near = |key: &str| nearest(key, &known);
        assert_eq!(near("server.lsten").as_deref(), Some("server.listen"));
        assert_eq!(near("serve.listen").as_deref(), Some("server.listen"));
        assert_eq!(
            near("store.allow_addresses").as_deref(),
            Some("clusters.allow_addresses")
        );
        assert_eq!(
            near("sync.scan_intervall").as_deref(),
            Some("sync.scan_interval")
        );
        assert_eq!(near("zzz.qqq"), None);
    }
}
