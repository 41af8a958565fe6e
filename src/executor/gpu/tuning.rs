//! Measures the ways to compute a plan's products on an open device, and keeps the fastest of each by adapter and driver.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Gpu;
use super::device::{Device, UPLOAD_BYTES};
use super::info::GpuInfo;
use super::settling::settle;
use crate::cache;
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::kernels::{Choice, Step, split};
use crate::plan::{Element, Launch, Phase, Plan};

/// The word that the cache knows these measurements by.
const PURPOSE: &str = "tuning";
/// How much faster than the static choice another has to be: less is noise.
const WORTH: f64 = 0.95;
/// Time for all ways to compute a product, beside compiling them.
const BUDGET: Duration = Duration::from_millis(200);

/// How a product is computed fastest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// The choice.
    pub choice: Choice,
    /// Seconds that one run of each measured choice takes, the static choice first.
    pub measured: Vec<(Choice, f64)>,
    /// Whether the timings of each were steady before it was measured.
    pub settled: bool,
}

impl Tuned {
    /// Whether all of these choices were measured, and one of them was the fastest.
    fn is_of(&self, choices: &[Choice]) -> bool {
        let is_measured = |choice: &Choice| self.measured.iter().any(|(measured, _)| measured == choice);
        choices.contains(&self.choice) && choices.iter().all(is_measured)
    }

    /// What was measured of a product, for a person.
    pub fn of(&self, product: &str) -> String {
        let shown = |&(choice, seconds): &(Choice, f64)| {
            let taken = if choice == self.choice { " (taken)" } else { "" };
            format!("{choice} {:.1} µs{taken}", 1e6 * seconds)
        };
        let unsettled = if self.settled { "" } else { "; the timings did not settle" };
        format!("tuned {product}: {}{unsettled}", self.measured.iter().map(shown).collect::<Vec<_>>().join(", "))
    }
}

/// The fastest choice of every product of a plan that has more than one, by [`Launch::product_key`]: measured now, or kept from
/// an earlier measurement on this adapter and driver. Matrix units that were verified for it are measured as well. Those that are `known`, and those of other phases, are left out.
///
/// # Errors
/// What the device reports.
pub fn tune(
    plan: &Plan,
    device: &Device,
    known: &BTreeMap<String, Choice>,
    phases: &[Phase],
) -> Result<HashMap<String, Tuned>> {
    let info = device.info();
    let mut tuned = HashMap::new();
    for &phase in phases {
        for launch in plan.launches(phase) {
            let rows = plan.rows(phase);
            let new = |product: &String| !tuned.contains_key(product) && !known.contains_key(product);
            let Some(product) = launch.product_key(rows).filter(new) else { continue };
            let target = device.limits().target;
            let mut choices = launch.kernel.choices(rows, &target);
            choices.extend(split::choices(launch.kernel.as_ref(), rows, &target));
            if choices.len() < 2 {
                continue;
            }
            let key = key(info, plan.replicas, &product);
            let kept = cache::load(PURPOSE, &key).filter(|kept: &Tuned| kept.is_of(&choices));
            let result = match kept {
                Some(kept) => kept,
                None => {
                    let result = measure(plan, phase, launch, &choices, device)?;
                    // What there was no room for now, or was not steady, may be measured another time.
                    if result.measured.len() == choices.len() && result.settled {
                        cache::store(PURPOSE, &key, &result);
                    }
                    result
                }
            };
            if !result.measured.is_empty() {
                tuned.insert(product, result);
            }
        }
    }
    Ok(tuned)
}

/// What a measurement is kept by.
fn key(info: &GpuInfo, replicas: usize, product: &str) -> String {
    let replicas = if replicas > 1 { format!("{replicas} times ") } else { String::new() };
    format!("{} | {replicas}{product}", info.key())
}

/// Measures each choice that the device's limits allow.
fn measure(plan: &Plan, phase: Phase, launch: &Launch, choices: &[Choice], device: &Device) -> Result<Tuned> {
    let (mut measured, mut all_settled) = (Vec::with_capacity(choices.len()), true);
    let budget = BUDGET / choices.len() as u32;
    for &choice in choices {
        let alone = alone(plan, phase, Launch { choice: Some(choice), ..launch.clone() });
        if alone.check(&device.limits()).is_ok() {
            match seconds(alone, phase, device, budget) {
                Ok((seconds, settled)) => {
                    measured.push((choice, seconds));
                    all_settled &= settled;
                }
                Err(Error::Limit(_)) => {} // there is no memory for it
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Tuned { choice: fastest(&measured).unwrap_or(choices[0]), measured, settled: all_settled })
}

/// The choice with the least time, or the first, static one where none is worth the change.
fn fastest(measured: &[(Choice, f64)]) -> Option<Choice> {
    let &(first, most) = measured.first()?;
    let least = measured.iter().min_by(|(_, a), (_, b)| a.total_cmp(b)).filter(|(_, seconds)| *seconds < WORTH * most);
    Some(least.map_or(first, |&(choice, _)| choice))
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

/// The least seconds of one run within the time, and whether timings were steady before.
fn seconds(plan: Plan, phase: Phase, device: &Device, budget: Duration) -> Result<(f64, bool)> {
    let step = Step { rows: plan.rows(phase), scale: 1.0, ..Step::default() };
    let records = plan.records;
    let mut gpu = Gpu::new(plan, device.clone())?;
    fill(&mut gpu)?;
    let mut timed = |runs: usize| -> Result<Duration> {
        let started = Instant::now();
        gpu.run(phase, &vec![step; runs * records])?;
        gpu.finish()?;
        Ok(started.elapsed())
    };
    // Drivers compile at the first run.
    timed(1)?;
    let settled = settle(Some(device.info()), |runs| timed(runs).map(drop))?;
    Ok((least(budget, timed)?, settled))
}

/// Fills all buffers with random numbers between -1 and 1, and orders with random rows: GPUs compute zeros with less power, and faster.
/// Padding is filled as well: what comes out is not looked at.
pub(super) fn fill(gpu: &mut Gpu) -> Result<()> {
    let mut state = 0x9e37_79b9_u32;
    let mut word = || {
        // Marsaglia's xorshift: any numbers do whose bits are mixed.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let numbers: Vec<f32> = (0..UPLOAD_BYTES / 4).map(|_| word() as f32 / (1u32 << 31) as f32 - 1.0).collect();
    for id in 0..gpu.plan.buffers.len() {
        let (shape, copies) = (gpu.plan.buffers[id].clone(), gpu.plan.copies(id));
        match shape.element {
            Element::Index => {
                let order: Vec<u32> = (0..shape.length()).map(|_| word() % shape.columns as u32).collect();
                (0..copies).try_for_each(|replica| gpu.write_indices(id, replica, &order))?;
            }
            Element::Real => {
                let bytes: &[u8] = bytemuck::cast_slice(&numbers);
                let all = shape.padded_bytes(gpu.plan.replicas);
                for start in (0..all).step_by(bytes.len()) {
                    let piece = (all - start).min(bytes.len() as u64) as usize;
                    gpu.write_bytes(id, start, &bytes[..piece])?;
                }
            }
        }
    }
    Ok(())
}

/// The least seconds of one run, among groups of runs that grow until the time is up.
fn least(budget: Duration, mut timed: impl FnMut(usize) -> Result<Duration>) -> Result<f64> {
    let (mut runs, mut spent, mut least) = (1, Duration::ZERO, f64::INFINITY);
    while spent < budget {
        let time = timed(runs)?;
        spent += time;
        least = least.min(time.as_secs_f64() / runs as f64);
        // A group takes at most a quarter of the time, so that there are several.
        let most = budget.as_secs_f64() / 4.0 / least;
        runs = (2 * runs).min(most as usize).max(1);
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::form::Family;

    #[test]
    fn groups_of_runs_stay_within_the_time() {
        for microseconds in [1, 90, 3_000, 49_000, 2_000_000] {
            let of = |runs: usize| Duration::from_micros(microseconds) * runs as u32;
            let mut groups = Vec::new();
            let seconds = least(BUDGET, |runs| {
                groups.push(runs);
                // The third is the fastest.
                Ok(if groups.len() == 3 { of(runs) / 2 } else { of(runs) })
            });
            let fastest = if groups.len() < 3 { of(1) } else { of(1) / 2 };
            assert!((seconds.expect("no error") - fastest.as_secs_f64()).abs() < 1e-12);
            let spent: Duration = groups.iter().map(|&runs| of(runs)).sum();
            assert!(spent < 3 * BUDGET / 2 || groups == [1], "{microseconds} µs a run: {groups:?}");
        }
    }

    #[test]
    fn what_was_measured_holds_for_its_adapter_and_driver_alone() {
        let info = GpuInfo::for_tests("a GPU", "one 1.0");
        let of = |changed: GpuInfo| key(&changed, 1, "forward");
        let all = [
            key(&info, 1, "update"),
            key(&info, 2, "forward"),
            of(GpuInfo { name: "another".into(), ..info.clone() }),
            of(GpuInfo { backend: "metal".into(), ..info.clone() }),
            of(GpuInfo { driver: "one 1.1".into(), ..info.clone() }),
            of(info),
        ];
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len(), "{all:?}");
    }

    #[test]
    fn a_measurement_holds_while_no_choice_is_missing_in_it() {
        let [one, two, three] = [1, 2, 4].map(|parts| Choice { family: Family::Direct, parts });
        let tuned = Tuned { choice: one, measured: vec![(one, 1.0), (two, 2.0)], settled: true };
        assert!(tuned.is_of(&[one, two]) && tuned.is_of(&[one]));
        assert!(!tuned.is_of(&[one, two, three]) && !tuned.is_of(&[two]));
    }

    #[test]
    fn another_choice_has_to_be_worth_the_change() {
        let choice = |parts| Choice { family: Family::Direct, parts };
        let measured = |seconds: f64| fastest(&[(choice(1), 1.0), (choice(2), 1.1), (choice(4), seconds)]);
        assert_eq!(measured(0.97), Some(choice(1)));
        assert_eq!(measured(0.9), Some(choice(4)));
        assert_eq!(fastest(&[]), None);
    }
}
