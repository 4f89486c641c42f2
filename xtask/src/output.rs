//! The only place that prints.

use std::fmt::Display;

/// A line of what the command was asked for.
#[expect(clippy::print_stdout, reason = "this is where xtask speaks")]
pub(crate) fn say(line: impl Display) {
    println!("{line}");
}

/// A line about the work itself; kept apart from what the command was asked for.
#[expect(clippy::print_stderr, reason = "this is where xtask speaks")]
pub(crate) fn warn(line: impl Display) {
    eprintln!("{line}");
}

/// Columns aligned by their widest cell; the last one runs free.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<_> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let rows = [["a", "bb", ""], ["ccc", "d", "e"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), ["a    bb", "ccc  d   e"]);
    }
}
