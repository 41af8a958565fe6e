//! What a table's columns are for, as the user or the table itself says: the inputs, the targets, the task; and so which rows are used.

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

/// The error for `--missing drop` where each row misses something.
pub(in crate::data) fn no_complete_row(source: &str) -> Error {
    Error::Data(format!(
        "{}: --missing drop leaves no row; leave columns out (--ignore) or fill cells in (mean)",
        shown(source)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALL, all, fitted, missing, table, target};
    use super::*;
    use crate::data::{Encoding, ReadOptions, read};

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
