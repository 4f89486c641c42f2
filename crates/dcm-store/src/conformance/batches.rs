//! Cases about batches: preconditions, atomicity, version numbers.

use std::collections::HashSet;

use dcm_types::{DocumentKind, Index, Key};
use futures::StreamExt;

use super::{Subject, all, assert, commit, delete, key, paths, put, put_indexed, set, version};
use crate::store::{Change, Error, Expect, Operation, Scope, Version};

/// What a document can be like before an operation meets it.
#[derive(Debug, Clone, Copy)]
enum State {
    Never,
    Deleted,
    Present,
    Touched,
    MadeAgain,
}

const STATES: [State; 5] = [
    State::Never,
    State::Deleted,
    State::Present,
    State::Touched,
    State::MadeAgain,
];

async fn bring_about(subject: &dyn Subject, state: State, path: &str) -> Option<Version> {
    let store = subject.store();
    let make = put(key(path), Expect::Absent, "1");
    let remove = delete(key(path), Expect::Exists);
    let touch = assert(key(path), Expect::Exists);
    let steps = match state {
        State::Never => vec![],
        State::Deleted => vec![make, remove],
        State::Present => vec![make],
        State::Touched => vec![make, touch.clone(), touch],
        State::MadeAgain => vec![make.clone(), remove, make],
    };
    for step in steps {
        commit(&store, vec![step]).await.unwrap();
    }
    version(&store, &key(path)).await
}

/// Every expectation worth telling apart, and whether it holds of what is there.
fn expectations(now: Option<Version>) -> Vec<(Expect, bool)> {
    let there = now.is_some();
    let Version { number, touched } = now.unwrap_or(Version {
        number: 1,
        touched: 0,
    });
    let untouched = |number, touched| Expect::Untouched(Version { number, touched });
    vec![
        (Expect::Anything, true),
        (Expect::Absent, !there),
        (Expect::Exists, there),
        (Expect::Number(number), there),
        (Expect::Number(number + 1), false),
        (Expect::Number(0), false),
        (untouched(number, touched), there),
        (untouched(number, touched + 1), false),
        (untouched(number + 1, touched), false),
    ]
}

/// Each kind of operation, with each expectation, on each state: it holds or it is refused, the
/// answer says what was found, and afterwards the document is what it should be.
pub async fn every_precondition_meets_every_state(subject: &dyn Subject) {
    let store = subject.store();
    for state in STATES {
        for kind in ["put", "delete", "assert"] {
            for choice in 0..expectations(None).len() {
                let path = format!("{state:?}/{kind}/{choice}");
                let before = bring_about(subject, state, &path).await;
                let (expect, holds) = expectations(before)[choice];
                let operation = match kind {
                    "put" => put(key(&path), expect, "2"),
                    "delete" => delete(key(&path), expect),
                    _ => assert(key(&path), expect),
                };
                let what = format!("{operation:?} on {state:?}");
                let outcome = commit(&store, vec![operation]).await;
                let after = store.get(&key(&path)).await.unwrap();
                let after_version = after.as_ref().map(|found| found.version);
                if !holds {
                    let Err(Error::Precondition { key: named, found }) = outcome else {
                        panic!("{what}: {outcome:?}");
                    };
                    assert_eq!((named, found), (key(&path), before), "{what}");
                    assert_eq!(after_version, before, "{what}");
                    continue;
                }
                let written = outcome.unwrap_or_else(|e| panic!("{what}: {e}")).written;
                match kind {
                    "put" => {
                        let after = after.unwrap();
                        assert_eq!(written, [(key(&path), after.version.number)], "{what}");
                        assert_eq!((after.body.as_str(), after.schema), ("2", 3), "{what}");
                        assert!(before.is_none_or(|b| b.number < after.version.number));
                    }
                    "delete" => assert_eq!((written, after), (vec![], None), "{what}"),
                    _ => {
                        let touched = before.map(|before| Version {
                            touched: before.touched + 1,
                            ..before
                        });
                        assert_eq!((written, after_version), (vec![], touched), "{what}");
                    }
                }
            }
        }
    }
}

/// A batch with one operation that is refused, wherever it stands, leaves no trace: no document, no
/// version, no index entry, no hint.
pub async fn refused_batch_changes_nothing(subject: &dyn Subject) {
    let store = subject.store();
    let indexed = |body| {
        put_indexed(
            key("c/old"),
            Expect::Anything,
            body,
            &[(Index::Cloud, body)],
        )
    };
    commit(&store, vec![indexed("1")]).await.unwrap();
    set(&store, "c/touched", "1").await;
    set(&store, "c/deleted", "1").await;
    let before = all(&store, Scope::All).await;
    let mut changes = store.changes();

    let refusals = [
        put(key("c/x"), Expect::Exists, "2"),
        delete(key("c/x"), Expect::Exists),
        assert(key("c/x"), Expect::Exists),
    ];
    let fine = [
        indexed("2"),
        put(key("c/new"), Expect::Absent, "2"),
        delete(key("c/deleted"), Expect::Exists),
        assert(key("c/touched"), Expect::Exists),
    ];
    for refused in refusals {
        for position in 0..=fine.len() {
            let mut operations = fine.to_vec();
            operations.insert(position, refused.clone());
            let outcome = commit(&store, operations).await;
            assert!(matches!(
                outcome,
                Err(Error::Precondition { found: None, .. })
            ));
        }
    }

    assert_eq!(all(&store, Scope::All).await, before);
    let by = |value: &str| Scope::Indexed(Index::Cloud, value.to_owned());
    assert_eq!(paths(&store, by("1")).await, ["c/old"]);
    assert_eq!(paths(&store, by("2")).await, Vec::<String>::new());
    set(&store, "last", "").await;
    assert_eq!(changes.next().await, Some(Change::Document(key("last"))));
}

/// Two operations on one document in one batch are refused, whichever they are.
pub async fn key_named_twice_is_refused(subject: &dyn Subject) {
    let store = subject.store();
    set(&store, "twice", "1").await;
    let operations = [
        put(key("twice"), Expect::Anything, "2"),
        delete(key("twice"), Expect::Anything),
        assert(key("twice"), Expect::Exists),
    ];
    for first in &operations {
        for second in &operations {
            let between = put(key("once"), Expect::Absent, "2");
            let outcome = commit(&store, vec![first.clone(), between, second.clone()]).await;
            let Err(Error::RepeatedKey { key: named }) = outcome else {
                panic!("{first:?} and {second:?}: {outcome:?}");
            };
            assert_eq!(named, key("twice"));
        }
    }
    let found = all(&store, Scope::All).await;
    assert_eq!((found.len(), found[0].body.as_str()), (1, "1"));
}

/// The kind is part of the key.
pub async fn same_path_of_another_kind_is_another_document(subject: &dyn Subject) {
    let store = subject.store();
    let of = |kind| Key::from_stored(kind, "p/c".to_owned());
    let (cloud, namespace) = (of(DocumentKind::LogicalCloud), of(DocumentKind::Namespace));
    let batch = vec![
        put(cloud.clone(), Expect::Absent, "cloud"),
        put(namespace.clone(), Expect::Absent, "namespace"),
    ];
    commit(&store, batch).await.unwrap();
    commit(&store, vec![delete(cloud.clone(), Expect::Exists)])
        .await
        .unwrap();
    assert_eq!(store.get(&cloud).await.unwrap(), None);
    let left = store.get(&namespace).await.unwrap().unwrap();
    assert_eq!((left.key, left.body.as_str()), (namespace, "namespace"));
}

/// A number names one text of one document for ever: not even a delete, or a refused batch between,
/// gives it out again.
pub async fn version_numbers_are_never_used_twice(subject: &dyn Subject) {
    let store = subject.store();
    let mut seen = HashSet::new();
    let mut last = 0;
    for round in 0..30 {
        let mut operations: Vec<Operation> = (0..3)
            .map(|n| put(key(&format!("d{n}")), Expect::Anything, "x"))
            .collect();
        let written = commit(&store, operations.clone()).await.unwrap().written;
        for (written, number) in written {
            assert!(number > last, "{written} got {number} after {last}");
            assert!(seen.insert(number));
            last = number;
        }
        operations.push(assert(key("none"), Expect::Exists));
        commit(&store, operations).await.unwrap_err();
        if round % 2 == 0 {
            let all = (0..3).map(|n| delete(key(&format!("d{n}")), Expect::Exists));
            commit(&store, all.collect()).await.unwrap();
        }
    }
}

/// An assertion moves `touched` and nothing else.
pub async fn assert_does_not_change_what_users_see(subject: &dyn Subject) {
    let store = subject.store();
    set(&store, "d", "text").await;
    let before = store.get(&key("d")).await.unwrap().unwrap();
    for touched in 1..4 {
        let batch = vec![assert(key("d"), Expect::Number(before.version.number))];
        commit(&store, batch).await.unwrap();
        let mut wanted = before.clone();
        wanted.version.touched += touched;
        assert_eq!(store.get(&key("d")).await.unwrap(), Some(wanted.clone()));
        assert_eq!(all(&store, Scope::All).await, [wanted]);
    }
    // What is absent stays absent, and stays unseen.
    commit(&store, vec![assert(key("e"), Expect::Absent)])
        .await
        .unwrap();
    assert_eq!(store.get(&key("e")).await.unwrap(), None);
}

/// A version read before a put does not hold after it, whatever `touched` was.
pub async fn put_forgets_assertions(subject: &dyn Subject) {
    let store = subject.store();
    set(&store, "d", "1").await;
    let old = version(&store, &key("d")).await.unwrap();
    commit(&store, vec![assert(key("d"), Expect::Exists)])
        .await
        .unwrap();
    set(&store, "d", "2").await;
    for expect in [Expect::Untouched(old), Expect::Number(old.number)] {
        commit(&store, vec![delete(key("d"), expect)])
            .await
            .unwrap_err();
    }
    let now = version(&store, &key("d")).await.unwrap();
    commit(&store, vec![delete(key("d"), Expect::Untouched(now))])
        .await
        .unwrap();
}

/// The answer lists each put, in the order of the operations.
pub async fn answer_names_puts_in_order(subject: &dyn Subject) {
    let store = subject.store();
    set(&store, "b", "1").await;
    let batch = vec![
        put(key("c"), Expect::Absent, "1"),
        delete(key("b"), Expect::Exists),
        put(key("a"), Expect::Absent, "1"),
        assert(key("x"), Expect::Absent),
        put(key("d"), Expect::Anything, "1"),
    ];
    let written = commit(&store, batch).await.unwrap().written;
    let named: Vec<&str> = written.iter().map(|(key, _)| key.path()).collect();
    assert_eq!(named, ["c", "a", "d"]);
    let first = written[0].1;
    let numbers: Vec<u64> = written.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [first, first + 1, first + 2]);
    for (key, number) in &written {
        assert_eq!(version(&store, key).await.unwrap().number, *number);
    }
}

/// Nothing to do is done at once.
pub async fn empty_batch_does_nothing(subject: &dyn Subject) {
    let store = subject.store();
    assert!(commit(&store, vec![]).await.unwrap().written.is_empty());
}

/// Text is text: whatever the JSON holds comes back as it was.
pub async fn bodies_come_back_byte_for_byte(subject: &dyn Subject) {
    let store = subject.store();
    let large = format!("\"{}\"", "ü🦀x".repeat(200_000));
    let bodies = [
        "{}",
        "",
        "\"it's; DROP TABLE\\u0000\"",
        "\u{0}\u{10ffff}\n",
        &large,
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let path = format!("{number}");
        set(&store, &path, body).await;
        assert_eq!(store.get(&key(&path)).await.unwrap().unwrap().body, body);
    }
    let listed = all(&store, Scope::All).await;
    assert!(listed.iter().map(|found| found.body.as_str()).eq(bodies));
}

/// Documents that are read together come in the order of their keys; what is missing keeps its place.
pub async fn documents_read_together_keep_their_order(subject: &dyn Subject) {
    let store = subject.store();
    set(&store, "a", "1").await;
    set(&store, "b", "2").await;
    let keys = ["b", "missing", "a", "b"].map(key);
    let found = store.get_many(&keys).await.unwrap();
    let bodies: Vec<_> = found
        .iter()
        .map(|d| d.as_ref().map(|d| d.body.as_str()))
        .collect();
    assert_eq!(bodies, [Some("2"), None, Some("1"), Some("2")]);
    for (key, found) in keys.iter().zip(&found) {
        assert_eq!(*found, store.get(key).await.unwrap());
    }
    assert_eq!(store.get_many(&[]).await.unwrap(), Vec::new());
}
