//! Creating logical clouds, durably, over HTTP; beside commits of the same bytes to bare SQLite.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Place;
use super::figure::{Figure, Unit};
use super::load::Load;
use super::statistics::median;
use super::tools::Tools;
use crate::http::Connection;
use crate::output;
use crate::serve::{self, Server};

/// Ours and the baseline take turns, because the speed of a disk changes with what others do.
const ROUNDS: usize = 3;
/// How long each load lasts, in each round.
const TIME: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(1);
const MANY: usize = 32;
const CLOUDS: &str = "/v2/projects/bench/logical-clouds";
const BARE: &str = "bare SQLite";

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
    load(MANY, WARM_UP)?;
    let (mut one, mut many) = (Load::default(), Load::default());
    let mut baselines = Vec::new();
    let store = folder.join("data").join("dcm.sqlite");
    for round in 0..ROUNDS {
        one.add(load(1, TIME)?);
        many.add(load(MANY, TIME)?);
        let folder = place.folder(&format!("baseline{round}"), "")?;
        baselines.push(tools.commit_rate(&folder, &store, 1)?);
    }
    let line = |what: &str| Line::middle(&baselines, what);
    let bare = line("bare SQLite, 1 to a commit")?;
    let mut figures = with_one(&one, &bare);
    figures.extend(with_many(&many, &bare));
    for clients in [1, MANY] {
        let rate = line(&format!("store, {clients} clients"))?.rate;
        let what = format!("store in process, clients: {clients}");
        figures.push(Figure::new(what, Unit::PerSecond, rate).beside(bare.rate, BARE));
    }
    Ok(figures)
}

fn with_one(one: &Load, bare: &Line) -> Vec<Figure> {
    let figure = |what, share| Figure::new(what, Unit::Milliseconds, one.percentile(share));
    vec![
        figure("create, 1 client: p50", 0.5).beside(bare.p50, BARE),
        figure("create, 1 client: p99", 0.99)
            .beside(bare.p99, BARE)
            .at_most(10.0),
    ]
}

fn with_many(many: &Load, bare: &Line) -> Vec<Figure> {
    let rate = many.per_second();
    let figure = |what, share| Figure::new(what, Unit::Milliseconds, many.percentile(share));
    vec![
        Figure::new("create, 32 clients", Unit::PerSecond, rate)
            .beside(bare.rate, BARE)
            .at_least(1500.0),
        Figure::new(
            "create, 32 clients: of bare SQLite",
            Unit::Percent,
            100.0 * rate / bare.rate,
        )
        .at_least(50.0),
        figure("create, 32 clients: p50", 0.5),
        figure("create, 32 clients: p99", 0.99).at_most(25.0),
    ]
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
    /// The medians of what several runs tell.
    fn middle(texts: &[String], what: &str) -> Result<Self> {
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
