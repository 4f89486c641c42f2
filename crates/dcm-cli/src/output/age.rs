//! Ages, as people say them: the largest unit that fits, and the next one when it matters.

/// An age in seconds as `45s`, `3m20s`, `5h10m`, `4d`.
pub(crate) fn age(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let two = |large: u64, large_unit: char, small: u64, small_unit: char| {
        if small == 0 || large >= 10 {
            format!("{large}{large_unit}")
        } else {
            format!("{large}{large_unit}{small}{small_unit}")
        }
    };
    match seconds {
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => two(seconds / MINUTE, 'm', seconds % MINUTE, 's'),
        HOUR..DAY => two(seconds / HOUR, 'h', seconds % HOUR / MINUTE, 'm'),
        _ => two(seconds / DAY, 'd', seconds % DAY / HOUR, 'h'),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn units_grow_with_the_age() {
        let shown: Vec<String> = [
            0, 59, 60, 200, 3599, 3600, 18_600, 86_400, 90_000, 8_640_000,
        ]
        .into_iter()
        .map(age)
        .collect();
        assert_eq!(
            shown,
            [
                "0s", "59s", "1m", "3m20s", "59m", "1h", "5h10m", "1d", "1d1h", "100d"
            ]
        );
    }
}
