//! The header of an npy file, as numpy.lib.format has it: magic, version, length, and a dictionary in Python's words.
//!
//! ```text
//! {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }
//! ```

use std::fmt::{self, Display, Formatter};

use serde::Deserialize;

use crate::error::shown;

/// How every npy file begins.
pub(in crate::data) const MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes of the header's text, at most.
const MOST: u64 = 1 << 20;

/// What the dictionary says.
pub(super) struct Header {
    /// What the elements are; none for records of several fields.
    pub(super) kind: Option<Kind>,
    /// Whether the first index runs fastest (Fortran order).
    pub(super) by_columns: bool,
    pub(super) shape: Vec<usize>,
}

/// The dictionary as it stands there.
#[derive(Deserialize)]
struct Dictionary {
    descr: String,
    fortran_order: bool,
    shape: Vec<u128>,
}

/// numpy's type of an element, such as `<f4`.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    text: String,
    /// Whether its bytes stand in the order of `>`.
    pub(super) is_big_endian: bool,
    pub(super) letter: char,
    /// Its bytes; of text (`U`) its characters.
    pub(super) size: u64,
}

impl Kind {
    fn of(text: &str) -> Option<Self> {
        let mut letters = text.chars();
        let (order, letter) = (letters.next()?, letters.next()?);
        // Of times a unit follows the size; objects have no size.
        let size = letters.as_str().split('[').next().unwrap_or_default();
        let is_number = size.bytes().all(|byte| byte.is_ascii_digit());
        let size = if letter == 'O' { 0 } else { size.parse().ok().filter(|_| is_number)? };
        let has_order = letter == 'U' || size > 1 && "biufcmM".contains(letter);
        let is_known = "<>|".contains(order) && "biufcmMSaUOV".contains(letter);
        let kind = Self { text: text.to_owned(), is_big_endian: order == '>', letter, size };
        (is_known && (order != '|' || !has_order)).then_some(kind)
    }

    /// Bytes of an element.
    pub(super) fn bytes(&self) -> Option<usize> {
        let each = if self.letter == 'U' { 4 } else { 1 };
        usize::try_from(self.size).ok()?.checked_mul(each)
    }
}

impl Display for Kind {
    fn fmt(&self, text: &mut Formatter<'_>) -> fmt::Result {
        text.write_str(&shown(&self.text))
    }
}

impl Header {
    /// Reads what stands between the header's length and the elements.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn of(text: &[u8]) -> Result<Self, String> {
        const MOST_BRACKETS: usize = 32;
        if text.iter().filter(|byte| b"([{".contains(byte)).count() > MOST_BRACKETS {
            return Err("has too many brackets".into());
        }
        let text = String::from_utf8_lossy(text);
        let records = |text: &str| text.split_once("'descr':").is_some_and(|(_, descr)| descr.trim_start().starts_with('['));
        if records(&text) {
            // The names of their fields are in any letters and quotation marks, and nobody asks for them.
            return Ok(Self { kind: None, by_columns: false, shape: Vec::new() });
        }
        let dictionary = Some(&text).filter(|text| text.trim_start().starts_with('{'));
        let dictionary = dictionary.and_then(|text| serde_json::from_str(&json(text)).ok());
        let Dictionary { descr, fortran_order: by_columns, shape: sizes } =
            dictionary.ok_or("is not the dictionary of an array")?;
        let kind = Kind::of(&descr).ok_or_else(|| format!("names '{}', which is no type of numpy's", shown(&descr)))?;
        let kind = Some(kind);
        let bytes = sizes.iter().try_fold(1_u128, |product, &size| product.checked_mul(size.max(1)));
        let shape = sizes.into_iter().map(|size| usize::try_from(size).ok()).collect::<Option<_>>();
        let shape = shape.filter(|_| bytes.is_some_and(|bytes| usize::try_from(bytes).is_ok()));
        Ok(Self { kind, by_columns, shape: shape.ok_or("has sizes beyond any memory")? })
    }
}

/// A dictionary in Python's words as JSON, which knows neither tuples nor a comma after the last entry.
fn json(python: &str) -> String {
    let words = [("'", "\""), ("(", "["), (")", "]"), ("True", "true"), ("False", "false")];
    let text = words.into_iter().fold(python.to_owned(), |text, (python, json)| text.replace(python, json));
    let mut entries = text.split(',');
    let first = entries.next().unwrap_or_default().to_owned();
    entries.fold(first, |text, entry| {
        let comma = if entry.trim_start().starts_with([']', '}']) { "" } else { "," };
        text + comma + entry
    })
}

/// Bytes up to the header's text, at most.
pub(super) const PRELUDE: usize = 12;

/// Where the header's text begins: its length has 2 bytes in the first version of the format, 4 in the others.
pub(super) fn start(prelude: &[u8]) -> usize {
    if prelude.get(6) == Some(&1) { 10 } else { 12 }
}

/// Where the header ends, in a file of `length` bytes that begins so.
///
/// # Errors
/// What is wrong with it.
pub(super) fn end(prelude: &[u8], length: u64) -> Result<usize, String> {
    let start = start(prelude);
    let bytes = prelude.get(8..start).ok_or("is cut short")?;
    if !matches!(prelude[6..8], [1..=3, 0]) {
        return Err(format!("has version {}.{} of the format, which is not known", prelude[6], prelude[7]));
    }
    let header = bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    let rest = length - start as u64;
    if header > rest {
        return Err(format!("says that it is {header} bytes long, but {rest} follow"));
    }
    if header > MOST {
        return Err(format!("takes {header} bytes, and no array's takes more than {MOST}"));
    }
    usize::try_from(start as u64 + header).map_err(|_| "is longer than any memory".into())
}

/// The beginning of a file with elements of this type, row by row, up to the first of them. The shape has a few sizes.
pub(crate) fn written(kind: &str, shape: &[usize]) -> Vec<u8> {
    const ALIGNED: usize = 64;
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let spaces = ALIGNED - 1 - (10 + text.len()) % ALIGNED;
    text.extend(std::iter::repeat_n(' ', spaces));
    text.push('\n');
    let length = u16::try_from(text.len()).expect("a few sizes").to_le_bytes();
    [MAGIC, &[1, 0], &length, text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Option<String>, bool, Vec<usize>), String> {
        let Header { kind, by_columns, shape } = Header::of(text.as_bytes())?;
        Ok((kind.map(|kind| kind.to_string()), by_columns, shape))
    }

    #[test]
    fn dictionaries_are_read_however_they_are_written() {
        let float = || Some("<f4".to_owned());
        for (text, expected) in [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }     \n", (float(), false, vec![2, 3])),
            ("{\"shape\":[7],\"fortran_order\":True,\"descr\":\"<f4\"}", (float(), true, vec![7])),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (), }", (Some("|O".into()), false, vec![])),
            ("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,)}", (Some("<M8[ns]".into()), false, vec![1])),
            ("{'descr': [(\"it's\", '<f4')], 'fortran_order': False, 'shape': (1,)}", (None, false, vec![])),
            (
                "{'descr': [('a]', [('b', '<f4')]), ('c', '|S3', (2,))], 'fortran_order': False, 'shape': (1,)}",
                (None, false, vec![]),
            ),
        ] {
            assert_eq!(read(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_dictionary_of_an_array_is_refused() {
        let of = |kind: &str, order: &str, shape: &str| {
            read(&format!("{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}}}"))
        };
        assert!(of("'<f4'", "False", "(1, 2)").is_ok());
        for kind in ["<f4", "'f4'", "'<x4'", "'|f4'", "'|U3'", "'<f'", "'<f-4'", "'<f+4'", "4"] {
            assert!(of(kind, "False", "(1,)").is_err(), "{kind}");
        }
        let unknown = of("'|f8'", "False", "(1,)").expect_err("no order");
        assert!(unknown.contains("'|f8', which is no type"), "{unknown}");
        for shape in ["1", "(1", "(-1,)", "(1 2)", "(1,,)", "(1.0,)", "('1',)", "(0x1,)"] {
            assert!(of("'<f4'", "False", shape).is_err(), "{shape}");
        }
        assert!(of("'<f4'", "0", "(1,)").is_err());
        for text in [
            "",
            "{}",
            "{'descr': '<f4', 'shape': (1,)}",
            "{'descr': '<f4' 'shape': (1,)}",
            "[1]",
            "['<f4', False, (1,)]",
            "{'descr",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} 1").is_err());
        let beyond = of("'<f4'", "False", "(18446744073709551616, 2)").expect_err("too large");
        assert!(beyond.contains("beyond any memory"), "{beyond}");
    }

    #[test]
    fn a_type_is_printed_without_what_a_terminal_obeys() {
        let kind = Kind::of("<M8[\u{1b}c]").expect("a type");
        assert_eq!(kind.to_string(), "<M8[\\u{1b}c]");
    }

    #[test]
    fn what_is_written_is_read_and_aligned() {
        for shape in [vec![], vec![3], vec![100, 6], vec![usize::MAX >> 8, 10, 20]] {
            let bytes = written("<U12", &shape);
            let end = end(&bytes[..PRELUDE], bytes.len() as u64).expect("a header");
            assert_eq!((end, end % 64, bytes[end - 1]), (bytes.len(), 0, b'\n'));
            let header = Header::of(&bytes[start(&bytes)..]).expect("a dictionary");
            assert_eq!(
                (header.kind.and_then(|kind| kind.bytes()), header.by_columns, header.shape),
                (Some(48), false, shape)
            );
        }
    }
}
