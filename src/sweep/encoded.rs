//! The rows of a sweep as numbers.

use std::collections::HashMap;

use super::training::Data;
use super::trial::Shape;
use crate::error::{Error, Result};
use crate::training::run::Sources;
use crate::training::session::{Precision, Rows};

/// The rows of all shapes as numbers: those of one encoding and one number of outputs once.
pub(super) struct Encoded<T> {
    pub(super) all: Vec<Data<T>>,
    /// The place of each shape's.
    pub(super) places: Vec<usize>,
}

impl<T: Precision> Encoded<T> {
    pub(super) fn new(sources: &[Sources], shapes: &[Shape]) -> Result<Self> {
        let (mut all, mut places, mut known) = (Vec::new(), Vec::new(), HashMap::new());
        for shape in shapes {
            let key = (shape.rows, shape.network.outputs());
            let place = *known.entry(key).or_insert(all.len());
            if place == all.len() {
                let encoded = sources[shape.rows].clone().encoded::<T>(shape.network.outputs(), |_| Ok(()))?;
                let (Rows::Memory(training), Some(Rows::Memory(validation))) = (encoded.training, encoded.validation) else {
                    return Err(Error::Limit("a sweep keeps the rows in memory, and there is no room for them".into()));
                };
                all.push(Data { training, validation });
            }
            places.push(place);
        }
        Ok(Self { all, places })
    }

    pub(super) fn checksums(&self) -> Vec<String> {
        let rows = self.all.iter().flat_map(|data| [&data.training, &data.validation]);
        rows.map(|rows| format!("{:08x}", rows.checksum())).collect()
    }
}
