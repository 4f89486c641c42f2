//! Colours: what a text means, not how it looks.

use anstyle::{AnsiColor, Effects, Style};

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it shall be.
    Good,
    /// Under way.
    Busy,
    /// Needs somebody.
    Bad,
    /// Not important, or not known.
    Faint,
    /// A heading.
    Strong,
    /// Ordinary.
    Plain,
}

/// Paints, or leaves text alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    enabled: bool,
}

impl Palette {
    /// A palette that paints, or does not.
    pub(crate) const fn new(enabled: bool) -> Self {
        Self { enabled }
    }

    /// The text in the colour of its meaning.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Good => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Tone::Busy => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            Tone::Bad => Style::new()
                .fg_color(Some(AnsiColor::Red.into()))
                .effects(Effects::BOLD),
            Tone::Faint => Style::new().effects(Effects::DIMMED),
            Tone::Strong => Style::new().effects(Effects::BOLD),
            Tone::Plain => return text.to_owned(),
        };
        if self.enabled {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
