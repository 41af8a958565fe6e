//! What an output's height says, and what confidence does to the step under two losses.

use super::comparison::Comparison;
use super::picture::Example;
use super::program::{Came, Machine, Program};
use super::report::{Findings, Report};
use super::{Options, Result, trask};
use crate::columns::Table;
use crate::data::Matrix;
use crate::network::Loss;
use crate::network::activation::sigmoid;
use crate::page::{COLOURS, Chart, Form, Series, Words, digits};
use crate::training::session::Reduction;

pub(super) const NAME: &str = "confidence";
pub(super) const SUMMARY: &str = "what the height of an output says, and what being sure does to a step (one sigmoid)";

/// The sums z that are looked at, from the surely wrong to the surely right: the target is 1.
const ALONG: [f64; 13] = [-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// The places in it of 'sure and wrong', 'unsure' and 'sure and right'.
const CASES: [usize; 3] = [2, 6, 10];
/// Of ten rows with the same input so many are yes.
const YES: usize = 7;
const ROWS: usize = 10;
const STEPS: usize = 1_000;

/// What one step of rate 1 does along z, by loss.
struct Along {
    outputs: Vec<f64>,
    /// Squared error, then cross-entropy.
    steps: [Vec<f64>; 2],
}

/// One of trask's rows at one time.
struct Seen {
    output: f64,
    target: f64,
}

impl Seen {
    fn slope(&self) -> f64 {
        self.output * (1.0 - self.output)
    }

    /// The delta of cross-entropy.
    fn error(&self) -> f64 {
        self.target - self.output
    }

    /// The delta of the squared error.
    fn delta(&self) -> f64 {
        self.error() * self.slope()
    }
}

pub(super) fn run(machine: &Machine, _: &Options) -> Result<Report> {
    let along = Along::measure(machine)?;
    let turned = [turning(machine, Loss::SquaredError)?, turning(machine, Loss::BinaryCrossEntropy)?];
    let shares = [share(machine, Loss::SquaredError)?, share(machine, Loss::BinaryCrossEntropy)?];
    let program = trask::program();
    let mut trainer = machine.trainer(&program)?;
    let start = seen(&trainer.predict(&program.inputs)?);
    let Came { output, losses, weights } = trainer.run(trask::STEPS, &program.inputs)?;
    let end = seen(&trainer.predict(&program.inputs)?);
    let deltas = |rows: &[Seen]| rows.iter().flat_map(|row| [row.delta(), row.error()]).collect::<Vec<_>>();
    let comparisons = vec![
        Comparison::new("output along z", "", &REFERENCE_OUTPUTS, &along.outputs, machine.tolerance(1e-12, 1e-6)),
        // In f32 a weight of at most 6 is known to 2^-22 (2.4e-7) before the step and after it.
        Comparison::new("step by squared error", "", &REFERENCE_SQUARED, &along.steps[0], machine.tolerance(1e-12, 1e-6)),
        Comparison::new("step by cross-entropy", "", &REFERENCE_ENTROPY, &along.steps[1], machine.tolerance(1e-12, 1e-6)),
        Comparison::new("steps to turn round", "", &[71.0, 5.0], &turned.map(|steps| steps as f64), 0.0),
        Comparison::new("output for 7 yes of 10", "", &[0.7, 0.7], &shares, machine.tolerance(1e-9, 1e-5)),
        Comparison::new("trask's deltas at the start", "", &REFERENCE_START, &deltas(&start), machine.tolerance(1e-9, 1e-6)),
        Comparison::new("trask's deltas at the end", "", &REFERENCE_END, &deltas(&end), machine.tolerance(1e-9, 1e-5)),
        Comparison::new(
            "trask's outputs",
            "0.00966449 0.00786506 0.99358898 0.99211957",
            &[0.0096644916879683, 0.007865059671309264, 0.9935889804970555, 0.992119573219358],
            &output,
            machine.tolerance(1e-9, 1e-5),
        ),
    ];
    let findings = Findings {
        lesson: NAME,
        summary: SUMMARY,
        output,
        weights,
        losses,
        comparisons,
        printed: printed(&along, &start, &end),
        explanation: explanation(&along, turned, shares, &start, &end),
        example: Example { net: "Trask's net", ..Example::bits() },
    };
    Ok(Report { charts: along.charts(), ..findings.report(machine) })
}

#[rustfmt::skip]
const REFERENCE_OUTPUTS: [f64; 13] = [
    0.0024726231566347743, 0.0066928509242848554, 0.01798620996209156, 0.04742587317756678, 0.11920292202211755,
    0.2689414213699951, 0.5, 0.7310585786300049, 0.8807970779778823, 0.9525741268224334, 0.9820137900379085,
    0.9933071490757153, 0.9975273768433653,
];
#[rustfmt::skip]
const REFERENCE_SQUARED: [f64; 13] = [
    0.0024604105433701762, 0.006603562218556359, 0.017345021070840124, 0.04303411719592781, 0.09247804322982978,
    0.14373484045721513, 0.125, 0.052877092784266715, 0.012515542173676753, 0.002142542534984314, 0.0003176851424509928,
    4.4494452233794356e-05, 6.098747989871103e-06,
];
#[rustfmt::skip]
const REFERENCE_ENTROPY: [f64; 13] = [
    0.9975273768433652, 0.9933071490757152, 0.9820137900379085, 0.9525741268224333, 0.8807970779778824, 0.7310585786300049,
    0.5, 0.2689414213699951, 0.11920292202211769, 0.047425873177566635, 0.01798620996209155, 0.006692850924284732,
    0.002472623156634657,
];
/// Row by row: error × slope, then the error alone.
#[rustfmt::skip]
const REFERENCE_START: [f64; 8] = [
    -0.05289152613286017, -0.2689863986549585, -0.08418501244421035, -0.3637505753263374,
    0.1381120613076181, 0.7623718262821559, 0.14809798639659633, 0.6737243014889183,
];
#[rustfmt::skip]
const REFERENCE_END: [f64; 8] = [
    -9.249033804070923e-05, -0.009663999526856808, -6.136642947790462e-05, -0.007864660283667993,
    4.083354333840039e-05, 0.006410694476642331, 6.160550072978132e-05, 0.00788002597974058,
];

fn seen(outputs: &[f64]) -> Vec<Seen> {
    outputs.iter().zip(trask::TARGETS).map(|(&output, target)| Seen { output, target }).collect()
}

/// One weight on an input that is always 1, so that z is the weight.
fn lone(weight: f64, loss: Loss) -> Program {
    Program { loss, ..Program::new(Matrix::new(1, 1, vec![1.0]), &[1.0], vec![Matrix::new(1, 1, vec![weight])], 1.0) }
}

/// The steps of rate 1 from the surely wrong to the right side of ½.
fn turning(machine: &Machine, loss: Loss) -> Result<usize> {
    /// More than any takes.
    const MOST: usize = 200;
    let mut trainer = machine.trainer(&lone(ALONG[CASES[0]], loss))?;
    for steps in 0..MOST {
        if trainer.predict(&Matrix::new(1, 1, vec![1.0]))?[0] > 0.5 {
            return Ok(steps);
        }
        trainer.train(1)?;
    }
    Ok(MOST)
}

/// The output that is learned of ten rows with the same input, seven of which are yes.
fn share(machine: &Machine, loss: Loss) -> Result<f64> {
    let targets: Vec<f64> = (0..ROWS).map(|row| if row < YES { 1.0 } else { 0.0 }).collect();
    let inputs = Matrix::new(ROWS, 1, vec![1.0; ROWS]);
    let program = Program {
        loss,
        reduction: Reduction::Mean,
        ..Program::new(inputs.clone(), &targets, vec![Matrix::zeros(1, 1)], 1.0)
    };
    let mut trainer = machine.trainer(&program)?;
    trainer.train(STEPS)?;
    Ok(trainer.predict(&inputs)?[0])
}

impl Along {
    /// One unit for each z, and one step of all of them: each weight moves by its own delta.
    fn measure(machine: &Machine) -> Result<Self> {
        let step = |loss: Loss| -> Result<(Vec<f64>, Vec<f64>)> {
            let (input, first) = (Matrix::new(1, 1, vec![1.0]), Matrix::new(1, ALONG.len(), ALONG.to_vec()));
            let targets = Matrix::new(1, ALONG.len(), vec![1.0; ALONG.len()]);
            let program = Program { targets, loss, ..Program::new(input.clone(), &[], vec![first], 1.0) };
            let mut trainer = machine.trainer(&program)?;
            let outputs = trainer.predict(&input)?;
            trainer.train(1)?;
            let after = trainer.weights()?.swap_remove(0).values;
            Ok((outputs, after.iter().zip(ALONG).map(|(after, before)| after - before).collect()))
        };
        let (outputs, squared) = step(Loss::SquaredError)?;
        let (_, entropy) = step(Loss::BinaryCrossEntropy)?;
        Ok(Self { outputs, steps: [squared, entropy] })
    }

    /// The sigmoid with its slope, and the steps of both losses.
    fn charts(&self) -> Vec<Chart> {
        let fine = (-60..=60).map(|z| f64::from(z) / 10.0);
        let line = |name: &str, colour: usize, of: &dyn Fn(f64) -> f64| Series {
            name: name.to_owned(),
            colour: COLOURS[colour],
            form: Form::Line,
            dashed: false,
            points: fine.clone().map(|z| (z, of(sigmoid(z)))).collect(),
        };
        let curves = vec![line("output", 0, &|a| a), line("slope", 1, &|a| a * (1.0 - a))];
        let steps = vec![
            line("squared error: error × slope", 0, &|a| (1.0 - a) * a * (1.0 - a)),
            line("cross-entropy: error", 1, &|a| 1.0 - a),
        ];
        let [wrong, unsure, right] = CASES.map(|case| [0, 1].map(|loss| digits(self.steps[loss][case])));
        let about = format!(
            "sure and wrong {} and {}, unsure {} and {}, sure and right {} and {}",
            wrong[0], wrong[1], unsure[0], unsure[1], right[0], right[1]
        );
        let z = || Words::linear("z");
        vec![
            Chart::half(
                "Output and slope",
                "the output rises from 0 to 1, the slope is ¼ at most".into(),
                z(),
                Words::linear(""),
                curves,
            ),
            Chart::half("Step if the target is 1", about, z(), Words::linear("step"), steps),
        ]
    }
}

fn printed(along: &Along, start: &[Seen], end: &[Seen]) -> String {
    let rows = ALONG.iter().enumerate().map(|(place, z)| {
        let a = along.outputs[place];
        let case = ["sure and wrong", "unsure", "sure and right"];
        let case = CASES.iter().position(|&case| case == place).map_or("", |which| case[which]);
        vec![
            format!("{z}"),
            format!("{a:.4}"),
            format!("{:.4}", a * (1.0 - a)),
            format!("{:.4}", 1.0 - a),
            format!("{:.6}", along.steps[0][place]),
            format!("{:.6}", along.steps[1][place]),
            case.to_owned(),
        ]
    });
    let headers = ["z", "output", "slope", "error", "step, squared error", "step, cross-entropy", "the unit is"];
    let along = Table::new(&headers, rows.collect(), 0);
    let rows = [("at the start", start), ("after 10,000 steps", end)].into_iter().flat_map(|(when, rows)| {
        rows.iter().enumerate().map(move |(row, seen)| {
            vec![
                when.to_owned(),
                (row + 1).to_string(),
                seen.target.to_string(),
                format!("{:.4}", seen.output),
                format!("{:.4}", seen.slope()),
                format!("{:.4}", seen.error()),
                digits(seen.delta()),
                digits(seen.error()),
            ]
        })
    });
    let headers = ["trask", "row", "target", "output", "slope", "error", "delta, squared error", "delta, cross-entropy"];
    let trask = Table::new(&headers, rows.collect(), 1);
    format!(
        "one unit with the target 1: what one step of rate 1 adds to z\n{}\n\nthe four rows of the lesson trask\n{}\n",
        along.text(),
        trask.text()
    )
}

fn explanation(along: &Along, turned: [usize; 2], shares: [f64; 2], start: &[Seen], end: &[Seen]) -> Vec<String> {
    let [wrong, unsure, right] = CASES.map(|case| [0, 1].map(|loss| digits(along.steps[loss][case])));
    let [z_wrong, _, z_right] = CASES.map(|case| ALONG[case]);
    let [wrong_output, _, right_output] = CASES.map(|case| along.outputs[case]);
    let wrong_slope = wrong_output * (1.0 - wrong_output);
    let widest = {
        let a: f64 = 1.0 / 3.0;
        (1.0 - a) * a * (1.0 - a)
    };
    let steps = trask::STEPS / 1_000;
    vec![
        format!(
            "What the height of the output has to do with confidence. The output is a share. Give one unit ten rows with \
             the same input, {YES} of which are yes, and train: the output settles at {:.4} by the squared error and at \
             {:.4} by cross-entropy. Both losses are smallest where the output equals the share of yes. So 0.98 says \
             'I have seen nearly only yes for such inputs', 0.5 says 'as many as no', and 0.02 'nearly only no'. An \
             output near 0 or 1 is sure, one near ½ is unsure. Whether it is right to be sure is another question, which \
             only rows that it has not been trained on can answer.",
            shares[0], shares[1]
        ),
        format!(
            "What the slope has to do with confidence. The slope is a·(1-a): ¼ where the unit is unsure, and the closer to 0 the surer the unit is, of yes or of no. At z = {z_wrong} the output is {wrong_output:.4} and the slope \
             {wrong_slope:.4}, and at z = {z_right}, where it is {right_output:.4}, the slope is the same. So the slope \
             knows how sure a unit is, and not whether it is right; that is what the error knows. The delta is their \
             product."
        ),
        format!(
            "Sure and right. The target is 1, z = {z_right}: the error is small, and so is the step, {} by the squared \
             error and {} by cross-entropy. What is right is left alone.",
            right[0], right[1]
        ),
        format!(
            "Unsure. z = 0, the output is ½: the error is ½ and the slope ¼, which makes a step of {} by the squared \
             error; with cross-entropy the step is the error itself, {}. The squared error's step is longest nearby, at the output ⅓, \
             where it is {widest:.3}.",
            unsure[0], unsure[1]
        ),
        format!(
            "Sure and wrong. The target is 1, z = {z_wrong}: this unit should learn most, and by the squared error its \
             step is {}, shorter than the unsure one's {}: the error is nearly 1, but the slope takes it away. By \
             cross-entropy the step is {}, nearly the longest there can be. Steps of rate 1 until such a unit says more \
             than ½: {} by the squared error, {} by cross-entropy.",
            wrong[0], unsure[0], wrong[1], turned[0], turned[1]
        ),
        format!(
            "Trask's four rows. Before the first step the outputs are {:.2}, {:.2}, {:.2} and {:.2}: all are unsure, \
             and the two that should say yes are on the wrong side. Their slopes are {:.2} and {:.2}, not far below the largest, ¼, so that the squared error asks for steps of {:.3} and {:.3}. After {steps},000 steps all are sure and right; the third row's error is \
             {:.4} and its slope {:.4}, and their product asks for {} only. Cross-entropy would still ask for {:.4}, \
             which is {:.0} times as much: that is why it comes so much nearer in the same time (wgrad lesson trask \
             --compare).",
            start[0].output,
            start[1].output,
            start[2].output,
            start[3].output,
            start[2].slope(),
            start[3].slope(),
            start[2].delta(),
            start[3].delta(),
            end[2].error(),
            end[2].slope(),
            digits(end[2].delta()),
            end[2].error(),
            end[2].error() / end[2].delta()
        ),
        "Which loss to take. For outputs that are probabilities cross-entropy: its step is the error, so that it is \
         longest where the unit is most wrong. The squared error was made for amounts, whose outputs have no sigmoid, and so no slope that shrinks the step. wgrad train takes cross-entropy for classes and the squared error for numbers."
            .into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::claims;

    #[test]
    fn every_number_in_the_prose_is_given_or_computed() {
        let machine = Machine::for_tests();
        let report = run(&machine, &Options::default()).expect("a report");
        let program = trask::program();
        let mut trainer = machine.trainer(&program).expect("a trainer");
        let start = trainer.predict(&program.inputs).expect("outputs");
        trainer.train(trask::STEPS).expect("steps");
        let end = seen(&trainer.predict(&program.inputs).expect("outputs"));
        let slope = |a: f64| a * (1.0 - a);
        let values = [slope(sigmoid(4.0)), 4.0 / 27.0, end[2].slope(), end[2].error() / end[2].delta(), slope(0.5) * 0.5];
        let slopes: Vec<f64> = start.iter().map(|&a| slope(a)).collect();
        let values = [&values[..], &start, &slopes].concat();
        // The target, sums z and shares that are spoken of, and rows that are yes.
        claims::check(&report, "0 1 4 0.98 0.5 0.02 7", &values);
    }

    #[test]
    fn no_output_has_a_longer_step_by_the_squared_error_than_a_third() {
        let step = |a: f64| (1.0 - a) * a * (1.0 - a);
        assert!((0..=1_000).all(|a| step(f64::from(a) / 1_000.0) <= step(1.0 / 3.0)));
    }
}
