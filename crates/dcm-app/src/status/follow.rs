//! Following a status: what it is now, and then whenever something of it changed.
//!
//! Every status is complete, so whoever comes back needs to know only whether they saw the present one:
//! that is what the cursor tells. Times of looking are no change.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use dcm_types::status::CloudStatus;
use dcm_types::{CloudKey, Key};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::hub::Look;
use crate::{App, Error, Principal};

/// Shortest time between two statuses for one follower.
const PACE: Duration = Duration::from_millis(100);

/// A status with its cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Equal for two statuses of a cloud that differ in times of looking only.
    pub cursor: String,
    /// The status.
    pub status: CloudStatus,
}

/// Somebody who follows the status of a cloud.
pub struct Following {
    app: App,
    who: Principal,
    key: CloudKey,
    looks: watch::Receiver<Look>,
    /// What is told next.
    pending: Option<Followed>,
    seen: String,
    not_before: Instant,
}

impl App {
    /// Follows the status of a cloud: from what it is now, unless the caller saw that already, as the
    /// cursor of it tells.
    pub async fn follow_status(
        &self,
        who: &Principal,
        key: &CloudKey,
        seen: Option<&str>,
    ) -> Result<Following, Error> {
        let looks = self.looks(key);
        let now = Followed::of(self.cloud_status(who, key).await?);
        let is_news = seen != Some(now.cursor.as_str());
        Ok(Following {
            app: self.clone(),
            who: who.clone(),
            key: key.clone(),
            looks,
            seen: now.cursor.clone(),
            pending: is_news.then_some(now),
            not_before: Instant::now(),
        })
    }
}

impl Following {
    /// The next status; `None` when the cloud was deleted. Who calls it again after it was dropped
    /// halfway misses nothing.
    pub async fn next(&mut self) -> Result<Option<Followed>, Error> {
        loop {
            sleep_until(self.not_before).await;
            if let Some(pending) = self.pending.take() {
                self.not_before = Instant::now() + PACE;
                return Ok(Some(pending));
            }
            let ended = self.looks.changed().await.is_err();
            let look = self.looks.borrow_and_update().clone();
            let status = match look.filter(|_| !ended) {
                Some(look) => (*look).clone(),
                None => match self.app.cloud_status(&self.who, &self.key).await {
                    Err(error) if error.is_missing(&Key::cloud(&self.key)) => return Ok(None),
                    outcome => outcome?,
                },
            };
            if ended {
                self.looks = self.app.looks(&self.key);
            }
            let now = Followed::of(status);
            if now.cursor != self.seen {
                self.seen.clone_from(&now.cursor);
                self.pending = Some(now);
            }
        }
    }
}

impl Followed {
    fn of(status: CloudStatus) -> Self {
        Self {
            cursor: cursor(&status),
            status,
        }
    }
}

fn cursor(status: &CloudStatus) -> String {
    let mut timeless = status.clone();
    timeless.at = timeless.created_at;
    for member in &mut timeless.members {
        member.checked_at = None;
        for object in &mut member.objects {
            object.read_at = object.read_at.map(|_| timeless.created_at);
        }
    }
    let mut hasher = DefaultHasher::new();
    format!("{timeless:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
