//! Every shader that a plan can be made of: for the validators in the tests, and for `wgrad devices --dump-shaders`.

use clap::ValueEnum;

use super::product::NARROW_COLUMNS4;
use super::{Delta, Forward, ForwardOutput, Gather, Kernel, Output, OutputProduct, Shader, Source, Update};
use crate::network::{Activation, Loss, OptimizerKind};

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
    let (inputs, outputs, bias, capacity, losses) = (1, 1, true, 1, 1);
    let sources = [(Source::Batch, 0), (Source::InPlace, 0), (Source::Ordered(1), 1)];
    add(&Gather { columns: 1, segment_first: 0, segment_rows: 1, order: 1, capacity }, 2, 1);
    for &activation in Activation::value_variants() {
        let slope = activation.stores_slope();
        for (source, order) in sources {
            add(&Forward { inputs, outputs, bias, activation, slope, source, capacity }, 2 + order, 1 + usize::from(slope));
        }
        add(&Forward { inputs, outputs, bias, activation, slope: false, source: Source::Batch, capacity }, 2, 1);
        add(&Delta { inputs, outputs, bias, activation, capacity }, 3, 1);
        for &loss in Loss::value_variants() {
            if loss.check(activation).is_err() {
                continue;
            }
            let training = sources.into_iter().map(|(source, order)| (OutputProduct::Delta, source, order));
            for (product, source, order) in training.chain([(OutputProduct::Output, Source::Batch, 0)]) {
                add(&Output { outputs, activation, loss, product, source, capacity, losses }, 3 + order, 2);
                for (columns, first) in (1..=NARROW_COLUMNS4).flat_map(|columns| [(columns, false), (columns, true)]) {
                    let (outputs, first) = (4 * columns, first && source != Source::Batch);
                    let layer =
                        ForwardOutput { inputs, outputs, bias, activation, loss, product, source, first, capacity, losses };
                    add(&layer, 3 + order, 2);
                }
            }
        }
    }
    for &optimizer in OptimizerKind::value_variants() {
        for (source, order) in sources {
            add(&Update { inputs, outputs, bias, optimizer, source, capacity }, 2 + order, 1 + optimizer.states());
        }
    }
    all
}
