//! Every shader that a plan can be made of: for the validators in the tests, and for `wgrad devices --dump-shaders`.

use clap::ValueEnum;

use super::{Delta, Form, Forward, Gather, Kernel, Output, OutputProduct, Shader, Update};
use crate::network::{Activation, Loss, OptimizerKind};

/// A composed shader and what its host side says of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The shader.
    pub shader: Shader,
    /// Buffers that it reads.
    pub reads: usize,
    /// Buffers that it writes, partial sums among them.
    pub writes: usize,
    /// Words in its parameters.
    pub words: usize,
    /// Invocations a workgroup along x and y.
    pub workgroup: [u32; 2],
}

impl Entry {
    /// What a kernel over so many buffers says of itself in one of its forms.
    pub fn of(kernel: &dyn Kernel, form: Form, reads: usize, writes: usize) -> Self {
        let partial_sums = usize::from(form.parts() > 1);
        Self {
            shader: kernel.shader(form),
            reads,
            writes: writes + partial_sums,
            words: kernel.parameters(form).len(),
            workgroup: kernel.lanes(form),
        }
    }
}

/// Every form of a kernel on a device of so many lanes.
pub fn forms(kernel: &dyn Kernel, lanes: u32, software: bool) -> Vec<Form> {
    if kernel.product(1).is_some() { Form::all(lanes, software) } else { vec![Form::direct(lanes)] }
}

/// All shaders composed for a device of so many lanes, each once.
pub fn all_shaders(lanes: u32, software: bool) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    let mut add = |kernel: &dyn Kernel, reads: usize, writes: usize| {
        for form in forms(kernel, lanes, software) {
            let entry = Entry::of(kernel, form, reads, writes);
            if !all.contains(&entry) {
                all.push(entry);
            }
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
    all
}
