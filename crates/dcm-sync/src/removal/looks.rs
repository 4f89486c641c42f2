//! When this process first saw that nothing is left of a slice, by the monotonic clock.
//!
//! The stored time of the first empty look tells one look from another and is shown to people. It does not
//! say how long ago that was: clocks of two synchronizers differ, and each may jump. So each process that
//! looks waits the whole time itself; a restart begins to wait anew.

use std::collections::HashMap;
use std::time::Duration;

use dcm_types::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::subject::Subject;

/// First empty looks that wait for their second one.
#[derive(Default)]
pub(crate) struct EmptyLooks(Mutex<HashMap<Subject, (Timestamp, Instant)>>);

impl EmptyLooks {
    /// How long this process has known of the first look that was made at this time.
    pub(crate) fn known_for(&self, key: &Subject, first_look: Timestamp) -> Duration {
        let mut looks = self.0.lock();
        match looks.get(key) {
            Some((known, since)) if *known == first_look => since.elapsed(),
            _ => {
                looks.insert(key.clone(), (first_look, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// The wait is over, or there is something again.
    pub(crate) fn forget(&self, key: &Subject) {
        self.0.lock().remove(key);
    }
}

#[cfg(test)]
mod tests {
    use dcm_types::{
        CloudKey, CloudName, ClusterKey, ClusterName, ProjectName, ProviderName, TargetKey,
    };

    use super::*;

    fn key() -> Subject {
        Subject::Target(TargetKey {
            cloud: CloudKey {
                project: ProjectName::parse("acme").unwrap(),
                cloud: CloudName::parse("shop").unwrap(),
            },
            cluster: ClusterKey {
                provider: ProviderName::parse("edges").unwrap(),
                cluster: ClusterName::parse("oslo").unwrap(),
            },
        })
    }

    #[tokio::test(start_paused = true)]
    async fn another_first_look_begins_to_wait_anew() {
        let looks = EmptyLooks::default();
        let first = Timestamp::UNIX_EPOCH;
        assert_eq!(looks.known_for(&key(), first), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(looks.known_for(&key(), first), Duration::from_secs(7));
        let second = first + Duration::from_hours(1);
        assert_eq!(looks.known_for(&key(), second), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(2)).await;
        looks.forget(&key());
        assert_eq!(looks.known_for(&key(), second), Duration::ZERO);
    }
}
