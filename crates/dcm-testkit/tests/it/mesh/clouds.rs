//! Two logical clouds on the same two clusters, below one root of the organisation: workloads take those of their own
//! cloud in the other cluster, and never those of the other cloud.

use dcm_ca::Policy;
use dcm_testkit::mesh::{self, Authority as _, Istiod, Workload, through_the_secret};
use dcm_testkit::shared_control_planes;
use dcm_types::ca::TrustModel;

use super::control_planes::{SERVICE_ACCOUNT, mesh_of, prepare};
use super::controller::{Ca, cloud, target};

const CLOUDS: [&str; 2] = ["shop", "bank"];
const CLUSTERS: [&str; 2] = ["berlin", "paris"];

/// The anchor of each cloud is signed by the root, which is in no member.
fn below_one_root() -> Ca {
    let ca = Ca::start(Policy {
        trust_model: Some(TrustModel::CloudIntermediate),
        ..Policy::default()
    });
    for name in CLOUDS {
        ca.create(name);
    }
    ca
}

/// A workload of each cloud in each cluster, in that order.
fn workloads(ca: &Ca) -> Vec<(&'static str, Workload)> {
    let members = shared_control_planes(CLUSTERS.len());
    let mut places = Vec::new();
    for name in CLOUDS {
        for (member, cluster) in members.iter().zip(CLUSTERS) {
            let of = cloud(name);
            let bundle = ca.bundle(&target(&of, cluster)).unwrap();
            let domain = ca.authority(&of).trust_domain.unwrap();
            let settings = mesh_of(name, &domain, cluster);
            prepare(member, &settings, name);
            let files = through_the_secret(&member.into(), &settings.namespace, &bundle).unwrap();
            places.push((name, member, settings, files));
        }
    }
    let wanted: Vec<_> = places
        .iter()
        .map(|(_, member, settings, files)| (*member, settings.clone(), files.each()))
        .collect();
    let istiods = Istiod::start_many(&wanted).unwrap();
    let signed = istiods.iter().zip(&places);
    signed
        .map(|(istiod, (name, member, _, files))| {
            let workload = istiod.sign(*member, name, SERVICE_ACCOUNT, &files.anchors);
            (*name, workload.unwrap())
        })
        .collect()
}

#[test]
fn workloads_of_one_cloud_take_each_other_across_clusters_and_those_of_two_clouds_never() {
    let ca = below_one_root();
    let workloads = workloads(&ca);
    let [shop, bank] = CLOUDS.map(|name| ca.authority(&cloud(name)).anchors.remove(0));
    assert_eq!(shop.above_pem, bank.above_pem);
    assert!(!shop.above_pem.is_empty());
    let mut refused = 0;
    for (client_cloud, client) in &workloads {
        for (server_cloud, server) in &workloads {
            let rustls = mesh::handshake(client, server).unwrap();
            let openssl = mesh::openssl_handshake(client, server).unwrap();
            if client_cloud == server_cloud {
                assert_eq!((rustls, openssl), (Ok(()), Ok(())));
            } else {
                let (rustls, openssl) = (rustls.unwrap_err(), openssl.unwrap_err());
                assert!(rustls.contains("UnknownIssuer"), "{rustls}");
                assert!(openssl.contains("certificate"), "{openssl}");
                refused += 1;
            }
        }
    }
    // Each of two with each of two, either way.
    assert_eq!(refused, 8);
}
