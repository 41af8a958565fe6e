//! The variant for the smallest networks: one lane, or a few that share a batch's rows, trains a network. Its shader has a name of its
//! own for every weight, gradient and activation, since drivers keep arrays in memory as they please.

use std::fmt::Write;

use super::net::Whole;
use crate::kernels::shader::{Shader, shader_file};
use crate::kernels::stride4;

/// Numbers that an invocation may keep: beside some twenty more on the way, what AMD's compiler has registers for on gfx1100 (128).
const MOST_NUMBERS: usize = 108;
/// Numbers of a step's record that an invocation keeps where it has one of its own, for this step and for the next.
const OF_RECORDS: usize = 24;
/// Outputs that may be written out.
const MOST_OUTPUTS: usize = 16;
/// Lanes of a network at most.
const MOST_SHARED: usize = 8;
/// Rows that a lane takes one after the other at most.
const MOST_ROUNDS: usize = 64;
const ELEMENTS: [&str; 4] = ["x", "y", "z", "w"];

/// Lanes for a network with batches of so many rows, on a device whose subgroups have at least `subgroup` lanes: one a row, up to 8.
pub(super) fn shared(batch: usize, subgroup: u32) -> u32 {
    let most = (subgroup as usize).clamp(1, MOST_SHARED);
    let most = if most.is_power_of_two() { most } else { most.next_power_of_two() / 2 };
    batch.next_power_of_two().min(most) as u32
}

/// The text of a shader, line by line, at a depth.
struct Text {
    text: String,
    depth: usize,
}

impl Text {
    fn say(&mut self, line: &str) {
        writeln!(self.text, "{:1$}{line}", "", 4 * self.depth).expect("a string takes everything");
    }
}

/// A vec4 of four names, or zeros past so many of them.
fn vector(column: usize, width: usize, name: impl Fn(usize) -> String) -> String {
    let element = |j: usize| if j < width { name(j) } else { "0.0".into() };
    let elements: Vec<String> = (4 * column..4 * column + 4).map(element).collect();
    format!("vec4f({})", elements.join(", "))
}

/// The elements of a vec4 that are within a width.
fn elements(column: usize, width: usize) -> impl Iterator<Item = (usize, &'static str)> {
    (4 * column..width.min(4 * column + 4)).zip(ELEMENTS)
}

/// A small network's sizes.
pub(super) struct Scalars<'a> {
    whole: &'a Whole,
    widths: &'a [usize],
    /// Lanes that share a network.
    lanes: usize,
}

impl<'a> Scalars<'a> {
    pub(super) fn new(whole: &'a Whole, lanes: u32) -> Self {
        Self { whole, widths: whole.network.widths(), lanes: lanes as usize }
    }

    /// Lanes that share a network.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Whether an invocation's registers hold the network, and its rows are soon gone through.
    pub(super) fn fits(&self) -> bool {
        let parameters: usize = (0..self.layers()).map(|l| self.rows(l) * self.widths[l + 1]).sum();
        let values: usize = self.widths.iter().sum();
        let ahead = 4 * (stride4(self.widths[0]) + stride4(self.whole.network.outputs()));
        let stores_slope = |&l: &usize| self.whole.activation(l).stores_slope();
        let slopes: usize = (0..self.layers()).filter(stores_slope).map(|l| self.widths[l + 1]).sum();
        let records = if self.whole.own_steps { OF_RECORDS } else { 0 };
        let numbers = parameters * (2 + self.whole.optimizer.states()) + 2 * values + slopes + ahead + records;
        numbers <= MOST_NUMBERS && self.whole.network.outputs() <= MOST_OUTPUTS && self.rounds() <= MOST_ROUNDS
    }

    /// Loop iterations of a step.
    pub(super) fn iterations(&self) -> u64 {
        let outputs = stride4(self.whole.network.outputs());
        (self.rounds() * (1 + 2 * outputs) + 2) as u64
    }

    /// The shader, for workgroups of so many invocations.
    pub(super) fn shader(&self, invocations: u32) -> Shader {
        let whole = self.whole;
        let sizes: Vec<String> = self.widths.iter().map(ToString::to_string).collect();
        let variant = if self.lanes > 1 { format!("lanes-{}", self.lanes) } else { "invocation".into() };
        let steps = if whole.own_steps { "-own-steps" } else { "" };
        let name = format!("{}-{}-{}-{invocations}{steps}", whole.name(&variant), sizes.join("x"), whole.batch);
        let shader = Shader::new(name)
            .constant("LANES", invocations)
            .constant("SHARED", self.lanes as u32)
            .constant("WIDTH4", stride4(self.widths[0]) as u32)
            .constant("OUTPUTS", whole.network.outputs() as u32)
            .constant("OUTPUTS4", stride4(whole.network.outputs()) as u32);
        let shader = whole.common(shader, false).part(shader_file!("whole/scalars.wgsl"));
        let shader = match self.lanes {
            1 => shader.part(shader_file!("whole/alone.wgsl")),
            _ => shader.part(shader_file!("whole/shared.wgsl")),
        };
        let mut text = Text { text: String::new(), depth: 0 };
        self.main(&mut text);
        shader.text(&text.text).written_out()
    }

    fn layers(&self) -> usize {
        self.whole.network.layers()
    }

    /// Rows of a layer's parameters.
    fn rows(&self, l: usize) -> usize {
        self.whole.parameter_rows(l)
    }

    /// How often the lanes go through the rows of a batch.
    fn rounds(&self) -> usize {
        self.whole.batch.div_ceil(self.lanes)
    }

    /// Every vec4 of parameters: layer, row, column, and its place among the layer's.
    fn parameters(&self) -> impl Iterator<Item = [usize; 4]> {
        (0..self.layers()).flat_map(move |l| {
            let columns = stride4(self.widths[l + 1]);
            (0..self.rows(l)).flat_map(move |k| (0..columns).map(move |column| [l, k, column, k * columns + column]))
        })
    }

    /// The names of what is kept from step to step, with where each kind begins: the weights and the optimizer's states.
    fn kept(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let all = [("w", "parameters"), ("m", "first_state"), ("v", "second_state")];
        all.into_iter().take(1 + self.whole.optimizer.states())
    }

    fn main(&self, text: &mut Text) {
        let outputs = stride4(self.whole.network.outputs());
        for column in 0..outputs {
            text.say(&format!("var<private> result_{column}: vec4f;"));
        }
        text.say("fn result_at(column: u32) -> vec4f {");
        for column in 1..outputs {
            text.say(&format!("    if column == {column}u {{ return result_{column}; }}"));
        }
        text.say("    return result_0;\n}");
        text.say("@compute @workgroup_size(LANES)");
        text.say(match self.lanes {
            1 => "fn main(@builtin(global_invocation_id) id: vec3u) {\n    place(id.x);",
            _ => {
                "fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) subgroups: u32, \
                 @builtin(subgroup_invocation_id) lane_of_subgroup: u32) {\n    place(group.x, subgroup, subgroups, lane_of_subgroup);"
            }
        });
        text.depth = 1;
        text.say("let records = parameters.records;");
        // A record that is the same for all lies in registers that all lanes share.
        text.say(if self.whole.own_steps { "let record = replica;" } else { "let record = 0u;" });
        text.say("let count = steps[record].remaining;");
        self.load(text);
        text.say("coming = steps[record];");
        text.say("current = coming;");
        text.say("fetch(coming, lane);");
        text.say("for (var s = 0u; s < count; s++) {");
        text.depth = 2;
        text.say("current = coming;");
        text.say("coming = steps[min(s + 1u, count - 1u) * records + record];");
        text.say("var loss = 0.0;");
        for [l, k, column, _] in self.parameters() {
            for (j, _) in elements(column, self.widths[l + 1]) {
                text.say(&format!("var g{l}_{k}_{j} = 0.0;"));
            }
        }
        if self.rounds() > 1 {
            text.say("for (var row = lane; row < current.rows + lane; row += SHARED) {");
            text.depth = 3;
            text.say("take();");
            text.say(
                "if row + SHARED < current.rows + lane { fetch(current, row + SHARED); } else { fetch(coming, lane); }",
            );
        } else {
            text.say("let row = lane;");
            text.say("take();");
            text.say("fetch(coming, lane);");
        }
        self.forward(text);
        self.output(text);
        self.backward(text);
        if self.rounds() > 1 {
            text.depth = 2;
            text.say("}");
        }
        self.share(text);
        text.say("if lane == 0u && is_present { losses[replica * parameters.losses + current.loss_row] = loss; }");
        self.update(text);
        text.depth = 1;
        text.say("}");
        self.keep(text);
        text.depth = 0;
        text.say("}");
    }

    /// Loads the parameters and the states.
    fn load(&self, text: &mut Text) {
        for (kind, place) in self.kept() {
            for [l, k, column, element] in self.parameters() {
                let length = self.whole.parameter_length(l);
                text.say(&format!(
                    "let {kind}{l}_{k}_at_{column} = trained[parameters.layers[{l}].{place} + replica * {length}u + {element}u];"
                ));
                for (j, part) in elements(column, self.widths[l + 1]) {
                    text.say(&format!("var {kind}{l}_{k}_{j} = {kind}{l}_{k}_at_{column}.{part};"));
                }
            }
        }
    }

    /// Stores them.
    fn keep(&self, text: &mut Text) {
        text.say("if lane == 0u && is_present {");
        text.depth += 1;
        for (kind, place) in self.kept() {
            for [l, k, column, element] in self.parameters() {
                let length = self.whole.parameter_length(l);
                let value = vector(column, self.widths[l + 1], |j| format!("{kind}{l}_{k}_{j}"));
                text.say(&format!("trained[parameters.layers[{l}].{place} + replica * {length}u + {element}u] = {value};"));
            }
        }
        text.depth -= 1;
        text.say("}");
    }

    /// output = f(input · W + b), layer by layer: `a` are the activations, `f` four of them, `s` the slopes where they are stored.
    fn forward(&self, text: &mut Text) {
        for k in 0..self.widths[0] {
            text.say(&format!("let a0_{k} = x_{}.{};", k / 4, ELEMENTS[k % 4]));
        }
        for l in 0..self.layers() {
            let (inputs, outputs, activation) = (self.widths[l], self.widths[l + 1], self.whole.activation(l));
            let (next, function) = (l + 1, activation.function());
            let sum = |j: usize| {
                let bias = if self.whole.network.bias() { format!("w{l}_{inputs}_{j}") } else { "0.0".into() };
                (0..inputs).fold(bias, |sum, k| format!("{sum} + a{l}_{k} * w{l}_{k}_{j}"))
            };
            for column in 0..stride4(outputs) {
                text.say(&format!("let z{next}_{column} = {};", vector(column, outputs, sum)));
                text.say(&format!("let f{next}_{column} = {function}(z{next}_{column});"));
                if activation.stores_slope() {
                    text.say(&format!("let s{next}_{column} = {function}_slope(z{next}_{column});"));
                }
                for (j, part) in elements(column, outputs) {
                    text.say(&format!("let a{next}_{j} = f{next}_{column}.{part};"));
                }
            }
        }
    }

    /// What f' is told from.
    fn stored(&self, l: usize, column: usize) -> String {
        let kind = if self.whole.activation(l).stores_slope() { "s" } else { "f" };
        format!("{kind}{}_{column}", l + 1)
    }

    /// The row's loss, and delta = dLoss/da ⊙ f'(a).
    fn output(&self, text: &mut Text) {
        let (layers, outputs) = (self.layers(), self.whole.network.outputs());
        for column in 0..stride4(outputs) {
            text.say(&format!("result_{column} = f{layers}_{column};"));
        }
        text.say("let prepared = prepare(OUTPUTS4);");
        text.say("let is_row = row < current.rows;");
        for column in 0..stride4(outputs) {
            let stored = self.stored(layers - 1, column);
            text.say(&format!("let valid_{column} = inside({column}u, OUTPUTS) & vec4<bool>(is_row);"));
            text.say(&format!(
                "loss += dot(select(vec4f(), loss_of(result_{column}, y_{column}, prepared), valid_{column}), vec4f(1.0));"
            ));
            text.say(&format!("let error_{column} = error_of(result_{column}, {stored}, y_{column}, prepared);"));
            text.say(&format!("let e{layers}_{column} = select(vec4f(), error_{column} * current.scale, valid_{column});"));
            for (j, part) in elements(column, outputs) {
                text.say(&format!("let d{layers}_{j} = e{layers}_{column}.{part};"));
            }
        }
    }

    /// The deltas below, (delta · Wᵀ) ⊙ f'(a), and what the row adds to the gradients.
    fn backward(&self, text: &mut Text) {
        for l in (0..self.layers()).rev() {
            let (inputs, outputs, next) = (self.widths[l], self.widths[l + 1], l + 1);
            if l > 0 {
                let slope = self.whole.activation(l - 1).slope_of();
                let sum = |k: usize| {
                    let terms: Vec<String> = (0..outputs).map(|j| format!("d{next}_{j} * w{l}_{k}_{j}")).collect();
                    terms.join(" + ")
                };
                for column in 0..stride4(inputs) {
                    let stored = self.stored(l - 1, column);
                    let sums = vector(column, inputs, sum);
                    text.say(&format!("let e{l}_{column} = {sums} * {};", slope.expression(&stored)));
                    for (k, part) in elements(column, inputs) {
                        text.say(&format!("let d{l}_{k} = e{l}_{column}.{part};"));
                    }
                }
            }
            for (k, j) in (0..self.rows(l)).flat_map(|k| (0..outputs).map(move |j| (k, j))) {
                let input = if k < inputs { format!("a{l}_{k} * ") } else { String::new() };
                text.say(&format!("g{l}_{k}_{j} += {input}d{next}_{j};"));
            }
        }
    }

    /// Adds up what the lanes of a network have summed: every lane gets the same bits.
    fn share(&self, text: &mut Text) {
        let mut distance = 1;
        while distance < self.lanes {
            let names = self.parameters().flat_map(|[l, k, column, _]| {
                elements(column, self.widths[l + 1]).map(move |(j, _)| format!("g{l}_{k}_{j}"))
            });
            for name in names.chain(["loss".to_string()]) {
                text.say(&format!("{name} += subgroupShuffleXor({name}, {distance}u);"));
            }
            distance *= 2;
        }
    }

    /// W -= step(gradient), b -= step(gradient).
    fn update(&self, text: &mut Text) {
        let states: Vec<&str> = self.kept().map(|(kind, _)| kind).skip(1).collect();
        for [l, k, column, _] in self.parameters() {
            let width = self.widths[l + 1];
            let names = |kind: &str| vector(column, width, |j| format!("{kind}{l}_{k}_{j}"));
            let decay = if k < self.widths[l] { "current.weight_decay" } else { "0.0" };
            text.say("{");
            text.depth += 1;
            text.say("var state: array<vec4f, 2>;");
            for (s, kind) in states.iter().enumerate() {
                text.say(&format!("state[{s}] = {};", names(kind)));
            }
            text.say(&format!("let updated = rule(current, {decay}, {}, {}, &state);", names("w"), names("g")));
            for (j, part) in elements(column, width) {
                text.say(&format!("w{l}_{k}_{j} = updated.{part};"));
                for (s, kind) in states.iter().enumerate() {
                    text.say(&format!("{kind}{l}_{k}_{j} = state[{s}].{part};"));
                }
            }
            text.depth -= 1;
            text.say("}");
        }
    }
}
