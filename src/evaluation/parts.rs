//! What the scores of both tasks are made of: means, tables of text, and parts of what is too much for a picture.

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

/// At most `most` of so many things, evenly spread, the first among them: for a picture that shows a part of them.
pub fn thinned(count: usize, most: usize) -> impl Iterator<Item = usize> + Clone {
    let taken = count.min(most);
    (0..taken).map(move |index| (index as u128 * count as u128 / taken as u128) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_with_a_mark() {
        assert_eq!(shortened("versicolor", 10), "versicolor");
        assert_eq!(shortened("versicolor", 5), "vers…");
    }

    #[test]
    fn what_is_thinned_out_is_evenly_spread() {
        assert_eq!(thinned(3, 5).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(thinned(10, 4).collect::<Vec<_>>(), [0, 2, 5, 7]);
        assert_eq!(thinned(0, 4).count(), 0);
    }
}
