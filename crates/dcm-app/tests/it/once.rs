//! A request with a key: one effect and one answer, in races, between processes, and for 24 hours.

use std::time::Duration;

use dcm_app::{
    Answer, App, Attempt, Begun, Error, Fingerprint, Precondition, Refused, Saved, run_background,
};
use dcm_store::{Scope, StoreExt as _};
use dcm_types::documents::{KeptAnswer, Project};
use dcm_types::ports::Nudge;
use dcm_types::{Key, Kind, ProjectName};
use tokio_util::sync::CancellationToken;

use crate::world::{World, eventually, project_draft, user_draft, who};

on_every_store!(
    nothing_is_seen_or_told_before_the_answer_is_kept,
    of_many_repeats_one_has_an_effect,
    two_processes_do_it_once,
    a_refusal_after_another_process_answered_is_not_current,
    a_race_with_others_is_begun_again,
    what_is_refused_is_refused_in_its_own_words,
    an_answer_is_kept_for_24_hours_and_then_swept,
    an_attempt_that_is_dropped_did_nothing,
    versions_in_a_body_become_those_of_the_commit,
);

fn fingerprint(body: &str) -> Fingerprint {
    Fingerprint::of(&[b"POST", b"/v2/projects", body.as_bytes()])
}

fn project(name: &str) -> ProjectName {
    ProjectName::parse(name).unwrap()
}

async fn create_in(attempt: &Attempt) -> Result<Saved<Project>, Error> {
    let app = attempt.app();
    app.create_project(&who(), project_draft("p", "")).await
}

/// Creates the project `p` as a transport does; `None` when the race was lost.
async fn create(attempt: Attempt) -> Result<Option<Answer>, Error> {
    let saved = create_in(&attempt).await?;
    let answer = Answer {
        status: 201,
        headers: vec![("location".to_owned(), "/v2/projects/p".to_owned())],
        version: Some(saved.version),
        body: saved.document.uid.to_string(),
    };
    attempt.keep(answer).await
}

async fn create_once(app: &App) -> Result<Answer, Refused> {
    let once = app.once(&who(), "k", fingerprint("p"))?;
    loop {
        match once.begin().await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Now(attempt) => {
                if let Some(answer) = create(attempt).await? {
                    return Ok(answer);
                }
            }
        }
    }
}

async fn begin(app: &App, body: &str) -> (dcm_app::Once, Attempt) {
    let once = app.once(&who(), "k", fingerprint(body)).unwrap();
    match once.begin().await.unwrap() {
        Begun::Now(attempt) => (once, attempt),
        Begun::Answered(answer) => unreachable!("{answer:?}"),
    }
}

async fn kept(world: &World) -> usize {
    let found = world.store.read_all::<KeptAnswer>(Scope::All).await;
    found.unwrap().len()
}

fn plain(status: u16) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        version: None,
        body: String::new(),
    }
}

async fn nothing_is_seen_or_told_before_the_answer_is_kept(world: World) {
    let key = world.cloud_on(&["c1"]).await;
    world.synchronizer.nudges();
    let (_once, attempt) = begin(&world.app, "").await;
    attempt.app().instantiate(&who(), &key).await.unwrap();
    let deeds = world.deeds("p").await;
    assert!(!deeds.iter().any(|deed| deed.starts_with("instantiate")));
    assert_eq!(world.synchronizer.nudges(), []);
    attempt.keep(plain(202)).await.unwrap().unwrap();
    assert_eq!(world.lifecycle(&key).await.generation, 1);
    assert_eq!(world.synchronizer.nudges(), [Nudge::Cloud(key)]);
}

async fn of_many_repeats_one_has_an_effect(world: World) {
    let repeats: Vec<_> = (0..32)
        .map(|_| {
            let app = world.app.clone();
            tokio::spawn(async move { create_once(&app).await })
        })
        .collect();
    let mut answers = Vec::new();
    for repeat in repeats {
        match repeat.await.unwrap() {
            Ok(answer) => answers.push(answer),
            Err(refused) => assert!(matches!(refused, Refused::Running), "{refused:?}"),
        }
    }
    let first = create_once(&world.app).await.unwrap();
    assert!(!answers.is_empty());
    assert!(answers.iter().all(|answer| *answer == first));
    let stored = world.app.get_project(&who(), &project("p")).await.unwrap();
    assert_eq!(first.version, Some(stored.version));
    assert_eq!(world.deeds("p").await, ["create project/p"]);
}

async fn two_processes_do_it_once(world: World) {
    let other = world.another();
    // Both begin before either is done; the store decides.
    let (one, first) = begin(&world.app, "p").await;
    let (two, second) = begin(&other, "p").await;
    let kept = create(first).await.unwrap().unwrap();
    // Whoever comes second finds the name taken, or loses the commit; begun again, it is answered.
    let lost = create(second).await;
    assert!(matches!(&lost, Ok(None)) || lost.is_err(), "{lost:?}");
    drop((one, two));
    assert_eq!(create_once(&other).await.unwrap(), kept);
    assert_eq!(world.deeds("p").await.len(), 1);

    let repeats: Vec<_> = (0..16)
        .map(|number| {
            let app = if number % 2 == 0 {
                world.app.clone()
            } else {
                other.clone()
            };
            tokio::spawn(async move { create_once(&app).await })
        })
        .collect();
    for repeat in repeats {
        match repeat.await.unwrap() {
            Ok(answer) => assert_eq!(answer, kept),
            Err(refused) => assert!(matches!(refused, Refused::Running), "{refused:?}"),
        }
    }
}

async fn a_refusal_after_another_process_answered_is_not_current(world: World) {
    let (_one, first) = begin(&world.app, "p").await;
    let (two, second) = begin(&world.another(), "p").await;
    let kept = create(first).await.unwrap().unwrap();
    let refused = create_in(&second).await.unwrap_err();
    assert_eq!(refused.kind, Kind::AlreadyExists);
    assert!(!second.is_current().await.unwrap());
    let again = two.begin().await.unwrap();
    assert!(matches!(&again, Begun::Answered(answer) if *answer == kept));
    // A refusal that rests on what is there is one.
    let other = world.app.once(&who(), "other", fingerprint("p")).unwrap();
    let Begun::Now(attempt) = other.begin().await.unwrap() else {
        unreachable!("this key is new");
    };
    assert!(create_in(&attempt).await.is_err());
    assert!(attempt.is_current().await.unwrap());
}

async fn a_race_with_others_is_begun_again(world: World) {
    world.project("p").await;
    let (once, attempt) = begin(&world.app, "put").await;
    let put = async |app: App, text: &str| {
        let draft = project_draft("p", text);
        app.put_project(&who(), &project("p"), draft, Precondition::None)
            .await
    };
    put(attempt.app(), "mine").await.unwrap();
    put(world.app.clone(), "theirs").await.unwrap();
    assert_eq!(attempt.keep(plain(200)).await.unwrap(), None);
    assert_eq!(kept(&world).await, 0);
    let Begun::Now(again) = once.begin().await.unwrap() else {
        unreachable!("nothing was kept");
    };
    put(again.app(), "mine").await.unwrap();
    again.keep(plain(200)).await.unwrap().unwrap();
    let stored = world.app.get_project(&who(), &project("p")).await.unwrap();
    assert_eq!(stored.document.metadata.description.as_str(), "mine");
}

async fn what_is_refused_is_refused_in_its_own_words(world: World) {
    world.project("p").await;
    let (_once, attempt) = begin(&world.app, "p").await;
    let staged = attempt.app();
    let plain = &world.app;
    let twice = async |app: &App| {
        let created = app.create_project(&who(), project_draft("p", "")).await;
        created.unwrap_err()
    };
    let (one, other) = (twice(&staged).await, twice(plain).await);
    assert_eq!((one.kind, one.to_string()), (other.kind, other.to_string()));
    assert_eq!(one.kind, Kind::AlreadyExists);
    let key = crate::world::cloud_key("p", "none");
    let orphan = async |app: &App| {
        let created = app.create_user(&who(), &key, user_draft("u", "")).await;
        created.unwrap_err().to_string()
    };
    assert_eq!(orphan(&staged).await, orphan(plain).await);
    // What is decided on what was changed before in the same request, is decided on that.
    let project = project("p");
    staged
        .delete_project(&who(), &project, Precondition::None)
        .await
        .unwrap();
    let gone = staged.get_project(&who(), &project).await.unwrap_err();
    assert_eq!(gone.kind, Kind::NotFound);
    assert!(world.exists(&Key::project(&project)).await);
}

async fn an_answer_is_kept_for_24_hours_and_then_swept(world: World) {
    let first = create_once(&world.app).await.unwrap();
    let other = world.app.once(&who(), "k", fingerprint("other")).unwrap();
    let reused = other.begin().await.unwrap_err();
    assert!(matches!(reused, Refused::Reused), "{reused:?}");
    drop(other);
    let remove = Precondition::None;
    world
        .app
        .delete_project(&who(), &project("p"), remove)
        .await
        .unwrap();
    world.clock.advance(Duration::from_hours(23));
    // Also by a process that was started since.
    assert_eq!(create_once(&world.another()).await.unwrap(), first);
    world.clock.advance(Duration::from_hours(1));
    let again = create_once(&world.app).await.unwrap();
    assert_ne!(again, first);
    assert_eq!(kept(&world).await, 1);

    world.clock.advance(Duration::from_hours(24));
    let cancellation = CancellationToken::new();
    let work = tokio::spawn(run_background(world.app.clone(), cancellation.clone()));
    eventually("kept answers are swept", async || kept(&world).await == 0).await;
    cancellation.cancel();
    work.await.unwrap();
}

async fn an_attempt_that_is_dropped_did_nothing(world: World) {
    let (once, attempt) = begin(&world.app, "p").await;
    let running = world.app.once(&who(), "k", fingerprint("p")).unwrap_err();
    assert!(matches!(running, Refused::Running), "{running:?}");
    attempt
        .app()
        .create_project(&who(), project_draft("p", ""))
        .await
        .unwrap();
    // The caller went away.
    drop((once, attempt));
    assert!(!world.exists(&Key::project(&project("p"))).await);
    assert_eq!(create_once(&world.app).await.unwrap().status, 201);
}

async fn versions_in_a_body_become_those_of_the_commit(world: World) {
    let (once, attempt) = begin(&world.app, "p").await;
    let app = attempt.app();
    let mut versions = Vec::new();
    for name in ["q", "p"] {
        let created = app.create_project(&who(), project_draft(name, "")).await;
        versions.push(created.unwrap().version);
    }
    let before = format!("{},{}", versions[0], versions[1]);
    let answer = Answer {
        body: before.clone(),
        version: Some(versions[1]),
        ..plain(200)
    };
    let kept = attempt.keep(answer).await.unwrap().unwrap();
    let mut stored = Vec::new();
    for name in ["q", "p"] {
        let found = world.app.get_project(&who(), &project(name)).await;
        stored.push(found.unwrap().version);
    }
    assert_ne!(kept.body, before);
    assert_eq!(kept.body, format!("{},{}", stored[0], stored[1]));
    assert_eq!(kept.version, Some(stored[1]));
    let again = once.begin().await.unwrap();
    assert!(matches!(&again, Begun::Answered(answer) if *answer == kept));
}

#[tokio::test]
async fn an_answer_survives_the_end_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on_disk_in(folder.path());
    let first = create_once(&world.app).await.unwrap();
    let vault = world.vault.clone();
    drop(world);
    let world = World::on_disk_in(folder.path()).sealed_by(vault);
    assert_eq!(create_once(&world.app).await.unwrap(), first);
    assert_eq!(world.deeds("p").await.len(), 1);
}
