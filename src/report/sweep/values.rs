//! The values of the options that vary: as text, and as places on an axis.

use std::cmp::Ordering;

use serde_json::Value;

use super::importance::number;
use super::ranked::Scored;
use super::record::{TrialRecord, Varied};
use crate::page::{Words, digits};

/// An option as an axis on which every trial has a place.
pub(super) struct OptionAxis<'a> {
    option: &'a Varied,
    /// Where all values are numbers of a range, nothing; else the values as text, in order.
    names: Vec<String>,
    is_log: bool,
}

impl<'a> OptionAxis<'a> {
    /// The axis of an option for these trials.
    pub(super) fn new(option: &'a Varied, trials: &[Scored<'_>]) -> Self {
        let mut values: Vec<&Value> = trials.iter().map(|(trial, _)| value(trial, &option.key)).collect();
        let there = || values.iter().copied().filter(|value| !value.is_null());
        if option.is_range && there().all(|value| number(value).is_some()) {
            let is_log = option.is_log && there().filter_map(number).all(|number| number > 0.0);
            return Self { option, names: Vec::new(), is_log };
        }
        values.sort_by(|a, b| in_order(a, b));
        let mut names: Vec<String> = values.into_iter().map(text).collect();
        names.dedup();
        Self { option, names, is_log: false }
    }

    /// Its name in `run.toml`.
    pub(super) fn key(&self) -> &'a str {
        &self.option.key
    }

    /// Its values as text, where they are no numbers of a range.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// What stands along it.
    pub(super) fn words(&self) -> Words {
        match (self.names.is_empty(), self.is_log) {
            (false, _) => Words::of_names(self.key(), self.names.clone()),
            (true, true) => Words::logarithmic(self.key()),
            (true, false) => Words::linear(self.key()),
        }
    }

    /// Where a trial lies; no number where it does not have the option. Trials of the same name lie beside each other.
    pub(super) fn place(&self, trial: &TrialRecord) -> f64 {
        let value = value(trial, self.key());
        if self.names.is_empty() {
            return number(value).unwrap_or(f64::NAN);
        }
        let text = text(value);
        let aside = (trial.trial as f64 * 0.618_034).fract() - 0.5;
        self.names.iter().position(|name| *name == text).map_or(f64::NAN, |place| place as f64 + 0.5 * aside)
    }
}

/// The value of a trial's option; null if it does not have it.
fn value<'a>(trial: &'a TrialRecord, key: &str) -> &'a Value {
    trial.options.get(key).unwrap_or(&Value::Null)
}

/// The value of a trial's option as text.
pub(super) fn said(trial: &TrialRecord, key: &str) -> String {
    text(value(trial, key))
}

/// A value as text: lists as `--set` takes them, and numbers in a few digits.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Number(number) if number.is_f64() => digits(number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}

/// Numbers and lists of numbers in their order, then other values in that of their text.
fn in_order(a: &Value, b: &Value) -> Ordering {
    match (numbers(a), numbers(b)) {
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => text(a).cmp(&text(b)),
    }
}

/// The numbers of a value that is made of nothing else.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    match value {
        Value::Array(several) => several.iter().map(Value::as_f64).collect(),
        other => other.as_f64().map(|number| vec![number]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trial(number: usize, value: &Value) -> TrialRecord {
        let options = json!({ "x": value }).as_object().cloned().expect("a table");
        TrialRecord { trial: number, options, ..super::super::sample::trial(number) }
    }

    fn axis_of(is_range: bool, is_log: bool, values: &[Value]) -> (Words, Vec<f64>) {
        let option = Varied { key: "x".into(), text: String::new(), is_range, is_log };
        let trials: Vec<TrialRecord> = values.iter().enumerate().map(|(place, value)| trial(place, value)).collect();
        let scored: Vec<Scored<'_>> = trials.iter().map(|trial| (trial, 0.5)).collect();
        let axis = OptionAxis::new(&option, &scored);
        (axis.words(), trials.iter().map(|trial| axis.place(trial)).collect())
    }

    #[test]
    fn numbers_of_a_range_lie_where_they_are() {
        let (words, places) = axis_of(true, true, &[json!([64]), json!(0.5), Value::Null]);
        assert!(words == Words::logarithmic("x") && places[..2] == [64.0, 0.5] && places[2].is_nan());
        assert_eq!(axis_of(true, true, &[json!(0), json!(1)]).0, Words::linear("x"), "zero has no logarithm");
    }

    #[test]
    fn values_of_a_list_have_an_order() {
        let values = [json!("tanh"), json!([128]), json!([64, 64]), json!([64]), json!(0.1), json!("relu"), json!([64])];
        let (words, places) = axis_of(false, false, &values);
        assert_eq!(words.names, ["0.1", "64", "64,64", "128", "relu", "tanh"]);
        let places: Vec<f64> = places.into_iter().map(f64::round).collect();
        assert_eq!(places, [5.0, 3.0, 2.0, 1.0, 0.0, 4.0, 1.0]);
    }
}
