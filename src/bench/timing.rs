//! How long things take: repeated until a timing is long enough, warmed up, and several in turn so that what disturbs the
//! machine disturbs all of them.

use std::time::{Duration, Instant};

use super::statistics::Statistics;
use crate::error::Result;

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

/// What is measured: does its work this many times, and returns when it is done.
pub type Work<'a> = &'a mut dyn FnMut(usize) -> Result<()>;

/// Seconds of one repeat of each work, measured in turn: one timing of each, then the next. Finding out how often a work has to
/// be repeated warms it up.
///
/// # Errors
/// What the works report.
pub fn in_turn(works: &mut [Work<'_>], care: &Care) -> Result<Vec<Statistics>> {
    let repeats = works.iter_mut().map(|work| repeats(work, care)).collect::<Result<Vec<_>>>()?;
    let mut timings = vec![Vec::new(); works.len()];
    let most = care.total * works.len() as u32;
    let started = Instant::now();
    while timings[0].len() < FEWEST || (timings[0].len() < MOST && started.elapsed() < most) {
        for ((work, &repeats), timings) in works.iter_mut().zip(&repeats).zip(&mut timings) {
            timings.push(timed(work, repeats)?.as_secs_f64() / repeats as f64);
        }
    }
    Ok(timings.iter().map(|timings| Statistics::of(timings)).collect())
}

/// The same for a single work.
///
/// # Errors
/// What the work reports.
pub fn alone(work: Work<'_>, care: &Care) -> Result<Statistics> {
    Ok(in_turn(&mut [work], care)?.remove(0))
}

/// How often a work has to be repeated for a timing that lasts long enough, and leaves room for others.
fn repeats(work: &mut Work<'_>, care: &Care) -> Result<usize> {
    let wanted = care.timing.min(care.total / 10).as_secs_f64();
    let mut repeats = 1;
    // The first time is for caches and page faults.
    timed(work, repeats)?;
    loop {
        let seconds = timed(work, repeats)?.as_secs_f64();
        if seconds >= wanted {
            return Ok(repeats);
        }
        let growth = (1.2 * wanted / seconds.max(1e-9)).clamp(2.0, 10.0);
        repeats = (repeats as f64 * growth).ceil() as usize;
    }
}

fn timed(work: &mut Work<'_>, repeats: usize) -> Result<Duration> {
    let started = Instant::now();
    work(repeats)?;
    Ok(started.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_is_repeated_and_works_take_turns() {
        let care = Care { timing: Duration::from_millis(4), total: Duration::from_millis(40) };
        let order = std::cell::RefCell::new(Vec::new());
        let work = |name: char, milliseconds: u64| {
            let order = &order;
            move |repeats: usize| {
                order.borrow_mut().push((name, repeats));
                std::thread::sleep(Duration::from_millis(milliseconds * repeats as u64));
                Ok(())
            }
        };
        let (mut short, mut long) = (work('a', 1), work('b', 5));
        let statistics = in_turn(&mut [&mut short, &mut long], &care).expect("no error");
        assert!((0.001..0.005).contains(&statistics[0].lowest) && statistics[1].lowest >= 0.005, "{statistics:?}");
        let order = order.borrow();
        let measured = &order[order.len() - 2 * statistics[0].samples..];
        assert!(measured.chunks(2).all(|pair| pair[0].0 == 'a' && pair[0].1 >= 2 && pair[1] == ('b', 1)), "{measured:?}");
        assert!(statistics[0].samples >= FEWEST && statistics[0].samples == statistics[1].samples);
    }
}
