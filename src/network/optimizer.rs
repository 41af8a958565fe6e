//! The optimizers: what is subtracted from a weight, given its gradient. Each has a WGSL file with the same function.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::scalar::Scalar;

/// Which rule updates the weights. The definitions are those of PyTorch's `torch.optim`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// w -= rate · g
    Sgd,
    /// v = μ v + g; w -= rate · v
    Momentum,
    /// v = μ v + g; w -= rate · (g + μ v)
    Nesterov,
    /// v = β v + (1 - β) g²; w -= rate · g / (√v + ε) (Tieleman and Hinton, "Lecture 6.5: RMSProp", 2012)
    Rmsprop,
    /// Kingma and Ba, "Adam", 2015; weight decay is added to the gradient
    Adam,
    /// Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019
    Adamw,
}

impl OptimizerKind {
    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Momentum => "momentum",
            Self::Nesterov => "nesterov",
            Self::Rmsprop => "rmsprop",
            Self::Adam => "adam",
            Self::Adamw => "adamw",
        }
    }

    /// The learning rate, unless said otherwise.
    pub fn usual_rate(self) -> f64 {
        match self {
            Self::Sgd => 0.1,
            Self::Momentum | Self::Nesterov => 0.01,
            Self::Rmsprop | Self::Adam | Self::Adamw => 0.001,
        }
    }

    /// Whether it adds up gradients by a momentum.
    pub fn has_momentum(self) -> bool {
        matches!(self, Self::Momentum | Self::Nesterov)
    }

    /// Whether it keeps a decaying mean of gradients, corrected for its beginning at 0.
    pub fn has_mean(self) -> bool {
        matches!(self, Self::Adam | Self::Adamw)
    }

    /// Whether it keeps a decaying mean of squared gradients, and divides by the root of it.
    pub fn has_squares(self) -> bool {
        matches!(self, Self::Rmsprop | Self::Adam | Self::Adamw)
    }

    /// Which of its states is the mean of squares, and so never negative: the last.
    pub fn squares(self) -> Option<usize> {
        self.has_squares().then(|| self.states() - 1)
    }

    /// How many numbers it remembers for each weight.
    pub fn states(self) -> usize {
        [self.has_momentum(), self.has_mean(), self.has_squares()].into_iter().map(usize::from).sum()
    }

    /// The rule: the new weight from the old one, its gradient and its state, which is updated.
    #[inline(always)]
    pub fn update<T: Scalar>(self, rates: &Rates<T>, decay: T, weight: T, gradient: T, state: &mut [T; 2]) -> T {
        let coupled = gradient + decay * weight;
        match self {
            Self::Sgd => weight - rates.learning_rate * coupled,
            Self::Momentum => {
                state[0] = rates.beta1 * state[0] + coupled;
                weight - rates.learning_rate * state[0]
            }
            Self::Nesterov => {
                state[0] = rates.beta1 * state[0] + coupled;
                weight - rates.learning_rate * (coupled + rates.beta1 * state[0])
            }
            Self::Rmsprop => {
                state[0] = rates.beta2 * state[0] + rates.complement2 * coupled * coupled;
                weight - rates.learning_rate * coupled / (state[0].sqrt() + rates.epsilon)
            }
            Self::Adam => weight - adaptive(rates, coupled, state),
            Self::Adamw => {
                let shrunk = weight - rates.learning_rate * decay * weight;
                shrunk - adaptive(rates, gradient, state)
            }
        }
    }

    /// The rule for many weights, the first of the lists, whose states are the others: to be inlined into
    /// [`vectorised`](crate::simd::vectorised) code.
    #[inline(always)]
    pub(crate) fn update_all<T: Scalar, const N: usize>(
        self,
        rates: &Rates<T>,
        decay: T,
        mut lists: [&mut [T]; N],
        gradient: &[T],
    ) {
        match self {
            Self::Sgd => each_update(gradient, &mut lists, |w, g, state| Self::Sgd.update(rates, decay, w, g, state)),
            Self::Momentum => {
                each_update(gradient, &mut lists, |w, g, state| Self::Momentum.update(rates, decay, w, g, state));
            }
            Self::Nesterov => {
                each_update(gradient, &mut lists, |w, g, state| Self::Nesterov.update(rates, decay, w, g, state));
            }
            Self::Rmsprop => {
                each_update(gradient, &mut lists, |w, g, state| Self::Rmsprop.update(rates, decay, w, g, state));
            }
            Self::Adam => each_update(gradient, &mut lists, |w, g, state| Self::Adam.update(rates, decay, w, g, state)),
            Self::Adamw => each_update(gradient, &mut lists, |w, g, state| Self::Adamw.update(rates, decay, w, g, state)),
        }
    }

    /// The rule for parameters of as many networks as there are lanes, each at its own rates: the first of the lists has a vector a
    /// parameter, whose states are the others. `decays` says whether they are weights.
    #[inline(always)]
    pub(crate) fn update_lanes<const L: usize, const N: usize>(
        self,
        rates: &LaneRates<L>,
        decays: bool,
        lists: [&mut [f32]; N],
        gradient: &[f32],
    ) {
        macro_rules! each {
            ($($kind:ident),*) => {
                match self {
                    $(Self::$kind => each_lane::<L, N>(gradient, lists, |lane, weight, gradient: f32, state: &mut [f32; 2]| {
                        let rates = rates.of(lane);
                        let decay = if decays { rates.weight_decay } else { 0.0 };
                        Self::$kind.update(&rates, decay, weight, gradient, state)
                    }),)*
                }
            };
        }
        each!(Sgd, Momentum, Nesterov, Rmsprop, Adam, Adamw);
    }

    /// The WGSL of `rule`.
    pub fn shader(self) -> (&'static str, &'static str) {
        match self {
            Self::Sgd => ("optimizers/sgd.wgsl", include_str!("../../shaders/optimizers/sgd.wgsl")),
            Self::Momentum => ("optimizers/momentum.wgsl", include_str!("../../shaders/optimizers/momentum.wgsl")),
            Self::Nesterov => ("optimizers/nesterov.wgsl", include_str!("../../shaders/optimizers/nesterov.wgsl")),
            Self::Rmsprop => ("optimizers/rmsprop.wgsl", include_str!("../../shaders/optimizers/rmsprop.wgsl")),
            Self::Adam => ("optimizers/adam.wgsl", include_str!("../../shaders/optimizers/adam.wgsl")),
            Self::Adamw => ("optimizers/adamw.wgsl", include_str!("../../shaders/optimizers/adamw.wgsl")),
        }
    }
}

impl std::fmt::Display for OptimizerKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// `weight = update(weight, gradient, state)` for every weight: one loop for each number of states, so that each is vectorised.
#[inline(always)]
fn each_update<T: Scalar>(gradient: &[T], lists: &mut [&mut [T]], update: impl Fn(T, T, &mut [T; 2]) -> T) {
    match lists {
        [weights] => {
            for (weight, &gradient) in weights.iter_mut().zip(gradient) {
                *weight = update(*weight, gradient, &mut [T::ZERO; 2]);
            }
        }
        [weights, first] => {
            for ((weight, &gradient), first) in weights.iter_mut().zip(gradient).zip(first.iter_mut()) {
                let mut state = [*first, T::ZERO];
                *weight = update(*weight, gradient, &mut state);
                *first = state[0];
            }
        }
        [weights, first, second] => {
            let states = first.iter_mut().zip(second.iter_mut());
            for ((weight, &gradient), (first, second)) in weights.iter_mut().zip(gradient).zip(states) {
                let mut state = [*first, *second];
                *weight = update(*weight, gradient, &mut state);
                [*first, *second] = state;
            }
        }
        _ => panic!("no optimizer has more than two states"),
    }
}

/// `weight = update(lane, weight, gradient, state)` for every vector of weights, over arrays of their own, so that no lane seems to
/// depend on another.
#[inline(always)]
fn each_lane<const L: usize, const N: usize>(
    gradient: &[f32],
    mut lists: [&mut [f32]; N],
    update: impl Fn(usize, f32, f32, &mut [f32; 2]) -> f32,
) {
    let (gradients, _) = gradient.as_chunks::<L>();
    for (place, gradient) in gradients.iter().enumerate() {
        let range = place * L..(place + 1) * L;
        let mut vectors = [[0.0; L]; N];
        vectors.iter_mut().zip(&lists).for_each(|(vector, list)| vector.copy_from_slice(&list[range.clone()]));
        for lane in 0..L {
            let mut state = [0.0; 2];
            for k in 1..N {
                state[k - 1] = vectors[k][lane];
            }
            vectors[0][lane] = update(lane, vectors[0][lane], gradient[lane], &mut state);
            for k in 1..N {
                vectors[k][lane] = state[k - 1];
            }
        }
        lists.iter_mut().zip(&vectors).for_each(|(list, vector)| list[range.clone()].copy_from_slice(vector));
    }
}

/// Adam's step: rate · m̂ / (√v̂ + ε).
#[inline(always)]
fn adaptive<T: Scalar>(rates: &Rates<T>, gradient: T, state: &mut [T; 2]) -> T {
    state[0] = rates.beta1 * state[0] + rates.complement1 * gradient;
    state[1] = rates.beta2 * state[1] + rates.complement2 * gradient * gradient;
    let mean = state[0] * rates.correction1;
    let variance = state[1] * rates.correction2;
    rates.learning_rate * mean / (variance.sqrt() + rates.epsilon)
}

/// An optimizer and its constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Optimizer {
    /// The rule.
    pub kind: OptimizerKind,
    /// μ of momentum and nesterov.
    pub momentum: f64,
    /// Decay of Adam's mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients, of Adam and RMSprop.
    pub beta2: f64,
    /// What keeps both from dividing by zero.
    pub epsilon: f64,
    /// λ: pulls the weights (never the biases) towards zero.
    pub weight_decay: f64,
    /// The penalty of the weights' (never the biases') magnitudes: their signs times this are added to their gradients.
    pub l1: f64,
    /// How gradients are clipped.
    pub clip: Clip,
    /// β of an exponential moving average of the parameters, which are those that are evaluated and saved; 0: no average.
    pub average: f64,
}

/// How gradients are clipped before the rule, weight decay and penalty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Clip {
    /// Not at all.
    None,
    /// Each stays within ± this.
    Value(f64),
    /// All are multiplied by min(1, this / (norm + 1e-6)), the norm being that of all together (Pascanu et al., "On the difficulty of
    /// training recurrent neural networks", 2013).
    Norm(f64),
}

/// What is done to gradients and parameters beside the rule: in a kernel of its own, `apply`, once the gradients of all layers are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// Whether there is anything.
    pub any: bool,
    /// Whether gradients are clipped by their norm.
    pub norm: bool,
    /// Whether the parameters' average is kept.
    pub average: bool,
}

impl Optimizer {
    /// The optimizer of this kind with the usual constants: μ 0.9, β 0.9 and 0.999 (RMSprop's 0.99), ε 1e-8, no weight decay.
    pub fn new(kind: OptimizerKind) -> Self {
        let beta2 = if kind == OptimizerKind::Rmsprop { 0.99 } else { 0.999 };
        let (momentum, beta1, epsilon, weight_decay) = (0.9, 0.9, 1e-8, 0.0);
        Self { kind, momentum, beta1, beta2, epsilon, weight_decay, l1: 0.0, clip: Clip::None, average: 0.0 }
    }

    /// What it does beside its rule.
    pub fn extras(&self) -> Extras {
        let (norm, average) = (matches!(self.clip, Clip::Norm(_)), self.average > 0.0);
        Extras { any: norm || average || self.l1 > 0.0 || self.clip != Clip::None, norm, average }
    }

    /// How many numbers it remembers for each parameter: those of the rule, and the average.
    pub fn states(&self) -> usize {
        self.kind.states() + usize::from(self.average > 0.0)
    }

    /// What the update of step `number` (from 1) needs, at this learning rate.
    pub fn rates(&self, number: u64, learning_rate: f64) -> Rates<f64> {
        let corrected = self.kind.has_mean();
        let beta1 = if corrected { self.beta1 } else { self.momentum };
        let correction = |beta: f64| {
            let power = number.min(i32::MAX as u64) as i32;
            if corrected { 1.0 / (1.0 - beta.powi(power)) } else { 1.0 }
        };
        Rates {
            learning_rate,
            weight_decay: self.weight_decay,
            beta1,
            complement1: 1.0 - beta1,
            correction1: correction(beta1),
            beta2: self.beta2,
            complement2: 1.0 - self.beta2,
            correction2: correction(self.beta2),
            epsilon: self.epsilon,
            l1: self.l1,
            clip: match self.clip {
                Clip::None => 0.0,
                Clip::Value(most) | Clip::Norm(most) => most,
            },
            // At first it follows the parameters: an average over more steps than there were is one of the first weights.
            average: self.average.min((1.0 + number as f64) / (10.0 + number as f64)),
        }
    }
}

/// The numbers that an update needs in one step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rates<T> {
    /// Learning rate of this step.
    pub learning_rate: T,
    /// λ.
    pub weight_decay: T,
    /// μ, or Adam's β₁.
    pub beta1: T,
    /// 1 - β₁.
    pub complement1: T,
    /// 1 / (1 - β₁^t).
    pub correction1: T,
    /// Adam's β₂.
    pub beta2: T,
    /// 1 - β₂.
    pub complement2: T,
    /// 1 / (1 - β₂^t).
    pub correction2: T,
    /// Adam's ε.
    pub epsilon: T,
    /// The penalty of the weights' magnitudes.
    pub l1: T,
    /// What gradients are clipped to, by value or norm; 0: not at all.
    pub clip: T,
    /// β of the parameters' average.
    pub average: T,
}

/// The rates of as many networks as there are lanes, a vector a number.
pub(crate) struct LaneRates<const L: usize> {
    learning_rate: [f32; L],
    weight_decay: [f32; L],
    beta1: [f32; L],
    complement1: [f32; L],
    correction1: [f32; L],
    beta2: [f32; L],
    complement2: [f32; L],
    correction2: [f32; L],
    epsilon: [f32; L],
}

impl<const L: usize> LaneRates<L> {
    /// The rates of some networks, as many as there are lanes at most.
    pub(crate) fn new<'a>(networks: impl Iterator<Item = &'a Rates<f64>>) -> Self {
        let mut each = [Rates::<f32>::default(); L];
        each.iter_mut().zip(networks).for_each(|(to, rates)| *to = rates.converted());
        Self {
            learning_rate: each.map(|rates| rates.learning_rate),
            weight_decay: each.map(|rates| rates.weight_decay),
            beta1: each.map(|rates| rates.beta1),
            complement1: each.map(|rates| rates.complement1),
            correction1: each.map(|rates| rates.correction1),
            beta2: each.map(|rates| rates.beta2),
            complement2: each.map(|rates| rates.complement2),
            correction2: each.map(|rates| rates.correction2),
            epsilon: each.map(|rates| rates.epsilon),
        }
    }

    /// What the rule needs of one network's.
    #[inline(always)]
    fn of(&self, lane: usize) -> Rates<f32> {
        Rates {
            learning_rate: self.learning_rate[lane],
            weight_decay: self.weight_decay[lane],
            beta1: self.beta1[lane],
            complement1: self.complement1[lane],
            correction1: self.correction1[lane],
            beta2: self.beta2[lane],
            complement2: self.complement2[lane],
            correction2: self.correction2[lane],
            epsilon: self.epsilon[lane],
            ..Rates::default()
        }
    }
}

impl<T: Scalar> Rates<T> {
    /// The same numbers where a layer's learning rate is `factor` times that of the step.
    pub fn of_layer(self, factor: f64) -> Self {
        Self { learning_rate: self.learning_rate * T::from_f64(factor), ..self }
    }
}

impl Rates<f64> {
    /// The same numbers, rounded to the type that is computed in.
    pub fn converted<T: Scalar>(&self) -> Rates<T> {
        Rates {
            learning_rate: T::from_f64(self.learning_rate),
            weight_decay: T::from_f64(self.weight_decay),
            beta1: T::from_f64(self.beta1),
            complement1: T::from_f64(self.complement1),
            correction1: T::from_f64(self.correction1),
            beta2: T::from_f64(self.beta2),
            complement2: T::from_f64(self.complement2),
            correction2: T::from_f64(self.correction2),
            epsilon: T::from_f64(self.epsilon),
            l1: T::from_f64(self.l1),
            clip: T::from_f64(self.clip),
            average: T::from_f64(self.average),
        }
    }
}
