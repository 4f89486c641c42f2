//! A figure: what was measured, beside what, and what it should be.

use serde::Serialize;

/// What a number counts.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unit {
    Milliseconds,
    PerSecond,
    Percent,
    Times,
    Megabytes,
    Count,
    /// So many to one of something else.
    Ratio,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds if value < 100.0 => format!("{value:.1} ms"),
            Self::Milliseconds => format!("{value:.0} ms"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Percent if value < 10.0 => format!("{value:.2} %"),
            Self::Percent => format!("{value:.0} %"),
            Self::Times => format!("{value:.2} x"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Ratio => format!("{value:.1}"),
            Self::Count => format!("{value:.0}"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Target {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Serialize)]
pub(super) struct Figure {
    name: String,
    unit: Unit,
    measured: f64,
    baseline: Option<Baseline>,
    target: Option<Target>,
    met: Option<bool>,
}

#[derive(Serialize)]
struct Baseline {
    value: f64,
    of: String,
}

impl Figure {
    pub(super) fn new(name: impl Into<String>, unit: Unit, measured: f64) -> Self {
        let name = name.into();
        Self {
            name,
            unit,
            measured,
            baseline: None,
            target: None,
            met: None,
        }
    }

    /// What the same costs without us, in the same unit.
    pub(super) fn beside(mut self, value: f64, of: impl Into<String>) -> Self {
        self.baseline = Some(Baseline {
            value,
            of: of.into(),
        });
        self
    }

    pub(super) fn at_most(self, limit: f64) -> Self {
        let met = self.measured <= limit;
        self.with(Target::AtMost(limit), met)
    }

    pub(super) fn at_least(self, limit: f64) -> Self {
        let met = self.measured >= limit;
        self.with(Target::AtLeast(limit), met)
    }

    fn with(mut self, target: Target, met: bool) -> Self {
        self.target = Some(target);
        self.met = Some(met);
        self
    }

    /// For the table.
    pub(super) fn row(&self) -> Vec<String> {
        let nothing = || "-".to_owned();
        let baseline = self.baseline.as_ref();
        let target = self.target.map(|target| match target {
            Target::AtMost(limit) => format!("<= {}", self.unit.show(limit)),
            Target::AtLeast(limit) => format!(">= {}", self.unit.show(limit)),
        });
        let met = match self.met {
            Some(true) => "ok",
            Some(false) => "MISS",
            None => "",
        };
        vec![
            self.name.clone(),
            self.unit.show(self.measured),
            baseline.map_or_else(nothing, |b| format!("{} {}", self.unit.show(b.value), b.of)),
            target.unwrap_or_else(nothing),
            met.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_whether_it_is_what_it_should_be() {
        let figure = |value| Figure::new("start", Unit::Milliseconds, value);
        let row = figure(12.34).beside(9.0, "bare").at_most(300.0).row();
        assert_eq!(row, ["start", "12.3 ms", "9.0 ms bare", "<= 300 ms", "ok"]);
        assert_eq!(figure(301.0).at_most(300.0).met, Some(false));
        let rate = Figure::new("rate", Unit::PerSecond, 1500.0).at_least(1500.0);
        assert_eq!(rate.met, Some(true));
        assert_eq!(rate.row(), ["rate", "1500/s", "-", ">= 1500/s", "ok"]);
        assert_eq!(figure(1.0).row()[4], "");
    }
}
