//! One run of a program with bounds on its time and on what it writes.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How far a program may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) time: Duration,
    /// Bytes, of each of its two streams.
    pub(crate) output: usize,
}

/// How a run ended.
pub(crate) enum Output {
    Ended {
        success: bool,
        out: Vec<u8>,
        errors: Vec<u8>,
    },
    TooLate,
    TooMuch,
}

/// Runs a program with nothing of our environment and no input; kills it when it goes beyond its bounds.
pub(crate) fn run(
    program: &Path,
    arguments: &[&str],
    folder: &Path,
    bounds: Bounds,
) -> io::Result<Output> {
    let deadline = Instant::now() + bounds.time;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        // Programs look for their settings there; it is as empty as the environment.
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let outcome = collect(&mut child, deadline, bounds.output);
    if !matches!(outcome, Ok(Output::Ended { .. })) {
        // It may have ended by itself meanwhile.
        let _ = child.kill();
    }
    let status = child.wait()?;
    match outcome? {
        Output::Ended { out, errors, .. } => Ok(Output::Ended {
            success: status.success(),
            out,
            errors,
        }),
        beyond => Ok(beyond),
    }
}

/// Reads both streams to their end, each in a thread of its own: a full pipe would stop the program.
fn collect(child: &mut Child, deadline: Instant, limit: usize) -> io::Result<Output> {
    let (sender, receiver) = channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    for (number, stream) in streams.into_iter().enumerate() {
        let Some(stream) = stream else { continue };
        let sender = sender.clone();
        thread::spawn(move || {
            let mut text = Vec::new();
            // One byte more than allowed tells that it is too much.
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            let read = stream.take(most).read_to_end(&mut text);
            // Nobody listens any more when the time is over.
            let _ = sender.send((number, read.map(|_| text)));
        });
    }
    let mut texts = [Vec::new(), Vec::new()];
    for _ in 0..texts.len() {
        let left = deadline.saturating_duration_since(Instant::now());
        let (number, text) = match receiver.recv_timeout(left) {
            Ok(read) => read,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Ok(Output::TooLate);
            }
        };
        let text = text?;
        if text.len() > limit {
            return Ok(Output::TooMuch);
        }
        if let Some(place) = texts.get_mut(number) {
            *place = text;
        }
    }
    // Both streams are closed; the program itself may still linger.
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            return Ok(Output::TooLate);
        }
        thread::sleep(Duration::from_millis(2));
    }
    let [out, errors] = texts;
    Ok(Output::Ended {
        success: true,
        out,
        errors,
    })
}
