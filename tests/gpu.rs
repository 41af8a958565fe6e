//! The GPU path against the f64 oracle, kernel by kernel, on every size that is no multiple of anything.
//!
//! Without an adapter these tests fail and say what to install; with `WGRAD_TEST_NO_GPU=1` they are left out and show as
//! ignored.

mod common;

use common::{Case, Shared, check};
use libtest_mimic::{Arguments, Failed, Trial};
use wgrad::executor::Executor;
use wgrad::executor::cpu::Cpu;
use wgrad::executor::gpu::Gpu;
use wgrad::executor::gpu::device::{Device, Gpus};
use wgrad::executor::gpu::pipelines::Reuse;
use wgrad::kernels::form::{Family, GPU_LANES};
use wgrad::kernels::{Choice, Factors, Forward, Layer, Source, Step, stride4};
use wgrad::network::{Activation, Loss, OptimizerKind};
use wgrad::plan::{Element, Phase, Plan};
use wgrad::random::{Purpose, Stream};
use wgrad::rounding::{UNIT, sum_error, underflow};
use wgrad::verification::adapter::{verify_mixed, verify_split};
use wgrad::verification::cases::{
    ACTIVATIONS, OPTIMIZERS, choices, exact, joint, layers, long_sums, mixed, split, whole_networks,
};
use wgrad::verification::checks::small_integers_are_exact;
use wgrad::verification::fill;

/// The same plan, its buffers' columns counted with their padding: the same memory on a GPU, read and written whole.
fn with_padding(mut plan: Plan) -> Plan {
    for buffer in plan.buffers.iter_mut().filter(|buffer| buffer.element == Element::Real) {
        buffer.columns = 4 * stride4(buffer.columns);
    }
    plan
}

/// Every kernel counts on the padding of its inputs being zero; so every kernel leaves it zero, whatever the activation.
fn padding_stays_zero(case: &Case, device: Device) -> Result<(), Failed> {
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

/// Rows and columns of all sizes as two halves of each number, on whatever adapter there is: each result within its own bound, however
/// small its row is beside others, and none finite that an infinity or NaN goes into.
fn halves_of_all_sizes(device: Device) -> Result<(), Failed> {
    const ROWS: usize = 30;
    const TERMS: usize = 37;
    const COLUMNS: usize = 21;
    let mut stream = Stream::new(1, Purpose::Test, 0);
    let mut matrix = |rows: usize, columns: usize, size: &dyn Fn(usize, usize) -> f64| -> Vec<f32> {
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        places.map(|(row, column)| (stream.normal() * size(row, column)) as f32).collect()
    };
    let mut input = matrix(ROWS, TERMS, &|row, _| if row == 7 { 0.0 } else { 10_f64.powf(2.7 * row as f64 - 41.0) });
    let mut weight =
        matrix(TERMS, COLUMNS, &|_, column| if column == 2 { 0.0 } else { 10_f64.powi(2 * column as i32 - 38) });
    (input[3 * TERMS + 11], input[5 * TERMS + 36], weight[20 * COLUMNS + 9]) = (f32::INFINITY, f32::NAN, f32::NEG_INFINITY);
    // One huge number of a row drowns the others.
    input[20 * TERMS] = 1e30;
    let kernel = Forward {
        layer: Layer { inputs: TERMS, outputs: COLUMNS, bias: false, capacity: ROWS },
        activation: Activation::Identity,
        slope: false,
        dropped: None,
        source: Source::Batch,
        factors: Factors::Full,
    };
    let plan = Plan::of_forward(kernel, Choice { family: Family::DirectSplit, parts: 1 });
    let ([input_id, weight_id], output_id) =
        ([plan.training[0].reads[0], plan.training[0].reads[1]], plan.training[0].writes[0]);
    let mut gpu = Gpu::new(plan, device)?;
    gpu.write(input_id, 0, &input)?;
    gpu.write(weight_id, 0, &weight)?;
    gpu.run(Phase::Training, &[Step { rows: ROWS, scale: 1.0, ..Step::default() }])?;
    let output = gpu.read(output_id, 0, ROWS)?;
    for (place, &actual) in output.iter().enumerate() {
        let (row, column) = (place / COLUMNS, place % COLUMNS);
        if matches!(row, 3 | 5) || column == 9 {
            assert!(!actual.is_finite(), "row {row}, column {column} is {actual:e}, and holds what is not finite");
            continue;
        }
        let a = |term: usize| f64::from(input[row * TERMS + term]);
        let b = |term: usize| f64::from(weight[term * COLUMNS + column]);
        let of = |sum: &dyn Fn(usize) -> f64| (0..TERMS).map(sum).sum::<f64>();
        let largest = |of: &dyn Fn(usize) -> f64| (0..TERMS).map(of).fold(0.0_f64, |most, value| most.max(value.abs()));
        let floor = 2_f64.powi(-38) * (largest(&a) * of(&|term| b(term).abs()) + largest(&b) * of(&|term| a(term).abs()));
        let bound = (sum_error(TERMS) + 8.0 * UNIT) * of(&|term| (a(term) * b(term)).abs()) + floor + underflow(TERMS);
        let expected = of(&|term| a(term) * b(term));
        let error = (f64::from(actual) - expected).abs();
        let is_right = error <= bound || f64::from(actual) == expected.signum() * f64::INFINITY && expected.abs() > 3e38;
        if !is_right {
            return Err(
                format!("row {row}, column {column}: {actual:e} and not {expected:e}, give or take {bound:.1e}").into()
            );
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
    for case in layers().into_iter().chain(whole_networks()).chain(choices()).chain(joint()).chain(long_sums()) {
        // The batches of the CPU path are gathered.
        let twin = Case { gather: true, ..case.clone() };
        trials.push(Trial::test(format!("cpu: {}", case.name), move || check(&twin, Cpu::<f32>::new(twin.plan(), 2)?)));
        let name = format!("gpu: {}", case.name);
        trials.push(shared.trial_of(name, case, |case, device| check(case, Gpu::new(case.plan(), device)?)));
    }
    for case in mixed(None) {
        let twin = Case { gather: true, ..case.clone() };
        trials.push(Trial::test(format!("cpu: {}", case.name), move || check(&twin, Cpu::<f32>::new(twin.plan(), 2)?)));
        let name = format!("gpu: {}", case.name);
        trials.push(shared.trial_of(name, case, |case, device| check(case, Gpu::new(case.plan(), device)?)));
    }
    for case in split(None) {
        let name = format!("gpu: {}", case.name);
        trials.push(shared.trial_of(name, case, |case, device| check(case, Gpu::new(case.plan(), device)?)));
    }
    trials.push(shared.trial("gpu: halves of all sizes".into(), halves_of_all_sizes));
    // On matrix units, where the adapter has some.
    trials.push(shared.trial("matrix units are as the oracle".into(), |device| {
        let gpus = Gpus::find();
        let Some(gpu) = gpus.list().into_iter().find(|gpu| gpu.index == device.info().index && gpu.mixed) else {
            return Ok(());
        };
        let device = gpus.open_mixed(gpu.index, Reuse::Kept)?;
        verify_mixed(&device)?;
        Ok(verify_split(&device.with_splits())?)
    }));
    // A few cases as they are written for GPUs, on whatever adapter there is: llvmpipe takes long to compile them.
    for case in layers().into_iter().step_by(8) {
        let trial = |case: &Case, device: Device| check(case, Gpu::new(case.plan(), device.with_lanes(GPU_LANES))?);
        trials.push(shared.trial_of(format!("gpu, {GPU_LANES} lanes: {}", case.name), case, trial));
    }
    for case in exact([Family::DirectSplit]) {
        let (twin, name) = (case.clone(), case.name.clone());
        let on_cpu = move || Ok(small_integers_are_exact(&mut Cpu::<f32>::new(twin.plan(), 2)?)??);
        trials.push(Trial::test(format!("cpu: {name}"), on_cpu));
        let on_gpu = move |device| Ok(small_integers_are_exact(&mut Gpu::new(case.plan(), device)?)??);
        trials.push(shared.trial(format!("gpu: {name}"), on_gpu));
    }
    for case in padding_cases() {
        trials.push(shared.trial(format!("gpu: {}", case.name), move |device| padding_stays_zero(&case, device)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}
