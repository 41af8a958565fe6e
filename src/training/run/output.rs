//! What a network says at its outputs: their number, their activation and the loss.

use super::options::Options;
use crate::data::{Encoding, Task};
use crate::error::{Error, Result};
use crate::network::{Activation, Loss};

/// The outputs of a network that says what the encoding's target is.
pub(super) fn outputs(encoding: &Encoding, activation: Activation) -> usize {
    let classes = encoding.class_names().len();
    match encoding.task() {
        Task::Regression => encoding.target_names().len(),
        Task::Classification if classes == 2 && activation != Activation::Softmax => 1,
        Task::Classification => classes,
    }
}

/// The output's activation and the loss: each follows from the other, and both from the task.
pub(super) fn output(options: &Options, encoding: &Encoding) -> Result<(Activation, Loss)> {
    let task = encoding.task();
    if let Some(loss) = options.loss.filter(|loss| !loss.is_for(task)) {
        return Err(Error::Usage(format!(
            "--loss {loss} is for classification, and the target is numbers: leave it out, or say --task classification"
        )));
    }
    let usual = || match task {
        Task::Regression => Activation::Identity,
        Task::Classification if encoding.class_names().len() == 2 => Activation::Sigmoid,
        Task::Classification => Activation::Softmax,
    };
    let output = options.output_activation.unwrap_or_else(|| options.loss.map_or_else(usual, |loss| loss.output(task)));
    let loss = options.loss.unwrap_or_else(|| Loss::of(output, task));
    Ok((output, options.huber_delta.map_or(Ok(loss), |delta| loss.with_number(delta))?))
}
