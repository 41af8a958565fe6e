//! The same plan and data give the same bits: run twice, with one thread or two, alone or as one of several replicas.

use crate::common::{Case, Failed, Shared, Trial, Twins};
use wgrad::executor::Executor;
use wgrad::executor::cpu::Cpu;
use wgrad::executor::gpu::Gpu;
use wgrad::kernels::Step;
use wgrad::kernels::whole::Variant;
use wgrad::network::{Activation, Loss, OptimizerKind};
use wgrad::plan::{BufferId, Phase, Plan};
use wgrad::verification::cases::choices;
use wgrad::verification::fill;

/// Small ones, and one whose products the CPU shares among its threads.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (sizes, optimizer) in [([9, 5, 6, 7], OptimizerKind::Adam), ([64, 200, 129, 10], OptimizerKind::Momentum)] {
        let case =
            Case { optimizer, hidden: Activation::Gelu, ..Case::new(format!("{sizes:?} of gelu with {optimizer}"), sizes) };
        cases.push(Case { output: Activation::Softmax, loss: Loss::CrossEntropy, ..case });
    }
    let sizes = [513, 257, 300, 3];
    cases.push(Case { hidden: Activation::Tanh, ..Case::new(format!("{sizes:?} of tanh with sgd"), sizes) });
    // Sums far longer than the results are wide or high, and an output of one column.
    let sizes = [20_001, 9, 5, 1];
    cases.push(Case { hidden: Activation::Tanh, rows: 40_003, ..Case::new(format!("{sizes:?} of tanh with sgd"), sizes) });
    let all_rows = Case::new("a batch of all rows", [9, 5, 6, 7]);
    cases.push(Case { rows: 9, ..all_rows.clone() });
    cases.push(Case { name: "batches in place".into(), shuffle: false, ..all_rows.clone() });
    cases.push(Case { name: "gathered batches".into(), gather: true, ..all_rows });
    cases.push(Case { mixed: Some(5), ..Case::new("mixed", [35, 37, 41, 19]) });
    for (variant, sizes) in [
        (Variant::Invocation, [7, 3, 5, 2]),
        (Variant::Held, [33, 9, 12, 5]),
        (Variant::Workgroup, [33, 9, 12, 5]),
        (Variant::Lanes(8), [7, 3, 5, 2]),
    ] {
        let name = format!("{sizes:?}, whole steps, {variant:?}");
        let case = Case { whole: Some(variant), optimizer: OptimizerKind::Adam, ..Case::new(name, sizes) };
        cases.push(Case { output: Activation::Softmax, loss: Loss::CrossEntropy, ..case });
    }
    cases
}

/// The data and first numbers of a replica: what both plans, with and without replicas, have.
fn given(plan: &Plan) -> Vec<BufferId> {
    let data = plan.inputs.iter().chain(&plan.targets).map(|segment| segment.buffer);
    data.chain([plan.evaluation_inputs, plan.evaluation_targets])
        .chain(plan.parameters.iter().copied())
        .chain(plan.states.concat())
        .collect()
}

/// The bits of everything that training and an evaluation leave behind.
fn outcome(executor: &mut dyn Executor<f32>, case: &Case, replica: usize) -> Result<Vec<Vec<u32>>, Failed> {
    let plan = executor.plan().clone();
    let left = [plan.evaluation_outputs, plan.evaluation_losses, plan.losses.expect("trains")];
    let ids = plan.parameters.iter().copied().chain(plan.states.concat()).chain(left);
    let bits = ids
        .map(|id| Ok(executor.read(id, replica, plan.buffers[id].rows)?.iter().map(|value| value.to_bits()).collect()))
        .collect::<Result<Vec<Vec<u32>>, Failed>>()?;
    let moved = bits.iter().flatten().filter(|&&bits| bits != 0 && f32::from_bits(bits).is_finite()).count();
    if moved < case.rows { Err("nothing was computed".into()) } else { Ok(bits) }
}

fn run(executor: &mut dyn Executor<f32>, steps: &[Step], evaluations: &[Step]) -> Result<(), Failed> {
    executor.run(Phase::Training, steps)?;
    Ok(executor.run(Phase::Evaluation, evaluations)?)
}

fn trained(mut executor: impl Executor<f32>, case: &Case) -> Result<Vec<Vec<u32>>, Failed> {
    fill(&mut executor, 1)?;
    run(&mut executor, &case.steps(), &case.evaluations())?;
    outcome(&mut executor, case, 0)
}

fn equal(one: &[Vec<u32>], other: &[Vec<u32>]) -> Result<(), Failed> {
    let differ = one.iter().zip(other).map(|(one, other)| one.iter().zip(other).filter(|(a, b)| a != b).count());
    let differ: Vec<usize> = differ.collect();
    if one == other { Ok(()) } else { Err(format!("elements that differ, buffer by buffer: {differ:?}").into()) }
}

/// Runs three replicas, each with data, parameters and rate of its own; then each of them alone.
fn replicas_are_as_alone<E: Executor<f32>>(case: &Case, make: impl Fn(Plan) -> Result<E, Failed>) -> Result<(), Failed> {
    let together = Case { replicas: 3, ..case.clone() };
    let mut all = make(together.plan())?;
    fill(&mut all, 1)?;
    let plan = all.plan().clone();
    let single = case.plan();
    let order: Vec<Vec<u32>> = (0..3)
        .map(|replica| (0..case.rows as u32).map(|row| if replica > 0 { case.rows as u32 - 1 - row } else { row }).collect())
        .collect();
    let mut alone = Vec::new();
    for (replica, order) in order.iter().enumerate() {
        let mut executor = make(single.clone())?;
        for (from, to) in given(&plan).into_iter().zip(given(&single)) {
            let copy = if plan.buffers[from].shared { 0 } else { replica };
            let values = all.read(from, copy, plan.buffers[from].rows)?;
            executor.write(to, 0, &values)?;
        }
        if let (Some(own), Some(all_of)) = (single.order, plan.order) {
            executor.write_indices(own, 0, order)?;
            all.write_indices(all_of, replica, order)?;
        }
        alone.push(executor);
    }
    let (steps, evaluations) = (together.steps(), together.evaluations());
    run(&mut all, &steps, &evaluations)?;
    for (replica, mut executor) in alone.into_iter().enumerate() {
        let own = |steps: &[Step]| -> Vec<Step> { steps.iter().skip(replica).step_by(3).copied().collect() };
        run(&mut executor, &own(&steps), &own(&evaluations))?;
        equal(&outcome(&mut all, case, replica)?, &outcome(&mut executor, case, 0)?)?;
    }
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let mut trials = Vec::new();
    let mut twins = Twins::default();
    for case in cases().iter().filter_map(|case| twins.of(case)) {
        let name = case.name.clone();
        let cpu = |case: &Case, threads: usize| trained(Cpu::<f32>::new(case.plan(), threads)?, case);
        let same = case.clone();
        trials
            .push(Trial::test(format!("cpu: twice the same bits: {name}"), move || equal(&cpu(&same, 2)?, &cpu(&same, 2)?)));
        let threads = case.clone();
        let check = move || equal(&cpu(&threads, 1)?, &cpu(&threads, 2)?);
        trials.push(Trial::test(format!("cpu: the same bits with one thread and two: {name}"), check));
        let threads = case.clone();
        let check = move || equal(&cpu(&threads, 1)?, &cpu(&threads, 7)?);
        trials.push(Trial::test(format!("cpu: the same bits with one thread and seven: {name}"), check));
        let alone = case.clone();
        let check = move || replicas_are_as_alone(&alone, |plan| Ok(Cpu::<f32>::new(plan, 2)?));
        trials.push(Trial::test(format!("cpu: each replica as alone: {name}"), check));
    }
    // On a GPU every way to compute a product, too, of which the CPU knows nothing.
    for case in cases().into_iter().chain(choices().into_iter().step_by(2)) {
        let (name, case) = (case.name.clone(), Case { replicas: 1, ..case });
        trials.push(shared.trial_of(format!("gpu: twice the same bits: {name}"), case.clone(), |case, device| {
            let gpu = || trained(Gpu::new(case.plan(), device.clone())?, case);
            equal(&gpu()?, &gpu()?)
        }));
        trials.push(shared.trial_of(format!("gpu: each replica as alone: {name}"), case, |case, device| {
            replicas_are_as_alone(case, |plan| Ok(Gpu::new(plan, device.clone())?))
        }));
    }
    trials
}
