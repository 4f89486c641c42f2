//! Wishes that are overtaken before their first run.

use dcm_types::documents::Revision;

use super::scenario::BOUND;
use super::stage::{Setting, Stage, in_virtual_time};
use super::wishes;

/// Found by seed 246 and others: what was held for the member was released, and its record stayed as absent for ever.
#[test]
fn nothing_is_recorded_of_a_member_that_the_cloud_left_before_its_first_run() {
    in_virtual_time(async {
        let mut stage = Stage::new(Setting::plain());
        let members: Vec<_> = stage.clusters[..2].to_vec();
        let first = [&members[0], &members[1]];
        let first = wishes::first(&stage.random, ("shop", "cloud"), &first, stage.now());
        let mut second = Revision {
            generation: 2,
            ..first.clone()
        };
        wishes::place(&mut second, &[&members[0]]);
        stage.accept(&first).await;
        stage.accept(&second).await;
        stage.start();
        stage.register(0..2).await;
        stage.rest(BOUND).await.unwrap();
        assert_eq!(stage.violations().await, [""; 0]);
    });
}
