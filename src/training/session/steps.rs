//! The steps of an epoch: what each is told, in what order they take the rows, and that these are on the device.

use std::borrow::Cow;
use std::ops::Range;

use super::device::Precision;
use super::{Recipe, Reduction, Replica, Session};
use crate::error::Result;
use crate::kernels::Step;
use crate::plan::Phase;
use crate::random::{Purpose, Stream};

impl<T: Precision> Session<T> {
    /// Gives the epoch the orders of its rows: one for each seed.
    pub(super) fn order_rows(&mut self) -> Result<()> {
        if !self.recipe().is_ordered(self.rows) {
            return Ok(());
        }
        let order_of = |recipe: &Recipe| recipe.order(self.rows, self.epoch);
        if let Some(streamed) = &mut self.streamed {
            streamed.reorder(self.replicas.iter().map(|replica| order_of(&replica.recipe)).collect());
            return Ok(());
        }
        let Some(order) = self.executor.plan().order else { return Ok(()) };
        let first = order_of(self.recipe());
        for (replica, Replica { recipe, .. }) in self.replicas.iter().enumerate() {
            let is_first = recipe.seed == self.replicas[0].recipe.seed;
            let own = if is_first { Cow::Borrowed(&first) } else { Cow::Owned(order_of(recipe)) };
            self.executor.write_indices(order, replica, &own)?;
        }
        Ok(())
    }

    /// Runs these steps of the epoch under way, counted from its beginning; gives the rows of all.
    pub(super) fn run(&mut self, steps: Range<usize>) -> Result<usize> {
        let steps: Vec<Step> = steps.flat_map(|index| self.micro_steps(index)).collect();
        if self.streamed.is_none() {
            self.executor.run(Phase::Training, &steps)?;
        } else {
            let windows: Vec<(usize, Step)> = steps.iter().map(|step| (self.window_of(step), *step)).collect();
            for steps in windows.chunk_by(|one, next| one.0 == next.0) {
                let steps = steps.iter().map(|(_, step)| self.sent(step)).collect::<Result<Vec<_>>>()?;
                self.executor.run(Phase::Training, &steps)?;
            }
        }
        Ok(steps.iter().step_by(self.executor.plan().records).map(|step| step.rows).sum())
    }

    /// Where the window begins that a step's rows are in, in the order of the epoch: windows are some whole batches, or one micro-batch
    /// ([`streamed_plan`](super::planning)).
    fn window_of(&self, step: &Step) -> usize {
        let window = self.executor.plan().window;
        if window < self.recipe().batch.min(self.rows) { step.first } else { step.first - step.first % window }
    }

    /// The places of the window that begins there, in the order of the epoch: those of a cut batch end with it.
    fn window_from(&self, first: usize) -> Range<usize> {
        let (window, batch) = (self.executor.plan().window, self.recipe().batch.min(self.rows));
        let end = first + window;
        let end = if window < batch { end.min(first - first % batch + batch) } else { end };
        first.min(self.rows)..end.min(self.rows)
    }

    /// A step whose rows are on the device: those of streamed data are sent in their window, unless that was the last one sent.
    pub(super) fn sent(&mut self, step: &Step) -> Result<Step> {
        let first = self.window_of(step);
        let (places, plan) = (self.window_from(first), self.executor.plan());
        let buffers = (plan.inputs[0].buffer, plan.targets[0].buffer, plan.weights.first().map(|segment| segment.buffer));
        // In an order that stays, the first window follows the last one.
        let is_last = places.end == self.rows && !self.recipe().shuffles(self.rows);
        let following = self.window_from(if is_last { 0 } else { places.end });
        let Some(streamed) = &mut self.streamed else { return Ok(*step) };
        if !streamed.is_sent(first) {
            let (inputs, targets, weights) = buffers;
            let (samples, rows) = streamed.window(places, following)?;
            self.executor.write_rows(inputs, &samples.inputs, &rows)?;
            self.executor.write_rows(targets, &samples.targets, &rows)?;
            if let (Some(buffer), Some(weights)) = (weights, &samples.weights) {
                self.executor.write_rows(buffer, weights, &rows)?;
            }
            streamed.set_sent(first);
        }
        Ok(Step { first: step.first - first, ..*step })
    }

    /// The micro-batches of the step of this number from the beginning of the epoch under way on, each for every replica that has steps
    /// of its own; epochs follow each other.
    pub(super) fn micro_steps(&self, index: usize) -> impl Iterator<Item = Step> + use<T> {
        let recipe = self.recipe();
        let per_epoch = self.steps_per_epoch() as usize;
        let (epoch, first) = (index / per_epoch, index % per_epoch * recipe.batch.min(self.rows));
        let number = self.steps - self.steps_begun() as u64 + index as u64;
        let rows = recipe.batch.min(self.rows - first);
        let sums = self.executor.plan().sums_losses();
        let loss_row = if sums { index } else { epoch * self.rows + first };
        let (most, records) = (self.executor.plan().batch, self.executor.plan().records);
        let of_replica = |replica: &Replica<T>| {
            let recipe = &replica.recipe;
            let scale = match recipe.reduction {
                Reduction::Mean => 1.0 / rows as f64,
                Reduction::Sum => 1.0,
            };
            let loss_scale = replica.loss_scale.map_or(0, |scale| scale.exponent);
            Step {
                rates: recipe.optimizer.rates(number + 1, self.rate_of(replica, number)),
                key: key(recipe, number),
                dropped: recipe.dropout.by_step().unwrap_or(0),
                scale: scale * 2.0_f64.powi(loss_scale),
                loss_scale,
                ..Step::default()
            }
        };
        let replicas: Vec<Step> = self.replicas.iter().take(records).map(of_replica).collect();
        (0..rows).step_by(most).enumerate().flat_map(move |(micro, begun)| {
            let of_micro = most.min(rows - begun);
            let is_partial = begun + of_micro < rows;
            let (first, loss_row) = (first + begun, loss_row + begun);
            let of = |step| Step { first, rows: of_micro, loss_row, micro, is_partial, ..step };
            replicas.iter().copied().map(of).collect::<Vec<_>>()
        })
    }

    /// The learning rate of a step, from 0: of the first replica, where there are several.
    pub fn learning_rate(&self, step: u64) -> f64 {
        self.learning_rate_of(0, step)
    }

    /// The learning rate of a replica's step, from 0.
    pub fn learning_rate_of(&self, replica: usize, step: u64) -> f64 {
        self.rate_of(&self.replicas[replica], step)
    }

    fn rate_of(&self, Replica { recipe, drops, .. }: &Replica<T>, step: u64) -> f64 {
        let drops = drops.iter().filter(|&&before| before <= step).count();
        recipe.schedule.rate(step, self.steps_per_epoch(), recipe.epochs, drops)
    }

    /// Drops the rate of plateau schedules from the next step on: those of all replicas.
    pub fn drop_rate(&mut self) {
        (0..self.replicas()).for_each(|replica| self.drop_rate_of(replica));
    }

    /// Drops the rate of one replica's plateau schedule from the next step on.
    pub fn drop_rate_of(&mut self, replica: usize) {
        self.replicas[replica].drops.push(self.steps);
    }
}

/// What decides which units are dropped in a step of this number.
fn key(recipe: &Recipe, number: u64) -> [u32; 2] {
    if recipe.dropout.is_none() { [0; 2] } else { Stream::new(recipe.seed, Purpose::Dropout, number).words() }
}
