//! Two inputs, and so a plane to look at: what a line, a few hidden units and two hidden layers can separate, on four sets or the reader's own.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::comparison::Comparison;
use super::numpy_random::NumpyRandom;
use super::picture::Example;
use super::program::Machine;
use super::report::{Findings, Report};
use super::{Options, Result};
use crate::browser::{Net, Play, SelfTest, Set, picture, shown_whole};
use crate::columns::Table;
use crate::data::{Encoding, FitOptions, Matrix, ReadOptions, is_absent, read};
use crate::error::{Error, shown, typed};
use crate::name;
use crate::network::{Activation, Layer, Loss, Network, Optimizer, OptimizerKind, Weights, converted};
use crate::page::{self, COLOURS, Chart, Form, PIGMENTS, Series, Size, Words, digits, tinted};
use crate::training::session::{Precision, PrecisionName, Recipe, Samples, Session};

pub(super) const NAME: &str = "plane";
pub(super) const SUMMARY: &str =
    "what hidden layers can separate, on a plane of two inputs (4 sets of 120 rows, 2,000 steps)";

const OF_READERS: &str = "what hidden layers can separate, on a plane of two inputs (your rows, 2,000 steps)";

const ROWS: usize = 120;
const STEPS: usize = 2_000;
/// Steps after which losses are compared with numpy's.
const COMPARED: usize = 100;
const RATE: f64 = 0.3;
/// Hidden layers.
const HIDDEN: [&[usize]; 4] = [&[], &[3], &[8], &[8, 8]];
const ACTIVATIONS: [Activation; 3] = [Activation::Tanh, Activation::Relu, Activation::Sigmoid];
/// Rows of the reader's own file, at most: a page holds them.
const MOST_ROWS: usize = 1_000;
/// Seeds that a page offers.
const SEEDS: u32 = 5;
/// Points of a plane along each side.
const SIDE: usize = 40;
/// Steps of a page's self-test.
const TESTED: usize = 50;

/// What became of one set and one net.
#[derive(Clone)]
struct Parted {
    /// The mean loss of a row before the first step, before the step after [`COMPARED`] ones, and at the end.
    losses: Vec<f64>,
    outputs: Vec<f64>,
    weights: Weights<f64>,
    right: usize,
    /// The outputs over the plane, from its upper left corner on.
    surface: Vec<f64>,
}

pub(super) fn run(machine: &Machine, options: &Options) -> Result<Report> {
    let Chosen { sets, inputs: names, two } = sets(options)?;
    let parted = parted(machine, &sets, STEPS)?;
    // The lesson's own sets are compared with numpy's, whatever the reader's rows are.
    let compared = parted_for_numpy(machine, options, &parted)?;
    let at = |step: usize| compared.iter().map(|parted| parted.losses[step]).collect::<Vec<f64>>();
    let names_of_comparisons = match options.data.is_some() {
        true => ["the lesson's own sets: losses at the start", "the lesson's own sets: losses after 100 steps"],
        false => ["losses at the start", "losses after 100 steps"],
    };
    let comparisons = vec![
        Comparison::new(names_of_comparisons[0], "", &REFERENCE_FIRST, &at(0), machine.tolerance(1e-12, 1e-6)),
        Comparison::new(names_of_comparisons[1], "", &REFERENCE_AFTER, &at(COMPARED), machine.tolerance(1e-9, 1e-4)),
    ];
    let (last, last_set) = (parted.last().expect("there are nets"), sets.last().expect("there are sets"));
    let findings = Findings {
        lesson: NAME,
        summary: SUMMARY,
        output: last.outputs.clone(),
        weights: last.weights.iter().map(|layer| layer.weight.clone()).collect(),
        losses: last.losses.clone(),
        comparisons,
        printed: printed(&sets, &parted),
        explanation: explanation(&sets, &parted),
        example: Example {
            hidden: ACTIVATIONS[0],
            net: "The net with hidden layers 8-8 for the last set",
            biases: last.weights.iter().map(|layer| layer.bias.clone()).collect(),
            ..Example::new(&[("x", last_set.inputs.row(0)[0]), ("y", last_set.inputs.row(0)[1])])
        },
    };
    let charts = sets
        .iter()
        .zip(parted.chunks(HIDDEN.len()))
        .map(|(set, parted)| chart(set, &names, &two, &parted[HIDDEN.len() - 1]));
    let summary = if options.data.is_some() { OF_READERS } else { SUMMARY };
    Ok(Report { summary, charts: charts.collect(), ..findings.report(machine) })
}

/// What becomes of each set with each net.
fn parted(machine: &Machine, sets: &[Set], steps: usize) -> Result<Vec<Parted>> {
    let each = sets.iter().flat_map(|set| HIDDEN.map(|hidden| (set, hidden)));
    each.map(|(set, hidden)| {
        let network = network(hidden, ACTIVATIONS[0])?;
        match machine.precision {
            PrecisionName::F64 => part::<f64>(machine, set, &network, steps),
            PrecisionName::F32 | PrecisionName::Mixed => part::<f32>(machine, set, &network, steps),
        }
    })
    .collect()
}

/// The same of the lesson's own sets, for as many steps as are compared.
fn parted_for_numpy<'a>(machine: &Machine, options: &Options, known: &'a [Parted]) -> Result<Cow<'a, [Parted]>> {
    match options.data.is_none() {
        true => Ok(Cow::Borrowed(known)),
        false => parted(machine, &own_sets(), COMPARED + 1).map(Cow::Owned),
    }
}

/// The lesson's own sets.
fn own_sets() -> Vec<Set> {
    vec![circle(), exclusive_or(), gaussians(), spiral()]
}

/// The sets of the lesson, or the reader's own, and the names of the two inputs and of the two classes.
struct Chosen {
    sets: Vec<Set>,
    inputs: Vec<String>,
    two: [String; 2],
}

fn sets(options: &Options) -> Result<Chosen> {
    match &options.data {
        Some(path) => readers(&name::text(path.as_os_str())),
        None => Ok(Chosen { sets: own_sets(), inputs: vec!["x".into(), "y".into()], two: ["0".into(), "1".into()] }),
    }
}

/// The reader's own rows: two columns of numbers, and one of two classes.
fn readers(source: &str) -> Result<Chosen> {
    let unfit = || {
        let (name, typed) = (shown(source), typed(source));
        Error::Data(format!(
            "{name}: the lesson '{NAME}' needs two columns of numbers and, as the last, one of two classes, without more to be said of them; \
             wgrad data {typed} says what is there"
        ))
    };
    let plain = |error: Error| match error {
        Error::Data(_) | Error::Refused(_) if !is_absent(source) => unfit(),
        other => other,
    };
    let mut table = read(source, &ReadOptions::default()).map_err(plain)?;
    table.truncate(MOST_ROWS);
    let rows: Vec<usize> = (0..table.rows).collect();
    let fitting = FitOptions { bins: Some(0), ..FitOptions::default() };
    let encoding = Encoding::fit(&table, &rows, &fitting).map_err(plain)?;
    let names = encoding.input_names();
    if names.len() != 2 || encoding.class_names().len() != 2 {
        return Err(unfit());
    }
    let (inputs, targets) = (encoding.encode_inputs(&table, &rows)?, encoding.encode_targets(&table, &rows, 1)?);
    let sets = vec![Set { name: shown(source), inputs, targets }];
    let two = [0, 1].map(|class| encoding.class_names()[class].clone());
    Ok(Chosen { sets, inputs: names, two })
}

fn set(name: &str, points: impl Iterator<Item = ([f64; 2], bool)>) -> Set {
    let points: Vec<_> = points.collect();
    let inputs = points.iter().flat_map(|(point, _)| *point).collect();
    let targets = points.iter().map(|&(_, is_one)| f64::from(u8::from(is_one))).collect();
    Set { name: name.into(), inputs: Matrix::new(points.len(), 2, inputs), targets: Matrix::new(points.len(), 1, targets) }
}

/// 1 within a circle, 0 in a ring around it.
fn circle() -> Set {
    let mut random = NumpyRandom::new(2);
    let (angles, ring, disc) = (random.uniforms(ROWS), random.uniforms(ROWS), random.uniforms(ROWS));
    let point = |row: usize| {
        let is_inside = row.is_multiple_of(2);
        let radius = if is_inside { 0.4 * disc[row] } else { 0.65 + 0.3 * ring[row] };
        let angle = 2.0 * std::f64::consts::PI * angles[row];
        ([radius * angle.cos(), radius * angle.sin()], is_inside)
    };
    set("circle", (0..ROWS).map(point))
}

/// 1 where just one of the two is above zero.
fn exclusive_or() -> Set {
    let values = NumpyRandom::new(1).uniforms(2 * ROWS);
    let point = |pair: &[f64]| {
        let [x, y] = [2.0 * pair[0] - 1.0, 2.0 * pair[1] - 1.0];
        ([x, y], x * y < 0.0)
    };
    set("exclusive or", values.chunks(2).map(point))
}

/// Two clouds.
fn gaussians() -> Set {
    let values = NumpyRandom::new(3).normals(0.0, 0.3, 2 * ROWS);
    let point = |(row, pair): (usize, &[f64])| {
        let is_one = !row.is_multiple_of(2);
        let middle = if is_one { 0.4 } else { -0.4 };
        ([pair[0] + middle, pair[1] + middle], is_one)
    };
    set("two Gaussians", values.chunks(2).enumerate().map(point))
}

/// Two arms, one and a half turns each.
fn spiral() -> Set {
    let noise = NumpyRandom::new(4).normals(0.0, 0.02, 2 * ROWS);
    let point = |(row, noise): (usize, &[f64])| {
        let is_one = !row.is_multiple_of(2);
        let along = (row / 2 + 1) as f64 / (ROWS / 2) as f64;
        let turned = if is_one { std::f64::consts::PI } else { 0.0 };
        let angle = along * 3.0 * std::f64::consts::PI + turned;
        ([along * angle.sin() + noise[0], along * angle.cos() + noise[1]], is_one)
    };
    set("spiral", noise.chunks(2).enumerate().map(point))
}

fn network(hidden: &[usize], activation: Activation) -> Result<Network> {
    let mut activations = vec![activation; hidden.len()];
    activations.push(Activation::Sigmoid);
    Network::new([&[2], hidden, &[1]].concat(), activations, true)
}

/// Uniform between ±√(6 / (inputs + outputs)), layer by layer; biases are 0.
fn first_weights(seed: u32, hidden: &[usize]) -> Vec<Matrix<f64>> {
    let mut random = NumpyRandom::new(seed);
    let widths = [&[2], hidden, &[1]].concat();
    let matrix = |pair: &[usize]| {
        let most = (6.0 / (pair[0] + pair[1]) as f64).sqrt();
        let values = random.uniforms(pair[0] * pair[1]).into_iter().map(|u| most * (2.0 * u - 1.0)).collect();
        Matrix::new(pair[0], pair[1], values)
    };
    widths.windows(2).map(matrix).collect()
}

fn with_biases<T: Precision>(weights: &[Matrix<f64>]) -> Weights<T> {
    weights.iter().map(|weight| Layer { weight: weight.converted(), bias: vec![T::ZERO; weight.columns] }).collect()
}

fn optimizer() -> Optimizer {
    Optimizer::new(OptimizerKind::Momentum)
}

fn session<T: Precision>(machine: &Machine, set: &Set, network: &Network) -> Result<Session<T>> {
    let hidden = &network.widths()[1..network.layers()];
    let recipe = Recipe { optimizer: optimizer(), ..Recipe::plain(Loss::BinaryCrossEntropy, RATE, set.inputs.rows) };
    let samples = Samples::new(set.inputs.converted(), set.targets.converted());
    Session::new(network.clone(), recipe, &with_biases(&first_weights(0, hidden)), samples, &machine.device)
}

fn train<T: Precision>(session: &mut Session<T>, steps: usize) -> Result<Vec<f64>> {
    let mut losses = Vec::with_capacity(steps);
    while losses.len() < steps {
        let epochs = (steps - losses.len()).min(session.epochs_at_once());
        losses.extend(session.train(epochs, |_| ControlFlow::Continue(()))?.losses);
    }
    Ok(losses)
}

fn part<T: Precision>(machine: &Machine, set: &Set, network: &Network, steps: usize) -> Result<Parted> {
    let mut session = session::<T>(machine, set, network)?;
    let losses = train(&mut session, steps)?;
    let outputs: Vec<f64> = session.predict(&set.inputs.converted())?.converted().values;
    let surface = session.predict(&grid(set).converted())?.converted().values;
    let right =
        outputs.iter().zip(&set.targets.values).filter(|(output, target)| (**output >= 0.5) == (**target >= 0.5)).count();
    Ok(Parted { losses, outputs, weights: converted(&session.weights()?), right, surface })
}

/// The ends of a set's plane along one input, with some room.
fn ends_of(set: &Set, input: usize) -> [f64; 2] {
    let (least, largest) = page::ends((0..set.inputs.rows).map(|row| set.inputs.row(row)[input]));
    let room = 0.1 * (largest - least).max(1e-9);
    [least - room, largest + room]
}

/// The points of a set's plane, from its upper left corner on.
fn grid(set: &Set) -> Matrix<f64> {
    let [across, up] = [0, 1].map(|input| ends_of(set, input));
    let between = |[from, to]: [f64; 2], place: usize| from + (to - from) * (place as f64 + 0.5) / SIDE as f64;
    let point = |point: usize| [between(across, point % SIDE), between(up, SIDE - 1 - point / SIDE)];
    Matrix::new(SIDE * SIDE, 2, (0..SIDE * SIDE).flat_map(point).collect())
}

/// The plane of a set with the last of the nets: what it says of every place, and the rows.
fn chart(set: &Set, names: &[String], two: &[String; 2], parted: &Parted) -> Chart {
    let pixel = |&output: &f64| {
        let [red, green, blue] = PIGMENTS[usize::from(output < 0.5)];
        [red, green, blue, (200.0 * (2.0 * output - 1.0).abs()) as u8]
    };
    let pixels: Vec<[u8; 4]> = parted.surface.iter().map(pixel).collect();
    let series = |name: &str, class: usize, is_one: bool| {
        let rows = (0..set.inputs.rows).filter(|&row| (set.targets.values[row] > 0.5) == is_one);
        let points = rows.map(|row| (set.inputs.row(row)[0], set.inputs.row(row)[1])).collect();
        Series { name: name.into(), colour: COLOURS[class], form: Form::Marks, dashed: false, points }
    };
    let words = |input: usize| {
        let [from, to] = ends_of(set, input);
        Words::linear(&names[input]).over(from, to)
    };
    let hidden = called(HIDDEN[HIDDEN.len() - 1]);
    let title = format!("{}: what the net with hidden layers {hidden} says at each point", set.name);
    let about = format!("{} of {} rows are on the right side of ½", parted.right, set.inputs.rows);
    let chart = Chart::half(&title, about, words(0), words(1), vec![series(&two[1], 0, true), series(&two[0], 1, false)]);
    Chart { picture: Some(tinted(SIDE, &pixels)), size: Size::Square, ..chart }
}

/// The hidden layers as they are called.
fn called(hidden: &[usize]) -> String {
    match hidden {
        [] => "none".to_owned(),
        hidden => hidden.iter().map(usize::to_string).collect::<Vec<_>>().join("-"),
    }
}

/// Rows that are right and the loss, of each set with each net.
fn printed(sets: &[Set], parted: &[Parted]) -> String {
    let headers: Vec<String> = HIDDEN.iter().map(|hidden| format!("hidden {}", called(hidden))).collect();
    let headers: Vec<&str> = std::iter::once("set").chain(headers.iter().map(String::as_str)).collect();
    let row = |(set, parted): (&Set, &[Parted])| {
        let cell = |parted: &Parted| format!("{} ({})", parted.right, digits(parted.losses[STEPS - 1]));
        std::iter::once(set.name.clone()).chain(parted.iter().map(cell)).collect()
    };
    let rows = sets.iter().zip(parted.chunks(HIDDEN.len())).map(row).collect();
    format!(
        "Rows of {} on the right side of ½ after {STEPS} steps (and the cross-entropy)\n{}\n",
        sets[0].inputs.rows,
        Table::new(&headers, rows, 1).text()
    )
}

fn explanation(sets: &[Set], parted: &[Parted]) -> Vec<String> {
    let of = |set: usize, hidden: usize| parted[set * HIDDEN.len() + hidden].right;
    let rows = sets[0].inputs.rows;
    let mut text = vec![
        "Why a plane. With two inputs every point of a plane is a possible row, so that one can see what a network says at each of them: its \
         output as a colour, ½ as the border between the two. wgrad lesson plane --play plane.html writes a page on which the \
         network trains before your eyes, computed by wgrad's own kernels in the browser; --data FILE takes your own rows, two \
         columns of numbers and one of two classes."
            .to_owned(),
    ];
    if sets.len() > 1 {
        let (circle, xor, clouds, spiral) = (0, 1, 2, 3);
        text.extend([
            format!(
                "What no hidden layer can do. The border is where the weighted sum of the inputs and the bias is zero: a straight line. It separates the two clouds ({} of {rows} rows are right, and the clouds overlap), and fails wherever the classes do not lie on two sides of \
                 a line: {} of {rows} in the circle, {} of {rows} for the exclusive or, {} of {rows} in the spiral.",
                of(clouds, 0),
                of(circle, 0),
                of(xor, 0),
                of(spiral, 0)
            ),
            format!(
                "What hidden units add. Each draws a line of its own, and the output adds up on which sides a row lies. Three lines make a \
                 triangle around the circle ({} of {rows}) and almost separate the exclusive or ({}); eight do both ({} and {}).",
                of(circle, 1),
                of(xor, 1),
                of(circle, 2),
                of(xor, 2)
            ),
            format!(
                "Why a second layer. The spiral turns one and a half times. One layer of eight units gets {} of {rows} rows right; two \
                 layers of eight, whose second layer combines the half planes of the first into curved regions, get {}.",
                of(spiral, 2),
                of(spiral, 3)
            ),
        ]);
    }
    text
}

/// The page on which the sets are learned.
///
/// # Errors
/// Data, for a file that does not fit.
pub(super) fn play(machine: &Machine, options: &Options, about: String, recorded: String) -> Result<Play> {
    let Chosen { sets, inputs, two } = sets(options)?;
    let outputs = vec![format!("P({})", two[1])];
    let mut session = session::<f32>(machine, &sets[0], &network(HIDDEN[1], ACTIVATIONS[0])?)?;
    train(&mut session, TESTED)?;
    let test =
        SelfTest { steps: TESTED, weights: converted(&session.weights()?), bound: Machine::drift_of_singles(TESTED, 16.0) };
    // What is chosen at first, and tested, comes first.
    let hidden = [HIDDEN[1], HIDDEN[2], HIDDEN[3], HIDDEN[0]];
    let mut nets = Vec::new();
    for (hidden, activation) in hidden.iter().flat_map(|&hidden| ACTIVATIONS.map(|activation| (hidden, activation))) {
        let network = network(hidden, activation)?;
        let start = |seed: u32| (format!("seed {seed}"), with_biases(&first_weights(seed, hidden)));
        let (picture, shown) = (picture(&network, &inputs, &outputs, &shown_whole(&network))?, shown_whole(&network));
        nets.push(Net { activation: Some(activation), picture, shown, network, starts: (0..SEEDS).map(start).collect() });
    }
    let rows = sets.iter().map(|set| set.inputs.rows).max().unwrap_or_default();
    Ok(Play {
        title: format!("wgrad lesson {NAME}"),
        about,
        recorded,
        sets,
        nets,
        row: 0,
        loss: Loss::BinaryCrossEntropy,
        optimizer: optimizer(),
        adds_up: false,
        rates: (vec![0.003, 0.01, 0.03, 0.1, RATE, 1.0], 4),
        batches: vec![10, 30, rows],
        outputs,
        inputs,
        classes: true,
        two,
        test: Some(test),
    })
}

/// Of each set, with each number of hidden units.
#[rustfmt::skip]
const REFERENCE_FIRST: [f64; 16] = [
    0.7046715450968313, 0.7065628863648836, 0.6986848591305056, 0.6958122566153889,
    0.7070527623166191, 0.7418846628008249, 0.7288823605133683, 0.6967643839172458,
    0.5650146929162481, 0.5415017017012519, 0.6407065757679448, 0.635339319523748,
    0.6994756099941785, 0.735019894269292, 0.7288183488195263, 0.6963697770493075,
];
/// Of each set, with each number of hidden units.
#[rustfmt::skip]
const REFERENCE_AFTER: [f64; 16] = [
    0.6921254891175862, 0.24442250532729848, 0.03705974006894029, 0.0031129674115144743,
    0.6792184791388747, 0.23609545124390124, 0.07855467017736481, 0.049355911559922826,
    0.09042993273019545, 0.07366831439810502, 0.07424529101524303, 0.07185999069934272,
    0.6567246648101147, 0.6585023507061628, 0.6581936353171874, 0.6574283789298414,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::claims;

    #[test]
    fn every_number_in_the_prose_is_computed_and_its_words_hold() {
        let machine = Machine::for_tests();
        let report = run(&machine, &Options::default()).expect("a report");
        let parted = parted(&machine, &own_sets(), STEPS).expect("trained nets");
        let right: Vec<f64> = parted.iter().map(|parted| parted.right as f64).collect();
        claims::check(&report, "120", &right);
        let [circle, xor, clouds, spiral] = [0, 1, 2, 3].map(|set| &right[4 * set..][..4]);
        assert!([circle, xor, spiral].iter().all(|right| right[0] < 80.0), "a line fails: {right:?}");
        assert!(clouds[0] > 110.0, "a line parts the clouds: {right:?}");
        assert!(circle[1] == 120.0 && (115.0..120.0).contains(&xor[1]), "three lines: {right:?}");
        assert!(circle[2] == 120.0 && xor[2] == 120.0, "eight do both: {right:?}");
        assert!(spiral[2] < 80.0 && spiral[3] == 120.0, "the spiral needs a second layer: {right:?}");
    }

    #[test]
    fn the_plane_begins_at_its_upper_left_corner() {
        let points = [([0.0, 0.0], true), ([10.0, 100.0], false)];
        let grid = grid(&set("two points", points.into_iter()));
        assert_eq!((grid.rows, grid.columns), (SIDE * SIDE, 2));
        assert!(grid.row(0)[0] < 0.0 && grid.row(0)[1] > 100.0, "{:?}", grid.row(0));
        let last = grid.row(SIDE * SIDE - 1);
        assert!(last[0] > 10.0 && last[1] < 0.0, "{last:?}");
    }
}
