//! Where training left the finite numbers. The run is gone through again from its last checkpoint, to the same bits: to the epoch, to
//! the step, to the kernel; what is left is the state before that step.

use std::ops::ControlFlow;

use super::device::Precision;
use super::session::{Session, State};
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

/// Trains on from a finite state until something is not finite; none if that does not come within so many epochs.
///
/// # Errors
/// What the device reports.
pub fn find<T: Precision>(session: &mut Session<T>, from: &State<T>, epochs: usize) -> Result<Option<Divergence<T>>> {
    session.restore(from)?;
    let mut good = from.clone();
    while session.epoch() < epochs {
        let trained = session.train(1, |_| ControlFlow::Continue(()))?;
        let state = session.state()?;
        if !trained.losses.iter().all(|loss| loss.is_finite()) || !state.is_finite() {
            return step_in_epoch(session, good).map(Some);
        }
        good = state;
    }
    Ok(None)
}

/// The step of the epoch that follows this state.
fn step_in_epoch<T: Precision>(session: &mut Session<T>, mut good: State<T>) -> Result<Divergence<T>> {
    loop {
        session.restore(&good)?;
        let trained = session.train(1, |_| ControlFlow::Break(()))?;
        let state = session.state()?;
        let loss = trained.partial.or(trained.losses.first().copied());
        if loss.is_some_and(|loss| !loss.is_finite()) || !state.is_finite() || state.epoch > good.epoch {
            session.restore(&good)?;
            let kernel = session.first_kernel_not_finite()?.unwrap_or_else(|| "the loss".into());
            session.restore(&good)?;
            let learning_rate = session.learning_rate(good.steps);
            return Ok(Divergence { epoch: good.epoch + 1, step: good.steps + 1, kernel, learning_rate, good });
        }
        good = state;
    }
}
