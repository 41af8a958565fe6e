//! The state of a session: taken, put back, and looked at where it is no longer finite.

use super::device::Precision;
use super::loss_scale::LossScale;
use super::{Replica, Session};
use crate::error::{Error, Result};
use crate::kernels::Step;
use crate::network::Weights;
use crate::plan::{BufferId, Element, Launch, Phase};

/// Where a training is: all that it needs, beside its data, to go on as if it had never stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct State<T> {
    /// Each network.
    pub members: Vec<Member<T>>,
    /// Steps taken.
    pub steps: u64,
    /// Whole epochs done.
    pub epoch: usize,
}

/// Where the training of one network is.
#[derive(Debug, Clone, PartialEq)]
pub struct Member<T> {
    /// The weights, not their average.
    pub weights: Weights<T>,
    /// The optimizer's states, layer by layer, the average of the parameters last, each [(inputs + bias) × outputs], row by row.
    pub states: Vec<Vec<Vec<T>>>,
    /// The losses of the rows that were done of the epoch under way, or of its steps, each the sum over its rows, where one kernel takes
    /// whole steps; none between epochs.
    pub losses: Vec<T>,
    /// The steps that a plateau schedule's rate dropped before.
    pub drops: Vec<u64>,
    /// The loss scale of mixed training.
    pub loss_scale: Option<LossScale>,
}

impl<T: Precision> State<T> {
    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.members.iter().all(Member::is_finite)
    }
}

impl<T: Precision> Member<T> {
    fn is_finite(&self) -> bool {
        let weights = self.weights.iter().flat_map(|layer| layer.weight.values.iter().chain(&layer.bias));
        weights.chain(self.states.iter().flatten().flatten()).chain(&self.losses).all(|value| value.is_finite())
    }
}

impl<T: Precision> Session<T> {
    /// Where training is.
    ///
    /// # Errors
    /// What the device reports.
    pub fn state(&mut self) -> Result<State<T>> {
        let members = self.members(&(0..self.replicas()).collect::<Vec<_>>())?;
        Ok(State { members, steps: self.steps, epoch: self.epoch })
    }

    /// Where the training of some replicas is, in this order.
    ///
    /// # Errors
    /// What the device reports.
    pub fn members(&mut self, replicas: &[usize]) -> Result<Vec<Member<T>>> {
        let (ids, parameters) = (self.executor.plan().states.clone(), self.executor.plan().parameters.clone());
        let mut states: Vec<Vec<Vec<Vec<T>>>> = replicas.iter().map(|_| Vec::with_capacity(ids.len())).collect();
        for of_layer in ids {
            states.iter_mut().for_each(|states| states.push(Vec::with_capacity(of_layer.len())));
            for id in of_layer {
                let values = self.values_of_some(id, replicas)?;
                let last = states.iter_mut().map(|states| states.last_mut().expect("the layer's"));
                last.zip(values).for_each(|(states, values)| states.push(values));
            }
        }
        let weights = self.layers_of_some(&parameters, replicas)?;
        let member = |((&replica, states), weights): ((&usize, _), _)| {
            let Replica { drops, begun, loss_scale, .. } = &self.replicas[replica];
            let drops = drops.iter().copied().filter(|&before| before <= self.steps).collect();
            Member { weights, states, losses: begun.clone(), drops, loss_scale: *loss_scale }
        };
        Ok(replicas.iter().zip(states).zip(weights).map(member).collect())
    }

    /// Goes on from a state of a training of the same network by the same recipe on the same data: the same steps follow, and on the
    /// same device the same bits.
    ///
    /// # Errors
    /// Model, if the state's numbers contradict each other; what the device reports.
    ///
    /// # Panics
    /// If the state is of another network or optimizer, or of another number of networks.
    pub fn restore(&mut self, state: &State<T>) -> Result<()> {
        assert_eq!(self.replicas(), state.members.len(), "the state of as many networks");
        let begun = state.members.iter().map(|member| {
            self.begun_in(state, &member.losses).ok_or_else(|| {
                let (steps, epochs, losses) = (state.steps, state.epoch, member.losses.len());
                Error::Model(format!(
                    "the state contradicts itself: {steps} steps are not {epochs} epochs and {losses} losses"
                ))
            })
        });
        let begun = begun.collect::<Result<Vec<_>>>()?;
        if state.members.iter().any(|member| member.loss_scale.is_some() != self.loss_scale().is_some()) {
            return Err(Error::Model("the state is of a training of another precision".into()));
        }
        let ids = self.executor.plan().states.concat();
        for (replica, member) in state.members.iter().enumerate() {
            self.set_weights_of(replica, &member.weights)?;
            let states = member.states.concat();
            assert_eq!(ids.len(), states.len(), "the states of this optimizer");
            ids.iter().zip(&states).try_for_each(|(&id, values)| self.executor.write(id, replica, values))?;
        }
        self.clear_overflows()?;
        (self.steps, self.epoch) = (state.steps, state.epoch);
        for ((replica, member), begun) in self.replicas.iter_mut().zip(&state.members).zip(begun) {
            (replica.begun, replica.loss_scale) = (begun, member.loss_scale);
            // A state that this training was in: what came after it is gone through again as it was.
            if !replica.drops.starts_with(&member.drops) {
                replica.drops.clone_from(&member.drops);
            }
        }
        self.piece = 1;
        Ok(())
    }

    /// The losses of the epoch that was under way, as this plan keeps them; none if a state's numbers contradict each other. A state may
    /// have one a row where this plan sums a step's.
    fn begun_in(&self, state: &State<T>, losses: &[T]) -> Option<Vec<T>> {
        let before = (state.epoch as u64).checked_mul(self.steps_per_epoch())?;
        let steps = usize::try_from(state.steps.checked_sub(before)?).ok()?;
        let batch = self.recipe().batch.max(1);
        let rows = steps.checked_mul(batch)?;
        let is_of_epoch = rows < self.rows.max(1);
        match self.executor.plan().sums_losses() {
            true if is_of_epoch && losses.len() == steps => Some(losses.to_vec()),
            true if is_of_epoch && losses.len() == rows => {
                let sum = |losses: &[T]| losses.iter().copied().sum();
                Some(losses.chunks(batch).map(sum).collect())
            }
            false if is_of_epoch && losses.len() == rows => Some(losses.to_vec()),
            _ => None,
        }
    }

    /// Takes the next step kernel by kernel, without counting it, up to the first that leaves something that is not finite: its label, and
    /// of a kernel of whole steps the layer.
    ///
    /// # Errors
    /// What the device reports.
    pub fn first_kernel_not_finite(&mut self) -> Result<Option<String>> {
        self.order_rows()?;
        let (launches, records) = (self.executor.plan().training.clone(), self.executor.plan().records);
        let replicas = self.replicas();
        let steps: Vec<Step> = self.micro_steps(self.steps_begun()).collect();
        // Each micro-batch is a step for all replicas, or one for each.
        for steps in steps.chunks(records) {
            let steps = steps.iter().map(|step| self.sent(step)).collect::<Result<Vec<_>>>()?;
            for (index, launch) in launches.iter().enumerate().filter(|(_, launch)| launch.is_run_in(&steps[0])) {
                self.executor.run_launches(Phase::Training, index..index + 1, &steps)?;
                for (&id, replica) in launch.writes.iter().flat_map(|id| (0..replicas).map(move |replica| (id, replica))) {
                    if self.written(id, replica, &steps[0])?.iter().any(|value| !value.is_finite()) {
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

    /// What a step has written into a replica's buffer: of a batch's rows and of the losses only its own, for others are there from before.
    fn written(&mut self, id: BufferId, replica: usize, step: &Step) -> Result<Vec<T>> {
        let plan = self.executor.plan();
        if plan.losses == Some(id) {
            let losses = self.executor.read_values(id, replica, step.loss_row + plan.loss_places(step.rows))?;
            return Ok(losses[step.loss_row..].to_vec());
        }
        let rows = plan.buffers[id].rows;
        match plan.buffers[id].element {
            Element::Index => Ok(Vec::new()),
            Element::Real => self.executor.read(id, replica, if plan.is_of_layer(id) { rows } else { rows.min(step.rows) }),
        }
    }
}
