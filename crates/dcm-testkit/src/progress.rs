//! Tells a person at a terminal, or a log file, how a long piece of work is getting on.
//!
//! A terminal gets one live line; anything else gets a plain line now and then, because a log with
//! control characters in it is no use to anybody.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a log file, as opposed to a terminal, is told that the work still goes on.
const PLAIN_LINE_INTERVAL: Duration = Duration::from_secs(30);

pub(crate) struct Progress {
    title: String,
    expected: Duration,
    started: Instant,
    last_plain_line: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn start(title: impl Into<String>, expected: Duration) -> Self {
        let title = title.into();
        let bar = stderr().is_terminal().then(|| spinner(&title, expected));
        if bar.is_none() {
            plain(&format!("{title}: expected {}", in_words(expected)));
        }
        let started = Instant::now();
        Self {
            title,
            expected,
            started,
            last_plain_line: started,
            bar,
        }
    }

    /// Shows `detail`; cheap enough to be called for every line of a compiler.
    pub(crate) fn update(&mut self, detail: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(detail.to_owned());
        } else if self.last_plain_line.elapsed() >= PLAIN_LINE_INTERVAL {
            self.last_plain_line = Instant::now();
            let (elapsed, expected) = (in_words(self.started.elapsed()), in_words(self.expected));
            plain(&format!(
                "{}: {elapsed} of about {expected}, now {detail}",
                self.title
            ));
        }
    }

    pub(crate) fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        plain(&format!(
            "{}: done in {}",
            self.title,
            in_words(self.started.elapsed())
        ));
    }
}

/// Says one thing on standard error, whatever it is connected to.
pub(crate) fn plain(line: &str) {
    // Nobody can be told when standard error is gone, and the work is worth doing all the same.
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Counts the time by itself, also while a linker has nothing to say.
fn spinner(title: &str, expected: Duration) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_prefix(title.to_owned());
    let expected = in_words(expected);
    let template =
        format!("{{spinner}} {{prefix}}: {{elapsed}} of about {expected} {{wide_msg:.dim}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_speech() {
        for (seconds, words) in [(0, "0 s"), (59, "59 s"), (60, "1 min"), (301, "5 min 1 s")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
