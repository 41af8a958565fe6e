//! A GPU that idles lowers its clock within a fraction of a second, and takes a while to raise it again. So whatever measures one works it
//! right before, until its timings are steady.

use std::time::{Duration, Instant};

use super::info::GpuInfo;
use crate::error::Result;

/// What a timing lasts at least that is compared with the one before.
const TIMING: Duration = Duration::from_millis(20);
/// How long a GPU works at least: the clock does not rise at once, and until it does, timings are steady as well.
const LEAST: Duration = Duration::from_millis(100);
/// How long at most.
const MOST: Duration = Duration::from_secs(1);
/// By what share two timings that agree may differ.
const APART: f64 = 0.02;

/// Repeats a work until two timings of it that follow each other agree, or for about a second. Gives whether they agreed. The CPU and
/// software adapters are not worked: their clock is the machine's own.
///
/// # Errors
/// What the work reports.
pub fn settle(gpu: Option<&GpuInfo>, mut work: impl FnMut(usize) -> Result<()>) -> Result<bool> {
    if gpu.is_none_or(|gpu| gpu.software) {
        return Ok(true);
    }
    settled(|repeats| {
        let started = Instant::now();
        work(repeats)?;
        Ok(started.elapsed())
    })
}

/// The same for work that says how long it took. A work that takes more than the whole time at once has nothing to agree with, and
/// counts as steady: it is measured over all of its time.
fn settled(mut timed: impl FnMut(usize) -> Result<Duration>) -> Result<bool> {
    let (mut repeats, mut spent, mut last) = (1, Duration::ZERO, None);
    loop {
        let time = timed(repeats)?;
        spent += time;
        if time < TIMING {
            let growth = (1.2 * TIMING.as_secs_f64() / time.as_secs_f64().max(1e-9)).clamp(2.0, 10.0);
            repeats = (repeats as f64 * growth).ceil() as usize;
            continue;
        }
        let each = time.as_secs_f64() / repeats as f64;
        let agrees = last.replace(each).map(|last: f64| (each / last - 1.0).abs() <= APART);
        match agrees {
            Some(true) if spent >= LEAST => return Ok(true),
            _ if spent >= MOST => return Ok(agrees.unwrap_or(true)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device whose work takes three times as long for so long a time; `noise` is the share that every other timing takes longer.
    fn device(slow: Duration, noise: f64) -> (bool, Duration) {
        let (mut spent, mut odd) = (Duration::ZERO, false);
        let settled = settled(|repeats| {
            odd = !odd;
            let factor = if spent < slow { 3.0 } else { 1.0 } * if odd { 1.0 + noise } else { 1.0 };
            let time = Duration::from_micros(100).mul_f64(repeats as f64 * factor);
            spent += time;
            Ok(time)
        });
        (settled.expect("no error"), spent)
    }

    #[test]
    fn a_device_is_worked_until_its_timings_agree() {
        let (settled, spent) = device(Duration::from_millis(80), 0.01);
        assert!(settled && (LEAST..MOST / 2).contains(&spent), "{spent:?}");
        let (settled, spent) = device(Duration::ZERO, 0.0);
        assert!(settled && (LEAST..2 * LEAST).contains(&spent), "{spent:?}");
    }

    #[test]
    fn timings_that_never_agree_are_told_in_bounded_time() {
        let (settled, spent) = device(Duration::ZERO, 0.1);
        assert!(!settled && (MOST..2 * MOST).contains(&spent), "{spent:?}");
    }

    #[test]
    fn a_work_of_seconds_is_done_once() {
        let mut times = 0;
        let settled = settled(|_| {
            times += 1;
            Ok(Duration::from_secs(3))
        });
        assert_eq!((settled.expect("no error"), times), (true, 1));
    }

    #[test]
    fn the_cpu_and_software_adapters_are_not_worked() {
        let software = GpuInfo { software: true, ..GpuInfo::for_tests("a", "1") };
        for gpu in [None, Some(&software)] {
            assert!(settle(gpu, |_| panic!("it is worked")).expect("no error"));
        }
        let mut worked = false;
        let work = |_| {
            worked = true;
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        };
        settle(Some(&GpuInfo::for_tests("a", "1")), work).expect("no error");
        assert!(worked);
    }
}
