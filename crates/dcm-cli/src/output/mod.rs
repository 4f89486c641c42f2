//! The terminal: data to standard output, everything else to standard error.

mod age;
mod palette;
mod table;

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use dcm_types::text::is_unprintable;
use serde_json::Value;

use crate::arguments::{ColorWhen, Format};
use crate::error::Error;

pub(crate) use age::age;
pub(crate) use palette::{Palette, Tone};
pub(crate) use table::{Cell, Table};

/// Where a command writes.
#[derive(Debug)]
pub(crate) struct Terminal {
    stdout: io::Stdout,
    stderr: io::Stderr,
    /// For standard output.
    pub(crate) data_palette: Palette,
    /// For standard error.
    pub(crate) note_palette: Palette,
    /// Whether somebody watches standard error.
    pub(crate) watched: bool,
}

impl Terminal {
    /// The terminal of this process.
    pub(crate) fn new(color: ColorWhen) -> Self {
        match color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        }
        .write_global();
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self {
            data_palette: Palette::new(AutoStream::choice(&stdout) != ColorChoice::Never),
            note_palette: Palette::new(AutoStream::choice(&stderr) != ColorChoice::Never),
            watched: stderr.is_terminal(),
            stdout,
            stderr,
        }
    }

    /// Writes data.
    pub(crate) fn data(&self, text: &str) -> Result<(), Error> {
        let mut output = self.stdout.lock();
        output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush())
            .map_err(Error::Output)
    }

    /// Writes a document, as JSON, as YAML, or as what `table` makes of it.
    pub(crate) fn show(
        &self,
        format: Format,
        document: &Value,
        table: impl FnOnce(Palette) -> Result<String, Error>,
    ) -> Result<(), Error> {
        match format {
            Format::Json => {
                let text = serde_json::to_string_pretty(document).map_err(Error::Encode)?;
                self.data(&format!("{text}\n"))
            }
            Format::Yaml => {
                let text = serde_saphyr::to_string(document);
                self.data(&text.map_err(|error| Error::EncodeYaml(Box::new(error)))?)
            }
            Format::Table => self.data(&table(self.data_palette)?),
        }
    }

    /// Writes a document, unless it is for people, who were told already.
    pub(crate) fn show_data(&self, format: Format, document: &Value) -> Result<(), Error> {
        match format {
            Format::Table => Ok(()),
            Format::Json | Format::Yaml => self.show(format, document, |_| Ok(String::new())),
        }
    }

    /// Says something that is not data. Nobody can be told when standard error is gone.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(self.stderr.lock(), "{text}");
    }

    /// Says that something is worth a look.
    pub(crate) fn warn(&self, text: &str) {
        let word = self.note_palette.paint(Tone::Busy, "warning:");
        self.note(&format!("{word} {}", printable(text)));
    }
}

/// Text from elsewhere on one line, without characters that steer a terminal or hide.
pub(crate) fn printable(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .map(|c| if is_unprintable(c) { '\u{fffd}' } else { c })
        .collect();
    spaced.trim().to_owned()
}
