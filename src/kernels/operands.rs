//! The buffers of a kernel, each stated once: from this list follow the shader's bindings, the order of a launch's buffers, and what the
//! twin reads and writes.

use std::fmt::Write;

/// How many vec4s a row of `columns` elements takes on the GPU: rows are padded with zeros to a multiple of four.
pub const fn stride4(columns: usize) -> usize {
    columns.div_ceil(4)
}

/// A size as the shaders' `u32`.
///
/// # Panics
/// If it does not fit: the plan's sizes are checked against the device before any kernel is asked.
pub(crate) fn word(size: usize) -> u32 {
    u32::try_from(size).expect("sizes are checked against the device's limits first")
}

/// What a kernel does with a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It reads it.
    Read,
    /// It writes it, and may read it.
    Write,
}

/// What the shader takes a buffer's elements for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elements {
    /// Four numbers of a row at a time.
    Vec4,
    /// Single numbers.
    Real,
    /// Single indices.
    Index,
    /// Words that several invocations may set at once.
    Flag,
}

/// How many of the plan's buffers an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// One.
    One,
    /// So many, each with a binding of its own, which the shader has under the operand's name and a number from 0.
    Each(usize),
    /// So many, which lie in one piece of memory ([`Buffer::group`](crate::plan::Buffer::group)) and are one binding.
    Group(usize),
}

impl Count {
    /// Buffers of the plan.
    pub fn buffers(self) -> usize {
        match self {
            Self::One => 1,
            Self::Each(count) | Self::Group(count) => count,
        }
    }

    /// Bindings of the shader.
    pub fn bindings(self) -> usize {
        match self {
            Self::One | Self::Group(_) => 1,
            Self::Each(count) => count,
        }
    }
}

/// A buffer that a kernel reads or writes, or several of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operand {
    /// Its name: in the shader, in the plan's launches and for the twin.
    pub name: &'static str,
    /// What is done with it.
    pub access: Access,
    /// What the shader takes its elements for.
    pub elements: Elements,
    /// Rows and columns of one replica, where they are the same in every plan with kernels of this size: the data has as many rows as it
    /// has. Of several buffers those of each.
    pub shape: Vec<[Option<usize>; 2]>,
    /// How many buffers it is.
    pub count: Count,
}

impl Operand {
    /// A matrix that is read, [rows × columns].
    pub fn read(name: &'static str, rows: impl Into<Option<usize>>, columns: impl Into<Option<usize>>) -> Self {
        let shape = vec![[rows.into(), columns.into()]];
        Self { name, access: Access::Read, elements: Elements::Vec4, shape, count: Count::One }
    }

    /// A matrix that is written, [rows × columns].
    pub fn write(name: &'static str, rows: impl Into<Option<usize>>, columns: impl Into<Option<usize>>) -> Self {
        Self { access: Access::Write, ..Self::read(name, rows, columns) }
    }

    /// The same, of other elements.
    pub fn of(self, elements: Elements) -> Self {
        Self { elements, ..self }
    }

    /// Several matrices of these shapes, as `count` has it.
    pub fn several(name: &'static str, access: Access, count: fn(usize) -> Count, shapes: Vec<[Option<usize>; 2]>) -> Self {
        let count = count(shapes.len());
        Self { name, access, elements: Elements::Vec4, shape: shapes, count }
    }
}

/// The names of an operand list's buffers, one a buffer, of those that are accessed in this way.
pub fn names(operands: &[Operand], access: Access) -> impl Iterator<Item = &'static str> {
    let accessed = operands.iter().filter(move |operand| operand.access == access);
    accessed.flat_map(|operand| std::iter::repeat_n(operand.name, operand.count.buffers()))
}

/// Bindings of the operands that are accessed in this way.
pub fn bindings(operands: &[Operand], access: Access) -> usize {
    operands.iter().filter(|operand| operand.access == access).map(|operand| operand.count.bindings()).sum()
}

/// The WGSL declarations of a kernel's bindings after its parameters and its step: what it reads, then what it writes.
pub(super) fn declarations(operands: &[Operand]) -> String {
    let mut text = String::new();
    let mut binding = 2;
    for access in [Access::Read, Access::Write] {
        for operand in operands.iter().filter(|operand| operand.access == access) {
            let mode = if access == Access::Read { "read" } else { "read_write" };
            let element = match operand.elements {
                Elements::Vec4 => "vec4f",
                Elements::Real => "f32",
                Elements::Index => "u32",
                Elements::Flag => "atomic<u32>",
            };
            for number in 0..operand.count.bindings() {
                let number = if let Count::Each(_) = operand.count { number.to_string() } else { String::new() };
                let name = operand.name;
                writeln!(text, "@group(0) @binding({binding}) var<storage, {mode}> {name}{number}: array<{element}>;")
                    .expect("a string takes everything");
                binding += 1;
            }
        }
    }
    text
}
