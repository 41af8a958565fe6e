//! What a table's columns are for, as the user or the table itself says: the inputs, the targets, the task; and so which
//! rows are used.

use std::collections::HashSet;

use super::counted::values;
use super::options::{FitOptions, Missing, Scale};
use crate::data::categories::Categories;
use crate::data::{Cells, Table, Task};
use crate::error::{Error, Result, shown};

/// The columns' positions by what they are for.
pub(in crate::data) struct Roles {
    pub(in crate::data) inputs: Vec<usize>,
    pub(in crate::data) targets: Vec<usize>,
    pub(in crate::data) categorical: HashSet<usize>,
}

impl Roles {
    pub(in crate::data) fn of(table: &Table, options: &FitOptions) -> Result<Self> {
        let ignored: HashSet<usize> = table.resolve_all(&options.ignore, "--ignore")?.into_iter().collect();
        let categorical = table.resolve_all(&options.categorical, "--categorical")?.into_iter().collect();
        let mut targets = table.resolve_all(&options.target, "--target")?;
        let refused = |what: String| Err(Error::Usage(format!("{}: {what}", shown(&table.source))));
        if targets.is_empty() {
            targets.extend((0..table.columns.len()).rev().find(|position| !ignored.contains(position)));
        }
        let mut seen = HashSet::new();
        for &target in &targets {
            let name = shown(&table.columns[target].name);
            if ignored.contains(&target) {
                return refused(format!("'{name}' is both --target and --ignore"));
            }
            if !seen.insert(target) {
                return refused(format!("'{name}' is --target twice"));
            }
        }
        let inputs: Vec<usize> =
            (0..table.columns.len()).filter(|position| !seen.contains(position) && !ignored.contains(position)).collect();
        if inputs.is_empty() || targets.is_empty() {
            return refused(format!(
                "of its {} columns, {} is the target and {} ignored, which leaves no input",
                table.columns.len(),
                targets.len(),
                ignored.len()
            ));
        }
        Ok(Self { inputs, targets, categorical })
    }

    /// How numbers are scaled in all input columns.
    pub(super) fn scale(&self, table: &Table, options: &FitOptions) -> Scale {
        let is_byte = |&position: &usize| {
            matches!(table.columns[position].cells, Cells::Bytes(_)) && !self.is_category(table, position)
        };
        options.scale.unwrap_or(if self.inputs.iter().all(is_byte) { Scale::Minmax } else { Scale::Standard })
    }

    /// The most bins of a numeric column of a table with so many rows. If the options do not say it, a table has bins
    /// where it has rows enough for them, altogether and for each column: with fewer rows a network fits noise
    /// (docs/defaults.md has the measurements). Bytes, as those of images, have no bins, nor have numbers that are not
    /// standardised, nor tables whose bins would take much memory. The rule counts all rows, so that every fold has the
    /// same bins.
    pub(super) fn bins(&self, table: &Table, rows: usize, options: &FitOptions) -> usize {
        const BINS: usize = 8;
        const FEW_ROWS: usize = 1000;
        const ROWS_A_COLUMN: usize = 4 * (BINS + 1);
        const MOST_NUMBERS: usize = 1 << 26;
        let is_number = |&&position: &&usize| {
            !matches!(table.columns[position].cells, Cells::Bytes(_)) && !self.is_category(table, position)
        };
        let columns = self.inputs.iter().filter(is_number).count();
        let is_meant = matches!(options.scale, None | Some(Scale::Standard))
            && rows >= FEW_ROWS
            && columns.saturating_mul(ROWS_A_COLUMN) <= rows
            && columns.saturating_mul(BINS + 1).saturating_mul(rows) <= MOST_NUMBERS;
        options.bins.unwrap_or(if is_meant { BINS } else { 0 })
    }

    pub(super) fn is_category(&self, table: &Table, position: usize) -> bool {
        table.columns[position].cells.is_text() || self.categorical.contains(&position)
    }
}

/// The task that these options and this table mean: what `options` say; regression for several targets; an embedded set's
/// own; classification if the target is text or categorical; else regression, unless the numbers look like classes: at most
/// 20 different integers, and on average 5 rows or more of each or nothing but 0 and 1. All rows are looked at, as the task
/// is not fitted.
///
/// # Errors
/// Data, if there is no such column; Usage, if options contradict each other.
pub fn task(table: &Table, options: &FitOptions) -> Result<Task> {
    task_of(table, &Roles::of(table, options)?, options)
}

/// As [`task`], the columns' roles being known; of the cells only those of the targets are looked at.
pub(super) fn task_of(table: &Table, roles: &Roles, options: &FitOptions) -> Result<Task> {
    let several = roles.targets.len() > 1;
    match options.task {
        Some(Task::Classification) if several => {
            Err(Error::Usage("classification has one target column; name one --target, or say --task regression".into()))
        }
        Some(task) => Ok(task),
        None if several => Ok(Task::Regression),
        None if table.task.is_some() && roles.targets[0] == table.columns.len() - 1 => {
            Ok(table.task.expect("the guard has looked"))
        }
        None if roles.is_category(table, roles.targets[0]) => Ok(Task::Classification),
        None => Ok(guess(&table.columns[roles.targets[0]].cells)),
    }
}

/// The positions of the target columns.
pub(crate) fn targets(table: &Table, options: &FitOptions) -> Result<Vec<usize>> {
    Ok(Roles::of(table, options)?.targets)
}

/// Whether numbers look like classes; the rule is `task`'s.
fn guess(cells: &Cells) -> Task {
    const MOST_CLASSES: usize = 20;
    const ROWS_A_CLASS: usize = 5;
    let mut values: Vec<f64> = Vec::new();
    for number in (0..cells.len()).filter_map(|row| cells.number(row)) {
        if !values.contains(&number) {
            values.push(number);
        }
        if number.fract() != 0.0 || values.len() > MOST_CLASSES {
            return Task::Regression;
        }
    }
    let binary = values.iter().all(|value| [0.0, 1.0].contains(value));
    if binary || cells.len() >= ROWS_A_CLASS * values.len() { Task::Classification } else { Task::Regression }
}

/// The most bins of a numeric column, as these options or the table itself, of so many rows, have it.
///
/// # Errors
/// As [`task`].
pub fn bins(table: &Table, rows: usize, options: &FitOptions) -> Result<usize> {
    Ok(Roles::of(table, options)?.bins(table, rows, options))
}

/// The class of every row, numbered in the classes' order, for a stratified split; none for regression.
///
/// # Errors
/// As [`task`]; Data, if a row's target is missing.
pub fn strata(table: &Table, options: &FitOptions) -> Result<Option<Vec<usize>>> {
    strata_of(table, &Roles::of(table, options)?, options)
}

/// As [`strata`], the columns' roles being known.
pub(super) fn strata_of(table: &Table, roles: &Roles, options: &FitOptions) -> Result<Option<Vec<usize>>> {
    if task_of(table, roles, options)? == Task::Regression {
        return Ok(None);
    }
    let target = roles.targets[0];
    let rows: Vec<usize> = (0..table.rows).collect();
    let classes = values(table, target, &rows)?;
    Categories::new(&classes.names).codes(table, target, &rows).map(Some)
}

/// The rows to go on with: with `--missing drop` those in which no input or target is missing; none = all.
///
/// # Errors
/// As [`task`]; Data, if no row is left.
pub fn rows_kept(table: &Table, options: &FitOptions) -> Result<Option<Vec<usize>>> {
    match complete_rows(table, options)? {
        Some(rows) if rows.is_empty() => Err(no_complete_row(&table.source)),
        Some(rows) => Ok((rows.len() < table.rows).then_some(rows)),
        None => Ok(None),
    }
}

/// As [`rows_kept`], of a table that may be a part of another, none of whose rows is kept.
///
/// # Errors
/// As [`task`].
pub(in crate::data) fn complete_rows(table: &Table, options: &FitOptions) -> Result<Option<Vec<usize>>> {
    if options.missing != Missing::Drop {
        return Ok(None);
    }
    let roles = Roles::of(table, options)?;
    let used: Vec<&Cells> =
        roles.inputs.iter().chain(&roles.targets).map(|&position| &table.columns[position].cells).collect();
    let rows: Vec<usize> = (0..table.rows).filter(|&row| !used.iter().any(|cells| cells.is_missing(row))).collect();
    Ok(Some(rows))
}

/// What a person should hear of rows that `--missing drop` leaves out, if it does.
pub(crate) fn left_out(source: &str, count: usize, all: usize) -> Vec<String> {
    let remark = || format!("{}: --missing drop leaves out {count} of {all} rows, which miss a cell", shown(source));
    (count > 0).then(remark).into_iter().collect()
}

/// The error for `--missing drop` where each row misses something.
pub(in crate::data) fn no_complete_row(source: &str) -> Error {
    Error::Data(format!(
        "{}: --missing drop leaves no row; leave out columns that are nearly empty (--ignore), or fill cells in (--missing mean)",
        shown(source)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALL, all, fitted, missing, table, target};
    use super::*;
    use crate::data::{Column, Encoding, InputKind, ReadOptions, read};

    #[test]
    fn dropping_leaves_out_rows_that_miss_a_used_cell() {
        let table = table("x,z,y\n1,,1\n,2,2\n3,3,\n4,4,4\n");
        let kept = |options: &FitOptions| rows_kept(&table, options);
        assert_eq!(kept(&missing(Missing::Drop)).unwrap(), Some(vec![3]));
        assert_eq!(kept(&FitOptions { ignore: vec!["z".into()], ..missing(Missing::Drop) }).unwrap(), Some(vec![0, 3]));
        assert_eq!(kept(&missing(Missing::Mean)).unwrap(), None);
        let nothing = rows_kept(&table.with_rows(&[0, 1]), &missing(Missing::Drop)).unwrap_err();
        assert!(nothing.to_string().contains("leaves no row"));
    }

    #[test]
    fn the_task_follows_the_target_unless_it_is_given() {
        let rows =
            |values: &[&str]| format!("x,y\n{}", values.iter().map(|value| format!("1,{value}\n")).collect::<String>());
        let of = |values: &[&str]| task(&table(&rows(values)), &FitOptions::default()).unwrap();
        assert_eq!(of(&["a", "b"]), Task::Classification);
        assert_eq!(of(&["0", "1", "1", "0"]), Task::Classification);
        assert_eq!(of(&["3", "1", "2"]), Task::Regression);
        assert_eq!(of(&["3", "1", "3", "1", "3", "1", "1", "1", "1", "3"]), Task::Classification);
        assert_eq!(of(&["3", "1", "3", "1", "3", "1", "1", "1", "1", "1.5"]), Task::Regression);
        let given = FitOptions { task: Some(Task::Classification), ..Default::default() };
        assert_eq!(task(&table(&rows(&["3", "1", "2"])), &given).unwrap(), Task::Classification);
        let many: String = (0..210).map(|row| format!("1,{}\n", row % 21)).collect();
        assert_eq!(task(&table(&format!("x,y\n{many}")), &FitOptions::default()).unwrap(), Task::Regression);
    }

    #[test]
    fn embedded_sets_know_their_task() {
        let wines = read("wine-quality", &ReadOptions::default()).unwrap();
        assert_eq!(task(&wines, &FitOptions::default()).unwrap(), Task::Regression);
        assert_eq!(
            task(&wines, &FitOptions { task: Some(Task::Classification), ..target(&[]) }).unwrap(),
            Task::Classification
        );
        let digits = read("digits", &ReadOptions::default()).unwrap();
        let encoding = Encoding::fit(&digits, &all(&digits), &FitOptions::default()).unwrap();
        assert_eq!((encoding.inputs(), encoding.class_names().len()), (64, 10));
    }

    #[test]
    fn strata_number_the_classes_of_all_rows() {
        let text = "x,y\n1,b\n1,a\n1,b\n";
        assert_eq!(strata(&table(text), &FitOptions::default()).unwrap(), Some(vec![1, 0, 1]));
        assert_eq!(strata(&table(SMALL), &FitOptions::default()).unwrap(), None);
    }

    #[test]
    fn tables_with_many_rows_for_each_input_have_bins() {
        let of = |rows: usize, numbers: usize, options: &FitOptions| {
            let cells = |position: usize| Cells::Numbers((0..rows).map(|row| (row * (position + 3) % 97) as f64).collect());
            let mut columns: Vec<Column> =
                (0..numbers).map(|position| Column::new(position.to_string(), cells(position))).collect();
            columns.push(Column::new("pixel", Cells::Bytes((0..rows).map(|row| row as u8).collect())));
            columns.push(Column::new("y", cells(numbers)));
            let table = Table::new("t", columns);
            bins(&table, rows, options).unwrap()
        };
        let usual = FitOptions::default();
        assert_eq!([of(999, 3, &usual), of(1000, 3, &usual)], [0, 8]);
        assert_eq!([of(1079, 30, &usual), of(1080, 30, &usual)], [0, 8]);
        assert_eq!(of(1000, 28, &FitOptions { categorical: vec!["0".into()], ..usual.clone() }), 8);
        for scale in [Scale::None, Scale::Minmax] {
            assert_eq!(of(5000, 3, &FitOptions { scale: Some(scale), ..usual.clone() }), 0);
        }
        assert_eq!(of((1 << 26) / 9 + 1, 1, &usual), 0);
        assert_eq!([of(10, 3, &with(5)), of(5000, 3, &with(0))], [5, 0]);
    }

    fn with(bins: usize) -> FitOptions {
        FitOptions { bins: Some(bins), ..Default::default() }
    }

    #[test]
    fn bins_are_those_of_the_training_rows_and_pixels_have_none() {
        let text = "x,z,y\n1,5,0\n2,5,1\n3,,2\n4,7,3\n900,9,4\n";
        let encoding =
            Encoding::fit(&table(text), &[0, 1, 2, 3], &FitOptions { missing: Missing::Mean, ..with(2) }).unwrap();
        let edges: Vec<Vec<f64>> = encoding
            .inputs
            .iter()
            .map(|column| match &column.kind {
                InputKind::Number { bins, .. } => bins.edges.clone(),
                InputKind::Category { .. } => panic!("numbers alone"),
            })
            .collect();
        assert_eq!(edges, [vec![1.0, 2.5, 4.0], vec![]], "of two different numbers the scaled one says all");
        assert_eq!(encoding.input_names(), ["x", "x>1", "x>2.5", "z"]);
        let inputs = encoding.encode_inputs::<f64>(&table("x,z\n3.25,5\n"), &[0]).unwrap();
        assert_eq!(inputs.values[1..3], [1.0, 0.5]);
        let pixels = Table::new(
            "images",
            vec![Column::new("0", Cells::Bytes(vec![0, 9, 200, 70])), Column::new("y", Cells::Bytes(vec![0, 1, 1, 0]))],
        );
        assert_eq!(Encoding::fit(&pixels, &[0, 1, 2, 3], &with(3)).unwrap().inputs(), 1);
    }

    #[test]
    fn options_that_cannot_be_meant_are_refused() {
        let refused = |options: &FitOptions| fitted(SMALL, options).unwrap_err().to_string();
        assert!(refused(&target(&["yy"])).contains("--target names column 'yy'"));
        assert!(refused(&target(&["y", "2"])).contains("twice"));
        let ignore = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert!(refused(&FitOptions { ignore: ignore(&["y"]), ..target(&["y"]) }).contains("both"));
        assert!(refused(&FitOptions { ignore: ignore(&["x", "town"]), ..target(&[]) }).contains("no input"));
        assert!(
            refused(&FitOptions { task: Some(Task::Regression), ..target(&["town"]) })
                .contains("line 2, column 'town': 'b'")
        );
        assert!(fitted("x,y\n1,a\n2,a\n", &target(&[])).unwrap_err().to_string().contains("nothing to tell apart"));
    }

    #[test]
    fn the_default_target_is_the_last_column_that_is_not_ignored() {
        let encoding = fitted(SMALL, &FitOptions { ignore: vec!["y".into()], ..Default::default() }).unwrap();
        assert_eq!((encoding.target_names(), encoding.task()), (vec!["town"], Task::Classification));
    }
}
