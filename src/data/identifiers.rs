//! What makes a column one that numbers or names the rows, and says nothing else of them.

use super::{Cells, Column};

/// Fewer rows tell nothing about a column.
pub(super) const FEW_ROWS: usize = 20;

/// Whether so many whole numbers that all differ lie so close that they count the rows: of numbers that are drawn, few do.
pub(super) fn lie_close(least: f64, most: f64, rows: usize) -> bool {
    most - least < 1.5 * rows as f64
}

/// Whether a column of numbers numbers these rows.
pub(super) fn are_numbered(column: &Column, rows: &[usize]) -> bool {
    if rows.len() < FEW_ROWS || matches!(column.cells, Cells::Bytes(_) | Cells::Text(_)) {
        return false;
    }
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for &row in rows {
        let Some(number) = column.cells.number(row).filter(|number| number.fract() == 0.0) else { return false };
        (least, most) = (least.min(number), most.max(number));
    }
    if most - least + 1.0 < rows.len() as f64 || !(is_called_id(&column.name) || lie_close(least, most, rows.len())) {
        return false;
    }
    let mut numbers: Vec<f64> = rows.iter().filter_map(|&row| column.cells.number(row)).collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}

/// Whether a name says that the column numbers or names the rows.
pub(super) fn is_called_id(name: &str) -> bool {
    const NAMES: [&str; 9] = ["id", "ids", "index", "key", "uuid", "guid", "serial", "rowid", "row"];
    let words: Vec<String> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    let is_one = |word: &String| NAMES.contains(&word.as_str());
    // orderId and PassengerID have no sign between the words.
    let before = name.strip_suffix("Id").or_else(|| name.strip_suffix("ID"));
    let ends_so = before.is_some_and(|before| before.ends_with(char::is_lowercase));
    words.first().is_some_and(is_one) || words.last().is_some_and(is_one) || ends_so
}

/// Whether so many different texts, in so many cells, are names rather than categories.
pub(super) fn are_names(distinct: usize, cells: usize) -> bool {
    const MANY: usize = 100;
    distinct > MANY && 2 * distinct > cells
}

/// Whether training rows may hold names, where all rows hold so many different texts in so many cells: of fewer rows fewer are the same.
pub(super) fn may_be_names(distinct: usize, cells: usize) -> bool {
    // Of the rows, 9 in 10 are trained on where nobody says otherwise, and 8 with --patience.
    are_names(distinct, cells * 3 / 4)
}
