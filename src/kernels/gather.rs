//! `batch[i] = source[order[first + i]]`: the rows of a batch, copied together. Shader: `shaders/gather.wgsl`.

use super::shader::{Shader, shader_file};
use super::source::ORDER;
use super::tiling::Tiling;
use super::{Bounded, Form, Kernel, Operand, Step, Twin, View, ViewMut, Workspace, read, stride4, word, written};
use crate::scalar::Scalar;

/// Elements that a thread of the CPU copies at once, about.
const TILE: usize = 1 << 16;
/// Rows of the batch that one workgroup copies, along y.
const ROWS: u32 = 4;

/// Reads one segment of the source [segment rows × columns] and the order (indices); writes the batch's rows that lie in the
/// segment [rows × columns]. Sources too large for one buffer are several segments, and one gather each.
#[derive(Debug, Clone)]
pub struct Gather {
    /// Width of a row.
    pub columns: usize,
    /// The source's row that is the segment's first.
    pub segment_first: usize,
    /// Rows in the segment.
    pub segment_rows: usize,
    /// Indices in the order of one replica.
    pub order: usize,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
}

impl Kernel for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn operands(&self) -> Vec<Operand> {
        vec![
            Operand::read("source", self.segment_rows, self.columns),
            Operand::order(self.order),
            Operand::write("batch", self.capacity, self.columns),
        ]
    }

    fn shader(&self, form: Form) -> Shader {
        let lanes = form.lanes;
        Shader::new(format!("gather-{lanes}"))
            .operands(&self.operands())
            .constant("LANES", lanes)
            .constant("ROWS", ROWS)
            .part(shader_file!("rows.wgsl"))
            .part(shader_file!("step.wgsl"))
            .part(shader_file!("this_step.wgsl"))
            .part(shader_file!("gather.wgsl"))
    }

    fn lanes(&self, form: Form) -> [u32; 2] {
        [form.lanes, ROWS]
    }

    fn parameters(&self, _form: Form) -> Vec<u32> {
        let sizes = [self.columns, self.segment_first, self.segment_rows, self.order.next_multiple_of(4), self.capacity];
        sizes.into_iter().map(word).chain([0; 3]).collect()
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        let columns = stride4(self.columns) as u64;
        [columns.div_ceil(u64::from(form.lanes)), (rows as u64).div_ceil(u64::from(ROWS))]
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        1
    }
}

impl Bounded for Gather {
    fn bounds(&self, _step: &Step, _reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        vec![vec![0.0; before[0].values.len()]]
    }
}

impl<T: Scalar> Twin<T> for Gather {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let source = read(reads, "source").values;
        let [batch] = written(writes, ["batch"]);
        let order = &read(reads, ORDER).indices[step.first..step.first + step.rows];
        Tiling::of_rows(step.rows, self.columns, TILE).for_each([batch], workspace.threads, |tile| {
            tile.for_each_run(|first, [rows]| {
                for (row, &from) in rows.chunks_mut(self.columns).zip(&order[first..]) {
                    let from = (from as usize).wrapping_sub(self.segment_first);
                    if from < self.segment_rows {
                        row.copy_from_slice(&source[from * self.columns..(from + 1) * self.columns]);
                    }
                }
            });
        });
    }
}
