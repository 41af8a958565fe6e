//! What it costs the CPU to record a dispatch, and to record and submit it: the time of the thread that does it, without what it
//! waits for.
//!
//! Each benchmark's name says how many dispatches it records; the bar is 2 µs for recording one. A GPU's driver hands a submission
//! over; Mesa's software adapters go through its commands in the thread that submits, and share each dispatch out among threads, whose
//! time is not counted (with `LP_NUM_THREADS=0` they have none, and the figures of submissions are those of the computation).

#[cfg(unix)]
mod recording {
    use std::time::Duration;

    use criterion::{BenchmarkId, Criterion, Throughput};
    use rustix::time::{ClockId, clock_gettime};
    use wgrad::executor::Executor;
    use wgrad::executor::gpu::Gpu;
    use wgrad::kernels::Step;
    use wgrad::network::{Activation, Loss, Network, OptimizerKind};
    use wgrad::plan::{Options, Phase, Plan, TrainingOptions};
    use wgrad::training::{Device, Wanted};
    use wgrad::verification::fill;

    /// Steps that are recorded in one go.
    const STEPS: usize = 256;
    /// Rows of a batch.
    const BATCH: usize = 32;

    /// The time that this thread has computed for.
    fn thread_time() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    /// A plan of a kernel a layer, however small the network is.
    fn plan(widths: &[usize], optimizer: OptimizerKind) -> Plan {
        let layers = widths.len() - 1;
        let mut activations = vec![Activation::Relu; layers];
        activations[layers - 1] = Activation::Softmax;
        let network = Network::new(widths.to_vec(), activations, true).expect("a valid network");
        let (rows, batch) = (2 * BATCH, BATCH);
        let training = TrainingOptions { shuffle: true, ..TrainingOptions::plain(rows, batch, optimizer) };
        let options = Options {
            loss: Loss::CrossEntropy,
            training: Some(training),
            evaluation_rows: batch,
            evaluation_data: 0,
            replicas: 1,
            own_steps: false,
            segment_bytes: None,
        };
        Plan::new(&network, &options)
    }

    pub(super) fn recording(criterion: &mut Criterion) {
        let Ok(device) = Device::choose(&Wanted::Gpu, None, false) else {
            println!("recording: no GPU was found");
            return;
        };
        let mut group = criterion.benchmark_group("recording");
        group.sample_size(10);
        for (name, widths, optimizer) in [
            ("two layers, sgd", vec![64, 64, 10], OptimizerKind::Sgd),
            ("five layers, adam", vec![64, 64, 64, 64, 64, 10], OptimizerKind::Adam),
        ] {
            let plan = plan(&widths, optimizer);
            let dispatches = STEPS * plan.training.len();
            let mut gpu = Gpu::new(plan, device.gpu().expect("a GPU").clone()).expect("an executor");
            fill(&mut gpu, 1).expect("numbers");
            let step = Step { rows: BATCH, scale: 1.0 / BATCH as f64, ..Step::default() };
            group.throughput(Throughput::Elements(dispatches as u64));
            let adapter = device.label();
            let id = |what: &str| BenchmarkId::new(&adapter, format!("{dispatches} dispatches of {name}, {what}"));
            group.bench_function(id("recorded"), |bencher| {
                bencher.iter_custom(|iterations| {
                    let started = thread_time();
                    (0..iterations).for_each(|_| gpu.record_only(Phase::Training, &[step; STEPS]));
                    thread_time() - started
                });
            });
            group.bench_function(id("and submitted"), |bencher| {
                bencher.iter_custom(|iterations| {
                    (0..iterations)
                        .map(|_| {
                            let started = thread_time();
                            gpu.run(Phase::Training, &[step; STEPS]).expect("steps");
                            let recorded = thread_time() - started;
                            gpu.finish().expect("the device");
                            recorded
                        })
                        .sum()
                });
            });
        }
        group.finish();
    }
}

#[cfg(unix)]
criterion::criterion_group!(benches, recording::recording);
#[cfg(unix)]
criterion::criterion_main!(benches);

#[cfg(not(unix))]
fn main() {
    println!("recording: this system's clocks of threads are not read here");
}
