//! Training as one kernel of many whole steps.

use std::sync::Arc;

use super::builder::{Builder, Training};
use super::{Buffer, BufferId, Element, Launch, Options, Segment, TrainingOptions};
use crate::kernels::Whole;
use crate::kernels::whole::{Sequence, SequenceLaunch, Variant};

impl Builder<'_> {
    /// All of training as one kernel of many steps, in this variant.
    pub(super) fn whole(&mut self, variant: Variant, training: &TrainingOptions, parameters: &[BufferId]) -> Training {
        let add = |builder: &mut Self, name: &str, rows: usize, columns: usize| {
            builder.add(name, rows, columns, Element::Real, true)
        };
        let rows = training.data_rows();
        let inputs = add(self, "inputs", rows, self.network.inputs());
        let targets = add(self, "targets", rows, self.network.outputs());
        let order = self.add("order", 1, training.rows, Element::Index, false);
        let losses = self.add("losses", 1, training.losses, Element::Real, false);
        let states = self.states(training);
        for &id in parameters.iter().chain(states.iter().flatten()) {
            self.buffers[id].group = Some(0);
        }
        let kernel = Whole {
            network: self.network.clone(),
            loss: self.options.loss,
            optimizer: training.optimizer,
            batch: training.batch.min(training.rows),
            order: training.rows,
            losses: training.losses,
            replicas: self.options.replicas,
            own_steps: self.options.own_steps,
            variant,
            sequence: Arc::new(self.sequence(training)),
        };
        let trained = parameters.iter().chain(states.iter().flatten()).map(|&id| ("trained", id));
        let data = [("inputs", inputs), ("targets", targets), ("order", order), ("losses", losses)];
        let launches = vec![Launch::new("whole", kernel, data.into_iter().chain(trained))];
        let segment = |buffer| vec![Segment { buffer, first: 0, rows }];
        let (inputs, targets) = (segment(inputs), segment(targets));
        Training {
            launches,
            states,
            gradients: Vec::new(),
            weights: Vec::new(),
            inputs,
            targets,
            order: Some(order),
            losses: Some(losses),
        }
    }

    /// The same step, kernel by kernel, for one replica.
    fn sequence(&self, training: &TrainingOptions) -> Sequence {
        let options = Options { replicas: 1, segment_bytes: None, ..*self.options };
        let (network, buffers, options) = (self.network, Vec::new(), &options);
        let mut inner = Builder { network, options, buffers, plain: true, overflows: None };
        let parameters: Vec<_> = (0..self.network.layers()).map(|l| inner.layer_buffer("parameters", l)).collect();
        let part = inner.training(&TrainingOptions { losses: training.batch, ..*training }, &parameters, &[]);
        let launches = part.launches.into_iter().map(|launch| {
            let Launch { kernel, reads, writes, .. } = launch;
            SequenceLaunch { kernel, reads, writes }
        });
        Sequence {
            launches: launches.collect(),
            lengths: inner.buffers.iter().map(Buffer::length).collect(),
            reads: [part.inputs[0].buffer, part.targets[0].buffer].into_iter().chain(part.order).collect(),
            writes: parameters.into_iter().chain(part.states.into_iter().flatten()).collect(),
            losses: part.losses.expect("training leaves losses"),
        }
    }
}
