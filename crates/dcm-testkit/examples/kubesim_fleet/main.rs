//! Many simulated members in one process, each on a port of its own with an authority of its own: what
//! `cargo xtask bench sync` lets the product work against.
//!
//! Arguments: a folder for the kubeconfigs, how many members, and the time of each call in milliseconds.
//! Reads commands from standard input, one a line, and answers each with a line of JSON on standard output:
//!
//! ```text
//!   ready                              all of them serve            -> {"members": N}
//!   count                              since the start              -> {"calls": N, "watches": N, "connections": N}
//!   await FIRST COUNT PATH PLACE [TEXT]  until in so many members the object at the path has something in
//!                                      that place (JSON pointer)    -> {"milliseconds": …}
//!   dead FIRST COUNT                   half refuse, half hang       -> {"dead": N}
//! ```

mod fleet;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use fleet::Fleet;
use serde_json::{Value, json};

/// How long anything is awaited.
const LIMIT: Duration = Duration::from_mins(5);
/// Between two looks at what is awaited.
const LOOK: Duration = Duration::from_millis(10);

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().context("no folder")?);
    let mut number = || -> Result<u64> {
        let word = arguments.next().context("a number is missing")?;
        Ok(word.to_string_lossy().parse()?)
    };
    let (members, latency) = (number()?, Duration::from_millis(number()?));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut fleet = runtime.block_on(Fleet::start(&folder, members, latency))?;
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answered = runtime.block_on(obey(&words, &mut fleet))?;
        let mut output = io::stdout().lock();
        writeln!(output, "{answered}")?;
        output.flush()?;
    }
    Ok(())
}

async fn obey(words: &[&str], fleet: &mut Fleet) -> Result<Value> {
    match words {
        ["ready"] => Ok(json!({ "members": fleet.len() })),
        ["count"] => Ok(fleet.count()),
        ["await", first, count, path, place, text @ ..] => {
            let began = Instant::now();
            let mut waiting = fleet.some(first.parse()?, count.parse()?)?;
            loop {
                waiting.retain(|member| {
                    let object = member.object(path).unwrap_or_default();
                    let found = object.pointer(place);
                    !found.is_some_and(|found| text.first().is_none_or(|text| found == text))
                });
                if waiting.is_empty() {
                    return Ok(json!({ "milliseconds": began.elapsed().as_secs_f64() * 1e3 }));
                }
                if began.elapsed() > LIMIT {
                    bail!("{} members have no {path} with {place}", waiting.len());
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        ["dead", first, count] => {
            let dead = fleet.die(first.parse()?, count.parse()?).await?;
            Ok(json!({ "dead": dead }))
        }
        _ => bail!("not a command: {}", words.join(" ")),
    }
}
