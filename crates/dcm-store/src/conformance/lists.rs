//! Cases about lists: scopes, order, pages, indexes.

use std::sync::Arc;

use dcm_types::{DocumentKind, Index, Key};

use super::{Subject, commit, delete, key, paths, put, put_indexed, set};
use crate::store::{Expect, Query, Scope, Store};

const NONE: [&str; 0] = [];

/// The index values of one document.
type Entries<'a> = &'a [(Index, &'a str)];

async fn page(
    store: &Arc<dyn Store>,
    scope: &Scope,
    after: Option<&str>,
    limit: usize,
) -> (Vec<String>, bool) {
    let query = Query {
        kind: DocumentKind::Quota,
        scope: scope.clone(),
        after: after.map(str::to_owned),
        limit,
    };
    let page = store.list(&query).await.unwrap();
    let paths = page.documents.iter().map(|d| d.key.path().to_owned());
    (paths.collect(), page.more)
}

fn under(path: &str) -> Scope {
    Scope::Under(path.to_owned())
}

fn indexed(value: &str) -> Scope {
    Scope::Indexed(Index::Cluster, value.to_owned())
}

/// `a` lists what is below `a`: neither `a` itself, nor what only begins like it.
pub async fn descendants_only(subject: &dyn Subject) {
    let store = subject.store();
    let others = [
        "a", "a!/x", "a-b/x", "a.b/x", "a0", "a0/x", "aA/x", "a_b/x", "ab", "ab/x", "a~/x",
        "b/a/x", "A/x",
    ];
    let below = ["a/!", "a/a", "a/ab/c/d", "a/b", "a/b/c", "a/~", "a/ü"];
    for path in others.iter().chain(&below) {
        set(&store, path, "x").await;
    }
    let other_kind = Key::from_stored(DocumentKind::User, "a/other-kind".to_owned());
    commit(&store, vec![put(other_kind, Expect::Absent, "x")])
        .await
        .unwrap();
    assert_eq!(paths(&store, under("a")).await, below);
    assert_eq!(paths(&store, under("a/b")).await, ["a/b/c"]);
    assert_eq!(paths(&store, under("a/b/c")).await, NONE);
    assert_eq!(paths(&store, under("c")).await, NONE);
    let count = others.len() + below.len();
    assert_eq!(paths(&store, Scope::All).await.len(), count);
}

/// Lists of every scope are ordered by the bytes of the path, not by any language.
pub async fn order_is_by_bytes_of_the_path(subject: &dyn Subject) {
    let store = subject.store();
    let mut names = vec![
        "p/b", "p/B", "p/a-1", "p/a", "p/a/x", "p/10", "p/9", "p/é", "p/z", "p/_",
    ];
    for name in &names {
        let operation = put_indexed(key(name), Expect::Absent, "x", &[(Index::Cluster, "c")]);
        commit(&store, vec![operation]).await.unwrap();
    }
    names.sort_unstable();
    for scope in [Scope::All, under("p"), indexed("c")] {
        assert_eq!(paths(&store, scope).await, names);
    }
}

/// Whoever pages through a list sees each document that was there all the time exactly once,
/// whatever is inserted and deleted meanwhile.
pub async fn pages_are_stable_under_inserts_and_deletes(subject: &dyn Subject) {
    let store = subject.store();
    for scope in [Scope::All, under("p"), indexed("c")] {
        let entries = [(Index::Cluster, "c")];
        for number in 10..30 {
            let path = key(&format!("p/{number}"));
            let operation = put_indexed(path, Expect::Anything, "x", &entries);
            commit(&store, vec![operation]).await.unwrap();
        }
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        for round in 0.. {
            let (found, more) = page(&store, &scope, after.as_deref(), 3).await;
            after = found.last().cloned().or(after);
            seen.extend(found);
            if !more {
                break;
            }
            // Behind the cursor and before it: one goes, one comes.
            let (gone, ahead) = (10 + round, 29 - round);
            let batch = vec![
                delete(key(&format!("p/{gone}")), Expect::Anything),
                delete(key(&format!("p/{ahead}")), Expect::Anything),
                put_indexed(key(&format!("p/{gone}a")), Expect::Anything, "x", &entries),
                put_indexed(key(&format!("p/{ahead}a")), Expect::Anything, "x", &entries),
            ];
            commit(&store, batch).await.unwrap();
        }
        let stayed: Vec<String> = (10..30)
            .map(|number| format!("p/{number}"))
            .filter(|path| seen.contains(path))
            .collect();
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(seen, unique, "in order, nothing twice");
        // 12 of 20 are never touched in the rounds that can happen.
        for number in 16..24 {
            assert!(
                stayed.contains(&format!("p/{number}")),
                "{number} in {seen:?}"
            );
        }
        for path in paths(&store, Scope::All).await {
            commit(&store, vec![delete(key(&path), Expect::Exists)])
                .await
                .unwrap();
        }
    }
}

/// `more` is true exactly when another document follows.
pub async fn page_says_whether_more_follow(subject: &dyn Subject) {
    let store = subject.store();
    for name in ["p/a", "p/b", "p/c"] {
        let operation = put_indexed(key(name), Expect::Absent, "x", &[(Index::Cluster, "c")]);
        commit(&store, vec![operation]).await.unwrap();
    }
    set(&store, "q/a", "x").await;
    for scope in [under("p"), indexed("c")] {
        for (after, limit, wanted, more) in [
            (None, 0, &NONE[..], true),
            (None, 2, &["p/a", "p/b"], true),
            (None, 3, &["p/a", "p/b", "p/c"], false),
            (None, usize::MAX, &["p/a", "p/b", "p/c"], false),
            (Some("p/a"), 1, &["p/b"], true),
            (Some("p/a"), 2, &["p/b", "p/c"], false),
            (Some("p/bb"), 9, &["p/c"], false),
            (Some("p/c"), 9, &[], false),
        ] {
            let (found, said) = page(&store, &scope, after, limit).await;
            assert_eq!(found, wanted, "{scope:?} after {after:?} limit {limit}");
            assert_eq!(said, more, "{scope:?} after {after:?} limit {limit}");
        }
    }
}

/// A cursor before the scope starts at its beginning, one behind it finds nothing.
pub async fn cursor_outside_of_the_scope(subject: &dyn Subject) {
    let store = subject.store();
    for name in ["a/x", "b/x", "b/y", "c/x"] {
        set(&store, name, "x").await;
    }
    for (after, wanted) in [
        ("", &["b/x", "b/y"][..]),
        ("a/x", &["b/x", "b/y"]),
        ("b", &["b/x", "b/y"]),
        ("b/x", &["b/y"]),
        ("b0", &NONE),
        ("c/x", &NONE),
    ] {
        let (found, more) = page(&store, &under("b"), Some(after), 10).await;
        assert_eq!(
            (found.as_slice(), more),
            (owned(wanted).as_slice(), false),
            "after {after}"
        );
    }
}

fn owned(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

/// After a put a document is found under its new values only; after a delete under none.
pub async fn put_replaces_index_entries(subject: &dyn Subject) {
    let store = subject.store();
    let cloud = |value: &str| Scope::Indexed(Index::Cloud, value.to_owned());
    // The entries, and whether they are found by k1, k2, u1, u2.
    let steps: [(Entries<'_>, [bool; 4]); 5] = [
        (&[(Index::Cluster, "k1")], [true, false, false, false]),
        (
            &[(Index::Cluster, "k2"), (Index::Cloud, "u1")],
            [false, true, true, false],
        ),
        (
            &[(Index::Cluster, "k1"), (Index::Cluster, "k2")],
            [true, true, false, false],
        ),
        (&[], [false; 4]),
        (&[(Index::Cloud, "u2")], [false, false, false, true]),
    ];
    for (entries, wanted) in steps {
        // Twice, so that the same values again change nothing.
        for _ in 0..2 {
            let operation = put_indexed(key("d"), Expect::Anything, "x", entries);
            commit(&store, vec![operation]).await.unwrap();
            let scopes = [indexed("k1"), indexed("k2"), cloud("u1"), cloud("u2")];
            for (scope, wanted) in scopes.into_iter().zip(wanted) {
                let found = paths(&store, scope.clone()).await;
                assert_eq!(found == ["d"], wanted, "{scope:?} with {entries:?}");
                assert_eq!(found.is_empty(), !wanted, "{scope:?} with {entries:?}");
            }
        }
    }
    commit(&store, vec![delete(key("d"), Expect::Exists)])
        .await
        .unwrap();
    assert_eq!(paths(&store, cloud("u2")).await, NONE);
    set(&store, "d", "made again without entries").await;
    assert_eq!(paths(&store, cloud("u2")).await, NONE);
}

/// A value that begins like another, the same value of another index or kind: all apart.
pub async fn index_values_do_not_run_into_each_other(subject: &dyn Subject) {
    let store = subject.store();
    let other_kind = Key::from_stored(DocumentKind::User, "d5".to_owned());
    let batch = vec![
        put_indexed(key("d1"), Expect::Absent, "x", &[(Index::Cluster, "p/c")]),
        put_indexed(key("d2"), Expect::Absent, "x", &[(Index::Cluster, "p/c2")]),
        put_indexed(key("d3"), Expect::Absent, "x", &[(Index::Cluster, "p")]),
        put_indexed(key("d4"), Expect::Absent, "x", &[(Index::Cloud, "p/c")]),
        put_indexed(other_kind, Expect::Absent, "x", &[(Index::Cluster, "p/c")]),
    ];
    commit(&store, batch).await.unwrap();
    assert_eq!(paths(&store, indexed("p/c")).await, ["d1"]);
    assert_eq!(paths(&store, indexed("")).await, NONE);
}

/// Lists by index are paged like all others, and show the documents as they are now.
pub async fn indexed_pages(subject: &dyn Subject) {
    let store = subject.store();
    for number in 0..7 {
        let path = key(&format!("d{number}"));
        let operation = put_indexed(path, Expect::Absent, "old", &[(Index::Cluster, "c")]);
        commit(&store, vec![operation]).await.unwrap();
    }
    let (first, more) = page(&store, &indexed("c"), None, 4).await;
    assert_eq!((first, more), (owned(&["d0", "d1", "d2", "d3"]), true));
    let operation = put_indexed(key("d5"), Expect::Exists, "new", &[(Index::Cluster, "c")]);
    commit(&store, vec![operation]).await.unwrap();
    let query = Query {
        kind: DocumentKind::Quota,
        scope: indexed("c"),
        after: Some("d3".to_owned()),
        limit: 4,
    };
    let rest = store.list(&query).await.unwrap();
    let found: Vec<(&str, &str)> = rest
        .documents
        .iter()
        .map(|d| (d.key.path(), d.body.as_str()))
        .collect();
    assert_eq!(found, [("d4", "old"), ("d5", "new"), ("d6", "old")]);
    assert!(!rest.more);
}
