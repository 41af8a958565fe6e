//! One step of backpropagation, number by number, as in Udacity's deep learning course.

use super::comparison::Comparison;
use super::picture::Example;
use super::program::{Machine, Program, column};
use super::report::{Findings, Report, row};
use super::{Options, Result};
use crate::data::Matrix;

pub(super) const NAME: &str = "udacity-step";
pub(super) const SUMMARY: &str = "one step, every number of it (3-2-1, 1 row)";

const INPUTS: [f64; 3] = [0.5, 0.1, -0.2];
/// From the hidden units to the output.
const TO_OUTPUT: [f64; 2] = [0.1, -0.3];
const TARGET: f64 = 0.6;
const RATE: f64 = 0.5;

/// What the units say before the step, and the weights between them.
pub(super) struct Outputs {
    pub(super) output: f64,
    pub(super) hidden: [f64; 2],
    /// From each hidden unit to the output.
    pub(super) weights: [f64; 2],
}

pub(super) fn outputs(machine: &Machine) -> Result<Outputs> {
    let program = program();
    let hidden = hidden_outputs(machine, &program)?;
    let output = machine.trainer(&program)?.predict(&program.inputs)?[0];
    Ok(Outputs { output, hidden: [hidden[0], hidden[1]], weights: TO_OUTPUT })
}

/// The program from its first weights.
pub(super) fn program() -> Program {
    let first = vec![Matrix::new(3, 2, vec![0.5, -0.6, 0.1, -0.2, 0.1, 0.7]), column(&TO_OUTPUT)];
    Program::new(Matrix::new(1, 3, INPUTS.to_vec()), &[TARGET], first, RATE)
}

pub(super) fn run(machine: &Machine, _: &Options) -> Result<Report> {
    let program = program();
    let first = &program.weights;
    let mut trainer = machine.trainer(&program)?;
    let output = trainer.predict(&program.inputs)?;
    let hidden = hidden_outputs(machine, &program)?;
    let losses = trainer.train(1)?;
    let weights = trainer.weights()?;
    let after = trainer.predict(&program.inputs)?[0];
    // The step is what the plan has done to the weights; the error terms are what it was made of: Δw = rate · term · input.
    let step = |layer: usize| -> Vec<f64> {
        weights[layer].values.iter().zip(&first[layer].values).map(|(after, before)| after - before).collect()
    };
    let (to_hidden, to_output) = (step(0), step(1));
    let output_term = [to_output[0] / (RATE * hidden[0])];
    let hidden_terms = [0, 1].map(|unit| to_hidden[unit] / (RATE * INPUTS[0]));
    // In f32 a weight below 1 is known to 2^-25 (3e-8) before the step and after it, so their difference to 2^-24; the terms
    // are that difference, divided by 0.25 or more.
    let comparisons = vec![
        Comparison::new("output", "0.48497343", &[0.48497343084992534], &output, machine.tolerance(1e-9, 1e-5)),
        Comparison::new(
            "output error term",
            "0.02873067",
            &[0.028730669543515018],
            &output_term,
            machine.tolerance(1e-12, 4e-7),
        ),
        Comparison::new(
            "hidden error terms",
            "0.00070802 -0.00204471",
            &[0.00070802218654941, -0.00204471402395086],
            &hidden_terms,
            machine.tolerance(1e-12, 4e-7),
        ),
        Comparison::new(
            "Δw hidden to output",
            "0.00804047 0.00555918",
            &[0.00804047394804529, 0.00555918091168283],
            &to_output,
            machine.tolerance(1e-12, 1e-7),
        ),
        Comparison::new(
            "Δw input to hidden",
            "1.77005547e-04 -5.11178506e-04 3.54011093e-05 -1.02235701e-04 -7.08022187e-05 2.04471402e-04",
            &[
                1.770055466373534e-04,
                -5.111785059877155e-04,
                3.540110932747068e-05,
                -1.0223570119754312e-04,
                -7.080221865494137e-05,
                2.044714023950862e-04,
            ],
            &to_hidden,
            machine.tolerance(1e-12, 1e-7),
        ),
    ];
    let mut printed = format!("output                {:.8}\n", output[0]);
    printed += &format!("output error term     {:.8}\n", output_term[0]);
    printed += &format!("hidden error terms   {}\n", row(&hidden_terms, 8));
    printed += &format!("change in weights, hidden to output\n  {}\n", row(&to_output, 8));
    printed += "change in weights, input to hidden\n";
    for steps in to_hidden.chunks(2) {
        printed += &format!("  {:>15.8e} {:>15.8e}\n", steps[0], steps[1]);
    }
    let explanation = explanation(output[0], after, output_term[0], hidden_terms);
    let example = Example::new(&[("first", INPUTS[0]), ("second", INPUTS[1]), ("third", INPUTS[2])]);
    Ok(Findings { lesson: NAME, summary: SUMMARY, output, weights, losses, comparisons, printed, explanation, example }
        .report(machine))
}

/// The first layer is a net as well: its outputs are the hidden units'.
fn hidden_outputs(machine: &Machine, program: &Program) -> Result<Vec<f64>> {
    let layer = Program {
        inputs: program.inputs.clone(),
        targets: Matrix::zeros(1, 2),
        weights: vec![program.weights[0].clone()],
        ..*program
    };
    machine.trainer(&layer)?.predict(&program.inputs)
}

fn explanation(output: f64, after: f64, term: f64, hidden_terms: [f64; 2]) -> Vec<String> {
    let smaller = hidden_terms.map(|hidden| (term / hidden).abs());
    let (less, more) = (smaller[0].min(smaller[1]), smaller[0].max(smaller[1]));
    let (to_second, third) = (TO_OUTPUT[1], INPUTS[2]);
    vec![
        format!(
            "What the error term is. It is the error, {TARGET} - {output:.5} = {:.5}, times the slope of the output's \
             sigmoid, {output:.5}·(1 - {output:.5}) = {:.5}: together {term:.5}. Why times the slope: what can be moved \
             is not the output but the sum z that goes into the sigmoid, and moving z moves the output by only about a \
             quarter as much. Elsewhere this term is called delta. It answers: how much less loss, if this unit's z were \
             a little larger?",
            TARGET - output,
            output * (1.0 - output)
        ),
        "Why output·(1 - output). The slope of the sigmoid, written with its own output, which the forward pass has just \
         computed; no second exponential is needed."
            .into(),
        format!(
            "How hidden units get error terms. A hidden unit has no target; it is to blame as far as it moved the \
             output: the output's term × the weight that connects them × the unit's own slope. The weight to the second \
             unit is {to_second}, so its term is negative: the output should rise, so what works against it should \
             fall."
        ),
        format!(
            "What the step of a weight is. Δw = rate × error term of the unit that it leads to × the value that it \
             carries. The third input is {third}, so its two steps have the opposite sign of the others in their column. \
             An input of 0 would have got no step: what did not take part cannot have been wrong."
        ),
        "Where the sign is. The error is target - output, so Δw is added. With output - target it would be subtracted; \
         the step is the same."
            .into(),
        format!(
            "Why small gets smaller. The hidden terms are {less:.0} to {more:.0} times smaller than the output's: \
             multiplied by a weight below 1 and by a slope of at most ¼. Every further sigmoid layer does that again. \
             This is the vanishing gradient, and the reason why deep nets use activations like relu, whose slope is 1 \
             where it is on (wgrad lesson vanishing)."
        ),
        format!(
            "Whether it helped. One step took the output from {output:.5} to {after:.5}, towards the target {TARGET}. \
             Training is nothing but this, many times over many rows."
        ),
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
        let (output, terms) = (report.output[0], &report.comparisons[2].computed);
        let term = report.comparisons[1].computed[0];
        let mut trainer = machine.trainer(&program()).expect("a trainer");
        trainer.train(1).expect("a step");
        let after = trainer.predict(&program().inputs).expect("an output")[0];
        let smaller = [term / terms[0], term / terms[1]];
        let values = [output, after, TARGET - output, output * (1.0 - output), smaller[0], smaller[1]];
        claims::check(&report, "0.6 0 1 0.3 0.2", &values);
        assert!(after > output, "one step helps");
    }
}
