//! For tests: every number in a lesson's prose is computed, or given by its program.

use super::report::Report;

/// The numbers in a text: digits that belong to no name (f32, W2), with their decimals and exponent.
fn numbers(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let at = |place: usize| characters.get(place).copied().unwrap_or(' ');
    let mut numbers = Vec::new();
    let mut place = 0;
    while place < characters.len() {
        if !at(place).is_ascii_digit() {
            place += 1;
            continue;
        }
        let start = place;
        let belongs = |place: usize| {
            let is_mark = matches!(at(place), '.' | ',') && at(place + 1).is_ascii_digit();
            let has_exponent = at(place + 1).is_ascii_digit() || at(place + 1) == '-' && at(place + 2).is_ascii_digit();
            let is_exponent = at(place) == 'e' && has_exponent || at(place) == '-' && at(place - 1) == 'e';
            at(place).is_ascii_digit() || is_mark && !is_list(&characters, place) || is_exponent
        };
        while belongs(place) {
            place += 1;
        }
        if start == 0 || !at(start - 1).is_alphabetic() {
            numbers.push(characters[start..place].iter().filter(|&&character| character != ',').collect());
        }
    }
    numbers
}

/// Whether a comma parts two numbers, as in (0,1,1), and no thousands.
fn is_list(characters: &[char], comma: usize) -> bool {
    let digits = characters[comma + 1..].iter().take_while(|character| character.is_ascii_digit()).count();
    characters[comma] == ',' && digits != 3
}

/// Whether this value is written so, with as many digits; signs aside, which are minus signs in prose, too.
fn is_written(value: f64, number: &str) -> bool {
    let mantissa = number.split('e').next().unwrap_or(number);
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let value = value.abs();
    number == if number.contains('e') { format!("{value:.decimals$e}") } else { format!("{value:.decimals$}") }
}

/// The numbers in paragraphs that are neither constants nor values at their own number of digits.
fn unclaimed(prose: &[String], constants: &str, values: &[f64]) -> Vec<String> {
    let is_claimed = |number: &String| {
        let is_constant = constants.split(' ').any(|constant| constant == number);
        is_constant || values.iter().any(|&value| is_written(value, number))
    };
    prose.iter().flat_map(|paragraph| numbers(paragraph)).filter(|number| !is_claimed(number)).collect()
}

/// Fails if the explanation or the conclusions of a lesson hold a number that is neither given by its program, computed for
/// the report, nor one of these values.
pub(super) fn check(report: &Report, constants: &str, values: &[f64]) {
    let compared = report.comparisons.iter().flat_map(|comparison| comparison.computed.iter().copied());
    let steps = [report.steps as f64];
    let alternatives = report.comparison.iter().flat_map(|found| &found.alternatives);
    let figures = alternatives.flat_map(|alternative| &alternative.figures).flat_map(|figure| match &figure.value {
        serde_json::Value::Array(values) => values.iter().filter_map(serde_json::Value::as_f64).collect(),
        value => value.as_f64().into_iter().collect::<Vec<f64>>(),
    });
    let values: Vec<f64> = values.iter().copied().chain(compared).chain(steps).chain(figures).collect();
    let conclusions = report.comparison.iter().flat_map(|found| found.conclusions.iter().cloned());
    let prose: Vec<String> = report.explanation.iter().cloned().chain(conclusions).collect();
    let unclaimed = unclaimed(&prose, constants, &values);
    assert!(unclaimed.is_empty(), "numbers that nothing stands for: {unclaimed:?}\n{}", prose.join("\n"));
}

#[test]
fn numbers_are_found_in_prose() {
    let found = numbers("At z = -3 it is 0.953 · (1-3), 5.9e-7 of 60,000. Rows (0,1,1), W2 and f32; 50,000.");
    assert_eq!(found, ["3", "0.953", "1", "3", "5.9e-7", "60000", "0", "1", "1", "50000"]);
}

#[test]
fn a_number_that_is_not_computed_is_found() {
    let prose = ["It is 0.46 after 60,000 steps, not 0.50.".to_owned()];
    assert_eq!(unclaimed(&prose, "60000", &[-0.4591]), ["0.50"]);
    assert_eq!(unclaimed(&prose, "60000", &[0.4591, 0.5]), [""; 0]);
    assert_eq!(unclaimed(&prose, "", &[0.4651, 0.5]), ["0.46", "60000"]);
}
