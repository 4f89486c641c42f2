//! Mode `ca-only`: a namespace and a bundle in every member, and nothing else.

use dcm_testkit::shared_control_planes;

use super::{SETTINGS, cacerts, describe, looked, mesh, owner, versions};
use crate::members::harness::{Folder, namespace};

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_in_every_member_once_and_goes_with_the_cloud() {
    let planes = shared_control_planes(2);
    let folder = Folder::with(SETTINGS);
    let server = folder.serve();
    folder.register(&server, &[&planes[0], &planes[1]]).await;
    let space = namespace("bundles");
    let cloud = describe(&folder, &server, &space, "ca-only").await;
    folder.act(&server, &cloud, "instantiate").await;
    folder.wait(&server, &cloud, "ready").await;
    let shown = mesh(&folder, &server, &cloud).await;
    let name = shown["name"].as_str().unwrap();
    for (number, plane) in planes.iter().enumerate() {
        let bundle = &shown["members"][number]["bundle"];
        assert_eq!(bundle["generation"], 1, "{shown:#}");
        let secret = cacerts(plane, name);
        let files = secret["data"].as_object().unwrap();
        assert!(files.contains_key("ca-key.pem") && files.contains_key("root-cert.pem"));
    }
    assert_ne!(
        cacerts(&planes[0], name)["data"]["ca-key.pem"],
        cacerts(&planes[1], name)["data"]["ca-key.pem"],
        "each member has a key of its own"
    );

    let owner = owner(&planes[0], &space);
    let before: Vec<_> = planes.iter().map(|plane| versions(plane, &owner)).collect();
    drop(server);
    let server = folder.serve();
    looked(&folder, &server, &cloud).await;
    folder.wait(&server, &cloud, "ready").await;
    let after: Vec<_> = planes.iter().map(|plane| versions(plane, &owner)).collect();
    assert_eq!(before, after, "a second run writes nothing");

    folder.act(&server, &cloud, "terminate").await;
    folder.wait(&server, &cloud, "absent").await;
    for plane in planes {
        assert_eq!(versions(plane, &owner), Vec::<String>::new());
    }
    let (status, text) = folder.send(&server, "DELETE", &cloud, None).await;
    assert!(status == 204 || status == 202, "{status} {text}");
}
