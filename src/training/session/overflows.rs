//! Factors of mixed products that were beyond the range of f16: noticed after each piece of training.

use super::Session;
use super::device::Precision;
use super::loss_scale::LossScale;
use super::planning::epochs_at_once;
use crate::error::{Error, Result};
use crate::kernels::halves::{FLAGS, Kind};
use crate::scalar::Scalar;

impl<T: Precision> Session<T> {
    /// The loss scale, of the first replica where there are several; none where training is not mixed.
    pub fn loss_scale(&self) -> Option<LossScale> {
        self.replicas[0].loss_scale
    }

    /// Epochs between two changes of the loss scale: one, or more where epochs can run together.
    pub(super) fn scale_period(&self) -> usize {
        if epochs_at_once(self.recipe(), self.rows) > 1 { LossScale::PATIENCE as usize } else { 1 }
    }

    /// Reads the flags of what was run since they were last read, up to this epoch, and takes note of deltas that overflowed.
    ///
    /// # Errors
    /// Diverged, if anything else did: no loss scale helps there.
    pub(super) fn look_at_overflows(&mut self, epoch: usize) -> Result<()> {
        let Some(buffer) = self.executor.plan().overflows else { return Ok(()) };
        let mut flags = Vec::with_capacity(self.replicas.len() * FLAGS);
        self.executor.look_at_replicas(buffer, FLAGS, &mut |_, of_replica| flags.extend_from_slice(of_replica))?;
        let is_set = |flags: &[T], kind: Kind| flags[kind as usize] != <T as Scalar>::ZERO;
        if flags.chunks_exact(FLAGS).any(|flags| is_set(flags, Kind::Forward)) {
            return Err(Error::Diverged(format!(
                "epoch {epoch}: an input, an output of a layer or a weight is beyond what --precision mixed holds, {}: scale the \
                 inputs (--scale standard), try a lower --learning-rate, or take --precision f32",
                crate::kernels::halves::LARGEST
            )));
        }
        let mut overflowed = false;
        for (flags, replica) in flags.chunks_exact(FLAGS).zip(&mut self.replicas) {
            if is_set(flags, Kind::Delta) {
                replica.loss_scale.iter_mut().for_each(LossScale::note_overflow);
                overflowed = true;
            }
        }
        if overflowed { self.clear_overflows() } else { Ok(()) }
    }

    /// Clears the flags.
    pub(super) fn clear_overflows(&mut self) -> Result<()> {
        let Some(buffer) = self.executor.plan().overflows else { return Ok(()) };
        let none = [<T as Scalar>::ZERO; FLAGS];
        (0..self.replicas.len()).try_for_each(|replica| self.executor.write(buffer, replica, &none))
    }
}
