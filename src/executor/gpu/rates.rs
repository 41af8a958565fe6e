//! Measures how fast an open GPU is in each tiled family, once, and keeps it by adapter and driver: with these numbers products are
//! computed about as fast as `--tune` would have them, with nothing measured of the products themselves.

use std::time::{Duration, Instant};

use super::Gpu;
use super::device::Device;
use super::settling::settle;
use super::tuning::fill;
use crate::cache;
use crate::error::Result;
use crate::executor::Executor;
use crate::kernels::form::{Choice, Family};
use crate::kernels::rates::{Pace, Rates};
use crate::kernels::{Factors, Forward, Layer, Source, Step};
use crate::network::Activation;
use crate::plan::{Phase, Plan};

/// The word that the cache knows these measurements by.
const PURPOSE: &str = "rates";
/// Workgroups along the rows and the columns that are many on every GPU.
const MANY: [usize; 2] = [16, 32];
/// Terms of the shorter and the longer sums.
const TERMS: [usize; 2] = [256, 1024];
/// Time of one measurement, about; the least of some counts.
const TIME: Duration = Duration::from_micros(500);
const TIMES: usize = 3;

impl Device {
    /// Looks up how fast it is in each family of products, or measures it: from then on products are computed as suits this device. A
    /// software adapter has nothing to measure, and where a measurement fails the device is taken for an average one.
    pub fn find_rates(&self) {
        if !self.info().software && self.rates().get().is_none() {
            let found = rates(self).ok().flatten().unwrap_or_default();
            let _ = self.rates().set(found);
        }
    }
}

/// The rates of this device: kept from an earlier measurement, or measured now. None where they cannot be kept, since another run would
/// measure others and could choose otherwise.
///
/// # Errors
/// What the device reports.
fn rates(device: &Device) -> Result<Option<Rates>> {
    let key = device.info().key();
    let kept = || cache::load(PURPOSE, &key).and_then(possible);
    if kept().is_none() && cache::folder().is_some() {
        // What the measurement takes is given back before a plan asks for memory.
        let paces = measured(&device.clone().with_memory(None))?;
        cache::store(PURPOSE, &key, &paces);
    }
    Ok(kept().map(|paces| Rates { paces, dispatch: 0 }))
}

/// The paces of every family, if no work is without its time: a file may say anything.
fn possible(paces: Vec<Option<Pace>>) -> Option<[Option<Pace>; Family::TILED.len()]> {
    let is_one = |pace: &Pace| (pace.alone > 0 || pace.alone_each > 0) && pace.shared_each > 0;
    let has_one = paces.iter().flatten().next().is_some();
    paces.try_into().ok().filter(|paces: &[Option<Pace>; _]| has_one && paces.iter().flatten().all(is_one))
}

/// The pace in every family that the device has room for.
fn measured(device: &Device) -> Result<Vec<Option<Pace>>> {
    let target = device.limits().target;
    // The clock is up before anything counts.
    let largest = target.families().last().unwrap_or_default();
    let mut work = forward(device, largest, MANY, TERMS[1])?;
    settle(Some(device.info()), |repeats| work(repeats).map(|_| ()))?;
    let pace = |family: Family| -> Result<Option<Pace>> {
        if !target.families().any(|possible| possible == family) {
            return Ok(None);
        }
        let mut seconds = [[0.0; 2]; 2];
        for (seconds, workgroups) in seconds.iter_mut().zip([[1, 1], MANY]) {
            for (seconds, terms) in seconds.iter_mut().zip(TERMS) {
                *seconds = time(device, family, workgroups, terms)?;
            }
        }
        Ok(Some(line(seconds)))
    };
    Family::TILED.into_iter().map(pace).collect()
}

/// The pace that gives these seconds of one workgroup and of many, each with few terms and with many.
fn line(seconds: [[f64; 2]; 2]) -> Pace {
    let of = |[few, many]: [f64; 2], workgroups: usize| {
        let each = ((many - few) * TERMS[0] as f64 / (TERMS[1] - TERMS[0]) as f64).max(0.0);
        let beside = (few - each).max(0.0);
        [beside, each].map(|seconds| (1e12 * seconds / workgroups as f64).round().min(f64::from(u32::MAX)) as u32)
    };
    let ([alone, alone_each], [shared, shared_each]) = (of(seconds[0], 1), of(seconds[1], MANY[0] * MANY[1]));
    Pace { alone, alone_each, shared, shared_each }
}

/// Seconds of a forward pass of so many workgroups.
fn time(device: &Device, family: Family, workgroups: [usize; 2], terms: usize) -> Result<f64> {
    let mut run = forward(device, family, workgroups, terms)?;
    // Drivers compile at the first run.
    run(1)?;
    let runs = (TIME.as_secs_f64() / run(4)?).clamp(1.0, 256.0) as usize;
    (0..TIMES).try_fold(f64::INFINITY, |least, _| Ok(run(runs)?.min(least)))
}

/// Runs a forward pass of so many workgroups, rows and columns, as often as it is told, and gives the seconds of one, by the device's own clock
/// where it has one.
fn forward(
    device: &Device,
    family: Family,
    workgroups: [usize; 2],
    terms: usize,
) -> Result<impl FnMut(usize) -> Result<f64> + use<>> {
    let [rows, columns] = family.reach(device.limits().target.lanes);
    let (rows, outputs) = (workgroups[0] * rows, workgroups[1] * columns);
    let (activation, source, factors) = (Activation::Identity, Source::Batch, Factors::Full);
    let layer = Layer { inputs: terms, outputs, bias: false, capacity: rows };
    let kernel = Forward { layer, activation, slope: false, dropped: None, source, factors };
    let mut gpu = Gpu::new(Plan::of_forward(kernel, Choice { family, parts: 1 }), device.clone())?;
    fill(&mut gpu)?;
    let step = Step { rows, scale: 1.0, ..Step::default() };
    Ok(move |runs: usize| {
        let started = Instant::now();
        let timed = gpu.run_timed(Phase::Training, 0..1, &vec![step; runs])?;
        Ok(timed.unwrap_or_else(|| started.elapsed()).as_secs_f64() / runs as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_cannot_mean_is_measured_anew() {
        let good = Some(Pace { alone: 0, alone_each: 1, shared: 0, shared_each: 1 });
        let with = |pace| {
            let mut paces = vec![good; Family::TILED.len()];
            paces[3] = pace;
            possible(paces).is_some()
        };
        assert!(with(good) && with(None) && !with(Some(Pace::default())));
        assert!(possible(vec![good]).is_none() && possible(vec![None; Family::TILED.len()]).is_none());
    }

    #[test]
    fn the_pace_gives_back_the_times_that_it_was_made_of() {
        let pace = Pace { alone: 2_000_000, alone_each: 3_000_000, shared: 12_000, shared_each: 20_000 };
        let seconds = |workgroups: f64, terms: usize| {
            let of = |beside: u32, each: u32| 1e-12 * (f64::from(beside) + f64::from(each) * terms as f64 / 256.0);
            if workgroups > 1.0 { workgroups * of(pace.shared, pace.shared_each) } else { of(pace.alone, pace.alone_each) }
        };
        assert_eq!(line([1.0, 512.0].map(|workgroups| TERMS.map(|terms| seconds(workgroups, terms)))), pace);
        let noise = line([[2e-6, 1e-6], [1e-3, 5e-3]]);
        assert_eq!((noise.alone, noise.alone_each), (2_000_000, 0), "longer sums never count as faster");
    }
}
