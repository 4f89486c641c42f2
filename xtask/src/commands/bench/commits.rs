//! What `commit_rate` tells, line by line.

use anyhow::{Context, Result};

use super::statistics::median;

/// A line of `commit_rate`: `WHAT  N creates/s  p50 N ms  p99 N ms  max N ms`.
pub(super) struct Line {
    pub(super) rate: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl Line {
    /// The medians of what several runs tell.
    pub(super) fn middle(texts: &[String], what: &str) -> Result<Self> {
        let lines = texts.iter().map(|text| Self::find(text, what));
        let lines = lines.collect::<Result<Vec<_>>>()?;
        let middle = |of: fn(&Self) -> f64| median(&lines.iter().map(of).collect::<Vec<_>>());
        Ok(Self {
            rate: middle(|line| line.rate),
            p50: middle(|line| line.p50),
            p99: middle(|line| line.p99),
        })
    }

    fn find(text: &str, what: &str) -> Result<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix(what));
        let line = line.with_context(|| format!("commit_rate does not tell of \"{what}\""))?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = |word: &str| words.iter().position(|other| *other == word);
        let number = |position: Option<usize>| -> Result<f64> {
            let word = position.and_then(|position| words.get(position));
            Ok(word
                .with_context(|| format!("not understood: {line}"))?
                .parse()?)
        };
        Ok(Self {
            rate: number(at("creates/s").and_then(|position| position.checked_sub(1)))?,
            p50: number(at("p50").map(|position| position + 1))?,
            p99: number(at("p99").map(|position| position + 1))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_baseline_are_found_by_what_they_tell() {
        let text = "store, 32 clients    9000 creates/s   p50 3.10 ms   p99 8.20 ms   max 9 ms\n\
                    store, 1 clients     1234 creates/s   p50 0.70 ms   p99 1.25 ms   max 9 ms\n";
        let line = Line::find(text, "store, 1 clients").unwrap();
        assert_eq!(
            [line.rate, line.p50, line.p99].map(|n| n.to_string()),
            ["1234", "0.7", "1.25"]
        );
        assert!(Line::find(text, "bare SQLite").is_err());
    }
}
