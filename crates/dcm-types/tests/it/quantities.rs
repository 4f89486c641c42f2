//! Kubernetes quantities, row by row, against what the API server prints.

use dcm_types::quantity::{Quantity, same_amount};

#[test]
fn every_row_is_refused_or_printed_as_the_api_server_prints_it() {
    let rows: Vec<(&str, &str)> = include_str!("../data/quantities.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('|').unwrap())
        .collect();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    for (text, wanted) in rows {
        let text = text.strip_suffix(' ').unwrap();
        match Quantity::parse(text) {
            Ok(quantity) => {
                let canonical = quantity.canonical();
                assert_eq!(canonical, wanted.trim(), "{text:?}");
                let again = Quantity::parse(&canonical).unwrap();
                assert_eq!(again.canonical(), canonical, "{text:?} is not stable");
                assert_eq!(again.nanos(), quantity.nanos(), "{text:?} lost something");
                assert!(same_amount(text, &canonical));
            }
            Err(_) => assert_eq!(wanted.trim(), "refused", "{text:?}"),
        }
    }
}

#[test]
fn long_texts_are_refused_without_being_read() {
    for text in [
        "1".repeat(1_000_000),
        format!("0.{}", "0".repeat(1_000_000)),
    ] {
        let violation = Quantity::parse(&text).unwrap_err();
        assert!(violation.got.chars().count() < 100);
    }
}

#[test]
fn amounts_are_compared_however_they_are_written() {
    for (a, b, same) in [
        ("1", "1000m", true),
        ("1Gi", "1024Mi", true),
        ("1Gi", "1073741824", true),
        ("1e3", "1k", true),
        ("0", "0Gi", true),
        ("-0", "0", true),
        ("1G", "1Gi", false),
        ("1", "1001m", false),
        ("x", "x", true),
        ("x", "1", false),
    ] {
        assert_eq!(same_amount(a, b), same, "{a} {b}");
    }
}

#[test]
fn signs_and_fractions_are_told() {
    let parse = |text| Quantity::parse(text).unwrap();
    assert!(parse("-1").is_negative());
    assert!(!parse("-0").is_negative());
    assert!(parse("2k").is_whole());
    assert!(!parse("1500m").is_whole());
}
