//! The stage: prints each command as one would type it, runs it, shows what it says and how long it
//! took, and holds that against what it should be.
//!
//! Invariant: a command whose outcome is not the expected one is an error that names the command, so
//! nothing goes on unnoticed.

mod requests;

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, PipeReader, stderr};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use anyhow::{Context, Result, bail};

use super::palette::{Palette, Tone};
use super::setup::PROJECT;
use super::times::{Times, in_words};
use super::watching::Watching;
use crate::output::{self, say};

/// How often something that is awaited is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

pub(super) struct Stage {
    folder: PathBuf,
    server: SocketAddr,
    palette: Palette,
    /// What the audience would have to set as well.
    shown: Vec<(&'static str, String)>,
    /// What only keeps our traces out of the home folder.
    hidden: Vec<(&'static str, OsString)>,
    act: Option<(&'static str, Instant)>,
    /// Of the figure that goes over several acts.
    clock: Option<Instant>,
    times: Times,
}

/// A command that was run and ended as expected.
pub(super) struct Shown {
    line: String,
    /// What it said, without colours.
    text: String,
}

impl Shown {
    /// The command must have shown this text.
    pub(super) fn shows(&self, text: &str) -> Result<&Self> {
        if !self.text.contains(text) {
            bail!("`{}` should have shown \"{text}\"", self.line);
        }
        Ok(self)
    }

    /// The command must have shown this text, and nothing besides.
    pub(super) fn shows_only(&self, text: &str) -> Result<()> {
        if self.text.trim() != text {
            bail!("`{}` should have shown nothing but \"{text}\"", self.line);
        }
        Ok(())
    }
}

impl Stage {
    pub(super) fn open(folder: &Path, server: SocketAddr, times: Times) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let bin = folder.join("bin");
        let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
        let mut hidden = vec![
            ("PATH", std::env::join_paths(paths)?),
            ("KUBECACHEDIR", folder.join("kubectl-cache").into()),
        ];
        let palette = Palette::of_output();
        if palette.is_on() {
            // The commands write into a pipe, but what they say is shown on a terminal.
            hidden.push(("CLICOLOR_FORCE", "1".into()));
        }
        Ok(Self {
            folder: folder.to_owned(),
            server,
            palette,
            shown: vec![
                ("DCM_SERVER", format!("http://{server}")),
                ("DCM_PROJECT", PROJECT.to_owned()),
            ],
            hidden,
            act: None,
            clock: None,
            times,
        })
    }

    /// What the audience would have to set in a shell of its own.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.shown
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    pub(super) fn heading(&self, text: &str) {
        say(self.palette.paint(Tone::Strong, text));
    }

    pub(super) fn begin(&mut self, title: &'static str) {
        let number = self.times.next_number();
        say("");
        self.heading(&format!("== {number}. {title}"));
        if number == 1 {
            say("");
            for (name, value) in self.variables() {
                self.prompt(&format!("export {name}={value}"));
            }
        }
        self.act = Some((title, Instant::now()));
    }

    pub(super) fn end(&mut self) {
        if let Some((title, began)) = self.act.take() {
            self.times.act(title, began.elapsed());
        }
    }

    /// Something for the table at the end, told at once too.
    pub(super) fn measured(&mut self, what: &str, took: Duration) {
        self.good(&format!("{what}: {}", in_words(took)));
        self.times.figure(what, took);
    }

    /// From now on, for a figure of a later act.
    pub(super) fn start_clock(&mut self) {
        self.clock = Some(Instant::now());
    }

    /// The figure for which the clock was started.
    pub(super) fn stop_clock(&mut self, what: &str) {
        if let Some(began) = self.clock.take() {
            self.measured(what, began.elapsed());
        }
    }

    /// What happens now and why; also what happens off stage.
    pub(super) fn tell(&self, text: &str) {
        say("");
        say(self.palette.paint(Tone::Faint, &format!("# {text}")));
    }

    /// Something that is looked at, such as a picture.
    pub(super) fn show(&self, lines: &[(Tone, String)]) {
        for (tone, line) in lines {
            say(format!("  {}", self.palette.paint(*tone, line)));
        }
    }

    /// Sets a variable for this and the following commands.
    pub(super) fn export(&mut self, name: &'static str, value: &str) {
        self.prompt(&format!("export {name}={value}"));
        self.hidden.push((name, value.into()));
    }

    /// Runs a command that must succeed.
    pub(super) fn run(&self, words: &[&str]) -> Result<Shown> {
        self.ends_with(0, words)
    }

    /// Runs a command that must be refused, with this text.
    pub(super) fn refused(&self, text: &str, words: &[&str]) -> Result<()> {
        let shown = self.ends_with(1, words)?;
        shown.shows(text)?;
        Ok(())
    }

    /// Runs a command that must end with this exit code.
    pub(super) fn ends_with(&self, code: i32, words: &[&str]) -> Result<Shown> {
        self.perform(code, words, false)
    }

    /// Runs a command that shows on the terminal how it goes, if there is a terminal.
    pub(super) fn live(&self, code: i32, words: &[&str]) -> Result<Shown> {
        self.perform(code, words, stderr().is_terminal())
    }

    fn perform(&self, code: i32, words: &[&str], watched: bool) -> Result<Shown> {
        let line = typed(words);
        self.prompt(&line);
        // One pipe for both streams keeps what they say in its order.
        let (reader, writer) = io::pipe()?;
        let mut command = self.command(words);
        command.stdout(writer.try_clone()?).stderr(writer);
        if watched {
            command.stderr(Stdio::inherit());
        }
        let began = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("running `{line}`"))?;
        // The command holds the writing ends: the pipe would never end.
        drop(command);
        let text = print(reader)?;
        let status = child.wait()?;
        let took = began.elapsed();
        if status.code() != Some(code) {
            bail!("`{line}` ended with {status}, expected exit code {code}");
        }
        let outcome = match code {
            0 => String::new(),
            1 => "refused, as it should be · ".to_owned(),
            code => format!("exit code {code}, as it should be · "),
        };
        self.good(&format!("{outcome}{}", in_words(took)));
        Ok(Shown { line, text })
    }

    /// Runs a command without showing it, to look whether something is so.
    pub(super) fn look(&self, words: &[&str]) -> Result<Option<String>> {
        let line = typed(words);
        let output = self.command(words).output();
        let output = output.with_context(|| format!("running `{line}`"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(output.status.success().then_some(text))
    }

    /// Starts a command that tells line by line what happens, until it is dropped.
    pub(super) fn watch(&self, words: &[&str]) -> Result<Watching> {
        let line = typed(words);
        self.prompt(&format!("{line} &"));
        Watching::start(self.command(words), line, self.palette)
    }

    /// What went wrong, and how far the play came.
    pub(super) fn failed(&self, error: &anyhow::Error) {
        let act = self
            .act
            .map_or_else(String::new, |(title, _)| format!(" in \"{title}\""));
        let word = self
            .palette
            .paint(Tone::Bad, &format!("\nThe demo failed{act}:"));
        output::warn(format!("{word} {error:#}"));
    }

    /// The table of times.
    pub(super) fn report(&self) {
        say("");
        self.heading("== Times");
        say("");
        for line in self.times.lines() {
            say(line);
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let (program, arguments) = words.split_first().expect("every command has a first word");
        let mut command = Command::new(self.folder.join("bin").join(program));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(self.variables());
        command.envs(self.hidden.iter().map(|(name, value)| (name, value)));
        command
    }

    fn prompt(&self, line: &str) {
        let sign = self.palette.paint(Tone::Busy, "$");
        say(format!("{sign} {}", self.palette.paint(Tone::Strong, line)));
    }

    /// Something is as it should be.
    pub(super) fn good(&self, text: &str) {
        say(format!(
            "  {}",
            self.palette.paint(Tone::Good, &format!("✔ {text}"))
        ));
    }
}

/// Prints what a command says, as it says it; gives it back without colours.
fn print(reader: PipeReader) -> Result<String> {
    let mut text = String::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if !line.trim().is_empty() {
            say(format!("  {line}"));
            text.push_str(&strip_str(&line).to_string());
            text.push('\n');
        }
    }
    Ok(text)
}

/// Waits until a look finds something.
pub(super) fn until<T>(
    what: &str,
    limit: Duration,
    look: impl Fn() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if began.elapsed() > limit {
            bail!("{what} did not happen within {}", in_words(limit));
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// The words as one would type them into a shell.
fn typed(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| quoted(word))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_a_shell_would_take_them() {
        let words = ["kubectl", "get", "pods", "-l", "a in (b)", "it's", ""];
        assert_eq!(
            typed(&words),
            r"kubectl get pods -l 'a in (b)' 'it'\''s' ''"
        );
    }
}
