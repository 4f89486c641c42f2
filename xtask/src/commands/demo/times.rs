//! The times that the demo tells at its end: of each act, and below it the figures taken in it.

use std::time::{Duration, Instant};

use crate::output;

pub(super) struct Times {
    began: Instant,
    /// Acts that are over.
    acts: usize,
    rows: Vec<Vec<String>>,
    /// Figures of the act that is being played.
    figures: Vec<Vec<String>>,
}

impl Times {
    pub(super) fn start() -> Self {
        Self {
            began: Instant::now(),
            acts: 0,
            rows: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// Something that had to be done before the first act.
    pub(super) fn before(&mut self, what: &str, took: Duration) {
        self.rows.push(row(what, took));
    }

    /// The number of the act that begins now.
    pub(super) fn next_number(&self) -> usize {
        self.acts + 1
    }

    /// A figure, taken in the act of now.
    pub(super) fn figure(&mut self, what: &str, took: Duration) {
        self.figures.push(row(&format!("     {what}"), took));
    }

    /// An act is over.
    pub(super) fn act(&mut self, title: &str, took: Duration) {
        self.acts += 1;
        self.rows
            .push(row(&format!("{}. {title}", self.acts), took));
        self.rows.append(&mut self.figures);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut rows = self.rows.clone();
        rows.push(row("all", self.began.elapsed()));
        output::table(&rows)
    }
}

fn row(what: &str, took: Duration) -> Vec<String> {
    vec![what.to_owned(), format!("{:>8}", in_words(took))]
}

/// A time as one reads it: whole milliseconds, or seconds when there are many.
pub(super) fn in_words(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(in_words(Duration::from_micros(12_700)), "12 ms");
        assert_eq!(in_words(Duration::from_millis(61_250)), "61.2 s");
    }

    #[test]
    fn figures_stand_below_their_act() {
        let mut times = Times::start();
        times.figure("deleted quota is back", Duration::from_millis(80));
        times.act("It heals", Duration::from_secs(2));
        let lines = times.lines();
        assert_eq!(
            lines[..2],
            [
                "1. It heals                    2.0 s",
                "     deleted quota is back     80 ms"
            ]
        );
    }
}
