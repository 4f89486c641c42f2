//! A command made of named parts: runs each, times each, and tells at the end how each one went.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::output;

#[derive(Default)]
pub(crate) struct Parts {
    done: Vec<Part>,
}

struct Part {
    name: &'static str,
    took: Duration,
    succeeded: bool,
}

impl Parts {
    /// Runs a part. A failure is told at once and remembered, and gives `None`.
    pub(crate) fn run<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<T>,
    ) -> Option<T> {
        output::warn(format!("==> {name}"));
        let started = Instant::now();
        let outcome = work();
        if let Err(error) = &outcome {
            output::warn(format!("error: {name}: {error:#}"));
        }
        self.done.push(Part {
            name,
            took: started.elapsed(),
            succeeded: outcome.is_ok(),
        });
        outcome.ok()
    }

    /// One line per part with its time.
    pub(crate) fn report(&self) {
        let rows: Vec<_> = self.done.iter().map(Part::row).collect();
        output::say("");
        for line in output::table(&rows) {
            output::say(line);
        }
    }

    pub(crate) fn all_succeeded(&self) -> Result<()> {
        let failed = self.done.iter().filter(|part| !part.succeeded);
        let names: Vec<_> = failed.map(|part| part.name).collect();
        if !names.is_empty() {
            bail!("failed: {}", names.join(", "));
        }
        Ok(())
    }
}

impl Part {
    fn row(&self) -> Vec<String> {
        let outcome = if self.succeeded { "ok" } else { "FAILED" };
        let took = format!("{:>7.1} s", self.took.as_secs_f64());
        vec![self.name.to_owned(), took, outcome.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_part_does_not_keep_the_next_from_running_but_fails_the_whole() {
        let mut parts = Parts::default();
        assert_eq!(parts.run("first", || Ok(1)), Some(1));
        assert!(parts.all_succeeded().is_ok());
        assert_eq!(parts.run::<()>("second", || bail!("no")), None);
        assert_eq!(parts.run("third", || Ok(3)), Some(3));
        assert_eq!(
            parts.all_succeeded().unwrap_err().to_string(),
            "failed: second"
        );
    }
}
