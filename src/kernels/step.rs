//! What changes from one training step to the next: the batch and the rates.

use crate::network::optimizer::Rates;

/// One training step of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Step {
    /// The batch's first place in the order of the epoch.
    pub first: usize,
    /// Rows in the batch.
    pub rows: usize,
    /// Where the first row's loss goes, or the sum of all where one kernel takes whole steps.
    pub loss_row: usize,
    /// What multiplies each row's delta: 1 / rows for the mean over the batch, 1 for the sum.
    pub scale: f64,
    /// What the optimizer needs.
    pub rates: Rates<f64>,
    /// The number of this micro-batch in its batch, from 0.
    pub micro: usize,
    /// Whether more micro-batches of the batch follow: launches that end a batch are left out then.
    pub is_partial: bool,
    /// What decides which units this step drops, where it drops any.
    pub key: [u32; 2],
    /// Of 2^32 units so many are dropped, where layers have no share of their own.
    pub dropped: u32,
    /// The power of two by which deltas are larger than they are: `scale` has it as a factor, and gradients are divided by it.
    pub loss_scale: i32,
}

impl Step {
    /// The step of a layer whose learning rate is `factor` times the step's own.
    pub(super) fn of_layer(&self, factor: f64) -> Self {
        Self { rates: self.rates.of_layer(factor), ..*self }
    }

    /// What makes a gradient of scaled deltas that of the loss: exact, a power of two.
    pub fn unscaled(&self) -> f64 {
        2.0_f64.powi(-self.loss_scale)
    }
}

/// What units that are kept are multiplied by where of 2^32 so many are dropped.
pub(super) fn kept_factor(dropped: u32) -> f64 {
    1.0 / (1.0 - f64::from(dropped) / (1_u64 << 32) as f64)
}

/// The step as the shaders' `struct Step` (`shaders/step.wgsl`) has it; a test holds the two together.
#[repr(C)]
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[expect(missing_docs, reason = "the fields are those of Step and Rates")]
pub struct StepWords {
    pub first: u32,
    pub rows: u32,
    pub loss_row: u32,
    pub scale: f32,
    pub learning_rate: f32,
    pub weight_decay: f32,
    pub beta1: f32,
    pub complement1: f32,
    pub correction1: f32,
    pub beta2: f32,
    pub complement2: f32,
    pub correction2: f32,
    pub epsilon: f32,
    pub remaining: u32,
    pub micro: u32,
    pub l1: f32,
    pub clip: f32,
    pub average: f32,
    pub key0: u32,
    pub key1: u32,
    pub unscaled: f32,
    pub dropped: u32,
    pub kept: f32,
}

impl From<&Step> for StepWords {
    fn from(step: &Step) -> Self {
        let rates = &step.rates;
        Self {
            first: super::word(step.first),
            rows: super::word(step.rows),
            loss_row: super::word(step.loss_row),
            scale: step.scale as f32,
            learning_rate: rates.learning_rate as f32,
            weight_decay: rates.weight_decay as f32,
            beta1: rates.beta1 as f32,
            complement1: rates.complement1 as f32,
            correction1: rates.correction1 as f32,
            beta2: rates.beta2 as f32,
            complement2: rates.complement2 as f32,
            correction2: rates.correction2 as f32,
            epsilon: rates.epsilon as f32,
            remaining: 1,
            micro: super::word(step.micro),
            l1: rates.l1 as f32,
            clip: rates.clip as f32,
            average: rates.average as f32,
            key0: step.key[0],
            key1: step.key[1],
            unscaled: step.unscaled() as f32,
            dropped: step.dropped,
            kept: kept_factor(step.dropped) as f32,
        }
    }
}
