//! Fitting an encoding: scaling, categories, classes and stand-ins for missing cells, from the training rows alone.

mod counted;
mod numbers;
mod options;
mod roles;
mod stored;
mod target;

use super::categories::missing_cell;
use super::dates::{self, are_dates};
use super::identifiers::are_names;
use super::{Bins, Calendar, Cells, Encoding, InputColumn, InputKind, Table, Target, Task};
use crate::error::{Error, Obstacle, Remedy, Result, flagged, gathered, shown};
pub(crate) use counted::Counted;
pub(crate) use numbers::{deviation, mean};
use numbers::{median, scaling};
pub use options::{FitOptions, Missing, Scale};
pub(crate) use roles::left_out;
pub(crate) use roles::targets;
pub(super) use roles::{Roles, complete_rows, no_complete_row};
pub use roles::{bins, rows_kept, strata, task};
pub use stored::strata_stored;
use target::{classification, regression};

/// How numbers become inputs, all columns together having decided it.
#[derive(Clone, Copy)]
struct Form {
    scale: Scale,
    /// The most bins of a column.
    bins: usize,
    task: Task,
}

impl Encoding {
    /// Fits an encoding to `rows`, which are the training rows: no other row is looked at, but for the task (see [`task`]).
    ///
    /// # Errors
    /// Data, naming line and column, for missing cells without a stand-in, targets that are no numbers, columns that cannot
    /// be meant; Usage, if options contradict each other.
    pub fn fit(table: &Table, rows: &[usize], options: &FitOptions) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::Data(format!("{}: there are no training rows", shown(&table.source))));
        }
        let roles = Roles::of(table, options)?;
        let target = Self::fit_target_of(table, rows, &roles, options);
        let (scale, bins) = (roles.scale(table, options), roles.bins(table, table.rows, options));
        let form = Form { scale, bins, task: roles::task_of(table, &roles, options)? };
        let inputs = Self::fit_inputs(table, rows, &roles, options, form);
        let (target, inputs) = both(target, inputs)?;
        Ok(Self { inputs, target, missing_values: options.missing_values.clone(), numerals: table.numerals.clone() })
    }

    /// What the input columns become, their numbers in this form.
    fn fit_inputs(
        table: &Table,
        rows: &[usize],
        roles: &Roles,
        options: &FitOptions,
        form: Form,
    ) -> Result<Vec<InputColumn>> {
        let input = |&position: &usize| {
            let name = table.columns[position].name.clone();
            if !roles.is_category(table, position) {
                return Ok(InputColumn::new(name, number(table, position, rows, options.missing, form)?));
            }
            let is_said = roles.categorical.contains(&position);
            let values = Counted::of(&table.columns[position], rows);
            if !is_said && let Some(date) = date(table, position, rows, &values, options.missing, form) {
                let (kind, calendar) = date?;
                return Ok(InputColumn { calendar: Some(calendar), ..InputColumn::new(name, kind) });
            }
            Ok(InputColumn::new(name, category(table, position, rows, values, options.missing, is_said)?))
        };
        gathered(roles.inputs.iter().map(input))
    }
}

impl Encoding {
    /// What the target alone becomes: as [`fit`](Self::fit) has it, without a look at the cells of inputs.
    ///
    /// # Errors
    /// As there.
    pub fn fit_target(table: &Table, rows: &[usize], options: &FitOptions) -> Result<Target> {
        Self::fit_target_of(table, rows, &Roles::of(table, options)?, options)
    }

    /// As [`fit_target`](Self::fit_target), the columns' roles being known.
    fn fit_target_of(table: &Table, rows: &[usize], roles: &Roles, options: &FitOptions) -> Result<Target> {
        match roles::task_of(table, roles, options)? {
            Task::Classification => classification(table, rows, roles.targets[0]),
            Task::Regression => {
                let scale = options.scale.or(options.target_scale).unwrap_or(Scale::Standard);
                regression(table, rows, &roles.targets, scale)
            }
        }
    }
}

/// Both, or the obstacles of both.
fn both<A, B>(one: Result<A>, other: Result<B>) -> Result<(A, B)> {
    match (one, other) {
        (Err(Error::Refused(one)), Err(Error::Refused(other))) => Err(Error::Refused([one, other].concat())),
        (one, other) => Ok((one?, other?)),
    }
}

/// What a column of text becomes that holds dates in ISO form and nothing else.
fn date(
    table: &Table,
    position: usize,
    rows: &[usize],
    values: &Counted,
    missing: Missing,
    form: Form,
) -> Option<Result<(InputKind, Calendar)>> {
    let cells = &table.columns[position].cells;
    if values.names.is_empty() || !cells.is_text() || !values.names.iter().all(|name| dates::days(name).is_some()) {
        return None;
    }
    let days = |row: &usize| dates::days(&cells.text(*row)?);
    let numbers: Vec<f64> = rows.iter().filter_map(days).collect();
    let calendar = Calendar { time_of_day: numbers.iter().any(|days| days.fract() != 0.0) };
    let mode = || values.mode().and_then(dates::days);
    let mut kind = scaled(table, position, rows, numbers, missing, form, mode);
    if let Ok(InputKind::Number { missing: Some(days), .. }) = &mut kind {
        *days = calendar.reduced(*days);
    }
    Some(kind.map(|kind| (kind, calendar)))
}

fn category(
    table: &Table,
    position: usize,
    rows: &[usize],
    values: Counted,
    missing: Missing,
    forced: bool,
) -> Result<InputKind> {
    let column = &table.columns[position];
    let present: usize = values.counts.iter().sum();
    let of_dates = are_dates(values.names.iter().map(String::as_str));
    if (of_dates || are_names(values.names.len(), present)) && !forced {
        let (name, count) = (shown(&column.name), values.names.len());
        if let Some(flags) = super::remarks::numbers_otherwise(table, column) {
            let (source, ignored) = (shown(&table.source), flagged("--ignore", &table.flag_value(position)));
            let text = format!(
                "{source}: column '{name}' holds numbers that are written otherwise: say {flags}, or {ignored} to leave it out"
            );
            return Err(Obstacle::error(text, Remedy::None));
        }
        let what = if of_dates {
            let others: Vec<&String> = values.names.iter().filter(|name| dates::days(name).is_none()).collect();
            let other = shown(others[0]);
            if 10 * others.len() <= count {
                let flag = flagged("--missing-values", others[0]);
                format!(
                    "holds {count} different dates, but '{other}' is none: mend it, or say {flag} if it marks a missing cell;"
                )
            } else {
                format!("holds {count} different dates, and wgrad reads dates in ISO form alone: 2024-01-31, not '{other}';")
            }
        } else {
            format!("looks like an id: {count} texts differ in {present} training rows;")
        };
        let ignored = table.flag_value(position);
        let text = format!(
            "{}: column '{name}' {what} {} leaves it out, {} takes each text as a category",
            shown(&table.source),
            flagged("--ignore", &ignored),
            flagged("--categorical", &ignored),
        );
        return Err(Obstacle::error(text, Remedy::Option("ignore", ignored)));
    }
    let stand_in = stand_in(table, position, rows, missing, present, || values.mode().map(str::to_owned))?;
    Ok(InputKind::Category { missing: stand_in, categories: values.names })
}

fn number(table: &Table, position: usize, rows: &[usize], missing: Missing, form: Form) -> Result<InputKind> {
    const LARGEST_BYTE: f64 = 255.0;
    let cells = &table.columns[position].cells;
    if let (Cells::Bytes(_), Scale::Minmax) = (cells, form.scale) {
        return Ok(InputKind::Number { offset: 0.0, scale: LARGEST_BYTE, missing: None, bins: Bins::default() });
    }
    let numbers: Vec<f64> = rows.iter().filter_map(|&row| cells.number(row)).collect();
    let mode = || Counted::of(&table.columns[position], rows).mode().and_then(|mode| mode.parse().ok());
    scaled(table, position, rows, numbers, missing, form, mode)
}

/// What the numbers of a column become, of which `mode` is the most frequent.
fn scaled(
    table: &Table,
    position: usize,
    rows: &[usize],
    mut numbers: Vec<f64>,
    missing: Missing,
    form: Form,
    mode: impl FnOnce() -> Option<f64>,
) -> Result<InputKind> {
    let cells = &table.columns[position].cells;
    let (offset, scale) = if numbers.is_empty() { (0.0, 1.0) } else { scaling(&numbers, form.scale) };
    let bins = if matches!(cells, Cells::Bytes(_)) { Bins::default() } else { Bins::of(&numbers, form.bins, form.task) };
    let present = numbers.len();
    let missing = stand_in(table, position, rows, missing, present, || match missing {
        Missing::Mean => Some(mean(&numbers)),
        Missing::Median => Some(median(&mut numbers)),
        _ => mode(),
    })?;
    Ok(InputKind::Number { offset, scale, missing, bins })
}

/// What `value` gives, if the policy is to fill missing cells in; an error if there is something missing and it is not.
fn stand_in<V>(
    table: &Table,
    position: usize,
    rows: &[usize],
    missing: Missing,
    present: usize,
    value: impl FnOnce() -> Option<V>,
) -> Result<Option<V>> {
    let column = &table.columns[position];
    match missing {
        Missing::Error | Missing::Drop => match rows.iter().find(|&&row| column.cells.is_missing(row)) {
            Some(&row) => Err(missing_cell(table, row, position)),
            None => Ok(None),
        },
        _ if present == 0 => {
            let (source, name, ignored) = (shown(&table.source), shown(&column.name), table.flag_value(position));
            let flag = flagged("--ignore", &ignored);
            let text = format!("{source}: column '{name}' is missing in every training row; say {flag}");
            Err(Obstacle::error(text, Remedy::Option("ignore", ignored)))
        }
        _ => Ok(value()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Column, NumberTarget, ReadOptions, csv};

    pub(super) fn table(text: &str) -> Table {
        csv::read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    #[test]
    fn a_mean_is_right_to_the_last_bit_and_never_outside_its_numbers() {
        assert_eq!(mean(&[0.1; 3]), 0.1);
        assert_eq!(mean(&vec![0.1; 1_000_000]), 0.1);
        assert_eq!(mean(&[1e16, 1.0, -1e16, 3.0]), 1.0);
        assert_eq!(mean(&[-2.5, 4.0]), 0.75);
    }

    pub(super) fn all(table: &Table) -> Vec<usize> {
        (0..table.rows).collect()
    }

    pub(super) fn fitted(text: &str, options: &FitOptions) -> Result<Encoding> {
        let table = table(text);
        Encoding::fit(&table, &all(&table), options)
    }

    pub(super) fn scale(scale: Scale) -> FitOptions {
        FitOptions { scale: Some(scale), ..Default::default() }
    }

    pub(super) fn missing(missing: Missing) -> FitOptions {
        FitOptions { missing, ..Default::default() }
    }

    pub(super) fn target(names: &[&str]) -> FitOptions {
        FitOptions { target: names.iter().map(|name| (*name).to_owned()).collect(), ..Default::default() }
    }

    pub(super) fn number(offset: f64, scale: f64, missing: Option<f64>) -> InputKind {
        InputKind::Number { offset, scale, missing, bins: Bins::default() }
    }

    pub(super) const SMALL: &str = "x,town,y\n1,b,0.5\n3,a,1.5\n5,b,5.5\n";

    #[test]
    fn numbers_are_standardised_with_the_population_deviation() {
        let encoding = fitted(SMALL, &FitOptions::default()).unwrap();
        assert_eq!(encoding.inputs[0].kind, number(3.0, (8.0_f64 / 3.0).sqrt(), None));
        let Target::Regression { columns } = &encoding.target else { panic!("{:?}", encoding.target) };
        assert_eq!((columns[0].name.as_str(), columns[0].offset), ("y", 2.5));
        assert!((columns[0].scale - (14.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn minmax_and_none_scale_inputs_and_targets_alike() {
        let encoding = fitted(SMALL, &scale(Scale::Minmax)).unwrap();
        assert_eq!(encoding.inputs[0].kind, number(1.0, 4.0, None));
        let y = |offset, scale| Target::Regression { columns: vec![NumberTarget { name: "y".into(), offset, scale }] };
        assert_eq!(encoding.target, y(0.5, 5.0));
        let encoding = fitted(SMALL, &scale(Scale::None)).unwrap();
        assert_eq!((&encoding.inputs[0].kind, encoding.target), (&number(0.0, 1.0, None), y(0.0, 1.0)));
    }

    #[test]
    fn a_constant_column_is_scaled_by_one() {
        for kind in [Scale::Standard, Scale::Minmax] {
            assert_eq!(fitted("x,y\n0.1,1\n0.1,2\n0.1,9\n", &scale(kind)).unwrap().inputs[0].kind, number(0.1, 1.0, None));
        }
    }

    #[test]
    fn text_becomes_sorted_categories_and_numbers_on_demand() {
        let encoding = fitted(SMALL, &FitOptions { categorical: vec!["0".into()], ..Default::default() }).unwrap();
        assert_eq!(encoding.input_names(), ["x=1", "x=3", "x=5", "town=a", "town=b"]);
        let encoding =
            fitted("x,y\n10,0.5\n9,1.5\n", &FitOptions { categorical: vec!["x".into()], ..Default::default() }).unwrap();
        assert_eq!(encoding.input_names(), ["x=9", "x=10"]);
    }

    #[test]
    fn only_the_training_rows_are_looked_at() {
        let table = table("x,town,y\n1,b,0.5\n3,a,1.5\n1000,z,99.5\n,,\n");
        let encoding = Encoding::fit(&table, &[0, 1], &FitOptions::default()).unwrap();
        let alone = Encoding::fit(&table.with_rows(&[0, 1]), &[0, 1], &FitOptions::default()).unwrap();
        assert_eq!(encoding, alone);
        assert_eq!(encoding.inputs[0].kind, number(2.0, 1.0, None));
        assert_ne!(encoding, Encoding::fit(&table, &[0, 1, 2], &FitOptions::default()).unwrap());
    }

    #[test]
    fn columns_of_bytes_are_scaled_by_their_full_range() {
        let pixels = |name: &str, values: &[u8]| Column::new(name, Cells::Bytes(values.to_vec()));
        let mut table = Table::new("images", vec![pixels("0", &[0, 7]), pixels("1", &[9, 9]), pixels("label", &[1, 0])]);
        let encoding = Encoding::fit(&table, &[0, 1], &FitOptions::default()).unwrap();
        assert!(encoding.inputs.iter().all(|column| column.kind == number(0.0, 255.0, None)));
        assert_eq!(encoding.class_names(), ["0", "1"]);
        table.columns[1].cells = Cells::Numbers(vec![1.0, 3.0]);
        let encoding = Encoding::fit(&table, &[0, 1], &FitOptions::default()).unwrap();
        assert_eq!(encoding.inputs[0].kind, number(3.5, 3.5, None));
    }

    #[test]
    fn missing_cells_are_an_error_with_line_and_column_by_default() {
        let message = fitted("x,y\n1,0.5\n,1.5\n", &FitOptions::default()).unwrap_err().to_string();
        assert!(message.contains("line 3, column 'x'") && message.contains("--missing drop"), "{message}");
        let message = fitted("x,y\na,0.5\nNA,1.5\n", &FitOptions::default()).unwrap_err().to_string();
        assert!(message.contains("line 3, column 'x'"), "{message}");
    }

    #[test]
    fn the_deviation_of_very_small_numbers_does_not_vanish() {
        let numbers = [1e-170, 2e-170, 3e-170];
        let share = deviation(&numbers, 2e-170) / 1e-170;
        assert!((share - (2.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{share}");
        assert_eq!(deviation(&[5.0; 3], 5.0), 0.0);
    }

    #[test]
    fn mean_median_and_mode_stand_in_for_missing_cells() {
        let text = "x,town,y\n1,a,0.5\n1,b,1.5\n,,2.5\n2,b,3.5\n8,a,4.5\n";
        let stand_ins = |policy| {
            let encoding = fitted(text, &missing(policy)).unwrap();
            match (&encoding.inputs[0].kind, &encoding.inputs[1].kind) {
                (InputKind::Number { missing, .. }, InputKind::Category { missing: town, .. }) => (*missing, town.clone()),
                other => panic!("{other:?}"),
            }
        };
        let town = Some("a".to_owned());
        assert_eq!(stand_ins(Missing::Mean), (Some(3.0), town.clone()));
        assert_eq!(stand_ins(Missing::Median), (Some(1.5), town.clone()));
        assert_eq!(stand_ins(Missing::Mode), (Some(1.0), town));
        let message = fitted("x,y\n,0.5\n,1.5\n", &missing(Missing::Mean)).unwrap_err().to_string();
        assert!(message.contains("every training row"), "{message}");
    }

    #[test]
    fn a_missing_target_is_an_error_whatever_stands_in_for_inputs() {
        for text in ["x,y\n1,0.5\n2,\n", "x,y\n1,a\n2,\n"] {
            let message = fitted(text, &missing(Missing::Mean)).unwrap_err().to_string();
            assert!(message.contains("line 3, column 'y'") && message.contains("target is missing"), "{message}");
        }
    }

    #[test]
    fn several_targets_are_a_regression() {
        let encoding = fitted("a,x,b\n1,5,0\n2,6,1\n", &target(&["b", "0"])).unwrap();
        assert_eq!((encoding.target_names(), encoding.input_names()), (vec!["b", "a"], vec!["x".to_owned()]));
        assert_eq!(encoding.task(), Task::Regression);
        let both = FitOptions { task: Some(Task::Classification), ..target(&["b", "0"]) };
        assert!(matches!(fitted("a,x,b\n1,5,0\n2,6,1\n", &both), Err(Error::Usage(_))));
    }

    #[test]
    fn classes_are_sorted_by_value_or_code_point() {
        let classes = |text: &str| {
            let options = FitOptions { task: Some(Task::Classification), ..Default::default() };
            fitted(text, &options).unwrap().class_names().to_vec()
        };
        assert_eq!(classes("x,y\n1,10\n1,9\n1,-1\n"), ["-1", "9", "10"]);
        assert_eq!(classes("x,y\n1,b\n1,B\n1,10\n1,9\n"), ["10", "9", "B", "b"]);
    }

    #[test]
    fn a_column_of_names_is_refused_unless_it_is_forced() {
        let rows: String = (0..150).map(|row| format!("name{row},{}\n", f64::from(row) + 0.5)).collect();
        let text = format!("who,y\n{rows}");
        assert!(fitted(&text, &FitOptions::default()).unwrap_err().to_string().contains("--ignore who"));
        let forced = FitOptions { categorical: vec!["who".into()], ..Default::default() };
        assert_eq!(fitted(&text, &forced).unwrap().inputs(), 150);
    }
}
