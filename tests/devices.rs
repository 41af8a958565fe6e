//! The CPU path and the GPU path against each other: whole training, step by step from the same state, and the binary as a user
//! runs it on a GPU.

mod common;

use std::process::{Command, Output};

use common::{Case, Shared};
use libtest_mimic::{Arguments, Failed};
use wgrad::executor::Executor;
use wgrad::executor::cpu::Cpu;
use wgrad::executor::gpu::Gpu;
use wgrad::executor::gpu::device::Device;
use wgrad::kernels::View;
use wgrad::network::{Activation, Loss, OptimizerKind};
use wgrad::plan::{Element, Phase, Plan};
use wgrad::verification::{compare, fill};

/// Twenty steps on both, launch by launch, each from the CPU's state. The first kernel that diverges by more than both may round
/// is named.
fn step_by_step(case: &Case, device: Device) -> Result<(), Failed> {
    let plan = case.plan();
    let (mut cpu, mut gpu) = (Cpu::<f32>::new(plan.clone(), 2)?, Gpu::new(plan.clone(), device)?);
    fill(&mut cpu, 5)?;
    fill(&mut gpu, 5)?;
    for (number, step) in case.steps().iter().cycle().take(20).enumerate() {
        for (index, launch) in plan.training.iter().enumerate() {
            for &id in launch.reads.iter().chain(&launch.writes).filter(|&&id| plan.buffers[id].element == Element::Real) {
                let state = cpu.read(id, 0, plan.buffers[id].rows)?;
                gpu.write(id, 0, &state)?;
            }
            let read = |cpu: &mut Cpu<f32>, ids: &[usize]| -> Result<Vec<Vec<f64>>, Failed> {
                let real = |&&id: &&usize| plan.buffers[id].element == Element::Real;
                let values = |&id: &usize| Ok(cpu.read(id, 0, plan.buffers[id].rows)?.into_iter().map(f64::from).collect());
                ids.iter().filter(real).map(values).collect()
            };
            let (inputs, before) = (read(&mut cpu, &launch.reads)?, read(&mut cpu, &launch.writes)?);
            cpu.run_launches(Phase::Training, index..index + 1, &[*step])?;
            gpu.run_launches(Phase::Training, index..index + 1, &[*step])?;
            let bounds = launch.kernel.bounds(step, &views(&inputs), &vec![&[][..]; inputs.len()], &views(&before));
            for (&id, bounds) in launch.writes.iter().zip(&bounds) {
                agree(&plan, id, bounds, &mut cpu, &mut gpu)
                    .map_err(|why| format!("step {number}, {}: {why}", launch.label))?;
            }
        }
    }
    whole_training_ends_alike(case, &plan, &mut cpu, &mut gpu)
}

/// A hundred steps more, each device on its own: the weights stay together within what rounding may grow to.
fn whole_training_ends_alike(case: &Case, plan: &Plan, cpu: &mut Cpu<f32>, gpu: &mut Gpu) -> Result<(), Failed> {
    let mut steps: Vec<_> = case.steps().into_iter().cycle().take(100).collect();
    // Slow enough that no case is chaotic.
    steps.iter_mut().for_each(|step| step.rates.learning_rate *= 0.1);
    for &id in plan.parameters.iter().chain(plan.states.iter().flatten()) {
        gpu.write(id, 0, &cpu.read(id, 0, plan.buffers[id].rows)?)?;
    }
    let before = cpu.read(plan.parameters[0], 0, plan.buffers[plan.parameters[0]].rows)?;
    cpu.run(Phase::Training, &steps)?;
    gpu.run(Phase::Training, &steps)?;
    let expected = cpu.read(plan.parameters[0], 0, plan.buffers[plan.parameters[0]].rows)?;
    let moved = expected.iter().zip(&before).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let bound = 1e-3 * f64::from(moved);
    let exact: Vec<f64> = expected.iter().copied().map(f64::from).collect();
    let actual = gpu.read(plan.parameters[0], 0, plan.buffers[plan.parameters[0]].rows)?;
    match compare(&actual, &exact, &vec![bound; exact.len()]) {
        Ok(_) if moved > 1e-3 => Ok(()),
        outcome => Err(format!("after 100 steps, which moved weights by {moved}: {outcome:?}").into()),
    }
}

/// Both round: two bounds.
fn agree(plan: &Plan, id: usize, bounds: &[f64], cpu: &mut Cpu<f32>, gpu: &mut Gpu) -> Result<(), String> {
    let rows = plan.buffers[id].rows;
    let read = |executor: &mut dyn Executor<f32>| executor.read(id, 0, rows).map_err(|error| error.to_string());
    let expected: Vec<f64> = read(cpu)?.into_iter().map(f64::from).collect();
    let bounds: Vec<f64> = bounds.iter().map(|bound| 2.0 * bound).collect();
    compare(&read(gpu)?, &expected, &bounds)
        .map(|_| ())
        .map_err(|difference| format!("{}: {difference:?}", plan.buffers[id].name))
}

fn views(values: &[Vec<f64>]) -> Vec<View<'_, f64>> {
    values.iter().map(|values| View { values, indices: &[] }).collect()
}

fn wgrad(folder: &std::path::Path, arguments: &[&str]) -> Result<Output, Failed> {
    Ok(Command::new(env!("CARGO_BIN_EXE_wgrad")).current_dir(folder).args(arguments).output()?)
}

/// `train digits --device gpu` reaches what the CPU does, and saves a model that the CPU predicts the same with.
fn digits_on_a_gpu() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for device in ["gpu", "cpu"] {
        let output = wgrad(folder.path(), &["train", "digits", "--device", device, "-o", device, "--quiet", "--json"])?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let accuracy = report["test"]["accuracy"].as_f64().unwrap_or(0.0);
        if accuracy < 0.96 || report["device"]["kind"] != device {
            return Err(format!("accuracy {accuracy} on {}", report["device"]).into());
        }
    }
    let predict = |device| wgrad(folder.path(), &["predict", "gpu", "digits", "--device", device]);
    if predict("gpu")?.stdout != predict("cpu")?.stdout {
        return Err("the CPU names other classes with the GPU's model".into());
    }
    Ok(())
}

/// What the device cannot hold is refused with exit code 6 before anything starts.
fn what_the_device_cannot_hold_is_refused() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let output = wgrad(folder.path(), &["train", "digits", "--device", "gpu", "--hidden", "1000000000"])?;
    let error = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(6) || !error.contains("parameters 1") || folder.path().join("runs").exists() {
        return Err(format!("{:?}: {error}", output.status).into());
    }
    Ok(())
}

fn main() {
    let arguments = Arguments::from_args();
    let shared = Shared::default();
    let mut trials = Vec::new();
    for (hidden, optimizer) in [
        (Activation::Sigmoid, OptimizerKind::Sgd),
        (Activation::Relu, OptimizerKind::Adam),
        (Activation::Gelu, OptimizerKind::Nesterov),
    ] {
        let case = Case {
            hidden,
            optimizer,
            output: Activation::Softmax,
            loss: Loss::CrossEntropy,
            ..Case::new("whole training", [33, 13, 17, 5])
        };
        let name = format!("{hidden} nets trained by {optimizer} agree step by step");
        trials.push(shared.trial(name, move |device| step_by_step(&case, device)));
    }
    trials.push(shared.trial("the binary trains digits on a GPU".into(), |_| digits_on_a_gpu()));
    let refused = |_| what_the_device_cannot_hold_is_refused();
    trials.push(shared.trial("what the device cannot hold is refused".into(), refused));
    libtest_mimic::run(&arguments, trials).exit();
}
