//! A look is many reads beside each other, and the member goes on between them.

use std::time::Duration;

use dcm_types::documents::{Revision, Wish};

use super::funnel::{Effect, Verdict};
use super::scenario::BOUND;
use super::stage::{Setting, Stage, in_virtual_time};
use super::wishes;

const NAMESPACE: &str = "/api/v1/namespaces/shop-cloud";

fn is_going(stage: &Stage) -> bool {
    let namespace = stage.members[0].object(NAMESPACE);
    namespace.is_some_and(|it| !it["metadata"]["deletionTimestamp"].is_null())
}

/// Found by seed 1274: the quotas were listed in a namespace that was going, the namespace was read when it was gone.
/// It was made anew, the quota was taken for one that is in force, and a binding followed.
#[test]
fn what_was_listed_in_a_namespace_that_is_gone_is_made_anew() {
    in_virtual_time(async {
        let mut stage = Stage::new(Setting::plain());
        stage.start();
        stage.register(0..1).await;
        let members: Vec<_> = stage.clusters.iter().take(1).collect();
        let first = wishes::first(&stage.random, ("shop", "cloud"), &members, stage.now());
        stage.wish(&first).await;
        stage.rest(BOUND).await.unwrap();

        let absent = Revision {
            generation: 2,
            wish: Wish::Absent,
            members: Vec::new(),
            ..first.clone()
        };
        stage.wish(&absent).await;
        while !is_going(&stage) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // It goes after five seconds. The look begins before and reads the namespace after.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let late = |effect: &Effect| Verdict {
            delay: match effect.name.as_str() {
                "one: get Namespace shop-cloud" => Duration::from_secs(3),
                _ => Duration::ZERO,
            },
            strike: None,
        };
        stage.funnel.operation(Some("again"));
        stage.funnel.judge(Some(Box::new(late)));
        assert!(is_going(&stage));
        let again = Revision {
            generation: 3,
            ..first
        };
        stage.wish(&again).await;
        stage.rest(BOUND).await.unwrap();
        assert_eq!(stage.violations().await, [""; 0]);
    });
}
