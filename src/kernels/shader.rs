//! Shaders, composed by concatenation: constants, functions, the kernel, the loop that calls it.

use std::fmt::Write;

use super::operands::{Operand, declarations};
use crate::network::{Activation, Slope};

/// A composed WGSL compute shader with the entry point `main`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shader {
    /// What it is: the kernel and its variant, such as `forward-direct-relu-8`.
    pub name: String,
    /// The WGSL text.
    pub source: String,
}

impl Shader {
    /// An empty shader of this name.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let source = format!("// {name}\n");
        Self { name, source }
    }

    /// Adds `enable EXTENSION;` where it has to stand, before everything else.
    pub fn enable(mut self, extension: &str) -> Self {
        self.source.insert_str(0, &format!("enable {extension};\n"));
        self
    }

    /// Calls the kernel's own factors `exact_lhs` and `exact_rhs`, and adds `lhs` and `rhs`, which round them to f16.
    pub(super) fn with_halves(self) -> Self {
        let source = ["lhs", "rhs"].iter().fold(self.source, |source, factor| {
            let (function, exact) = (format!("fn {factor}("), format!("fn exact_{factor}("));
            assert!(source.matches(&function).count() == 1, "a kernel has each factor once");
            source.replace(&function, &exact)
        });
        Self { source, ..self }.part(shader_file!("halves.wgsl"))
    }

    /// Adds `const NAME = VALUEu;`.
    pub fn constant(mut self, name: &str, value: u32) -> Self {
        writeln!(self.source, "const {name} = {value}u;").expect("a string takes everything");
        self
    }

    /// Adds `const NAME = VALUE;`, a bool.
    pub fn switch(mut self, name: &str, value: bool) -> Self {
        writeln!(self.source, "const {name} = {value};").expect("a string takes everything");
        self
    }

    /// Adds `const NAME = VALUEf;`, a number that f32 holds.
    pub fn number(mut self, name: &str, value: f64) -> Self {
        writeln!(self.source, "const {name} = {:?}f;", value as f32).expect("a string takes everything");
        self
    }

    /// Declares a kernel's buffers.
    pub fn operands(mut self, operands: &[Operand]) -> Self {
        self.source += &declarations(operands);
        self
    }

    /// Adds the function `derivative(stored)`, which gives the slope, and what it needs.
    pub fn slope(self, slope: Slope) -> Self {
        match slope {
            Slope::FromOutput(activation) => self.activation_file(activation),
            Slope::Stored => self,
        }
        .derivative(slope)
    }

    /// Adds an activation's functions and their constants, and calls them `activate`, `derivative` and `slope`.
    pub fn activation(self, activation: Activation) -> Self {
        self.activation_file(activation).alias(activation)
    }

    /// Adds an activation's functions under their own names, and their constants.
    fn activation_file(self, activation: Activation) -> Self {
        let facts = activation.facts();
        facts.constants.iter().fold(self, |shader, &(name, value)| shader.number(name, value)).part(facts.shader)
    }

    /// Calls an activation's functions `activate`, `derivative` and, where it has one, `slope`.
    fn alias(mut self, activation: Activation) -> Self {
        let function = activation.function();
        let source = &mut self.source;
        writeln!(source, "fn activate(z: vec4f) -> vec4f {{ return {function}(z); }}").expect("a string");
        if activation.stores_slope() {
            writeln!(source, "fn slope(z: vec4f) -> vec4f {{ return {function}_slope(z); }}").expect("a string");
        }
        self.derivative(activation.slope_of())
    }

    /// Adds `derivative(stored)`, which gives the slope from what there is of it.
    fn derivative(self, slope: Slope) -> Self {
        let slope = slope.expression("stored");
        self.text(&format!("fn derivative(stored: vec4f) -> vec4f {{ return {slope}; }}\n"))
    }

    /// Adds `const NAME = array(VALUESu);`.
    pub fn constants(mut self, name: &str, values: &[usize]) -> Self {
        let values: Vec<String> = values.iter().map(|value| format!("{value}u")).collect();
        let (count, list) = (values.len(), values.join(", "));
        writeln!(self.source, "const {name} = array<u32, {count}>({list});").expect("a string takes everything");
        self
    }

    /// Adds the functions of all layers' activations under their own names, and calls those of the output's activation `activate`,
    /// `derivative` and `slope`.
    pub fn activations(self, layers: &[Activation], output: Activation) -> Self {
        let mut files: Vec<Activation> = Vec::new();
        for &activation in layers.iter().chain([&output]) {
            if files.iter().all(|file| file.file_name() != activation.file_name()) {
                files.push(activation);
            }
        }
        files.into_iter().fold(self, Self::activation_file).alias(output)
    }

    /// Adds the functions of all layers' activations, `layer_activate(layer, z)` and so on, and calls those of the output's
    /// activation `activate`, `derivative` and `slope`.
    pub fn layer_activations(self, layers: &[Activation], output: Activation) -> Self {
        let mut shader = self.activations(layers, output);
        let by_layer = |call: &dyn Fn(Activation) -> String| {
            let (last, others) = layers.split_last().expect("a network has a layer");
            let mut body = String::new();
            for (layer, &activation) in others.iter().enumerate().filter(|&(_, activation)| activation != last) {
                write!(body, "if layer == {layer}u {{ return {}; }} ", call(activation)).expect("a string");
            }
            body + &format!("return {};", call(*last))
        };
        let slope = |activation: Activation| {
            if activation.stores_slope() { format!("{}_slope(z)", activation.function()) } else { "vec4f()".into() }
        };
        let bodies = [
            ("activate(layer: u32, z: vec4f) -> vec4f", by_layer(&|a| format!("{}(z)", a.function()))),
            ("derivative(layer: u32, stored: vec4f) -> vec4f", by_layer(&|a| a.slope_of().expression("stored"))),
            ("slope(layer: u32, z: vec4f) -> vec4f", by_layer(&slope)),
        ];
        for (signature, body) in bodies {
            writeln!(shader.source, "fn layer_{signature} {{ {body} }}").expect("a string takes everything");
        }
        let stores = by_layer(&|activation| activation.stores_slope().to_string());
        writeln!(shader.source, "fn stores_slope(layer: u32) -> bool {{ {stores} }}").expect("a string takes everything");
        shader
    }

    /// Adds `fn FUNCTION_layers()`, which calls `FUNCTION(layer)` for each of some layers.
    pub fn calls(mut self, function: &str, layers: impl Iterator<Item = usize>) -> Self {
        let calls: String = layers.map(|layer| format!(" {function}({layer}u);")).collect();
        writeln!(self.source, "fn {function}_layers() {{{calls} }}").expect("a string takes everything");
        self
    }

    /// Writes out what stands between '//@for NAME BOUND' and '//@end', with '$NAME' replaced by 0, 1, … BOUND - 1. A bound is a product
    /// of numbers and of constants of this shader. What stands between '//@if SWITCH' or '//@unless SWITCH' and '//@end' is there if the
    /// shader's switch says so.
    pub fn written_out(self) -> Self {
        let lines: Vec<&str> = self.source.lines().collect();
        let (source, rest) = written_out(&lines, &self.source);
        assert!(rest.is_empty(), "an '//@end' too many");
        Self { source, ..self }
    }

    /// Adds one of the files of `shaders/`, in which each `$NAME` stands for a number or a word that is told here.
    pub fn instance(self, (file, text): (&str, &str), values: &[(&str, String)]) -> Self {
        let mut values: Vec<&(&str, String)> = values.iter().collect();
        // A longer name may begin with a shorter one.
        values.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let text = values.iter().fold(text.to_string(), |text, (name, value)| text.replace(&format!("${name}"), value));
        self.part((file, &text))
    }

    /// Adds text.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.source.push_str(text);
        self
    }

    /// Adds one of the files of `shaders/`.
    pub fn part(mut self, (file, text): (&str, &str)) -> Self {
        write!(self.source, "\n// --- {file}\n{text}").expect("a string takes everything");
        self
    }
}

/// The lines up to a block's end, written out, and those after it.
fn written_out<'a, 'b>(mut lines: &'a [&'b str], shader: &str) -> (String, &'a [&'b str]) {
    let mut text = String::new();
    while let Some((line, rest)) = lines.split_first() {
        lines = rest;
        if line.trim() == "//@end" {
            return (text, lines);
        }
        let is_on = |switch: &str| shader.contains(&format!("\nconst {switch} = true;"));
        let condition = line.trim().strip_prefix("//@if ").map(is_on);
        let condition = condition.or(line.trim().strip_prefix("//@unless ").map(|switch| !is_on(switch)));
        if let Some(is_there) = condition {
            let (block, rest) = written_out(lines, shader);
            lines = rest;
            text.push_str(if is_there { &block } else { "" });
            continue;
        }
        let Some(header) = line.trim().strip_prefix("//@for ") else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        let (name, bound) = header.split_once(' ').expect("a name and a bound");
        let factor = |factor: &str| -> u32 {
            let constant = format!("\nconst {factor} = ");
            let known = shader.split_once(&constant).and_then(|(_, rest)| rest.split_once("u;")).map(|(value, _)| value);
            known.unwrap_or(factor).parse().expect("a number, or a constant that is one")
        };
        let count: u32 = bound.split('*').map(factor).product();
        let (block, rest) = written_out(lines, shader);
        lines = rest;
        text.extend((0..count).map(|value| block.replace(&format!("${name}"), &value.to_string())));
    }
    (text, lines)
}

/// A file of `shaders/` with its name, to be added to a [`Shader`].
macro_rules! shader_file {
    ($file:literal) => {
        ($file, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file)))
    };
}
pub(crate) use shader_file;
