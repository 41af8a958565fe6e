//! How a network is trained.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::loss_scale::LossScale;
use super::schedule::Schedule;
use crate::network::{Clip, Loss, Optimizer, OptimizerKind};
use crate::plan::{Dropout, Frozen, LayerRates};
use crate::random::{Purpose, Stream};

/// Whether the rows of a batch are averaged or added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// The mean over the batch: the step does not grow with it.
    Mean,
    /// The sum over the batch.
    Sum,
}

/// What mixed training needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mixed {
    /// The exponent of the loss scale to begin with; none: as the batch suggests.
    pub exponent: Option<i32>,
}

/// How a network is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// What training makes small.
    pub loss: Loss,
    /// Whether a batch's rows are averaged or added up.
    pub reduction: Reduction,
    /// The rule that updates the weights.
    pub optimizer: Optimizer,
    /// The learning rate of each step.
    pub schedule: Schedule,
    /// Rows of a batch; the last one of an epoch may be shorter.
    pub batch: usize,
    /// Into how many micro-batches a batch is cut, at least 1: one after the other, so that they take less memory, and their gradients
    /// are added up.
    pub micro_batches: usize,
    /// Whether each row's loss is multiplied by a weight of its own.
    pub weighted: bool,
    /// Layers that are not trained.
    pub frozen: Frozen,
    /// What each layer's learning rate is of that of the step.
    pub layer_rates: LayerRates,
    /// What share of each hidden layer's units each step drops.
    pub dropout: Dropout,
    /// Whether layers that are wide enough round the factors of their products to f16, and the exponent of the loss scale to begin with
    /// where it was said.
    pub mixed: Option<Mixed>,
    /// Whether the rows are in a file, of which a window at a time is on the device.
    pub streamed: bool,
    /// Whether each epoch goes through the rows in an order of its own. A batch of all rows has no order.
    pub shuffle: bool,
    /// Whether each network draws as many rows as there are, with replacement, and is trained on those (Efron, 1979; Breiman,
    /// "Bagging Predictors", 1996).
    pub bootstrap: bool,
    /// Epochs in all, which the schedule needs to know.
    pub epochs: usize,
    /// The seed of everything random.
    pub seed: u64,
    /// Networks of an ensemble, at least 1: they are trained side by side, and the mean of their outputs is the model's.
    pub members: usize,
}

impl Recipe {
    /// The seed of each network: the first has the recipe's own, the others draw 32 bits, so that a person can type them.
    pub fn seeds(&self) -> Vec<u64> {
        let drawn = |member| u64::from(Stream::new(self.seed, Purpose::Member, member).words()[0]);
        (0..self.members.max(1) as u64).map(|member| if member == 0 { self.seed } else { drawn(member) }).collect()
    }

    /// The recipe of each network: it comes out as it does alone with its seed.
    pub fn of_members(&self) -> Vec<Self> {
        self.seeds().into_iter().map(|seed| Self { seed, ..*self }).collect()
    }

    /// Whether each epoch of so many rows has an order of its own.
    pub(super) fn shuffles(&self, rows: usize) -> bool {
        self.shuffle && self.batch < rows
    }

    /// Whether a network goes through so many rows by a list that its seed decides.
    pub(super) fn is_ordered(&self, rows: usize) -> bool {
        self.bootstrap || self.shuffles(rows)
    }

    /// The rows that an epoch (from 0) goes through, one after the other.
    pub(super) fn order(&self, rows: usize, epoch: usize) -> Vec<u32> {
        let all = 0..rows as u32;
        let mut order: Vec<u32> = if self.bootstrap {
            let (mut stream, mut drawn) = (Stream::new(self.seed, Purpose::Bootstrap, 0), vec![0; rows]);
            all.clone().for_each(|_| drawn[stream.below(rows as u64) as usize] += 1);
            all.zip(drawn).flat_map(|(row, times)| std::iter::repeat_n(row, times)).collect()
        } else {
            all.collect()
        };
        if self.shuffles(rows) {
            Stream::new(self.seed, Purpose::Shuffle, epoch as u64).shuffle(&mut order);
        }
        order
    }

    /// The recipe without what networks side by side may differ in: the numbers of their steps, and what the host draws.
    #[must_use]
    pub fn shape(&self) -> Self {
        let Self { loss, optimizer, batch, epochs, .. } = *self;
        let extras = optimizer.extras();
        let clip = match optimizer.clip {
            Clip::Value(_) => Clip::Value(1.0),
            Clip::Norm(_) => Clip::Norm(1.0),
            Clip::None => Clip::None,
        };
        // What is done beside the rule is a kernel of its own; how much of it is a number.
        let optimizer = Optimizer {
            clip,
            l1: if extras.any { 1.0 } else { 0.0 },
            average: if extras.average { 0.5 } else { 0.0 },
            ..Optimizer::new(optimizer.kind)
        };
        let plain = Self { optimizer, ..Self::plain(loss, 0.0, batch) };
        let dropout = if self.dropout.by_step().is_some() { Dropout::of_all(0.5) } else { self.dropout };
        Self {
            optimizer,
            dropout,
            reduction: plain.reduction,
            schedule: plain.schedule,
            epochs: epochs.min(1),
            seed: 0,
            ..*self
        }
    }

    /// Whether another recipe takes the same steps from the same weights, so that both have the records of one.
    pub(super) fn steps_as(&self, other: &Self) -> bool {
        let seedless = |recipe: &Self| Self { seed: 0, ..*recipe };
        seedless(self) == seedless(other) && self.dropout.is_none() && self.mixed.is_none()
    }

    /// The loss scale that training on so many rows begins with; none where it is not mixed.
    pub fn loss_scale(&self, rows: usize) -> Option<LossScale> {
        let averaged = if self.reduction == Reduction::Mean { self.batch.min(rows) } else { 1 };
        let mixed = self.mixed?;
        Some(mixed.exponent.map_or_else(|| LossScale::for_mean_of(averaged), LossScale::new))
    }

    /// What it does beyond the optimizer's rule, for a person: a few words each.
    pub fn beyond_the_rule(&self, layers: usize) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |is_there: bool, what: String| words.extend(is_there.then_some(what));
        let optimizer = &self.optimizer;
        add(optimizer.weight_decay > 0.0, format!("weight decay {}", optimizer.weight_decay));
        add(optimizer.l1 > 0.0, format!("L1 {}", optimizer.l1));
        match optimizer.clip {
            Clip::None => {}
            Clip::Norm(norm) => add(true, format!("gradients clipped to norm {norm}")),
            Clip::Value(value) => add(true, format!("gradients clipped to ±{value}")),
        }
        add(optimizer.average > 0.0, format!("weights averaged by {}", optimizer.average));
        add(self.weighted, "rows weighted".into());
        add(self.bootstrap, "rows drawn with replacement".into());
        add(self.mixed.is_some(), "mixed precision".into());
        let list = |of_layers: Vec<String>| of_layers.join(", ");
        let frozen = (0..layers).filter(|&layer| self.frozen.contains(layer)).map(|layer| (layer + 1).to_string());
        add(!self.frozen.is_empty(), format!("frozen: layer {}", list(frozen.collect())));
        let rates = (0..layers).map(|layer| self.layer_rates.of(layer).to_string());
        add(!self.layer_rates.are_one(), format!("learning rates of the layers times {}", list(rates.collect())));
        let shares: Vec<String> = (0..layers - 1).map(|layer| self.dropout.share(layer).to_string()).collect();
        let is_one = shares.windows(2).all(|pair| pair[0] == pair[1]);
        let shares = if is_one { shares.into_iter().take(1).collect() } else { shares };
        add(!self.dropout.is_none(), format!("dropout {}", list(shares)));
        words
    }

    /// Gradient descent at a rate that stays, over rows in their order, averaged over batches: one epoch of it.
    pub fn plain(loss: Loss, learning_rate: f64, batch: usize) -> Self {
        Self {
            loss,
            reduction: Reduction::Mean,
            optimizer: Optimizer::new(OptimizerKind::Sgd),
            schedule: Schedule::constant(learning_rate),
            batch,
            micro_batches: 1,
            weighted: false,
            frozen: Frozen::default(),
            layer_rates: LayerRates::default(),
            dropout: Dropout::default(),
            mixed: None,
            streamed: false,
            shuffle: false,
            bootstrap: false,
            epochs: 1,
            seed: 0,
            members: 1,
        }
    }
}
