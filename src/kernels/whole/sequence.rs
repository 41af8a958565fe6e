//! A training step as the kernels of the layers compute it, one after the other: what the whole network's kernel is held against.

use std::sync::Arc;

use crate::kernels::operands::{Access, names};
use crate::kernels::{Computation, Step, Twin, View, ViewMut, Workspace};
use crate::rounding::UNIT;

/// One kernel over the buffers of a [`Sequence`].
#[derive(Clone)]
pub struct SequenceLaunch {
    /// The kernel with its sizes.
    pub kernel: Arc<dyn Computation>,
    /// The buffers that it reads.
    pub reads: Vec<usize>,
    /// The buffers that it writes.
    pub writes: Vec<usize>,
}

/// A step's launches over buffers, of which some are those that the whole kernel reads and writes and the others its own.
#[derive(Clone, Default)]
pub struct Sequence {
    /// The launches, in order.
    pub launches: Vec<SequenceLaunch>,
    /// Elements of each buffer.
    pub lengths: Vec<usize>,
    /// The buffers that stand for what the whole kernel reads.
    pub reads: Vec<usize>,
    /// The buffers that stand for what it writes, all but the losses.
    pub writes: Vec<usize>,
    /// The buffer of the losses of a batch's rows, whose sum the whole kernel writes.
    pub losses: usize,
}

impl Sequence {
    /// One step in f64.
    pub(super) fn run(&self, step: &Step, reads: &[View<'_, f64>], writes: &mut [ViewMut<'_, f64>]) {
        let before: Vec<View<'_, f64>> = writes.iter().map(|view| View::new(view.name, view.values)).collect();
        let results = self.walk(step, reads, &before, |_, _, _| {});
        let (losses, writes) = writes.split_last_mut().expect("the losses are written last");
        for (view, &id) in writes.iter_mut().zip(&self.writes) {
            view.values.copy_from_slice(&results[id]);
        }
        losses.values[step.loss_row] = results[self.losses][..step.rows].iter().sum();
    }

    /// How far a step in f32 may be from the one in f64, given the same inputs: each kernel's bounds, carried on through the next.
    pub(super) fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let mut errors: Vec<Vec<f64>> = vec![Vec::new(); self.lengths.len()];
        let results = self.walk(step, reads, before, |launch, inputs, old| {
            let mut inputs = inputs.to_vec();
            inputs.iter_mut().zip(&launch.reads).for_each(|(view, &id)| view.errors = &errors[id]);
            let bounds = launch.kernel.bounds(&of_rows(step), &inputs, old);
            for (&id, bounds) in launch.writes.iter().zip(bounds) {
                errors[id] = bounds;
            }
        });
        let bound = |&id: &usize| {
            if errors[id].is_empty() { vec![0.0; self.lengths[id]] } else { errors[id].clone() }
        };
        let mut bounds: Vec<Vec<f64>> = self.writes.iter().map(bound).collect();
        // The sum of the rows' losses: the errors of all, and those of so many additions.
        let of_rows = results[self.losses].iter().zip(&errors[self.losses]).take(step.rows);
        let (error, size) =
            of_rows.fold((0.0, 0.0), |(error, size), (loss, bound)| (error + bound, size + loss.abs() + bound));
        let mut of_losses = vec![0.0; before.last().map_or(0, |losses| losses.values.len())];
        of_losses[step.loss_row] = error + step.rows as f64 * UNIT * size;
        bounds.push(of_losses);
        bounds
    }

    /// Runs the launches; `before` is told each launch with what it reads and what the buffers that it writes hold.
    fn walk(
        &self,
        step: &Step,
        reads: &[View<'_, f64>],
        written: &[View<'_, f64>],
        mut before: impl FnMut(&SequenceLaunch, &[View<'_, f64>], &[View<'_, f64>]),
    ) -> Vec<Vec<f64>> {
        let mut buffers: Vec<Vec<f64>> = self.lengths.iter().map(|_| Vec::new()).collect();
        for (view, &id) in written.iter().zip(&self.writes) {
            buffers[id] = view.values.to_vec();
        }
        for launch in &self.launches {
            for &id in &launch.writes {
                buffers[id].resize(self.lengths[id], 0.0);
            }
            let mut results: Vec<Vec<f64>> = launch.writes.iter().map(|&id| buffers[id].clone()).collect();
            let outside = |id: usize| self.reads.iter().position(|&read| read == id);
            let view = |(name, &id): (&'static str, &usize)| match outside(id) {
                Some(place) => View { name, ..reads[place] },
                None => View::new(name, &buffers[id]),
            };
            let operands = launch.kernel.operands();
            let inputs: Vec<View<'_, f64>> = names(&operands, Access::Read).zip(&launch.reads).map(view).collect();
            let old: Vec<View<'_, f64>> = names(&operands, Access::Write).zip(&launch.writes).map(view).collect();
            before(launch, &inputs, &old);
            let mut views: Vec<ViewMut<'_, f64>> =
                names(&operands, Access::Write).zip(&mut results).map(|(name, values)| ViewMut::new(name, values)).collect();
            <dyn Computation as Twin<f64>>::run(
                launch.kernel.as_ref(),
                &of_rows(step),
                &inputs,
                &mut views,
                &mut Workspace::new(1),
            );
            for (&id, result) in launch.writes.iter().zip(results) {
                buffers[id] = result;
            }
        }
        buffers
    }
}

/// The step for kernels that leave a loss a row: in the buffer of one batch's losses.
fn of_rows(step: &Step) -> Step {
    Step { loss_row: 0, ..*step }
}
