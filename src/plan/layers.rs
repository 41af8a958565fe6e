//! What is said of single layers: which are trained, how fast, and what is dropped of their outputs.

use crate::kernels::Dropped;

/// Layers whose parameters stay as they are, of the first 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Frozen(u64);

impl Frozen {
    /// Layers that can be named.
    pub const MOST: usize = u64::BITS as usize;

    /// These layers, counted from 0.
    ///
    /// # Panics
    /// If one is not among the first 64.
    pub fn new(layers: impl IntoIterator<Item = usize>) -> Self {
        Self(layers.into_iter().fold(0, |all, layer| {
            assert!(layer < Self::MOST, "only the first {} layers can be frozen", Self::MOST);
            all | 1 << layer
        }))
    }

    /// Whether a layer, counted from 0, is frozen.
    pub fn contains(self, layer: usize) -> bool {
        layer < Self::MOST && self.0 >> layer & 1 == 1
    }

    /// Whether no layer is.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many layers from the first on are frozen without one between: no error has to find its way back through them.
    pub(super) fn below(self) -> usize {
        self.0.trailing_ones() as usize
    }
}

/// What each layer's learning rate is of that of the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerRates {
    /// Layer by layer; further layers have the step's own.
    factors: [f64; LayerRates::MOST],
}

impl LayerRates {
    /// Layers that can have rates of their own.
    pub const MOST: usize = 32;

    /// A factor for each layer; 1 for those that are not named.
    ///
    /// # Panics
    /// If there are more than 32.
    pub fn new(named: &[f64]) -> Self {
        assert!(named.len() <= Self::MOST, "at most {} layers have rates of their own", Self::MOST);
        let mut factors = [1.0; Self::MOST];
        factors[..named.len()].copy_from_slice(named);
        Self { factors }
    }

    /// Whether all layers have the step's rate.
    pub fn are_one(&self) -> bool {
        *self == Self::default()
    }

    /// What the step's learning rate is multiplied by in a layer, counted from 0.
    pub fn of(&self, layer: usize) -> f64 {
        self.factors.get(layer).copied().unwrap_or(1.0)
    }
}

impl Default for LayerRates {
    fn default() -> Self {
        Self::new(&[])
    }
}

/// What share of each hidden layer's units a training step drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropout {
    /// In parts of 2^32, layer by layer; the last is that of all further layers.
    thresholds: [u32; Dropout::MOST],
}

impl Dropout {
    /// Hidden layers that can have shares of their own.
    pub const MOST: usize = 32;

    /// The same share, from 0 to below 1, in every hidden layer.
    pub fn of_all(share: f64) -> Self {
        Self { thresholds: [threshold(share); Self::MOST] }
    }

    /// A share for each hidden layer.
    ///
    /// # Panics
    /// If there are more than 32.
    pub fn of_each(shares: &[f64]) -> Self {
        assert!(shares.len() <= Self::MOST, "at most {} hidden layers have shares of their own", Self::MOST);
        let mut thresholds = [0; Self::MOST];
        thresholds.iter_mut().zip(shares).for_each(|(threshold, &share)| *threshold = self::threshold(share));
        Self { thresholds }
    }

    /// Whether nothing is dropped.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The share that is dropped of a hidden layer, counted from 0, in millionths.
    pub fn share(&self, layer: usize) -> f64 {
        let threshold = self.thresholds[layer.min(Self::MOST - 1)];
        (f64::from(threshold) / (1_u64 << 32) as f64 * 1e6).round() / 1e6
    }

    /// What is dropped of a hidden layer, counted from 0.
    pub fn of(&self, layer: usize) -> Option<Dropped> {
        match self.by_step() {
            Some(_) => Some(Dropped::by_step(layer)),
            None => Dropped::new(layer, self.thresholds[layer.min(Self::MOST - 1)]),
        }
    }

    /// Of 2^32 units of each layer so many, where it is the same in all and a step says it; none where layers have shares of their own
    /// and where nothing is dropped.
    pub fn by_step(&self) -> Option<u32> {
        let first = self.thresholds[0];
        (first > 0 && self.thresholds.iter().all(|&threshold| threshold == first)).then_some(first)
    }
}

/// A share in parts of 2^32.
fn threshold(share: f64) -> u32 {
    (share * (1_u64 << 32) as f64) as u32
}
