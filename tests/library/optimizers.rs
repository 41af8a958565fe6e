//! Every optimizer, through the plan in f64, against PyTorch's torch.optim (2.15, f64): a 3-2-2 net of tanh and identity,
//! squared error ½ Σ (a - y)², mean over 4 rows, rate 0.1, momentum 0.9, weight decay 0.05 on the weights and none on the
//! biases.

use crate::common::{Trial, named};
use wgrad::executor::Executor;
use wgrad::executor::cpu::Cpu;
use wgrad::kernels::Step;
use wgrad::network::{Activation, Clip, Loss, Network, Optimizer, OptimizerKind};
use wgrad::plan::{Dropout, Frozen, LayerRates, Options, Phase, Plan, TrainingOptions};

/// 4 × 3.
const INPUTS: [f64; 12] = [0.5, -1.0, 0.25, 1.5, 0.75, -0.5, -0.25, 0.5, 1.0, 2.0, -0.5, 0.125];
/// 4 × 2.
const TARGETS: [f64; 8] = [1.0, 0.0, 0.25, -0.5, 0.0, 1.0, -1.0, 0.5];
/// The weights, 3 × 2, and the biases.
const FIRST_LAYER: [f64; 8] = [0.5, -0.25, 0.125, 0.75, -0.5, 0.375, 0.1, -0.2];
/// The weights, 2 × 2, and the biases.
const SECOND_LAYER: [f64; 6] = [0.25, -0.75, 1.0, 0.5, -0.3, 0.4];

/// The two layers after so many steps, as PyTorch has them; of RMSprop, with β 0.99, as numpy computes them by its definition.
const EXPECTED: [(OptimizerKind, usize, [f64; 8], [f64; 6]); 12] = [
    (
        OptimizerKind::Sgd,
        1,
        [
            0.48878781207798017,
            -0.21256134024206666,
            0.11840298007652256,
            0.7289193231935226,
            -0.4974915067830187,
            0.3713813429329489,
            0.10401816779460982,
            -0.16524696466946315,
        ],
        [
            0.26436025553728704,
            -0.7301384139184336,
            0.9544505071796883,
            0.47715466398011347,
            -0.24210731073715122,
            0.42316903131873584,
        ],
    ),
    (
        OptimizerKind::Sgd,
        7,
        [
            0.43988561251996444,
            -0.1465765131723526,
            0.07143491936028036,
            0.5836065265612215,
            -0.48632040983351466,
            0.36763065060965594,
            0.1382817448602662,
            -0.06249850313929299,
        ],
        [
            0.27450971713334027,
            -0.6639750685009254,
            0.7887280335488257,
            0.39602305577884855,
            -0.06475975677860296,
            0.4827069520039953,
        ],
    ),
    (
        OptimizerKind::Momentum,
        1,
        [
            0.48878781207798017,
            -0.21256134024206666,
            0.11840298007652256,
            0.7289193231935226,
            -0.4974915067830187,
            0.3713813429329489,
            0.10401816779460982,
            -0.16524696466946315,
        ],
        [
            0.26436025553728704,
            -0.7301384139184336,
            0.9544505071796883,
            0.47715466398011347,
            -0.24210731073715122,
            0.42316903131873584,
        ],
    ),
    (
        OptimizerKind::Momentum,
        7,
        [
            0.30680943655762566,
            -0.12857523252557546,
            -0.05040797749326007,
            0.2646714072534485,
            -0.46382630360556565,
            0.34870682517217405,
            0.21929515379345593,
            0.09482206302413121,
        ],
        [
            0.2290827011744422,
            -0.5384107353221921,
            0.3507698925321835,
            0.1940271623874962,
            0.24233479335478375,
            0.5620382664992049,
        ],
    ),
    (
        OptimizerKind::Nesterov,
        1,
        [
            0.47869684294816234,
            -0.17886654645992667,
            0.11246566214539286,
            0.7099467140676928,
            -0.4952338628877355,
            0.3681245515726029,
            0.10763451880975863,
            -0.13396923287197995,
        ],
        [
            0.27728448552084534,
            -0.7122629864450237,
            0.9134559636414076,
            0.4565938615622156,
            -0.19000389040058735,
            0.4440211595055981,
        ],
    ),
    (
        OptimizerKind::Nesterov,
        7,
        [
            0.29136255810799616,
            -0.23569401032838525,
            -0.07270129163781465,
            0.20308370023347538,
            -0.4702064859334728,
            0.3487904931001032,
            0.23659180224825008,
            0.05355160889057165,
        ],
        [
            0.172665364516105,
            -0.5553160270108669,
            0.3720277467428696,
            0.2082007722774772,
            0.1714960921264663,
            0.5234279484890538,
        ],
    ),
    (
        OptimizerKind::Adam,
        1,
        [
            0.40000000891886506,
            -0.15000000267103575,
            0.025000015158357244,
            0.6500000047436805,
            -0.4000000398645528,
            0.2750000276345535,
            0.19999997511304152,
            -0.10000000287744644,
        ],
        [
            0.3499999930363361,
            -0.6500000050348443,
            0.9000000021954141,
            0.4000000043772609,
            -0.2000000017273338,
            0.49999999568389397,
        ],
    ),
    (
        OptimizerKind::Adam,
        7,
        [
            -0.04575810026969841,
            -0.26092480914152844,
            -0.4666980288920079,
            0.09578238190553132,
            -0.6499952445171753,
            0.2984185708623805,
            0.6269293029430864,
            0.08730687655386565,
        ],
        [
            0.3402316758864961,
            -0.5820589877125877,
            0.44354484271139527,
            0.04285828660192268,
            0.040369038016343554,
            0.5234953478761938,
        ],
    ),
    (
        OptimizerKind::Adamw,
        1,
        [
            0.39750001147817166,
            -0.14875000276329653,
            0.024375016744750455,
            0.6462500057701147,
            -0.39751177271550986,
            0.27312505735069387,
            0.19999997511304152,
            -0.10000000287744644,
        ],
        [
            0.34874999359395537,
            -0.6462500062067131,
            0.895000002466122,
            0.39750000491513116,
            -0.2000000017273338,
            0.49999999568389397,
        ],
    ),
    (
        OptimizerKind::Adamw,
        7,
        [
            -0.08197299316686442,
            -0.2709838237059748,
            -0.48190539880557154,
            0.08930689296990524,
            -0.9115570397538025,
            0.6067543807163899,
            0.649435610786628,
            0.09196943815601971,
        ],
        [
            0.40561381592038737,
            -0.6862314363459082,
            0.4642148241004345,
            0.05857343242073704,
            0.04080966391785984,
            0.5136885951858049,
        ],
    ),
    (
        OptimizerKind::Rmsprop,
        1,
        [
            -0.4999991081142102,
            0.7499997328964927,
            -0.8749984841663422,
            -0.24999952563215355,
            0.499996013559029,
            -0.6249972365515217,
            1.0999975113097251,
            0.7999997122554323,
        ],
        [
            1.2499993036340467,
            0.24999949651579068,
            2.19541364532283e-07,
            -0.4999995622740845,
            0.6999998272666481,
            1.399999568389565,
        ],
    ),
    (
        OptimizerKind::Rmsprop,
        7,
        [
            -0.9406916782356342,
            0.7061229604211833,
            -0.5790643858035548,
            -0.14905008757436267,
            -0.5258420457208863,
            -0.5866564311911835,
            0.3568664001806642,
            0.6120266697033324,
        ],
        [
            0.4099391562603786,
            -0.2560694393085113,
            -0.06584709736352946,
            -0.8154286463268484,
            0.24269405858368368,
            0.6635358585286325,
        ],
    ),
];

/// The rule, the clip, the L1 penalty, β of the average, whether rows have weights, the frozen layers; and the two layers.
type Extra = (OptimizerKind, Clip, f64, f64, bool, &'static [usize], [f64; 8], [f64; 6]);

/// Five steps with what goes beyond the rule: clipping, L1 penalty, average, row weights, frozen layers.
const EXTRAS: [Extra; 5] = [
    (
        OptimizerKind::Momentum,
        Clip::Norm(0.2),
        0.0,
        0.0,
        false,
        &[],
        [
            0.4440410727295193,
            -0.14340469954846766,
            0.09717486160750928,
            0.6445849912474444,
            -0.468273764849337,
            0.3488305209114982,
            0.11429564086738798,
            -0.1056059310980878,
        ],
        [
            0.2709695775414249,
            -0.6603158846273282,
            0.8258543025601217,
            0.41393622891029863,
            -0.1416711622126214,
            0.46046382346125025,
        ],
    ),
    (
        OptimizerKind::Adam,
        Clip::Value(0.05),
        0.01,
        0.0,
        false,
        &[],
        [
            0.06906928118880241,
            -0.015621442624653446,
            -0.33986572449102015,
            0.25305532043181644,
            -0.34687720700222296,
            0.22869836290611711,
            0.5776201272666002,
            -0.016651312531886266,
        ],
        [
            0.29481973923340754,
            -0.407864275796795,
            0.5026137790366094,
            0.040167321696269284,
            -0.03175449265880149,
            0.5833486874681139,
        ],
    ),
    (
        OptimizerKind::Adamw,
        Clip::Norm(0.1),
        0.02,
        0.95,
        true,
        &[],
        [
            0.4027058752765929,
            -0.0027295094677149702,
            -0.2562368262350571,
            0.31901394242787534,
            -0.35227803180236306,
            0.060041767123280146,
            0.2422590958093597,
            0.13760981016652485,
        ],
        [
            0.3704306413430921,
            -0.7764345377670997,
            0.5419607723324095,
            0.05675956491457443,
            0.03803092752278266,
            0.23093433821115214,
        ],
    ),
    (
        OptimizerKind::Sgd,
        Clip::None,
        0.0,
        0.25,
        false,
        &[0],
        [0.5, -0.25, 0.125, 0.75, -0.5, 0.375, 0.1, -0.2],
        [
            0.2892182530393164,
            -0.674127042921325,
            0.8189006349993355,
            0.4105032751523513,
            -0.08861784460940246,
            0.48028037589674855,
        ],
    ),
    (
        OptimizerKind::Momentum,
        Clip::None,
        0.0,
        0.0,
        true,
        &[1],
        [
            0.5863777753492339,
            0.06785070385679233,
            0.07919562153205857,
            0.6278344848360363,
            -0.48790289823256083,
            0.28763293270522416,
            0.21491668495953045,
            0.07515722786043263,
        ],
        [0.25, -0.75, 1.0, 0.5, -0.3, 0.4],
    ),
];

/// What is trained beside the rule, and on which rows.
#[derive(Default)]
struct Beside {
    weights: Option<[f64; 4]>,
    frozen: Frozen,
    layer_rates: LayerRates,
    dropout: Dropout,
    micro_batches: usize,
}

fn trained(optimizer: &Optimizer, steps: usize, beside: &Beside) -> [Vec<f64>; 2] {
    let network = Network::new(vec![3, 2, 2], vec![Activation::Tanh, Activation::Identity], true).expect("valid");
    let (shuffle, gather) = (false, false);
    let training = TrainingOptions {
        micro_batches: beside.micro_batches,
        shuffle,
        gather,
        extras: optimizer.extras(),
        weighted: beside.weights.is_some(),
        frozen: beside.frozen,
        layer_rates: beside.layer_rates,
        dropout: beside.dropout,
        ..TrainingOptions::plain(4, 4, optimizer.kind)
    };
    let options = Options {
        loss: Loss::SquaredError,
        training: Some(training),
        evaluation_rows: 4,
        evaluation_data: 0,
        replicas: 1,
        own_steps: false,
        segment_bytes: None,
    };
    let plan = Plan::new(&network, &options);
    let mut executor = Cpu::<f64>::new(plan.clone(), 1).expect("memory");
    let [first, second] = [plan.parameters[0], plan.parameters[1]];
    for (id, values) in [
        (plan.inputs[0].buffer, &INPUTS[..]),
        (plan.targets[0].buffer, &TARGETS),
        (first, &FIRST_LAYER),
        (second, &SECOND_LAYER),
    ] {
        executor.write(id, 0, values).expect("written");
    }
    for (segment, weights) in plan.weights.iter().zip(&beside.weights) {
        executor.write(segment.buffer, 0, weights).expect("written");
    }
    for (&average, values) in plan.averages.iter().zip([&FIRST_LAYER[..], &SECOND_LAYER]) {
        executor.write(average, 0, values).expect("written");
    }
    let steps: Vec<Step> = (1..=steps).flat_map(|number| micro_steps(optimizer, number, plan.batch)).collect();
    executor.run(Phase::Training, &steps).expect("runs");
    let read = if plan.averages.is_empty() { [first, second] } else { [plan.averages[0], plan.averages[1]] };
    read.map(|id| executor.read(id, 0, plan.buffers[id].rows).expect("read"))
}

fn micro_steps(optimizer: &Optimizer, number: usize, most: usize) -> impl Iterator<Item = Step> {
    let rates = optimizer.rates(number as u64, 0.1);
    (0..4).step_by(most).enumerate().map(move |(micro, first)| {
        let rows = most.min(4 - first);
        Step {
            first,
            rows,
            loss_row: first,
            scale: 0.25,
            rates,
            micro,
            is_partial: first + rows < 4,
            key: [number as u32, 7],
            dropped: Dropout::of_all(0.4).by_step().unwrap_or(0),
            ..Step::default()
        }
    })
}

fn agree(what: &str, [actual_first, actual_second]: &[Vec<f64>; 2], first: &[f64], second: &[f64]) {
    assert!(actual_first.len() == first.len() && actual_second.len() == second.len());
    let pairs = actual_first.iter().zip(first).chain(actual_second.iter().zip(second));
    for (index, (actual, expected)) in pairs.enumerate() {
        let error = (actual - expected).abs();
        assert!(error <= 1e-12, "{what}, parameter {index}: {actual}, not {expected}");
    }
}

fn with_decay(kind: OptimizerKind) -> Optimizer {
    Optimizer { weight_decay: 0.05, ..Optimizer::new(kind) }
}

fn every_optimizer_takes_the_steps_of_torch_optim() {
    for (kind, steps, first, second) in EXPECTED {
        // In micro-batches it is the same step, but for the order of the sums.
        for micro_batches in [1, 2, 3, 4] {
            let actual = trained(&with_decay(kind), steps, &Beside { micro_batches, ..Beside::default() });
            agree(&format!("{kind} after {steps} steps in {micro_batches}"), &actual, &first, &second);
        }
    }
}

/// `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_`; the L1 penalty on the clipped gradients; the average with decay
/// min(β, (1 + t) / (10 + t)); losses multiplied by row weights, their mean over all rows.
fn what_goes_beyond_the_rule_is_as_in_torch() {
    for (kind, clip, l1, average, weighted, frozen, first, second) in EXTRAS {
        let optimizer = Optimizer { clip, l1, average, ..with_decay(kind) };
        let (weights, frozen) = (weighted.then_some([0.5, 2.0, 1.0, 0.0]), Frozen::new(frozen.iter().copied()));
        for micro_batches in [1, 3] {
            let actual = trained(&optimizer, 5, &Beside { weights, frozen, micro_batches, ..Beside::default() });
            agree(&format!("{optimizer:?}, {frozen:?}, {micro_batches} micro-batches"), &actual, &first, &second);
        }
    }
}

/// Five steps of momentum with 40 % of the hidden units dropped: where pcg4d of row, column and key is below 0.4 · 2^32, in Python.
const WITH_DROPOUT: ([f64; 8], [f64; 6]) = (
    [
        0.08338246952376488,
        0.017912257059479703,
        0.18073472468241739,
        0.5202280983053972,
        -0.4393528853360073,
        0.21233845441295007,
        0.018244587400505812,
        -0.05360082825691738,
    ],
    [
        0.06047249990628638,
        -0.35752208232022065,
        0.5356492776809177,
        0.3298397885455193,
        -0.01944536498275255,
        0.46409007270926106,
    ],
);

/// The hidden layer times its mask and 1 / (1 - share), in PyTorch's autograd. A row's mask is the same in any micro-batch.
fn dropout_is_as_in_torch_with_the_same_masks() {
    for micro_batches in [1, 2, 3, 4] {
        let beside = Beside { dropout: Dropout::of_all(0.4), micro_batches, ..Beside::default() };
        let actual = trained(&with_decay(OptimizerKind::Momentum), 5, &beside);
        agree(&format!("dropout in {micro_batches} micro-batches"), &actual, &WITH_DROPOUT.0, &WITH_DROPOUT.1);
    }
}

/// Five steps with the first layer's parameters in a group of a quarter of the rate, and the second's in one of three times the rate.
const AT_RATES: [(OptimizerKind, [f64; 8], [f64; 6]); 2] = [
    (
        OptimizerKind::Nesterov,
        [
            0.4718201230148474,
            -0.2308918604768371,
            0.08973667497202732,
            0.6875579772759999,
            -0.49370150007075014,
            0.36622481741784413,
            0.12181763449097525,
            -0.1716762536621889,
        ],
        [
            -0.11329523398313791,
            -0.4832505164503824,
            0.04953084255220734,
            0.08840824660890563,
            0.2074463412560664,
            0.46668142097138593,
        ],
    ),
    (
        OptimizerKind::Adamw,
        [
            0.4077232082450314,
            -0.2270283871438854,
            0.009317484086373822,
            0.6352740098809679,
            -0.47746900186136215,
            0.38915339709660834,
            0.19482268423150215,
            -0.1478028283587278,
        ],
        [
            -0.030424477662615218,
            -0.7568911595184273,
            0.08702363883686216,
            0.11843313968684101,
            0.22034734851778065,
            0.32857846369411586,
        ],
    ),
];

fn rates_of_layers_are_those_of_torchs_parameter_groups() {
    for (kind, first, second) in AT_RATES {
        for micro_batches in [1, 3] {
            let beside = Beside { layer_rates: LayerRates::new(&[0.25, 3.0]), micro_batches, ..Beside::default() };
            let actual = trained(&with_decay(kind), 5, &beside);
            agree(&format!("{kind} at a rate for each layer in {micro_batches}"), &actual, &first, &second);
        }
    }
}

fn every_optimizer_has_an_expectation() {
    use clap::ValueEnum;
    for kind in OptimizerKind::value_variants() {
        assert!(EXPECTED.iter().any(|(known, ..)| known == kind), "{kind}");
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    named![
        every_optimizer_takes_the_steps_of_torch_optim,
        what_goes_beyond_the_rule_is_as_in_torch,
        dropout_is_as_in_torch_with_the_same_masks,
        rates_of_layers_are_those_of_torchs_parameter_groups,
        every_optimizer_has_an_expectation,
    ]
}
