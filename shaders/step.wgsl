// What changes from step to step, one Step a replica or one for all: the batch and the rates.
struct Step {
    first: u32,           // the batch's first place in the order of the epoch
    rows: u32,            // rows in the batch
    loss_row: u32,        // where the first row's loss goes, or the sum of all
    scale: f32,           // 1 / rows for the mean over the batch, 1 for the sum
    learning_rate: f32,
    weight_decay: f32,
    beta1: f32,           // or the momentum
    complement1: f32,     // 1 - beta1
    correction1: f32,     // 1 / (1 - beta1^t)
    beta2: f32,
    complement2: f32,     // 1 - beta2
    correction2: f32,     // 1 / (1 - beta2^t)
    epsilon: f32,
    remaining: u32,       // this step and those that follow it in the same dispatch
    micro: u32,           // the number of this micro-batch in its batch
    l1: f32,              // the penalty of the weights' magnitudes
    clip: f32,            // what gradients are clipped to; 0 for as they are
    average: f32,         // β of the weights' average
    key0: u32,            // what dropout draws from
    key1: u32,
    unscaled: f32,        // what gradients of scaled deltas are multiplied by; 1 where deltas are not scaled
    dropped: u32,         // of 2^32 units so many are dropped, where layers have no share of their own
    kept: f32,            // what units that are kept are multiplied by then
}
@group(0) @binding(1) var<storage, read> steps: array<Step>;

// The replica that this invocation works for, the rows of its batch, and the batch's first place in the order or the data.
var<private> replica: u32;
var<private> rows: u32;
var<private> first: u32;
