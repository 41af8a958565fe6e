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
    let regression = encoding.task() == Task::Regression;
    if regression && options.loss.is_some_and(Loss::is_joint) {
        return Err(Error::Usage(format!(
            "--loss {} is for classification, and the target is numbers: leave it out, or say --task classification",
            options.loss.expect("was looked at")
        )));
    }
    Ok(match (options.output_activation, options.loss) {
        (Some(output), Some(loss)) => (output, loss),
        (Some(Activation::Softmax), None) if !regression => (Activation::Softmax, Loss::CrossEntropy),
        (Some(Activation::Sigmoid), None) if !regression => (Activation::Sigmoid, Loss::BinaryCrossEntropy),
        (Some(output), None) => (output, Loss::SquaredError),
        (None, Some(Loss::CrossEntropy)) => (Activation::Softmax, Loss::CrossEntropy),
        (None, Some(loss)) if !regression => (Activation::Sigmoid, loss),
        (None, Some(loss)) => (Activation::Identity, loss),
        (None, None) if regression => (Activation::Identity, Loss::SquaredError),
        (None, None) if encoding.class_names().len() == 2 => (Activation::Sigmoid, Loss::BinaryCrossEntropy),
        (None, None) => (Activation::Softmax, Loss::CrossEntropy),
    })
}
