//! What may be worth doing about a table before training, each with the flag that does it.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use rayon::prelude::*;
use serde::Serialize;

use super::column_summary::{ColumnSummary, ColumnType, Count, counts};
use super::dates::{self, are_dates};
use super::fit::{self, Counted, Roles};
use super::identifiers::{FEW_ROWS, are_names, is_called_id, lie_close, may_be_names};
use super::{Cells, Column, FitOptions, Table, Task, remarks};
use crate::error::{Obstacle, Remedy, Result, flagged, shown};

/// Columns that one sentence names, at most.
const NAMED: usize = 5;

/// What a piece of advice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Another column looks like the target.
    Target,
    /// The target may be meant as the other task.
    Task,
    /// Columns that are the same in every row.
    Constant,
    /// Columns that name the rows.
    Identifier,
    /// Columns of dates that are not in ISO form.
    Date,
    /// Few whole numbers, which may stand for kinds.
    Categorical,
    /// Cells that are missing.
    Missing,
    /// Classes of unequal size.
    Balance,
    /// Rows that are there more than once.
    Duplicates,
    /// What a training would refuse.
    Obstacle,
}

/// A piece of advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What it is about.
    pub about: Topic,
    /// The columns that it is about.
    pub columns: Vec<String>,
    /// The flag of `wgrad train` and its value; none where only the reader can tell whether it is meant.
    pub flag: Option<(String, Option<String>)>,
    /// A flag whose value only the reader can say, with a word in its place.
    #[serde(skip)]
    pub open: Option<&'static str>,
    /// The advice as a sentence.
    pub text: String,
}

impl Advice {
    /// The advice to take this out of the way of a training on a source.
    pub fn of_obstacle(obstacle: Obstacle, source: &str) -> Self {
        let (flag, open) = match obstacle.remedy {
            Remedy::Option(key, value) => (Some((format!("--{key}"), Some(value))), None),
            Remedy::Open(flag) => (None, Some(flag)),
            Remedy::None => (None, None),
        };
        let text = obstacle.text.strip_prefix(&format!("{}: ", shown(source))).unwrap_or(&obstacle.text).to_owned();
        Self { about: Topic::Obstacle, columns: Vec::new(), flag, open, text }
    }
}

/// The advice about a table that is described by `columns`.
///
/// # Errors
/// As [`fit::task`].
pub(super) fn of(table: &Table, columns: &[ColumnSummary], options: &FitOptions) -> Result<Vec<Advice>> {
    let roles = Roles::of(table, options)?;
    let mut all = Vec::new();
    let mut options = options.clone();
    if options.target.is_empty()
        && let Some((advice, target)) = other_target(table, columns, &roles)
    {
        // What follows is said for the target that is meant.
        options.target.extend(target);
        all.push(advice);
    }
    let (roles, task) = (Roles::of(table, &options)?, fit::task(table, &options)?);
    let facts = Facts { table, columns, roles, task, options };
    let constant = facts.constant();
    let identifiers = facts.identifiers();
    let dates = facts.dates();
    let identifiers: Vec<usize> = identifiers.into_iter().filter(|position| !dates.contains(position)).collect();
    let useless: HashSet<usize> = constant.iter().chain(&identifiers).chain(&dates).copied().collect();
    // A target that is none has no task and no classes.
    let is_meant = all.iter().all(|advice| advice.flag.is_some());
    all.extend(facts.task().filter(|_| is_meant));
    all.extend(facts.ignoring(Topic::Constant, &constant, "the same in every row, and so of no use"));
    let differ = identifiers.iter().all(|&position| columns[position].distinct == table.rows);
    let what =
        if differ { "another value in every row, as an id has" } else { "so many different values that they name rows" };
    all.extend(facts.ignoring(Topic::Identifier, &identifiers, what));
    let what = "dates that are not in ISO form, the one that wgrad reads: write them as 2024-01-31";
    all.extend(facts.ignoring(Topic::Date, &dates, what));
    all.extend(facts.categorical());
    all.extend(facts.missing(&useless));
    all.extend(facts.balance().filter(|_| is_meant));
    all.extend(facts.duplicates());
    Ok(all)
}

/// A column that is called as targets are, where the last column is not, or the word that the last column is none.
fn other_target(table: &Table, columns: &[ColumnSummary], roles: &Roles) -> Option<(Advice, Option<String>)> {
    let is_called_so = |position: usize| is_called_target(&columns[position].name);
    let last = *roles.targets.first()?;
    if is_called_so(last) && columns[last].distinct > 1 {
        return None;
    }
    let name = shown(&columns[last].name);
    let advice = |columns, flag: Option<_>, text| {
        let open = flag.is_none().then_some("--target COLUMN");
        Advice { about: Topic::Target, columns, flag, open, text }
    };
    if let Some(&position) = roles.inputs.iter().find(|&&position| is_called_so(position)) {
        let (told, other) = (shown(&columns[position].name), columns[position].name.clone());
        let text = format!("'{name}' is the target, being the last column; '{told}' is called like one");
        let flag = Some(("--target".to_owned(), Some(table.flag_value(position))));
        return Some((advice(vec![other.clone()], flag, text), Some(other)));
    }
    let what = if columns[last].distinct <= 1 { "is the same in every row" } else { "has another value in every row" };
    (columns[last].distinct <= 1 || is_identifier(&columns[last], table.rows)).then(|| {
        let text = format!("'{name}' is the target, being the last column, but {what}: name another with --target");
        (advice(vec![columns[last].name.clone()], None, text), None)
    })
}

/// Whether a column is called as targets are.
pub(crate) fn is_called_target(name: &str) -> bool {
    const NAMES: [&str; 7] = ["target", "label", "class", "outcome", "y", "diagnosis", "species"];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a column of so many rows has another value in every row, and those are names, or whole numbers that count the rows or are called
/// so: measurements can be whole numbers that all differ, too.
fn is_identifier(column: &ColumnSummary, rows: usize) -> bool {
    let differ = rows >= FEW_ROWS && column.distinct == rows;
    match column.kind {
        ColumnType::Number | ColumnType::Date | ColumnType::Ignored => false,
        ColumnType::Category => rows >= FEW_ROWS && (differ || may_be_names(column.distinct, rows - column.missing)),
        ColumnType::Integer => {
            differ
                && (is_called_id(&column.name)
                    || column.range.as_ref().is_some_and(|range| lie_close(range.min, range.max, rows)))
        }
    }
}

/// What advice is made from.
struct Facts<'a> {
    table: &'a Table,
    columns: &'a [ColumnSummary],
    roles: Roles,
    task: Task,
    options: FitOptions,
}

impl Facts<'_> {
    /// The columns' names for a flag.
    fn flag_value(&self, positions: &[usize]) -> String {
        positions.iter().map(|&position| self.table.flag_value(position)).collect::<Vec<_>>().join(",")
    }

    fn names(&self, positions: &[usize]) -> Vec<String> {
        positions.iter().map(|&position| self.columns[position].name.clone()).collect()
    }

    /// The columns' names in a sentence.
    fn listed(&self, positions: &[usize]) -> String {
        let named = positions.iter().take(NAMED).map(|&position| format!("'{}'", shown(&self.columns[position].name)));
        let more = positions.len().saturating_sub(NAMED);
        named.collect::<Vec<_>>().join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
    }

    /// The input columns of which this holds; pixels are as they are.
    fn inputs(&self, holds: impl Fn(usize) -> bool) -> Vec<usize> {
        let is_pixel = |position: usize| matches!(self.table.columns[position].cells, Cells::Bytes(_));
        self.roles.inputs.iter().copied().filter(|&position| !is_pixel(position) && holds(position)).collect()
    }

    fn constant(&self) -> Vec<usize> {
        self.inputs(|position| self.columns[position].distinct <= 1)
    }

    fn identifiers(&self) -> Vec<usize> {
        let is_said = |position: &usize| self.roles.categorical.contains(position);
        // A remark names the flags that read such cells as numbers, so they are not ids.
        let are_numbers = |position: usize| remarks::numbers_otherwise(self.table, &self.table.columns[position]).is_some();
        self.inputs(|position| {
            is_identifier(&self.columns[position], self.table.rows) && !is_said(&position) && !are_numbers(position)
        })
    }

    /// Columns of dates that are not said to be categories.
    fn dates(&self) -> Vec<usize> {
        self.inputs(|position| {
            let is_open = self.columns[position].kind == ColumnType::Category && !self.roles.categorical.contains(&position);
            let texts = || Counted::of(&self.table.columns[position], &(0..self.table.rows).collect::<Vec<_>>()).names;
            // Of a few cells that are none among dates that are read a training says which.
            let are_read = |texts: &[String]| {
                let read = texts.iter().filter(|text| dates::days(text).is_some()).count();
                10 * (texts.len() - read) <= texts.len()
            };
            let are_refused = |texts: Vec<String>| are_dates(texts.iter().map(String::as_str)) && !are_read(&texts);
            is_open && are_refused(texts())
        })
    }

    fn ignoring(&self, about: Topic, positions: &[usize], what: &str) -> Option<Advice> {
        (!positions.is_empty()).then(|| Advice {
            about,
            columns: self.names(positions),
            flag: Some(("--ignore".into(), Some(self.flag_value(positions)))),
            open: None,
            text: format!("{}: {what}", self.listed(positions)),
        })
    }

    /// Whole numbers that could be classes as well as amounts.
    fn task(&self) -> Option<Advice> {
        const MOST_CLASSES: usize = 20;
        let &[target] = &self.roles.targets[..] else { return None };
        let column = &self.columns[target];
        let is_open = self.options.task.is_none() && self.table.task.is_none() && column.kind == ColumnType::Integer;
        let is_pixel = matches!(self.table.columns[target].cells, Cells::Bytes(_));
        if !is_open || is_pixel || !(3..=MOST_CLASSES).contains(&column.distinct) {
            return None;
        }
        let name = shown(&column.name);
        let text = match self.task {
            Task::Classification => format!("'{name}' is taken as classes; if its numbers are amounts: --task regression"),
            Task::Regression => format!("'{name}' is taken as amounts; if its numbers are classes: --task classification"),
        };
        Some(Advice { about: Topic::Task, columns: vec![column.name.clone()], flag: None, open: None, text })
    }

    fn categorical(&self) -> Option<Advice> {
        const KINDS: std::ops::RangeInclusive<usize> = 3..=32;
        const ROWS_A_KIND: usize = 20;
        /// More columns than that are measurements on a short scale.
        const MOST: usize = 5;
        let positions = self.inputs(|position| {
            let column = &self.columns[position];
            let is_open = column.kind == ColumnType::Integer && !self.roles.categorical.contains(&position);
            is_open && KINDS.contains(&column.distinct) && self.table.rows >= ROWS_A_KIND * column.distinct
        });
        (!positions.is_empty() && positions.len() <= MOST).then(|| Advice {
            about: Topic::Categorical,
            columns: self.names(&positions),
            flag: None,
            open: None,
            text: format!(
                "{}: few whole numbers; if they stand for kinds and not for amounts: {}",
                self.listed(&positions),
                flagged("--categorical", &self.flag_value(&positions))
            ),
        })
    }

    /// Missing cells of the columns that are of use.
    fn missing(&self, useless: &HashSet<usize>) -> Option<Advice> {
        let used = self.roles.inputs.iter().chain(&self.roles.targets).copied();
        let positions: Vec<usize> = used.filter(|position| !useless.contains(position)).collect();
        let gaps: Vec<usize> = positions.into_iter().filter(|&position| self.columns[position].missing > 0).collect();
        if gaps.is_empty() {
            return None;
        }
        let in_target = self.roles.targets.iter().any(|&position| self.columns[position].missing > 0);
        let has_gap = |row: usize| gaps.iter().any(|&position| self.table.columns[position].cells.is_missing(row));
        let (rows, all) = ((0..self.table.rows).filter(|&row| has_gap(row)).count(), self.table.rows);
        if in_target && rows == all {
            let text = format!("every row misses a cell, of the target or of {}: fill some in", self.listed(&gaps));
            return Some(Advice { about: Topic::Missing, columns: self.names(&gaps), flag: None, open: None, text });
        }
        let why = if in_target {
            format!("a target cannot be filled in, so rows that miss a cell are left out: {rows} of {all}")
        } else {
            format!("{rows} of {all} rows have one; the median, or the most frequent text, takes its place")
        };
        Some(Advice {
            about: Topic::Missing,
            columns: self.names(&gaps),
            flag: in_target.then(|| ("--missing".into(), Some("drop".into()))),
            open: None,
            text: format!("missing cells in {}: {why}", self.listed(&gaps)),
        })
    }

    /// Classes that a split by chance, or a look at accuracy alone, would not do justice to.
    fn balance(&self) -> Option<Advice> {
        const UNEQUAL: usize = 3;
        const FEW: usize = 10;
        if self.task == Task::Regression || self.table.rows < FEW_ROWS {
            return None;
        }
        let target = self.roles.targets[0];
        let rows: Vec<usize> = (0..self.table.rows).collect();
        let counted = Counted::of(&self.table.columns[target], &rows);
        let mut classes: Vec<Count> = counts(counted);
        classes.sort_by_key(|class| class.count);
        let ([least, .., most], false) = (&classes[..], are_names(classes.len(), self.table.rows)) else { return None };
        if most.count < UNEQUAL * least.count && least.count >= FEW {
            return None;
        }
        let share = 100.0 * most.count as f64 / classes.iter().map(|class| class.count).sum::<usize>() as f64;
        Some(Advice {
            about: Topic::Balance,
            columns: self.names(&[target]),
            flag: None,
            open: None,
            text: format!(
                "the classes are unequal: whoever always says '{}' is right in {share:.1} % of the rows, and '{}' has {} only; \
                 look at the balanced accuracy",
                shown(&most.value),
                shown(&least.value),
                if least.count == 1 { "1 row".to_owned() } else { format!("{} rows", least.count) }
            ),
        })
    }

    fn duplicates(&self) -> Option<Advice> {
        let copies = copies(self.table, self.columns);
        let rows =
            if copies == 1 { "1 row is a copy of another".into() } else { format!("{copies} rows are copies of others") };
        (copies > 0).then(|| Advice {
            about: Topic::Duplicates,
            columns: Vec::new(),
            flag: None,
            open: None,
            text: format!("{rows}: among the test rows, a copy is known from training"),
        })
    }
}

/// How many rows repeat an earlier row in every column that is not ignored. A hash of 64 bits stands for each row.
fn copies(table: &Table, summaries: &[ColumnSummary]) -> usize {
    let is_used = |(_, summary): &(&Column, &ColumnSummary)| summary.kind != ColumnType::Ignored;
    let used: Vec<&Column> = table.columns.iter().zip(summaries).filter(is_used).map(|(column, _)| column).collect();
    let mut hashes: Vec<u64> = (0..table.rows).into_par_iter().map(|row| hash(&used, row)).collect();
    hashes.par_sort_unstable();
    hashes.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

fn hash(columns: &[&Column], row: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    for column in columns {
        match &column.cells {
            Cells::Text(cells) => cells.get(row).hash(&mut hasher),
            // Minus zero is zero.
            cells => cells.number(row).map(|number| (number + 0.0).to_bits()).hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ReadOptions, Summary, csv};

    fn advice(text: &str, options: &FitOptions) -> Vec<Advice> {
        let table = csv::read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
        Summary::of(&table, options).unwrap().advice
    }

    /// 60 rows: an id, a constant, a kind, a number with gaps, and two classes.
    fn rows(missing: usize) -> String {
        let row = |row: usize| {
            let number = if row < missing { String::new() } else { format!("{}.5", row % 17) };
            format!("{},7,{},{number},{}\n", 1000 + row, row % 3, if row % 10 == 9 { "no" } else { "yes" })
        };
        format!("id,same,kind,number,answer\n{}", (0..60).map(row).collect::<String>())
    }

    fn flags(advice: &[Advice]) -> Vec<(Topic, Option<String>)> {
        let flag = |advice: &Advice| advice.flag.as_ref().and_then(|(_, value)| value.clone());
        advice.iter().map(|advice| (advice.about, flag(advice))).collect()
    }

    #[test]
    fn each_finding_has_its_flag() {
        let some = |value: &str| Some(value.to_owned());
        let found = advice(&rows(2), &FitOptions::default());
        let expected = [
            (Topic::Constant, some("same")),
            (Topic::Identifier, some("id")),
            (Topic::Categorical, None),
            (Topic::Missing, None),
            (Topic::Balance, None),
        ];
        assert_eq!(flags(&found), expected, "{found:#?}");
        assert!(
            found[4].text.contains("'yes' is right in 90.0 %") && found[4].text.contains("'no' has 6 rows"),
            "{found:?}"
        );
        assert_eq!(flags(&advice(&rows(9), &FitOptions::default()))[3].1, None);
    }

    #[test]
    fn what_was_said_is_not_advised_again() {
        let options = FitOptions {
            ignore: vec!["id".into(), "same".into()],
            categorical: vec!["kind".into()],
            ..FitOptions::default()
        };
        let found = flags(&advice(&rows(0), &options));
        // Without the ids some rows are copies.
        assert_eq!(found, [(Topic::Balance, None), (Topic::Duplicates, None)], "{found:?}");
    }

    #[test]
    fn a_column_that_is_called_like_a_target_is_advised_as_one_and_the_rest_is_said_for_it() {
        let text: String = (0..40).map(|row| format!("{}.5,{},{row}\n", row % 7, ["a", "b"][row % 2])).collect();
        let found = advice(&format!("x,Label,number\n{text}"), &FitOptions::default());
        assert_eq!(flags(&found)[..2], [(Topic::Target, Some("Label".into())), (Topic::Identifier, Some("number".into()))]);
        let options = FitOptions { target: vec!["number".into()], ..FitOptions::default() };
        assert!(flags(&advice(&format!("x,Label,number\n{text}"), &options)).is_empty());
    }

    #[test]
    fn measurements_that_all_differ_are_no_ids_and_numbers_of_rows_are() {
        let is_id = |name: &str, cells: fn(usize) -> usize| {
            let rows: String = (0..60).map(|row| format!("{},{}\n", cells(row), ["a", "b"][row % 2])).collect();
            advice(&format!("{name},y\n{rows}"), &FitOptions::default()).iter().any(|found| found.about == Topic::Identifier)
        };
        let area = |row: usize| 500 + row * row * 7;
        assert!(!is_id("area", area) && !is_id("valid", area) && !is_id("grid", area) && !is_id("PAID", area));
        assert!(is_id("house id", area) && is_id("PassengerId", area) && is_id("id_of_house", area));
        assert!(is_id("n", |row| 59 - row) && is_id("unnamed 0", |row| row));
    }

    #[test]
    fn copies_of_rows_are_counted_without_their_first() {
        let copies = |text: &str| {
            let table = csv::read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
            copies(&table, &Summary::of(&table, &FitOptions::default()).unwrap().columns)
        };
        assert_eq!(copies("a,b\n1,x\n2,x\n1,x\n1,x\n2,y\n0,\n-0,\n"), 3);
        assert_eq!(copies("a,b\n1,x\n1,y\n2,x\n"), 0);
    }

    #[test]
    fn names_with_commas_are_told_by_their_position() {
        let text: String = (0..30).map(|row| format!("{row},{}.5,{}\n", row % 7, ["a", "b"][row % 2])).collect();
        let found = advice(&format!("\"id, number\",x,y\n{text}"), &FitOptions::default());
        assert_eq!(found[0].flag, Some(("--ignore".into(), Some("0".into()))));
    }
}
