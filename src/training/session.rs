//! A network on a device, with its data: trains epochs and evaluates, as the plan says.

pub mod device;
pub mod divergence;
mod ensemble;
mod evaluation;
pub mod fastest;
pub mod forecast;
pub mod health;
pub mod loss_scale;
mod overflows;
pub mod planning;
mod recipe;
mod samples;
pub mod schedule;
mod state;
mod steps;
mod streamed;

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::executor::gpu::info::GpuInfo;
use crate::kernels::Step;
use crate::memory;
use crate::network::{Layer, Loss, Network, Weights};
use crate::plan::{BufferId, Phase, Plan};
use crate::scalar::Scalar;
pub use device::{Device, DeviceReport, Precision, PrecisionName, Wanted};
pub use evaluation::Said;
pub use forecast::Forecast;
pub use loss_scale::LossScale;
use planning::{Replicas, epochs_at_once, plan, plan_of_replicas, streamed_plan};
pub use recipe::{Mixed, Recipe, Reduction};
pub use samples::{Rows, Samples, StoredSamples};
pub use schedule::{Schedule, ScheduleKind};
pub use state::{Member, State};
use streamed::Streamed;

/// A network with its training data on a device.
pub struct Session<T> {
    network: Network,
    executor: Box<dyn Executor<T>>,
    /// The networks that are trained side by side, at least one.
    replicas: Vec<Replica<T>>,
    rows: usize,
    /// The data, where the device holds a window of it only.
    streamed: Option<Streamed<T>>,
    /// Steps in a piece of [`train`](Self::train), as it follows from how long those before took.
    piece: usize,
    /// Steps taken since the weights were made.
    steps: u64,
    /// Whole epochs.
    epoch: usize,
    /// Whether rows to evaluate all replicas with stay on the device.
    holds_validation: bool,
}

/// One of the networks that are trained side by side: what the host knows of it.
struct Replica<T> {
    /// How it is trained. What decides the plan is the same for all.
    recipe: Recipe,
    /// The steps that the rate dropped before, of a plateau schedule.
    drops: Vec<u64>,
    /// The losses of the rows that were done of an epoch under way, or of its steps where the plan sums them.
    begun: Vec<T>,
    /// The loss scale, where training is mixed.
    loss_scale: Option<LossScale>,
}

impl<T> Replica<T> {
    /// One that has not begun to train on so many rows.
    fn new(recipe: Recipe, rows: usize) -> Self {
        Self { recipe, drops: Vec::new(), begun: Vec::new(), loss_scale: recipe.loss_scale(rows) }
    }
}

/// What some epochs of training came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The mean loss of a row in each whole epoch, measured on every batch before its update; of replicas together, their mean.
    pub losses: Vec<f64>,
    /// The same of the rows done in an epoch that was ended early.
    pub partial: Option<f64>,
    /// Rows trained on.
    pub rows: usize,
}

impl Trained {
    /// What networks side by side came to in the mean.
    fn mean(replicas: &[Self]) -> Self {
        let mean = |loss: &dyn Fn(&Self) -> f64| replicas.iter().map(loss).sum::<f64>() / replicas.len() as f64;
        let first = &replicas[0];
        Self {
            losses: (0..first.losses.len()).map(|epoch| mean(&|replica| replica.losses[epoch])).collect(),
            partial: first.partial.map(|_| mean(&|replica| replica.partial.unwrap_or(f64::NAN))),
            rows: first.rows,
        }
    }
}

impl<T: Precision> Session<T> {
    /// Puts the network, its first weights and the training data onto a device.
    ///
    /// # Errors
    /// Usage, if loss and activation do not go together; limit, if the plan does not fit the device.
    pub fn new(
        network: Network,
        recipe: Recipe,
        weights: &Weights<T>,
        rows: impl Into<Rows<T>>,
        device: &Device,
    ) -> Result<Self> {
        Self::side_by_side(network, &[recipe], std::slice::from_ref(weights), rows, device)
    }

    /// Puts several networks of one shape onto a device, to be trained side by side on the same data, each from its own first weights
    /// by its own recipe (and, where rows are shuffled, in the orders of its own seed): each comes out as it does alone. The recipes
    /// differ only in what [`Recipe::shape`] leaves out.
    ///
    /// # Errors
    /// Usage, if loss and activation do not go together; limit, if the plan does not fit the device.
    ///
    /// # Panics
    /// If there is not one list of weights a recipe.
    pub fn side_by_side(
        network: Network,
        recipes: &[Recipe],
        weights: &[Weights<T>],
        rows: impl Into<Rows<T>>,
        device: &Device,
    ) -> Result<Self> {
        Self::with_validation(network, recipes, weights, rows, None, device)
    }

    /// The same with rows that stay on the device, to evaluate all replicas with
    /// ([`evaluate_replicas`](Self::evaluate_replicas)).
    ///
    /// # Errors
    /// As [`side_by_side`](Self::side_by_side).
    ///
    /// # Panics
    /// As there.
    pub fn with_validation(
        network: Network,
        recipes: &[Recipe],
        weights: &[Weights<T>],
        rows: impl Into<Rows<T>>,
        validation: Option<&Samples<T>>,
        device: &Device,
    ) -> Result<Self> {
        let (training, recipe) = (rows.into(), recipes[0]);
        assert_eq!(recipes.len(), weights.len(), "each replica has its recipe and its first weights");
        debug_assert!(recipes.iter().all(|other| other.shape() == recipe.shape()), "the recipes have one plan");
        recipe.loss.check(network.output_activation())?;
        assert_eq!(recipe.weighted, training.is_weighted(), "rows that are to have weights have them");
        let rows = training.rows();
        if u32::try_from(rows).is_err() {
            return Err(Error::Limit(format!("{rows} rows are more than are counted in 32 bits; train on fewer")));
        }
        if rows == 0 {
            return Err(Error::Data("there is no row to train on".into()));
        }
        let replicas = Replicas::of(recipes, validation.map_or(0, |rows| rows.inputs.rows));
        let (mut executor, fitted) = Self::executor(&network, &recipe, replicas, rows, device)?;
        let recipes = recipes.iter().map(|recipe| Recipe { micro_batches: fitted.micro_batches, ..*recipe });
        let mut streamed = None;
        match training {
            Rows::Memory(samples) if planning::is_resident(executor.plan(), rows) => load(executor.as_mut(), samples)?,
            training => {
                let Plan { window: length, windows: copies, .. } = *executor.plan();
                let bytes = copies * length * training.widths().iter().sum::<usize>() * size_of::<T>();
                // The window that is sent, its copy on the way, the one that is read, their places, and two orders of all rows.
                let windows = if length < rows { 3 } else { 2 };
                if recipe.streamed && !memory::is_there((windows * bytes + copies * (40 * length + 8 * rows)) as u128) {
                    return Err(Error::Limit(
                        "there is no memory for the rows of a batch; take fewer (--batch-size)".into(),
                    ));
                }
                streamed = Some(Streamed::new(training, rows, copies, length));
            }
        }
        let mut session = Self {
            network,
            executor,
            replicas: recipes.map(|recipe| Replica::new(recipe, rows)).collect(),
            rows,
            streamed,
            piece: 1,
            steps: 0,
            epoch: 0,
            holds_validation: validation.is_some(),
        };
        session.set_weights_of_all(weights)?;
        if let Some(rows) = validation {
            let (inputs, targets) = (session.plan().evaluation_inputs, session.plan().evaluation_targets);
            session.executor.write(inputs, 0, &rows.inputs.values)?;
            session.executor.write(targets, 0, &rows.targets.values)?;
        }
        if let Some(order) = session.executor.plan().order {
            let Plan { window, windows, .. } = *session.executor.plan();
            for replica in 0..session.replicas() {
                // Those that have a window each find it behind those before.
                let first = if windows > 1 { replica * window } else { 0 };
                let places: Vec<u32> = (first as u32..(first + window) as u32).collect();
                session.executor.write_indices(order, replica, &places)?;
            }
        }
        Ok(session)
    }

    /// An executor, and the first recipe as it follows it. Where a GPU's memory ends, it has a window of the data on the device, and if that is
    /// not enough it goes through batches in more micro-batches.
    fn executor(
        network: &Network,
        recipe: &Recipe,
        replicas: Replicas,
        rows: usize,
        device: &Device,
    ) -> Result<(Box<dyn Executor<T>>, Recipe)> {
        let mut first_limit = None;
        for recipe in planning::with_micro_batches(recipe, rows) {
            let resident = plan_of_replicas::<T>(network, recipe.loss, Some(&recipe), rows, replicas, device);
            let streamed = || streamed_plan::<T>(network, recipe.loss, &recipe, rows, device, u64::MAX);
            let is_resident = planning::is_resident(&resident, rows) && !recipe.streamed;
            let can_be_streamed = replicas.count == recipe.members && device.gpu().is_some() && is_resident;
            let streamed = can_be_streamed.then(streamed).filter(|plan| plan.window < rows);
            for plan in std::iter::once(resident).chain(streamed) {
                match T::executor(plan, device) {
                    Err(Error::Limit(why)) => first_limit = first_limit.or(Some(why)),
                    made => return made.map(|executor| (executor, recipe)),
                }
            }
            if device.gpu().is_none() {
                break;
            }
        }
        Err(Error::Limit(first_limit.expect("one plan was tried")))
    }

    /// Puts trained networks of one shape onto a device, to evaluate with their mean: one list of weights a network.
    ///
    /// # Errors
    /// Limit, if the plan does not fit the device.
    pub fn for_evaluation(network: Network, loss: Loss, weights: &[Weights<T>], device: &Device) -> Result<Self> {
        Self::for_evaluation_of(0, network, loss, weights, device)
    }

    /// The same with memory for so many rows at a time, where more are never evaluated at once (0: for as many as suit).
    ///
    /// # Errors
    /// As there.
    pub fn for_evaluation_of(
        rows: usize,
        network: Network,
        loss: Loss,
        weights: &[Weights<T>],
        device: &Device,
    ) -> Result<Self> {
        let executor = T::executor(plan::<T>(&network, loss, None, rows, weights.len(), device), device)?;
        let recipe = Recipe { epochs: 0, ..Recipe::plain(loss, 0.0, 0) };
        let mut session = Self {
            network,
            executor,
            replicas: weights.iter().map(|_| Replica::new(recipe, 0)).collect(),
            rows: 0,
            streamed: None,
            piece: 1,
            steps: 0,
            epoch: 0,
            holds_validation: false,
        };
        session.set_weights_of_all(weights)?;
        Ok(session)
    }

    /// The GPU that computes; none: the CPU.
    pub fn gpu(&self) -> Option<&GpuInfo> {
        self.executor.gpu()
    }

    /// The plan that is run.
    pub fn plan(&self) -> &Plan {
        self.executor.plan()
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Networks that are trained side by side.
    pub fn replicas(&self) -> usize {
        self.replicas.len()
    }

    /// How it is trained: the first replica, where there are several.
    pub fn recipe(&self) -> &Recipe {
        &self.replicas[0].recipe
    }

    /// So many rows of the training data, or all: those that lie first on the device.
    ///
    /// # Errors
    /// What the device reports.
    pub fn first_rows(&mut self, rows: usize) -> Result<Samples<T>> {
        let (inputs, targets) = (self.executor.plan().inputs[0], self.executor.plan().targets[0]);
        let rows = rows.min(inputs.rows).min(targets.rows);
        let (width, outputs) = (self.network.inputs(), self.network.outputs());
        Ok(Samples::new(
            Matrix::new(rows, width, self.executor.read(inputs.buffer, 0, rows)?),
            Matrix::new(rows, outputs, self.executor.read(targets.buffer, 0, rows)?),
        ))
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Whole epochs done so far.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// Whether an epoch is under way.
    pub fn is_in_epoch(&self) -> bool {
        !self.replicas[0].begun.is_empty()
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.rows.div_ceil(self.recipe().batch.max(1)) as u64
    }

    /// Rows of the training data.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Epochs that [`train`](Self::train) can do in one go, without a word from the device in between.
    pub fn epochs_at_once(&self) -> usize {
        let possible = if self.streamed.is_some() { 1 } else { epochs_at_once(self.recipe(), self.rows) };
        let period = self.scale_period();
        if self.loss_scale().is_none() { possible } else { possible.min(period - self.epoch % period) }
    }

    /// The weights as they are: of the first replica, where there are several.
    ///
    /// # Errors
    /// What the device reports.
    pub fn weights(&mut self) -> Result<Weights<T>> {
        self.weights_of(0)
    }

    /// The weights of one replica: their average, where one is kept.
    ///
    /// # Errors
    /// What the device reports.
    pub fn weights_of(&mut self, replica: usize) -> Result<Weights<T>> {
        let plan = self.executor.plan();
        let trained = if plan.averages.is_empty() { plan.parameters.clone() } else { plan.averages.clone() };
        self.layers(&trained, replica)
    }

    /// The matrices of all layers in some buffers.
    fn layers(&mut self, buffers: &[BufferId], replica: usize) -> Result<Weights<T>> {
        let bias = self.network.bias();
        let widths = self.network.widths().to_vec();
        buffers
            .iter()
            .enumerate()
            .map(|(l, &id)| {
                let (inputs, outputs) = (widths[l], widths[l + 1]);
                let mut values = self.executor.read(id, replica, inputs + usize::from(bias))?;
                let bias = values.split_off(inputs * outputs);
                Ok(Layer { weight: Matrix::new(inputs, outputs, values), bias })
            })
            .collect()
    }

    /// The weights of all replicas: their averages, where some are kept.
    ///
    /// # Errors
    /// What the device reports.
    pub fn weights_of_all(&mut self) -> Result<Vec<Weights<T>>> {
        self.weights_of_some(&(0..self.replicas()).collect::<Vec<_>>())
    }

    /// The weights of some replicas, in this order: their averages, where some are kept. Each buffer is read once.
    ///
    /// # Errors
    /// What the device reports.
    pub fn weights_of_some(&mut self, replicas: &[usize]) -> Result<Vec<Weights<T>>> {
        let plan = self.executor.plan();
        let trained = if plan.averages.is_empty() { plan.parameters.clone() } else { plan.averages.clone() };
        self.layers_of_some(&trained, replicas)
    }

    /// The matrices of all layers in some buffers, of some replicas.
    fn layers_of_some(&mut self, buffers: &[BufferId], replicas: &[usize]) -> Result<Vec<Weights<T>>> {
        let mut each: Vec<Weights<T>> = replicas.iter().map(|_| Vec::with_capacity(buffers.len())).collect();
        for (l, &id) in buffers.iter().enumerate() {
            let (inputs, outputs) = (self.network.widths()[l], self.network.widths()[l + 1]);
            for (weights, mut values) in each.iter_mut().zip(self.values_of_some(id, replicas)?) {
                let bias = values.split_off(inputs * outputs);
                weights.push(Layer { weight: Matrix::new(inputs, outputs, values), bias });
            }
        }
        Ok(each)
    }

    /// All values of a buffer, of some replicas in this order.
    fn values_of_some(&mut self, id: BufferId, replicas: &[usize]) -> Result<Vec<Vec<T>>> {
        let (count, all) = (self.executor.plan().buffers[id].length(), self.replicas.len());
        let mut places = vec![None; all];
        replicas.iter().enumerate().for_each(|(place, &replica)| places[replica] = Some(place));
        let mut values = vec![Vec::new(); replicas.len()];
        self.executor.look_at_replicas(id, count, &mut |replica, of_replica| {
            if let Some(place) = places[replica] {
                values[place] = of_replica.to_vec();
            }
        })?;
        Ok(values)
    }

    /// Replaces the weights.
    ///
    /// # Errors
    /// What the device reports.
    pub fn set_weights(&mut self, weights: &Weights<T>) -> Result<()> {
        self.set_weights_of(0, weights)
    }

    /// Replaces the weights of all replicas, one list each.
    ///
    /// # Errors
    /// What the device reports.
    pub fn set_weights_of_all(&mut self, weights: &[Weights<T>]) -> Result<()> {
        weights.iter().enumerate().try_for_each(|(replica, weights)| self.set_weights_of(replica, weights))
    }

    /// Replaces the weights of one replica, and their average, where one is kept.
    ///
    /// # Errors
    /// What the device reports.
    pub fn set_weights_of(&mut self, replica: usize, weights: &Weights<T>) -> Result<()> {
        let (parameters, averages) = (self.executor.plan().parameters.clone(), self.executor.plan().averages.clone());
        for (l, layer) in weights.iter().enumerate() {
            let values = [layer.weight.values.as_slice(), layer.bias.as_slice()].concat();
            for &id in parameters.get(l).into_iter().chain(averages.get(l)) {
                self.executor.write(id, replica, &values)?;
            }
        }
        Ok(())
    }

    /// Trains for `epochs` epochs (at most [`epochs_at_once`](Self::epochs_at_once)), of which one that was ended early is the first.
    /// `between` is told the rows of these epochs that are done after each piece and can end the last one early.
    ///
    /// # Errors
    /// What the device reports.
    pub fn train(&mut self, epochs: usize, between: impl FnMut(usize) -> ControlFlow<()>) -> Result<Trained> {
        Ok(Trained::mean(&self.train_replicas(epochs, between)?))
    }

    /// Takes so many steps of the epoch under way, or those that are left of it.
    ///
    /// # Errors
    /// What the device reports.
    pub fn train_steps(&mut self, steps: usize) -> Result<Trained> {
        let last = (self.steps_begun() + steps).min(self.steps_per_epoch() as usize);
        Ok(Trained::mean(&self.train_up_to(last, |_| ControlFlow::Continue(()))?))
    }

    /// The same as [`train`](Self::train), with what it came to for every replica.
    ///
    /// # Errors
    /// What the device reports.
    pub fn train_replicas(&mut self, epochs: usize, between: impl FnMut(usize) -> ControlFlow<()>) -> Result<Vec<Trained>> {
        self.train_up_to(epochs.clamp(1, self.epochs_at_once()) * self.steps_per_epoch() as usize, between)
    }

    /// Trains until so many steps are taken, counted from the beginning of the epoch under way.
    fn train_up_to(&mut self, in_all: usize, mut between: impl FnMut(usize) -> ControlFlow<()>) -> Result<Vec<Trained>> {
        let per_epoch = self.steps_per_epoch() as usize;
        self.order_rows()?;
        let before = self.rows_begun();
        let (mut done, mut rows) = (self.steps_begun(), before);
        while done < in_all {
            let started = Instant::now();
            let count = self.piece.min(in_all - done);
            rows += self.run(done..done + count)?;
            done += count;
            if between(rows).is_break() {
                break;
            }
            // Pieces of about 50 ms: often enough to show progress and to stop, seldom enough to cost nothing.
            let quick = started.elapsed().as_millis() < 50;
            self.piece = if quick { self.piece.max(2 * count) } else { (count / 2).max(1) };
        }
        let trained = self.losses(done, rows)?;
        self.look_at_overflows(self.epoch + done.div_ceil(per_epoch))?;
        let period = self.scale_period();
        for done in (1..=done / per_epoch).map(|more| self.epoch + more) {
            let scales = self.replicas.iter_mut().filter_map(|replica| replica.loss_scale.as_mut());
            scales.for_each(|scale| scale.end_epoch(done, period));
        }
        self.steps += (done - self.steps_begun()) as u64;
        self.epoch += done / per_epoch;
        let (epochs, in_epoch) = (rows / self.rows, rows % self.rows);
        let mut told = Vec::with_capacity(trained.len());
        for (of_epochs, replica) in trained.into_iter().zip(&mut self.replicas) {
            let mean = |sum: &f64| sum / self.rows as f64;
            let partial = of_epochs.sums.get(epochs).map(|sum| sum / in_epoch as f64);
            told.push(Trained { losses: of_epochs.sums[..epochs].iter().map(mean).collect(), partial, rows: rows - before });
            replica.begun = of_epochs.begun;
        }
        Ok(told)
    }

    /// The losses of so many steps, with as many rows, from the beginning of the epoch that was under way on: of every replica.
    fn losses(&mut self, steps: usize, rows: usize) -> Result<Vec<Losses<T>>> {
        let plan = self.executor.plan();
        let buffer = plan.losses.expect("a plan that trains has losses");
        let of_epoch = if plan.sums_losses() { self.steps_per_epoch() as usize } else { self.rows };
        let places = if plan.sums_losses() { steps } else { rows };
        let Self { executor, replicas, .. } = self;
        let mut losses = Vec::with_capacity(replicas.len());
        executor.look_at_replicas(buffer, places, &mut |replica, noted| {
            losses.push(Losses::new(&replicas[replica].begun, noted, of_epoch));
        })?;
        Ok(losses)
    }

    /// Steps that were taken of the epoch under way.
    fn steps_begun(&self) -> usize {
        let begun = self.replicas[0].begun.len();
        if self.executor.plan().sums_losses() { begun } else { begun.div_ceil(self.recipe().batch.max(1)) }
    }

    /// Rows that were done of the epoch under way.
    fn rows_begun(&self) -> usize {
        let begun = self.replicas[0].begun.len();
        if self.executor.plan().sums_losses() { (begun * self.recipe().batch).min(self.rows) } else { begun }
    }

    /// Takes the steps of some epochs (at most [`epochs_at_once`](Self::epochs_at_once)) without counting them, and gives the time
    /// that they took by the device's own clock; none where it has none, and of streamed data.
    ///
    /// # Errors
    /// What the device reports.
    pub fn train_timed(&mut self, epochs: usize) -> Result<Option<Duration>> {
        if self.streamed.is_some() {
            return Ok(None);
        }
        let epochs = epochs.clamp(1, self.epochs_at_once());
        let steps: Vec<Step> =
            (0..epochs * self.steps_per_epoch() as usize).flat_map(|index| self.micro_steps(index)).collect();
        let launches = 0..self.executor.plan().training.len();
        self.executor.run_timed(Phase::Training, launches, &steps)
    }
}

/// Puts the training data into its buffers; where it is one segment, without a copy.
fn load<T: Precision>(executor: &mut dyn Executor<T>, samples: Samples<T>) -> Result<()> {
    let plan = executor.plan();
    let weights = samples.weights.map(|weights| (plan.weights.clone(), weights));
    let sources = [(plan.inputs.clone(), samples.inputs), (plan.targets.clone(), samples.targets)];
    for (segments, matrix) in sources.into_iter().chain(weights) {
        if let [segment] = segments[..] {
            executor.load(segment.buffer, matrix.values)?;
            continue;
        }
        for segment in segments {
            let range = segment.first * matrix.columns..(segment.first + segment.rows) * matrix.columns;
            executor.write(segment.buffer, 0, &matrix.values[range])?;
        }
    }
    Ok(())
}

/// The mean, in f64; NaN of nothing.
fn mean<T: Precision>(values: &[T]) -> f64 {
    values.iter().map(|value| value.to_f64()).sum::<f64>() / values.len() as f64
}

/// The losses of one replica's epochs.
struct Losses<T> {
    /// The sum of each epoch's, in f64; the last epoch may be one under way.
    sums: Vec<f64>,
    /// Those of an epoch under way, one by one.
    begun: Vec<T>,
}

impl<T: Precision> Losses<T> {
    /// What the device has noted, `of_epoch` an epoch; the first ones, which it was not told of, are those of an epoch begun before.
    fn new(begun: &[T], noted: &[T], of_epoch: usize) -> Self {
        let all = |range: Range<usize>| {
            let before = range.start.min(begun.len())..range.end.min(begun.len());
            let since = range.start.max(begun.len())..range.end.max(begun.len());
            begun[before].iter().chain(&noted[since]).copied()
        };
        let epochs = (0..noted.len()).step_by(of_epoch).map(|first| first..(first + of_epoch).min(noted.len()));
        let sums = epochs.map(|epoch| all(epoch).map(Scalar::to_f64).sum()).collect();
        Self { sums, begun: all(noted.len() - noted.len() % of_epoch..noted.len()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Activation;

    #[test]
    fn each_step_drops_by_a_key_of_its_own_which_its_micro_batches_share() {
        let network = Network::new(vec![1, 2, 1], vec![Activation::Identity; 2], false).expect("a network");
        let layer = |inputs, outputs| Layer { weight: Matrix::new(inputs, outputs, vec![0.5_f64; 2]), bias: Vec::new() };
        let rows = || Matrix::new(7, 1, (0..7).map(f64::from).collect());
        let (dropout, micro_batches) = (crate::plan::Dropout::of_all(0.5), 2);
        let recipe = Recipe { dropout, micro_batches, epochs: 2, ..Recipe::plain(Loss::SquaredError, 0.01, 4) };
        let (samples, weights) = (Samples::new(rows(), rows()), vec![layer(1, 2), layer(2, 1)]);
        let session = Session::new(network, recipe, &weights, samples, &Device::cpu(Some(1), "test")).expect("a session");
        let keys = |step: usize| session.micro_steps(step).map(|micro| micro.key).collect::<Vec<_>>();
        // A batch of four rows and one of three an epoch, each in two micro-batches.
        let of_steps: Vec<_> = (0..4).map(keys).collect();
        assert!(of_steps.iter().all(|keys| keys.len() == 2 && keys[0] == keys[1]), "{of_steps:?}");
        let different: std::collections::HashSet<_> = of_steps.iter().map(|keys| keys[0]).collect();
        assert_eq!(different.len(), 4, "{of_steps:?}");
    }

    /// Ten rows in batches of four, in f32: one kernel takes whole steps, and leaves a loss a step.
    #[test]
    fn an_epoch_goes_on_from_losses_of_steps_and_from_losses_of_rows() {
        let session = || {
            let network = Network::new(vec![1, 1], vec![Activation::Identity], false).expect("a network");
            let weights = vec![Layer { weight: Matrix::new(1, 1, vec![0.25_f32]), bias: Vec::new() }];
            let x: Vec<f32> = (0..10).map(|i| 0.3 * i as f32 - 1.0).collect();
            let y: Vec<f32> = x.iter().map(|x| 1.0 - x * x).collect();
            let samples = Samples::new(Matrix::new(10, 1, x), Matrix::new(10, 1, y));
            let recipe = Recipe { epochs: 1, ..Recipe::plain(Loss::SquaredError, 0.1, 4) };
            Session::new(network, recipe, &weights, samples, &Device::cpu(Some(1), "test")).expect("a session")
        };
        let expected = session().train(1, |_| ControlFlow::Continue(())).expect("an epoch").losses[0];
        let mut begun = session();
        let of_rows = begun.train_steps(2).expect("two steps").partial.expect("a part of an epoch");
        let state = begun.state().expect("a state");
        let member = &state.members[0];
        let with = |losses| State { members: vec![Member { losses, ..member.clone() }], ..state.clone() };
        assert_eq!(member.losses.len(), 2);
        assert!((of_rows - f64::from(member.losses[0] + member.losses[1]) / 8.0).abs() < 1e-7);
        let each: Vec<f32> = member.losses.iter().flat_map(|sum| [sum / 4.0; 4]).collect();
        for losses in [member.losses.clone(), each] {
            let mut next = session();
            next.restore(&with(losses)).expect("restored");
            let loss = next.train(1, |_| ControlFlow::Continue(())).expect("the rest of the epoch").losses[0];
            assert!((loss - expected).abs() < 1e-6 * expected, "{loss}, {expected}");
        }
        for losses in [vec![1.0; 3], Vec::new()] {
            session().restore(&with(losses)).expect_err("two steps have neither of these");
        }
    }

    /// One weight, no bias: the step of a batch is rate · (sum or mean of x (x w - y)), worked out here by hand.
    #[test]
    fn batches_short_last_ones_and_rates_are_those_of_the_definition() {
        let x = [1.0, -2.0, 0.5, 3.0, 1.5];
        let y = [2.0, 1.0, -1.0, 0.5, 4.0];
        let cut = [1, 2].map(|micro_batches| [Reduction::Mean, Reduction::Sum].map(|reduction| (reduction, micro_batches)));
        for (reduction, micro_batches) in cut.concat() {
            let schedule = Schedule { kind: ScheduleKind::Step, every: 1, factor: 0.5, ..Schedule::constant(0.02) };
            let recipe =
                Recipe { reduction, micro_batches, epochs: 2, schedule, ..Recipe::plain(Loss::SquaredError, 0.0, 2) };
            let network = Network::new(vec![1, 1], vec![Activation::Identity], false).expect("a network");
            let weights = vec![Layer { weight: Matrix::new(1, 1, vec![0.25_f64]), bias: Vec::new() }];
            let samples = Samples::new(Matrix::new(5, 1, x.to_vec()), Matrix::new(5, 1, y.to_vec()));
            let mut session =
                Session::new(network, recipe, &weights, samples, &Device::cpu(Some(1), "test")).expect("a session");
            let mut losses = session.train(2, |_| ControlFlow::Continue(())).expect("epochs").losses;

            let (mut w, mut expected) = (0.25, Vec::new());
            for rate in [0.02, 0.01] {
                let mut loss = 0.0;
                for batch in [0..2, 2..4, 4..5] {
                    let rows = batch.len() as f64;
                    let errors: Vec<f64> = batch.clone().map(|i| x[i] * w - y[i]).collect();
                    loss += errors.iter().map(|error| 0.5 * error * error).sum::<f64>();
                    let gradient: f64 = batch.zip(&errors).map(|(i, error)| x[i] * error).sum();
                    w -= rate * if reduction == Reduction::Mean { gradient / rows } else { gradient };
                }
                expected.push(loss / 5.0);
            }
            losses.push(session.weights().expect("weights")[0].weight.values[0]);
            expected.push(w);
            for (loss, expected) in losses.iter().zip(&expected) {
                assert!(
                    (loss - expected).abs() < 1e-14,
                    "{reduction:?}, {micro_batches}: {losses:?}, expected {expected:?}"
                );
            }
            assert_eq!((losses.len(), session.steps()), (3, 6));
        }
    }
}
