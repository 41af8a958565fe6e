//! Multiply-adds in registers, to see how many a device does at most. No plan of training has it. Shader: `shaders/peak.wgsl`.

use super::shader::{Shader, shader_file};
use super::{Bounded, Form, Kernel, Operand, Step, Twin, View, ViewMut, Workspace, read, word, written};
use crate::rounding::UNIT;
use crate::scalar::Scalar;

/// Reads x and y [2 × 4]; writes [invocations × 4], in each row the sum of chains of `s = s x + y` in each of four columns.
#[derive(Debug, Clone)]
pub struct Peak {
    /// Workgroups, each of [`LANES`](Self::LANES) invocations.
    pub groups: usize,
    /// Links of each chain.
    pub rounds: usize,
}

/// Chains of an invocation, each of four numbers.
const CHAINS: u32 = 16;

impl Peak {
    /// Its name.
    pub const NAME: &'static str = "peak";
    /// Invocations of a workgroup.
    pub const LANES: usize = 256;

    /// Floating-point operations, two a multiply-add.
    pub fn operations(&self) -> f64 {
        2.0 * 4.0 * f64::from(CHAINS) * (self.rounds * self.groups * Self::LANES) as f64
    }

    /// What a chain of one lane begins with.
    fn start(lane: usize, chain: u32) -> f64 {
        lane as f64 + f64::from(chain)
    }
}

impl Kernel for Peak {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn operands(&self) -> Vec<Operand> {
        vec![Operand::read("factors", 2, 4), Operand::write("sums", self.groups * Self::LANES, 4)]
    }

    fn shader(&self, _form: Form) -> Shader {
        Shader::new(Self::NAME)
            .operands(&self.operands())
            .constant("LANES", Self::LANES as u32)
            .constant("CHAINS", CHAINS)
            .part(shader_file!("step.wgsl"))
            .part(shader_file!("this_step.wgsl"))
            .part(shader_file!("peak.wgsl"))
            .written_out()
    }

    fn lanes(&self, _form: Form) -> [u32; 2] {
        [Self::LANES as u32, 1]
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

impl Bounded for Peak {
    /// Each link rounds once or, on devices that do not fuse it, twice; what is wrong so far is carried on.
    fn bounds(&self, _step: &Step, reads: &[View<'_, f64>], _before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let factors = read(reads, "factors").values;
        let of = |lane: usize, column: usize| {
            let (x, y) = (factors[column].abs(), factors[4 + column].abs());
            let (mut error, mut magnitude) = (0.0, 0.0);
            for chain in 0..CHAINS {
                let (mut size, mut off) = (Self::start(lane, chain), 0.0);
                for _ in 0..self.rounds {
                    off = off * x + UNIT * (2.0 * size * x + y + off);
                    size = size * x + y;
                }
                magnitude += size;
                error += off + UNIT * magnitude;
            }
            error
        };
        let row: Vec<f64> =
            (0..Self::LANES).flat_map(|lane| (0..4).map(move |column| (lane, column))).map(|(l, c)| of(l, c)).collect();
        vec![row.repeat(self.groups)]
    }
}

impl<T: Scalar> Twin<T> for Peak {
    fn run(&self, _step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], _workspace: &mut Workspace<T>) {
        let (x, y) = read(reads, "factors").values.split_at(4);
        let [sums] = written(writes, ["sums"]);
        let (first, others) = sums.split_at_mut(4 * Self::LANES);
        for (lane, sums) in first.chunks_mut(4).enumerate() {
            sums.fill(T::ZERO);
            for chain in 0..CHAINS {
                let mut s = [T::from_f64(Self::start(lane, chain)); 4];
                for _ in 0..self.rounds {
                    s.iter_mut().zip(x).zip(y).for_each(|((s, &x), &y)| *s = *s * x + y);
                }
                sums.iter_mut().zip(s).for_each(|(sum, s)| *sum += s);
            }
        }
        others.chunks_mut(first.len()).for_each(|sums| sums.copy_from_slice(first));
    }
}
