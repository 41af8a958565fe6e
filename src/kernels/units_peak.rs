//! Products of fragments in registers, to see how many multiply-adds a device's matrix units do at most. No plan of training has it. Shader:
//! `shaders/units_peak.wgsl`.

use super::shader::{Shader, shader_file};
use super::units::LANES;
use super::{Bounded, Form, Kernel, Operand, Step, Twin, View, ViewMut, Workspace, read, word, written};
use crate::scalar::Scalar;

/// Reads lhs [64 × 16] and rhs [16 × 64], one after the other in rows of four: small integers, whose sums are exact; writes
/// [16 · shares × 16], for each share the sum of 4 × 4 chains of `s += l · r`, of 4 fragments of each factor.
#[derive(Debug, Clone)]
pub struct UnitsPeak {
    /// Workgroups, each of [`SHARES`](Self::SHARES) shares.
    pub groups: usize,
    /// Links of each chain.
    pub rounds: usize,
}

/// Rows, columns and terms of a fragment, and fragments of each factor.
const FRAGMENT: usize = 16;
const FRAGMENTS: usize = 4;

impl UnitsPeak {
    /// Its name.
    pub const NAME: &'static str = "units_peak";
    /// Shares of a workgroup: as many as it may have subgroups.
    pub const SHARES: usize = LANES as usize / 32;
    /// Numbers of each factor.
    const NUMBERS: usize = FRAGMENTS * FRAGMENT * FRAGMENT;

    /// Floating-point operations, two a multiply-add.
    pub fn operations(&self) -> f64 {
        let chains = FRAGMENTS * FRAGMENTS * Self::SHARES * self.groups;
        2.0 * FRAGMENT.pow(3) as f64 * (chains * self.rounds) as f64
    }

    /// Rows and columns of what is written.
    pub fn written(&self) -> [usize; 2] {
        [FRAGMENT * Self::SHARES * self.groups, FRAGMENT]
    }

    /// Numbers between -2 and 2 for both factors, no fragment like another.
    pub fn factors() -> Vec<f32> {
        (0..2 * Self::NUMBERS).map(|i| (i * i % 61 % 5) as f32 - 2.0).collect()
    }
}

impl Kernel for UnitsPeak {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn operands(&self) -> Vec<Operand> {
        let [rows, columns] = self.written();
        vec![Operand::read("factors", Self::NUMBERS / 2, 4), Operand::write("sums", rows, columns)]
    }

    fn shader(&self, _form: Form) -> Shader {
        Shader::new("peak-units")
            .operands(&self.operands())
            .enable("f16")
            .enable("wgpu_cooperative_matrix")
            .constant("LANES", LANES)
            .constant("SHARES", word(Self::SHARES))
            .part(shader_file!("step.wgsl"))
            .part(shader_file!("this_step.wgsl"))
            .part(shader_file!("units_peak.wgsl"))
            .written_out()
    }

    fn lanes(&self, _form: Form) -> [u32; 2] {
        [LANES, 1]
    }

    /// The factors in f16, and the number of subgroups.
    fn workgroup_bytes(&self, _form: Form) -> u32 {
        2 * 2 * word(Self::NUMBERS) + 4
    }

    fn parameters(&self, _form: Form) -> Vec<u32> {
        vec![word(self.rounds), 0, 0, 0]
    }

    fn workgroups(&self, _rows: usize, _form: Form) -> [u64; 2] {
        [self.groups as u64, 1]
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        self.rounds as u64
    }
}

impl Bounded for UnitsPeak {
    /// Sums of integers are exact.
    fn bounds(&self, _step: &Step, _reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        vec![vec![0.0; before[0].values.len()]]
    }
}

impl<T: Scalar> Twin<T> for UnitsPeak {
    fn run(&self, _step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], _workspace: &mut Workspace<T>) {
        let (lhs, rhs) = read(reads, "factors").values.split_at(Self::NUMBERS);
        let [sums] = written(writes, ["sums"]);
        let (first, others) = sums.split_at_mut(FRAGMENT * FRAGMENT);
        let sum = |values: &[T]| values.iter().fold(T::ZERO, |sum, &value| sum + value);
        for (place, written) in first.iter_mut().enumerate() {
            let (row, column) = (place / FRAGMENT, place % FRAGMENT);
            // The sum over all pairs of fragments is the product of the sums of fragments.
            let terms = (0..FRAGMENT).map(|term| {
                let of_lhs = [0, 1, 2, 3].map(|fragment| lhs[(FRAGMENT * fragment + row) * FRAGMENT + term]);
                let of_rhs = [0, 1, 2, 3].map(|fragment| rhs[FRAGMENTS * FRAGMENT * term + FRAGMENT * fragment + column]);
                sum(&of_lhs) * sum(&of_rhs)
            });
            *written = T::from_f64(self.rounds as f64) * sum(&terms.collect::<Vec<_>>());
        }
        others.chunks_mut(first.len()).for_each(|sums| sums.copy_from_slice(first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Link by link and chain by chain, as the shader has it.
    #[test]
    fn the_sum_of_all_chains_is_the_definition_and_exact_in_f32() {
        let kernel = UnitsPeak { groups: 2, rounds: 3 };
        let factors = UnitsPeak::factors();
        let [rows, columns] = kernel.written();
        let mut written = vec![0.0_f32; rows * columns];
        let reads = [View::new("factors", &factors)];
        kernel.run(&Step::default(), &reads, &mut [ViewMut::new("sums", &mut written)], &mut Workspace::new(1));
        let (lhs, rhs) = factors.split_at(64 * 16);
        for (place, &actual) in written.iter().enumerate() {
            let (row, column) = (place / 16 % 16, place % 16);
            let mut sum = 0.0;
            for (r, c) in (0..4).flat_map(|r| (0..4).map(move |c| (r, c))) {
                for _link in 0..3 {
                    sum += (0..16).map(|t| lhs[(16 * r + row) * 16 + t] * rhs[64 * t + 16 * c + column]).sum::<f32>();
                }
            }
            assert_eq!(actual, sum, "row {row}, column {column}");
        }
        assert_eq!(written.len(), 2 * 4 * 16 * 16);
        assert_eq!(kernel.operations(), 2.0 * 4096.0 * (16 * 4 * 2 * 3) as f64);
        let most: f32 = 4.0 * 16.0 * 16.0 * 4096.0;
        assert!(most < 2_f32.powi(24), "of 4,096 links every sum is an integer that f32 holds");
        assert!(lhs.chunks(256).all(|one| lhs.chunks(256).filter(|other| one == *other).count() == 1));
    }
}
