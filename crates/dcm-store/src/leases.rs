//! Who gets a lease: the rule that the backends share. Pure; time is an argument.

use std::time::Duration;

use dcm_types::Timestamp;
use jiff::SignedDuration;

use crate::store::Lease;

/// A lease as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// Who has it, or had it last.
    pub(crate) holder: String,
    /// Grows with every change of holder.
    pub(crate) token: u64,
    /// From then on others may take it.
    pub(crate) expires_at: Timestamp,
}

impl Held {
    /// What the holder is told.
    pub(crate) fn granted(&self, ttl: Duration) -> Lease {
        Lease {
            token: self.token,
            remaining: ttl,
        }
    }
}

/// What is to be kept when `holder` asks at `now`; `None` when somebody else has it.
pub(crate) fn decide(
    current: Option<&Held>,
    holder: &str,
    now: Timestamp,
    ttl: Duration,
) -> Option<Held> {
    let token = match current {
        None => 1,
        Some(held) if held.holder == holder => held.token,
        Some(held) if held.expires_at <= now => held.token + 1,
        Some(_) => return None,
    };
    Some(Held {
        holder: holder.to_owned(),
        token,
        expires_at: later(now, ttl),
    })
}

/// `now + ttl`, or the end of time.
fn later(now: Timestamp, ttl: Duration) -> Timestamp {
    SignedDuration::try_from(ttl)
        .ok()
        .and_then(|ttl| now.checked_add(ttl).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn another_holder_waits_until_the_very_end() {
        let first = decide(None, "a", at(100), TTL).unwrap();
        assert_eq!(first.token, 1);
        assert_eq!(decide(Some(&first), "b", at(109), TTL), None);
        assert_eq!(decide(Some(&first), "b", at(110), TTL).unwrap().token, 2);
    }

    #[test]
    fn own_renewal_keeps_the_token_even_when_late() {
        let first = decide(None, "a", at(100), TTL).unwrap();
        let renewed = decide(Some(&first), "a", at(200), TTL).unwrap();
        assert_eq!((renewed.token, renewed.expires_at), (1, at(210)));
    }

    #[test]
    fn endless_lease_ends_at_the_end_of_time() {
        let held = decide(None, "a", at(100), Duration::MAX).unwrap();
        assert_eq!(held.expires_at, Timestamp::MAX);
    }
}
