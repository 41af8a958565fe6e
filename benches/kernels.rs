//! Each kernel of a training step alone: the mnist workload's step on the CPU path, and on the best GPU if there is one.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use wgrad::bench::WorkloadName;
use wgrad::kernels::Step;
use wgrad::plan::Phase;
use wgrad::training::session::planning;
use wgrad::training::{Device, Precision, Wanted};
use wgrad::verification::fill;

/// Launches of one kernel in a row.
const REPEATS: usize = 16;

fn kernels(criterion: &mut Criterion) {
    let workload = WorkloadName::Mnist.workload();
    let (network, recipe) = (workload.network().expect("a network"), workload.recipe());
    let mut group = criterion.benchmark_group(format!("{REPEATS} launches"));
    group.sample_size(10);
    let gpu = Device::choose(&Wanted::Gpu, None, false).ok();
    for device in [Device::cpu(None, "benchmark")].into_iter().chain(gpu) {
        let plan = planning::plan::<f32>(&network, recipe.loss, Some(&recipe), 2 * recipe.batch, 1, &device);
        let mut executor = f32::executor(plan.clone(), &device).expect("an executor");
        fill(executor.as_mut(), 1).expect("numbers");
        let rates = recipe.optimizer.rates(1, 1e-6);
        let step = Step { rows: recipe.batch, scale: 1.0 / recipe.batch as f64, rates, ..Step::default() };
        for (index, launch) in plan.training.iter().enumerate() {
            group.bench_function(BenchmarkId::new(device.label(), &launch.label), |bencher| {
                bencher.iter(|| {
                    executor.run_launches(Phase::Training, index..index + 1, &[step; REPEATS]).expect("launches");
                    executor.finish().expect("the device");
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
