//! Hostile bytes: readers never panic, a refusal always says something, and what is accepted has no
//! forbidden word in it.

use dcm_pki::{UserKey, kubeconfig, parse_request, verify_issued};
use dcm_types::Timestamp;
use proptest::prelude::*;

use crate::sample::{Sample, TOKEN, good};

/// A second, naive reader of what must not be accepted.
const FORBIDDEN: &[&str] = &[
    "exec",
    "auth-provider",
    "tokenFile",
    "insecure",
    "proxy-url",
    "<<",
];

fn fragments() -> impl Strategy<Value = String> {
    let tokens = [
        "exec: {command: a}",
        "user: ",
        "token: b",
        "&a ",
        "*a",
        "<<: ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "- ",
        "\n",
        ": ",
        "\"",
        "'",
        "|\n",
        "!!str ",
        "? ",
        "---\n",
        "tokenFile: /etc/passwd, ",
        "#",
        "\t",
        "auth-provider: {}, ",
        "insecure-skip-tls-verify: true, ",
        "proxy-url: a, ",
        "é",
        "\0",
    ];
    proptest::collection::vec(proptest::sample::select(tokens.to_vec()), 1..4)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let faults = kubeconfig::parse(&bytes).unwrap_err();
        prop_assert!(!faults.is_empty());
    }

    #[test]
    fn a_changed_kubeconfig_is_never_accepted_with_a_forbidden_member(
        place in any::<prop::sample::Index>(),
        removed in 0_usize..4,
        inserted in fragments(),
    ) {
        // No quotes, so that what is inserted is structure wherever it lands; the authority is filled
        // in afterwards, so that most changes meet structure.
        let text = good("Q0E=", &format!("{{token: {TOKEN}}}")).replace('"', "");
        let start = place.index(text.len());
        let end = (start + removed).min(text.len());
        let changed = format!("{}{inserted}{}", &text[..start], &text[end..]);
        match kubeconfig::parse(changed.replace("Q0E=", authority()).as_bytes()) {
            Err(faults) => prop_assert!(!faults.is_empty()),
            // Only quotes and comments can make a harmless text of such a word.
            Ok(_) if inserted.contains(['"', '\'', '#']) => {}
            Ok(_) => {
                let word = FORBIDDEN.iter().find(|word| changed.contains(**word));
                prop_assert_eq!(word, None);
            }
        }
    }

    #[test]
    fn any_text_is_answered_by_every_reader(text in ".{0,300}") {
        let key = key();
        prop_assert!(parse_request(&text).is_err());
        prop_assert!(verify_issued(&text, &key.public_key_der(), "dcm:a", Timestamp::UNIX_EPOCH).is_err());
        let _ = kubeconfig::Server::parse(&text);
        let _ = kubeconfig::Host::parse(&text);
    }
}

fn key() -> &'static UserKey {
    static KEY: std::sync::OnceLock<UserKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| UserKey::generate().unwrap())
}

fn authority() -> &'static str {
    static AUTHORITY: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    AUTHORITY.get_or_init(|| Sample::new().fill("$CA"))
}
