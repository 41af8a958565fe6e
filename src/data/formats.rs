//! The formats that are read, each told by how a file begins. A new one is a file of its own and a line here.

use super::input::{Input, Witness};
use super::pieces::{Format, Give, Holds, Known, Pieces};
use super::{ReadOptions, csv, foreign, idx, npy, npz, parquet};
use crate::error::{Error, Result, shown};
use crate::files::Identity;

/// All of them: the first that a file begins as is its format. Text is what begins as no other.
const FORMATS: [Format; 5] = [npz::FORMAT, parquet::FORMAT, npy::FORMAT, idx::FORMAT, csv::FORMAT];

/// An input with its format known.
pub(super) struct Opened<'a> {
    pub(super) holds: Holds,
    /// What the file was when it was opened; none for what is in memory.
    witness: Option<Witness>,
    /// The input, if it is packed.
    packed: Option<Input>,
    pieces: Box<dyn Pieces + 'a>,
}

impl<'a> Opened<'a> {
    /// Tells the format of an input.
    ///
    /// # Errors
    /// Data, if it is of a format that is not read, or arrays are named in what is no archive of them; what its format has against it at once.
    pub(super) fn new(input: Input, options: &'a ReadOptions) -> Result<Self> {
        if let Some(refusal) = foreign::refusal(input.file(), &input.beginning) {
            return Err(Error::Data(refusal));
        }
        let format = FORMATS.iter().find(|format| (format.begins)(&input.beginning)).expect("text begins in any way");
        if format.holds != Holds::Archive && !input.arrays().is_empty() {
            let source = shown(input.source());
            return Err(Error::Data(format!("{source}: this file is no npz archive of arrays")));
        }
        let (witness, packed) = (input.witness(), input.is_packed().then(|| input.clone()));
        Ok(Self { holds: format.holds, witness, packed, pieces: (format.open)(input, options)? })
    }

    /// What the file was when it was opened; none for what is in memory.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.witness.as_ref().map(|witness| witness.identity)
    }
}

impl Pieces for Opened<'_> {
    fn known(&mut self) -> Result<Known> {
        let known = self.pieces.known()?;
        Ok(Known { is_in_parts: known.is_in_parts && self.witness.is_some(), ..known })
    }

    fn each(&mut self, texts: &[usize], give: &mut Give<'_>) -> Result<()> {
        let read = self.pieces.each(texts, give);
        // What is wrong with a file that changes is that it does.
        self.witness.as_ref().map_or(Ok(()), Witness::check)?;
        // And with damaged gzip that it is damaged, which only its end may tell.
        if let (Err(Error::Data(_)), Some(packed)) = (&read, &self.packed) {
            packed.length()?;
        }
        read
    }
}
