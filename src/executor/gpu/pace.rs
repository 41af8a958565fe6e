//! How many launches go into a submission, and how many submissions are under way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wgpu::SubmissionIndex;

use super::device::Device;
use crate::error::Result;
use crate::plan::Phase;

/// How long a submission may keep the device busy: long enough to cost nothing, short enough for drivers' watchdogs.
const SUBMISSION: Duration = Duration::from_millis(50);
/// Launches in a submission at most.
const MOST_LAUNCHES: usize = 1 << 15;
/// Steps of the first dispatches of a kernel that takes many, until one was timed: to begin with one would cost small networks more
/// than their steps.
const FIRST_STEPS: usize = 16;
/// Submissions that may be under way while the next is recorded.
const IN_FLIGHT: usize = 2;

/// What is under way, and how much the next submission may hold.
pub(super) struct Pace {
    /// What is under way, with the launches in each submission (or the steps, of a kernel that takes many); none where it cannot be
    /// told how long it takes.
    in_flight: VecDeque<(SubmissionIndex, Phase, Option<usize>)>,
    /// Launches in a submission at most, of training and of evaluation, as it follows from how long those before took.
    most: [usize; 2],
    /// When the last submission that was waited for was done.
    last_done: Option<Instant>,
}

impl Pace {
    /// The pace before anything was submitted, of a training by one kernel that takes many steps or by one launch after the other.
    pub(super) fn new(takes_many_steps: bool) -> Self {
        let first = if takes_many_steps { FIRST_STEPS } else { 1 };
        Self { in_flight: VecDeque::new(), most: [first, 1], last_done: None }
    }

    /// Launches in the next submission at most (or steps, of a kernel that takes many).
    pub(super) fn launches(&self, phase: Phase) -> usize {
        self.most[phase as usize]
    }

    /// So many launches are under way from now on.
    pub(super) fn submitted(&mut self, submission: SubmissionIndex, phase: Phase, launches: usize) {
        self.in_flight.push_back((submission, phase, Some(launches)));
    }

    /// Waits until there is room for a submission more. Two of them follow each other without a gap, so that the time from one's
    /// end to the next one's is what it takes; the number of launches in the next ones follows from that.
    ///
    /// # Errors
    /// Device, if it was lost.
    pub(super) fn wait_for_room(&mut self, device: &Device) -> Result<()> {
        while self.in_flight.len() >= IN_FLIGHT {
            let Some((oldest, phase, launches)) = self.in_flight.pop_front() else { break };
            device.wait(Some(oldest))?;
            let now = Instant::now();
            if let (Some(last), Some(launches)) = (self.last_done.replace(now), launches) {
                let most = &mut self.most[phase as usize];
                *most = paced(*most, launches, now - last);
            }
        }
        Ok(())
    }

    /// The host does something else, however long: when those under way will be seen to be done says nothing about how long they take.
    pub(super) fn interrupted(&mut self) {
        self.last_done = None;
        self.in_flight.iter_mut().for_each(|(.., launches)| *launches = None);
    }

    /// Nothing is under way: what was waited for last says nothing about the next submission.
    pub(super) fn idle(&mut self) {
        self.in_flight.clear();
        self.last_done = None;
    }
}

/// Launches in the next submission at most, when so many were allowed and one of `launches` took so long.
fn paced(most: usize, launches: usize, took: Duration) -> usize {
    let next = if took < SUBMISSION { most.max(2 * launches) } else { launches / 2 };
    next.clamp(1, MOST_LAUNCHES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Submissions of a device that takes so long a launch settle between half and twice the time that they should take.
    #[test]
    fn submissions_come_to_take_as_long_as_they_should() {
        for microseconds in [1, 10, 300, 7_000, 400_000] {
            let of = |launches: usize| Duration::from_micros(microseconds) * launches as u32;
            for first in [1, 64, MOST_LAUNCHES] {
                let mut most = first;
                for _ in 0..40 {
                    most = paced(most, most, of(most));
                }
                let (least_time, most_time) = (SUBMISSION / 2, 2 * SUBMISSION);
                let is_settled = (least_time..most_time).contains(&of(most));
                let at_an_end = (most == 1 && of(1) > SUBMISSION) || (most == MOST_LAUNCHES && of(most) < SUBMISSION);
                assert!(is_settled || at_an_end, "{microseconds} µs a launch, from {first}: {most}");
            }
        }
    }
}
