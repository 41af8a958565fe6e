//! Shaders, composed by concatenation: constants, functions, the kernel, the loop that calls it.

use std::fmt::Write;

use crate::network::Activation;
use crate::network::activation::LEAK;

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

    /// Adds an activation's functions and their constant.
    pub fn activation(self, activation: Activation) -> Self {
        let shader = if activation == Activation::LeakyRelu { self.number("LEAK", LEAK) } else { self };
        shader.part(activation.shader())
    }

    /// Adds one of the files of `shaders/`.
    pub fn part(mut self, (file, text): (&str, &str)) -> Self {
        write!(self.source, "\n// --- {file}\n{text}").expect("a string takes everything");
        self
    }
}

/// A file of `shaders/` with its name, to be added to a [`Shader`].
macro_rules! shader_file {
    ($file:literal) => {
        ($file, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file)))
    };
}
pub(crate) use shader_file;
