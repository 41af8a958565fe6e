//! The matrix product on the CPU: tiles, each one call of `gemm` on one thread, with which the kernel goes on while they are in cache.

use std::marker::PhantomData;
use std::ops::Range;

use gemm::Parallelism;
use rayon::prelude::*;

use super::layout::Layout;
use crate::scalar::Scalar;

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
    /// Whether a product of these sizes is shared out among threads.
    pub(crate) fn is_shared([m, n, k]: [usize; 3]) -> bool {
        m.saturating_mul(n).saturating_mul(k) >= WORTH_TILES
    }

    /// A cut of an m × n result of sums of k terms.
    pub(crate) fn new([m, n, k]: [usize; 3]) -> Self {
        let work = m.saturating_mul(n).saturating_mul(k);
        let most = if Self::is_shared([m, n, k]) { (work / (WORTH_TILES / 2)).min(TILES) } else { 1 };
        // gemm packs the lhs only for more than 128 columns, which pays where it does not fit the caches.
        let step = if n >= 1024 { 256 } else { 64 };
        let tile_columns = n.div_ceil(most).next_multiple_of(step).min(n).max(1);
        let tile_rows = m.div_ceil((most / n.div_ceil(tile_columns)).max(1)).next_multiple_of(64).max(512).min(m).max(1);
        Self { rows: m, columns: n, tile_rows, tile_columns }
    }

    /// A cut of rows × columns elements, of which each is computed by itself, into some whole rows of about so many elements.
    pub(crate) fn of_rows(rows: usize, columns: usize, elements: usize) -> Self {
        Self { rows, columns, tile_rows: (elements / columns.max(1)).max(1), tile_columns: columns.max(1) }
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
            let [rows, columns, _] = sizes;
            for tiling in
                [Tiling::new(sizes), Tiling::new(sizes).with_small_tiles(1 << 12), Tiling::of_rows(rows, columns, 1000)]
            {
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
