//! How long things take: repeated until a timing is long enough, warmed up, and several in turn so that what disturbs the
//! machine disturbs all of them.

use std::time::{Duration, Instant};

use super::statistics::Statistics;
use crate::error::Result;
use crate::executor::gpu::info::GpuInfo;
use crate::executor::gpu::settling::settle;

/// How carefully to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Care {
    /// What a timing should last at least: the work is repeated until it does.
    pub timing: Duration,
    /// What all timings of one work may last together, after the warm-up.
    pub total: Duration,
}

/// Timings of one work, however long they last.
const FEWEST: usize = 3;
/// Timings of one work, however short they are.
const MOST: usize = 51;

/// Work that is measured.
pub trait Measured {
    /// Does the work this many times, and returns when it is done.
    ///
    /// # Errors
    /// What the work reports.
    fn run(&mut self, repeats: usize) -> Result<()>;

    /// The GPU that does it; none: the CPU.
    fn gpu(&self) -> Option<GpuInfo> {
        None
    }

    /// The same; gives the seconds of one repeat by the device's own clock, none where it has none.
    ///
    /// # Errors
    /// What the work reports.
    fn run_by_own_clock(&mut self, repeats: usize) -> Result<Option<f64>> {
        self.run(repeats)?;
        Ok(None)
    }
}

impl<F: FnMut(usize) -> Result<()>> Measured for F {
    fn run(&mut self, repeats: usize) -> Result<()> {
        self(repeats)
    }
}

/// Seconds of one repeat of a work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timings {
    /// By the wall clock.
    pub wall: Statistics,
    /// By the device's own clock, as many timings in between; none where it has none.
    pub own_clock: Option<Statistics>,
    /// Whether timings were steady before the first that counts.
    pub settled: bool,
}

/// How often a work is run at least to be measured, on a device with a clock of its own or without.
pub fn fewest_runs(own_clock: bool) -> usize {
    2 + FEWEST * if own_clock { 2 } else { 1 }
}

/// Measures works in turn: one timing of each, then the next. Finding out how often a work has to be repeated warms it up; a GPU's clock is
/// brought up right before its first timing and, where another work came between, by one more run before each.
///
/// # Errors
/// What the works report.
pub fn in_turn(works: &mut [&mut dyn Measured], care: &Care) -> Result<Vec<Timings>> {
    let started = Instant::now();
    in_turn_by(&|| started.elapsed(), works, care)
}

/// A clock: how long ago it was started.
type Clock<'a> = &'a dyn Fn() -> Duration;

/// The same by any clock, which takes the place of the wall's.
fn in_turn_by(clock: Clock<'_>, works: &mut [&mut dyn Measured], care: &Care) -> Result<Vec<Timings>> {
    let prepared = works.iter_mut().map(|work| prepare(clock, *work, care)).collect::<Result<Vec<_>>>()?;
    let (mut wall, mut own) = (vec![Vec::new(); works.len()], vec![Vec::new(); works.len()]);
    let most = care.total * works.len() as u32;
    let (mut settled, alternates) = (vec![true; works.len()], works.len() > 1);
    let mut started = clock();
    while wall[0].len() < FEWEST || (wall[0].len() < MOST && clock() - started < most) {
        for (index, work) in works.iter_mut().enumerate() {
            let (repeats, own_clock) = prepared[index];
            let gpu = work.gpu();
            if wall[index].is_empty() {
                let begun = clock();
                settled[index] = settle(gpu.as_ref(), |repeats| work.run(repeats))?;
                started += clock() - begun;
            } else if alternates && gpu.is_some_and(|gpu| !gpu.software) {
                work.run(repeats)?;
            }
            wall[index].push(timed(clock, *work, repeats)?.as_secs_f64() / repeats as f64);
            if own_clock {
                own[index].extend(work.run_by_own_clock(repeats)?);
            }
        }
    }
    let of = |timings: &Vec<f64>| (!timings.is_empty()).then(|| Statistics::of(timings));
    let summed = |((wall, own), settled): ((&Vec<f64>, &Vec<f64>), bool)| Timings {
        wall: Statistics::of(wall),
        own_clock: of(own),
        settled,
    };
    Ok(wall.iter().zip(&own).zip(settled).map(summed).collect())
}

/// The same for a single work.
///
/// # Errors
/// What the work reports.
pub fn alone(work: &mut dyn Measured, care: &Care) -> Result<Timings> {
    Ok(in_turn(&mut [work], care)?.remove(0))
}

/// How often a work has to be repeated for a timing that lasts long enough, and leaves room for others; and whether its device
/// has a clock of its own.
fn prepare(clock: Clock<'_>, work: &mut dyn Measured, care: &Care) -> Result<(usize, bool)> {
    let wanted = care.timing.min(care.total / 10).as_secs_f64();
    let mut repeats = 1;
    // The first time is for caches and page faults.
    let own_clock = work.run_by_own_clock(repeats)?.is_some();
    loop {
        let seconds = timed(clock, work, repeats)?.as_secs_f64();
        if seconds >= wanted {
            return Ok((repeats, own_clock));
        }
        let growth = (1.2 * wanted / seconds.max(1e-9)).clamp(2.0, 10.0);
        repeats = (repeats as f64 * growth).ceil() as usize;
    }
}

fn timed(clock: Clock<'_>, work: &mut dyn Measured, repeats: usize) -> Result<Duration> {
    let started = clock();
    work.run(repeats)?;
    Ok(clock() - started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_is_repeated_and_works_take_turns() {
        let care = Care { timing: Duration::from_millis(4), total: Duration::from_millis(40) };
        let (order, time) = (std::cell::RefCell::new(Vec::new()), std::cell::Cell::new(Duration::ZERO));
        let work = |name: char, milliseconds: u64| {
            let (order, time) = (&order, &time);
            move |repeats: usize| {
                order.borrow_mut().push((name, repeats));
                time.set(time.get() + Duration::from_millis(milliseconds * repeats as u64));
                Ok(())
            }
        };
        let (mut short, mut long) = (work('a', 1), work('b', 5));
        let timings = in_turn_by(&|| time.get(), &mut [&mut short, &mut long], &care).expect("no error");
        assert!(timings.iter().all(|timings| timings.own_clock.is_none()));
        // Each is run once before it is timed; then a millisecond is found too short, and five times as many as lasting long enough.
        assert_eq!(order.borrow()[..5], [('a', 1), ('a', 1), ('a', 5), ('b', 1), ('b', 1)]);
        // Ten milliseconds a turn, of which two works may take eighty together.
        assert_eq!(order.borrow()[5..], [('a', 5), ('b', 1)].repeat(8));
        let statistics = timings.iter().map(|timings| (timings.wall.samples, timings.wall.lowest, timings.wall.highest));
        assert_eq!(statistics.collect::<Vec<_>>(), [(8, 0.001, 0.001), (8, 0.005, 0.005)]);
    }

    #[test]
    fn long_work_is_timed_three_times_and_very_short_work_51_times() {
        let care = Care { timing: Duration::from_millis(4), total: Duration::from_millis(40) };
        for (microseconds, samples) in [(1_000_000, 3), (1, 51)] {
            let time = std::cell::Cell::new(Duration::ZERO);
            let mut work = |_: usize| {
                time.set(time.get() + Duration::from_micros(microseconds));
                Ok(())
            };
            let timings = in_turn_by(&|| time.get(), &mut [&mut work], &Care { timing: Duration::from_micros(1), ..care });
            assert_eq!(timings.expect("no error")[0].wall.samples, samples);
        }
    }

    /// Takes a millisecond; its own clock tells how often it was asked.
    struct Clocked(Vec<&'static str>);

    impl Measured for Clocked {
        fn run(&mut self, _: usize) -> Result<()> {
            self.0.push("wall");
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        }

        fn run_by_own_clock(&mut self, _: usize) -> Result<Option<f64>> {
            self.0.push("own");
            Ok(Some(self.0.iter().filter(|clock| **clock == "own").count() as f64))
        }
    }

    #[test]
    fn the_devices_own_clock_is_read_between_timings_by_the_wall_clock() {
        let care = Care { timing: Duration::from_micros(100), total: Duration::from_millis(1) };
        let mut work = Clocked(Vec::new());
        let timings = alone(&mut work, &care).expect("no error");
        assert_eq!(work.0, ["own", "wall", "wall", "own", "wall", "own", "wall", "own"]);
        assert_eq!(work.0.len(), fewest_runs(true));
        let own_clock = timings.own_clock.map(|clock| (clock.samples, clock.lowest, clock.median, clock.highest));
        assert_eq!((timings.wall.samples, own_clock), (3, Some((3, 2.0, 3.0, 4.0))));
    }
}
