//! Creating logical clouds, durably, over HTTP; beside commits of the same bytes to bare SQLite.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Place;
use super::figure::{Figure, Unit};
use super::load::Load;
use super::tools::Tools;
use crate::http::Connection;
use crate::output;
use crate::serve::{self, Server};

/// How long each load lasts.
const TIME: Duration = Duration::from_secs(5);
const WARM_UP: Duration = Duration::from_secs(1);
const MANY: usize = 32;
const CLOUDS: &str = "/v2/projects/bench/logical-clouds";

pub(super) fn measure(tools: &Tools, place: &Place) -> Result<Vec<Figure>> {
    output::warn("creating logical clouds: about 40 s");
    let folder = place.folder("create", "")?;
    let server = Server::start(&tools.dcm, &folder, serve::any_address())?;
    let project = r#"{"metadata":{"name":"bench"}}"#;
    let answer = Connection::open(server.address())?.send("POST", "/v2/projects", project)?;
    if answer.status != 201 {
        bail!("creating the project: {}: {}", answer.status, answer.body);
    }
    let next = AtomicU64::new(0);
    let load = |clients, time| Load::run(server.address(), clients, time, &next, &create);
    load(1, WARM_UP)?;
    let one = load(1, TIME)?;
    load(MANY, WARM_UP)?;
    let many = load(MANY, TIME)?;
    // It gives the file free; what it was doing besides is not measured with the baseline.
    drop(server);
    let store = folder.join("data").join("dcm.sqlite");
    let text = tools.commit_rate(place.path(), &store)?;
    let line = |what: &str| Line::find(&text, what);
    let (bare, store_one) = (
        line("bare SQLite, 1 to a commit")?,
        line("store, 1 clients")?,
    );
    let store_many = line(&format!("store, {MANY} clients"))?;
    let of_bare = "bare SQLite";
    Ok(vec![
        Figure::new(
            "create, 1 client: p50",
            Unit::Milliseconds,
            one.percentile(0.5),
        )
        .beside(bare.p50, of_bare),
        Figure::new(
            "create, 1 client: p99",
            Unit::Milliseconds,
            one.percentile(0.99),
        )
        .beside(bare.p99, of_bare)
        .at_most(10.0),
        Figure::new("create, 32 clients", Unit::PerSecond, many.per_second())
            .beside(bare.rate, of_bare)
            .at_least(1500.0),
        Figure::new(
            "create, 32 clients: of bare SQLite commits",
            Unit::Percent,
            100.0 * many.per_second() / bare.rate,
        )
        .at_least(50.0),
        Figure::new(
            "create, 32 clients: p50",
            Unit::Milliseconds,
            many.percentile(0.5),
        ),
        Figure::new(
            "create, 32 clients: p99",
            Unit::Milliseconds,
            many.percentile(0.99),
        )
        .at_most(25.0),
        Figure::new("store alone, 1 client", Unit::PerSecond, store_one.rate)
            .beside(bare.rate, of_bare),
        Figure::new("store alone, 32 clients", Unit::PerSecond, store_many.rate)
            .beside(bare.rate, of_bare),
    ])
}

fn create(number: u64) -> (String, String) {
    // Spread over the tree, as names that people choose are.
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let name = format!("cloud-{spread:08x}-{number}");
    let body = format!(
        r#"{{"metadata":{{"name":"{name}","description":"One of many that are made to see how fast it goes"}},"spec":{{"namespace":"{name}","user":{{"userName":"alice"}},"labels":{{"team":"bench"}}}}}}"#
    );
    (CLOUDS.to_owned(), body)
}

/// A line of `commit_rate`: `WHAT  N creates/s  p50 N ms  p99 N ms  max N ms`.
struct Line {
    rate: f64,
    p50: f64,
    p99: f64,
}

impl Line {
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
