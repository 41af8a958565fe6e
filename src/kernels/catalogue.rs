//! Every shader that a plan can be made of: for the validators in the tests, and for `wgrad devices --dump-shaders`.

use clap::ValueEnum;

use super::whole::{Sequence, Variant};
use super::{Delta, Forward, Gather, Kernel, Output, OutputProduct, Shader, Update, Whole};
use crate::network::{Activation, Loss, Network, OptimizerKind};

/// All shaders composed for `lanes` invocations a workgroup, each once, with the number of buffers that it reads, of
/// buffers that it writes, and of words in its parameters.
pub fn all_shaders(lanes: u32) -> Vec<(Shader, usize, usize, usize)> {
    let mut all: Vec<(Shader, usize, usize, usize)> = Vec::new();
    let mut add = |kernel: &dyn Kernel, reads: usize, writes: usize| {
        let shader = kernel.shader(lanes);
        if all.iter().all(|(known, ..)| *known != shader) {
            all.push((shader, reads, writes, kernel.parameters().len()));
        }
    };
    let (inputs, outputs, bias, capacity) = (1, 1, true, 1);
    add(&Gather { columns: 1, segment_first: 0, segment_rows: 1, order: 1, capacity }, 2, 1);
    for &activation in Activation::value_variants() {
        add(&Forward { inputs, outputs, bias, activation, slope: false, capacity }, 2, 1);
        if activation.stores_slope() {
            add(&Forward { inputs, outputs, bias, activation, slope: true, capacity }, 2, 2);
        }
        add(&Delta { inputs, outputs, bias, activation, capacity }, 3, 1);
        for &loss in Loss::value_variants() {
            if loss.check(activation).is_ok() {
                for product in [OutputProduct::Delta, OutputProduct::Output] {
                    add(&Output { outputs, activation, loss, product, capacity, losses: 1 }, 3, 2);
                }
            }
        }
    }
    for &optimizer in OptimizerKind::value_variants() {
        add(&Update { inputs, outputs, bias, optimizer, capacity }, 2, 1 + optimizer.states());
    }
    for whole in wholes() {
        let scratch = usize::from(whole.scratch().is_some());
        add(&whole, 3, 2 + scratch);
    }
    all
}

/// Small networks with every activation, loss and optimizer, in every variant of the whole network's kernel.
fn wholes() -> Vec<Whole> {
    let mut wholes = Vec::new();
    let mut add = |hidden, output, loss, optimizer, bias| {
        let network = Network::new(vec![5, 6, 7], vec![hidden, output], bias).expect("a network");
        for variant in [Variant::Invocation, Variant::Workgroup, Variant::WorkgroupStored] {
            let sequence = Sequence { launches: Vec::new(), lengths: Vec::new(), reads: Vec::new(), writes: Vec::new() };
            wholes.push(Whole {
                network: network.clone(),
                loss,
                optimizer,
                batch: 6,
                order: 20,
                losses: 20,
                replicas: 2,
                own_steps: true,
                variant,
                sequence: sequence.into(),
            });
        }
    };
    for &hidden in Activation::value_variants().iter().filter(|&&hidden| hidden != Activation::Softmax) {
        add(hidden, Activation::Identity, Loss::SquaredError, OptimizerKind::Sgd, false);
        add(Activation::Relu, hidden, Loss::SquaredError, OptimizerKind::Adam, true);
    }
    for &optimizer in OptimizerKind::value_variants() {
        add(Activation::Tanh, Activation::Softmax, Loss::CrossEntropy, optimizer, true);
        add(Activation::Gelu, Activation::Sigmoid, Loss::BinaryCrossEntropy, optimizer, true);
    }
    wholes
}
