//! `Σ g²` over each part of a layer's gradients, from which `norm_total` makes the norm of all. Shader: `shaders/norm.wgsl`.

use std::ops::Range;

use super::operands::Elements;
use super::product::elementwise_workgroups;
use super::shader::{Shader, shader_file};
use super::{Bounded, Form, Kernel, Operand, Step, Twin, View, ViewMut, Workspace, read, stride4, word, written};
use crate::rounding::{UNIT, sum_error, underflow};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Reads a layer's gradients [rows × columns]; writes the sums of squares of its parts into [1 × places], from place `first` on. A part
/// is so many vec4s of the padded rows, whatever the device, so that the sums have the same order everywhere.
#[derive(Debug, Clone)]
pub struct Norm {
    /// Rows of the gradients: inputs and bias.
    pub rows: usize,
    /// Columns: outputs.
    pub columns: usize,
    /// Parts of the layers before this one.
    pub first: usize,
    /// Parts of all layers.
    pub places: usize,
}

/// Invocations of a workgroup.
pub(super) const LANES: u32 = 256;
/// Vec4s that an invocation adds up: the loads are independent of each other.
const EACH: u32 = 4;
/// Vec4s of a part.
const PART: usize = (LANES * EACH) as usize;
/// Sums that the CPU keeps side by side.
const SUMS: usize = 16;

impl Norm {
    /// Parts of this layer.
    pub fn parts(&self) -> usize {
        self.length4().div_ceil(PART)
    }

    /// Vec4s of the padded gradients.
    fn length4(&self) -> usize {
        self.rows * stride4(self.columns)
    }

    /// The elements of a part, as ranges of the dense gradients: one where rows have no padding, else one a row.
    fn elements(&self, part: usize) -> impl Iterator<Item = Range<usize>> {
        let (rows, columns) =
            if self.columns.is_multiple_of(4) { (1, self.rows * self.columns) } else { (self.rows, self.columns) };
        let width = stride4(columns);
        let (first, end) = (part * PART, ((part + 1) * PART).min(rows * width));
        (first / width..end.div_ceil(width)).map(move |row| {
            let column = |place: usize| (4 * place.saturating_sub(row * width)).min(columns);
            row * columns + column(first)..row * columns + column(end)
        })
    }
}

impl Kernel for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn operands(&self) -> Vec<Operand> {
        let partial_sums = Operand::write("partial_sums", 1, self.places).of(Elements::Real);
        vec![Operand::read("gradient", self.rows, self.columns), partial_sums]
    }

    fn shader(&self, _form: Form) -> Shader {
        Shader::new("norm")
            .operands(&self.operands())
            .constant("LANES", LANES)
            .constant("EACH", EACH)
            .part(shader_file!("step.wgsl"))
            .part(shader_file!("this_step.wgsl"))
            .part(shader_file!("workgroup_sum.wgsl"))
            .part(shader_file!("norm.wgsl"))
    }

    fn lanes(&self, _form: Form) -> [u32; 2] {
        [LANES, 1]
    }

    fn workgroup_bytes(&self, _form: Form) -> u32 {
        4 * LANES
    }

    fn parameters(&self, _form: Form) -> Vec<u32> {
        [self.length4(), self.parts(), self.first, self.places.next_multiple_of(4)].map(word).to_vec()
    }

    fn workgroups(&self, _rows: usize, _form: Form) -> [u64; 2] {
        elementwise_workgroups(self.rows, self.columns, LANES * EACH)
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        u64::from(EACH)
    }
}

impl Bounded for Norm {
    fn bounds(&self, _step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let gradient = read(reads, "gradient");
        let mut bounds = vec![0.0; before[0].values.len()];
        for part in 0..self.parts() {
            let (mut terms, mut sum, mut carried) = (0, 0.0, 0.0);
            for index in self.elements(part).flatten() {
                let (g, error) = (gradient.values[index], gradient.error(index));
                terms += 1;
                sum += g * g;
                carried += (2.0 * g.abs() + error) * error;
            }
            bounds[self.first + part] = (sum_error(terms) + 2.0 * UNIT) * sum + carried + underflow(terms);
        }
        vec![bounds]
    }
}

impl<T: Scalar> Twin<T> for Norm {
    fn run(&self, _step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], _workspace: &mut Workspace<T>) {
        let [sums] = written(writes, ["partial_sums"]);
        let sums = &mut sums[self.first..][..self.parts()];
        vectorised(Squares { norm: self, gradient: read(reads, "gradient").values, sums });
    }
}

/// The sums of the squares of a layer's parts.
struct Squares<'a, T> {
    norm: &'a Norm,
    gradient: &'a [T],
    sums: &'a mut [T],
}

impl<T: Scalar> Vectorised for Squares<'_, T> {
    #[inline(always)]
    fn run(self) {
        for (part, total) in self.sums.iter_mut().enumerate() {
            let mut sums = [T::ZERO; SUMS];
            for elements in self.norm.elements(part) {
                let (whole, rest) = self.gradient[elements].as_chunks::<SUMS>();
                for gradients in whole {
                    for (sum, &g) in sums.iter_mut().zip(gradients) {
                        *sum += g * g;
                    }
                }
                for (sum, &g) in sums.iter_mut().zip(rest) {
                    *sum += g * g;
                }
            }
            *total = sums.into_iter().sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts are what the shader makes of the padded rows: together every element once, none longer than a workgroup adds up.
    #[test]
    fn parts_hold_every_element_once() {
        for (rows, columns) in [(1, 1), (3, 5), (301, 65), (64, 64), (2, 9001), (1500, 3)] {
            let norm = Norm { rows, columns, first: 0, places: 0 };
            let of_part = |part| norm.elements(part).flatten().collect::<Vec<_>>();
            let all: Vec<usize> = (0..norm.parts()).flat_map(of_part).collect();
            assert_eq!(all, (0..rows * columns).collect::<Vec<_>>(), "{rows} × {columns}");
            for part in 0..norm.parts() {
                let place = |index: usize| index / columns * stride4(columns) + index % columns / 4;
                assert!(of_part(part).into_iter().all(|index| place(index) / PART == part), "{rows} × {columns}: {part}");
            }
        }
    }
}
