//! Colours on a terminal, none elsewhere.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Busy,
    Bad,
    Faint,
    Strong,
}

#[derive(Clone, Copy)]
pub(super) struct Palette {
    on: bool,
}

impl Palette {
    /// On when standard output takes colours.
    pub(super) fn of_output() -> Self {
        Self {
            on: AutoStream::choice(&std::io::stdout()) != ColorChoice::Never,
        }
    }

    pub(super) fn is_on(self) -> bool {
        self.on
    }

    pub(super) fn paint(self, tone: Tone, text: &str) -> String {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        let style = match tone {
            Tone::Good => colour(AnsiColor::Green),
            Tone::Busy => colour(AnsiColor::Yellow),
            Tone::Bad => colour(AnsiColor::Red).effects(Effects::BOLD),
            Tone::Faint => Style::new().effects(Effects::DIMMED),
            Tone::Strong => Style::new().effects(Effects::BOLD),
        };
        if self.on {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
