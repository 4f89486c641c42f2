//! The use cases, on the in-memory and on the embedded store.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it must be"
)]

/// Makes a test for each store out of each function that takes a [`world::World`].
macro_rules! on_every_store {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::world::World::in_memory()).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::world::World::on_disk()).await;
            })+
        }
    };
}

mod apply;
mod audit;
mod beside_clusters;
mod clouds;
mod clusters;
mod credentials;
mod deletion;
mod following;
mod forgetting;
mod lifecycle;
mod members;
mod model;
mod once;
mod orphans;
mod parents;
mod permissions;
mod privileged;
mod quotas;
mod races;
mod references;
mod reservations;
mod revocation;
mod service_mesh;
mod signing;
mod status;
mod stopping;
mod tombstones;
mod usage;
mod users;
mod waiting;
mod world;
