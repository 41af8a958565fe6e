//! Loy's net: does the factor 2 matter, and what does a wrong sign do?

use super::alternatives::{Alternatives, BY_PLAN, Figure, grouped};
use super::course::Course;
use crate::error::Result;
use crate::lesson::Comparison;
use crate::lesson::loy::{LEARNED, STEPS, program};
use crate::lesson::program::{Machine, Program};
use crate::page::digits;

/// The steps after which the errors are shown.
const SHOWN: [usize; 4] = [10, 100, 500, STEPS];

pub(in crate::lesson) fn compare(machine: &Machine) -> Result<Alternatives> {
    let published = program().rate;
    let rates = [("twice the sum", published), ("the sum", 0.5 * published), ("wrong sign", -published)];
    let (mut alternatives, mut errors, mut learned, mut output) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, rate) in rates {
        let mut trainer = machine.trainer(&Program { rate, ..program() })?;
        let course = Course::run(trainer.as_mut(), &program(), STEPS, &SHOWN)?;
        errors.push(course.error_after(STEPS));
        let below = course.losses.iter().position(|loss| 2.0 * loss < LEARNED);
        learned.push(below.map_or("no".to_owned(), grouped));
        output.push(course.outputs.clone());
        let learned = Figure::optional(&format!("steps until it is under {LEARNED}"), below);
        alternatives.push(course.alternative(name, BY_PLAN, &SHOWN, |_| vec![learned]));
    }
    let conclusions = conclusions(&errors, &learned, &output[2]);
    let comparisons = vec![Comparison::new(
        "the alternatives' errors",
        "",
        &[0.0008389416114167807, 0.002385098768079962, 0.4999486391548773],
        &errors,
        machine.tolerance(1e-9, 1e-5),
    )];
    Ok(Alternatives { steps: STEPS, alternatives, conclusions, comparisons })
}

fn conclusions(errors: &[f64], learned: &[String], wrong: &[f64]) -> Vec<String> {
    let [twice, once, wrong_error] = [errors[0], errors[1], errors[2]].map(digits);
    let least = wrong.iter().copied().fold(f64::INFINITY, f64::min);
    let steps = grouped(STEPS);
    vec![
        format!(
            "Whether the 2 matters. It makes every step twice as long, and nothing else. With it the mean squared error \
             is under {LEARNED} after {} steps, without it after {}, and after {steps} steps it is {twice} with the 2 \
             and {once} without. Either is the gradient of a loss, (y-a)² or ½(y-a)², and a learning rate would make up \
             for the difference.",
            learned[0], learned[1]
        ),
        format!(
            "Whether the sign matters. It does: with -= in the place of += the same steps climb. Every output goes to 1, \
             also that of the rows whose target is 0 (the least is {least:.4} at the end): the mean squared error rises \
             to {wrong_error}, the value where two of the four rows are completely wrong. If the loss rises from the first step on, look for a wrong sign."
        ),
    ]
}
