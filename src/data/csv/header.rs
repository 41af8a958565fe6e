//! What tells that the first line of a file, taken as its header, is a row.

use std::collections::HashSet;

use crate::data::{Cells, Column, Table};
use crate::error::shown;

/// Cells of a column that are looked at.
const CELLS: usize = 10_000;
/// Names that a remark shows.
const NAMED: usize = 4;

/// What a name of a column says of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vote {
    /// It is like the cells below it.
    Row,
    /// It is not.
    Names,
    /// It may be either.
    Open,
}

/// What a person should hear of a header on this line that may be a row, given the first rows below it.
pub(super) fn remark(table: &Table, line: u64) -> Option<String> {
    let number = |name: &str| table.numerals.parse(name).filter(|number| number.is_finite());
    let place = format!("{}: line {line} is taken as the header", shown(&table.source));
    let votes: Vec<(&str, Vote)> =
        table.columns.iter().map(|column| (column.name.as_str(), vote(column, number(&column.name)))).collect();
    let alike: Vec<&str> = votes.iter().filter(|(_, vote)| *vote == Vote::Row).map(|(name, _)| *name).collect();
    let numbers: Vec<f64> = alike.iter().filter_map(|name| number(name)).collect();
    let is_row = alike.len() > 1 && votes.iter().all(|(_, vote)| *vote != Vote::Names);
    if is_row && !(numbers.len() == alike.len() && are_counted(&numbers)) {
        let named: Vec<String> = alike.iter().take(NAMED).map(|name| format!("'{}'", shown(name))).collect();
        let more = if alike.len() > NAMED { ", …" } else { "" };
        let named = named.join(", ");
        return Some(format!("{place}, but {named}{more} are like the cells below them; if it is a row, say --no-header"));
    }
    let is_fraction = |name: &&str| name.parse::<f64>().is_ok() && name.parse::<u64>().is_err();
    let name = table.names().find(is_fraction)?;
    Some(format!("{place} and names a column '{}'; if it is a row, say --no-header", shown(name)))
}

/// What a column's name says; `number` is the number that it is.
fn vote(column: &Column, number: Option<f64>) -> Vote {
    let rows = 0..column.cells.len().min(CELLS);
    // A cell without a name, or one that counts as missing, says nothing.
    if column.name.starts_with("unnamed ") || ["NA", "N/A", "NaN", "null", "?"].contains(&column.name.as_str()) {
        return Vote::Open;
    }
    if let Cells::Text(texts) = &column.cells {
        let own = shape(&column.name);
        let is_alike = |text: &str| text == column.name || own.is_some() && shape(text) == own;
        return if rows.filter_map(|row| texts.get(row)).any(is_alike) { Vote::Row } else { Vote::Names };
    }
    let cells = || rows.clone().filter_map(|row| column.cells.number(row));
    let Some(number) = number else {
        return if cells().next().is_none() { Vote::Open } else { Vote::Names };
    };
    let (least, most) =
        cells().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), cell| (least.min(cell), most.max(cell)));
    if (least..=most).contains(&number) { Vote::Row } else { Vote::Open }
}

/// A text with each group of digits as one; none, if it has none.
fn shape(text: &str) -> Option<String> {
    let mut shape = String::new();
    for character in text.chars() {
        match character.is_ascii_digit() {
            true if shape.ends_with('0') => {}
            true => shape.push('0'),
            false => shape.push(character),
        }
    }
    shape.contains('0').then_some(shape)
}

/// Whether numbers are as names that count: whole, in steps of one size, as positions and years are.
fn are_counted(numbers: &[f64]) -> bool {
    let steps: HashSet<u64> = numbers.windows(2).map(|pair| (pair[1] - pair[0]).to_bits()).collect();
    numbers.iter().all(|number| number.fract() == 0.0) && steps.len() < 2
}

#[cfg(test)]
mod tests {
    use crate::data::csv::read;
    use crate::data::{ReadOptions, Table};

    fn said(text: &str) -> String {
        let table: Table = read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
        table.remarks.join("\n")
    }

    #[test]
    fn a_row_that_is_taken_as_the_header_is_told() {
        for text in [
            "C100,47,7.89,no\nC101,52,8.5,yes\nC102,40,6.5,no\n",
            "3,41,no\n1,52,yes\n9,40,no\n",
            "5,1,200\n9,0,150\n2,3,400\n",
            "2024-01-31,yes\n2024-02-01,no\n2024-02-02,yes\n",
            "red,big,1\nblue,small,2\nred,big,3\n",
            "47,,3,12\n40,1,2,40\n60,2,9,10\n",
        ] {
            let said = said(text);
            assert!(
                said.contains("t.csv: line 1 is taken as the header, but '") && said.contains("--no-header"),
                "{text}: {said}"
            );
        }
        assert!(
            said("# made in May\n3,41,no\n1,52,yes\n9,40,no\n")
                .contains("line 2 is taken as the header, but '3', '41', 'no' are")
        );
    }

    #[test]
    fn names_that_are_numbers_or_stand_over_others_are_no_row() {
        for text in [
            "a,b,c\n1,2,x\n3,4,y\n",
            "0,1,2\n1,2,3\n0,0,5\n",
            "country,2019,2020\nFrance,1,5000\nSpain,9000,2\n",
            "1990,2000,2010,y\n1000,3000,1500,yes\n3000,1000,3000,no\n",
            "kind,5,7\na,6,8\nb,4,6\n",
            "x1,x2\n5,6\n7,8\n",
            "10,20\n5,6\n7,8\n",
            "yes\nyes\nno\n",
            "NA,x\n1,2\n3,4\n",
        ] {
            assert_eq!(said(text), "", "{text}");
        }
        assert!(said("2.5,a\n9,1\n8,2\n").contains("and names a column '2.5'; if it is a row, say --no-header"));
    }
}
