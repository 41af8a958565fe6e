//! The sum of all partial sums that `norm` left: the square of the gradients' norm. Shader: `shaders/norm_total.wgsl`.

use super::norm::LANES;
use super::shader::{Shader, shader_file};
use super::{Bounded, Form, Kernel, Operand, Step, Twin, View, ViewMut, Workspace, read, stride4, word, written};
use crate::rounding::{UNIT, sum_error};
use crate::scalar::Scalar;

/// Reads the partial sums of squares [1 × places] of all layers' gradients; writes their sum [1 × 1].
#[derive(Debug, Clone)]
pub struct NormTotal {
    /// Partial sums, of all layers.
    pub places: usize,
}

impl Kernel for NormTotal {
    fn name(&self) -> &'static str {
        "norm_total"
    }

    fn operands(&self) -> Vec<Operand> {
        vec![Operand::read("partial_sums", 1, self.places), Operand::write("total", 1, 1)]
    }

    fn shader(&self, _form: Form) -> Shader {
        Shader::new("norm_total")
            .operands(&self.operands())
            .constant("LANES", LANES)
            .part(shader_file!("step.wgsl"))
            .part(shader_file!("this_step.wgsl"))
            .part(shader_file!("workgroup_sum.wgsl"))
            .part(shader_file!("norm_total.wgsl"))
    }

    fn lanes(&self, _form: Form) -> [u32; 2] {
        [LANES, 1]
    }

    fn workgroup_bytes(&self, _form: Form) -> u32 {
        4 * LANES
    }

    fn parameters(&self, _form: Form) -> Vec<u32> {
        vec![word(stride4(self.places)), 0, 0, 0]
    }

    fn workgroups(&self, _rows: usize, _form: Form) -> [u64; 2] {
        [1, 1]
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        stride4(self.places).div_ceil(LANES as usize) as u64
    }
}

impl Bounded for NormTotal {
    fn bounds(&self, _step: &Step, reads: &[View<'_, f64>], _before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let sums = read(reads, "partial_sums");
        let magnitude: f64 = sums.values[..self.places].iter().map(|sum| sum.abs()).sum();
        let carried: f64 = (0..self.places).map(|index| sums.error(index)).sum();
        vec![vec![(sum_error(self.places) + UNIT) * magnitude + carried]]
    }
}

impl<T: Scalar> Twin<T> for NormTotal {
    fn run(&self, _step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], _workspace: &mut Workspace<T>) {
        let [total] = written(writes, ["total"]);
        total[0] = read(reads, "partial_sums").values[..self.places].iter().copied().sum();
    }
}
