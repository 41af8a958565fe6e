//! The cells of one column, each kind in as little memory as holds it exactly.

use std::borrow::Cow;
use std::collections::TryReserveError;

use super::Texts;

/// The cells of one column. Numbers are finite and at most `f32::MAX` in size, or missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// 0 to 255, none missing: pixels and labels of image files.
    Bytes(Vec<u8>),
    /// Integers of 16 bits; [`Cells::NO_INTEGER`] = missing.
    Integers(Vec<i16>),
    /// Numbers that are exact in f32; NaN = missing.
    Singles(Vec<f32>),
    /// Numbers; NaN = missing.
    Numbers(Vec<f64>),
    /// Text; none = missing.
    Text(Texts),
}

impl Cells {
    /// What stands for a missing integer.
    pub const NO_INTEGER: i16 = i16::MIN;

    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(cells) => cells.len(),
            Self::Integers(cells) => cells.len(),
            Self::Singles(cells) => cells.len(),
            Self::Numbers(cells) => cells.len(),
            Self::Text(cells) => cells.len(),
        }
    }

    /// Whether the column has no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the cells are text.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// The number in `row`; none if it is missing or the column is text.
    pub fn number(&self, row: usize) -> Option<f64> {
        let number = match self {
            Self::Bytes(cells) => f64::from(cells[row]),
            Self::Integers(cells) => number_of(cells[row]),
            Self::Singles(cells) => f64::from(cells[row]),
            Self::Numbers(cells) => cells[row],
            Self::Text(_) => return None,
        };
        (!number.is_nan()).then_some(number)
    }

    /// The cell in `row` as text, numbers in their shortest exact spelling; none if it is missing.
    pub fn text(&self, row: usize) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(cells) => cells.get(row).map(Cow::Borrowed),
            _ => self.number(row).map(|number| Cow::Owned(spelled(number))),
        }
    }

    /// Whether the cell in `row` is missing.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Text(cells) => cells.is_missing(row),
            _ => self.number(row).is_none(),
        }
    }

    /// The rank of this kind of cells: a kind of higher rank holds every number of a lower one. Text ranks highest, and
    /// holds no numbers.
    fn rank(&self) -> u8 {
        match self {
            Self::Bytes(_) => 0,
            Self::Integers(_) => 1,
            Self::Singles(_) => 2,
            Self::Numbers(_) => 3,
            Self::Text(_) => 4,
        }
    }

    /// Whether [`widen`](Self::widen) makes other cells of these.
    pub(super) fn grows_with(&self, other: &Self) -> bool {
        !self.is_empty() && !other.is_text() && self.rank() < other.rank()
    }

    /// Gives this column a kind that also holds the other column's numbers. A column without cells takes the other's kind
    /// if that ranks higher.
    pub(super) fn widen(&mut self, other: &Self) {
        if self.rank() >= other.rank() {
            return;
        }
        *self = match (std::mem::replace(self, Self::Bytes(Vec::new())), other) {
            (Self::Bytes(cells), Self::Integers(_)) => Self::Integers(cells.into_iter().map(i16::from).collect()),
            (Self::Integers(cells), Self::Singles(_)) => {
                Self::Singles(cells.into_iter().map(|cell| number_of(cell) as f32).collect())
            }
            (Self::Integers(cells), Self::Numbers(_)) => Self::Numbers(cells.into_iter().map(number_of).collect()),
            (Self::Bytes(cells), Self::Singles(_)) => Self::Singles(cells.into_iter().map(f32::from).collect()),
            (Self::Bytes(cells), Self::Numbers(_)) => Self::Numbers(cells.into_iter().map(f64::from).collect()),
            (Self::Singles(cells), Self::Numbers(_)) => Self::Numbers(cells.into_iter().map(f64::from).collect()),
            (cells, _) if cells.is_empty() => other.gathered(&[]),
            (cells, _) => cells,
        };
    }

    /// Asks for memory for so many cells more, which have so many bytes of text.
    pub(super) fn try_reserve_exact(&mut self, more: usize, text_bytes: usize) -> Result<(), TryReserveError> {
        match self {
            Self::Bytes(cells) => cells.try_reserve_exact(more),
            Self::Integers(cells) => cells.try_reserve_exact(more),
            Self::Singles(cells) => cells.try_reserve_exact(more),
            Self::Numbers(cells) => cells.try_reserve_exact(more),
            Self::Text(cells) => cells.try_reserve_exact(more, text_bytes),
        }
    }

    /// Appends the cells of another column. The caller has made this column at least as wide.
    ///
    /// # Panics
    /// If they are.
    pub(super) fn append(&mut self, mut more: Self) {
        more.widen(self);
        match (self, more) {
            (Self::Bytes(cells), Self::Bytes(more)) => cells.extend(more),
            (Self::Integers(cells), Self::Integers(more)) => cells.extend(more),
            (Self::Singles(cells), Self::Singles(more)) => cells.extend(more),
            (Self::Numbers(cells), Self::Numbers(more)) => cells.extend(more),
            (Self::Text(cells), Self::Text(more)) => cells.append(&more),
            _ => panic!("cells of one kind go into another"),
        }
    }

    /// Bytes of the texts in them.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(cells) => cells.text_bytes(),
            _ => 0,
        }
    }

    /// Numbers in the least memory that holds them exactly.
    pub(super) fn of_numbers(numbers: Vec<f64>) -> Self {
        // An integer has no minus zero, so -0 stays a float.
        let integer = |number: f64| match number as i16 {
            _ if number.is_nan() => Some(Self::NO_INTEGER),
            Self::NO_INTEGER => None,
            integer => (f64::from(integer).to_bits() == number.to_bits()).then_some(integer),
        };
        if let Some(integers) = numbers.iter().map(|&number| integer(number)).collect() {
            return Self::Integers(integers);
        }
        if numbers.iter().all(|&number| number.is_nan() || f64::from(number as f32) == number) {
            return Self::Singles(numbers.into_iter().map(|number| number as f32).collect());
        }
        Self::Numbers(numbers)
    }

    /// Gives back what is reserved for more cells.
    pub(super) fn shrink_to_fit(&mut self) {
        match self {
            Self::Bytes(cells) => cells.shrink_to_fit(),
            Self::Integers(cells) => cells.shrink_to_fit(),
            Self::Singles(cells) => cells.shrink_to_fit(),
            Self::Numbers(cells) => cells.shrink_to_fit(),
            Self::Text(cells) => cells.shrink_to_fit(),
        }
    }

    /// Gives the cells from `rows` on back, and their memory.
    pub(super) fn truncate(&mut self, rows: usize) {
        match self {
            Self::Bytes(cells) => cells.truncate(rows),
            Self::Integers(cells) => cells.truncate(rows),
            Self::Singles(cells) => cells.truncate(rows),
            Self::Numbers(cells) => cells.truncate(rows),
            Self::Text(cells) => cells.truncate(rows),
        }
        self.shrink_to_fit();
    }

    /// The cells of `rows`, in that order.
    pub(super) fn gathered(&self, rows: &[usize]) -> Self {
        match self {
            Self::Bytes(cells) => Self::Bytes(rows.iter().map(|&row| cells[row]).collect()),
            Self::Integers(cells) => Self::Integers(rows.iter().map(|&row| cells[row]).collect()),
            Self::Singles(cells) => Self::Singles(rows.iter().map(|&row| cells[row]).collect()),
            Self::Numbers(cells) => Self::Numbers(rows.iter().map(|&row| cells[row]).collect()),
            Self::Text(cells) => Self::Text(rows.iter().map(|&row| cells.get(row)).collect()),
        }
    }
}

/// The number of an integer's cell, NaN where it is missing.
fn number_of(cell: i16) -> f64 {
    if cell == Cells::NO_INTEGER { f64::NAN } else { f64::from(cell) }
}

/// A number as a category's or class's name: `1`, `-2.5`; never `-0`.
pub(crate) fn spelled(number: f64) -> String {
    format!("{}", number + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_least_memory_that_holds_them_and_stay_what_they_are() {
        let is = |numbers: &[f64], kind: fn(&Cells) -> bool| {
            let mut cells = Cells::of_numbers(numbers.to_vec());
            assert!(kind(&cells), "{cells:?}");
            for _ in 0..4 {
                let found: Vec<u64> = (0..cells.len()).map(|row| cells.number(row).map_or(1, f64::to_bits)).collect();
                let expected: Vec<u64> =
                    numbers.iter().map(|&number| if number.is_nan() { 1 } else { number.to_bits() }).collect();
                assert_eq!(found, expected, "{cells:?}");
                // The next wider kind says the same.
                let wider = match cells {
                    Cells::Bytes(_) => Cells::Integers(Vec::new()),
                    Cells::Integers(_) => Cells::Singles(Vec::new()),
                    _ => Cells::Numbers(Vec::new()),
                };
                cells.widen(&wider);
            }
        };
        is(&[1.0, -32767.0, 32767.0, f64::NAN], |cells| matches!(cells, Cells::Integers(_)));
        is(&[-32768.0, 1.0], |cells| matches!(cells, Cells::Singles(_)));
        is(&[32768.0, f64::NAN], |cells| matches!(cells, Cells::Singles(_)));
        is(&[-0.0, 1.0], |cells| matches!(cells, Cells::Singles(_)));
        is(&[0.5, 16_777_216.0], |cells| matches!(cells, Cells::Singles(_)));
        is(&[0.1], |cells| matches!(cells, Cells::Numbers(_)));
        is(&[16_777_217.0], |cells| matches!(cells, Cells::Numbers(_)));
        let mut bytes = Cells::Bytes(vec![0, 255]);
        bytes.widen(&Cells::Integers(Vec::new()));
        assert_eq!(bytes, Cells::Integers(vec![0, 255]));
    }
}
