//! What the scores of both tasks are made of: means, and tables of text.

use std::fmt;

/// The mean, NaN of nothing.
pub(super) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for value in values {
        sum += value;
        count += 1;
    }
    sum / count as f64
}

/// `text` cut to at most `longest` characters, the last of them `…` if something is missing.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

/// Rows of cells with aligned columns two blanks apart: the first column to the left, the others to the right.
pub(super) fn write_table(formatter: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            match (column, widths[column]) {
                (0, width) => write!(formatter, "{cell:<width$}")?,
                (_, width) => write!(formatter, "  {cell:>width$}")?,
            }
        }
        writeln!(formatter)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_with_a_mark() {
        assert_eq!(shortened("versicolor", 10), "versicolor");
        assert_eq!(shortened("versicolor", 5), "vers…");
    }
}
