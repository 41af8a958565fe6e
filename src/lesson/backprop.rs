//! A net of two inputs, two hidden units and one output, small enough to follow by hand; and a slip that numpy lets pass.

use super::comparison::Comparison;
use super::picture::Example;
use super::program::{Machine, Program, column};
use super::report::{Findings, Report, row};
use super::{Options, Result};
use crate::data::Matrix;
use crate::network::activation::sigmoid;

pub(super) const NAME: &str = "backprop-2-2-1";
pub(super) const SUMMARY: &str = "one row by hand, and what broadcasting does to a wrong shape (2-2-1, 100 steps)";

pub(super) const STEPS: usize = 100;
const INPUTS: [f64; 2] = [0.35, 0.9];
const TARGET: f64 = 0.5;
/// Hidden × inputs, as the program has them.
const FIRST: [[f64; 2]; 2] = [[0.1, 0.8], [0.4, 0.6]];
const SECOND: [f64; 2] = [0.3, 0.9];
/// The steps whose errors are shown, from 0.
const SHOWN: [usize; 4] = [0, 1, 2, STEPS - 1];

/// The program with the gradient that was meant.
pub(super) fn program() -> Program {
    let weights = vec![Matrix::new(2, 2, FIRST.concat()).transposed(), column(&SECOND)];
    Program::new(Matrix::new(1, 2, INPUTS.to_vec()), &[TARGET], weights, 1.0)
}

pub(super) fn run(machine: &Machine, _: &Options) -> Result<Report> {
    let program = program();
    let mut trainer = machine.trainer(&program)?;
    let mut losses = trainer.train(STEPS - 1)?;
    let output = trainer.predict(&program.inputs)?;
    losses.extend(trainer.train(1)?);
    let weights = trainer.weights()?;
    let slip = Slip::run(Hidden::Broadcast);
    // With one row and one output the loss is the program's error, ½(y - a)².
    let errors = SHOWN.map(|step| losses[step]);
    let slipped = SHOWN.map(|step| slip.errors[step]);
    let comparisons = vec![
        Comparison::new(
            "error at steps 1, 2, 3, 100",
            "0.0181039 0.0165654 0.0151270 3.2669e-07",
            &[0.01810390383656677, 0.016565382326770402, 0.015126955254447882, 3.266878922007038e-07],
            &errors,
            machine.tolerance(1e-12, 1e-6),
        ),
        Comparison::new("output", "0.5008083", &[0.500808316636227], &output, machine.tolerance(1e-9, 1e-5)),
        Comparison::new(
            "weights input to hidden",
            "",
            &[0.09949728657532442, 0.3565002802682637, 0.7987073083365487, 0.4881435778326773],
            &weights[0].values,
            machine.drift(STEPS, 1.0),
        ),
        Comparison::new(
            "weights hidden to output",
            "",
            &[-0.30047225429264063, 0.32533602822418006],
            &weights[1].values,
            machine.drift(STEPS, 1.0),
        ),
        Comparison::new(
            "with the slip: error (in f64)",
            "0.0181039 0.0165263 - -",
            &[0.01810390383656677, 0.01652628079547517, 0.015061585336581878, 5.929448176860616e-07],
            &slipped,
            1e-9,
        ),
        Comparison::new(
            "with the slip: weights (in f64)",
            "0.0993309 0.6425254 0.3993309 0.4425254",
            &[0.09933089559414109, 0.6425254020598021, 0.3993308955941412, 0.4425254020598024],
            &slip.first.concat(),
            1e-9,
        ),
    ];
    let explanation = explanation(&errors, &slipped, &slip);
    let printed = printed(&errors, &slipped, &weights, &output, &slip);
    let findings = Findings {
        lesson: NAME,
        summary: SUMMARY,
        output,
        weights,
        losses,
        comparisons,
        printed,
        explanation,
        example: Example::new(&[("first", INPUTS[0]), ("second", INPUTS[1])]),
    };
    Ok(findings.report(machine))
}

/// The program as it is written beside the gradient's run.
fn printed(errors: &[f64], slipped: &[f64], weights: &[Matrix<f64>], output: &[f64], slip: &Slip) -> String {
    let mut text =
        String::from("error ½(y - a)²    as written (the slip, computed apart in f64)    the gradient (the plan)\n");
    for ((step, error), slipped) in SHOWN.iter().zip(errors).zip(slipped) {
        if *step == STEPS - 1 {
            text += "  …\n";
        }
        let [error, slipped] =
            [error, slipped].map(|&value| if value < 1e-4 { format!("{value:.4e}") } else { format!("{value:.7}") });
        text += &format!("  step {:<12} {slipped:<46}  {error}\n", step + 1);
    }
    text += &format!("  {:<17} {:<46}  {:.7}\n", "output", format!("{:.7}", slip.output), output[0]);
    let first = weights[0].transposed();
    text += "weights (hidden × inputs, then hidden to output)\n";
    for unit in 0..2 {
        text += &format!("  {:<17} {:<46} {}\n", "", row(&slip.first[unit], 7), row(first.row(unit), 7));
    }
    text += &format!("  {:<17} {:<46} {}\n", "", row(&slip.second, 7), row(&weights[1].values, 7));
    text
}

/// What the program computes as it is written. It is no gradient, so no plan can compute it: these few lines do.
pub(super) struct Slip {
    /// ½(y - a)² before each step.
    pub(super) errors: Vec<f64>,
    output: f64,
    /// Hidden × inputs.
    pub(super) first: [[f64; 2]; 2],
    second: [f64; 2],
}

/// What is done to the weights of the hidden units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    /// The published step, broadcast.
    Broadcast,
    /// Nothing.
    LeftAlone,
}

impl Slip {
    pub(super) fn run(hidden: Hidden) -> Self {
        let mut slip = Self { errors: Vec::new(), output: 0.0, first: FIRST, second: SECOND };
        for _ in 0..STEPS {
            slip.step(hidden);
        }
        slip
    }

    fn step(&mut self, wanted: Hidden) {
        let hidden = self.first.map(|weights| sigmoid(weights[0] * INPUTS[0] + weights[1] * INPUTS[1]));
        self.output = sigmoid(self.second[0] * hidden[0] + self.second[1] * hidden[1]);
        self.errors.push(0.5 * (TARGET - self.output) * (TARGET - self.output));
        let delta = (self.output - TARGET) * self.output * (1.0 - self.output);
        // A column (2 × 1) times a row (1 × 2), element by element: broadcast to 2 × 2, where 2 × 1 was meant.
        let broadcast = hidden.map(|h| self.second.map(|weight| delta * weight * (h * (1.0 - h))));
        // inputsᵀ (1 × 2) · broadcast (2 × 2) = 1 × 2: the same row for both hidden units.
        let row = [0, 1].map(|k| INPUTS[0] * broadcast[0][k] + INPUTS[1] * broadcast[1][k]);
        for (unit, h) in hidden.iter().enumerate() {
            self.second[unit] -= delta * h;
            if wanted == Hidden::Broadcast {
                self.first[unit].iter_mut().zip(row).for_each(|(weight, step)| *weight -= step);
            }
        }
    }
}

/// The numbers of the first step.
struct ByHand {
    /// The sums that go into the hidden units, and their outputs.
    sums: [f64; 2],
    hidden: [f64; 2],
    /// The same of the output.
    sum: f64,
    output: f64,
    delta: f64,
}

impl ByHand {
    fn new() -> Self {
        let sums = FIRST.map(|weights| weights[0] * INPUTS[0] + weights[1] * INPUTS[1]);
        let hidden = sums.map(sigmoid);
        let sum = SECOND[0] * hidden[0] + SECOND[1] * hidden[1];
        let output = sigmoid(sum);
        Self { sums, hidden, sum, output, delta: (output - TARGET) * output * (1.0 - output) }
    }
}

fn explanation(errors: &[f64], slipped: &[f64], slip: &Slip) -> Vec<String> {
    let ByHand { sums, hidden: [h1, h2], sum, output, delta } = ByHand::new();
    let [[a, b], [c, d]] = FIRST;
    let ([x1, x2], [u, v]) = (INPUTS, SECOND);
    let [[first_a, first_b], [second_a, second_b]] = slip.first;
    vec![
        format!(
            "Follow it by hand. The first hidden unit gets z = {a}·{x1} + {b}·{x2} = {:.3}, its sigmoid is {h1:.3}; the \
             second gets {c}·{x1} + {d}·{x2} = {:.2}, its sigmoid is {h2:.3}. The output gets z = {u}·{h1:.3} + \
             {v}·{h2:.3} = {sum:.3}, its sigmoid is {output:.3}. The target is {TARGET}, so the error ½({TARGET} - \
             {output:.3})² is {:.4}: the first number that is printed.",
            sums[0], sums[1], errors[0]
        ),
        format!(
            "And back. The output's delta is error × slope: ({output:.3} - {TARGET}) · {output:.3}·(1 - {output:.3}) = \
             {delta:.4}. Each weight to the output loses delta × the hidden output that it carries. Each hidden unit's \
             delta is {delta:.4} × its own weight to the output × its own slope h(1-h), and each of its weights loses \
             that times the input that it carries. Here the error is taken as output - target and the step is \
             subtracted: the same as target - output and +=."
        ),
        "The slip. The two hidden deltas are products of the two weights to the output, which the program holds as a row \
         (1×2), and the two slopes, which it holds as a column (2×1). Multiplied element by element these shapes do not \
         fit, and numpy does not complain: it broadcasts, that is, it repeats the row downwards and the column sideways \
         and returns a 2×2 of every weight times every slope. The two numbers that were meant are its diagonal; the \
         other two pair one unit's weight with the other unit's slope. The product with the inputs mixes all four, comes \
         out as one row, and is broadcast once more: both hidden units get the very same step."
            .into(),
        format!(
            "How to see it in the numbers. The first printed error is right (nothing was updated yet); the second is \
             {:.7} where the gradient gives {:.7}. And since both hidden units took the same steps, their weights end \
             exactly as far apart as they began: {second_a:.7} - {first_a:.7} = {:.1}, and {first_b:.7} - {second_b:.7} \
             = {:.1}.",
            slipped[1],
            errors[1],
            second_a - first_a,
            first_b - second_b
        ),
        format!(
            "Why nobody noticed. The error falls all the same: to {:.1e}, against {:.1e} by the gradient. The weights to \
             the output are updated correctly, and with one row to learn they alone suffice (wgrad lesson backprop-2-2-1 \
             --compare). In the second step the wrong version is even ahead. A falling error does not prove that the \
             gradient is right. What does: nudge one weight by a little, both ways, see how the error changes, and \
             compare that slope with the gradient. And write down the shape of every product; wgrad's plan does, and a \
             shape that does not fit is an error there.",
            slipped[3], errors[3]
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
        let report = report.beside(compare::backprop(&machine).expect("alternatives"));
        let ByHand { sums, hidden, sum, output, delta } = ByHand::new();
        let values = [sums[0], sums[1], hidden[0], hidden[1], sum, output, delta];
        let apart = [FIRST[1][0] - FIRST[0][0], FIRST[0][1] - FIRST[1][1]];
        // The inputs, the target, the first weights, the net's name and shapes.
        claims::check(&report, "0.35 0.9 0.5 0.1 0.8 0.4 0.6 0.3 1 2", &[&values[..], &apart].concat());
        assert!(
            report.comparisons[4].computed[1] < report.comparisons[0].computed[1],
            "the slip is ahead in the second step"
        );
    }
}
