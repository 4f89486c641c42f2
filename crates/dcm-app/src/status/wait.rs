//! Waiting for a status: woken by hints of the synchronizer, with a slow look in between for hints that
//! were lost. A hint about another cloud costs a waiter one comparison.

use std::time::Duration;

use dcm_types::documents::Wish;
use dcm_types::ports::StatusChange;
use dcm_types::status::CloudStatus;
use dcm_types::{CloudKey, Key};
use futures::stream::{BoxStream, StreamExt as _};
use tokio::time::{Instant, sleep_until};

use crate::{App, Error, Principal};

/// How long a lost hint can go unnoticed.
const SLOW_LOOK: Duration = Duration::from_secs(5);

/// The longest wait.
const LONGEST: Duration = Duration::from_hours(24);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Every member is ready at the wanted generation.
    Ready,
    /// Nothing is left in any member.
    Absent,
}

impl Until {
    fn wish(self) -> Wish {
        match self {
            Self::Ready => Wish::Present,
            Self::Absent => Wish::Absent,
        }
    }

    fn holds(self, status: &CloudStatus) -> bool {
        match self {
            Self::Ready => status.is_ready(),
            Self::Absent => status.is_absent(),
        }
    }
}

impl App {
    /// Waits until it holds at this generation or a later one, at most so long. The flag tells whether
    /// it holds. A wish that was overtaken by the opposite one cannot come true and ends the wait.
    pub async fn wait_status(
        &self,
        who: &Principal,
        key: &CloudKey,
        until: Until,
        generation: Option<u64>,
        timeout: Duration,
    ) -> Result<(CloudStatus, bool), Error> {
        let deadline = Instant::now() + timeout.min(LONGEST);
        // Before the first look, so that nothing happens unseen between look and wait.
        let mut hints = self.synchronizer().status_changes();
        let wanted = generation.unwrap_or(0);
        let mut last: Option<CloudStatus> = None;
        loop {
            let status = match (self.cloud_status(who, key).await, last) {
                (Err(error), Some(last)) if is_gone(&error, key, until) => {
                    return Ok((without_members(last), true));
                }
                (status, _) => status?,
            };
            let arrived = status.wanted_generation >= wanted;
            if arrived && until.holds(&status) {
                return Ok((status, true));
            }
            let opposite = status.wish.is_some_and(|wish| wish != until.wish());
            let overtaken = generation.is_some() && status.wanted_generation > wanted && opposite;
            if overtaken || Instant::now() >= deadline {
                return Ok((status, false));
            }
            let look = deadline.min(Instant::now() + SLOW_LOOK);
            tokio::select! {
                () = hint_about(&mut hints, key) => {}
                () = sleep_until(look) => {}
            }
            last = Some(status);
        }
    }
}

/// Whether the cloud was deleted while somebody waited for its end.
fn is_gone(error: &Error, key: &CloudKey, until: Until) -> bool {
    until == Until::Absent && error.is_missing(&Key::cloud(key))
}

fn without_members(last: CloudStatus) -> CloudStatus {
    CloudStatus {
        members: Vec::new(),
        ..last
    }
}

/// Ends with the next hint about this cloud; never, when there are no more hints.
async fn hint_about(hints: &mut BoxStream<'static, StatusChange>, key: &CloudKey) {
    while let Some(change) = hints.next().await {
        if &change.target.cloud == key {
            return;
        }
    }
    std::future::pending::<()>().await;
}
