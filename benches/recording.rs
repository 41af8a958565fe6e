//! What recording costs the CPU: commands for some steps on the best GPU, encoded but not submitted; the throughput is in dispatches.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wgrad::executor::gpu::Gpu;
use wgrad::executor::gpu::device::Gpus;
use wgrad::kernels::Step;
use wgrad::network::{Activation, Loss, Network, OptimizerKind};
use wgrad::plan::{Options, Phase, Plan, TrainingOptions};

/// Steps that are recorded together.
const STEPS: usize = 200;

fn plan(widths: &[usize], optimizer: OptimizerKind) -> Plan {
    let layers = widths.len() - 1;
    let mut activations = vec![Activation::Relu; layers];
    activations[layers - 1] = Activation::Softmax;
    let network = Network::new(widths.to_vec(), activations, true).expect("a valid network");
    let (rows, batch) = (1920, 32);
    let training = TrainingOptions { rows, batch, shuffle: true, gather: false, optimizer, losses: rows, whole: None };
    let options = Options {
        loss: Loss::CrossEntropy,
        training: Some(training),
        evaluation_rows: 32,
        replicas: 1,
        own_steps: false,
        segment_bytes: None,
    };
    Plan::new(&network, &options)
}

fn recording(criterion: &mut Criterion) {
    let gpus = Gpus::find();
    if gpus.list().is_empty() {
        return;
    }
    let mut group = criterion.benchmark_group("recording");
    for (name, widths, optimizer) in [
        ("two layers, sgd", vec![64, 64, 10], OptimizerKind::Sgd),
        ("five layers, adam", vec![64, 64, 64, 64, 64, 10], OptimizerKind::Adam),
    ] {
        let plan = plan(&widths, optimizer);
        let launches = plan.training.len();
        let gpu = Gpu::new(plan, gpus.open(0).expect("a device")).expect("the plan fits");
        let steps = vec![Step { rows: 32, scale: 1.0, ..Step::default() }; STEPS];
        group.throughput(Throughput::Elements((STEPS * launches) as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            let record = |()| gpu.record(Phase::Training, 0..launches, &steps, 0).finish();
            bencher.iter_batched(|| (), record, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, recording);
criterion_main!(benches);
