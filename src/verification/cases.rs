//! The cases that a device is held against the oracle in.

use clap::ValueEnum;

use super::Case;
use crate::data::Task;
use crate::kernels::form::Family;
use crate::kernels::whole::Variant;
use crate::kernels::{Choice, Target};
use crate::network::{Activation, Clip, Loss, OptimizerKind};
use crate::plan::{Frozen, LayerRates};

/// Batch, inputs, hidden, outputs.
const SIZES: [[usize; 4]; 9] = [
    [1, 1, 1, 1],
    [7, 8, 9, 3],
    [8, 7, 31, 10],
    [9, 31, 8, 33],
    [31, 33, 7, 1],
    [33, 9, 65, 7],
    [65, 127, 33, 9],
    [127, 65, 127, 31],
    [64, 64, 64, 64],
];

/// Every loss. Where a number shapes it, it is another one than usual, which puts some of the errors that cases have on either side.
pub fn losses() -> impl Iterator<Item = Loss> {
    const SHAPE: f64 = 0.3;
    Loss::value_variants().iter().map(|&loss| loss.with_number(SHAPE).unwrap_or(loss))
}

/// Every loss with every activation of outputs that it goes with.
pub fn pairs() -> Vec<(Activation, Loss)> {
    let pairs = losses().flat_map(|loss| Activation::value_variants().iter().map(move |&output| (output, loss)));
    pairs.filter(|&(output, loss)| loss.check(output).is_ok()).collect()
}

/// Every loss with one such activation, whose slope is stored if it may be any.
fn one_pair_each() -> impl Iterator<Item = (Activation, Loss)> {
    losses().map(|loss| {
        let output = if loss.is_joint() { loss.output(Task::Classification) } else { Activation::Gelu };
        (output, loss)
    })
}

/// Every kernel of the catalogue in its simplest form: what a device is to compute right before anything else.
pub fn first() -> Vec<Case> {
    let layers = |name: &str, outputs: usize| {
        let (output, loss) = (Activation::Softmax, Loss::CrossEntropy);
        Case { output, loss, replicas: 2, ..Case::new(name, [33, 13, 17, outputs]) }
    };
    let whole = |variant: Variant, sizes: [usize; 4]| {
        let name = format!("whole steps of {}", variant.name());
        Case { whole: Some(variant), replicas: 2, ..Case::new(name, sizes) }
    };
    let gathered = Case { gather: true, ..layers("gathered batches", 19) };
    vec![
        layers("outputs in one kernel with their layer", 5),
        Case { micro_batches: 3, ..Case { name: "micro-batches".into(), ..gathered.clone() } },
        Case { dropout: 0.3, ..Case { name: "dropout".into(), ..gathered.clone() } },
        Case {
            clip: Clip::Norm(0.01),
            replicas: 4,
            ..Case { name: "gradients clipped by their norm".into(), ..gathered.clone() }
        },
        gathered,
        joint().remove(0),
        whole(Variant::Invocation, [7, 3, 5, 2]),
        whole(Variant::Lanes(4), [7, 3, 5, 2]),
        whole(Variant::Held, [31, 9, 6, 3]),
        whole(Variant::Workgroup, [31, 9, 6, 3]),
    ]
}

/// The kernel of whole networks: every activation, loss and optimizer in all its variants.
pub fn whole_networks() -> Vec<Case> {
    let mut cases = Vec::new();
    for (variant, sizes) in [
        (Variant::Invocation, [7, 3, 5, 2]),
        (Variant::Lanes(4), [7, 3, 5, 2]),
        (Variant::Lanes(8), [7, 3, 2, 5]),
        (Variant::Held, [31, 33, 9, 3]),
        (Variant::Held, [9, 6, 65, 7]),
        (Variant::Workgroup, [31, 33, 9, 3]),
        (Variant::Workgroup, [9, 6, 65, 7]),
    ] {
        let [batch, inputs, hidden, outputs] = sizes;
        let case = |what: String| {
            let name = format!("{variant:?}, {what}, over {batch} rows of {inputs}-{hidden}-{outputs}");
            Case { whole: Some(variant), ..Case::new(name, sizes) }
        };
        for activation in Activation::hidden() {
            cases.push(Case { hidden: activation, output: activation, ..case(activation.to_string()) });
        }
        for &optimizer in OptimizerKind::value_variants() {
            cases.push(Case { optimizer, hidden: Activation::Tanh, bias: false, ..case(optimizer.to_string()) });
        }
        for (output, loss) in one_pair_each() {
            let optimizer = OptimizerKind::Adam;
            let hidden = Activation::Gelu;
            let case = Case { output, loss, optimizer, hidden, ..case(loss.to_string()) };
            if loss.is_joint() {
                cases.push(Case { name: format!("{}, 19 replicas", case.name), replicas: 19, ..case.clone() });
                let shared = Case { replicas: 19, own_steps: false, ..case.clone() };
                cases.push(Case { name: format!("{}, 19 replicas with the same steps", case.name), ..shared });
            }
            cases.push(case);
        }
        let deep = vec![3, 4, 2, 5, 1];
        cases.push(Case { widths: deep, hidden: Activation::LeakyRelu, ..case("five layers".into()) });
        cases.push(Case { widths: vec![3, 2], ..case("one layer".into()) });
    }
    // More tiles than lanes: of a gradient, of whose states too many would have to be kept; of the outputs of a single layer.
    let held = |name: &str, sizes: [usize; 4]| Case { whole: Some(Variant::Held), ..Case::new(name, sizes) };
    cases.push(Case { optimizer: OptimizerKind::Adam, ..held("Held, many gradients", [5, 128, 32, 3]) });
    cases.push(Case { widths: vec![4, 21], ..held("Held, many outputs", [180, 4, 21, 21]) });
    cases
}

/// A case in three replicas, its batches cut into micro-batches.
fn three_in_micro_batches(case: &Case) -> Case {
    let name = format!("{}, three replicas and micro-batches", case.name);
    Case { name, replicas: 3, micro_batches: 3, ..case.clone() }
}

/// Every kernel of a layer: activations, losses, optimizers, sources, replicas, sizes that are no multiple of anything.
pub fn layers() -> Vec<Case> {
    let mut cases = Vec::new();
    for activation in Activation::hidden() {
        for sizes in SIZES {
            let [batch, inputs, hidden, outputs] = sizes;
            let name = format!("{activation} over {batch} rows of {inputs}-{hidden}-{outputs}");
            cases.push(Case { hidden: activation, output: activation, ..Case::new(name, sizes) });
        }
    }
    for &optimizer in OptimizerKind::value_variants() {
        for sizes in SIZES {
            let [batch, inputs, hidden, outputs] = sizes;
            let name = format!("{optimizer} over {batch} rows of {inputs}-{hidden}-{outputs}");
            let bias = outputs != 31;
            let case = Case { optimizer, hidden: Activation::Tanh, bias, ..Case::new(name, sizes) };
            let joint = outputs > 1;
            let (output, loss) = if joint {
                (Activation::Softmax, Loss::CrossEntropy)
            } else {
                (Activation::Sigmoid, Loss::BinaryCrossEntropy)
            };
            cases.push(Case { output, loss, ..case });
        }
    }
    for (output, loss) in pairs() {
        // The widest layers that are one kernel with their outputs, and the narrowest that is not.
        for widths in [vec![6, 13], vec![9, 6, 16], vec![9, 6, 17]] {
            let name = format!("{output} outputs with {loss} of {widths:?}");
            cases.push(Case { output, loss, widths, ..Case::new(name, [37, 1, 1, 1]) });
        }
    }
    let binary = Case { loss: Loss::BinaryCrossEntropy, ..Case::new("several sigmoids with cross-entropy", [9, 5, 6, 7]) };
    cases.push(binary.clone());
    cases.push(Case { name: "three replicas".into(), replicas: 3, ..binary.clone() });
    cases.push(Case {
        name: "three replicas of gelu with adam".into(),
        replicas: 3,
        hidden: Activation::Gelu,
        optimizer: OptimizerKind::Adam,
        ..binary.clone()
    });
    cases.push(Case { name: "data in segments".into(), segment_bytes: Some(300), ..binary.clone() });
    cases.push(Case { name: "one layer".into(), widths: vec![5, 7], ..binary.clone() });
    for case in
        [binary.clone(), Case { widths: vec![5, 7], ..binary.clone() }, Case { widths: vec![5, 19], ..binary.clone() }]
    {
        let widths = &case.widths;
        let named = |what: &str| format!("{what}, {widths:?}");
        cases.push(Case { name: named("batches in place"), shuffle: false, ..case.clone() });
        cases.push(Case { name: named("three replicas in place"), shuffle: false, replicas: 3, ..case.clone() });
        cases.push(Case { name: named("gathered batches"), gather: true, ..case.clone() });
        cases.push(Case { name: named("three replicas, gathered"), gather: true, replicas: 3, ..case.clone() });
        cases.push(Case { name: named("three replicas through their orders"), replicas: 3, ..case.clone() });
    }
    for &optimizer in OptimizerKind::value_variants() {
        let name = format!("{optimizer} after three micro-batches");
        let case = Case { optimizer, micro_batches: 3, ..Case::new(name, [31, 33, 9, 7]) };
        cases.push(Case { name: format!("{}, gathered", case.name), gather: true, ..case.clone() });
        cases.push(Case {
            name: format!("{}, three replicas in place", case.name),
            shuffle: false,
            replicas: 3,
            ..case.clone()
        });
        cases.push(case);
    }
    for (output, loss) in one_pair_each() {
        let case = Case { output, loss, weighted: true, ..Case::new(format!("rows with weights, {loss}"), [31, 9, 7, 5]) };
        let in_place = Case { shuffle: false, replicas: 3, ..case.clone() };
        cases.push(Case { name: format!("{}, three replicas in place", case.name), ..in_place });
        cases.push(Case { name: format!("{}, in segments", case.name), segment_bytes: Some(300), ..case.clone() });
        cases.push(case);
    }
    for layers in [&[0][..], &[0, 1], &[1], &[0, 2]] {
        let frozen = Frozen::new(layers.iter().copied());
        let case = Case { frozen, ..Case::new(format!("layers {layers:?} frozen"), [9, 5, 6, 7]) };
        cases.push(Case { widths: vec![5, 6, 4, 7], ..case });
    }
    for &optimizer in OptimizerKind::value_variants() {
        let layer_rates = LayerRates::new(&[0.1, 3.0]);
        let case =
            Case { optimizer, layer_rates, ..Case::new(format!("{optimizer} at a rate for each layer"), [31, 9, 7, 5]) };
        cases.extend([three_in_micro_batches(&case), case]);
    }
    for (optimizer, clip, l1, average) in [
        (OptimizerKind::Sgd, Clip::Norm(0.01), 0.0, 0.0),
        (OptimizerKind::Momentum, Clip::Value(0.001), 0.003, 0.9),
        (OptimizerKind::Nesterov, Clip::Norm(1e6), 0.0, 0.99),
        (OptimizerKind::Adam, Clip::None, 0.003, 0.0),
        (OptimizerKind::Adamw, Clip::Norm(0.02), 0.003, 0.9),
    ] {
        let name = format!("{optimizer} with clip {clip:?}, l1 {l1}, average {average}");
        let case = Case { optimizer, clip, l1, average, ..Case::new(name, [31, 33, 9, 7]) };
        cases.extend([three_in_micro_batches(&case), case]);
    }
    for hidden in [65, 64] {
        let case = Case { clip: Clip::Norm(0.01), replicas: 2, ..Case::new("", [9, 300, hidden, 7]) };
        cases.push(Case { name: format!("a norm of several parts, {hidden} columns"), ..case });
    }
    for hidden in Activation::hidden() {
        let case = Case { hidden, dropout: 0.4, ..Case::new(format!("dropout after {hidden}"), [31, 33, 19, 7]) };
        cases.extend([Case { widths: vec![33, 19, 6, 7], ..three_in_micro_batches(&case) }, case]);
    }
    let layered = Case { layered_dropout: true, dropout: 0.6, ..Case::new("dropout of each layer", [31, 33, 19, 7]) };
    cases.push(layered);
    cases.push(Case { name: "nearly all units dropped".into(), dropout: 0.99, ..binary.clone() });
    cases.push(Case { name: "dropout, rows in place".into(), dropout: 0.5, shuffle: false, ..binary.clone() });
    cases.push(Case { name: "micro-batches of a row".into(), micro_batches: 9, ..binary.clone() });
    cases.push(Case {
        name: "micro-batches of all rows, with a hidden layer that keeps its slope".into(),
        hidden: Activation::Gelu,
        micro_batches: 2,
        rows: 9,
        ..binary.clone()
    });
    cases.push(Case { name: "five layers".into(), widths: vec![5, 7, 3, 9, 4, 2], ..binary.clone() });
    cases.push(Case { name: "a batch of all rows".into(), rows: 9, batch: 9, ..binary.clone() });
    cases.push(Case { name: "sums of 1,000 terms".into(), widths: vec![1000, 3, 2], ..binary.clone() });
    cases.push(Case {
        name: "more than 65,535 rows in a batch".into(),
        widths: vec![3, 2, 1],
        rows: 70_001,
        batch: 70_001,
        ..binary.clone()
    });
    let gathered = Case { name: "more than 65,535 rows to gather from".into(), widths: vec![3, 2, 1], ..binary.clone() };
    cases.push(Case { rows: 70_001, batch: 35_000, ..gathered });
    cases.push(Case {
        name: "three replicas on a batch of all rows".into(),
        replicas: 3,
        rows: 9,
        batch: 9,
        ..binary.clone()
    });
    cases.push(Case {
        name: "sums of 70,000 terms forward".into(),
        widths: vec![70_000, 3, 1],
        batch: 3,
        rows: 7,
        ..binary.clone()
    });
    // A step over so many hidden units saturates every output: losses below f32's normal numbers.
    cases.push(Case { rows: 5, ..Case::new("losses that underflow", [5, 7, 65_537, 3]) });
    // Close to the most terms of one part; llvmpipe's limit of loop iterations is twice as far.
    cases.push(Case {
        name: "sums of 131,000 terms forward".into(),
        widths: vec![131_000, 1],
        batch: 2,
        rows: 3,
        ..binary.clone()
    });
    cases.push(Case {
        name: "sums of 70,000 terms in delta".into(),
        widths: vec![2, 3, 70_000, 1],
        batch: 3,
        rows: 7,
        ..binary
    });
    for place in 0..16 {
        let size = |bit: usize| if place >> bit & 1 == 1 { 1 } else { 5 };
        let sizes = [size(0), size(1), size(2), size(3)];
        cases.push(Case::new(format!("ones among batch, inputs, hidden and outputs: {sizes:?}"), sizes));
    }
    cases
}

/// Every tile, along and across which no size is a whole number of tiles, with replicas and a short last batch; and sums in
/// parts, some of which are empty. The kernels are few: software adapters compile tiles slowly.
pub fn choices() -> Vec<Case> {
    let case = |family: Family, parts: u32, sizes: [usize; 4]| {
        let name = format!("{} in {parts} parts over {sizes:?}", family.name());
        Case { replicas: 2, choice: Some(Choice { family, parts }), ..Case::new(name, sizes) }
    };
    vec![
        case(Family::Tiled16In1, 1, [33, 32, 18, 10]),
        case(Family::Tiled16, 1, [1, 1, 1, 1]),
        case(Family::Tiled16, 1, [35, 32, 37, 41]),
        case(Family::Tiled16In16, 1, [67, 35, 18, 10]),
        case(Family::Tiled16In16, 5, [67, 35, 18, 10]),
        case(Family::Tiled32x16, 1, [35, 69, 37, 141]),
        case(Family::Tiled32In2, 1, [35, 32, 37, 41]),
        case(Family::Tiled32, 1, [1, 1, 1, 1]),
        case(Family::Tiled32, 1, [35, 64, 32, 41]),
        case(Family::Tiled32, 3, [70, 69, 37, 41]),
        case(Family::Tiled32In8, 1, [35, 32, 37, 41]),
        case(Family::Tiled64, 1, [67, 70, 65, 37]),
        case(Family::Tiled64In2, 1, [67, 70, 64, 37]),
        case(Family::Tiled128, 1, [131, 133, 129, 37]),
        case(Family::Tiled128, 1, [131, 128, 128, 37]),
        case(Family::Tiled128Deep, 1, [131, 133, 128, 37]),
        case(Family::Tiled128Twice, 1, [131, 133, 128, 37]),
        case(Family::Broad, 1, [37, 35, 150, 10]),
        case(Family::Broad, 3, [17, 70, 130, 5]),
        case(Family::Direct, 2, [9, 31, 8, 33]),
        case(Family::Direct, 7, [33, 9, 65, 7]),
        Case { micro_batches: 2, ..case(Family::Direct, 3, [67, 9, 18, 7]) },
        Case { dropout: 0.5, ..case(Family::Direct, 3, [67, 35, 18, 7]) },
        Case { optimizer: OptimizerKind::Adam, hidden: Activation::Gelu, ..case(Family::Direct, 3, [65, 127, 33, 9]) },
    ]
}

/// The updates of all layers in one launch: each source, each number of states, biases beside the tiles and within, a frozen layer.
pub fn joint() -> Vec<Case> {
    let case = |name: &str, family: Family, optimizer: OptimizerKind, widths: &[usize]| {
        let (name, choice) = (format!("joint updates, {name}"), Some(Choice { family, parts: 1 }));
        Case { joint: true, optimizer, widths: widths.to_vec(), choice, ..Case::new(name, [19, 1, 1, 1]) }
    };
    vec![
        Case { replicas: 2, ..case("sgd", Family::Tiled16In1, OptimizerKind::Sgd, &[7, 18, 5]) },
        Case { replicas: 3, ..case("adam", Family::Tiled16In1, OptimizerKind::Adam, &[32, 18, 35, 20]) },
        Case { shuffle: false, replicas: 2, ..case("momentum", Family::Tiled16, OptimizerKind::Momentum, &[33, 16, 17, 3]) },
        Case { gather: true, bias: false, ..case("nesterov", Family::Tiled16In1, OptimizerKind::Nesterov, &[9, 18, 5]) },
        Case {
            frozen: Frozen::new([1]),
            layer_rates: LayerRates::new(&[0.1, 1.0, 3.0]),
            ..case("a frozen layer", Family::Tiled16In1, OptimizerKind::Adamw, &[9, 16, 6, 5])
        },
    ]
}

/// Mixed training: every loop that matrix units have on a device, whole and in parts, over sizes that are no whole number of tiles and
/// over such that are; and whatever else a step can have in the form that a device would choose.
pub fn mixed(target: Option<&Target>) -> Vec<Case> {
    let of_sizes = |name: &str, sizes: [usize; 4]| {
        let name = format!("mixed: {name} over {sizes:?}");
        Case { mixed: Some(5), replicas: 2, ..Case::new(name, sizes) }
    };
    let case = |name: &str| of_sizes(name, [35, 37, 41, 19]);
    let units = Family::UNITS.into_iter().filter(|family| target.is_some_and(|target| family.fits(target)));
    let forms = units.flat_map(|family| [1, 3].map(|parts| Choice { family, parts }));
    let of_units = forms.flat_map(|choice| {
        [[67, 70, 65, 37], [131, 133, 129, 37], [128, 128, 128, 64]]
            .map(|sizes| Case { choice: Some(choice), ..of_sizes(&choice.to_string(), sizes) })
    });
    let (softmax, cross_entropy) = (Activation::Softmax, Loss::CrossEntropy);
    let others = [
        case("an order"),
        Case { shuffle: false, optimizer: OptimizerKind::Momentum, ..case("rows in place") },
        Case { hidden: Activation::Gelu, optimizer: OptimizerKind::Adam, gather: true, ..case("gelu and adam") },
        Case { output: softmax, loss: cross_entropy, hidden: Activation::Relu, dropout: 0.3, ..case("dropout") },
        Case { output: softmax, loss: cross_entropy, weighted: true, ..case("weights of rows") },
        Case { micro_batches: 3, clip: Clip::Norm(0.01), ..case("micro-batches, clipped") },
        Case { widths: vec![17, 16, 15, 33], ..case("wide layers and narrow ones") },
        Case { bias: false, ..case("no biases") },
        // Deltas beyond the range of f16, among others.
        Case { mixed: Some(27), ..case("deltas that overflow") },
    ];
    of_units.chain(others).collect()
}

/// Products in f32 that take each number as two halves: every loop that a device's matrix units have for them, whole and in parts, and whatever
/// else is a shader of its own. Without a device it is the loop for tests on software adapters.
pub fn split(target: Option<&Target>) -> Vec<Case> {
    let families = match target {
        None => vec![Family::DirectSplit],
        Some(target) => Family::SPLIT.into_iter().filter(|family| family.fits(target)).collect(),
    };
    let of_choice = |choice: Choice| {
        let case = move |sizes: [usize; 4]| {
            let name = format!("halves: {choice} over {sizes:?}");
            Case { replicas: 2, choice: Some(choice), ..Case::new(name, sizes) }
        };
        [[1, 1, 1, 1], [67, 70, 65, 37], [131, 133, 129, 37], [128, 128, 128, 64]].map(case)
    };
    let of_family = |family: Family| {
        let case = move |name: &str| {
            let (name, choice) = (format!("halves: {name}, {}", family.name()), Some(Choice { family, parts: 1 }));
            Case { choice, replicas: 3, ..Case::new(name, [35, 37, 41, 19]) }
        };
        let (softmax, cross_entropy) = (Activation::Softmax, Loss::CrossEntropy);
        [
            Case { shuffle: false, optimizer: OptimizerKind::Momentum, ..case("rows in place") },
            Case { hidden: Activation::Gelu, optimizer: OptimizerKind::Adam, gather: true, ..case("gelu and adam") },
            Case { output: softmax, loss: cross_entropy, hidden: Activation::Relu, dropout: 0.3, ..case("dropout") },
            Case { micro_batches: 3, clip: Clip::Norm(0.01), ..case("micro-batches, clipped") },
            Case { bias: false, widths: vec![64, 19, 70, 3], ..case("no biases") },
        ]
    };
    let forms = families.iter().flat_map(|&family| [1, 3].map(|parts| Choice { family, parts }));
    forms.flat_map(of_choice).chain(families.iter().flat_map(|&family| of_family(family))).collect()
}

/// More terms than the loops of one invocation may have.
pub fn long_sums() -> Vec<Case> {
    let case = |name: &str, widths: Vec<usize>, batch: usize| Case {
        name: name.into(),
        widths,
        batch,
        rows: batch,
        ..Case::new("", [1; 4])
    };
    vec![
        case("sums of 140,001 terms forward", vec![140_001, 1], 2),
        case("sums of 140,001 terms in delta", vec![2, 3, 140_001, 1], 2),
        case("sums of 270,001 terms in update", vec![3, 2, 1], 270_001),
        Case {
            clip: Clip::Norm(0.01),
            ..case("a norm of more parts than a workgroup has lanes for", vec![2050, 2055, 1], 2)
        },
    ]
}

/// Nets of identities whose sums, on small integers, are exact: with products as the device likes them, and in each of some families,
/// whole and in parts. A batch is all rows.
pub fn exact(families: impl IntoIterator<Item = Family>) -> Vec<Case> {
    let case = |sizes: [usize; 4], choice: Option<Choice>| {
        let form = choice.map_or(String::new(), |choice| format!(", {choice}"));
        let case = Case::new(format!("small integers are exact: {sizes:?}{form}"), sizes);
        Case { hidden: Activation::Identity, output: Activation::Identity, rows: sizes[0], choice, ..case }
    };
    let sizes = [[1, 1, 1, 1], [11, 17, 13, 9], [9, 8, 7, 5], [33, 31, 6, 3], [16, 16, 16, 16], [67, 5, 66, 2]];
    let choices = families.into_iter().flat_map(|family| [1, 3].map(|parts| Choice { family, parts }));
    let of_families = choices.flat_map(|choice| [[33, 31, 6, 3], [67, 37, 66, 18]].map(|sizes| case(sizes, Some(choice))));
    sizes.map(|sizes| case(sizes, None)).into_iter().chain(of_families).collect()
}

/// Products of every size that has broken a trainer, in each of some families: along the rows, the terms and the columns of
/// forward, delta and update in turn. The other sizes are small, and none a multiple of another. And one in parts.
pub fn products(families: impl IntoIterator<Item = Family>, seeds: u64) -> Vec<Case> {
    const SIZES: [usize; 13] = [1, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1000, 4097, 65_537];
    let along = |size: usize| [[size, 5, 6, 3], [7, size, 5, 3], [5, 7, size, 3], [6, 5, 7, size]];
    let case = |family: Family, parts: u32, sizes: [usize; 4], seed: u64| {
        let choice = Choice { family, parts };
        let case = Case::new(format!("{choice} over {sizes:?}, seed {seed}"), sizes);
        Case { choice: Some(choice), seed, rows: sizes[0], ..case }
    };
    let mut cases = Vec::new();
    for family in families {
        for sizes in SIZES.into_iter().flat_map(along) {
            cases.extend((1..=seeds).map(|seed| case(family, 1, sizes, seed)));
        }
        cases.push(case(family, 3, [65, 257, 130, 63], 1));
    }
    cases
}

/// What other trainers' kernels were broken by: more than 2^15 and 2^16 elements in a buffer, more workgroups along an axis than
/// 65,535, which micro-batches keep below it, a buffer of more than 128 MiB. A device whose limits leave no room for one has to refuse
/// it.
pub fn large() -> Vec<Case> {
    let case = |name: &str, widths: Vec<usize>, batch: usize| Case { widths, batch, rows: batch, ..Case::new(name, [1; 4]) };
    vec![
        case("40,000 elements in a batch", vec![40, 8, 3], 1000),
        case("70,000 elements in a batch", vec![70, 8, 3], 1000),
        case("70,000 rows of the data", vec![3, 2, 1], 70_000),
        Case {
            micro_batches: 2,
            ..case("600,000 rows: more than 65,535 workgroups along an axis, but for micro-batches", vec![1, 2, 1], 600_000)
        },
        case("inputs of 134 MiB", vec![8800, 2, 1], 4000),
        Case {
            segment_bytes: Some(1 << 26),
            micro_batches: 4,
            ..case("inputs of 134 MiB, in segments and micro-batches", vec![8800, 2, 1], 4000)
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kernels::catalogue;

    #[test]
    fn the_first_cases_meet_every_kernel_of_the_catalogue() {
        let plans: Vec<_> = first().iter().map(Case::plan).collect();
        let launches = plans.iter().flat_map(|plan| plan.training.iter().chain(&plan.evaluation));
        let met: BTreeSet<&str> = launches.map(|launch| launch.kernel.name()).collect();
        assert_eq!(met, catalogue::kernels());
    }
}
