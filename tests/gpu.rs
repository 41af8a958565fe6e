//! The GPU path against the f64 oracle, kernel by kernel, on every size that is no multiple of anything.
//!
//! Without an adapter these tests fail and say what to install; with `WGRAD_TEST_NO_GPU=1` they are left out and show as
//! ignored.

mod common;

use common::{Case, Shared};
use libtest_mimic::{Arguments, Failed, Trial};
use wgrad::executor::Executor;
use wgrad::executor::cpu::Cpu;
use wgrad::executor::gpu::Gpu;
use wgrad::kernels::form::Family;
use wgrad::kernels::whole::Variant;
use wgrad::kernels::{Choice, Step, stride4};
use wgrad::network::{Activation, Loss, OptimizerKind};
use wgrad::plan::{Element, Phase, Plan};
use wgrad::random::{Purpose, Stream};
use wgrad::verification::fill;

const ACTIVATIONS: [Activation; 6] =
    [Activation::Sigmoid, Activation::Tanh, Activation::Relu, Activation::LeakyRelu, Activation::Gelu, Activation::Identity];
const OPTIMIZERS: [OptimizerKind; 5] =
    [OptimizerKind::Sgd, OptimizerKind::Momentum, OptimizerKind::Nesterov, OptimizerKind::Adam, OptimizerKind::Adamw];
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

/// The kernel of whole networks: every activation, loss and optimizer in all its variants.
fn whole_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (variant, sizes) in [
        (Variant::Invocation, [7, 3, 5, 2]),
        (Variant::WorkgroupStored, [31, 33, 9, 3]),
        (Variant::WorkgroupStored, [9, 6, 65, 7]),
        (Variant::Workgroup, [7, 9, 5, 3]),
    ] {
        let [batch, inputs, hidden, outputs] = sizes;
        let case = |what: String| {
            let name = format!("{variant:?}, {what}, over {batch} rows of {inputs}-{hidden}-{outputs}");
            Case { whole: Some(variant), ..Case::new(name, sizes) }
        };
        // The shader in workgroup memory differs from the other by a file, and takes llvmpipe a second to compile.
        let few = if variant == Variant::Workgroup { 1 } else { ACTIVATIONS.len() };
        for &activation in &ACTIVATIONS[..few] {
            cases.push(Case { hidden: activation, output: activation, ..case(activation.to_string()) });
        }
        for &optimizer in &OPTIMIZERS[..few.min(OPTIMIZERS.len())] {
            cases.push(Case { optimizer, hidden: Activation::Tanh, bias: false, ..case(optimizer.to_string()) });
        }
        for (output, loss) in [(Activation::Sigmoid, Loss::BinaryCrossEntropy), (Activation::Softmax, Loss::CrossEntropy)] {
            let optimizer = OptimizerKind::Adam;
            let hidden = Activation::Gelu;
            let case = Case { output, loss, optimizer, hidden, ..case(loss.to_string()) };
            cases.push(Case { name: format!("{}, 19 replicas", case.name), replicas: 19, ..case.clone() });
            let shared = Case { replicas: 19, own_steps: false, ..case.clone() };
            cases.push(Case { name: format!("{}, 19 replicas with the same steps", case.name), ..shared });
            cases.push(case);
        }
        let deep = vec![3, 4, 2, 5, 1];
        cases.push(Case { widths: deep, hidden: Activation::LeakyRelu, ..case("five layers".into()) });
        cases.push(Case { widths: vec![3, 2], ..case("one layer".into()) });
    }
    cases
}

fn cases() -> Vec<Case> {
    let mut cases = whole_cases();
    for activation in ACTIVATIONS {
        for sizes in SIZES {
            let [batch, inputs, hidden, outputs] = sizes;
            let name = format!("{activation} over {batch} rows of {inputs}-{hidden}-{outputs}");
            cases.push(Case { hidden: activation, output: activation, ..Case::new(name, sizes) });
        }
    }
    for optimizer in OPTIMIZERS {
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
    let pairs = ACTIVATIONS.map(|activation| (activation, Loss::SquaredError));
    let joint = [(Activation::Sigmoid, Loss::BinaryCrossEntropy), (Activation::Softmax, Loss::CrossEntropy)];
    for (output, loss) in pairs.into_iter().chain(joint) {
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
fn choices() -> Vec<Case> {
    let case = |family: Family, parts: u32, sizes: [usize; 4]| {
        let name = format!("{} in {parts} parts over {sizes:?}", family.name());
        Case { replicas: 2, choice: Some(Choice { family, parts }), ..Case::new(name, sizes) }
    };
    vec![
        case(Family::Tiled32, 1, [1, 1, 1, 1]),
        case(Family::Tiled32, 1, [35, 69, 37, 41]),
        case(Family::Tiled32, 3, [70, 69, 37, 41]),
        case(Family::Tiled64, 1, [67, 70, 65, 37]),
        case(Family::Tiled128, 1, [131, 133, 129, 37]),
        case(Family::Thin, 1, [67, 35, 18, 10]),
        case(Family::Thin, 5, [67, 35, 18, 10]),
        case(Family::Broad, 1, [37, 35, 150, 10]),
        case(Family::Broad, 3, [17, 70, 130, 5]),
        case(Family::Direct, 2, [9, 31, 8, 33]),
        case(Family::Direct, 7, [33, 9, 65, 7]),
        Case { optimizer: OptimizerKind::Adam, hidden: Activation::Gelu, ..case(Family::Direct, 3, [65, 127, 33, 9]) },
    ]
}

/// More terms than the loops of one invocation may have.
fn long_sums() -> Vec<Case> {
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
    ]
}

/// On small integers every sum is exact in f32, in whatever order: the results must be equal, with no bound at all.
fn small_integers_are_exact(tested: &mut dyn Executor<f32>) -> Result<(), Failed> {
    let plan = tested.plan().clone();
    let mut oracle = Cpu::<f64>::new(plan.clone(), 1)?;
    let mut stream = Stream::new(9, Purpose::Test, 0);
    let data = [plan.inputs[0].buffer, plan.targets[0].buffer, plan.evaluation_inputs, plan.evaluation_targets];
    for (number, &id) in data.iter().chain(&plan.parameters).enumerate() {
        let spread = if number < data.len() { 3 } else { 1 };
        let values: Vec<f64> =
            (0..plan.buffers[id].length()).map(|_| stream.below(2 * spread + 1) as f64 - spread as f64).collect();
        oracle.write(id, 0, &values)?;
        tested.write(id, 0, &values.iter().map(|&value| value as f32).collect::<Vec<_>>())?;
    }
    let mut step = Step { rows: plan.batch, scale: 1.0, ..Step::default() };
    step.rates.learning_rate = 1.0;
    for (phase, launches) in [(Phase::Evaluation, &plan.evaluation), (Phase::Training, &plan.training)] {
        tested.run(phase, &[step])?;
        oracle.run(phase, &[step])?;
        for launch in launches {
            for &id in &launch.writes {
                let rows = plan.buffers[id].rows;
                let actual: Vec<f64> = tested.read(id, 0, rows)?.into_iter().map(f64::from).collect();
                let expected = oracle.read(id, 0, rows)?;
                let largest = expected.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
                if actual != expected || largest > f64::from(1 << 21) || (largest == 0.0 && expected.len() > 1) {
                    let differ = actual.iter().zip(&expected).filter(|(actual, expected)| actual != expected).count();
                    let name = &plan.buffers[id].name;
                    return Err(format!("{}: '{name}' differs in {differ} elements, up to {largest}", launch.label).into());
                }
            }
        }
    }
    Ok(())
}

fn integer_cases() -> Vec<Case> {
    let sizes = [[1, 1, 1, 1], [11, 17, 13, 9], [9, 8, 7, 5], [33, 31, 6, 3], [16, 16, 16, 16], [67, 5, 66, 2]];
    let case = |sizes: [usize; 4]| {
        let case = Case::new(format!("small integers are exact: {sizes:?}"), sizes);
        Case { hidden: Activation::Identity, output: Activation::Identity, rows: sizes[0], ..case }
    };
    sizes.into_iter().map(case).collect()
}

/// The same plan, its buffers' columns counted with their padding: the same memory on a GPU, read and written whole.
fn with_padding(mut plan: Plan) -> Plan {
    for buffer in plan.buffers.iter_mut().filter(|buffer| buffer.element == Element::Real) {
        buffer.columns = 4 * stride4(buffer.columns);
    }
    plan
}

/// Every kernel counts on the padding of its inputs being zero; so every kernel leaves it zero, whatever the activation.
fn padding_stays_zero(case: &Case, device: wgrad::executor::gpu::device::Device) -> Result<(), Failed> {
    let plan = case.plan();
    let mut filled = Cpu::<f32>::new(plan.clone(), 1)?;
    fill(&mut filled, 1)?;
    let mut gpu = Gpu::new(with_padding(plan.clone()), device)?;
    let sources = plan.inputs.iter().chain(&plan.targets).map(|segment| segment.buffer);
    let evaluated = [plan.evaluation_inputs, plan.evaluation_targets];
    for id in sources.chain(evaluated).chain(plan.parameters.iter().copied()).chain(plan.states.concat()) {
        let buffer = &plan.buffers[id];
        for replica in 0..plan.copies(id) {
            let mut padded = Vec::new();
            for row in filled.read(id, replica, buffer.rows)?.chunks(buffer.columns) {
                padded.extend_from_slice(row);
                padded.resize(padded.len().next_multiple_of(4), 0.0);
            }
            gpu.write(id, replica, &padded)?;
        }
    }
    let order: Vec<u32> = (0..case.rows as u32).collect();
    (0..plan.replicas).try_for_each(|replica| gpu.write_indices(plan.order.expect("shuffled"), replica, &order))?;
    gpu.run(Phase::Training, &case.steps())?;
    gpu.run(Phase::Evaluation, &case.evaluations())?;
    for (id, buffer) in plan.buffers.iter().enumerate().filter(|(_, buffer)| buffer.element == Element::Real) {
        for replica in 0..plan.copies(id) {
            let values = gpu.read(id, replica, buffer.rows)?;
            for (row, values) in values.chunks(4 * stride4(buffer.columns)).enumerate() {
                if values[buffer.columns..].iter().any(|value| value.to_bits() != 0) {
                    return Err(format!("'{}', row {row}: {:?}", buffer.name, &values[buffer.columns..]).into());
                }
            }
        }
    }
    Ok(())
}

fn padding_cases() -> Vec<Case> {
    let case = |hidden: Activation, optimizer: OptimizerKind| {
        let case = Case::new(format!("padding stays zero with {hidden} and {optimizer}"), [9, 5, 6, 7]);
        Case { hidden, output: Activation::Sigmoid, loss: Loss::BinaryCrossEntropy, optimizer, replicas: 2, ..case }
    };
    let softmax =
        Case { output: Activation::Softmax, loss: Loss::CrossEntropy, ..case(Activation::Tanh, OptimizerKind::Adamw) };
    ACTIVATIONS
        .into_iter()
        .map(|activation| case(activation, OptimizerKind::Adam))
        .chain(
            OPTIMIZERS
                .into_iter()
                .filter(|&optimizer| optimizer != OptimizerKind::Adam)
                .map(|optimizer| case(Activation::Identity, optimizer)),
        )
        .chain([Case { name: "padding stays zero with softmax".into(), ..softmax }])
        .collect()
}

fn main() {
    let arguments = Arguments::from_args();
    let shared = Shared::default();
    let mut trials = Vec::new();
    for case in cases().into_iter().chain(choices()).chain(long_sums()) {
        // The batches of the CPU path are gathered.
        let twin = Case { gather: true, ..case.clone() };
        trials.push(Trial::test(format!("cpu: {}", case.name), move || twin.check(Cpu::<f32>::new(twin.plan(), 2)?)));
        trials.push(shared.trial(format!("gpu: {}", case.name), move |device| case.check(Gpu::new(case.plan(), device)?)));
    }
    for case in integer_cases() {
        let (twin, name) = (case.clone(), case.name.clone());
        let on_cpu = move || small_integers_are_exact(&mut Cpu::<f32>::new(twin.plan(), 2)?);
        trials.push(Trial::test(format!("cpu: {name}"), on_cpu));
        let on_gpu = move |device| small_integers_are_exact(&mut Gpu::new(case.plan(), device)?);
        trials.push(shared.trial(format!("gpu: {name}"), on_gpu));
    }
    for case in padding_cases() {
        trials.push(shared.trial(format!("gpu: {}", case.name), move |device| padding_stays_zero(&case, device)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}
