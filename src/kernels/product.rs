//! The matrix product, which forward, delta and update share: `gemm` on the CPU, `shaders/direct.wgsl` and
//! `shaders/tiled.wgsl` on GPUs, in one pass or in parts that `shaders/reduction.wgsl` adds up.

use std::marker::PhantomData;
use std::ops::Range;

use gemm::Parallelism;
use rayon::prelude::*;

use super::form::{Choice, DIRECT_COLUMNS4, DIRECT_ROWS, Family, Form, MOST_ITERATIONS, Pass, TILE_DEPTH, Target};
use super::shader::{Shader, shader_file};
use super::{Source, stride4, word};
use crate::scalar::Scalar;

/// Workgroups that keep a GPU busy; no interface tells how many cores it has.
const ENOUGH_WORKGROUPS: usize = 64;
/// Terms of a sum that take a GPU about as long as the second pass that splitting it costs.
const WORTH_SPLITTING: usize = 512;
/// The same for a software adapter, which shares the parts among its threads.
const WORTH_SPLITTING_SOFTWARE: usize = 2048;
/// Ways to compute a product that are worth a measurement.
pub const MOST_CHOICES: usize = 4;
/// Workgroups along x of a reduction.
const REDUCTION_WIDTH: u64 = 1024;

/// Rows of the product that one invocation of the narrow loop sums, whole.
const NARROW_ROWS: usize = 4;
/// The most vec4s in a row of the product that one invocation of the narrow loop sums.
pub const NARROW_COLUMNS4: usize = 4;

/// What a product's shader is made of, beside the kernel's own parts.
pub(crate) struct Composition<'a> {
    /// The kernel.
    pub(crate) kernel: &'a str,
    /// Which of the kernel's shaders.
    pub(crate) variant: &'a str,
    /// Buffers that the kernel reads and writes.
    pub(crate) operands: usize,
    /// How the factors lie in memory.
    pub(crate) layouts: [Layout; 2],
}

impl Composition<'_> {
    /// Adds the constants, the kernel's own parts and the loop.
    pub(crate) fn shader(&self, form: Form, kernel: impl FnOnce(Shader) -> Shader) -> Shader {
        let Form { lanes, family, pass } = form;
        let which = match pass {
            Pass::Whole => family.name().to_string(),
            Pass::Parts(_) => format!("{}-parts", family.name()),
            Pass::Reduction(_) => "reduction".to_string(),
        };
        let shader = Shader::new(format!("{}-{which}-{}-{lanes}", self.kernel, self.variant));
        let shader = match pass {
            Pass::Reduction(_) => shader.constant("LANES", lanes).constant("ROWS", 4),
            Pass::Whole | Pass::Parts(_) => self.constants(shader, lanes, family),
        };
        let split = pass != Pass::Whole;
        let shader = if split { shader.constant("PARTIAL_SUMS", self.operands as u32 + 2) } else { shader };
        let shader = common(shader);
        let shader = kernel(shader).part(if split { shader_file!("parts.wgsl") } else { shader_file!("one_part.wgsl") });
        shader.part(match (pass, family.tile()) {
            (Pass::Reduction(_), _) => shader_file!("reduction.wgsl"),
            (_, None) => shader_file!("direct.wgsl"),
            (_, Some(_)) => shader_file!("tiled.wgsl"),
        })
    }

    fn constants(&self, shader: Shader, lanes: u32, family: Family) -> Shader {
        let [x, y] = family.lanes(lanes);
        let shader = shader.constant("LANES", x).constant("LANES_Y", y);
        match family.tile() {
            None => shader
                .constant("ROWS", DIRECT_ROWS)
                .constant("COLUMNS", DIRECT_COLUMNS4)
                .constant("SUMS", DIRECT_ROWS * DIRECT_COLUMNS4),
            Some(tile) => shader
                .constant("ROWS", 4)
                .constant("TILE_SIDE", tile.side)
                .constant("TILE_DEPTH", TILE_DEPTH)
                .constant("BLOCK_ROWS", tile.block_rows)
                .constant("BLOCK_COLUMNS", tile.block_columns)
                .constant("SUMS", 4 * tile.block_rows * tile.block_columns)
                .switch("LHS_ALONG_ROWS", self.layouts[0] == Layout::Transposed)
                .switch("RHS_ALONG_COLUMNS", self.layouts[1] == Layout::Normal),
        }
    }
}

/// Workgroups along x and y of a product of rows × columns.
pub(crate) fn workgroups([rows, columns, _]: [usize; 3], form: Form) -> [u64; 2] {
    if let Pass::Reduction(_) = form.pass {
        let groups = (rows as u64 * stride4(columns) as u64).div_ceil(u64::from(form.lanes)).max(1);
        let x = groups.min(REDUCTION_WIDTH);
        return [x, groups.div_ceil(x)];
    }
    let [reach_rows, reach_columns] = form.family.reach(form.lanes);
    [columns.div_ceil(reach_columns) as u64, rows.div_ceil(reach_rows) as u64]
}

/// Loop iterations of one invocation for sums of `depth` terms.
pub(crate) fn iterations([_, _, depth]: [usize; 3], form: Form) -> u64 {
    if let Pass::Reduction(parts) = form.pass {
        return u64::from(parts);
    }
    let terms4 = (stride4(depth) as u64).div_ceil(u64::from(form.parts()));
    match form.family.tile() {
        None => terms4,
        Some(_) => terms4 + (4 * terms4).div_ceil(u64::from(TILE_DEPTH)),
    }
}

/// Bytes of the partial sums of a product that is split, for this many replicas.
pub(crate) fn partial_bytes([rows, columns, _]: [usize; 3], parts: u32, replicas: usize) -> u64 {
    let sums = (rows as u64).saturating_mul(16 * stride4(columns) as u64);
    sums.saturating_mul(u64::from(parts)).saturating_mul(replicas as u64)
}

/// The ways to compute a product that are worth a measurement on this device, at most [`MOST_CHOICES`]: the first is the one to
/// take without.
///
/// Replicas do not count: each comes out bit for bit as it does alone.
pub(crate) fn choices(sizes: [usize; 3], target: &Target) -> Vec<Choice> {
    let [rows, columns, depth] = sizes;
    if target.software {
        let most = (depth / WORTH_SPLITTING_SOFTWARE).max(1);
        return distinct([1, 2, 4].map(|parts| split(sizes, Family::Direct, parts.min(most))));
    }
    let mut tiles = vec![Family::Tiled128, Family::Tiled64, Family::Tiled32];
    tiles.retain(|family| family.fits(target));
    let [thin_rows, _] = Family::Direct.reach(target.lanes);
    let [_, thin_columns] = Family::Thin.reach(target.lanes);
    let without_tiles = if columns <= thin_columns { Family::Thin } else { Family::Direct };
    let large = tiles.iter().find(|&&family| count(sizes, family, target) >= ENOUGH_WORKGROUPS).or(tiles.last());
    let first = match large {
        Some(&family) if rows > thin_rows && columns > thin_columns => family,
        _ => without_tiles,
    };
    let filled = |family: Family| {
        let missing = ENOUGH_WORKGROUPS.div_ceil(count(sizes, family, target));
        split(sizes, family, missing.min(depth / WORTH_SPLITTING).max(1))
    };
    distinct([first, without_tiles].into_iter().chain(tiles.into_iter().rev()).map(filled))
}

/// The first choices that differ from each other.
fn distinct(all: impl IntoIterator<Item = Choice>) -> Vec<Choice> {
    let mut choices = Vec::with_capacity(MOST_CHOICES);
    for choice in all {
        if choices.len() < MOST_CHOICES && !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    choices
}

/// Workgroups of a product in one part.
fn count(sizes: [usize; 3], family: Family, target: &Target) -> usize {
    let [x, y] = workgroups(sizes, Form { lanes: target.lanes, family, pass: Pass::Whole });
    usize::try_from(x.saturating_mul(y)).unwrap_or(usize::MAX).max(1)
}

/// The choice with this many parts, or as many as one invocation's loops need.
fn split([_, _, depth]: [usize; 3], family: Family, parts: usize) -> Choice {
    let most4 = if family.tile().is_some() { MOST_ITERATIONS / 2 } else { MOST_ITERATIONS };
    let least = (stride4(depth) as u64).div_ceil(most4).max(1);
    Choice { family, parts: u32::try_from(least.max(parts as u64)).unwrap_or(u32::MAX) }
}

/// What every product's shader begins with.
fn common(shader: Shader) -> Shader {
    shader
        .part(shader_file!("rows.wgsl"))
        .part(shader_file!("step.wgsl"))
        .part(shader_file!("this_step.wgsl"))
        .part(shader_file!("layer.wgsl"))
}

/// Adds the constants, the kernel's own parts and the narrow loop, for rows of `columns` vec4s.
pub(crate) fn narrow(shader: Shader, lanes: u32, columns: usize, kernel: impl FnOnce(Shader) -> Shader) -> Shader {
    let shader = shader
        .constant("LANES", lanes)
        .constant("ROWS", NARROW_ROWS as u32)
        .constant("COLUMNS", columns as u32)
        .constant("SUMS", (NARROW_ROWS * columns) as u32);
    kernel(common(shader)).part(shader_file!("narrow.wgsl"))
}

/// Workgroups of the narrow loop for a product of so many rows.
pub(crate) fn narrow_workgroups(rows: usize, lanes: u32) -> [u64; 2] {
    [(rows.div_ceil(NARROW_ROWS) as u64).div_ceil(u64::from(lanes)), 1]
}

/// Loop iterations of one invocation of the narrow loop, were no loop in it unrolled.
pub(crate) fn narrow_iterations(depth: usize, columns: usize) -> u64 {
    let columns = stride4(columns) as u64;
    (stride4(depth) as u64 * columns + 4 * columns) * (1 + NARROW_ROWS as u64)
}

/// The words of the parameters in `shaders/layer.wgsl`: inputs, outputs, bias and capacity, where the batch's rows are, room
/// for the losses of one replica, and into how many parts the sums are split.
pub(crate) fn layer(sizes: [usize; 4], source: Source, losses: usize, form: Form) -> Vec<u32> {
    let rest = [source.order_length(), word(losses.next_multiple_of(4)), form.parts()];
    sizes.into_iter().map(word).chain(rest).collect()
}

/// How a factor of a product lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Row-major, as the product reads it.
    Normal,
    /// Row-major, but its transpose is what the product reads.
    Transposed,
}

/// Multiply-adds from which it pays to cut a product into tiles for several threads.
const WORTH_TILES: usize = 1 << 21;
/// Tiles of a large product, about: enough to keep the threads of a desktop busy.
const TILES: usize = 16;
/// Elements of a result that an epilogue goes through at once, about: they stay in the nearest cache.
const RUN: usize = 4096;

/// The rows and columns of a product that are computed and finished at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Rows of the result.
    pub(crate) rows: Range<usize>,
    /// Columns of the result.
    pub(crate) columns: Range<usize>,
}

/// How an m × n result of sums of k terms is cut: as the sizes alone decide, never the number of threads, so that neither do
/// the sums. Tiles are as high as can be, for the rhs is packed anew for each row of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tiling {
    rows: usize,
    columns: usize,
    tile_rows: usize,
    tile_columns: usize,
}

impl Tiling {
    /// A cut of an m × n result of sums of k terms.
    pub(crate) fn new([m, n, k]: [usize; 3]) -> Self {
        let work = m.saturating_mul(n).saturating_mul(k);
        let most = if work < WORTH_TILES { 1 } else { (work / (WORTH_TILES / 2)).min(TILES) };
        // gemm packs the lhs only for more than 128 columns, which pays where it does not fit the caches.
        let step = if n >= 1024 { 256 } else { 64 };
        let tile_columns = n.div_ceil(most).next_multiple_of(step).min(n).max(1);
        let tile_rows = m.div_ceil((most / n.div_ceil(tile_columns)).max(1)).next_multiple_of(64).max(512).min(m).max(1);
        Self { rows: m, columns: n, tile_rows, tile_columns }
    }

    /// The same, with tiles of at most about `elements` elements.
    pub(crate) fn with_small_tiles(self, elements: usize) -> Self {
        let most = (elements / self.tile_columns).max(1).next_multiple_of(64);
        Self { tile_rows: self.tile_rows.min(most), ..self }
    }

    fn count(&self) -> usize {
        self.rows.div_ceil(self.tile_rows) * self.columns.div_ceil(self.tile_columns)
    }

    fn tile(&self, index: usize) -> Tile {
        let across = self.columns.div_ceil(self.tile_columns);
        let (row, column) = (index / across * self.tile_rows, index % across * self.tile_columns);
        Tile {
            rows: row..(row + self.tile_rows).min(self.rows),
            columns: column..(column + self.tile_columns).min(self.columns),
        }
    }

    /// Calls `work` for every tile, on several threads if there are several tiles, with its part of each of the matrices
    /// [rows × columns].
    pub(crate) fn for_each<T: Scalar, const N: usize>(
        &self,
        matrices: [&mut [T]; N],
        threads: usize,
        work: impl Fn(&mut TileMut<'_, T, N>) + Send + Sync,
    ) {
        let width = self.columns;
        assert!(matrices.iter().all(|matrix| matrix.len() >= self.rows * width), "a matrix is shorter than its sizes say");
        let matrices = Matrices(matrices.map(<[T]>::as_mut_ptr));
        let run = |index: usize| {
            let matrices = &matrices;
            work(&mut TileMut { tile: self.tile(index), width, matrices: matrices.0, lifetime: PhantomData });
        };
        match self.count() {
            0 => {}
            1 => run(0),
            count if threads > 1 => (0..count).into_par_iter().with_max_len(1).for_each(run),
            count => (0..count).for_each(run),
        }
    }
}

/// The first elements of matrices of which several threads write parts that do not overlap.
struct Matrices<T, const N: usize>([*mut T; N]);
#[expect(unsafe_code, reason = "threads share the matrices tile by tile")]
// SAFETY: `Tiling::for_each` gives each tile to one thread, and tiles do not overlap.
unsafe impl<T: Send, const N: usize> Sync for Matrices<T, N> {}

/// A tile of some matrices of one shape, which nobody else reads or writes meanwhile.
pub(crate) struct TileMut<'a, T, const N: usize> {
    /// Where it is.
    pub(crate) tile: Tile,
    width: usize,
    matrices: [*mut T; N],
    lifetime: PhantomData<&'a mut [T]>,
}

impl<T: Scalar, const N: usize> TileMut<'_, T, N> {
    /// Calls `work(row, values)` for one run of elements after the other, which begin in this row and in the tile's first
    /// column: some whole rows where the tile is as wide as the matrices, else a row's part in the tile.
    #[inline(always)]
    pub(crate) fn for_each_run(&mut self, mut work: impl FnMut(usize, [&mut [T]; N])) {
        let (rows, columns) = (self.tile.rows.clone(), self.tile.columns.clone());
        let at_once = if columns.len() == self.width { (RUN / self.width).max(1) } else { 1 };
        for row in rows.clone().step_by(at_once) {
            let length = at_once.min(rows.end - row) * columns.len();
            #[expect(unsafe_code, reason = "a tile's rows are no slices of a slice that could be cut for each thread")]
            // SAFETY: the run lies in this tile, thus inside the matrices, and in nobody else's; `work` returns before the next.
            let values = self
                .matrices
                .map(|first| unsafe { std::slice::from_raw_parts_mut(first.add(row * self.width + columns.start), length) });
            work(row, values);
        }
    }

    /// Sets the tile of the first matrix, the result, to that of the product `lhs · rhs` of sums of `k` terms.
    pub(crate) fn multiply(&mut self, k: usize, lhs: Factor<'_, T>, rhs: Factor<'_, T>) {
        let first = self.tile.rows.start * self.width + self.tile.columns.start;
        #[expect(unsafe_code, reason = "gemm takes pointers")]
        // SAFETY: the tile lies inside the matrices and is nobody else's.
        unsafe {
            multiply(&self.tile, k, self.matrices[0].add(first), self.width, lhs, rhs);
        }
    }

    /// Sets `result` [the tile's first `rows` × the tile's columns], which is dense, to the tile of the product.
    pub(crate) fn multiply_into(&self, result: &mut [T], rows: usize, k: usize, lhs: Factor<'_, T>, rhs: Factor<'_, T>) {
        let tile = Tile { rows: self.tile.rows.start..self.tile.rows.start + rows, columns: self.tile.columns.clone() };
        let width = tile.columns.len();
        assert!(result.len() >= rows * width, "the result has room for the tile");
        #[expect(unsafe_code, reason = "gemm takes pointers")]
        // SAFETY: the assertion keeps the result in its slice.
        unsafe {
            multiply(&tile, k, result.as_mut_ptr(), width, lhs, rhs);
        }
    }
}

/// A factor of a product.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Factor<'a, T> {
    /// Its elements.
    pub(crate) values: &'a [T],
    /// How it lies in memory.
    pub(crate) layout: Layout,
    /// Width of a row in memory.
    pub(crate) width: usize,
}

impl<T> Factor<'_, T> {
    /// Elements from one row of the factor, as the product reads it, to the next, and from one column to the next.
    fn strides(&self) -> [usize; 2] {
        match self.layout {
            Layout::Normal => [self.width, 1],
            Layout::Transposed => [1, self.width],
        }
    }

    /// Whether it has `rows` × `columns` elements, as the product reads it.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        let [row, column] = self.strides();
        rows == 0 || columns == 0 || self.values.len() > (rows - 1) * row + (columns - 1) * column
    }
}

/// The `tile` of the product `lhs · rhs`, on this thread; `result` is its first element, in rows of `width`.
///
/// # Safety
/// All elements of the tile are valid to be written, and nobody else reads or writes them.
#[expect(unsafe_code, reason = "gemm takes pointers")]
unsafe fn multiply<T: Scalar>(tile: &Tile, k: usize, result: *mut T, width: usize, lhs: Factor<'_, T>, rhs: Factor<'_, T>) {
    assert!(lhs.holds(tile.rows.end, k) && rhs.holds(k, tile.columns.end), "a factor is shorter than its sizes say");
    let ([lhs_row, lhs_column], [rhs_row, rhs_column]) = (lhs.strides(), rhs.strides());
    let stride = |elements: usize| elements as isize;
    // SAFETY: the assertion keeps every element that is read in its slice; the caller answers for the result, and `wrapping_add`
    // is never read through where a factor is empty.
    unsafe {
        gemm::gemm(
            tile.rows.len(),
            tile.columns.len(),
            k,
            result,
            1,
            stride(width),
            false,
            lhs.values.as_ptr().wrapping_add(tile.rows.start * lhs_row),
            stride(lhs_column),
            stride(lhs_row),
            rhs.values.as_ptr().wrapping_add(tile.columns.start * rhs_column),
            stride(rhs_column),
            stride(rhs_row),
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPU: Target = Target { lanes: 32, software: false, workgroup_bytes: 16_384, workgroup_invocations: 256 };

    fn first(sizes: [usize; 3], target: &Target) -> (Family, u32) {
        let Choice { family, parts } = choices(sizes, target)[0];
        (family, parts)
    }

    #[test]
    fn the_largest_tile_that_fills_a_gpu_is_taken_and_thin_products_have_none() {
        assert_eq!(first([4096, 1024, 1024], &GPU), (Family::Tiled128, 1));
        assert_eq!(first([512, 512, 784], &GPU), (Family::Tiled64, 1));
        assert_eq!(first([128, 128, 784], &GPU), (Family::Tiled32, 1));
        assert_eq!(first([4096, 10, 128], &GPU), (Family::Thin, 1));
        assert_eq!(first([1, 1000, 784], &GPU), (Family::Direct, 1));
        let small = Target { workgroup_bytes: 8192, ..GPU };
        assert_eq!(first([4096, 1024, 1024], &small), (Family::Tiled64, 1));
        assert_eq!(first([4096, 1024, 1024], &Target { workgroup_bytes: 0, ..GPU }), (Family::Direct, 1));
    }

    #[test]
    fn long_sums_are_split_where_the_result_fills_no_gpu() {
        assert_eq!(first([129, 10, 8192], &GPU), (Family::Thin, 16));
        assert_eq!(first([129, 128, 65_536], &GPU), (Family::Tiled32, 4));
    }

    #[test]
    fn a_software_adapter_compiles_no_tile_and_splits_only_what_has_to_be() {
        let software = Target { lanes: 8, software: true, ..GPU };
        for sizes in [[4096, 1024, 1024], [1, 1, 1], [129, 10, 100_000]] {
            assert_eq!(first(sizes, &software), (Family::Direct, 1));
            assert!(choices(sizes, &software).iter().all(|choice| choice.family == Family::Direct));
        }
        assert_eq!(first([3, 2, 131_073], &software), (Family::Direct, 2));
    }

    #[test]
    fn choices_are_few_differ_and_stay_below_the_limit_of_loops() {
        let software = Target { lanes: 8, software: true, ..GPU };
        for target in [GPU, software] {
            for exponents in 0..512 {
                let sizes = [0, 3, 6].map(|shift| 8_usize.pow(exponents >> shift & 7) + 1);
                let choices = choices(sizes, &target);
                assert!((1..=MOST_CHOICES).contains(&choices.len()), "{sizes:?}: {choices:?}");
                assert_eq!(choices, distinct(choices.clone()), "{sizes:?}");
                for choice in &choices {
                    assert!(choice.family.fits(&target));
                    let most = choice.forms(target.lanes).map(|form| iterations(sizes, form)).max();
                    assert!(most <= Some(MOST_ITERATIONS), "{sizes:?}: {choice:?}");
                }
            }
        }
    }

    #[test]
    fn every_layout_gives_the_product_of_small_integers_exactly() {
        for [m, n, k] in [[5, 7, 3], [1, 1, 1], [600, 130, 40], [1100, 3, 700]] {
            let lhs: Vec<f64> = (0..m * k).map(|i| (i % 7) as f64 - 3.0).collect();
            let rhs: Vec<f64> = (0..k * n).map(|i| (i % 5) as f64 - 2.0).collect();
            let transposed = |values: &[f64], rows: usize, columns: usize| -> Vec<f64> {
                (0..rows * columns).map(|i| values[(i % rows) * columns + i / rows]).collect()
            };
            let sum = |i: usize| (0..k).map(|t| lhs[(i / n) * k + t] * rhs[t * n + i % n]).sum::<f64>();
            let expected: Vec<f64> = (0..m * n).map(sum).collect();
            let (lhs_t, rhs_t) = (transposed(&lhs, m, k), transposed(&rhs, k, n));
            for (lhs, layout, width) in [(&lhs, Layout::Normal, k), (&lhs_t, Layout::Transposed, m)] {
                let lhs = Factor { values: lhs, layout, width };
                for (rhs, layout, width) in [(&rhs, Layout::Normal, n), (&rhs_t, Layout::Transposed, k)] {
                    let rhs = Factor { values: rhs, layout, width };
                    let mut result = vec![f64::NAN; m * n];
                    let tiling = Tiling::new([m, n, k]);
                    tiling.for_each([&mut result], 2, |tile| tile.multiply(k, lhs, rhs));
                    assert_eq!(result, expected, "{m} × {n} × {k}, {lhs:?}, {rhs:?}");
                    let mut copied = vec![f64::NAN; m * n];
                    tiling.with_small_tiles(1000).for_each([&mut copied], 2, |tile| {
                        let mut own = vec![f64::NAN; tile.tile.rows.len() * tile.tile.columns.len()];
                        tile.multiply_into(&mut own, tile.tile.rows.len(), k, lhs, rhs);
                        let mut from = own.iter();
                        tile.for_each_run(|_, [to]| to.iter_mut().zip(&mut from).for_each(|(to, &from)| *to = from));
                    });
                    assert_eq!(copied, expected, "{m} × {n} × {k}");
                }
            }
        }
    }

    #[test]
    fn tiles_cover_every_element_once() {
        for sizes in [[1, 1, 1], [256, 512, 784], [256, 10, 256], [2048, 2048, 2048], [70_001, 3, 9], [20_001, 9, 20_001]] {
            for tiling in [Tiling::new(sizes), Tiling::new(sizes).with_small_tiles(1 << 12)] {
                let mut written = vec![0.0_f32; sizes[0] * sizes[1]];
                tiling.for_each([&mut written], 2, |tile| {
                    tile.for_each_run(|_, [values]| values.iter_mut().for_each(|value| *value += 1.0));
                });
                assert!(written.iter().all(|&times| times == 1.0), "{tiling:?}");
            }
        }
        assert!(Tiling::new([256, 512, 784]).count() > 1, "a large product is shared");
        assert_eq!(Tiling::new([64, 32, 64]).count(), 1, "a small one is not");
    }
}
