//! Every shader that a plan can be made of, of whole networks samples: for the validators in the tests, and for `wgrad devices --dump-shaders`.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::ValueEnum;

use super::form::{Family, GPU_LANES, SOFTWARE_LANES};
use super::operands::{Access, bindings};
use super::product::NARROW_COLUMNS4;
use super::whole::Variant;
use super::{
    Apply, Delta, Dropped, Factors, Form, Forward, ForwardOutput, Gather, Kernel, Layer, Norm, NormTotal, Output,
    OutputProduct, Peak, Rule, Shader, Source, UnitsPeak, Update, Updates, Whole,
};
use crate::data::Task;
use crate::network::{Activation, Loss, Network, OptimizerKind, Slope};

/// A composed shader and what its host side says of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The kernel's name.
    pub kernel: &'static str,
    /// The shader.
    pub shader: Shader,
    /// Bindings that it reads.
    pub reads: usize,
    /// Bindings that it writes, scales and partial sums among them.
    pub writes: usize,
    /// Words in its parameters.
    pub words: usize,
    /// Invocations a workgroup along x and y.
    pub workgroup: [u32; 2],
    /// Bytes of the memory that they share.
    pub workgroup_bytes: u32,
}

impl Entry {
    /// What a kernel says of itself in one of its forms.
    pub fn of(kernel: &dyn Kernel, form: Form) -> Self {
        let operands = kernel.operands();
        let scratch = form.scratch().map(usize::from).iter().sum::<usize>();
        Self {
            kernel: kernel.name(),
            shader: kernel.shader(form),
            reads: bindings(&operands, Access::Read),
            writes: bindings(&operands, Access::Write) + scratch,
            words: kernel.parameters(form).len(),
            workgroup: kernel.lanes(form),
            workgroup_bytes: kernel.workgroup_bytes(form),
        }
    }
}

/// All shaders composed for a device of so many lanes, each once; of those for whole networks some samples.
pub fn all_shaders(lanes: u32, software: bool) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    let mut add = |kernel: &dyn Kernel| {
        for form in kernel.forms(lanes, software) {
            let entry = Entry::of(kernel, form);
            if !all.contains(&entry) {
                all.push(entry);
            }
        }
    };
    let (capacity, losses, rate) = (1, 1, 1.0);
    let layer = Layer { inputs: 1, outputs: 1, bias: true, capacity };
    let sources = [Source::Batch, Source::InPlace, Source::Ordered(1)];
    add(&Norm { rows: 1, columns: 1, first: 0, places: 1 });
    add(&NormTotal { places: 1 });
    add(&Peak { groups: 1, rounds: 1 });
    if !software {
        add(&UnitsPeak { groups: 1, rounds: 1 });
    }
    add(&Gather { columns: 1, segment_first: 0, segment_rows: 1, order: 1, capacity });
    for factors in [Factors::Full, Factors::Halves] {
        add(&Delta { layer, slope: Slope::Stored, factors });
    }
    for &activation in Activation::value_variants() {
        let slope = activation.stores_slope();
        for factors in [Factors::Full, Factors::Halves] {
            for source in sources {
                let forward = Forward { layer, activation, slope, dropped: None, source, factors };
                add(&forward);
                add(&Forward { slope: true, dropped: Dropped::new(0, 1), ..forward });
            }
            add(&Delta { layer, slope: activation.slope_of(), factors });
        }
        // An evaluation, of rows that are brought or that stay.
        for source in [Source::Batch, Source::InPlace] {
            add(&Forward { layer, activation, slope: false, dropped: None, source, factors: Factors::Full });
        }
        for &loss in Loss::value_variants() {
            if loss.check(activation).is_err() {
                continue;
            }
            let training = sources.into_iter().map(|source| (OutputProduct::Delta, source));
            for (product, source) in
                training.chain([Source::Batch, Source::InPlace].map(|source| (OutputProduct::Output, source)))
            {
                for weighted in [false, true] {
                    // Weighted rows are gathered or lie as they are, and are trained on.
                    if weighted && (source == Source::Ordered(1) || product == OutputProduct::Output) {
                        continue;
                    }
                    add(&Output { outputs: 1, activation, loss, product, weighted, source, capacity, losses });
                }
                for (columns, first) in (1..=NARROW_COLUMNS4).flat_map(|columns| [(columns, false), (columns, true)]) {
                    let (layer, first) = (Layer { outputs: 4 * columns, ..layer }, first && source != Source::Batch);
                    add(&ForwardOutput { layer, activation, loss, product, source, first, losses });
                }
            }
        }
    }
    let optimizers = OptimizerKind::value_variants();
    let both = [Factors::Full, Factors::Halves];
    for rule in optimizers.iter().map(|&optimizer| Rule::Optimizer(optimizer)).chain([Rule::Sum]) {
        for (source, factors) in sources.into_iter().flat_map(|source| both.map(|factors| (source, factors))) {
            // The biases are in the tiles, or beside them.
            for inputs in [1, Family::MOST_ROWS] {
                let update = Update { layer: Layer { inputs, ..layer }, rule, rate, source, factors };
                add(&update);
                if rule != Rule::Sum && factors == Factors::Full {
                    let above = Update { layer, source: Source::Batch, ..update.clone() };
                    add(&Updates { layers: vec![update, above], replicas: 1 });
                }
            }
        }
    }
    for &optimizer in optimizers {
        for (by_norm, average) in [(false, false), (true, false), (false, true), (true, true)] {
            add(&Apply { layer, optimizer, rate, by_norm, average });
        }
    }
    for whole in wholes() {
        add(&whole);
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
    for hidden in Activation::hidden() {
        add(hidden, Activation::Identity, Loss::SquaredError, OptimizerKind::Sgd, false);
        add(Activation::Relu, hidden, Loss::SquaredError, OptimizerKind::Adam, true);
    }
    for &loss in Loss::value_variants() {
        let optimizers = OptimizerKind::value_variants();
        let optimizers = if loss.is_joint() { optimizers } else { &optimizers[..1] };
        let hidden = if loss.facts().needs_whole_rows { Activation::Tanh } else { Activation::Gelu };
        optimizers.iter().for_each(|&optimizer| add(hidden, loss.output(Task::Classification), loss, optimizer, true));
    }
    wholes
}
