//! Why sigmoids starve the first layers: deep nets of three activations, the size of their gradients, and what they learn.

use super::comparison::Comparison;
use super::numpy_random::NumpyRandom;
use super::picture::Example;
use super::program::{Machine, Program};
use super::report::{Findings, Report};
use super::{Options, Result, udacity_step};
use crate::columns::Table;
use crate::data::{Matrix, ReadOptions, read};
use crate::error::Error;
use crate::network::activation::sigmoid;
use crate::network::{Activation, Loss};
use crate::page::{COLOURS, Chart, Form, Series, Words, digits};
use crate::training::session::Reduction;
use crate::verification::gradients::Problem;

pub(super) const NAME: &str = "vanishing";
pub(super) const SUMMARY: &str = "why sigmoids starve the first layers (2 to 12 hidden layers, 50 irises, 200 steps)";

/// Hidden layers.
const DEPTHS: [usize; 4] = [2, 4, 8, 12];
/// Units of each.
const WIDTH: usize = 16;
const ACTIVATIONS: [Activation; 3] = [Activation::Sigmoid, Activation::Tanh, Activation::Relu];
const STEPS: usize = 200;
const RATE: f64 = 0.07;
/// One from which rounding to f32 changes nothing that is told: from some seeds deep nets of relu jump about at this rate.
const SEED: u32 = 11;
/// Every third row of iris, which is sorted by species.
const EVERY: usize = 3;
const CLASSES: [&str; 3] = ["setosa", "versicolor", "virginica"];
/// The steepest slope of a sigmoid, where its output is ½.
const STEEPEST: f64 = 0.25;

/// A net of one activation and depth.
#[derive(Clone)]
struct Deep {
    activation: Activation,
    depth: usize,
    /// The root of the mean square of the gradient of each layer's weights, before the first step.
    gradients: Vec<f64>,
    first_loss: f64,
    losses: Vec<f64>,
    /// What it says of the rows at the end, and by which weights.
    output: Vec<f64>,
    weights: Vec<Matrix<f64>>,
}

impl Deep {
    fn run(machine: &Machine, data: &(Matrix<f64>, Matrix<f64>), activation: Activation, depth: usize) -> Result<Self> {
        let program = program(data, activation, depth);
        let mut problem = program.problem()?;
        let (first_loss, gradients) = (problem.loss()?, sizes(&mut problem)?);
        let mut trainer = machine.trainer(&program)?;
        let losses = trainer.train(STEPS)?;
        let (output, weights) = (trainer.predict(&program.inputs)?, trainer.weights()?);
        Ok(Self { activation, depth, gradients, first_loss, losses, output, weights })
    }

    /// By how much the gradient shrinks from one hidden layer to the one before it, in the geometric mean; the first layer,
    /// whose inputs are the data, is left out.
    fn factor(&self) -> Option<f64> {
        let (second, last) = (self.gradients[1], self.gradients[self.depth - 1]);
        (self.depth > 2).then(|| (second / last).powf(1.0 / (self.depth - 2) as f64))
    }

    fn last_loss(&self) -> f64 {
        self.losses[STEPS - 1]
    }
}

fn sizes(problem: &mut Problem) -> Result<Vec<f64>> {
    let size = |gradient: &Vec<f64>| (gradient.iter().map(|g| g * g).sum::<f64>() / gradient.len() as f64).sqrt();
    Ok(problem.gradients()?.iter().map(size).collect())
}

pub(super) fn run(machine: &Machine, _: &Options) -> Result<Report> {
    let data = irises()?;
    let mut nets = Vec::new();
    for (activation, depth) in ACTIVATIONS.iter().flat_map(|&activation| DEPTHS.map(|depth| (activation, depth))) {
        nets.push(Deep::run(machine, &data, activation, depth)?);
    }
    // The net that is shown is the first, of two hidden layers of sigmoids, which learns.
    let Deep { losses, output, weights, .. } = nets[0].clone();
    let claim = Claim::of(&udacity_step::outputs(machine)?);
    let factors: Vec<f64> = nets.iter().filter_map(Deep::factor).collect();
    let of_deepest = |which: usize| &nets[which * DEPTHS.len() + DEPTHS.len() - 1];
    let gradients = |which: usize| of_deepest(which).gradients.clone();
    let first_losses: Vec<f64> = nets.iter().map(|net| net.first_loss).collect();
    let last_losses: Vec<f64> = nets.iter().map(Deep::last_loss).collect();
    // The gradients are always computed in f64.
    let comparisons = vec![
        Comparison::new("least share lost, in percent", "75 93.75", &[75.0, 93.75], &claim.least_lost, 1e-9),
        Comparison::new(
            "share lost in udacity-step",
            "",
            &[75.0225797780422, 93.84470742906659, 94.07466165119025],
            &claim.lost,
            machine.tolerance(1e-9, 1e-4),
        ),
        Comparison::new(
            "share that arrives there",
            "",
            &[0.6155292570933417, 1.7776015046429254],
            &claim.arrives,
            machine.tolerance(1e-9, 1e-4),
        ),
        Comparison::new("gradients of 12 sigmoid layers", "", &REFERENCE_SIGMOID, &gradients(0), 1e-12),
        Comparison::new("gradients of 12 tanh layers", "", &REFERENCE_TANH, &gradients(1), 1e-12),
        Comparison::new("gradients of 12 relu layers", "", &REFERENCE_RELU, &gradients(2), 1e-12),
        Comparison::new("factors a layer", "", &REFERENCE_FACTORS, &factors, 1e-9),
        Comparison::new("losses at the start", "", &REFERENCE_FIRST, &first_losses, 1e-12),
        Comparison::new("losses at the end", "", &REFERENCE_LAST, &last_losses, machine.tolerance(1e-9, 1e-5)),
    ];
    let charts = vec![gradient_chart(&ACTIVATIONS.map(Activation::name), &[0, 1, 2].map(gradients)), loss_chart(&nets)];
    let findings = Findings {
        lesson: NAME,
        summary: SUMMARY,
        output,
        weights,
        losses,
        comparisons,
        printed: printed(&nets, &[0, 1, 2].map(of_deepest)),
        explanation: explanation(&nets, &claim, &data.1),
        example: example(&data.0),
    };
    Ok(Report { charts, ..findings.report(machine) })
}

#[rustfmt::skip]
const REFERENCE_SIGMOID: [f64; 13] = [
    5.689433572921996e-09, 9.415815042844752e-09, 4.529966938909492e-08, 2.0944908406697182e-07, 9.631765179447176e-07,
    3.0985963636077143e-06, 1.0907177003870022e-05, 4.2103973494977054e-05, 0.00018187839647082257, 0.0008014986249922432,
    0.002662719486780568, 0.012357749021163274, 0.09051488608774995,
];
#[rustfmt::skip]
const REFERENCE_TANH: [f64; 13] = [
    0.06045837152726587, 0.046276084311587265, 0.04120327545394211, 0.0378043679453955, 0.04746081176674395,
    0.03543280851782656, 0.029101662778014927, 0.030212136380597842, 0.02908653197664976, 0.031206696133982123,
    0.021068616231959415, 0.023870298478727743, 0.04852253308528331,
];
#[rustfmt::skip]
const REFERENCE_RELU: [f64; 13] = [
    0.03134994448913349, 0.02894542449692753, 0.04678591257088206, 0.03840712550265368, 0.05362332596437643,
    0.040315837075405286, 0.030186187982228167, 0.03596797167785196, 0.034824012478422164, 0.04309327259545455,
    0.06688115511681891, 0.046204132174907785, 0.09906882341371553,
];
/// Of 4, 8 and 12 hidden layers, for each activation.
#[rustfmt::skip]
const REFERENCE_FACTORS: [f64; 9] = [
    0.225587859689434, 0.22385665868815763, 0.24445102060781804,
    0.9662396949672962, 1.0196352035078404, 1.068439352347541,
    0.9781345943650782, 1.0328585803211163, 0.9543109576741474,
];
/// Of 2, 4, 8 and 12 hidden layers, for each activation.
#[rustfmt::skip]
const REFERENCE_FIRST: [f64; 12] = [
    1.1220413999820147, 1.167049719967735, 1.2171599897959566, 1.2682058606286315,
    1.0103030929801005, 1.2702160835218448, 1.0044327946415281, 1.070523912043707,
    1.3842947907803111, 1.5924258809007765, 1.3501954200821626, 1.2587662069819459,
];
#[rustfmt::skip]
const REFERENCE_LAST: [f64; 12] = [
    0.830933432814262, 1.098400737301603, 1.098207094358959, 1.0982095411553914,
    0.07761945321409712, 0.02968019627346433, 0.01745491608903045, 0.01834580374700211,
    0.03275534814086387, 0.005712815046037743, 0.0007779083917635287, 0.0003382761192248762,
];

/// Every third iris: four measurements, standardised over these rows, and a column of ones; and its species, a column each.
fn irises() -> Result<(Matrix<f64>, Matrix<f64>)> {
    let table = read("iris", &ReadOptions::default())?;
    let rows: Vec<usize> = (0..table.rows).step_by(EVERY).collect();
    let damaged = || Error::Internal("the embedded irises are not those of the lesson".into());
    let [measures @ .., species] = table.columns.as_slice() else { return Err(damaged()) };
    let mut inputs = Matrix::new(rows.len(), measures.len() + 1, vec![1.0; rows.len() * (measures.len() + 1)]);
    for (column, measure) in measures.iter().enumerate() {
        let values: Option<Vec<f64>> = rows.iter().map(|&row| measure.cells.number(row)).collect();
        let values = values.ok_or_else(damaged)?;
        let mean = values.iter().sum::<f64>() / rows.len() as f64;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / rows.len() as f64;
        for (row, value) in values.iter().enumerate() {
            inputs.values[row * (measures.len() + 1) + column] = (value - mean) / variance.sqrt();
        }
    }
    let one_hot = |&row: &usize| CLASSES.map(|class| f64::from(species.cells.text(row).is_some_and(|text| text == class)));
    let targets = rows.iter().flat_map(one_hot).collect();
    Ok((inputs, Matrix::new(rows.len(), CLASSES.len(), targets)))
}

/// A net of this depth with first weights that suit it: U(-r, r), r = √(6 / (inputs + outputs)) of a layer, for relu √(6 /
/// inputs).
fn program((inputs, targets): &(Matrix<f64>, Matrix<f64>), hidden: Activation, depth: usize) -> Program {
    let mut random = NumpyRandom::new(SEED);
    let widths: Vec<usize> = std::iter::once(inputs.columns).chain(vec![WIDTH; depth]).chain([targets.columns]).collect();
    let layer = |pair: &[usize]| {
        let fan = if hidden == Activation::Relu { pair[0] } else { pair[0] + pair[1] };
        let radius = (6.0 / fan as f64).sqrt();
        let values = random.uniforms(pair[0] * pair[1]).into_iter().map(|u| radius * (2.0 * u - 1.0)).collect();
        Matrix::new(pair[0], pair[1], values)
    };
    let weights = widths.windows(2).map(layer).collect();
    Program {
        targets: targets.clone(),
        loss: Loss::CrossEntropy,
        reduction: Reduction::Mean,
        hidden,
        ..Program::new(inputs.clone(), &[], weights, RATE)
    }
}

/// "At least 75 % is lost in the output layer, and 93.75 % in the hidden layer", and what it comes to for its own example,
/// in percent.
struct Claim {
    /// What slopes of ¼ leave of an error in one layer and in two.
    least_lost: [f64; 2],
    /// By the slopes that there are: of the output, and of the output and each hidden unit.
    lost: [f64; 3],
    /// What arrives at each hidden unit, the weights included.
    arrives: [f64; 2],
}

impl Claim {
    fn of(outputs: &udacity_step::Outputs) -> Self {
        let slope = |a: f64| a * (1.0 - a);
        let steepest = slope(sigmoid(0.0));
        let of_output = slope(outputs.output);
        let of_hidden = outputs.hidden.map(slope);
        let lost = |left: f64| 100.0 * (1.0 - left);
        let arrives = |unit: usize| 100.0 * (of_output * outputs.weights[unit] * of_hidden[unit]).abs();
        Self {
            least_lost: [lost(steepest), lost(steepest * steepest)],
            lost: [lost(of_output), lost(of_output * of_hidden[0]), lost(of_output * of_hidden[1])],
            arrives: [0, 1].map(arrives),
        }
    }
}

/// The first flower.
fn example(inputs: &Matrix<f64>) -> Example {
    let names = ["sepal length", "sepal width", "petal length", "petal width", "always 1"];
    let inputs = names.into_iter().zip(inputs.row(0).iter().copied()).collect();
    Example { inputs, outputs: CLASSES.to_vec(), net: "The sigmoid net of 2 hidden layers", ..Example::new(&[]) }
}

fn printed(nets: &[Deep], deepest: &[&Deep; 3]) -> String {
    let rows = nets.iter().map(|net| {
        let last = net.gradients[net.gradients.len() - 1];
        vec![
            net.activation.name().to_owned(),
            net.depth.to_string(),
            format!("{:.1e}", net.gradients[0]),
            format!("{last:.1e}"),
            net.factor().map_or("-".to_owned(), |factor| format!("{factor:.3}")),
            format!("{:.4}", net.first_loss),
            format!("{:.4}", net.last_loss()),
        ]
    });
    let headers = ["activation", "hidden layers", "gradient, first", "gradient, last", "factor a layer", "loss at first"];
    let end = format!("of step {STEPS}");
    let headers: Vec<&str> = headers.into_iter().chain([end.as_str()]).collect();
    let nets = Table::new(&headers, rows.collect(), 1);
    let layers = DEPTHS[DEPTHS.len() - 1];
    let name = |layer: usize| if layer == layers { "to the output".into() } else { format!("to hidden {}", layer + 1) };
    let rows = (0..=layers).map(|layer| {
        let sizes = deepest.iter().map(|net| format!("{:.1e}", net.gradients[layer]));
        let bound = deepest[0].gradients[layers] * STEEPEST.powi((layers - layer) as i32);
        std::iter::once(name(layer)).chain(sizes).chain([format!("{bound:.1e}")]).collect()
    });
    let by_layer = Table::new(&["weights", "sigmoid", "tanh", "relu", "slopes of ¼ alone"], rows.collect(), 1);
    format!(
        "the size of the gradient (root mean square) of the first and the last weights, before any step;\n\
         factor a layer: what is kept from a hidden layer to the one before, in the mean, back to the second\n{}\n\n\
         layer by layer, {layers} hidden layers, beside what slopes of ¼ alone leave of the sigmoid net's last\n{}\n",
        nets.text(),
        by_layer.text()
    )
}

fn gradient_chart(names: &[&str; 3], gradients: &[Vec<f64>; 3]) -> Chart {
    let points = |sizes: &Vec<f64>| sizes.iter().enumerate().map(|(layer, &size)| ((layer + 1) as f64, size)).collect();
    let series = names.iter().zip(gradients).zip(COLOURS).map(|((name, sizes), colour)| Series {
        name: (*name).to_owned(),
        colour,
        form: Form::MarkedLine,
        dashed: false,
        points: points(sizes),
    });
    let ends = names.iter().zip(gradients).map(|(name, sizes)| {
        format!("{name}: {} in the first layer, {} in the last", digits(sizes[0]), digits(sizes[sizes.len() - 1]))
    });
    let about = ends.collect::<Vec<_>>().join("; ");
    let (x, y) = (
        Words::linear("layer of weights, from the first to the output's"),
        Words::logarithmic("gradient (root mean square)"),
    );
    Chart::half("Size of the gradient, 12 hidden layers", about, x, y, series.collect())
}

fn loss_chart(nets: &[Deep]) -> Chart {
    let deepest = nets.iter().filter(|net| net.depth == DEPTHS[DEPTHS.len() - 1]);
    let series: Vec<Series> = deepest
        .zip(COLOURS)
        .map(|(net, colour)| Series {
            name: net.activation.name().to_owned(),
            colour,
            form: Form::Line,
            dashed: false,
            points: net.losses.iter().enumerate().step_by(3).map(|(step, &loss)| (step as f64, loss)).collect(),
        })
        .collect();
    let ends = nets.iter().filter(|net| net.depth == DEPTHS[DEPTHS.len() - 1]);
    let ends = ends.map(|net| format!("{}: {} at the end", net.activation.name(), digits(net.last_loss())));
    let about = ends.collect::<Vec<_>>().join("; ");
    Chart::half("Loss, 12 hidden layers", about, Words::linear("steps"), Words::linear("cross-entropy"), series)
}

/// The least cross-entropy of outputs that are the same for every row.
fn entropy(targets: &Matrix<f64>) -> f64 {
    let share = |class: usize| (0..targets.rows).map(|row| targets.row(row)[class]).sum::<f64>() / targets.rows as f64;
    (0..targets.columns).map(share).map(|share| -share * share.ln()).sum()
}

fn explanation(nets: &[Deep], claim: &Claim, targets: &Matrix<f64>) -> Vec<String> {
    let [sigmoids, tanhs, relus] = [0, 1, 2].map(|which| &nets[which * DEPTHS.len()..(which + 1) * DEPTHS.len()]);
    let deepest = &sigmoids[DEPTHS.len() - 1];
    let (first, last) = (deepest.gradients[0], deepest.gradients[deepest.depth]);
    let factor = |net: &Deep| net.factor().map_or(String::new(), |factor| format!("{factor:.3}"));
    let guessing = entropy(targets);
    let [shallow, .., deep] = sigmoids else { return Vec::new() };
    let [least, least_twice] = claim.least_lost;
    let [lost, lost_first, lost_second] = claim.lost;
    let [arrives_first, arrives_second] = claim.arrives;
    vec![
        format!(
            "What is compared. Nets of {} to {} hidden layers of {WIDTH} units, without biases, with sigmoid, tanh or \
             relu in the hidden layers and a softmax of three classes as the output. The data are every third of the 150 \
             irises: four measures, standardised, and a fifth input that is always 1. The first weights suit the \
             activation: uniform in ±√(6/(inputs + outputs)) of a layer, for relu ±√(6/inputs), from seed {SEED}. All \
             take {STEPS} steps of rate {RATE} with all rows.",
            DEPTHS[0],
            DEPTHS[DEPTHS.len() - 1]
        ),
        format!(
            "Why sigmoids starve the first layers. On its way back the gradient is multiplied by the slope of every \
             layer that it passes, and a sigmoid's slope is at most ¼. With first weights that neither enlarge nor \
             shrink it, almost only the slopes count: from the last hidden layer back to the second, the gradient keeps in the mean, from one layer to the one before, a factor of {}, {} and {} (4, 8 and 12 hidden layers). In the deepest net the weights to the output have a \
             gradient of {last:.1e} and the first weights one of {first:.1e}: {:.0} million times less. So at the same rate the first weights hardly change.",
            factor(&sigmoids[1]),
            factor(&sigmoids[2]),
            factor(&sigmoids[3]),
            last / first / 1e6
        ),
        format!(
            "What that does to learning. After the same {STEPS} steps the sigmoid net of {} hidden layers has come to a \
             loss of {:.4}, that of {} to {:.4}: nothing but guessing, since knowing only how frequent the three species are \
             comes to {guessing:.4}. That is all that its last layer has learned: it is told nothing about the flowers, since the first layers still turn every flower into nearly the same numbers.",
            shallow.depth,
            shallow.last_loss(),
            deep.depth,
            deep.last_loss()
        ),
        format!(
            "Why tanh and relu do not starve them. tanh is a sigmoid stretched and moved, and its slope is 1 where its \
             output is 0, which is where units with small weights are; relu's slope is 1 wherever it is on. Their \
             factors are {}, {} and {} (tanh) and {}, {} and {} (relu), and after {STEPS} steps the nets of 12 hidden \
             layers have losses of {:.4} and {:.4}. A factor above 1 would let gradients explode instead: the first \
             weights are chosen to keep it near 1, and have to be chosen for the activation.",
            factor(&tanhs[1]),
            factor(&tanhs[2]),
            factor(&tanhs[3]),
            factor(&relus[1]),
            factor(&relus[2]),
            factor(&relus[3]),
            tanhs[3].last_loss(),
            relus[3].last_loss()
        ),
        format!(
            "Is at least 75 % lost in the output layer and 93.75 % in the hidden layer? So says the course that udacity-step is from. A slope of at most ¼ takes at least {least} % of an error away, two in a row take at \
             least {least_twice} %. In the course's own example the slope of the output takes {lost:.2} %, and with \
             those of the two hidden units it is {lost_first:.2} % and {lost_second:.2} %: the claim is true for the slopes."
        ),
        format!(
            "What the claim leaves out. Between two slopes there is a weight. In the example these are 0.1 and -0.3, so \
             that only {arrives_first:.2} % and {arrives_second:.2} % of the error arrive, less than the claim allows. \
             It can be more as well: a weight above 4 makes up for a slope of ¼, and a unit with many weights to the \
             next layer adds up what comes back through each. So gradients need not vanish in sigmoid nets. They do with \
             first weights of the usual size, and weights large enough to prevent it drive sigmoids to their flat ends, \
             where the slope is far below ¼."
        ),
        "What to do about it. Take relu or tanh in hidden layers and keep sigmoids for outputs that are probabilities, \
         with cross-entropy, whose error needs no slope. wgrad train does so by itself; it warns you if gradients vanish on their way back all the same, and a run's report shows them layer by layer."
            .into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::claims;

    #[test]
    fn every_number_in_the_prose_is_given_or_computed() {
        let report = run(&Machine::for_tests(), &Options::default()).expect("a report");
        let sigmoids = &report.comparisons[3].computed;
        let entropy = -2.0 * 0.34 * 0.34_f64.ln() - 0.32 * 0.32_f64.ln();
        let values = [sigmoids[12] / sigmoids[0] / 1e6, entropy];
        // Layers, units, rows, inputs, steps, rate and seed; the 6 of the first weights; slopes; udacity-step's weights.
        claims::check(&report, "2 4 8 12 16 150 1 0 0.1 0.3 200 0.07 11 6", &values);
    }

    #[test]
    fn the_flowers_are_standardised_and_of_three_species() {
        let (inputs, targets) = irises().expect("the irises");
        assert_eq!((inputs.rows, inputs.columns, targets.columns), (50, 5, 3));
        let of = |matrix: &Matrix<f64>, column: usize| (0..50).map(|row| matrix.row(row)[column]).sum::<f64>();
        assert!((0..4).all(|column| of(&inputs, column).abs() < 1e-12) && of(&inputs, 4) == 50.0);
        assert_eq!([0, 1, 2].map(|column| of(&targets, column)), [17.0, 17.0, 16.0]);
    }
}
