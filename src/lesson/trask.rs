//! Andrew Trask's two-layer net of 2015: three inputs, one sigmoid, weights that find out which input decides.

use super::compare::grouped;
use super::comparison::Comparison;
use super::numpy_random::NumpyRandom;
use super::picture::Example;
use super::program::{Came, Machine, Program, column, two_bits};
use super::report::{Findings, Report, rows};
use super::{Options, Result};
use crate::data::Matrix;
use crate::network::activation::sigmoid;

pub(super) const NAME: &str = "trask";
pub(super) const SUMMARY: &str = "one layer finds the input that decides (3-1, 4 rows, 10,000 steps)";

pub(super) const STEPS: usize = 10_000;
pub(super) const TARGETS: [f64; 4] = [0.0, 0.0, 1.0, 1.0];

/// The program from its first weights.
pub(super) fn program() -> Program {
    let first = NumpyRandom::new(1).uniforms(3).into_iter().map(|u| 2.0 * u - 1.0).collect();
    Program::new(two_bits(), &TARGETS, vec![Matrix::new(3, 1, first)], 1.0)
}

pub(super) fn run(machine: &Machine, _: &Options) -> Result<Report> {
    let program = program();
    let mut trainer = machine.trainer(&program)?;
    let Came { output, losses, weights } = trainer.run(STEPS, &program.inputs)?;
    let comparisons = vec![
        Comparison::new(
            "output",
            "0.00966449 0.00786506 0.99358898 0.99211957",
            &[0.0096644916879683, 0.007865059671309264, 0.9935889804970555, 0.992119573219358],
            &output,
            machine.tolerance(1e-9, 1e-5),
        ),
        Comparison::new(
            "weights",
            "9.67299303 -0.20784350 -4.62963669",
            &[9.672993027736892, -0.20784349926631968, -4.62963668773159],
            &weights[0].values,
            machine.drift(STEPS, 16.0),
        ),
    ];
    let explanation = explanation(&output, &weights[0].values);
    let printed = rows("output after training", &column(&output), 8);
    let findings = Findings {
        lesson: NAME,
        summary: SUMMARY,
        output,
        weights,
        losses,
        comparisons,
        printed,
        explanation,
        example: Example::bits(),
    };
    Ok(findings.report(machine))
}

fn explanation(output: &[f64], weights: &[f64]) -> Vec<String> {
    let [first, second, third] = [0, 1, 2].map(|input| format!("{:.2}", weights[input]));
    let third_size = third.trim_start_matches('-');
    let worst = TARGETS.iter().zip(output).map(|(y, a)| (y - a).abs()).fold(0.0, f64::max);
    let z = 3.0;
    let a: f64 = sigmoid(z);
    vec![
        format!(
            "What is learned. In the program l0 are the inputs, syn0 the weights, l1 the output a, l1_error is y - a, nonlin(l1, True) the slope a·(1-a), and l1_delta error × slope. The target of each row is its first input; the second is noise and the third is always 1. \
         The net is not told this. It ends with the weights {first}, {second} and {third}: the first input is trusted, \
         the second ignored, and the third, being always there, works as a bias: it says no ({third}) unless the first \
         input says yes ({first} - {third_size} is well above 0)."
        ),
        String::from(
            "Why += and not -=. Gradient descent subtracts the gradient: W -= rate · dLoss/dW. The loss is ½(y - a)², y \
         being the target and a the output, and its derivative with respect to a is a - y. The program calls y - a its \
         error, which is minus that derivative, and then adds. Two minus signs cancel: += with target - output and -= \
         with output - target are the same step. Change only one of the two, and the net learns to be wrong (wgrad lesson loy --compare). wgrad explain trask --row 3 --epoch 0 shows a row with output - target as its error.",
        ),
        format!(
            "Why x*(1-x) is given the output. The sigmoid a = 1/(1+e^-z) has the slope a·(1-a): it can be written with \
         the output alone, and the forward pass has that at hand. So the x in x*(1-x) must be the output a, never the \
         sum z that went into the sigmoid. At z = {z} the output is {a:.3} and the slope {a:.3} · {:.3} = {:.3}; putting \
         z itself in gives {z} · (1-{z}) = {}: far too large, and with the wrong sign.",
            1.0 - a,
            a * (1.0 - a),
            z * (1.0 - z)
        ),
        String::from(
            "Why the error is multiplied by that slope. We want to know what a small change of a weight does to the \
         loss. The weight changes z, z changes the output, the output changes the loss, and the effect of a chain is the \
         product of its links: (by how much the output is off) × (how strongly z moves the output) × (the input through \
         which the weight moves z). Leave the middle factor out, and you have assumed that moving z by 0.1 moves the \
         output by 0.1. It never does: the sigmoid's slope is at most ¼, where the unit is undecided (output ½), and \
         almost 0 where it is sure (output near 0 or 1). So undecided units take large steps, and units that are sure \
         are left nearly alone. The price: a unit that is sure and wrong is left alone too, and learns slowly. \
         Cross-entropy is the loss whose derivative cancels the slope and cures that (wgrad lesson trask --compare).",
        ),
        String::from(
            "Why the product X.T times delta. Each row asks for its own change of the weights: its input \
         times its delta (delta is error × slope). The matrix product adds up the wishes of all four rows, so the step \
         is a sum, not a mean. A sum over 4 rows at rate 1 is a mean over 4 rows at rate 4: a learning rate means something only together with the number of rows, and with whether they are added up or averaged (wgrad train --reduction \
         sum or mean).",
        ),
        format!(
            "Why the outputs stop short of 0 and 1. The sigmoid reaches them only at infinity, and as the output gets nearer to them, the error, the slope and so the steps get smaller. After {} steps the worst of the four is off by \
         {worst:.4}; ever more steps bring ever less.",
            grouped(STEPS)
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::{claims, compare};

    #[test]
    fn every_number_in_the_prose_is_given_or_computed() {
        let machine = Machine::for_tests();
        let report = run(&machine, &Options::default()).expect("a report");
        let report = report.beside(compare::trask(&machine).expect("alternatives"));
        let a: f64 = sigmoid(3.0);
        let worst = TARGETS.iter().zip(&report.output).map(|(y, a)| (y - a).abs()).fold(0.0, f64::max);
        // The program's inputs, targets, rows and rates; a z to look at, and steps of 0.1, with the cube.
        let constants = "0 1 4 3 0.1 0.001 10";
        let mut longer = machine.trainer(&Program { rate: 4.0, ..program() }).expect("a trainer");
        longer.train(STEPS).expect("steps");
        let outputs = longer.predict(&program().inputs).expect("outputs");
        let longer = crate::lesson::program::mean_squared_error(&TARGETS, &outputs);
        claims::check(&report, constants, &[a, 1.0 - a, a * (1.0 - a), 3.0 * (1.0 - 3.0), worst, longer]);
    }
}
