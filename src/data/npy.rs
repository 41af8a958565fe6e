//! npy, numpy's format for one array (numpy.lib.format).

mod header;

use std::io::{self, Read};

use super::Cells;
use super::array::{Array, ArrayFile, Decoded, columns_of, columns_of_text};
use super::pieces::{Format, Holds};
use super::table::check_memory;
use crate::error::{Error, Result, shown};
use crate::name;
pub(super) use header::MAGIC;
pub(crate) use header::written;
use header::{Header, Kind, PRELUDE};

pub(super) const FORMAT: Format = Format {
    begins: |bytes| bytes.starts_with(MAGIC),
    holds: Holds::Array,
    open: |input, options| ArrayFile::boxed(input, options, opened),
};

/// Reads the header of an npy file of `length` bytes: the array's first axis counts the rows, the others are flattened (in C order)
/// into columns `0`, `1`, …
///
/// # Errors
/// Data, if the header does not fit the bytes, the type holds no numbers, or `input` cannot be read.
pub(super) fn opened<'a>(source: &str, mut input: impl Read + 'a, length: u64) -> Result<Array<'a>> {
    let refused = |what: String| Error::Data(format!("{}: {what}", shown(source)));
    let wrong = |what| refused(format!("its npy header {what}; save it again with numpy.save"));
    let unreadable = |error: io::Error| Error::reading(&name::path(source), &error);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(PRELUDE).min(PRELUDE)];
    input.read_exact(&mut bytes).map_err(unreadable)?;
    let end = header::end(&bytes, length).map_err(wrong)?;
    let rest = end.saturating_sub(bytes.len());
    (&mut input).take(rest as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    let header = Header::of(bytes.get(header::start(&bytes)..end).unwrap_or_default()).map_err(wrong)?;
    let Header { kind, by_columns, shape } = header;
    let records = || refused("it holds records, not numbers; save its fields as one array of numbers".into());
    let kind = kind.ok_or_else(records)?;
    let shape = Shape::of(&shape, by_columns, &kind, length - end as u64).map_err(refused)?;
    // Of a short header the first bytes hold elements too.
    let elements = io::Cursor::new(bytes.split_off(end)).chain(input);
    let sizes = [shape.rows, shape.columns];
    let is_wide = matches!((kind.letter, kind.size), ('i' | 'u', 8));
    let decode = move |input: &mut dyn Read, rows| cells(&kind, input, &Shape { rows, ..shape.clone() });
    let array = Array::new(source, elements, sizes, Box::new(decode));
    let array = if is_wide { array.of_wide_integers() } else { array };
    Ok(if by_columns { array.by_columns() } else { array })
}

#[derive(Clone)]
struct Shape {
    rows: usize,
    /// The other axes.
    axes: Vec<usize>,
    columns: usize,
    /// Whether it lies in Fortran order.
    by_columns: bool,
}

impl Shape {
    /// The shape of these sizes, if `bytes` are just what they need.
    fn of(sizes: &[usize], by_columns: bool, kind: &Kind, bytes: u64) -> std::result::Result<Self, String> {
        if kind.letter == 'O' {
            return Err("it holds Python objects, which only Python can read; save it with a number's dtype".into());
        }
        if sizes.is_empty() || sizes.contains(&0) {
            return Err(format!("its shape is {sizes:?}, so there are no rows of numbers in it"));
        }
        let expected = sizes.iter().try_fold(kind.bytes().unwrap_or(0), |product, &size| product.checked_mul(size));
        if expected.is_none_or(|expected| expected as u64 != bytes) {
            return Err(format!("its header says {sizes:?} of '{kind}', but {bytes} bytes follow; save or fetch it again"));
        }
        Ok(Self { rows: sizes[0], columns: sizes[1..].iter().product(), axes: sizes[1..].to_vec(), by_columns })
    }

    /// Elements of `N` bytes as they lie in the file, as columns.
    fn columns_of<const N: usize, U: Send>(
        &self,
        input: &mut dyn Read,
        from: impl Fn([u8; N]) -> U + Sync,
    ) -> io::Result<Vec<Vec<U>>> {
        if !self.by_columns {
            return columns_of(input, self.rows, self.columns, from);
        }
        check_memory(self.rows as u64, (self.rows * self.columns) as u64, size_of::<U>())?;
        let mut found: Vec<Vec<U>> = Vec::with_capacity(self.columns);
        for _ in 0..self.columns {
            found.extend(columns_of(input, self.rows, 1, &from)?);
        }
        let mut take = |column| std::mem::take(&mut found[self.fortran_position(column)]);
        Ok((0..self.columns).map(&mut take).collect())
    }

    /// Where the column at this position in C order lies in Fortran order.
    fn fortran_position(&self, column: usize) -> usize {
        let (mut rest, mut position, mut inner) = (column, 0, self.columns);
        for &axis in self.axes.iter().rev() {
            inner /= axis;
            position += rest % axis * inner;
            rest /= axis;
        }
        position
    }
}

/// The columns, or what is wrong with them.
fn cells(kind: &Kind, input: &mut dyn Read, shape: &Shape) -> Decoded {
    let big_endian = kind.is_big_endian;
    macro_rules! read {
        ($type:ty, $cells:path, $from:expr) => {{
            let from: fn($type) -> _ = $from;
            let number =
                move |bytes| from(if big_endian { <$type>::from_be_bytes(bytes) } else { <$type>::from_le_bytes(bytes) });
            shape.columns_of(input, number)?.into_iter().map($cells).collect()
        }};
    }
    Ok(Ok(match (kind.letter, kind.size) {
        ('b', 1) => return Ok(bools(read!(u8, Cells::Integers, i16::from))),
        ('u', 1) => read!(u8, Cells::Bytes, |value| value),
        ('i', 1) => read!(i8, Cells::Integers, i16::from),
        ('u', 2) => read!(u16, Cells::Singles, f32::from),
        ('i', 2) => read!(i16, Cells::Singles, f32::from),
        ('u', 4) => read!(u32, Cells::Numbers, f64::from),
        ('i', 4) => read!(i32, Cells::Numbers, f64::from),
        ('u', 8) => read!(u64, Cells::Numbers, |value| value as f64),
        ('i', 8) => read!(i64, Cells::Numbers, |value| value as f64),
        ('f', 2) => read!(u16, Cells::Singles, |bits| half::f16::from_bits(bits).to_f32()),
        ('f', 4) => read!(f32, Cells::Singles, |value| value),
        ('f', 8) => read!(f64, Cells::Numbers, |value| value),
        ('S' | 'a', 1..=LONGEST) => {
            let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
            return texts(input, shape, kind.size as usize, text);
        }
        ('U', 1..=LONGEST) => {
            let character = move |bytes: &[u8; 4]| {
                char::from_u32(if big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) })
            };
            let text = move |bytes: &[u8]| bytes.as_chunks().0.iter().map(character).collect();
            return texts(input, shape, 4 * kind.size as usize, text);
        }
        _ => {
            let names = "float32, float64, an integer type or text";
            return Ok(Err(format!("it holds '{kind}', which is not read; save it as {names}")));
        }
    }))
}

/// Refuses bools that are neither true nor false.
fn bools(columns: Vec<Cells>) -> std::result::Result<Vec<Cells>, String> {
    let neither = |cells: &Cells| (0..cells.len()).find_map(|row| cells.number(row).filter(|&number| number > 1.0));
    match columns.iter().find_map(neither) {
        Some(byte) => Err(format!("it holds {byte} as a bool, which is neither 0 nor 1; save it again")),
        None => Ok(columns),
    }
}

/// Characters of a text, at most.
const LONGEST: u64 = 1 << 18;

/// Columns of texts of so many bytes, which `from` reads: zeros fill up what is shorter. As in files of text, spaces around a text do not
/// count, and some words say that it is missing.
fn texts(input: &mut dyn Read, shape: &Shape, bytes: usize, from: impl Fn(&[u8]) -> Option<String>) -> Decoded {
    if shape.by_columns && shape.columns > 1 {
        return Ok(Err(
            "it holds text column by column (Fortran order); save it row by row (numpy.ascontiguousarray)".into()
        ));
    }
    let wrong = std::cell::Cell::new(false);
    let columns = columns_of_text(input, shape.rows, shape.columns, bytes, |bytes| {
        let text = from(bytes);
        wrong.set(wrong.get() || text.is_none());
        let text = text.unwrap_or_default();
        let text = text.trim_end_matches('\0').trim();
        (!text.is_empty()).then(|| text.to_owned())
    })?;
    Ok(if wrong.get() { Err("it holds text that is not Unicode; save it as str".into()) } else { Ok(columns) })
}

#[cfg(test)]
mod tests {
    use super::super::input::Input;
    use super::super::pieces::collected;
    use super::super::{FitOptions, ReadOptions, Readings, Table};
    use super::*;

    /// An npy file as numpy writes it, with this text as header.
    fn npy(header: &str, elements: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(elements);
        bytes
    }

    fn header(kind: &str, fortran: bool, shape: &str) -> String {
        let order = if fortran { "True" } else { "False" };
        format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
    }

    /// Reads bytes as they would lie in a file called `a.npy`.
    fn read(bytes: &[u8]) -> Result<Table> {
        read_as(bytes, &ReadOptions::default())
    }

    fn read_as(bytes: &[u8], options: &ReadOptions) -> Result<Table> {
        collected("a.npy", (FORMAT.open)(Input::of_bytes("a.npy", bytes.to_vec())?, options)?.as_mut())
    }

    fn numbers(bytes: &[u8]) -> Vec<Vec<f64>> {
        let table = read(bytes).unwrap();
        let column = |cells: &Cells| (0..table.rows).map(|row| cells.number(row).unwrap_or(f64::NAN)).collect();
        table.columns.iter().map(|columns| column(&columns.cells)).collect()
    }

    fn message(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn c_and_fortran_order_hold_the_same_table() {
        let expected = vec![vec![1.0, 4.0], vec![2.0, 5.0], vec![3.0, 6.0]];
        let bytes = |values: [f64; 6]| values.map(f64::to_le_bytes).concat();
        assert_eq!(numbers(&npy(&header("<f8", false, "(2, 3)"), &bytes([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))), expected);
        assert_eq!(numbers(&npy(&header("<f8", true, "(2, 3)"), &bytes([1.0, 4.0, 2.0, 5.0, 3.0, 6.0]))), expected);
    }

    #[test]
    fn further_axes_are_flattened_alike_in_both_orders() {
        let in_c: Vec<u8> = (0..24).collect();
        // Element (i, j, k) of 2 × 3 × 4 is 12 i + 4 j + k; Fortran order runs i fastest.
        let in_fortran: Vec<u8> =
            (0..4).flat_map(|k| (0..3).flat_map(move |j| (0..2).map(move |i| 12 * i + 4 * j + k))).collect();
        let c = numbers(&npy(&header("|u1", false, "(2, 3, 4)"), &in_c));
        assert_eq!(c[5], [5.0, 17.0]);
        assert_eq!(numbers(&npy(&header("|u1", true, "(2, 3, 4)"), &in_fortran)), c);
    }

    #[test]
    fn every_number_type_is_read_in_either_byte_order() {
        let one = |kind: &str, bytes: &[u8]| numbers(&npy(&header(kind, false, "(1,)"), bytes))[0][0];
        assert_eq!(one("|b1", &[1]), 1.0);
        assert_eq!(one("|i1", &[0xff]), -1.0);
        assert_eq!(one("<u2", &60_000_u16.to_le_bytes()), 60_000.0);
        assert_eq!(one(">u2", &60_000_u16.to_be_bytes()), 60_000.0);
        assert_eq!(one(">i2", &(-7_i16).to_be_bytes()), -7.0);
        assert_eq!(one("<u4", &u32::MAX.to_le_bytes()), f64::from(u32::MAX));
        assert_eq!(one(">i4", &(-70_000_i32).to_be_bytes()), -70_000.0);
        assert_eq!(one("<i8", &(-70_000_i64).to_le_bytes()), -70_000.0);
        assert_eq!(one(">u8", &70_000_u64.to_be_bytes()), 70_000.0);
        assert_eq!((one("<f2", &[0, 0x3c]), one(">f2", &[0x7b, 0xff]), one("<f2", &[1, 0])), (1.0, 65504.0, 2f64.powi(-24)));
        assert_eq!(one(">f4", &0.1_f32.to_be_bytes()), f64::from(0.1_f32));
        assert_eq!(one(">f8", &0.1_f64.to_be_bytes()), 0.1);
    }

    #[test]
    fn texts_are_read_in_either_width_and_order() {
        let wide = |text: &str, to: fn(u32) -> [u8; 4]| {
            let mut bytes: Vec<u8> = text.chars().flat_map(|character| to(character as u32)).collect();
            bytes.resize(16, 0);
            bytes
        };
        let words = ["no", "ye𝄞s", "", "NA"];
        for (kind, bytes) in [
            ("<U4", words.map(|word| wide(word, u32::to_le_bytes)).concat()),
            (">U4", words.map(|word| wide(word, u32::to_be_bytes)).concat()),
            ("|S7", [&b"no\0\0\0\0\0"[..], "ye𝄞s".as_bytes(), &[0; 7], b" NA\0\0\0\0"].concat()),
        ] {
            let texts = |shape| {
                let table = read(&npy(&header(kind, false, shape), &bytes)).unwrap();
                let cells =
                    |row| table.columns.iter().map(move |column| column.cells.text(row).map(std::borrow::Cow::into_owned));
                (0..table.rows).flat_map(cells).collect::<Vec<_>>()
            };
            let expected = [Some("no".to_owned()), Some("ye𝄞s".to_owned()), None, None];
            assert_eq!(texts("(4,)"), expected, "{kind}");
            assert_eq!(texts("(2, 2)"), expected, "{kind}");
            assert!(message(&npy(&header(kind, true, "(2, 2)"), &bytes)).contains("Fortran"), "{kind}");
        }
    }

    #[test]
    fn what_wgrad_writes_is_read() {
        let bytes = [written("<f4", &[2, 1]), [1.5_f32, f32::NAN].map(f32::to_le_bytes).concat()].concat();
        let table = read(&bytes).unwrap();
        assert_eq!(table.columns[0].cells.number(0), Some(1.5));
        assert!(table.columns[0].cells.is_missing(1));
    }

    #[test]
    fn a_header_that_lies_about_the_shape_is_refused() {
        assert!(message(&npy(&header("<f4", false, "(3, 2)"), &[0; 20])).contains("20 bytes follow"));
        assert!(message(&npy(&header("<f4", false, "(3, 2)"), &[0; 28])).contains("28 bytes follow"));
        assert!(message(&npy(&header("|u1", false, "(1099511627776, 1)"), &[0; 4])).contains("4 bytes follow"));
        assert!(message(&npy(&header("|u1", false, "(4294967296, 4294967296, 4)"), &[0; 4])).contains("beyond any memory"));
        assert!(message(&npy(&header("|u1", false, "(0, 1099511627776)"), &[])).contains("no rows"));
        assert!(message(&npy(&header("|u1", false, "()"), &[1])).contains("no rows"));
    }

    #[test]
    fn a_header_that_lies_about_its_length_is_refused() {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend(u32::MAX.to_le_bytes());
        bytes.extend(b"{}");
        assert!(message(&bytes).contains("4294967295 bytes long, but 2 follow"));
        for cut in 6..12 {
            assert!(message(&bytes[..cut]).contains("npy header"), "cut at {cut}");
        }
    }

    #[test]
    fn a_header_of_nothing_but_brackets_is_refused() {
        assert!(message(&npy(&"(".repeat(60_000), &[])).contains("too many brackets"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(message(&npy(&header("|O", false, "(1,)"), &[0; 8])).contains("Python objects"));
        assert!(message(&npy(&header("<f2", false, "(1,)"), &[0, 0x7c])).contains("infinite"));
        assert!(message(&npy(&header("<U1", false, "(1,)"), &[0, 0xd8, 0, 0])).contains("not Unicode"));
        assert!(message(&npy(&header("|S0", false, "(1,)"), &[])).contains("or text"));
        assert!(message(&npy(&header("<c8", false, "(1,)"), &[0; 8])).contains("float32"));
        assert!(message(&npy(&header("|b1", false, "(1,)"), &[2])).contains("bool"));
        let records = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n";
        assert!(message(&npy(records, &[0; 4])).contains("records"));
    }

    #[test]
    fn numbers_that_no_f32_or_f64_holds_are_refused() {
        assert!(message(&npy(&header("<f8", false, "(1,)"), &1e39_f64.to_le_bytes())).contains("row 1, column '0'"));
        assert!(message(&npy(&header("<f4", false, "(1,)"), &f32::NEG_INFINITY.to_le_bytes())).contains("infinite"));
        let long = npy(&header("<i8", false, "(1, 2)"), &[i64::MAX.to_le_bytes(), 7_i64.to_le_bytes()].concat());
        assert!(message(&long).contains("row 1, column '0': an integer of 2^53 or beyond"));
        // What nobody asks for may hold anything.
        let ignoring = FitOptions { ignore: vec!["0".into()], ..FitOptions::default() };
        let columns = Readings::of_training(&ignoring, None);
        assert_eq!(
            read_as(&long, &ReadOptions { columns, ..Default::default() }).unwrap().columns[1].cells.number(0),
            Some(7.0)
        );
    }
}
