//! What a device does at its best, measured with wgrad's own kernels: multiply-adds in a square product, bytes in a copy.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::timing::{Care, alone};
use crate::error::Result;
use crate::executor::Executor;
use crate::kernels::{Gather, Step};
use crate::network::{Activation, Loss, Network};
use crate::plan::{Buffer, Element, Launch, Options, Phase, Plan};
use crate::training::{Device, Precision};

/// What a device does at its best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peaks {
    /// 10⁹ operations a second of the fastest square product, two a multiply-add.
    pub gflops: f64,
    /// Rows and columns of that product.
    pub product: usize,
    /// 10⁹ operations a second, the most that was seen: of the square products, and of the steps or kernels of the same report.
    pub peak_gflops: f64,
    /// 10⁹ bytes a second of a copy, read and written.
    pub gigabytes_per_second: f64,
    /// Bytes that were copied.
    pub copy_bytes: u64,
}

impl Peaks {
    /// Takes note of operations that were seen, in units of 10⁹ a second.
    pub fn raise(&mut self, gflops: f64) {
        self.peak_gflops = self.peak_gflops.max(gflops);
    }
}

/// Sizes of the square products, the same whatever time there is, so that reports can be compared.
const PRODUCTS: [usize; 4] = [256, 512, 1024, 2048];
/// Seconds of a product after which none larger is tried: the next would take eight times as long, five times over.
const SLOW: f64 = 0.1;
/// A device takes about a second with it, a slow one some more.
const CARE: Care = Care { timing: Duration::from_millis(20), total: Duration::from_millis(200) };
/// Rows and columns of the copy: 64 MiB, more than caches hold.
const COPY: [usize; 2] = [1 << 14, 1 << 10];

/// Measures a device.
///
/// # Errors
/// What the device reports.
pub fn peaks(device: &Device) -> Result<Peaks> {
    let (mut gflops, mut product) = (0.0, 0);
    for size in PRODUCTS {
        let seconds = square_product(size, device)?;
        let reached = 2e-9 * (size as f64).powi(3) / seconds;
        if reached > gflops {
            (gflops, product) = (reached, size);
        }
        if seconds > SLOW {
            break;
        }
    }
    let copy_bytes = (COPY[0] * COPY[1] * 4) as u64;
    let gigabytes_per_second = 2e-9 * copy_bytes as f64 / copy(device)?;
    Ok(Peaks { gflops, product, peak_gflops: gflops, gigabytes_per_second, copy_bytes })
}

/// Seconds of a product of size × size matrices at its fastest: the forward kernel of a layer without bias or activation.
fn square_product(size: usize, device: &Device) -> Result<f64> {
    let network = Network::new(vec![size; 3], vec![Activation::Identity; 2], false)?;
    let plan = Plan::new(&network, &options(size, device));
    let launch = plan.evaluation.iter().position(|launch| launch.kernel.name() == "forward");
    let launch = launch.expect("a net's first layer is computed by the forward kernel");
    let (inputs, parameters) = (plan.evaluation_inputs, plan.parameters[0]);
    let mut executor = f32::executor(plan, device)?;
    executor.write(inputs, 0, &vec![0.5; size * size])?;
    executor.write(parameters, 0, &vec![1.0 / size as f32; size * size])?;
    fastest(executor.as_mut(), Phase::Evaluation, launch, size)
}

/// Seconds of a copy of [`COPY`] rows and columns at its fastest: the gather kernel, rows in their order.
fn copy(device: &Device) -> Result<f64> {
    let [rows, columns] = COPY;
    let network = Network::new(vec![1, 1], vec![Activation::Identity], false)?;
    let mut plan = Plan::new(&network, &options(1, device));
    let mut add = |name: &str, rows, columns, element| {
        plan.buffers.push(Buffer { name: name.into(), rows, columns, element, shared: false, group: None });
        plan.buffers.len() - 1
    };
    let source = add("source", rows, columns, Element::Real);
    let order = add("order", 1, rows, Element::Index);
    let copied = add("copy", rows, columns, Element::Real);
    let kernel = Gather { columns, segment_first: 0, segment_rows: rows, order: rows, capacity: rows };
    plan.training = vec![Launch {
        label: "copy".into(),
        kernel: Arc::new(kernel),
        reads: vec![source, order],
        writes: vec![copied],
        choice: None,
        ends_batch: false,
    }];
    plan.batch = rows;
    let mut executor = f32::executor(plan, device)?;
    executor.write(source, 0, &vec![0.5; rows * columns])?;
    executor.write_indices(order, 0, &(0..rows as u32).collect::<Vec<_>>())?;
    fastest(executor.as_mut(), Phase::Training, 0, rows)
}

fn options(rows: usize, device: &Device) -> Options {
    let segment_bytes = device.segment_bytes();
    Options { loss: Loss::SquaredError, training: None, evaluation_rows: rows, replicas: 1, own_steps: false, segment_bytes }
}

fn fastest(executor: &mut dyn Executor<f32>, phase: Phase, launch: usize, rows: usize) -> Result<f64> {
    let step = Step { rows, scale: 1.0, ..Step::default() };
    let mut work = |repeats: usize| {
        executor.run_launches(phase, launch..launch + 1, &vec![step; repeats])?;
        executor.finish()
    };
    Ok(alone(&mut work, &CARE)?.wall.lowest)
}
