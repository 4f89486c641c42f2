//! Times in the configuration: text such as `500ms`, `60s`, `1m 30s` or `168h`.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A length of time, greater than zero and at most a year.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(Duration);

/// Longest time that any setting can mean.
const LONGEST: Duration = Duration::from_hours(24 * 366);

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a time such as 500ms, 60s, 5m or 168h, greater than zero and at most a year")]
pub struct NotATime;

impl Time {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// So many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// So many hours.
    pub const fn hours(hours: u64) -> Self {
        Self(Duration::from_hours(hours))
    }

    /// As the standard library has it.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Time {
    type Error = NotATime;

    fn try_from(text: String) -> Result<Self, NotATime> {
        let signed: SignedDuration = text.parse().map_err(|_| NotATime)?;
        let time = Duration::try_from(signed).map_err(|_| NotATime)?;
        if time.is_zero() || time > LONGEST {
            Err(NotATime)
        } else {
            Ok(Self(time))
        }
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}

/// In the largest unit that says it exactly.
impl fmt::Display for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match millis {
            m if m % 3_600_000 == 0 => write!(formatter, "{}h", m / 3_600_000),
            m if m % 60_000 == 0 => write!(formatter, "{}m", m / 60_000),
            m if m % 1000 == 0 => write!(formatter, "{}s", m / 1000),
            m => write!(formatter, "{m}ms"),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_in_units() {
        let rows = [
            ("500ms", "500ms"),
            ("60s", "1m"),
            ("90s", "90s"),
            ("1m 30s", "90s"),
            ("168h", "168h"),
            ("PT5M", "5m"),
        ];
        for (text, shown) in rows {
            let time = Time::try_from(text.to_owned()).unwrap();
            assert_eq!(time.to_string(), shown, "{text}");
            assert_eq!(Time::try_from(time.to_string()), Ok(time));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "0s", "-1s", "60", "1 fortnight", "9999999999h", "1d"] {
            assert_eq!(Time::try_from(text.to_owned()), Err(NotATime), "{text}");
        }
    }
}
