//! Fitting the target: classes, or the scaling of numbers.

use super::counted::values;
use super::numbers::scaling;
use super::options::Scale;
use crate::data::categories::missing_target;
use crate::data::dates;
use crate::data::encode::number_at;
use crate::data::identifiers::are_names;
use crate::data::{Column, Decision, NumberTarget, Table, Target};
use crate::error::{Error, Obstacle, Remedy, Result, flagged, shown};

/// Classes.
///
/// # Errors
/// Data, for a missing target, one class, or too many.
pub(super) fn classification(table: &Table, rows: &[usize], position: usize) -> Result<Target> {
    const MOST_CLASSES: usize = 10_000;
    let Column { name: column, spellings, .. } = &table.columns[position];
    if let Some((one, other)) = spellings.merged() {
        return Err(Error::Data(format!(
            "{}: the target '{}' is {} in one row and {} in another, which are the same number in f64, beyond 2^53; say {} to keep them \
             apart",
            shown(&table.source),
            shown(column),
            shown(one),
            shown(other),
            flagged("--categorical", &table.flag_value(position))
        )));
    }
    let classes = values(table, position, rows)?.names;
    let are_numbers = || classes.iter().all(|class| table.numerals.parse(class).is_some_and(f64::is_finite));
    let another = Remedy::Open("--target COLUMN");
    let (what, remedy) = match classes.len() {
        1 => {
            let class = shown(&classes[0]);
            (format!("is '{class}' in every training row; there is nothing to tell apart: name another --target"), another)
        }
        count if count > MOST_CLASSES || are_names(count, rows.len()) => {
            let what = format!("has {count} different values in {} rows, too many for classes", rows.len());
            if are_numbers() {
                (format!("{what}; they are numbers: say --task regression"), Remedy::Option("task", "regression".into()))
            } else {
                let (name, ignored) = (shown(column), table.flag_value(position));
                let source = shown(&table.source);
                let text = format!("{source}: the target '{name}' {what}; name another --target");
                if classes.iter().all(|class| dates::days(class).is_some()) {
                    return Err(Obstacle::error(text, another));
                }
                // An input it cannot be either.
                let flag = flagged("--ignore", &ignored);
                let other = format!("{source}: '{name}' looks like an id: beside another target {flag} leaves it out");
                return Err(Error::Refused(vec![
                    Obstacle { text, remedy: another },
                    Obstacle { text: other, remedy: Remedy::Option("ignore", ignored) },
                ]));
            }
        }
        _ => return Ok(Target::Classification { column: column.clone(), classes, decision: Decision::default() }),
    };
    Err(Obstacle::error(format!("{}: the target '{}' {what}", shown(&table.source), shown(column)), remedy))
}

/// Numbers, scaled.
///
/// # Errors
/// Data, for a target that is missing or no number.
pub(super) fn regression(table: &Table, rows: &[usize], targets: &[usize], scale: Scale) -> Result<Target> {
    let target = |&position: &usize| {
        let numbers =
            rows.iter().map(|&row| number_at(table, position, row)?.ok_or_else(|| missing_target(table, row, position)));
        let (offset, scale) = scaling(&numbers.collect::<Result<Vec<f64>>>()?, scale);
        Ok(NumberTarget { name: table.columns[position].name.clone(), offset, scale })
    };
    Ok(Target::Regression { columns: targets.iter().map(target).collect::<Result<_>>()? })
}
