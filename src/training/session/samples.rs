//! The rows that a network is trained on and evaluated with: in memory, or, where they are more than it holds, in a file.

use std::ops::Range;

use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::files::ScratchFile;
use crate::memory;
use crate::model::Element;

/// Inputs and targets, row by row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples<T> {
    /// rows × inputs.
    pub inputs: Matrix<T>,
    /// rows × outputs.
    pub targets: Matrix<T>,
    /// What each row's loss is multiplied by in training [rows × 1]; none where all weigh the same.
    pub weights: Option<Matrix<T>>,
}

impl<T> Samples<T> {
    /// Rows that weigh the same.
    pub fn new(inputs: Matrix<T>, targets: Matrix<T>) -> Self {
        Self { inputs, targets, weights: None }
    }
}

impl<T: Element> Samples<T> {
    /// Some rows, in this order.
    pub fn gathered(&self, rows: &[usize]) -> Self {
        Self {
            inputs: self.inputs.gathered(rows),
            targets: self.targets.gathered(rows),
            weights: self.weights.as_ref().map(|weights| weights.gathered(rows)),
        }
    }

    /// CRC-32 of all inputs, then all targets, then all weights.
    pub fn checksum(&self) -> u32 {
        let mut sums = Checksums::default();
        sums.add(self);
        sums.all(self.weights.as_ref())
    }
}

/// Rows to train on, or to evaluate with.
#[derive(Debug)]
pub enum Rows<T> {
    /// In memory.
    Memory(Samples<T>),
    /// In a file.
    File(StoredSamples<T>),
}

impl<T> From<Samples<T>> for Rows<T> {
    fn from(samples: Samples<T>) -> Self {
        Self::Memory(samples)
    }
}

impl<T: Element> Rows<T> {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Memory(samples) => samples.inputs.rows,
            Self::File(stored) => stored.rows,
        }
    }

    /// The same, each row with a weight of its own, if any are given.
    pub fn weighted(self, weights: Option<Matrix<T>>) -> Self {
        match self {
            Self::Memory(samples) => Self::Memory(Samples { weights, ..samples }),
            Self::File(stored) => Self::File(StoredSamples { weights, ..stored }),
        }
    }

    /// Inputs and outputs of a row.
    pub fn widths(&self) -> [usize; 2] {
        match self {
            Self::Memory(samples) => [samples.inputs.columns, samples.targets.columns],
            Self::File(stored) => stored.widths,
        }
    }

    /// Whether each row has a weight of its own.
    pub(super) fn is_weighted(&self) -> bool {
        match self {
            Self::Memory(samples) => samples.weights.is_some(),
            Self::File(stored) => stored.weights.is_some(),
        }
    }

    /// Some rows, in this order.
    ///
    /// # Errors
    /// Internal, if the file cannot be read.
    pub fn gathered(&self, rows: &[usize]) -> Result<Samples<T>> {
        match self {
            Self::Memory(samples) => Ok(samples.gathered(rows)),
            Self::File(stored) => stored.gathered(rows),
        }
    }

    /// As that of [`Samples`], wherever the rows are.
    pub fn checksum(&self) -> u32 {
        match self {
            Self::Memory(samples) => samples.checksum(),
            Self::File(stored) => stored.checksums.all(stored.weights.as_ref()),
        }
    }
}

/// Rows in a file, inputs and targets side by side.
#[derive(Debug)]
pub struct StoredSamples<T> {
    rows: usize,
    /// Inputs and outputs.
    widths: [usize; 2],
    file: ScratchFile,
    weights: Option<Matrix<T>>,
    checksums: Checksums,
}

impl<T: Element> StoredSamples<T> {
    /// A file without rows, of so many inputs and outputs.
    ///
    /// # Errors
    /// Internal, if there can be no file.
    pub fn new(widths: [usize; 2]) -> Result<Self> {
        Ok(Self { rows: 0, widths, file: ScratchFile::new()?, weights: None, checksums: Checksums::default() })
    }

    /// Bytes that there is room for on the file's disk, where the system says it.
    pub fn room(&self) -> Option<u64> {
        self.file.room()
    }

    /// Numbers of a row.
    fn width(&self) -> usize {
        self.widths.iter().sum()
    }

    /// Where a row begins.
    fn place(&self, row: usize) -> u64 {
        row as u64 * (self.width() * size_of::<T>()) as u64
    }

    /// Adds rows behind those that are there.
    ///
    /// # Errors
    /// Internal, if the system refuses.
    pub fn append(&mut self, samples: &Samples<T>) -> Result<()> {
        let mut values = Vec::with_capacity(samples.inputs.rows * self.width());
        for row in 0..samples.inputs.rows {
            values.extend_from_slice(samples.inputs.row(row));
            values.extend_from_slice(samples.targets.row(row));
        }
        self.file.write(self.place(self.rows), T::bytes(&values))?;
        self.rows += samples.inputs.rows;
        self.checksums.add(samples);
        Ok(())
    }

    /// Some rows, in this order.
    fn gathered(&self, rows: &[usize]) -> Result<Samples<T>> {
        let [inputs, outputs] = self.widths;
        let bytes = rows.len() as u128 * ((inputs + outputs) * size_of::<T>() + 2 * size_of::<usize>()) as u128;
        if bytes > memory::SMALL && !memory::is_there(bytes) {
            return Err(Error::Limit(
                "there is no memory for the rows of a window; take smaller batches (--batch-size)".into(),
            ));
        }
        let zeros = |columns| Matrix::zeros(rows.len(), columns);
        let mut samples = Samples { inputs: zeros(inputs), targets: zeros(outputs), weights: None };
        // In the order of the file, so that neighbours are read together and a disk moves one way.
        let mut places: Vec<usize> = (0..rows.len()).collect();
        places.sort_unstable_by_key(|&place| rows[place]);
        let span = (Self::SPAN / (self.width() * size_of::<T>()).max(1)).max(1);
        let gap = Self::GAP / (self.width() * size_of::<T>()).max(1);
        let mut values = Vec::new();
        let mut left = &places[..];
        while let Some(&begin) = left.first() {
            let first = rows[begin];
            let is_near = |pair: &&[usize]| rows[pair[1]] - rows[pair[0]] <= 1 + gap && rows[pair[1]] - first < span;
            let (near, rest) = left.split_at(1 + left.windows(2).take_while(is_near).count());
            let last = near.last().map_or(first, |&place| rows[place]);
            self.read(first..last + 1, &mut values)?;
            for &place in near {
                let row = &values[(rows[place] - first) * self.width()..][..self.width()];
                samples.inputs.values[place * inputs..][..inputs].copy_from_slice(&row[..inputs]);
                samples.targets.values[place * outputs..][..outputs].copy_from_slice(&row[inputs..]);
            }
            left = rest;
        }
        samples.weights = self.weights.as_ref().map(|weights| weights.gathered(rows));
        Ok(samples)
    }

    /// Bytes that are read at once, about at most.
    const SPAN: usize = 1 << 18;
    /// Bytes between two rows that are rather read than skipped: a page of the file, which a disk brings whole.
    const GAP: usize = 1 << 12;

    /// Reads rows that follow each other into `values`, which become as many as these have.
    fn read(&self, rows: Range<usize>, values: &mut Vec<T>) -> Result<()> {
        values.resize(rows.len() * self.width(), T::ZERO);
        self.file.read(self.place(rows.start), T::bytes_mut(values))
    }
}

/// The sums of inputs and of targets so far.
#[derive(Debug, Clone, Default)]
struct Checksums {
    inputs: crc32fast::Hasher,
    targets: crc32fast::Hasher,
}

impl Checksums {
    fn add<T: Element>(&mut self, samples: &Samples<T>) {
        self.inputs.update(T::bytes(&samples.inputs.values));
        self.targets.update(T::bytes(&samples.targets.values));
    }

    fn all<T: Element>(&self, weights: Option<&Matrix<T>>) -> u32 {
        let mut all = self.inputs.clone();
        all.combine(&self.targets);
        if let Some(weights) = weights {
            all.update(T::bytes(&weights.values));
        }
        all.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(rows: Range<usize>) -> Samples<f32> {
        let of = |columns: usize| {
            let values = rows.clone().flat_map(|row| (0..columns).map(move |column| (row * 10 + column) as f32)).collect();
            Matrix::new(rows.len(), columns, values)
        };
        Samples::new(of(3), of(2))
    }

    #[test]
    fn rows_in_a_file_are_those_in_memory_in_any_order() {
        let mut stored = StoredSamples::new([3, 2]).expect("a file");
        for rows in [0..7, 7..8, 8..40_000] {
            stored.append(&samples(rows)).expect("written");
        }
        let (file, memory) = (Rows::File(stored), Rows::Memory(samples(0..40_000)));
        assert_eq!((file.rows(), file.widths(), file.checksum()), (40_000, [3, 2], memory.checksum()));
        let scattered: Vec<usize> = (0..500).map(|place| place * 7919 % 40_000).collect();
        // Further apart than what is read rather than skipped, and near each other over more than what is read at once.
        let (apart, all) = ((0..40_000).step_by(300).collect(), (0..40_000).rev().collect());
        for rows in [scattered, apart, all, (100..105).rev().collect(), vec![3, 3, 4], Vec::new()] {
            assert_eq!(file.gathered(&rows).expect("read"), memory.gathered(&rows).expect("there"), "{rows:?}");
        }
    }

    #[test]
    fn weights_are_part_of_the_rows_and_of_their_checksum() {
        let weights = Matrix::new(5, 1, vec![1.0_f32, 2.0, 3.0, 4.0, 5.0]);
        let mut stored = StoredSamples::new([3, 2]).expect("a file");
        stored.append(&samples(0..5)).expect("written");
        let memory = Rows::Memory(samples(0..5)).weighted(Some(weights.clone()));
        let file = Rows::File(stored).weighted(Some(weights));
        assert!(file.is_weighted());
        assert_eq!(file.checksum(), memory.checksum());
        assert_ne!(file.checksum(), Rows::Memory(samples(0..5)).checksum());
        assert_eq!(file.gathered(&[4, 0]).expect("read"), memory.gathered(&[4, 0]).expect("there"));
    }
}
