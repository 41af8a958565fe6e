//! What a person should hear about a table although it can be used: stray text among numbers, categories never seen
//! before, columns that tell nothing, classes without a row.

use std::borrow::Cow;
use std::collections::HashMap;

use super::categories::Categories;
use super::identifiers;
use super::{Cells, Encoding, InputKind, NumberTarget, Table, Target};
use crate::error::shown;

/// The share of a text column's cells that are numbers from which the others look like mistakes.
const MOSTLY: f64 = 0.8;
/// Values that are named in one remark, at most.
const NAMED: usize = 5;

/// Those columns that are text only because of a few cells, one remark each, if they are `looked_at`.
pub fn stray_text(table: &Table, looked_at: impl Fn(&str) -> bool) -> Vec<String> {
    let remark = |column: &super::Column| {
        let Cells::Text(cells) = &column.cells else { return None };
        let present = || cells.iter().enumerate().filter_map(|(row, cell)| Some((row, cell?)));
        let is_number = |cell: &str| table.numerals.parse(cell).is_some();
        let (count, numbers) = (present().count(), present().filter(|(_, cell)| is_number(cell)).count());
        let (row, stray) = present().find(|(_, cell)| !is_number(cell))?;
        if let Some(flags) = numbers_otherwise(table, column) {
            return Some(format!(
                "{}: '{}' and the other cells of the column are taken as text; if they are numbers, say {flags}",
                table.place(row, &column.name),
                shown(stray)
            ));
        }
        (numbers > 0 && numbers as f64 >= MOSTLY * count as f64).then(|| {
            format!(
                "{}: '{}' is no number, so all {count} cells of the column are taken as text, though {numbers} of them are numbers",
                table.place(row, &column.name),
                shown(stray)
            )
        })
    };
    table.columns.iter().filter(|column| looked_at(&column.name)).filter_map(remark).collect()
}

/// The flags with which all cells of a column of text are numbers, if there are some.
pub(super) fn numbers_otherwise(table: &Table, column: &super::Column) -> Option<String> {
    let Cells::Text(cells) = &column.cells else { return None };
    table.numerals.other_flags(|| cells.iter().flatten())
}

/// The categories among `rows` that the encoding has not seen in training, one remark a column. They are encoded as none
/// of those that it knows.
pub fn unseen_categories(encoding: &Encoding, table: &Table, rows: &[usize]) -> Vec<String> {
    let positions = table.positions();
    let remark = |column: &super::InputColumn| {
        let InputKind::Category { categories, .. } = &column.kind else { return None };
        let cells = &table.columns[*positions.get(column.name.as_str())?].cells;
        let known = Categories::new(categories);
        let mut counts: HashMap<Cow<'_, str>, usize> = HashMap::new();
        let mut unseen: Vec<(Cow<'_, str>, usize)> = Vec::new();
        for &row in rows {
            let Some(cell) = cells.text(row).filter(|cell| known.find_category(cell).is_none()) else { continue };
            let count = counts.entry(cell.clone()).or_default();
            *count += 1;
            if *count == 1 && unseen.len() <= NAMED {
                unseen.push((cell, row));
            }
        }
        let &(_, first) = unseen.first()?;
        let more = if unseen.len() > NAMED { ", …" } else { "" };
        let named = unseen.iter().take(NAMED).map(|(cell, _)| format!("'{}' ({})", shown(cell), counts[cell]));
        let named: Vec<String> = named.collect();
        Some(format!(
            "{}: never seen in training and taken as none of the known categories: {}{more}",
            table.place(first, &column.name),
            named.join(", ")
        ))
    };
    encoding.inputs.iter().filter_map(remark).collect()
}

/// The input columns that miss cells among `rows`, and how many, where something stands in for them.
pub fn missing_cells(
    encoding: &Encoding,
    table: &Table,
    rows: &(impl Iterator<Item = usize> + Clone),
) -> Vec<(String, usize)> {
    let positions = table.positions();
    let count = |column: &super::InputColumn| {
        let cells = &table.columns[*positions.get(column.name.as_str())?].cells;
        if matches!(cells, Cells::Bytes(_)) || !column.has_stand_in() {
            return None;
        }
        let count = rows.clone().filter(|&row| cells.is_missing(row)).count();
        (count > 0).then(|| (column.name.clone(), count))
    };
    encoding.inputs.iter().filter_map(count).collect()
}

/// Cells that are missing, by their columns, in one remark.
pub fn filled_in(source: &str, missing: &[(String, usize)]) -> Option<String> {
    let cells = |(name, count): &(String, usize)| format!("'{}' ({count})", shown(name));
    let named: Vec<String> = missing.iter().take(NAMED).map(cells).collect();
    let more = if missing.len() > NAMED { format!(" and {} more", missing.len() - NAMED) } else { String::new() };
    (!missing.is_empty()).then(|| {
        let named = named.join(", ");
        format!(
            "{}: cells are missing in {named}{more}; what is usual in the training rows takes their place",
            shown(source)
        )
    })
}

/// The input columns that are the same in all of `rows`. Pixels are left out: images have borders.
pub fn constant_columns(encoding: &Encoding, table: &Table, rows: &[usize]) -> Vec<String> {
    let Some((&first, others)) = rows.split_first() else { return Vec::new() };
    let positions = table.positions();
    let is_constant = |column: &&super::InputColumn| {
        let Some(&position) = positions.get(column.name.as_str()) else { return false };
        let cells = &table.columns[position].cells;
        let value = cells.text(first);
        !matches!(cells, Cells::Bytes(_)) && others.iter().all(|&row| cells.text(row) == value)
    };
    encoding.inputs.iter().filter(is_constant).map(|column| column.name.clone()).collect()
}

/// The remark about targets that are one number in all of `rows`.
pub fn constant_targets(encoding: &Encoding, table: &Table, rows: &[usize]) -> Option<String> {
    let Target::Regression { columns } = &encoding.target else { return None };
    let (&first, others) = rows.split_first()?;
    let value = |column: &NumberTarget| {
        let cells = &table.columns[table.position(&column.name)?].cells;
        let value = cells.text(first)?;
        others.iter().all(|&row| cells.text(row).as_ref() == Some(&value)).then(|| (shown(&column.name), value.into_owned()))
    };
    let (name, value) = columns.iter().find_map(value)?;
    Some(format!(
        "{}: the target '{name}' is {value} in every training row; a network learns nothing but that number from it",
        shown(&table.source)
    ))
}

/// The input columns that number `rows`.
pub fn numbered(encoding: &Encoding, table: &Table, rows: &[usize]) -> Vec<String> {
    let positions = table.positions();
    let is_meant = |column: &&super::InputColumn| {
        let position = positions.get(column.name.as_str()).filter(|_| !column.is_category());
        position.is_some_and(|&position| identifiers::are_numbered(&table.columns[position], rows))
    };
    encoding.inputs.iter().filter(is_meant).map(|column| column.name.clone()).collect()
}

/// Columns of a source that are the same in every row, in one remark.
pub fn constant(source: &str, columns: &[String]) -> Option<String> {
    let names: Vec<String> = columns.iter().take(NAMED).map(|name| format!("'{}'", shown(name))).collect();
    let more = if columns.len() > NAMED { format!(" and {} more", columns.len() - NAMED) } else { String::new() };
    let (source, named) = (shown(source), names.join(", "));
    (!names.is_empty()).then(|| {
        format!("{source}: the same in every training row, and so of no use: {named}{more} (--ignore leaves columns out)")
    })
}

/// The classes that none of `rows` is of, in one remark; `what` the rows are for. Where a split that is not stratified
/// has set them apart, the remark says how another would.
pub fn absent_classes(encoding: &Encoding, table: &Table, rows: &[usize], what: &str, is_by_chance: bool) -> Option<String> {
    let classes = encoding.class_names();
    if classes.is_empty() || rows.is_empty() {
        return None;
    }
    // A class that is not known is an error where the rows are encoded.
    let present = encoding.class_indices(table, rows).ok()?;
    let mut counts = vec![0_usize; classes.len()];
    present.into_iter().for_each(|class| counts[class] += 1);
    let absent: Vec<String> = classes
        .iter()
        .zip(&counts)
        .filter(|(_, count)| **count == 0)
        .map(|(class, _)| format!("'{}'", shown(class)))
        .collect();
    let more = if absent.len() > NAMED { format!(" and {} more", absent.len() - NAMED) } else { String::new() };
    let (source, named) = (shown(&table.source), absent[..absent.len().min(NAMED)].join(", "));
    let advice = if is_by_chance { " (--stratify deals every class out alike)" } else { "" };
    (!absent.is_empty())
        .then(|| format!("{source}: no {what} row is of the class {named}{more}: scores say nothing about them{advice}"))
}

#[cfg(test)]
mod tests {
    use super::super::{FitOptions, ReadOptions, csv};
    use super::*;

    fn table(text: &str) -> Table {
        csv::read("t.csv", text.as_bytes(), &ReadOptions::default()).expect("a table")
    }

    #[test]
    fn numbers_that_are_written_otherwise_are_told_with_the_flag_that_reads_them() {
        let said = |text: &str, delimiter| {
            let options = ReadOptions { delimiter: Some(delimiter), ..ReadOptions::default() };
            let table = csv::read("t.csv", text.as_bytes(), &options).unwrap();
            stray_text(&table, |_| true).join("\n")
        };
        for (text, delimiter, flags) in [
            ("a,y\n\"1,234\",0.5\n\"2,345\",1.5\n", b',', "say --decimal , or --thousands ,"),
            ("a;b\n9,5;1.234\n8,5;2.345\n", b';', "say --thousands ."),
            ("a;b\n0.5;0,5\n1.5;1,5\n", b';', "say --decimal ,"),
            ("a;b\n1 000;5\n2 000;6\n", b';', "say --thousands space"),
            ("a;b\n$7.90;5\n-$2;6\n", b';', "say --units '$'"),
            ("a;b\n7.9 %;5\n2%;6\n", b';', "say --units %"),
            ("a;b\n$1,234.50;5\n$2;6\n", b';', "say --units '$' --thousands ,"),
            ("a;b\n1.234,50 €;5\n2 €;6\n", b';', "say --units '€' --thousands ."),
            ("a;b\n5 km/h;5\n2 km/h;6\n", b';', "say --units km/h"),
        ] {
            let said = said(text, delimiter);
            assert!(said.ends_with(flags), "{text:?}: {said}");
        }
        for text in [
            "a,y\n\"a,b\",1\n2x,2\n",
            "a,y\nn1,1\nn2,2\n",
            "a,y\n12:30,1\n13:05,2\n",
            "a,y\n5 kg,1\n3 lb,2\n",
            "a,y\n#1,1\n#2,2\n",
        ] {
            assert_eq!(said(text, b','), "", "{text}");
        }
    }

    #[test]
    fn stray_text_among_numbers_is_named_with_its_line() {
        let text = format!("a,b,y\n{}oops,x,1\n", "1.5,x,2\n".repeat(9));
        let remarks = stray_text(&table(&text), |_| true);
        assert_eq!(remarks.len(), 1, "{remarks:?}");
        assert!(remarks[0].contains("line 11, column 'a'") && remarks[0].contains("'oops'"), "{remarks:?}");
        assert!(stray_text(&table("a,y\nx,1\n2,2\n"), |_| true).is_empty(), "half of the cells being numbers is no mistake");
    }

    #[test]
    fn columns_that_tell_nothing_are_named() {
        let table = table("a,b,c,y\n1,x,3,1.5\n2,x,3,2.5\n4,x,5,2\n");
        let encoding = Encoding::fit(&table, &[0, 1, 2], &FitOptions::default()).expect("an encoding");
        assert_eq!(constant_columns(&encoding, &table, &[0, 1, 2]), ["b"]);
        let both = constant_columns(&encoding, &table, &[0, 1]);
        assert!(constant("t.csv", &both).expect("b and c are").contains("t.csv: the same in every training row"));
        assert!(constant("t.csv", &both).expect("b and c are").contains("'b', 'c'"));
        assert_eq!(constant("t.csv", &[]), None);
    }

    #[test]
    fn classes_without_a_row_are_named() {
        let table = table("a,y\n1,p\n2,q\n3,r\n4,p\n");
        let encoding = Encoding::fit(&table, &[0, 1, 2], &FitOptions::default()).expect("an encoding");
        let remark = absent_classes(&encoding, &table, &[1, 3], "test", true).expect("r has none");
        assert!(remark.contains("no test row") && remark.contains("'r'") && !remark.contains("'p'"), "{remark}");
        assert!(remark.contains("(--stratify deals"), "{remark}");
        let remark = absent_classes(&encoding, &table, &[1, 3], "test", false).expect("r has none");
        assert!(remark.ends_with("say nothing about them"), "{remark}");
        assert_eq!(absent_classes(&encoding, &table, &[0, 1, 2], "test", true), None);
    }

    #[test]
    fn unseen_categories_are_named_with_their_counts_and_encoded_as_none() {
        let trained = table("c,y\na,1\nb,2.5\na,3\n");
        let encoding = Encoding::fit(&trained, &[0, 1, 2], &FitOptions::default()).expect("an encoding");
        let other = table("c,y\na,1\nz,2\nq,2\nz,3\n");
        let remarks = unseen_categories(&encoding, &other, &[0, 1, 2, 3]);
        assert!(remarks[0].contains("line 3") && remarks[0].contains("'z' (2), 'q' (1)"), "{remarks:?}");
        let inputs = encoding.encode_inputs::<f64>(&other, &[0, 1]).expect("inputs");
        assert_eq!(inputs.values, [1.0, 0.0, 0.0, 0.0]);
        assert!(unseen_categories(&encoding, &trained, &[0, 1, 2]).is_empty());
    }
}
