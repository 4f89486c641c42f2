//! Bundles of every algorithm before judges that share no code with us.

use dcm_pki::authority::{AuthorityKey, Certificate, Chain, verify_chain};
use dcm_pki::bundle::{self, Limits};
use dcm_types::{KeyAlgorithm, Timestamp};
use jiff::SignedDuration;

use super::authority::{Cloud, Edge};
use super::judges::{Laid, pkilint};

/// What pkilint finds and we leave as it is, each with its reason.
const REVIEWED: &[(&str, &str)] = &[
    (
        "pkix.invalid_uri_syntax",
        "the identity of a trust domain has no path (SPIFFE X.509-SVID, section 2); the linter wants one",
    ),
    (
        "pkix.unknown_subject_key_identifier_calculation_method",
        "a shortened SHA-256 of the key names it as well as SHA-1 does (RFC 7093 leaves the choice)",
    ),
];

fn clouds() -> [Cloud; 2] {
    [Cloud::under_root("shop"), Cloud::own_root("bank")]
}

fn edges(cloud: &Cloud) -> Vec<Edge> {
    let algorithms = KeyAlgorithm::ALL.into_iter().zip(10..);
    algorithms
        .map(|(algorithm, number)| cloud.edge("berlin", number, algorithm))
        .collect()
}

fn webpki(edge: &Edge, anchors: &[Certificate]) -> Result<(), String> {
    let chain = Chain {
        authority: &edge.certificate,
        between: &[],
        anchors,
        lists: &[],
    };
    let key = AuthorityKey::from_pem(&edge.files.key).unwrap();
    verify_chain(&chain, &key, Timestamp::now()).map_err(|error| error.to_string())
}

#[test]
fn openssl_go_webpki_and_our_own_judge_take_bundles_of_every_algorithm() {
    let limits = Limits {
        now: Timestamp::now(),
        longest_leaf: SignedDuration::from_hours(24),
        propagation: SignedDuration::from_mins(15),
    };
    for cloud in clouds() {
        for edge in edges(&cloud) {
            let laid = Laid::out(&edge.files, &cloud.anchor.to_pem());
            assert_eq!(laid.openssl(cloud.root.is_none()), Ok(()));
            assert_eq!(laid.go(), Ok(()));
            assert_eq!(webpki(&edge, std::slice::from_ref(&cloud.anchor)), Ok(()));
            assert_eq!(bundle::check(&edge.files, &limits), []);
        }
    }
}

#[test]
fn none_of_them_takes_a_bundle_under_the_anchor_of_another_cloud() {
    let [cloud, other] = clouds();
    let edge = cloud.edge("berlin", 10, KeyAlgorithm::EcdsaP256);
    let laid = Laid::out(&edge.files, &other.anchor.to_pem());
    let openssl = laid.openssl(true).unwrap_err();
    assert!(openssl.contains("verification failed"), "{openssl}");
    let go = laid.go().unwrap_err();
    assert!(go.contains("unknown authority"), "{go}");
    let webpki = webpki(&edge, std::slice::from_ref(&other.anchor)).unwrap_err();
    assert!(webpki.contains("UnknownIssuer"), "{webpki}");
}

#[test]
fn an_anchor_under_a_root_is_taken_by_openssl_only_when_it_is_told_that_it_may_stop_there() {
    let cloud = Cloud::under_root("shop");
    let edge = cloud.edge("berlin", 10, KeyAlgorithm::EcdsaP256);
    let laid = Laid::out(&edge.files, &cloud.anchor.to_pem());
    let refused = laid.openssl(true).unwrap_err();
    assert!(refused.contains("error 2"), "{refused}");
    assert_eq!(laid.openssl(false), Ok(()));
}

#[test]
fn pkilint_finds_nothing_that_was_not_reviewed() {
    let [shop, bank] = clouds();
    let mut certificates: Vec<String> = edges(&shop)
        .iter()
        .map(|edge| edge.certificate.to_pem())
        .collect();
    certificates.push(shop.anchor.to_pem());
    certificates.push(bank.anchor.to_pem());
    certificates.extend(shop.root.as_ref().map(Certificate::to_pem));
    let found: Vec<Vec<String>> = certificates.iter().map(|one| pkilint(one)).collect();
    let reviewed = |code: &str| REVIEWED.iter().any(|(known, _)| *known == code);
    for codes in &found {
        let new: Vec<_> = codes.iter().filter(|code| !reviewed(code)).collect();
        assert!(new.is_empty(), "{new:?}");
    }
    for (code, reason) in REVIEWED {
        let stale = !found.iter().flatten().any(|found| found == code);
        assert!(
            !stale,
            "{code} is not found any more ({reason}): take it out"
        );
    }
}
