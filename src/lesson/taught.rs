//! The network of a lesson for those who want to look into it: a row of it explained, and a page on which it trains.

use super::numpy_random::NumpyRandom;
use super::program::{Machine, Program, layers};
use super::report::Report;
use super::{Options, backprop, loy, plane, trask, trask_hidden, udacity_step};
use crate::browser::{Net, Play, SelfTest, Set, picture, shown_whole};
use crate::data::Matrix;
use crate::error::{Error, Result, suggestion};
use crate::explanation::{Explanation, Subject, Titles, Weight};
use crate::network::{Optimizer, OptimizerKind};
use crate::page::{digits, escaped, table};
use crate::plan::{Frozen, LayerRates};
use crate::training::session::{PrecisionName, Reduction};

/// Steps that a page takes to compare its weights with the command line's, at most.
const TESTED: usize = 1_000;
/// Seeds of the first weights that a page offers beside the published one.
const SEEDS: u32 = 10;

/// A lesson's network.
struct Taught {
    program: Program,
    /// Steps that the lesson takes.
    steps: usize,
    /// The names of the inputs.
    inputs: &'static [&'static str],
    /// First weights, each with a name; the published ones first.
    starts: Vec<(String, Vec<Matrix<f64>>)>,
}

const TWO_BITS: &[&str] = &["first bit", "second bit", "always 1"];

/// The network of a lesson that has one without any data of the reader's.
fn taught(name: &str) -> Option<Taught> {
    let published = |program: &Program| ("as published".to_owned(), program.weights.clone());
    let seeds = |of: &dyn Fn(u32) -> Vec<Matrix<f64>>, first: u32| {
        let others = (0..SEEDS).filter(|&seed| seed != first);
        std::iter::once(first).chain(others).map(|seed| (format!("seed {seed}"), of(seed))).collect()
    };
    let around_zero = |seed: u32, shapes: &[(usize, usize)]| -> Vec<Matrix<f64>> {
        let mut random = NumpyRandom::new(seed);
        let matrix = |&(rows, columns): &(usize, usize)| {
            Matrix::new(rows, columns, random.uniforms(rows * columns).into_iter().map(|u| 2.0 * u - 1.0).collect())
        };
        shapes.iter().map(matrix).collect()
    };
    let (program, steps, inputs, starts) = match name {
        trask::NAME => (trask::program(), trask::STEPS, TWO_BITS, seeds(&|seed| around_zero(seed, &[(3, 1)]), 1)),
        trask_hidden::NAME => {
            let of = |seed| around_zero(seed, &[(3, 4), (4, 1)]);
            (trask_hidden::program(of(1)), trask_hidden::STEPS, TWO_BITS, seeds(&of, 1))
        }
        loy::NAME => (loy::program(), loy::STEPS, TWO_BITS, seeds(&loy::first_weights, 1)),
        backprop::NAME => {
            let program = backprop::program();
            let starts = vec![published(&program)];
            (program, backprop::STEPS, &["first input", "second input"][..], starts)
        }
        udacity_step::NAME => {
            let program = udacity_step::program();
            let starts = vec![published(&program)];
            (program, 1, &["x1", "x2", "x3"][..], starts)
        }
        _ => return None,
    };
    Some(Taught { program, steps, inputs, starts })
}

fn of(name: &str) -> Result<Taught> {
    taught(name).ok_or_else(|| {
        let with: Vec<&str> = super::names().filter(|name| taught(name).is_some()).collect();
        Error::Usage(format!("'{name}' has no network of its own to look into; these lessons have one: {}", with.join(", ")))
    })
}

/// Refuses a lesson without a page to play with.
///
/// # Errors
/// Usage, naming those that have one; also for what is no lesson.
pub fn check_play(name: &str) -> Result<()> {
    let has_page = |name: &str| name == plane::NAME || taught(name).is_some();
    if has_page(name) || !is_lesson(name) {
        return Ok(());
    }
    let with: Vec<&str> = super::names().filter(|name| has_page(name)).collect();
    Err(Error::Usage(format!("'{name}' has no page to --play with; these lessons have one: {}", with.join(", "))))
}

/// Whether a text is a lesson's name, or was meant to be one.
pub fn is_like_a_name(text: &str) -> bool {
    !text.contains(char::is_whitespace) && (is_lesson(text) || !suggestion(text, super::names()).is_empty())
}

/// Whether a word names a lesson.
pub fn is_lesson(name: &str) -> bool {
    super::names().any(|known| known == name)
}

/// Explains a row of a lesson's network, from 1, after so many steps; without them after all that the lesson takes.
///
/// # Errors
/// Usage, for a lesson without a network, a row or more steps than there are.
pub fn explained(name: &str, row: usize, steps: Option<usize>, units: usize, weight: Option<Weight>) -> Result<Explanation> {
    let Taught { program, steps: all, inputs, .. } = of(name)?;
    let rows = program.inputs.rows;
    let steps = steps.unwrap_or(all);
    if steps > all {
        let all = if all == 1 { "1 step".to_owned() } else { format!("{all} steps") };
        return Err(Error::Usage(format!("--epoch {steps}: the lesson '{name}' takes {all}")));
    }
    if row == 0 || row > rows {
        return Err(Error::Usage(format!("--row {row}: the lesson '{name}' has the rows 1 to {rows}")));
    }
    let machine = Machine::choose(&Options::default().device, None)?;
    let mut trainer = machine.trainer(&program)?;
    if steps > 0 {
        trainer.train(steps)?;
    }
    let weights = layers::<f64>(&trainer.weights()?);
    let (network, recipe) = program.parts()?;
    let summed = if recipe.reduction == Reduction::Sum { "added up" } else { "averaged" };
    let weights_are = match steps {
        0 => "the first weights, before any step".to_owned(),
        1 => "the weights after 1 step".to_owned(),
        steps => format!("the weights after {steps} steps"),
    };
    let target = "output".to_owned();
    let titles = Titles {
        subject: format!("row {row} of the lesson {name}"),
        weights: weights_are,
        remarks: Vec::new(),
        cells: Vec::new(),
        inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
        outputs: vec![target],
        rule: format!(
            "gradient descent at the rate {}, where the steps of all rows are {summed}; this is the part of this row",
            program.rate
        ),
    };
    let subject = Subject {
        network: &network,
        loss: program.loss,
        weights: &weights,
        optimizer: recipe.optimizer,
        learning_rate: if recipe.reduction == Reduction::Sum { program.rate } else { program.rate / rows as f64 },
        layer_rates: LayerRates::default(),
        frozen: Frozen::default(),
        inputs: &program.inputs.gathered(&[row - 1]),
        targets: &program.targets.gathered(&[row - 1]),
        units,
    };
    Explanation::new(&subject, titles, weight)
}

/// The page on which a lesson's network trains in the browser, by the same kernels, with this row, from 1, in its picture.
///
/// # Errors
/// Usage, for a lesson without a network.
pub fn play(report: &Report, options: &Options, row: usize) -> Result<String> {
    if report.lesson == plane::NAME {
        let machine = Machine::choose(&Options::default().device, Some(PrecisionName::F32))?;
        return plane::play(&machine, options, about(report), recorded(report))?.page();
    }
    let Taught { program, steps, inputs, starts } = of(report.lesson)?;
    let (network, recipe) = program.parts()?;
    let tested = steps.min(TESTED);
    let machine = Machine::choose(&Options::default().device, None)?;
    let mut trainer = machine.trainer(&program)?;
    trainer.train(tested)?;
    let test = SelfTest {
        steps: tested,
        weights: layers(&trainer.weights()?),
        // In f32, as `Machine::drift` has it.
        bound: Machine::drift_of_singles(tested, 16.0),
    };
    let inputs: Vec<String> = inputs.iter().map(|&name| name.to_owned()).collect();
    let outputs = vec!["output".to_owned()];
    let factors = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
    let play = Play {
        title: format!("wgrad lesson {}", report.lesson),
        about: about(report),
        recorded: recorded(report),
        sets: vec![Set {
            name: "the lesson's rows".into(),
            inputs: program.inputs.clone(),
            targets: program.targets.clone(),
        }],
        nets: vec![Net {
            picture: picture(&network, &inputs, &outputs, &shown_whole(&network))?,
            shown: shown_whole(&network),
            activation: None,
            network,
            starts: starts.into_iter().map(|(name, weights)| (name, layers(&weights))).collect(),
        }],
        row: row - 1,
        loss: program.loss,
        optimizer: Optimizer::new(OptimizerKind::Sgd),
        adds_up: recipe.reduction == Reduction::Sum,
        rates: (factors.map(|factor| factor * program.rate).to_vec(), 4),
        batches: vec![program.inputs.rows],
        outputs,
        inputs,
        classes: program.targets.values.iter().all(|target| [0.0, 1.0].contains(target)),
        two: ["0".into(), "1".into()],
        test: Some(test),
    };
    play.page()
}

/// What the page is about, and the lesson's text, folded.
fn about(report: &Report) -> String {
    let paragraphs: String = report.explanation.iter().map(|text| format!("<p>{}</p>\n", escaped(text))).collect();
    format!(
        "<p>The lesson: {}. Every step on this page is computed by wgrad's own kernels, which the browser runs by WebGPU; the page's script does \
         no calculations itself.</p>\n<details><summary>What the lesson shows</summary>\n{paragraphs}</details>\n",
        escaped(report.summary)
    )
}

/// What the command line computed.
fn recorded(report: &Report) -> String {
    let of =
        if report.lesson == plane::NAME && report.summary == plane::SUMMARY { ": spiral, hidden layers 8-8" } else { "" };
    let rows: Vec<Vec<String>> = report.losses.iter().map(|at| vec![at.step.to_string(), digits(at.loss)]).collect();
    format!(
        "<h2>What the command line computed</h2>\n<pre>{}</pre>\n{}",
        escaped(&report.printed),
        table(&format!("Mean loss of a row{of}"), &["steps", "loss"], &rows, 0)
    )
}
