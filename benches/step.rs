//! One epoch of a small and of a middling network on the CPU path, in f32 and in f64, and on the best GPU if there is one.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::ops::ControlFlow;
use wgrad::data::Matrix;
use wgrad::network::{Activation, Initialization, Loss, Network};
use wgrad::random::{Purpose, Stream};
use wgrad::training::{Device, Precision, Recipe, Samples, Session, Wanted};

/// Rows of an epoch.
const ROWS: usize = 1920;

fn session<T: Precision>(widths: &[usize], batch: usize, device: &Device) -> Session<T> {
    let layers = widths.len() - 1;
    let mut activations = vec![Activation::Relu; layers];
    activations[layers - 1] = Activation::Softmax;
    let network = Network::new(widths.to_vec(), activations, true).expect("a valid network");
    let recipe = Recipe { shuffle: true, seed: 1, ..Recipe::plain(Loss::CrossEntropy, 0.1, batch) };
    let mut stream = Stream::new(1, Purpose::Test, 0);
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let values = (0..ROWS * inputs).map(|_| T::from_f64(stream.uniform())).collect();
    let mut targets = Matrix::zeros(ROWS, outputs);
    (0..ROWS).for_each(|row| targets.values[row * outputs + row % outputs] = T::ONE);
    let samples = Samples::new(Matrix::new(ROWS, inputs, values), targets);
    let weights = Initialization::Auto.weights(&network, 1);
    Session::new(network, recipe, &weights, samples, device).expect("a session")
}

fn epochs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("epoch");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    for (name, widths, batch) in
        [("64-64-10, batch 32", vec![64, 64, 10], 32), ("784-128-10, batch 64", vec![784, 128, 10], 64)]
    {
        let cpu = Device::cpu(None, "benchmark");
        let mut single = session::<f32>(&widths, batch, &cpu);
        group.bench_function(BenchmarkId::new("CPU f32", name), |bencher| {
            bencher.iter(|| single.train(1, |_| ControlFlow::Continue(())).expect("an epoch"));
        });
        let mut double = session::<f64>(&widths, batch, &cpu);
        group.bench_function(BenchmarkId::new("CPU f64", name), |bencher| {
            bencher.iter(|| double.train(1, |_| ControlFlow::Continue(())).expect("an epoch"));
        });
        if let Ok(gpu) = Device::choose(&Wanted::Gpu, None, false) {
            let mut on_gpu = session::<f32>(&widths, batch, &gpu);
            group.bench_function(BenchmarkId::new(format!("{gpu}"), name), |bencher| {
                bencher.iter(|| on_gpu.train(1, |_| ControlFlow::Continue(())).expect("an epoch"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, epochs);
criterion_main!(benches);
