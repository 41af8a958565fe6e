//! Andrew Trask's three-layer net of 2015: the exclusive or, which needs a hidden layer.

use super::compare::grouped;
use super::comparison::Comparison;
use super::numpy_random::NumpyRandom;
use super::picture::Example;
use super::program::{Machine, Program, mean_absolute_error, two_bits};
use super::report::{Findings, Report};
use super::{Options, Result};
use crate::data::Matrix;

pub(super) const NAME: &str = "trask-hidden";
pub(super) const SUMMARY: &str = "the exclusive or, with a hidden layer (3-4-1, 4 rows, 60,000 steps)";

pub(super) const STEPS: usize = 60_000;
const PRINTED_EVERY: usize = 10_000;
const TARGETS: [f64; 4] = [0.0, 1.0, 1.0, 0.0];

/// The program from these weights.
pub(super) fn program(weights: Vec<Matrix<f64>>) -> Program {
    Program::new(two_bits(), &TARGETS, weights, 1.0)
}

/// `2 * np.random.random((3, width)) - 1`, then `2 * np.random.random((width, 1)) - 1`.
pub(super) fn first_weights(width: usize, seed: u32) -> Vec<Matrix<f64>> {
    let mut random = NumpyRandom::new(seed);
    let mut around_zero = |count: usize| random.uniforms(count).into_iter().map(|u| 2.0 * u - 1.0).collect();
    vec![Matrix::new(3, width, around_zero(3 * width)), Matrix::new(width, 1, around_zero(width))]
}

pub(super) fn run(machine: &Machine, _: &Options) -> Result<Report> {
    let program = program(first_weights(4, 1));
    let mut trainer = machine.trainer(&program)?;
    let (mut losses, mut errors) = (Vec::new(), Vec::new());
    let mut printed = String::new();
    for step in (0..STEPS).step_by(PRINTED_EVERY) {
        // The error is that of the outputs before the step's update.
        let error = mean_absolute_error(&TARGETS, &trainer.predict(&program.inputs)?);
        printed += &format!("mean absolute error at step {step:>5}  {error:.10}\n");
        errors.push(error);
        losses.extend(trainer.train(PRINTED_EVERY)?);
    }
    let output = trainer.predict(&program.inputs)?;
    let weights = trainer.weights()?;
    let comparisons = vec![
        Comparison::new(
            "mean absolute error",
            "0.4964100319 0.0085845257 - - - 0.0035101226",
            &[
                0.4964100319027255,
                0.008584525653247157,
                0.005789459862507806,
                0.004629176776769985,
                0.003958765280273649,
                0.0035101225678616788,
            ],
            &errors,
            machine.tolerance(1e-9, 6e-5),
        ),
        Comparison::new(
            "output after 60,000 steps",
            "",
            &[0.0026057015375216086, 0.996722116665879, 0.9970171337897594, 0.003867558461616077],
            &output,
            // Six times the steps of the other lessons' 1e-5, and f32's roundings add up: see `Machine::drift`.
            machine.tolerance(1e-9, 6e-5),
        ),
        Comparison::new(
            "weights input to hidden",
            "",
            &[
                4.601357097887596,
                4.171971929551633,
                -6.309562451905659,
                -4.197451175646529,
                -2.5841348360008523,
                -5.814479292280626,
                -6.6079343531195995,
                -3.6839612330122273,
                0.9753867879450984,
                -2.026857753141328,
                2.5294975091880976,
                5.843717394604801,
            ],
            &weights[0].values,
            machine.drift(STEPS, 16.0),
        ),
        Comparison::new(
            "weights hidden to output",
            "",
            &[-6.967657631412922, 7.141019485765201, -10.319173822748818, 7.861284050871797],
            &weights[1].values,
            machine.drift(STEPS, 16.0),
        ),
    ];
    let findings = Findings {
        lesson: NAME,
        summary: SUMMARY,
        output,
        weights,
        losses,
        comparisons,
        printed,
        explanation: explanation(&errors),
        example: Example::bits(),
    };
    Ok(findings.report(machine))
}

fn explanation(errors: &[f64]) -> Vec<String> {
    let slow = format!(
        "Why it becomes slow. The error is {:.4} at first (it guesses), {:.4} after {} steps and {:.4} after {}. Near \
         the target an output that is off by e has a slope of about e as well, so its delta is about e². Its sum z moves the output by that slope once more, so that each step makes the error smaller by about e³, and it falls like one over the square root of the number of steps: four \
         times the steps for half the error. From step {} to step {} it falls to {:.2} of what it was.",
        errors[0],
        errors[1],
        grouped(PRINTED_EVERY),
        errors[5],
        grouped(5 * PRINTED_EVERY),
        grouped(PRINTED_EVERY),
        grouped(4 * PRINTED_EVERY),
        errors[4] / errors[1]
    );
    [
        "Why one layer cannot do it. The target is 1 where exactly one of the first two inputs is 1: the exclusive or. \
         Without a hidden layer the output is yes where z, a weighted sum of the inputs, is above 0. Add up the inputs of \
         the two rows that should be yes, (0,1,1) and (1,0,1): that gives (1,1,2). Add up the two that should be no, \
         (0,0,1) and (1,1,1): (1,1,2) again. So the two z of the yes rows always add up to the same as the two z of the no \
         rows, whatever the weights are, and cannot both be above 0 while the others are both below. No amount of training \
         changes that.",
        "What the hidden layer does. It makes four new inputs out of the three: each hidden unit draws one line of its \
         own through the plane of the two bits. In these four new inputs one weighted sum can separate the rows. wgrad lesson trask-hidden --compare shows how many units that takes.",
        "How a hidden unit gets an error. Nobody has a target for it. But it acted on the output through one weight, so \
         its share of the blame is the output's delta (error × slope) times that weight; and its own z acted through its \
         own sigmoid, so the share is multiplied by its own slope. It is the chain rule with two more links: delta1 = \
         (delta2 · W2ᵀ) × h(1-h). We go through the layers from back to front, hence back-propagation. delta1 is made \
         with the W2 that was used going forward, before the update changes it.",
        "Why the weights start at random. Had all weights of a layer the same value, the four hidden units would compute \
         the same, get the same delta and take the same step: they would stay four copies of one unit for ever. Started \
         with every weight at 0.5, this program still has a mean absolute error of 0.46 after its 60,000 steps. Random \
         weights make the units different, and then each finds work of its own. 2·u-1 spreads them around 0, where \
         sigmoids are steep and learning is quick.",
    ]
    .map(String::from)
    .into_iter()
    .chain([slow])
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::{claims, compare};

    /// What the prose says of equal first weights, which a lesson does not run.
    fn error_from_equal_weights(machine: &Machine) -> f64 {
        let equal = |rows: usize, columns: usize| Matrix::new(rows, columns, vec![0.5; rows * columns]);
        let program = program(vec![equal(3, 4), equal(4, 1)]);
        let mut trainer = machine.trainer(&program).expect("a trainer");
        trainer.train(STEPS).expect("steps");
        mean_absolute_error(&TARGETS, &trainer.predict(&program.inputs).expect("outputs"))
    }

    #[test]
    fn every_number_in_the_prose_is_given_or_computed() {
        let machine = Machine::for_tests();
        let report = run(&machine, &Options::default()).expect("a report");
        let report = report.beside(compare::trask_hidden(&machine).expect("alternatives"));
        let errors = &report.comparisons[0].computed;
        let values = [errors[4] / errors[1], error_from_equal_weights(&machine)];
        // Rows and their sums, steps and first weights; widths, seeds and what counts as learned.
        claims::check(&report, "0 1 2 0.5 10000 40000 50000 60000 4 32 9 10 0.05", &values);
    }
}
