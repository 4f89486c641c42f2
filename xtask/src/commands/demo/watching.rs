//! A command that tells line by line what happens, such as `kubectl get --watch`; each line with the
//! moment at which it came.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::palette::{Palette, Tone};
use super::times::in_words;
use crate::output::say;

/// Runs until it is dropped.
pub(super) struct Watching {
    child: Child,
    line: String,
    palette: Palette,
    lines: Receiver<(Instant, String)>,
}

impl Watching {
    pub(super) fn start(mut command: Command, line: String, palette: Palette) -> Result<Self> {
        let mut child = command
            .spawn()
            .with_context(|| format!("running `{line}`"))?;
        let (sender, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    // Nobody listens any more: nobody has to be told.
                    let _ = sender.send((Instant::now(), line));
                }
            });
        }
        Ok(Self {
            child,
            line,
            palette,
            lines,
        })
    }

    /// The moment of the next line that begins with `start` and contains `part`; lines are shown.
    pub(super) fn wait_for(&self, start: &str, part: &str, limit: Duration) -> Result<Instant> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok((at, line)) = self.lines.recv_timeout(left) else {
                bail!(
                    "`{}` should have shown \"{start} … {part}\" within {}",
                    self.line,
                    in_words(limit)
                );
            };
            say(format!("  {}", self.palette.paint(Tone::Faint, &line)));
            if line.starts_with(start) && line.contains(part) {
                return Ok(at);
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
