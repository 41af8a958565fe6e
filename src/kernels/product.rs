//! The matrix product, which forward, delta and update share: `gemm` on the CPU, `shaders/direct.wgsl` on the GPU.

use gemm::Parallelism;

use super::shader::{Shader, shader_file};
use super::{Source, word};
use crate::scalar::Scalar;

/// Rows of the product that one invocation of the direct loop sums.
pub const DIRECT_ROWS: usize = 8;
/// vec4s of a row of the product that one invocation of the direct loop sums.
pub const DIRECT_COLUMNS4: usize = 2;

/// Rows of the product that one invocation of the narrow loop sums, whole.
const NARROW_ROWS: usize = 4;
/// The most vec4s in a row of the product that one invocation of the narrow loop sums.
pub const NARROW_COLUMNS4: usize = 4;

/// Adds the constants, the kernel's own parts and the loop of the direct family.
pub(crate) fn direct(shader: Shader, lanes: u32, kernel: impl FnOnce(Shader) -> Shader) -> Shader {
    let shader = shader
        .constant("LANES", lanes)
        .constant("ROWS", DIRECT_ROWS as u32)
        .constant("COLUMNS", DIRECT_COLUMNS4 as u32)
        .constant("SUMS", (DIRECT_ROWS * DIRECT_COLUMNS4) as u32)
        .part(shader_file!("rows.wgsl"))
        .part(shader_file!("step.wgsl"))
        .part(shader_file!("this_step.wgsl"))
        .part(shader_file!("layer.wgsl"));
    kernel(shader).part(shader_file!("direct.wgsl"))
}

/// Workgroups of the direct loop for a product of rows × columns.
pub(crate) fn direct_workgroups(rows: usize, columns: usize, lanes: u32) -> [u64; 2] {
    let invocations = super::stride4(columns).div_ceil(DIRECT_COLUMNS4) as u64;
    [invocations.div_ceil(u64::from(lanes)), rows.div_ceil(DIRECT_ROWS) as u64]
}

/// Loop iterations of one invocation of the direct loop for sums of `depth` terms.
pub(crate) fn direct_iterations(depth: usize) -> u64 {
    super::stride4(depth) as u64
}

/// The same for the narrow loop, for rows of `columns` vec4s.
pub(crate) fn narrow(shader: Shader, lanes: u32, columns: usize, kernel: impl FnOnce(Shader) -> Shader) -> Shader {
    let shader = shader
        .constant("LANES", lanes)
        .constant("ROWS", NARROW_ROWS as u32)
        .constant("COLUMNS", columns as u32)
        .constant("SUMS", (NARROW_ROWS * columns) as u32)
        .part(shader_file!("rows.wgsl"))
        .part(shader_file!("step.wgsl"))
        .part(shader_file!("this_step.wgsl"))
        .part(shader_file!("layer.wgsl"));
    kernel(shader).part(shader_file!("narrow.wgsl"))
}

/// Workgroups of the narrow loop for a product of so many rows.
pub(crate) fn narrow_workgroups(rows: usize, lanes: u32) -> [u64; 2] {
    [(rows.div_ceil(NARROW_ROWS) as u64).div_ceil(u64::from(lanes)), 1]
}

/// Loop iterations of one invocation of the narrow loop, were no loop in it unrolled.
pub(crate) fn narrow_iterations(depth: usize, columns: usize) -> u64 {
    let columns = super::stride4(columns) as u64;
    (super::stride4(depth) as u64 * columns + 4 * columns) * (1 + NARROW_ROWS as u64)
}

/// The words of the parameters in `shaders/layer.wgsl`: inputs, outputs, bias and capacity, where the batch's rows are, and room
/// for the losses of one replica.
pub(crate) fn layer(sizes: [usize; 4], source: Source, losses: usize) -> Vec<u32> {
    sizes.into_iter().map(word).chain([source.order_length(), word(losses.next_multiple_of(4))]).collect()
}

/// How a factor of a product lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Row-major, as the product reads it.
    Normal,
    /// Row-major, but its transpose is what the product reads.
    Transposed,
}

/// Multiply-adds from which a product is worth two threads: below, waking them costs more than they save.
const WORTH_THREADS: usize = 1 << 19;

/// `result = keep · result + scale · lhs · rhs`, lhs being m × k, rhs k × n and result m × n, all dense.
///
/// With `keep` 0 the old result is not read. Sums run along k in an order that the sizes alone decide.
///
/// # Panics
/// If a slice is shorter than its matrix.
#[expect(clippy::too_many_arguments, reason = "the sizes and factors of BLAS's gemm, under their usual names")]
pub fn product<T: Scalar>(
    [m, n, k]: [usize; 3],
    result: &mut [T],
    keep: T,
    scale: T,
    lhs: &[T],
    lhs_layout: Layout,
    rhs: &[T],
    rhs_layout: Layout,
    threads: usize,
) {
    assert!(result.len() >= m * n && lhs.len() >= m * k && rhs.len() >= k * n, "a matrix is shorter than its sizes say");
    let strides = |layout, rows: usize, columns: usize| match layout {
        Layout::Normal => (1, columns as isize),
        Layout::Transposed => (rows as isize, 1),
    };
    let (lhs_column, lhs_row) = strides(lhs_layout, m, k);
    let (rhs_column, rhs_row) = strides(rhs_layout, k, n);
    let parallelism =
        if threads > 1 && m * n * k >= WORTH_THREADS { Parallelism::Rayon(threads) } else { Parallelism::None };
    #[expect(unsafe_code, reason = "gemm takes pointers; the assertion above keeps every element in its slice")]
    // SAFETY: the strides describe dense matrices of the asserted sizes, and `result` is borrowed mutably, so no factor aliases it.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            result.as_mut_ptr(),
            1,
            n as isize,
            keep != T::ZERO,
            lhs.as_ptr(),
            lhs_column,
            lhs_row,
            rhs.as_ptr(),
            rhs_column,
            rhs_row,
            keep,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_gives_the_product_of_small_integers_exactly() {
        let (m, n, k) = (5, 7, 3);
        let lhs: Vec<f64> = (0..m * k).map(|i| (i % 7) as f64 - 3.0).collect();
        let rhs: Vec<f64> = (0..k * n).map(|i| (i % 5) as f64 - 2.0).collect();
        let transposed = |values: &[f64], rows: usize, columns: usize| -> Vec<f64> {
            (0..rows * columns).map(|i| values[(i % rows) * columns + i / rows]).collect()
        };
        let mut expected = vec![10.0; m * n];
        for (i, value) in expected.iter_mut().enumerate() {
            *value = 20.0 - (0..k).map(|t| lhs[(i / n) * k + t] * rhs[t * n + i % n]).sum::<f64>();
        }
        let (lhs_t, rhs_t) = (transposed(&lhs, m, k), transposed(&rhs, k, n));
        for (lhs, lhs_layout) in [(&lhs, Layout::Normal), (&lhs_t, Layout::Transposed)] {
            for (rhs, rhs_layout) in [(&rhs, Layout::Normal), (&rhs_t, Layout::Transposed)] {
                let mut result = vec![10.0; m * n];
                product([m, n, k], &mut result, 2.0, -1.0, lhs, lhs_layout, rhs, rhs_layout, 1);
                assert_eq!(result, expected, "{lhs_layout:?} {rhs_layout:?}");
            }
        }
    }

    #[test]
    fn nothing_of_the_old_result_is_kept_with_keep_zero() {
        let mut result = [f32::NAN];
        product([1, 1, 1], &mut result, 0.0, 1.0, &[2.0], Layout::Normal, &[3.0], Layout::Normal, 1);
        assert_eq!(result, [6.0]);
    }
}
