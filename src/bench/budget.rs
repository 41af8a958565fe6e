//! What each of many measurements may take of the time that was asked for, and why one is left out.

use std::time::{Duration, Instant};

use super::table::seconds;

/// What is said where no measurement is left.
pub(super) const NOTHING: &str = "nothing was measured: what was left out, and why, is in the report";

/// Time to share out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    deadline: Instant,
}

impl Budget {
    /// What is left of `total` since `started`, less a tenth for what is not timed; half of it whatever came before.
    pub(super) fn new(started: Instant, total: Duration) -> Self {
        Self { deadline: (started + total.mul_f64(0.9)).max(Instant::now() + total / 2) }
    }

    /// Gives time back that went into something else.
    pub(super) fn extend(&mut self, time: Duration) {
        self.deadline += time;
    }

    /// An equal share of what is left for each of so many measurements; zero once it is used up.
    pub(super) fn share(&self, measurements: usize) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()) / measurements.max(1) as u32
    }
}

/// Why a measurement that would take so many seconds is left out with this share of the time; none if it is not.
pub(super) fn refusal(predicted: f64, share: Duration) -> Option<String> {
    if share.is_zero() {
        return Some("the time was used up: see --time".into());
    }
    let share = share.as_secs_f64();
    (predicted > share).then(|| {
        let (predicted, share) = (seconds(predicted), seconds(share));
        format!("its timings would take about {predicted}, and its share of the time is {share}: see --time")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_with_its_true_reason() {
        assert_eq!(refusal(0.003, Duration::from_millis(3)), None);
        assert_eq!(refusal(0.003, Duration::ZERO).as_deref(), Some("the time was used up: see --time"));
        let why = refusal(0.003, Duration::from_micros(1500)).expect("it takes longer than its share");
        assert!(why.contains("about 3.00 ms") && why.contains("is 1.50 ms"), "{why}");
    }

    #[test]
    fn half_of_the_time_is_left_whatever_came_before() {
        let now = Instant::now();
        let long_ago = now.checked_sub(Duration::from_secs(100)).unwrap_or(now);
        let share = Budget::new(long_ago, Duration::from_secs(1000)).share(10);
        assert!((Duration::from_secs(49)..=Duration::from_secs(90)).contains(&share), "{share:?}");
        let mut used_up = Budget { deadline: now };
        assert!(used_up.share(10).is_zero());
        used_up.extend(Duration::from_secs(100));
        assert!(used_up.share(10) > Duration::from_secs(5));
    }
}
