//! Tables of text, aligned for a terminal or as HTML, and how they say times and shares.

use super::statistics::Statistics;
use crate::page::{self, figures};

/// A table; the first `text_columns` columns are text, the others numbers, which are aligned at their right.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What the columns hold.
    pub headers: Vec<&'static str>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
    /// Columns that are text.
    pub text_columns: usize,
}

impl Table {
    /// Aligned columns, two spaces apart.
    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.headers.len())
            .map(|column| {
                let cells = self.rows.iter().map(|row| row[column].chars().count());
                cells.chain([self.headers[column].chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: Vec<&str>| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if column < self.text_columns { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_string()
        };
        let rows = self.rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
        std::iter::once(line(self.headers.clone())).chain(rows).collect::<Vec<_>>().join("\n")
    }

    /// An HTML table.
    pub fn html(&self) -> String {
        page::table("", &self.headers, &self.rows, self.text_columns)
    }
}

/// Seconds in the unit that people read them in.
pub(super) fn seconds(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{} {unit}", figures(value))
}

/// A median and half the distance of the quartiles.
pub(super) fn spread(statistics: &Statistics) -> String {
    format!("{} ± {}", seconds(statistics.median), percent(statistics.spread() / 2.0))
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", figures(100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let rows = vec![vec!["a|b".into(), "1".into()], vec!["<c>".into(), "22.5".into()]];
        Table { headers: vec!["name", "n"], rows, text_columns: 1 }
    }

    #[test]
    fn numbers_are_aligned_at_their_right() {
        assert_eq!(table().text(), "name     n\na|b      1\n<c>   22.5");
    }

    #[test]
    fn html_is_escaped() {
        assert!(table().html().contains("<td>&lt;c&gt;</td><td class=\"number\">22.5</td>"));
    }
    #[test]
    fn times_are_said_in_their_unit() {
        let said = [2e-9, 3.5e-6, 0.25, 12.0].map(seconds);
        assert_eq!(said, ["2.00 ns", "3.50 µs", "250 ms", "12.0 s"]);
    }
}
