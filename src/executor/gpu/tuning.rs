//! Measures the ways to compute a plan's products on an open device, and keeps the fastest of each by adapter and driver.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Gpu;
use super::device::Device;
use crate::cache;
use crate::error::Result;
use crate::executor::Executor;
use crate::kernels::{Choice, Step};
use crate::plan::{Launch, Phase, Plan};

/// The word that the cache knows these measurements by.
const PURPOSE: &str = "tuning";
/// Time for one way to compute a product, beside compiling it.
const BUDGET: Duration = Duration::from_millis(200);

/// How a product is computed fastest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// The choice.
    pub choice: Choice,
    /// Seconds that one run of each measured choice takes, the static choice first.
    pub measured: Vec<(Choice, f64)>,
}

/// The fastest choice of every product of a plan that has more than one, by [`Launch::product_key`]: measured now, or kept from
/// an earlier measurement on this adapter and driver.
///
/// # Errors
/// What the device reports.
pub fn tune(plan: &Plan, device: &Device) -> Result<HashMap<String, Tuned>> {
    let info = device.info();
    let mut tuned = HashMap::new();
    for phase in [Phase::Training, Phase::Evaluation] {
        for launch in plan.launches(phase) {
            let rows = plan.rows(phase);
            let Some(product) = launch.product_key(rows).filter(|product| !tuned.contains_key(product)) else { continue };
            let choices = launch.kernel.choices(rows, &device.limits().target);
            if choices.len() < 2 {
                continue;
            }
            let key = format!("{} | {} | {} | {product}", info.name, info.backend, info.driver);
            let kept = cache::load(PURPOSE, &key).filter(|kept: &Tuned| choices.contains(&kept.choice));
            let result = match kept {
                Some(kept) => kept,
                None => {
                    let measured = measure(plan, phase, launch, &choices, device)?;
                    cache::store(PURPOSE, &key, &measured);
                    measured
                }
            };
            tuned.insert(product, result);
        }
    }
    Ok(tuned)
}

/// Measures each choice that the device's limits allow; the first one is taken where none is.
fn measure(plan: &Plan, phase: Phase, launch: &Launch, choices: &[Choice], device: &Device) -> Result<Tuned> {
    let mut measured = Vec::with_capacity(choices.len());
    for &choice in choices {
        let alone = alone(plan, phase, Launch { choice: Some(choice), ..launch.clone() });
        if alone.check(&device.limits()).is_ok() {
            measured.push((choice, seconds(alone, phase, device)?));
        }
    }
    let fastest = measured.iter().min_by(|(_, a), (_, b)| a.total_cmp(b));
    Ok(Tuned { choice: fastest.map_or(choices[0], |&(choice, _)| choice), measured })
}

/// A plan of one launch, whose other buffers are empty.
fn alone(plan: &Plan, phase: Phase, launch: Launch) -> Plan {
    let mut alone = plan.clone();
    for (id, buffer) in alone.buffers.iter_mut().enumerate() {
        if !launch.reads.contains(&id) && !launch.writes.contains(&id) {
            buffer.rows = 0;
        }
    }
    (alone.training, alone.evaluation) = match phase {
        Phase::Training => (vec![launch], Vec::new()),
        Phase::Evaluation => (Vec::new(), vec![launch]),
    };
    alone
}

/// The least seconds of one run, among groups of runs that grow until the time is up. Everything is zero, which GPUs compute no
/// faster.
fn seconds(plan: Plan, phase: Phase, device: &Device) -> Result<f64> {
    let step = Step { rows: plan.rows(phase), scale: 1.0, ..Step::default() };
    let records = plan.records;
    let mut gpu = Gpu::new(plan, device.clone())?;
    let mut timed = |runs: usize| -> Result<Duration> {
        let started = Instant::now();
        gpu.run(phase, &vec![step; runs * records])?;
        gpu.finish()?;
        Ok(started.elapsed())
    };
    // Drivers compile at the first run.
    timed(1)?;
    let (mut runs, mut spent, mut least) = (1, Duration::ZERO, f64::INFINITY);
    while spent < BUDGET {
        let time = timed(runs)?;
        spent += time;
        least = least.min(time.as_secs_f64() / runs as f64);
        // A group takes at most a quarter of the time, so that there are several.
        let most = BUDGET.as_secs_f64() / 4.0 / least;
        runs = (2 * runs).min(most as usize).max(1);
    }
    Ok(least)
}
