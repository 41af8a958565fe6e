//! Reading the messages of an ONNX file that nobody vouches for: counted before they are decoded, so that a small file cannot
//! become large in memory, and tensors only where their bytes are there.

use std::cell::Cell;

use prost::Message;
use prost::bytes::{Buf, Bytes};
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};

use super::messages::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    ValueInfoProto, kind,
};
use crate::error::shown;

/// The most fields that a file's messages may have together: each takes up to 64 bytes of memory.
const MOST_FIELDS: u64 = 500_000;
/// The most bytes of a message's packed fields whose elements are larger in memory than in the file.
const MOST_BYTES: usize = 4096;
/// The most integers of a tensor, which is a shape or has a class's number each.
const MOST_INTEGERS: usize = 4096;
/// The most dimensions of a tensor.
const MOST_DIMENSIONS: usize = 8;

/// What is wrong, as a part of a sentence.
pub(super) type Wrong<T> = Result<T, String>;

/// A message that is decoded from a file.
pub(super) trait Decoded: Message + Default {
    /// What it is, for messages to people.
    const NAME: &'static str;
    /// The fields that take more memory than bytes in the file, and so are kept short.
    const SHORT: &'static [u32] = &[];
}

macro_rules! decoded {
    ($type:ty, $name:literal $(, $short:literal)*) => {
        impl Decoded for $type {
            const NAME: &'static str = $name;
            const SHORT: &'static [u32] = &[$($short),*];
        }
    };
}

decoded!(ModelProto, "model");
decoded!(OperatorSetIdProto, "set of operators");
decoded!(StringStringEntryProto, "entry of metadata");
decoded!(GraphProto, "graph");
decoded!(NodeProto, "node");
decoded!(AttributeProto, "attribute", 8);
decoded!(TensorProto, "tensor", 1, 5, 7);
decoded!(ValueInfoProto, "input or output", 2);

/// Decodes the messages of one file.
pub(super) struct Decoder {
    /// Fields that are still allowed.
    left: Cell<u64>,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { left: Cell::new(MOST_FIELDS) }
    }

    /// The message in these bytes.
    pub(super) fn decode<M: Decoded>(&self, bytes: &Bytes) -> Wrong<M> {
        self.count::<M>(bytes.clone())?;
        M::decode(bytes.clone()).map_err(|error| damaged::<M>(&error))
    }

    /// Goes over the fields without making anything of them.
    fn count<M: Decoded>(&self, mut bytes: Bytes) -> Wrong<()> {
        let mut packed = 0;
        while bytes.has_remaining() {
            let left = self.left.get().checked_sub(1);
            self.left.set(left.ok_or_else(|| format!("it has more than {MOST_FIELDS} fields, which no dense network has"))?);
            let (tag, wire) = decode_key(&mut bytes).map_err(|error| damaged::<M>(&error))?;
            let before = bytes.remaining();
            skip_field(wire, tag, &mut bytes, DecodeContext::default()).map_err(|error| damaged::<M>(&error))?;
            if M::SHORT.contains(&tag) && wire == WireType::LengthDelimited {
                packed += before - bytes.remaining();
            }
            if packed > MOST_BYTES {
                return Err(format!("a {} describes itself in {packed} bytes, and {MOST_BYTES} is the most", M::NAME));
            }
        }
        Ok(())
    }
}

fn damaged<M: Decoded>(error: &prost::DecodeError) -> String {
    format!("is no sound ONNX file: a {} cannot be decoded: {}", M::NAME, shown(&error.to_string()))
}

/// Numbers in the type of their tensor.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Double(values) => values.len(),
        }
    }

    pub(super) fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::Single(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Self::Double(values) => values.clone(),
        }
    }

    /// `count` numbers, of which one stands for all; none where there are more, or fewer.
    pub(super) fn spread(self, count: usize) -> Option<Self> {
        match self {
            numbers if numbers.len() == count => Some(numbers),
            Self::Single(values) if values.len() == 1 => Some(Self::Single(vec![values[0]; count])),
            Self::Double(values) if values.len() == 1 => Some(Self::Double(vec![values[0]; count])),
            _ => None,
        }
    }

    fn is_finite(&self) -> bool {
        match self {
            Self::Single(values) => values.iter().all(|value| value.is_finite()),
            Self::Double(values) => values.iter().all(|value| value.is_finite()),
        }
    }
}

/// A constant of numbers and its shape.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Numbers,
}

impl Tensor {
    /// The numbers of a message, if they are as many as its dimensions say.
    pub(super) fn of(message: TensorProto) -> Wrong<Self> {
        is_here(&message)?;
        let is_double = match message.data_type.unwrap_or_default() {
            kind::FLOAT => false,
            kind::DOUBLE => true,
            other => return Err(format!("is of ONNX's data type {other}, and float (1) or double (11) is expected")),
        };
        let (shape, count) = shape_of(&message)?;
        let numbers = match (message.raw_data, is_double) {
            (Some(raw), false) => Numbers::Single(chunked(&raw, count, f32::from_le_bytes)?),
            (Some(raw), true) => Numbers::Double(chunked(&raw, count, f64::from_le_bytes)?),
            (None, false) => Numbers::Single(message.float_data),
            (None, true) => Numbers::Double(message.double_data),
        };
        is_full(numbers.len(), &shape, count)?;
        if !numbers.is_finite() {
            return Err("holds a number that is not finite".into());
        }
        Ok(Self { shape, numbers })
    }
}

/// The integers of a message that is one row of them.
pub(super) fn integers(message: TensorProto) -> Wrong<Vec<i64>> {
    is_here(&message)?;
    let (shape, count) = shape_of(&message)?;
    is_row(&shape)?;
    if count > MOST_INTEGERS {
        return Err(format!("has {count} integers, and {MOST_INTEGERS} is the most"));
    }
    let integers: Vec<i64> = match (message.data_type.unwrap_or_default(), message.raw_data) {
        (kind::INT32, Some(raw)) => chunked(&raw, count, i32::from_le_bytes)?.into_iter().map(i64::from).collect(),
        (kind::INT32, None) => message.int32_data.into_iter().map(i64::from).collect(),
        (kind::INT64, Some(raw)) => chunked(&raw, count, i64::from_le_bytes)?,
        (kind::INT64, None) => message.int64_data,
        (other, _) => return Err(format!("is of ONNX's data type {other}, and int32 (6) or int64 (7) is expected")),
    };
    is_full(integers.len(), &shape, count)?;
    Ok(integers)
}

/// The texts of a message that is one row of them, or its integers as text.
pub(super) fn labels(message: TensorProto) -> Wrong<Vec<String>> {
    if message.data_type != Some(kind::STRING) {
        return Ok(integers(message)?.iter().map(i64::to_string).collect());
    }
    is_here(&message)?;
    let (shape, count) = shape_of(&message)?;
    is_row(&shape)?;
    is_full(message.string_data.len(), &shape, count)?;
    message.string_data.iter().map(text).collect()
}

/// A text of a file.
pub(super) fn text(bytes: &Bytes) -> Wrong<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "holds a text that is not UTF-8".into())
}

fn is_here(message: &TensorProto) -> Wrong<()> {
    match message.data_location.unwrap_or_default() {
        0 => Ok(()),
        _ => Err("keeps its numbers in another file; save the network in one file".into()),
    }
}

/// A tensor's shape, and how many elements it needs.
fn shape_of(message: &TensorProto) -> Wrong<(Vec<usize>, usize)> {
    if message.dims.len() > MOST_DIMENSIONS {
        return Err(format!("has {} dimensions", message.dims.len()));
    }
    let shape: Option<Vec<usize>> = message.dims.iter().map(|&size| usize::try_from(size).ok()).collect();
    let count = shape.as_ref().and_then(|shape| shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size)));
    shape.zip(count).ok_or_else(|| format!("has the shape {:?}, which is beyond any memory", message.dims))
}

fn is_row(shape: &[usize]) -> Wrong<()> {
    let is_row = shape.iter().rev().skip(1).all(|&size| size == 1);
    if is_row { Ok(()) } else { Err(format!("has the shape {shape:?}, which is not one row")) }
}

fn is_full(elements: usize, shape: &[usize], count: usize) -> Wrong<()> {
    if elements == count { Ok(()) } else { Err(format!("has {elements} elements, and its shape {shape:?} needs {count}")) }
}

/// So many numbers of `N` bytes.
fn chunked<const N: usize, T>(raw: &[u8], count: usize, from: impl Fn([u8; N]) -> T) -> Wrong<Vec<T>> {
    if count.checked_mul(N) != Some(raw.len()) {
        return Err(format!("has {} bytes, and its shape needs {count} numbers of {N} bytes", raw.len()));
    }
    Ok(raw.as_chunks().0.iter().map(|&bytes| from(bytes)).collect())
}
