//! Users of a cloud: the first one and the others, and what may name them.

use dcm_app::Precondition;
use dcm_types::drafts::{LogicalCloudDraft, PermissionDraft};
use dcm_types::{CloudKey, Key, Kind, UserName};

use crate::world::{
    World, cloud_draft, cloud_key, described, kind, permission_draft, user_draft, who,
};

on_every_store!(
    a_user_is_created_read_replaced_and_deleted,
    the_first_user_is_one_of_them_and_stays_while_the_cloud_names_him,
    another_one_can_become_the_first,
    a_user_whom_a_permission_names_stays,
    a_deletion_and_a_permission_that_race_leave_no_orphan,
    the_number_of_users_is_bounded,
    a_cloud_goes_with_its_users,
);

fn name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

fn permission_of(user: &str, text: &str) -> PermissionDraft {
    PermissionDraft {
        user: Some(name(user)),
        ..permission_draft(text, "pods")
    }
}

async fn prepared(world: &World) -> CloudKey {
    world.project("p").await;
    let key = cloud_key("p", "lc");
    world.cloud(&key).await;
    key
}

async fn names(world: &World, key: &CloudKey) -> Vec<String> {
    let page = dcm_app::PageRequest::default();
    let listed = world.app.list_users(&who(), key, page).await.unwrap();
    let users = listed.items.into_iter();
    users.map(|user| user.document.name.to_string()).collect()
}

async fn a_user_is_created_read_replaced_and_deleted(world: World) {
    let key = prepared(&world).await;
    let (app, who) = (&world.app, who());
    let created = app
        .create_user(&who, &key, user_draft("ann", "first"))
        .await
        .unwrap();
    let again = app.create_user(&who, &key, user_draft("ann", "")).await;
    let error = again.unwrap_err();
    assert_eq!(error.kind, Kind::AlreadyExists);
    assert_eq!(
        error.to_string(),
        "user 'ann' of logical cloud 'lc' exists already"
    );
    let stale = Precondition::Match(vec![created.version + 7]);
    let draft = user_draft("ann", "second");
    let refused = app
        .put_user(&who, &key, &name("ann"), draft.clone(), stale.clone())
        .await;
    assert_eq!(kind(refused), Kind::PreconditionFailed);
    let put = app
        .put_user(&who, &key, &name("ann"), draft, Precondition::None)
        .await
        .unwrap();
    assert!(!put.created);
    assert_eq!(
        put.saved.document.uid, created.document.uid,
        "who she is in the members stays"
    );
    assert_eq!(put.saved.document.metadata, described("second"));
    let ann = name("ann");
    assert_eq!(app.get_user(&who, &key, &ann).await.unwrap(), put.saved);
    let refused = app.delete_user(&who, &key, &ann, stale).await;
    assert_eq!(kind(refused), Kind::PreconditionFailed);
    app.delete_user(&who, &key, &ann, Precondition::None)
        .await
        .unwrap();
    assert_eq!(kind(app.get_user(&who, &key, &ann).await), Kind::NotFound);
    let deeds = world.deeds("p").await;
    assert_eq!(
        deeds[2..],
        [
            "create user/p/lc/ann",
            "update user/p/lc/ann",
            "delete user/p/lc/ann"
        ]
    );
}

async fn the_first_user_is_one_of_them_and_stays_while_the_cloud_names_him(world: World) {
    let key = prepared(&world).await;
    let app = &world.app;
    app.create_user(&who(), &key, user_draft("ann", ""))
        .await
        .unwrap();
    assert_eq!(names(&world, &key).await, ["ann", "bob"]);
    let refused = app
        .delete_user(&who(), &key, &name("bob"), Precondition::None)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict);
    assert!(refused.hint.unwrap().contains("spec.user.userName"));
    let without = LogicalCloudDraft {
        user: None,
        ..cloud_draft("lc")
    };
    app.put_logical_cloud(&who(), &key, without, Precondition::None)
        .await
        .unwrap();
    assert_eq!(names(&world, &key).await, ["ann"]);
}

async fn another_one_can_become_the_first(world: World) {
    let key = prepared(&world).await;
    let (app, who) = (&world.app, who());
    let ann = app
        .create_user(&who, &key, user_draft("ann", "hers"))
        .await
        .unwrap();
    let led_by = |user: &str| LogicalCloudDraft {
        user: Some(user_draft(user, "")),
        ..cloud_draft("lc")
    };
    app.create_permission(&who, &key, permission_of("bob", "x"))
        .await
        .unwrap();
    let put = async |user: &str| {
        app.put_logical_cloud(&who, &key, led_by(user), Precondition::None)
            .await
    };
    let refused = put("ann").await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict, "a permission names bob");
    let permission = dcm_types::PermissionName::parse("x").unwrap();
    app.delete_permission(&who, &key, &permission, Precondition::None)
        .await
        .unwrap();
    let shown = put("ann").await.unwrap().saved.document;
    assert_eq!(
        shown.user,
        Some(ann.document.clone()),
        "she stays who she is"
    );
    assert_eq!(names(&world, &key).await, ["ann"]);
    put("eve").await.unwrap();
    assert_eq!(names(&world, &key).await, ["eve"]);
}

async fn a_user_whom_a_permission_names_stays(world: World) {
    let key = prepared(&world).await;
    let (app, who) = (&world.app, who());
    app.create_user(&who, &key, user_draft("ann", ""))
        .await
        .unwrap();
    for text in ["x", "y", "z"] {
        app.create_permission(&who, &key, permission_of("ann", text))
            .await
            .unwrap();
    }
    let delete = async || {
        app.delete_user(&who, &key, &name("ann"), Precondition::None)
            .await
    };
    let error = delete().await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    assert_eq!(
        error.to_string(),
        "user 'ann' of logical cloud 'lc' is named by user permission 'x' and 2 more"
    );
    assert!(error.hint.is_some());
    for text in ["x", "y", "z"] {
        let permission = dcm_types::PermissionName::parse(text).unwrap();
        let draft = permission_draft(text, "pods");
        app.put_permission(&who, &key, &permission, draft, Precondition::None)
            .await
            .unwrap();
    }
    delete().await.unwrap();
}

async fn a_deletion_and_a_permission_that_race_leave_no_orphan(world: World) {
    let key = prepared(&world).await;
    let (app, who) = (&world.app, who());
    for number in 0..30 {
        let user = format!("u{number}");
        app.create_user(&who, &key, user_draft(&user, ""))
            .await
            .unwrap();
        let text = format!("x{number}");
        let named = name(&user);
        let (permission, deletion) = tokio::join!(
            app.create_permission(&who, &key, permission_of(&user, &text)),
            app.delete_user(&who, &key, &named, Precondition::None),
        );
        assert!(
            permission.is_ok() != deletion.is_ok(),
            "one of both: {permission:?} {deletion:?}"
        );
        let stays = world.exists(&Key::user(&key, &named)).await;
        assert_eq!(stays, permission.is_ok());
        if stays {
            let permission = dcm_types::PermissionName::parse(&text).unwrap();
            app.delete_permission(&who, &key, &permission, Precondition::None)
                .await
                .unwrap();
            app.delete_user(&who, &key, &named, Precondition::None)
                .await
                .unwrap();
        }
    }
}

async fn the_number_of_users_is_bounded(world: World) {
    let key = prepared(&world).await;
    let (app, who) = (&world.app, who());
    for number in 1..32 {
        let draft = user_draft(&format!("u{number}"), "");
        app.create_user(&who, &key, draft).await.unwrap();
    }
    let refused = app.create_user(&who, &key, user_draft("more", "")).await;
    assert_eq!(kind(refused), Kind::Conflict);
    let draft = user_draft("u7", "changed");
    app.put_user(&who, &key, &name("u7"), draft, Precondition::None)
        .await
        .unwrap();
}

async fn a_cloud_goes_with_its_users(world: World) {
    let key = prepared(&world).await;
    let (app, who) = (&world.app, who());
    app.create_user(&who, &key, user_draft("ann", ""))
        .await
        .unwrap();
    app.delete_logical_cloud(&who, &key, Precondition::None)
        .await
        .unwrap();
    for user in ["ann", "bob"] {
        assert!(!world.exists(&Key::user(&key, &name(user))).await);
    }
    let missing = app.create_user(&who, &key, user_draft("ann", "")).await;
    assert_eq!(kind(missing), Kind::NotFound);
}
