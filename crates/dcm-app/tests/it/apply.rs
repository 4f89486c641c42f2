//! Apply: all of a list or nothing, whatever its order, by the rules of the single calls.

use dcm_app::{Applied, Error, Outcome, Precondition, Run};
use dcm_store::Scope;
use dcm_store::StoreExt as _;
use dcm_types::documents::{Action, AuditRecord, ClusterReference, Metadata, Wish};
use dcm_types::drafts::ProviderDraft;
use dcm_types::ports::Nudge;
use dcm_types::{Entry, Key, Kind, ProjectName, ProviderName};
use tokio::task::JoinHandle;

use crate::world::{
    World, cloud_draft, cloud_key, cluster, cluster_draft, permission_draft, project_draft,
    quota_draft, reference_draft, user_draft, who,
};

on_every_store!(
    parents_and_children_in_any_order_become_one_commit,
    what_is_so_already_is_unchanged,
    one_refusal_refuses_all,
    all_refusals_are_told_at_once_without_those_that_follow,
    a_dry_run_tells_the_same_and_writes_nothing,
    an_action_is_taken_last_and_in_the_same_commit,
    a_refused_action_refuses_the_documents_too,
    lists_of_a_cloud_may_be_applied_again,
    a_cluster_is_referenced_once_within_a_list_too,
    the_same_credential_again_is_no_change,
    of_two_applies_at_once_none_is_lost,
    an_apply_and_a_delete_of_its_parent_never_both_win,
);

fn provider() -> Entry {
    Entry::Provider(ProviderDraft {
        name: ProviderName::parse("edge").unwrap(),
        metadata: Metadata::default(),
    })
}

fn edge(name: &str) -> Entry {
    let draft = cluster_draft(name, "https://52.1.2.3:6443");
    Entry::Cluster(ProviderName::parse("edge").unwrap(), draft)
}

fn project(name: &str) -> Entry {
    Entry::Project(project_draft(name, ""))
}

fn cloud() -> Entry {
    let draft = Box::new(cloud_draft("lc"));
    Entry::LogicalCloud(ProjectName::parse("p").unwrap(), draft)
}

fn reference(cluster: &str) -> Entry {
    Entry::Reference(
        cloud_key("p", "lc"),
        reference_draft(Some(cluster), cluster),
    )
}

fn quota(name: &str) -> Entry {
    Entry::Quota(cloud_key("p", "lc"), quota_draft(name, "5"))
}

/// Everything of a slice, children first.
fn slice() -> Vec<Entry> {
    let lc = cloud_key("p", "lc");
    vec![
        quota("q"),
        Entry::Permission(lc.clone(), permission_draft("r", "configmaps")),
        reference("a"),
        reference("b"),
        Entry::User(lc, user_draft("ann", "")),
        cloud(),
        project("p"),
        edge("a"),
        edge("b"),
        provider(),
    ]
}

/// Applies in a task of its own.
fn start(world: &World, entries: Vec<Entry>) -> JoinHandle<Result<Vec<Applied>, Error>> {
    let app = world.app.clone();
    tokio::spawn(async move { app.apply(&who(), entries, Run::Real).await })
}

async fn apply(world: &World, entries: Vec<Entry>) -> Result<Vec<Applied>, Error> {
    world.app.apply(&who(), entries, Run::Real).await
}

fn outcomes(applied: &[Applied]) -> Vec<Outcome> {
    applied.iter().map(|applied| applied.outcome).collect()
}

fn fields(error: &Error) -> Vec<&str> {
    error.faults.iter().map(|f| f.field.as_str()).collect()
}

async fn all_records(world: &World) -> Vec<AuditRecord> {
    let found = world.store.read_all::<AuditRecord>(Scope::All).await;
    found.unwrap().into_iter().map(|f| f.document).collect()
}

async fn parents_and_children_in_any_order_become_one_commit(world: World) {
    let applied = apply(&world, slice()).await.unwrap();
    assert_eq!(outcomes(&applied), [Outcome::Created; 10]);
    for one in &applied {
        let stored = world.store.get(&one.key).await.unwrap().unwrap();
        assert_eq!(one.version, Some(stored.version.number), "{}", one.key);
    }
    assert_eq!(all_records(&world).await.len(), 10);
    let told = world.synchronizer.nudges();
    assert_eq!(
        told,
        [Nudge::Cluster(cluster("a")), Nudge::Cluster(cluster("b"))]
    );
}

async fn what_is_so_already_is_unchanged(world: World) {
    let first = apply(&world, slice()).await.unwrap();
    let second = apply(&world, slice()).await.unwrap();
    assert_eq!(outcomes(&second), [Outcome::Unchanged; 10]);
    let versions = |applied: &[Applied]| applied.iter().map(|a| a.version).collect::<Vec<_>>();
    assert_eq!(versions(&second), versions(&first));
    assert_eq!(all_records(&world).await.len(), 10);

    let changed = vec![quota("q2"), Entry::Project(project_draft("p", "text"))];
    let third = apply(&world, changed).await.unwrap();
    assert_eq!(outcomes(&third), [Outcome::Created, Outcome::Updated]);
}

async fn one_refusal_refuses_all(world: World) {
    let mut entries = slice();
    entries.push(reference("nowhere"));
    let refused = apply(&world, entries).await.unwrap_err();
    assert_eq!(refused.kind, Kind::NotFound);
    assert_eq!(fields(&refused), ["[10]", "[10].document.spec.cluster"]);
    let project = ProjectName::parse("p").unwrap();
    assert!(!world.exists(&Key::project(&project)).await);
    assert!(all_records(&world).await.is_empty());
    assert!(world.synchronizer.nudges().is_empty());
}

async fn all_refusals_are_told_at_once_without_those_that_follow(world: World) {
    let elsewhere = cloud_key("nobody", "lc");
    let wrong = cluster_draft("c", "https://127.0.0.1:6443");
    let entries = vec![
        quota("q"),
        Entry::Quota(elsewhere, quota_draft("q", "5")),
        project("p"),
        cloud(),
        provider(),
        Entry::Cluster(ProviderName::parse("edge").unwrap(), wrong),
        // It fails only because the cluster does, and that is told already.
        reference("c"),
    ];
    let refused = apply(&world, entries).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Invalid);
    let expected = ["[1]", "[5].document.spec.kubeconfig"];
    assert_eq!(fields(&refused), expected);
    assert!(refused.message.contains("2 of 7"), "{}", refused.message);
}

async fn a_dry_run_tells_the_same_and_writes_nothing(world: World) {
    apply(&world, vec![project("p")]).await.unwrap();
    let entries = vec![cloud(), project("p"), quota("q")];
    let applied = world.app.apply(&who(), entries, Run::Dry).await.unwrap();
    let expected = [Outcome::Created, Outcome::Unchanged, Outcome::Created];
    assert_eq!(outcomes(&applied), expected);
    let known = applied.iter().map(|applied| applied.version.is_some());
    assert_eq!(known.collect::<Vec<_>>(), [false, true, false]);
    assert!(!world.exists(&applied[0].key).await);
    assert_eq!(all_records(&world).await.len(), 1);
}

async fn an_action_is_taken_last_and_in_the_same_commit(world: World) {
    let lc = cloud_key("p", "lc");
    let mut entries = vec![Entry::Action(lc.clone(), Action::Instantiate)];
    entries.extend(slice());
    let applied = apply(&world, entries.clone()).await.unwrap();
    let Outcome::Accepted(accepted) = applied[0].outcome else {
        unreachable!("an action is accepted");
    };
    assert_eq!((accepted.generation, accepted.wish), (1, Wish::Present));
    let told = world.synchronizer.nudges();
    assert_eq!(told.last(), Some(&Nudge::Cloud(lc)));
    let again = apply(&world, entries).await.unwrap();
    assert_eq!(again[0].outcome, applied[0].outcome);
}

async fn a_refused_action_refuses_the_documents_too(world: World) {
    let lc = cloud_key("p", "lc");
    let action = Entry::Action(lc.clone(), Action::Instantiate);
    let refused = apply(&world, vec![action, project("p"), cloud()]).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    assert_eq!(fields(&refused), ["[0]"]);
    assert!(!world.exists(&Key::cloud(&lc)).await);

    let twice = [Action::Instantiate, Action::Terminate];
    let actions = twice.map(|action| Entry::Action(lc.clone(), action));
    let refused = apply(&world, actions.to_vec()).await.unwrap_err();
    assert_eq!(fields(&refused), ["[1].path"]);
}

async fn lists_of_a_cloud_may_be_applied_again(world: World) {
    world.register(&["a", "b"]).await;
    let mut draft = cloud_draft("lc");
    draft.clusters = vec![reference_draft(None, "a")];
    let list = |draft: &dcm_types::drafts::LogicalCloudDraft| {
        let entry = Entry::LogicalCloud(ProjectName::parse("p").unwrap(), Box::new(draft.clone()));
        vec![project("p"), entry]
    };
    apply(&world, list(&draft)).await.unwrap();
    let again = apply(&world, list(&draft)).await.unwrap();
    assert_eq!(outcomes(&again), [Outcome::Unchanged; 2]);
    draft.clusters.push(reference_draft(None, "b"));
    let more = apply(&world, list(&draft)).await.unwrap();
    assert_eq!(outcomes(&more), [Outcome::Unchanged, Outcome::Updated]);
    draft.clusters.push(reference_draft(None, "c"));
    let refused = apply(&world, list(&draft)).await.unwrap_err();
    let field = "[1].document.spec.clusters[2].cluster";
    assert_eq!(fields(&refused), ["[1]", field]);
}

async fn a_cluster_is_referenced_once_within_a_list_too(world: World) {
    let mut entries = slice();
    let second = reference_draft(Some("second"), "a");
    entries.push(Entry::Reference(cloud_key("p", "lc"), second));
    let refused = apply(&world, entries).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    assert_eq!(fields(&refused), ["[10]"]);

    let refused = apply(&world, vec![project("p"), project("p")]).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.kind, fields(&refused)),
        (Kind::Invalid, vec!["[1]"])
    );
}

async fn the_same_credential_again_is_no_change(world: World) {
    apply(&world, vec![provider(), edge("a")]).await.unwrap();
    let again = apply(&world, vec![edge("a")]).await.unwrap();
    assert_eq!(again[0].outcome, Outcome::Unchanged);
    let other = cluster_draft("a", "https://52.1.2.4:6443");
    let other = Entry::Cluster(ProviderName::parse("edge").unwrap(), other);
    let changed = apply(&world, vec![other]).await.unwrap();
    assert_eq!(changed[0].outcome, Outcome::Updated);
}

async fn of_two_applies_at_once_none_is_lost(world: World) {
    for round in 0..10 {
        let text = |side: &str| {
            let draft = project_draft("p", &format!("{side} {round}"));
            vec![Entry::Project(draft)]
        };
        let list = |side: &str| [text(side), vec![cloud(), quota(&format!("{side}{round}"))]];
        let (one, other) = (
            start(&world, list("one").concat()),
            start(&world, list("two").concat()),
        );
        let (one, other) = (one.await.unwrap().unwrap(), other.await.unwrap().unwrap());
        let project = ProjectName::parse("p").unwrap();
        let found = world.app.get_project(&who(), &project).await.unwrap();
        let winners = [&one, &other].map(|applied| applied[0].version == Some(found.version));
        assert_eq!(winners.iter().filter(|won| **won).count(), 1);
        let created = [&one, &other].map(|applied| applied[1].outcome == Outcome::Created);
        assert_eq!(created.contains(&true), round == 0);
        assert_ne!(created, [true, true]);
    }
}

async fn an_apply_and_a_delete_of_its_parent_never_both_win(world: World) {
    for _ in 0..10 {
        apply(&world, vec![project("p")]).await.unwrap();
        let name = ProjectName::parse("p").unwrap();
        let applied = start(&world, vec![cloud()]);
        let deleted = world
            .app
            .delete_project(&who(), &name, Precondition::None)
            .await;
        let applied = applied.await.unwrap();
        assert_ne!(applied.is_ok(), deleted.is_ok());
        if applied.is_ok() {
            let lc = cloud_key("p", "lc");
            let (app, who) = (&world.app, who());
            let deleted = app
                .delete_logical_cloud(&who, &lc, Precondition::None)
                .await;
            deleted.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_applies_that_add_one_cluster_each_by_another_name_have_one_winner() {
    for world in [World::in_memory(), World::on_disk()] {
        let lc = world.cloud_on(&[]).await;
        world.register(&["a"]).await;
        let named = |name: &str| {
            let draft = reference_draft(Some(name), "a");
            vec![Entry::Reference(lc.clone(), draft)]
        };
        let (one, other) = (start(&world, named("one")), start(&world, named("two")));
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        assert_ne!(one.is_ok(), other.is_ok());
        let found = world.store.read_all::<ClusterReference>(Scope::All).await;
        assert_eq!(found.unwrap().len(), 1);
    }
}
