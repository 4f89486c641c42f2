//! Lists in pages, and as a whole for those who know no pages.

use serde_json::{Value, json};

use crate::server::{CLOUD, Server};

fn names(page: &Value) -> Vec<String> {
    page.as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Follows `Link` from page to page.
async fn follow(server: &Server, first: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let answer = server.get(&path).await;
        assert_eq!(answer.status, 200, "{answer}");
        pages.push(names(&answer.json()));
        next = answer.header("link").map(|link| {
            let (path, rest) = link.trim_start_matches('<').split_once('>').unwrap();
            assert_eq!(rest, "; rel=\"next\"");
            let token = answer.header("x-continue").unwrap();
            assert!(path.ends_with(&format!("continue={token}")), "{link}");
            path.to_owned()
        });
    }
    pages
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let server = Server::new();
    for number in 0..7 {
        server
            .put(&format!("/v2/projects/p{number}"), json!({}))
            .await;
    }
    let pages = follow(&server, "/v2/projects?limit=3").await;
    let sizes: Vec<_> = pages.iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3, 1]);
    let all: Vec<_> = pages.concat();
    assert_eq!(all, names(&server.get("/v2/projects").await.json()));
    assert_eq!(all.len(), 7);
}

#[tokio::test]
async fn references_are_paged_like_everything_else() {
    let server = Server::furnished().await;
    for cluster in ["c1", "c2"] {
        let path = format!("{CLOUD}/cluster-providers/v/cluster-references/{cluster}");
        server.put(&path, json!({})).await;
    }
    let pages = follow(&server, &format!("{CLOUD}/cluster-references?limit=1")).await;
    assert_eq!(pages, [["v-c1"], ["v-c2"]]);
    let flat = format!("{CLOUD}/cluster-providers/v/cluster-references?limit=1");
    let first = server.get(&flat).await;
    let rest = server
        .get(&format!(
            "{flat}&continue={}",
            first.header("x-continue").unwrap()
        ))
        .await;
    assert_eq!(
        rest.json()["cluster-references"][0]["cluster-name"],
        "c2",
        "{rest}"
    );
    assert_eq!(rest.header("link"), None);
}

#[tokio::test]
async fn a_list_without_a_limit_is_whole_even_when_it_is_longer_than_a_page() {
    let server = Server::new();
    for number in 0..501 {
        server
            .put(&format!("/v2/projects/p{number:03}"), json!({}))
            .await;
    }
    let whole = server.get("/v2/projects").await;
    assert_eq!(names(&whole.json()).len(), 501);
    assert_eq!(whole.header("link"), None);
    let largest = server.get("/v2/projects?limit=100000").await;
    assert_eq!(names(&largest.json()).len(), 500);
    assert!(largest.header("link").is_some());
}

#[tokio::test]
async fn bad_paging_is_named() {
    let server = Server::new();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("continue=", "continue"),
        ("continue=a%20b", "continue"),
        ("continue=%22%3E%3Cscript%3E", "continue"),
        ("continue=%ff", "continue"),
    ] {
        let answer = server.get(&format!("/v2/projects?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (400, vec![field.to_owned()]),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_page_never_leaves_its_parent_whatever_it_goes_on_after() {
    let server = Server::furnished().await;
    let other = json!({"metadata": {"name": "m"}});
    server.post("/v2/projects/p/logical-clouds", other).await;
    let spec = json!({"spec": {"pods": "1"}});
    for cloud in ["l", "m"] {
        for quota in ["q1", "q2", "q3"] {
            let path = format!("/v2/projects/p/logical-clouds/{cloud}/cluster-quotas/{quota}");
            assert_eq!(server.put(&path, spec.clone()).await.status, 201);
        }
    }
    let list = format!("{CLOUD}/cluster-quotas");
    let pages = follow(&server, &format!("{list}?limit=2")).await;
    assert_eq!(pages, [vec!["q1", "q2"], vec!["q3"]]);
    for (after, expected) in [
        ("A", 3),
        ("p", 3),
        ("p/l", 3),
        ("p/m", 0),
        ("p/l/q2", 1),
        ("zzz", 0),
    ] {
        let page = server.get(&format!("{list}?continue={after}")).await;
        assert_eq!(names(&page.json()).len(), expected, "{after}: {page}");
    }
}
