//! A matrix, rows × columns, row-major and dense.

use crate::scalar::Scalar;

/// A matrix, rows × columns, row-major: element (r, c) is `values[r * columns + c]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix<T> {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// The elements, row by row: `rows * columns` of them.
    pub values: Vec<T>,
}

impl<T: Scalar> Matrix<T> {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![T::ZERO; rows * columns] }
    }

    /// A matrix over `values`, which are given row by row.
    ///
    /// # Panics
    /// If there are not `rows * columns` values.
    pub fn new(rows: usize, columns: usize, values: Vec<T>) -> Self {
        assert_eq!(values.len(), rows * columns, "a {rows} × {columns} matrix needs that many values");
        Self { rows, columns, values }
    }

    /// Row `row`, `columns` long.
    pub fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// The rows in `order`, copied.
    pub fn gathered(&self, order: &[usize]) -> Self {
        let mut values = Vec::with_capacity(order.len() * self.columns);
        for &row in order {
            values.extend_from_slice(self.row(row));
        }
        Self { rows: order.len(), columns: self.columns, values }
    }

    /// The transpose, columns × rows.
    pub fn transposed(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for column in 0..self.columns {
            values.extend((0..self.rows).map(|row| self.values[row * self.columns + column]));
        }
        Self { rows: self.columns, columns: self.rows, values }
    }

    /// The same numbers in another type.
    pub fn converted<U: Scalar>(&self) -> Matrix<U> {
        Matrix {
            rows: self.rows,
            columns: self.columns,
            values: self.values.iter().map(|value| U::from_f64(value.to_f64())).collect(),
        }
    }
}
