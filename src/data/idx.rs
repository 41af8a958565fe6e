//! IDX, the format of MNIST: a magic number, the sizes, then the elements, all big-endian
//! ("The MNIST database of handwritten digits", section "File formats").

use std::io::{self, Read};

use super::Cells;
use super::array::{Array, ArrayFile, Decode, columns_of};
use super::pieces::{Format, Holds};
use crate::error::{Error, Result, shown};
use crate::name;

pub(super) const FORMAT: Format =
    Format { begins, holds: Holds::Array, open: |input, options| ArrayFile::boxed(input, options, opened) };

/// Whether these bytes begin as an IDX file does: two zeros, a known element type, 1 to 8 dimensions.
fn begins(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, 0x08 | 0x09 | 0x0b..=0x0e, 1..=8, ..])
}

/// Reads the header of an IDX file of `length` bytes: the first dimension counts the rows, the others are flattened into columns `0`,
/// `1`, …
///
/// # Errors
/// Data, if sizes and bytes disagree, or `input` cannot be read.
pub(super) fn opened<'a>(source: &str, mut input: impl Read + 'a, length: u64) -> Result<Array<'a>> {
    let refused = |what: String| Err(Error::Data(format!("{}: {what}", shown(source))));
    let unreadable = |error: io::Error| Error::reading(&name::path(source), &error);
    let mut magic = [0; 4];
    input.read_exact(&mut magic).map_err(unreadable)?;
    let dimensions = usize::from(magic[3]);
    let mut sizes = vec![0; 4 * dimensions];
    let Some(elements) = length.checked_sub(4 + sizes.len() as u64) else {
        return refused(format!("an IDX header of {dimensions} dimensions is cut short; fetch the file again"));
    };
    input.read_exact(&mut sizes).map_err(unreadable)?;
    let sizes: Vec<usize> = sizes.as_chunks().0.iter().map(|&size| u32::from_be_bytes(size) as usize).collect();
    if sizes.contains(&0) {
        return refused(format!("its IDX header says {sizes:?}, so there are no data in it"));
    }
    let size = match magic[2] {
        0x08 | 0x09 => 1,
        0x0b => 2,
        0x0c | 0x0d => 4,
        _ => 8,
    };
    let expected = sizes.iter().try_fold(size, |product: usize, &size| product.checked_mul(size));
    if expected.is_none_or(|expected| expected as u64 != elements) {
        return refused(format!(
            "its IDX header says {sizes:?} elements of {size} bytes, but {elements} bytes follow; fetch the file again"
        ));
    }
    let (rows, columns) = (sizes[0], sizes[1..].iter().product());
    macro_rules! cells {
        ($cells:path, $from:expr) => {
            Box::new(move |input, rows| Ok(Ok(columns_of(input, rows, columns, $from)?.into_iter().map($cells).collect())))
        };
    }
    let decode: Decode<'a> = match magic[2] {
        0x08 => cells!(Cells::Bytes, |[byte]| byte),
        0x09 => cells!(Cells::Integers, |[byte]| i16::from(byte as i8)),
        0x0b => cells!(Cells::Singles, |bytes| f32::from(i16::from_be_bytes(bytes))),
        0x0c => cells!(Cells::Numbers, |bytes| f64::from(i32::from_be_bytes(bytes))),
        0x0d => cells!(Cells::Singles, f32::from_be_bytes),
        _ => cells!(Cells::Numbers, f64::from_be_bytes),
    };
    Ok(Array::new(source, input, [rows, columns], decode))
}

#[cfg(test)]
mod tests {
    use super::super::array::refuse_beyond;
    use super::super::{Readings, Table};
    use super::*;

    fn idx(kind: u8, sizes: &[u32], elements: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, kind, sizes.len() as u8];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(elements);
        bytes
    }

    /// Reads bytes as they would lie in a file called `x`.
    fn read(bytes: &[u8]) -> Result<Table> {
        let table = opened("x", bytes, bytes.len() as u64)?.all()?;
        refuse_beyond(&table, &Readings::default().of_table(&table))?;
        Ok(table)
    }

    fn message(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn images_are_flattened_row_by_row() {
        let table = read(&idx(8, &[2, 2, 3], &[0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15])).unwrap();
        assert_eq!((table.rows, table.columns.len()), (2, 6));
        assert_eq!(table.columns[4].cells, Cells::Bytes(vec![4, 14]));
        assert_eq!(table.columns[4].name, "4");
    }

    #[test]
    fn every_element_type_is_read_big_endian() {
        let first = |kind, bytes: &[u8]| read(&idx(kind, &[1], bytes)).unwrap().columns[0].cells.number(0).unwrap();
        assert_eq!(first(0x08, &[200]), 200.0);
        assert_eq!(first(0x09, &[0xfe]), -2.0);
        assert_eq!(first(0x0b, &(-300_i16).to_be_bytes()), -300.0);
        assert_eq!(first(0x0c, &123_456_789_i32.to_be_bytes()), 123_456_789.0);
        assert_eq!(first(0x0d, &0.1_f32.to_be_bytes()), f64::from(0.1_f32));
        assert_eq!(first(0x0e, &0.1_f64.to_be_bytes()), 0.1);
    }

    #[test]
    fn sizes_that_disagree_with_the_bytes_are_refused() {
        assert!(message(&idx(8, &[2, 2], &[1, 2, 3])).contains("3 bytes follow"));
        assert!(message(&idx(8, &[2, 2], &[1, 2, 3, 4, 5])).contains("5 bytes follow"));
        assert!(message(&idx(8, &[u32::MAX, u32::MAX, u32::MAX], &[1])).contains("1 bytes follow"));
        assert!(message(&idx(8, &[0, 28, 28], &[])).contains("no data"));
        assert!(message(&[0, 0, 8, 3, 0, 0]).contains("cut short"));
    }

    #[test]
    fn an_infinite_number_is_refused_with_its_place() {
        let bytes = [1.0_f32, 2.0, 3.0, f32::INFINITY].map(f32::to_be_bytes).concat();
        assert!(message(&idx(0x0d, &[2, 2], &bytes)).contains("row 2, column '1'"));
    }

    #[test]
    fn text_does_not_begin_as_idx() {
        assert!(begins(&[0, 0, 8, 1]) && !begins(b"a,b\n") && !begins(&[0, 0, 7, 1]) && !begins(&[0, 0, 8, 0]));
    }
}
