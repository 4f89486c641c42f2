//! Every row of `servers.yaml`: spellings of a server, and what the default address policy says.

use dcm_pki::kubeconfig::{Host, Server};
use dcm_types::address::AddressPolicy;
use serde::Deserialize;

const ROWS: &str = include_str!("../data/servers.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    url: String,
    accepted: Option<String>,
    policy: Option<String>,
    refused: Option<String>,
}

#[test]
fn every_spelling_is_judged_as_its_row_says() {
    let rows: Vec<Row> = serde_saphyr::from_str(ROWS).unwrap();
    assert!(rows.len() >= 40, "{}", rows.len());
    for row in rows {
        match Server::parse(&row.url) {
            Ok(server) => {
                assert_eq!(Some(server.to_string()), row.accepted, "{:?}", row.url);
                assert_eq!(policy(&server), row.policy, "{:?}", row.url);
                assert_eq!(Server::parse(&server.to_string()).unwrap(), server);
            }
            Err(violation) => {
                let refused = row
                    .refused
                    .unwrap_or_else(|| panic!("{}: {violation}", row.url));
                assert!(
                    violation.rule.contains(&refused),
                    "{:?}: {violation}",
                    row.url
                );
                let shows_password = violation.got.contains("user:pass");
                assert!(!shows_password, "{:?}", row.url);
            }
        }
    }
}

fn policy(server: &Server) -> Option<String> {
    let Host::Address(address) = server.host else {
        return None;
    };
    Some(match AddressPolicy::default().check(address) {
        Ok(()) => "open".to_owned(),
        Err(refusal) => serde_json::to_value(refusal)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned(),
    })
}

#[test]
fn a_long_url_is_refused() {
    let long = format!("https://{}", "a.".repeat(300));
    assert!(
        Server::parse(&long)
            .unwrap_err()
            .rule
            .contains("at most 512")
    );
    let label = format!("https://{}.example", "a".repeat(64));
    assert!(Server::parse(&label).is_err());
}
