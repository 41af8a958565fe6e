//! The GPU path against the f64 oracle, kernel by kernel, on every size that is no multiple of anything.
//!
//! Without an adapter these tests fail and say what to install; with `WGRAD_TEST_NO_GPU=1` they are left out and show as
//! ignored.

use crate::common::{Case, Completion, Failed, Shared, Trial, Twins, check};
use clap::ValueEnum;
use wgrad::executor::Executor;
use wgrad::executor::cpu::Cpu;
use wgrad::executor::gpu::Gpu;
use wgrad::executor::gpu::device::{Device, Gpus};
use wgrad::executor::gpu::pipelines::Reuse;
use wgrad::kernels::Step;
use wgrad::kernels::form::{Family, GPU_LANES};
use wgrad::kernels::stride4;
use wgrad::network::{Activation, Loss, OptimizerKind};
use wgrad::plan::{Element, Phase, Plan};
use wgrad::verification::adapter::{verify_mixed, verify_split};
use wgrad::verification::cases::{choices, exact, joint, layers, long_sums, mixed, split, whole_networks};
use wgrad::verification::checks::{self, small_integers_are_exact};
use wgrad::verification::{against_oracle, fill};

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

/// Rows and columns of all sizes as two halves of each number, on whatever adapter there is.
fn halves_of_all_sizes(device: &Device) -> Result<(), Failed> {
    for terms in [37, 1024] {
        let make = |plan| Ok(Box::new(Gpu::new(plan, device.clone())?) as Box<dyn Executor<f32>>);
        checks::halves_of_all_sizes(make, Family::DirectSplit, terms)??;
    }
    Ok(())
}

/// One unit of this activation, on a row for every argument.
fn unit(hidden: Activation) -> Case {
    let (widths, rows) = (vec![1; 3], arguments().count());
    let case = Case::new(format!("{hidden} from -110 to 110"), [1; 4]);
    Case { widths, hidden, output: Activation::Identity, rows, batch: rows, bias: false, shuffle: false, ..case }
}

/// From -110 to 110, closely where activations bend.
fn arguments() -> impl Iterator<Item = f32> {
    (-5_000..=5_000).map(|step| step as f32 / 512.0).chain((-1_100..=1_100).map(|step| step as f32 / 10.0))
}

/// `f` of every argument is within its bound, and so is a stored `f'`; and what each kernel makes of them, forward and back.
fn is_within_its_bounds_everywhere(case: &Case, mut executor: impl Executor<f32>) -> Result<(), Failed> {
    fill(&mut executor, 1)?;
    let plan = executor.plan().clone();
    let z: Vec<f32> = arguments().collect();
    executor.write(plan.inputs[0].buffer, 0, &z)?;
    // An error that no output is close to, so that every delta is a normal number.
    executor.write(plan.targets[0].buffer, 0, &vec![-1.0; case.rows])?;
    plan.parameters.iter().try_for_each(|&id| executor.write(id, 0, &[1.0]))?;
    let step = Step { scale: 1.0, ..case.steps()[0] };
    let findings = against_oracle(&mut executor, Phase::Training, &[step])?;
    if let Some(finding) = findings.iter().find(|finding| finding.outcome.is_err()) {
        return Err(format!("{finding:?}").into());
    }
    let forward = plan.training.iter().find(|launch| launch.kernel.name() == "forward").expect("a hidden layer");
    let exact = [Activation::activate, Activation::slope::<f64>];
    for (place, (&id, exact)) in forward.writes.iter().zip(exact).enumerate() {
        for (&z, actual) in z.iter().zip(executor.read(id, 0, case.rows)?) {
            let (exact, bound) = (exact(case.hidden, f64::from(z)), case.hidden.bounds(f64::from(z), 0.0)[place]);
            let error = (f64::from(actual) - exact).abs();
            if error.is_nan() || error > bound {
                return Err(format!("{place} of {z}: {actual:e} is {error:e} from {exact:e}, beyond {bound:e}").into());
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
    Activation::hidden()
        .map(|activation| case(activation, OptimizerKind::Adam))
        .chain(
            OptimizerKind::value_variants()
                .iter()
                .filter(|&&optimizer| optimizer != OptimizerKind::Adam)
                .map(|&optimizer| case(Activation::Identity, optimizer)),
        )
        .chain([Case { name: "padding stays zero with softmax".into(), ..softmax }])
        .collect()
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let mut trials = Vec::new();
    let mut twins = Twins::default();
    // The batches of the CPU path are gathered.
    let mut on_cpu = move |case: &Case| {
        let twin = twins.of(&Case { gather: true, ..case.clone() })?;
        Some(Trial::test(format!("cpu: {}", case.name), move || check(&twin, Cpu::<f32>::new(twin.plan(), 2)?)))
    };
    for case in
        layers().into_iter().chain(whole_networks()).chain(choices()).chain(joint()).chain(long_sums()).chain(mixed(None))
    {
        trials.extend(on_cpu(&case));
        let name = format!("gpu: {}", case.name);
        trials.push(shared.trial_of(name, case, |case, device| check(case, Gpu::new(case.plan(), device)?)));
    }
    for case in Activation::hidden().map(unit) {
        let twin = case.clone();
        let on_cpu = move || is_within_its_bounds_everywhere(&twin, Cpu::<f32>::new(twin.plan(), 2)?);
        trials.push(Trial::test(format!("cpu: {}", case.name), on_cpu));
        let name = format!("gpu: {}", case.name);
        let on_gpu = |case: &Case, device| is_within_its_bounds_everywhere(case, Gpu::new(case.plan(), device)?);
        trials.push(shared.trial_of(name, case, on_gpu));
    }
    for case in split(None) {
        let name = format!("gpu: {}", case.name);
        trials.push(shared.trial_of(name, case, |case, device| check(case, Gpu::new(case.plan(), device)?)));
    }
    trials.push(shared.trial("gpu: halves of all sizes".into(), |device| halves_of_all_sizes(&device)));
    trials.push(shared.trial("matrix units are as the oracle".into(), |device| {
        let gpus = Gpus::find();
        let Some(gpu) = gpus.list().into_iter().find(|gpu| gpu.index == device.info().index && gpu.mixed) else {
            return Ok(Completion::ignored_with("the adapter has no matrix units"));
        };
        let device = gpus.open_mixed(gpu.index, Reuse::Kept)?;
        verify_mixed(&device)?;
        verify_split(&device.with_splits())?;
        Ok(Completion::Completed)
    }));
    // A few cases as they are written for GPUs, on whatever adapter there is: llvmpipe takes long to compile them.
    for case in layers().into_iter().step_by(8) {
        let trial = |case: &Case, device: Device| check(case, Gpu::new(case.plan(), device.with_lanes(GPU_LANES))?);
        trials.push(shared.trial_of(format!("gpu, {GPU_LANES} lanes: {}", case.name), case, trial));
    }
    let mut twins = Twins::default();
    for case in exact([Family::DirectSplit]) {
        let name = case.name.clone();
        trials.extend(twins.of(&case).map(|twin| {
            let on_cpu = move || Ok(small_integers_are_exact(&mut Cpu::<f32>::new(twin.plan(), 2)?)??);
            Trial::test(format!("cpu: {name}"), on_cpu)
        }));
        let on_gpu = move |device| Ok(small_integers_are_exact(&mut Gpu::new(case.plan(), device)?)??);
        trials.push(shared.trial(format!("gpu: {name}"), on_gpu));
    }
    for case in padding_cases() {
        trials.push(shared.trial(format!("gpu: {}", case.name), move |device| padding_stays_zero(&case, device)));
    }
    trials
}
