//! Tables of text: aligned for a terminal, or as Markdown, CSV or HTML.

use crate::error::{Error, Result};
use crate::page;

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

    /// A Markdown table.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        let rules = (0..self.headers.len()).map(|column| if column < self.text_columns { "---" } else { "---:" });
        let head = [line(self.headers.iter().map(ToString::to_string).collect()), line(rules.map(str::to_string).collect())];
        let rows = self.rows.iter().map(|row| line(row.iter().map(|cell| cell.replace('|', "\\|")).collect()));
        head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    }

    /// The table as CSV.
    ///
    /// # Errors
    /// Internal, if the memory for it is not there.
    pub fn csv(&self) -> Result<String> {
        let failed = |error: String| Error::Internal(format!("CSV cannot be written: {error}"));
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.headers).map_err(|error| failed(error.to_string()))?;
        for row in &self.rows {
            writer.write_record(row).map_err(|error| failed(error.to_string()))?;
        }
        let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
    }

    /// An HTML table.
    pub fn html(&self) -> String {
        page::table("", &self.headers, &self.rows, self.text_columns)
    }
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
    fn each_form_escapes_what_it_must() {
        assert_eq!(table().markdown().lines().nth(2), Some("| a\\|b | 1 |"));
        assert_eq!(table().csv().expect("csv"), "name,n\na|b,1\n<c>,22.5\n");
        assert!(table().html().contains("<td>&lt;c&gt;</td><td class=\"number\">22.5</td>"));
    }
}
