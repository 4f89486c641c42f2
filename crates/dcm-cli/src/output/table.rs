//! Tables: columns with two spaces between them, no lines, empty cells as `-`.

use comfy_table::{Table as Layout, presets};

use super::palette::{Palette, Tone};
use super::printable;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell that means something. Its text may come from anywhere.
    pub(crate) fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        let text = printable(text.as_ref());
        Self {
            text: if text.is_empty() {
                "-".to_owned()
            } else {
                text
            },
            tone,
        }
    }

    /// An ordinary cell.
    pub(crate) fn plain(text: impl AsRef<str>) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// A table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new<H: AsRef<str>>(header: &[H]) -> Self {
        Self {
            header: header.iter().map(|name| name.as_ref().to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Its lines, without a line break at the end.
    pub(crate) fn lines(&self, palette: Palette) -> Vec<String> {
        let mut layout = Layout::new();
        layout.load_style(presets::NOTHING);
        layout.set_header(
            self.header
                .iter()
                .map(|name| palette.paint(Tone::Strong, name)),
        );
        for row in &self.rows {
            layout.add_row(row.iter().map(|cell| palette.paint(cell.tone, &cell.text)));
        }
        for column in layout.column_iter_mut() {
            column.set_padding((0, 2));
        }
        layout
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    /// All of it.
    pub(crate) fn render(&self, palette: Palette) -> String {
        let mut text = self.lines(palette).join("\n");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
        let mut table = Table::new(&["NAME", "STATE", "MESSAGE"]);
        table.row(vec![
            Cell::plain("edges/berlin"),
            Cell::new(Tone::Good, "ready"),
            Cell::plain(""),
        ]);
        table.row(vec![
            Cell::plain("edges/oslo"),
            Cell::new(Tone::Bad, "blocked"),
            Cell::plain("line one\nline two \u{1b}[2J"),
        ]);
        table
    }

    #[test]
    fn columns_are_aligned_and_foreign_control_characters_are_gone() {
        insta::assert_snapshot!(example().render(Palette::new(false)), @r"
        NAME          STATE    MESSAGE
        edges/berlin  ready    -
        edges/oslo    blocked  line one line two �[2J
        ");
    }

    #[test]
    fn colours_do_not_move_columns() {
        let plain = example().render(Palette::new(false));
        let painted = example().render(Palette::new(true));
        assert_ne!(plain, painted);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), plain);
    }
}
