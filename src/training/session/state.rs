//! The state of a session: taken, put back, and looked at where it is no longer finite.

use super::Session;
use super::device::Precision;
use super::loss_scale::LossScale;
use crate::error::{Error, Result};
use crate::kernels::Step;
use crate::network::Weights;
use crate::plan::{BufferId, Element, Launch, Phase};

/// Where a training is: all that it needs, beside its data, to go on as if it had never stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct State<T> {
    /// The weights, not their average.
    pub weights: Weights<T>,
    /// The optimizer's states, layer by layer, the average of the parameters last, each [(inputs + bias) × outputs], row by row.
    pub states: Vec<Vec<Vec<T>>>,
    /// Steps taken.
    pub steps: u64,
    /// The steps that a plateau schedule's rate dropped before.
    pub drops: Vec<u64>,
    /// Whole epochs done.
    pub epoch: usize,
    /// The losses of the rows that were done of the epoch under way, or of its steps, each the sum over its rows, where one kernel takes
    /// whole steps; none between epochs.
    pub losses: Vec<T>,
    /// The loss scale of mixed training.
    pub loss_scale: Option<LossScale>,
}

impl<T: Precision> State<T> {
    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        let weights = self.weights.iter().flat_map(|layer| layer.weight.values.iter().chain(&layer.bias));
        weights.chain(self.states.iter().flatten().flatten()).chain(&self.losses).all(|value| value.is_finite())
    }
}

impl<T: Precision> Session<T> {
    /// Where training is.
    ///
    /// # Errors
    /// What the device reports.
    ///
    /// # Panics
    /// If there are replicas.
    pub fn state(&mut self) -> Result<State<T>> {
        assert_eq!(self.seeds.len(), 1, "the state of one network");
        let ids = self.executor.plan().states.clone();
        let rows = |l: usize| self.network.widths()[l] + usize::from(self.network.bias());
        let rows: Vec<usize> = (0..ids.len()).map(rows).collect();
        let mut states = Vec::with_capacity(ids.len());
        for (ids, rows) in ids.into_iter().zip(rows) {
            states.push(ids.into_iter().map(|id| self.executor.read(id, 0, rows)).collect::<Result<_>>()?);
        }
        let (losses, parameters) = (self.begun[0].clone(), self.executor.plan().parameters.clone());
        let drops = self.drops.iter().copied().filter(|&before| before <= self.steps).collect();
        let (weights, loss_scale) = (self.layers(&parameters, 0)?, self.loss_scale());
        Ok(State { weights, states, steps: self.steps, drops, epoch: self.epoch, losses, loss_scale })
    }

    /// Goes on from a state of a training of the same network by the same recipe on the same data: the same steps follow, and on the
    /// same device the same bits.
    ///
    /// # Errors
    /// Model, if the state's numbers contradict each other; what the device reports.
    ///
    /// # Panics
    /// If there are replicas, or the state is of another network or optimizer.
    pub fn restore(&mut self, state: &State<T>) -> Result<()> {
        assert_eq!(self.seeds.len(), 1, "the state of one network");
        let losses = self.begun_in(state).ok_or_else(|| {
            let (steps, epochs, losses) = (state.steps, state.epoch, state.losses.len());
            Error::Model(format!("the state contradicts itself: {steps} steps are not {epochs} epochs and {losses} losses"))
        })?;
        self.set_weights(&state.weights)?;
        let ids = self.executor.plan().states.concat();
        let states = state.states.concat();
        assert_eq!(ids.len(), states.len(), "the states of this optimizer");
        ids.into_iter().zip(&states).try_for_each(|(id, values)| self.executor.write(id, 0, values))?;
        if state.loss_scale.is_some() != self.loss_scale().is_some() {
            return Err(Error::Model("the state is of a training of another precision".into()));
        }
        self.loss_scales = state.loss_scale.into_iter().collect();
        self.clear_overflows()?;
        (self.steps, self.epoch, self.begun) = (state.steps, state.epoch, vec![losses]);
        // A state that this training was in: what came after it is gone through again as it was.
        if !self.drops.starts_with(&state.drops) {
            self.drops.clone_from(&state.drops);
        }
        self.piece = 1;
        Ok(())
    }

    /// The losses of the epoch that was under way, as this plan keeps them; none if a state's numbers contradict each other. A state may
    /// have one a row where this plan sums a step's.
    fn begun_in(&self, state: &State<T>) -> Option<Vec<T>> {
        let before = (state.epoch as u64).checked_mul(self.steps_per_epoch())?;
        let steps = usize::try_from(state.steps.checked_sub(before)?).ok()?;
        let batch = self.recipe.batch.max(1);
        let (losses, rows) = (&state.losses, steps.checked_mul(batch)?);
        let is_of_epoch = rows < self.rows.max(1);
        match self.executor.plan().sums_losses() {
            true if is_of_epoch && losses.len() == steps => Some(losses.clone()),
            true if is_of_epoch && losses.len() == rows => {
                let sum = |losses: &[T]| losses.iter().copied().sum();
                Some(losses.chunks(batch).map(sum).collect())
            }
            false if is_of_epoch && losses.len() == rows => Some(losses.clone()),
            _ => None,
        }
    }

    /// Takes the next step kernel by kernel, without counting it, up to the first that leaves something that is not finite: its label, and
    /// of a kernel of whole steps the layer.
    ///
    /// # Errors
    /// What the device reports.
    pub fn first_kernel_not_finite(&mut self) -> Result<Option<String>> {
        self.shuffle()?;
        for step in self.micro_steps(self.steps_begun()) {
            let step = self.sent(&step)?;
            let launches = self.executor.plan().training.clone();
            for (index, launch) in launches.iter().enumerate().filter(|(_, launch)| launch.is_run_in(&step)) {
                self.executor.run_launches(Phase::Training, index..index + 1, &[step])?;
                for &id in &launch.writes {
                    if self.written(id, &step)?.iter().any(|value| !value.is_finite()) {
                        return Ok(Some(self.place(launch, id)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// What wrote a buffer: the launch's label, and of a kernel of whole steps the layer.
    fn place(&self, launch: &Launch, written: BufferId) -> String {
        if !launch.kernel.takes_many_steps() {
            return launch.label.clone();
        }
        let layer = self.executor.plan().parameters.iter().position(|&parameters| parameters == written);
        let place = layer.map_or("loss".into(), |l| format!("layer {}", l + 1));
        format!("{}, {place}", launch.label)
    }

    /// What a step has written into a buffer: of a batch's rows and of the losses only its own, for others are there from before.
    fn written(&mut self, id: BufferId, step: &Step) -> Result<Vec<T>> {
        let plan = self.executor.plan();
        if plan.losses == Some(id) {
            let losses = self.executor.read_values(id, 0, step.loss_row + plan.loss_places(step.rows))?;
            return Ok(losses[step.loss_row..].to_vec());
        }
        let rows = plan.buffers[id].rows;
        match plan.buffers[id].element {
            Element::Index => Ok(Vec::new()),
            Element::Real => self.executor.read(id, 0, if plan.is_of_layer(id) { rows } else { rows.min(step.rows) }),
        }
    }
}
