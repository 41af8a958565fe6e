//! Trask's net: is error × slope the best delta?

use super::alternatives::{Alternatives, BY_HAND, BY_PLAN, Figure, grouped};
use super::by_hand::ByHand;
use super::course::Course;
use crate::error::Result;
use crate::lesson::Comparison;
use crate::lesson::program::{Machine, Program, Trainer};
use crate::lesson::trask::{STEPS, program};
use crate::network::Loss;
use crate::page::digits;

/// A rate that makes up for a slope of ¼.
const LONGER: f64 = 4.0;
/// The steps after which the errors are shown.
const SHOWN: [usize; 4] = [10, 100, 1_000, STEPS];

pub(in crate::lesson) fn compare(machine: &Machine) -> Result<Alternatives> {
    let entropy = || Program { loss: Loss::BinaryCrossEntropy, ..program() };
    let trainers: [(&str, &str, Box<dyn Trainer>); 4] = [
        ("error × slope", BY_PLAN, machine.trainer(&program())?),
        ("error alone", BY_HAND, Box::new(ByHand::new(program(), |error, _| error))),
        ("error³ × slope", BY_HAND, Box::new(ByHand::new(program(), |error, slope| error.powi(3) * slope))),
        ("cross-entropy", BY_PLAN, machine.trainer(&entropy())?),
    ];
    let mut courses = Vec::new();
    for (name, computed_by, mut trainer) in trainers {
        courses.push((name, computed_by, Course::run(trainer.as_mut(), &program(), STEPS, &SHOWN)?));
    }
    let errors: Vec<f64> = courses.iter().map(|(_, _, course)| course.error_after(STEPS)).collect();
    let first: Vec<f64> = courses.iter().map(|(_, _, course)| course.error_after(SHOWN[0])).collect();
    let right: Vec<Option<usize>> =
        courses.iter().map(|(_, _, course)| course.right_from.iter().copied().max().flatten()).collect();
    let mut longer = machine.trainer(&Program { rate: LONGER, ..program() })?;
    let longer = Course::run(longer.as_mut(), &program(), STEPS, &SHOWN)?.error_after(STEPS);
    let alternatives = courses.into_iter().map(|(name, computed_by, course)| {
        course.alternative(name, computed_by, &SHOWN, |course| {
            let shown = |step: &Option<usize>| step.map_or("never".into(), grouped);
            vec![Figure::list("first step right, rows 1 to 4", &course.right_from, shown)]
        })
    });
    Ok(Alternatives {
        steps: STEPS,
        alternatives: alternatives.collect(),
        conclusions: conclusions(&errors, &first, &right, longer),
        comparisons: vec![Comparison::new(
            "the alternatives' errors",
            "",
            &[6.460939533670806e-5, 1.6915426385413418e-8, 6.196798851433477e-3, 1.6915426385413418e-8],
            &errors,
            machine.tolerance(1e-12, 1e-6),
        )],
    })
}

fn conclusions(errors: &[f64], first: &[f64], right: &[Option<usize>], longer: f64) -> Vec<String> {
    let longer = digits(longer);
    let [slope, alone, cubed] = [errors[0], errors[1], errors[2]].map(digits);
    let [first_slope, first_cubed] = [first[0], first[2]].map(digits);
    let [right_slope, right_alone, right_cubed] = [0, 1, 2].map(|which| right[which].map_or("no".into(), grouped));
    let (steps, after) = (grouped(STEPS), SHOWN[0]);
    vec![
        format!(
            "Does the error alone do better? It does: after {steps} steps the mean squared error is {slope} with \
             the slope and {alone} without it. And it is no trick, but the exact gradient of another loss. \
             Cross-entropy, -(y ln a + (1-y) ln(1-a)), has the derivative (a-y)/(a(1-a)) with respect to the output; \
             times the slope a(1-a) that leaves a-y, the error alone. The last column is that loss, computed by the \
             plan: it is the second column again. With cross-entropy the slope is not needed; with the squared error it is part of the gradient. Nor is it only that steps without the slope are longer: at rate 4, which makes up for a slope of ¼, error × slope comes to {longer}."
        ),
        format!(
            "Does cubing the error do better? It does not. error³ × slope is a gradient too, that of ¼(y-a)⁴, which almost ignores small errors: an error of 0.1 becomes 0.001. After {after} steps the mean squared error is \
             {first_cubed}, where it is {first_slope} with the error itself, and after {steps} steps it is {cubed}. The cube makes every error below 1 smaller, the small ones most, and so takes away the steps that are still needed when the errors have become small. The rows are all on the right side of ½ after {right_alone} step without the slope, \
             {right_slope} steps with it, and {right_cubed} with the cube."
        ),
    ]
}
