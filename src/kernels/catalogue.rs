//! Every shader that a plan can be made of, of whole networks samples: for the validators in the tests, and for `wgrad devices --dump-shaders`.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::ValueEnum;

use super::form::{Family, GPU_LANES, SOFTWARE_LANES};
use super::product::NARROW_COLUMNS4;
use super::whole::Variant;
use super::{
    Apply, Delta, Dropped, Factors, Form, Forward, ForwardOutput, Gather, Kernel, Norm, NormTotal, Output, OutputProduct,
    Peak, Rule, Shader, Source, UnitsPeak, Update, Updates, Whole,
};
use crate::network::{Activation, Loss, Network, OptimizerKind};

/// A composed shader and what its host side says of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The kernel's name.
    pub kernel: &'static str,
    /// The shader.
    pub shader: Shader,
    /// Buffers that it reads.
    pub reads: usize,
    /// Buffers that it writes, scales and partial sums among them.
    pub writes: usize,
    /// Words in its parameters.
    pub words: usize,
    /// Invocations a workgroup along x and y.
    pub workgroup: [u32; 2],
    /// Bytes of the memory that they share.
    pub workgroup_bytes: u32,
}

impl Entry {
    /// What a kernel over so many buffers says of itself in one of its forms.
    pub fn of(kernel: &dyn Kernel, form: Form, reads: usize, writes: usize) -> Self {
        let scratch = form.scratch().map(usize::from).iter().sum::<usize>();
        Self {
            kernel: kernel.name(),
            shader: kernel.shader(form),
            reads,
            writes: writes + scratch,
            words: kernel.parameters(form).len(),
            workgroup: kernel.lanes(form),
            workgroup_bytes: kernel.workgroup_bytes(form),
        }
    }
}

/// All shaders composed for a device of so many lanes, each once; of those for whole networks some samples.
pub fn all_shaders(lanes: u32, software: bool) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    let mut add = |kernel: &dyn Kernel, reads: usize, writes: usize| {
        for form in kernel.forms(lanes, software) {
            let entry = Entry::of(kernel, form, reads, writes);
            if !all.contains(&entry) {
                all.push(entry);
            }
        }
    };
    let (inputs, outputs, bias, capacity, losses, rate) = (1, 1, true, 1, 1, 1.0);
    let sources = [(Source::Batch, 0), (Source::InPlace, 0), (Source::Ordered(1), 1)];
    add(&Norm { rows: 1, columns: 1, first: 0, places: 1 }, 1, 1);
    add(&NormTotal { places: 1 }, 1, 1);
    add(&Peak { groups: 1, rounds: 1 }, 1, 1);
    if !software {
        add(&UnitsPeak { groups: 1, rounds: 1 }, 1, 1);
    }
    add(&Gather { columns: 1, segment_first: 0, segment_rows: 1, order: 1, capacity }, 2, 1);
    for &activation in Activation::value_variants() {
        let slope = activation.stores_slope();
        for factors in [Factors::Full, Factors::Halves] {
            let flags = factors.flags();
            for (source, order) in sources {
                let forward = Forward { inputs, outputs, bias, activation, slope, dropped: None, source, factors, capacity };
                add(&forward, 2 + order, 1 + usize::from(slope) + flags);
                add(&Forward { slope: true, dropped: Dropped::new(0, 1), ..forward }, 2 + order, 2 + flags);
            }
            add(&Delta { inputs, outputs, bias, activation, factors, capacity }, 3, 1 + flags);
        }
        let (source, dropped, factors) = (Source::Batch, None, Factors::Full);
        add(&Forward { inputs, outputs, bias, activation, slope: false, dropped, source, factors, capacity }, 2, 1);
        for &loss in Loss::value_variants() {
            if loss.check(activation).is_err() {
                continue;
            }
            let training = sources.into_iter().map(|(source, order)| (OutputProduct::Delta, source, order));
            for (product, source, order) in training.chain([(OutputProduct::Output, Source::Batch, 0)]) {
                for weighted in [false, true] {
                    // Weighted rows are gathered or lie as they are, and are trained on.
                    if weighted && (order > 0 || product == OutputProduct::Output) {
                        continue;
                    }
                    let output = Output { outputs, activation, loss, product, weighted, source, capacity, losses };
                    add(&output, 3 + order + usize::from(weighted), 2);
                }
                for (columns, first) in (1..=NARROW_COLUMNS4).flat_map(|columns| [(columns, false), (columns, true)]) {
                    let (outputs, first) = (4 * columns, first && source != Source::Batch);
                    let layer =
                        ForwardOutput { inputs, outputs, bias, activation, loss, product, source, first, capacity, losses };
                    add(&layer, 3 + order, 2);
                }
            }
        }
    }
    let optimizers = OptimizerKind::value_variants();
    let both = [Factors::Full, Factors::Halves];
    for rule in optimizers.iter().map(|&optimizer| Rule::Optimizer(optimizer)).chain([Rule::Sum]) {
        for ((source, order), factors) in sources.into_iter().flat_map(|source| both.map(|factors| (source, factors))) {
            // The biases are in the tiles, or beside them.
            for inputs in [inputs, Family::MOST_ROWS] {
                let update = Update { inputs, outputs, bias, rule, rate, source, factors, capacity };
                add(&update, 2 + order, 1 + rule.states() + factors.flags());
                if rule != Rule::Sum && factors == Factors::Full {
                    let above = Update { inputs: 1, source: Source::Batch, ..update.clone() };
                    add(&Updates { layers: vec![update, above], replicas: 1 }, 4 + order, 1);
                }
            }
        }
    }
    for &optimizer in optimizers {
        for (by_norm, average) in [(false, false), (true, false), (false, true), (true, true)] {
            let apply = Apply { inputs, outputs, bias, optimizer, rate, by_norm, average };
            add(&apply, 1 + usize::from(by_norm), 1 + optimizer.states() + usize::from(average));
        }
    }
    for whole in wholes() {
        add(&whole, 3, 2);
    }
    all
}

/// The names of all kernels that plans of training and evaluation are made of, on GPUs or on software adapters.
pub fn kernels() -> BTreeSet<&'static str> {
    [(SOFTWARE_LANES, true), (GPU_LANES, false)]
        .into_iter()
        .flat_map(|(lanes, software)| all_shaders(lanes, software))
        .map(|entry| entry.kernel)
        .filter(|&kernel| kernel != Peak::NAME && kernel != UnitsPeak::NAME)
        .collect()
}

/// Samples of small networks, with every activation, loss and optimizer, in every variant of the whole network's kernel. Their shaders are
/// composed for a network's sizes: all there are cannot be listed. The variants that keep a network in registers are given one that is small
/// enough for them.
fn wholes() -> Vec<Whole> {
    let mut wholes = Vec::new();
    let mut add = |hidden, output, loss, optimizer, bias| {
        for variant in [Variant::Invocation, Variant::Lanes(4), Variant::Held, Variant::Workgroup] {
            let in_registers = matches!(variant, Variant::Invocation | Variant::Lanes(_));
            let widths = if in_registers { vec![2, 3, 2] } else { vec![5, 6, 7] };
            let network = Network::new(widths, vec![hidden, output], bias).expect("a network");
            wholes.push(Whole {
                network,
                loss,
                optimizer,
                batch: 6,
                order: 20,
                losses: 20,
                replicas: 2,
                own_steps: false,
                variant,
                sequence: Arc::default(),
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
