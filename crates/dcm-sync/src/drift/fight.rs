//! The loop breaker: where another manager changes an object back each time that we correct it, correcting
//! slows down. It ends by itself: a fight that was not seen for a while is forgotten.
//!
//! Kept in memory: after a restart the first corrections are quick again, and no more than that.

use std::collections::{HashMap, VecDeque};

use dcm_types::{ClusterKey, Timestamp, Uid};
use jiff::SignedDuration;
use parking_lot::Mutex;

use dcm_cluster::Place;

/// So many corrections within [`WINDOW`] are a fight.
const LIMIT: u32 = 5;
/// How far back corrections count.
const WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// First pause between corrections in a fight; it doubles up to [`CAP`].
const FIRST: SignedDuration = SignedDuration::from_mins(1);
/// Longest pause.
const CAP: SignedDuration = SignedDuration::from_mins(30);

/// One object of one cloud in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Ground {
    pub(crate) cloud: Uid,
    pub(crate) cluster: ClusterKey,
    pub(crate) place: Place,
}

/// What is remembered of the corrections of an object.
#[derive(Debug, Clone, Default)]
struct Fight {
    /// Who changed it back; nobody is told when it was deleted.
    rivals: Vec<String>,
    /// The last ones, at most [`LIMIT`].
    corrections: VecDeque<Timestamp>,
    /// Corrections since it is a fight.
    rounds: u32,
}

impl Fight {
    fn pause(&self) -> SignedDuration {
        match self.rounds {
            0 => SignedDuration::ZERO,
            rounds => (FIRST * 2_i32.pow((rounds - 1).min(8))).min(CAP),
        }
    }

    fn last(&self) -> Timestamp {
        self.corrections.back().copied().unwrap_or(Timestamp::MIN)
    }

    /// Whether others than these are the rivals. Who deleted an object is not told, and may be the same.
    fn is_with_others(&self, rivals: &[&str]) -> bool {
        !rivals.is_empty() && self.rivals != rivals
    }

    /// Whether it was quiet for so long that the next change is another story.
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.last()) > WINDOW.max(self.pause() * 2)
    }
}

/// Why a correction has to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contested {
    /// Corrections so far.
    pub(crate) corrections: u32,
    /// When the next one may be made.
    pub(crate) until: Timestamp,
}

/// All fights of this process.
#[derive(Debug, Default)]
pub(crate) struct Fights(Mutex<HashMap<Ground, Fight>>);

impl Fights {
    /// Whether a correction has to wait. Other rivals are another fight.
    pub(crate) fn judge(
        &self,
        ground: &Ground,
        rivals: &[&str],
        now: Timestamp,
    ) -> Option<Contested> {
        let fights = self.0.lock();
        let fight = fights.get(ground)?;
        if fight.rounds == 0 || fight.is_with_others(rivals) || fight.is_over(now) {
            return None;
        }
        let until = fight.last().checked_add(fight.pause()).ok()?;
        let corrections = LIMIT + fight.rounds - 1;
        (now < until).then_some(Contested { corrections, until })
    }

    /// Notes that an object was corrected.
    pub(crate) fn note(&self, ground: Ground, rivals: &[&str], now: Timestamp) {
        let mut fights = self.0.lock();
        fights.retain(|_, fight| !fight.is_over(now));
        let fight = fights.entry(ground).or_default();
        if fight.is_with_others(rivals) {
            *fight = Fight {
                rivals: rivals.iter().map(ToString::to_string).collect(),
                ..Fight::default()
            };
        }
        fight.corrections.push_back(now);
        while fight.corrections.len() > LIMIT as usize {
            fight.corrections.pop_front();
        }
        let first = fight.corrections.front().copied().unwrap_or(now);
        let is_dense = now.duration_since(first) <= WINDOW;
        let is_long = fight.corrections.len() == LIMIT as usize;
        if fight.rounds > 0 || (is_long && is_dense) {
            fight.rounds = fight.rounds.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use dcm_cluster::Resource;
    use dcm_types::{ClusterName, ProviderName};

    use super::*;

    fn ground() -> Ground {
        Ground {
            cloud: Uid::from_random([1; 16]),
            cluster: ClusterKey {
                provider: ProviderName::parse("site").unwrap(),
                cluster: ClusterName::parse("one").unwrap(),
            },
            place: Place {
                resource: Resource::ResourceQuota,
                namespace: Some("ns".to_owned()),
                name: "limits".to_owned(),
            },
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// Corrects as soon as it is allowed, against somebody who changes it back at once; gives the moments.
    fn fought(fights: &Fights, rival: &[&str], begin: i64, end: i64) -> Vec<i64> {
        let mut corrected = Vec::new();
        for second in begin..end {
            if fights.judge(&ground(), rival, at(second)).is_none() {
                fights.note(ground(), rival, at(second));
                corrected.push(second);
            }
        }
        corrected
    }

    #[test]
    fn corrections_slow_down_to_a_cap_and_never_end() {
        let fights = Fights::default();
        let corrected = fought(&fights, &["other"], 0, 4 * 3600);
        assert_eq!(corrected[..5], [0, 1, 2, 3, 4]);
        let pauses: Vec<i64> = corrected.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(pauses[4..10], [60, 120, 240, 480, 960, 1800]);
        assert!(pauses.len() > 12 && pauses[10..].iter().all(|pause| *pause == 1800));
    }

    #[test]
    fn rare_changes_are_no_fight() {
        let fights = Fights::default();
        for round in 0..20 {
            let now = at(round * 200);
            assert_eq!(fights.judge(&ground(), &["other"], now), None);
            fights.note(ground(), &["other"], now);
        }
    }

    #[test]
    fn another_rival_and_a_fight_that_ended_begin_anew() {
        let fights = Fights::default();
        fought(&fights, &["other"], 0, 5);
        assert!(fights.judge(&ground(), &["other"], at(5)).is_some());
        assert_eq!(fights.judge(&ground(), &["somebody"], at(5)), None);
        assert!(fights.judge(&ground(), &[], at(5)).is_some());
        let later = 5 + 11 * 60;
        let corrected = fought(&fights, &["other"], later, later + 30);
        assert_eq!(corrected.len(), 5, "quick again after it was quiet");
    }
}
