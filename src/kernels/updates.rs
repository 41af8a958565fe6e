//! Every layer's update in one dispatch: none of them waits for another, and a GPU is filled by all of them together. Shaders:
//! `shaders/update.wgsl` with `shaders/updates/all.wgsl`.

use super::form::{Family, Pass};
use super::halves::{Factors, Kind};
use super::operands::{Access, Count};
use super::product::{self, Composition, Grid};
use super::rule::STATES;
use super::shader::{Shader, shader_file};
use super::update::LAYOUTS;
use super::whole::group_starts;
use super::{
    Bounded, Choice, Form, Kernel, Operand, Source, Step, Target, Twin, Update, View, ViewMut, Workspace, stride4, word,
};
use crate::scalar::Scalar;

/// Reads the inputs of all layers that are trained [rows × inputs], then their deltas [rows × outputs], and the order if there is one;
/// writes each layer's parameters [(inputs + bias) × outputs], then the states of each layer, shaped alike: one buffer on a GPU.
#[derive(Debug, Clone)]
pub struct Updates {
    /// The layers' updates, by one rule. Those that read data in an order read the same.
    pub layers: Vec<Update>,
    /// Networks trained at once.
    pub replicas: usize,
}

impl Updates {
    /// The most storage buffers that its shader binds for a network of so many layers.
    pub fn most_bindings(layers: usize) -> u64 {
        2 * layers as u64 + 4
    }

    fn states(&self) -> usize {
        self.layers[0].rule.states()
    }

    /// Where the batch's rows of the first layer's input are; those of the others have a buffer of the batch's own.
    fn source(&self) -> Source {
        self.layers.iter().map(|layer| layer.source).find(|&source| source != Source::Batch).unwrap_or(Source::Batch)
    }

    /// Rows and columns of each layer's parameters.
    fn shapes(&self) -> Vec<[usize; 2]> {
        self.layers.iter().map(|layer| layer.sizes(1)).map(|[rows, columns, _]| [rows, columns]).collect()
    }

    /// What a layer reads, among what all of them read.
    fn reads<'a, T: Copy>(&self, layer: usize, reads: &[View<'a, T>]) -> Vec<View<'a, T>> {
        // The order is one for all.
        let of_name = |name: &'static str, place: usize| reads.iter().filter(move |view| view.name == name).nth(place);
        let own = [of_name("input", layer), of_name("delta", layer), of_name(super::source::ORDER, 0)];
        own.into_iter().flatten().copied().collect()
    }

    /// What a layer writes, under the names that its own kernel has for it: the places among what all of them write.
    fn writes(&self, layer: usize) -> impl Iterator<Item = (&'static str, usize)> {
        let (layers, states) = (self.layers.len(), self.states());
        let of_states = (0..states).map(move |state| (STATES[state], layers + layer * states + state));
        std::iter::once(("weight", layer)).chain(of_states)
    }

    /// Tiles of each layer along the columns and the rows.
    fn tiles(&self, form: Form) -> Vec<[u64; 2]> {
        self.layers.iter().map(|layer| layer.workgroups(1, form)).collect()
    }

    /// `input_at` and `delta_at`, which pick the buffer of the workgroup's layer, and `layer_of`, which finds the layer.
    fn accessors(&self, shader: Shader) -> Shader {
        let layers = self.layers.len();
        let mut text = String::new();
        for kind in ["input", "delta"] {
            text += &format!("fn {kind}_at(element: u32) -> vec4f {{\n");
            for layer in 1..layers {
                text += &format!("    if number == {layer}u {{ return {kind}{layer}[element]; }}\n");
            }
            text += &format!("    return {kind}0[element];\n}}\n");
        }
        let begun = (1..layers).map(|layer| format!(" + u32(workgroup >= all.layers[{layer}].first)"));
        text += &format!("fn layer_of(workgroup: u32) -> u32 {{ return 0u{}; }}\n", begun.collect::<String>());
        shader.text(&text)
    }
}

impl Kernel for Updates {
    fn name(&self) -> &'static str {
        "updates"
    }

    fn operands(&self) -> Vec<Operand> {
        let each = |name, shape: &dyn Fn(&Update) -> [Option<usize>; 2]| {
            Operand::several(name, Access::Read, Count::Each, self.layers.iter().map(shape).collect())
        };
        let rows = |update: &Update| Some(update.layer.capacity);
        let input = |update: &Update| [rows(update).filter(|_| update.source == Source::Batch), Some(update.layer.inputs)];
        let delta = |update: &Update| [rows(update), Some(update.layer.outputs)];
        let shapes: Vec<_> = self.shapes().into_iter().map(|shape| shape.map(Some)).collect();
        let states = shapes.iter().flat_map(|&shape| std::iter::repeat_n(shape, self.states()));
        let trained = shapes.iter().copied().chain(states).collect();
        [each("input", &input), each("delta", &delta)]
            .into_iter()
            .chain(self.source().operand())
            .chain([Operand::several("trained", Access::Write, Count::Group, trained)])
            .collect()
    }

    fn shader(&self, form: Form) -> Shader {
        let (layers, source, rule) = (self.layers.len(), self.source(), self.layers[0].rule);
        let ones = self.layers.iter().any(|layer| layer.ones(form));
        let suffix = if ones { "-ones" } else { "" };
        let composition = Composition {
            kernel: "updates",
            variant: &format!("{}-{layers}{suffix}-{}", rule.name(), source.name()),
            operands: self.operands(),
            layouts: LAYOUTS,
            ones,
            grid: Grid::All,
            factors: Factors::Full,
            kinds: [Kind::Forward, Kind::Delta],
        };
        composition.shader(form, |shader| {
            let shader =
                shader.constant("LAYERS", layers as u32).constant("STATES", rule.states() as u32).part(source.shader());
            self.accessors(rule.alone(shader)).part(shader_file!("updates/all.wgsl")).part(shader_file!("update.wgsl"))
        })
    }

    fn lanes(&self, form: Form) -> [u32; 2] {
        form.workgroup()
    }

    fn workgroup_bytes(&self, form: Form) -> u32 {
        product::workgroup_bytes(form, LAYOUTS)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        let lengths: Vec<usize> =
            self.shapes().iter().map(|&[rows, columns]| rows * stride4(columns) * self.replicas).collect();
        let states = self.states();
        let of_states = lengths.iter().flat_map(|&length| std::iter::repeat_n(length, states));
        let (starts, _) = group_starts(lengths.iter().copied().chain(of_states));
        let state = |layer: usize, k: usize| if k < states { starts[lengths.len() + layer * states + k] } else { 0 };
        let tiles = self.tiles(form);
        let mut first = 0;
        let mut words = Vec::new();
        for (index, (layer, &[across, down])) in self.layers.iter().zip(&tiles).enumerate() {
            let from_data = layer.source != Source::Batch;
            words.extend(layer.layer.words());
            words.extend([layer.source.order_length(), u32::from(from_data), (layer.rate as f32).to_bits()]);
            words.extend([starts[index], state(index, 0), state(index, 1), first].map(word));
            words.extend([across as u32, down as u32, u32::from(layer.ones(form))]);
            first += (across * down) as usize;
        }
        words
    }

    fn workgroups(&self, _rows: usize, form: Form) -> [u64; 2] {
        [self.tiles(form).iter().map(|[across, down]| across * down).sum(), 1]
    }

    fn iterations(&self, rows: usize, form: Form) -> u64 {
        self.layers[0].iterations(rows, form)
    }

    /// All elements as one column, each a sum over the rows.
    fn product(&self, rows: usize) -> Option<[usize; 3]> {
        Some([self.shapes().iter().map(|[rows, columns]| rows * columns).sum(), 1, rows])
    }

    /// In tiles and in one part on every device: what its invocations do is for GPUs.
    fn forms(&self, lanes: u32, _software: bool) -> Vec<Form> {
        Family::TILED.into_iter().map(|family| Form { lanes, family, pass: Pass::Whole }).collect()
    }

    fn choices(&self, rows: usize, target: &Target) -> Vec<Choice> {
        product::joint_choices(&self.shapes(), self.layers[0].layer.bias, rows, target)
    }
}

impl Bounded for Updates {
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let mut bounds = vec![Vec::new(); before.len()];
        for (index, layer) in self.layers.iter().enumerate() {
            let before: Vec<View<'_, f64>> =
                self.writes(index).map(|(name, place)| View { name, ..before[place] }).collect();
            let of_layer = layer.bounds(step, &self.reads(index, reads), &before);
            self.writes(index).zip(of_layer).for_each(|((_, place), bound)| bounds[place] = bound);
        }
        bounds
    }
}

impl<T: Scalar> Twin<T> for Updates {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        for (index, layer) in self.layers.iter().enumerate() {
            let take = |(name, place): (_, usize)| ViewMut::new(name, std::mem::take(&mut writes[place].values));
            let mut own: Vec<ViewMut<'_, T>> = self.writes(index).map(take).collect();
            layer.run(step, &self.reads(index, reads), &mut own, workspace);
            for ((_, place), view) in self.writes(index).zip(own) {
                writes[place].values = view.values;
            }
        }
    }
}
