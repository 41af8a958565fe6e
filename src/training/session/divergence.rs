//! Where training left the finite numbers. The run is gone through again from its last checkpoint, to the same bits: to the epoch, to
//! the step, to the kernel; what is left is the state before that step.

use std::ops::ControlFlow;

use super::device::Precision;
use super::{Session, State};
use crate::error::Result;

/// The step in which training left the finite numbers.
pub struct Divergence<T> {
    /// The state before it.
    pub good: State<T>,
    /// Its epoch, from 1.
    pub epoch: usize,
    /// Its number, from 1.
    pub step: u64,
    /// The kernel that was the first to leave something that is not finite: `forward 2`.
    pub kernel: String,
    /// Its learning rate.
    pub learning_rate: f64,
}

/// Trains on from a finite state until something is not finite; none if that has not come after `epochs` whole epochs in all, or if
/// `is_ended` says that nobody waits for it.
///
/// # Errors
/// What the device reports.
pub fn find<T: Precision>(
    session: &mut Session<T>,
    from: &State<T>,
    epochs: usize,
    is_ended: &dyn Fn() -> bool,
) -> Result<Option<Divergence<T>>> {
    session.restore(from)?;
    let mut good = from.clone();
    while session.epoch() < epochs {
        let trained = session.train(1, |_| if is_ended() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })?;
        let state = session.state()?;
        if !trained.losses.iter().all(|loss| loss.is_finite()) || !state.is_finite() {
            return step_in_epoch(session, &good, is_ended);
        }
        if is_ended() {
            break;
        }
        good = state;
    }
    Ok(None)
}

/// The step of the epoch that follows this state, by bisection: what is not finite stays so.
fn step_in_epoch<T: Precision>(
    session: &mut Session<T>,
    start: &State<T>,
    is_ended: &dyn Fn() -> bool,
) -> Result<Option<Divergence<T>>> {
    let after = start.steps - start.epoch as u64 * session.steps_per_epoch();
    let (mut finite, mut not_finite) = (0, session.steps_per_epoch() - after);
    let mut good = start.clone();
    while not_finite - finite > 1 {
        if is_ended() {
            return Ok(None);
        }
        let steps = finite + (not_finite - finite) / 2;
        session.restore(start)?;
        session.train_steps(steps as usize)?;
        let state = session.state()?;
        if state.is_finite() {
            (finite, good) = (steps, state);
        } else {
            not_finite = steps;
        }
    }
    session.restore(&good)?;
    let kernel = session.first_kernel_not_finite()?.unwrap_or_else(|| "the loss".into());
    session.restore(&good)?;
    let learning_rate = session.learning_rate(good.steps);
    Ok(Some(Divergence { epoch: good.epoch + 1, step: good.steps + 1, kernel, learning_rate, good }))
}
