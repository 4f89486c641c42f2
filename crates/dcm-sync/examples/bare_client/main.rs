//! What a plain client of Kubernetes needs for the same work: the baseline of `cargo xtask bench`, which
//! also lets it watch members from outside.
//!
//! Arguments: kubeconfig files of administrators, one per cluster. Reads commands from standard input,
//! one a line, and answers each with a line of JSON on standard output:
//!
//! ```text
//!   create NAME              the objects of a logical cloud, in every cluster at once -> {"milliseconds": …}
//!   drift CLUSTER NAMESPACE  deletes a role binding, waits until it is there again    -> {"milliseconds": …}
//!   leave NAMESPACE...       watches them                                            -> {"watching": N}
//!                            ... until they and their anchors are gone               -> {"milliseconds": [...], "left": N}
//!   spread AT_ONCE NAME:FIRST:COUNT...  clouds in some clusters each, as the product orders it -> {"milliseconds": …}
//!   gather AT_ONCE NAME:FIRST:COUNT...  ends them again                              -> {"milliseconds": …}
//! ```

mod anchors;
mod cluster;
mod creation;
mod drift;
mod objects;
mod spread;

use std::io::{self, Write as _};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use cluster::Cluster;
use creation::Creator;
use futures::future::try_join_all;
use serde_json::{Value, json};
use spread::{Work, Worker};

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let files = std::env::args_os().skip(1);
    let connecting = files.map(|file| Cluster::connect(std::path::PathBuf::from(file)));
    let clusters = runtime.block_on(try_join_all(connecting))?;
    runtime.block_on(try_join_all(clusters.iter().map(creation::prepare)))?;
    // Each kind has its own watches, so only those that are asked for are opened.
    let (mut creators, mut workers) = (Vec::new(), Vec::new());
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["spread" | "gather", rest @ ..] = words.as_slice() {
            if workers.is_empty() {
                let opening = try_join_all(clusters.iter().map(Worker::prepare));
                workers = runtime.block_on(opening)?;
            }
            let work = work(&workers, rest)?;
            let began = Instant::now();
            if line.starts_with("spread") {
                runtime.block_on(work.create())?;
            } else {
                runtime.block_on(work.end())?;
            }
            answer(&json!({ "milliseconds": milliseconds(began) }))?;
            continue;
        }
        if creators.is_empty() {
            let opening = try_join_all(clusters.iter().map(Creator::prepare));
            creators = runtime.block_on(opening)?;
        }
        runtime.block_on(obey(&words, &clusters, &mut creators))?;
    }
    Ok(())
}

/// The clouds of a command, as `NAME:FIRST:COUNT`.
fn work<'a>(workers: &'a [Worker], words: &[&str]) -> Result<Work<'a>> {
    let (at_once, clouds) = words.split_first().context("how many at once?")?;
    let cloud = |word: &&str| {
        let parts: Vec<&str> = word.split(':').collect();
        let [name, first, count] = parts.as_slice() else {
            bail!("not a cloud: {word}");
        };
        Ok((name.to_string(), first.parse()?, count.parse()?))
    };
    Ok(Work {
        workers,
        clouds: clouds.iter().map(cloud).collect::<Result<_>>()?,
        at_once: at_once.parse()?,
    })
}

async fn obey(words: &[&str], clusters: &[Cluster], creators: &mut [Creator]) -> Result<()> {
    match words {
        ["create", name] => {
            let began = Instant::now();
            try_join_all(creators.iter_mut().map(|creator| creator.create(name))).await?;
            answer(&json!({ "milliseconds": milliseconds(began) }))
        }
        ["drift", cluster, namespace] => {
            let cluster = clusters
                .get(cluster.parse::<usize>()?)
                .context("no such cluster")?;
            let milliseconds = drift::delete_and_wait(cluster, namespace).await?;
            answer(&json!({ "milliseconds": milliseconds }))
        }
        ["leave", namespaces @ ..] => {
            let watching =
                try_join_all(clusters.iter().map(|c| anchors::watch(c, namespaces))).await?;
            answer(&json!({ "watching": watching.len() * namespaces.len() }))?;
            let gone = try_join_all(watching.into_iter().map(anchors::Leaving::wait)).await?;
            let left: usize = gone.iter().map(|gone| gone.left).sum();
            let all: Vec<f64> = gone
                .into_iter()
                .flat_map(|gone| gone.milliseconds)
                .collect();
            answer(&json!({ "milliseconds": all, "left": left }))
        }
        _ => bail!("not a command: {}", words.join(" ")),
    }
}

fn answer(answer: &Value) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{answer}")?;
    Ok(output.flush()?)
}

/// Milliseconds since a moment.
fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}
