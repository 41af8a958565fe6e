//! Reading a safetensors file that nobody vouches for: eight bytes of header length, a JSON header that says where each
//! tensor lies, the tensors. Every size is compared with the bytes that are there before anything is allocated.
//!
//! The `safetensors` crate writes our files and defines the number types; its reader is not used here, because it takes the
//! whole file as a slice, keeps the last of two tensors of one name, and lets a small header grow large in memory.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::Dtype;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Result, shown};
use crate::files::{self, Identity};
use crate::memory;
use crate::scalar::Scalar;

/// The largest header that is read or written, in bytes: enough for 80,000 input columns.
pub(super) const LARGEST_HEADER: u64 = 16 << 20;
/// The most tensors that a file may hold.
pub(super) const MOST_TENSORS: usize = 20_000;
/// The most entries that `__metadata__` may hold, and dimensions that a tensor may have.
const MOST_ENTRIES: usize = 1_000;
const MOST_DIMENSIONS: usize = 8;
/// The most values in one JSON document of the metadata; each takes up to 72 bytes of memory, a column makes seven.
pub(super) const MOST_VALUES: u64 = 600_000;
const LENGTH_BYTES: u64 = 8;

/// An open safetensors file whose header has been read and found to agree with the file's size.
#[derive(Debug)]
pub(super) struct TensorFile {
    /// The file's name as it may be printed.
    pub(super) name: String,
    /// Its tensors by name.
    pub(super) tensors: BTreeMap<String, TensorInfo>,
    /// Its free metadata by key.
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) file: File,
    /// What the file was when it was opened.
    identity: Identity,
    data_start: u64,
}

/// Bytes of a file for which memory is not asked.
const SMALL: u64 = 16 << 20;

/// What the header says of one tensor.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TensorInfo {
    /// The number type.
    pub(super) dtype: Dtype,
    /// Rows, columns…
    #[serde(deserialize_with = "dimensions")]
    pub(super) shape: Vec<u64>,
    /// First byte and the one past the last, counted from the end of the header.
    data_offsets: (u64, u64),
}

impl TensorInfo {
    /// How many bytes the shape needs, unless that is past counting.
    fn byte_count(&self) -> Option<u64> {
        let bits = self.shape.iter().try_fold(self.dtype.bitsize() as u64, |product, &size| product.checked_mul(size))?;
        bits.is_multiple_of(8).then_some(bits / 8)
    }
}

/// A number type of the tensors that wgrad reads and writes.
pub trait Element: Scalar {
    /// Its name in the header.
    const DTYPE: Dtype;
    /// The numbers in `bytes`, which are little-endian.
    fn from_bytes(bytes: &[u8]) -> Vec<Self>;
    /// Appends its bytes, little-endian.
    fn append_to(self, bytes: &mut Vec<u8>);
    /// The bytes of some numbers as they lie in memory.
    fn bytes(values: &[Self]) -> &[u8];
    /// The same, to be written to.
    fn bytes_mut(values: &mut [Self]) -> &mut [u8];
}

macro_rules! element {
    ($type:ty, $dtype:path) => {
        impl Element for $type {
            const DTYPE: Dtype = $dtype;
            fn from_bytes(bytes: &[u8]) -> Vec<Self> {
                let (numbers, rest) = bytes.as_chunks();
                assert!(rest.is_empty(), "the header's offsets have been checked against the shapes");
                numbers.iter().map(|number| Self::from_le_bytes(*number)).collect()
            }
            fn append_to(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn bytes(values: &[Self]) -> &[u8] {
                bytemuck::cast_slice(values)
            }
            fn bytes_mut(values: &mut [Self]) -> &mut [u8] {
                bytemuck::cast_slice_mut(values)
            }
        }
    };
}

element!(f32, Dtype::F32);
element!(f64, Dtype::F64);

impl TensorFile {
    /// Opens the file at `path`, which messages call `named`.
    ///
    /// # Errors
    /// Model if it cannot be read or is no sound safetensors file.
    pub(super) fn open(path: &Path, named: &Path) -> Result<Self> {
        let name = shown(&named.to_string_lossy());
        let unreadable = |error: std::io::Error| Error::Model(format!("{name}: cannot be read: {error}"));
        let damaged = |what: String| {
            Error::Model(format!("{name}: is no sound safetensors file: {what}; take another copy, or train again"))
        };
        let mut file = files::open_plain(path).map_err(unreadable)?;
        let identity = Identity::of(&file.metadata().map_err(unreadable)?);
        let size = identity.length;
        if size < LENGTH_BYTES {
            return Err(damaged(format!("it has {size} bytes, and the header's length alone takes {LENGTH_BYTES}")));
        }
        let mut length = [0; LENGTH_BYTES as usize];
        file.read_exact(&mut length).map_err(unreadable)?;
        let length = u64::from_le_bytes(length);
        if length > size - LENGTH_BYTES {
            return Err(damaged(format!("its header is said to take {length} bytes, and the whole file has {size}")));
        }
        if length > LARGEST_HEADER {
            return Err(damaged(format!("its header takes {length} bytes, and the most is {LARGEST_HEADER}")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(unreadable)?;
        let Header { tensors, metadata } = serde_json::from_slice(&header)
            .map_err(|error| damaged(format!("its header: {}", shown(&error.to_string()))))?;
        let data_start = LENGTH_BYTES + length;
        check_offsets(&tensors, size - data_start).map_err(damaged)?;
        // The numbers, their bytes, and the same transposed.
        if size > SMALL && !memory::is_there(3 * u128::from(size)) {
            return Err(Error::Limit(format!("{name}: there is no memory for the {size} bytes that it holds")));
        }
        Ok(Self { name, tensors, metadata, file, identity, data_start })
    }

    /// Refuses a file that somebody has written since it was opened.
    fn check_unchanged(&self) -> Result<()> {
        match self.file.metadata() {
            Ok(metadata) if Identity::of(&metadata) == self.identity => Ok(()),
            _ => {
                Err(Error::Model(format!("{}: changed while it was read; read it again when nothing writes it", self.name)))
            }
        }
    }

    /// The numbers of the tensor called `tensor`, which is there and of this type, row by row.
    ///
    /// # Errors
    /// Model if they cannot be read, somebody has written the file meanwhile, or one is NaN or infinite.
    pub(super) fn read<T: Element>(&mut self, tensor: &str) -> Result<Vec<T>> {
        let info = &self.tensors[tensor];
        assert!(info.dtype == T::DTYPE, "{tensor} is read as {} and is {}", T::DTYPE, info.dtype);
        let (start, end) = info.data_offsets;
        let count = usize::try_from(end - start)
            .map_err(|_| Error::Limit(format!("{}: tensor {tensor} is too large for this machine", self.name)))?;
        let mut bytes = vec![0; count];
        self.file
            .seek(SeekFrom::Start(self.data_start + start))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|error| Error::Model(format!("{}: tensor {tensor} cannot be read: {error}", self.name)))?;
        self.check_unchanged()?;
        let values = T::from_bytes(&bytes);
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            let columns = info.shape.last().map_or(1, |&columns| columns as usize);
            let place = match info.shape.len() {
                2 => format!("[{}, {}]", place / columns, place % columns),
                _ => format!("[{place}]"),
            };
            return Err(Error::Model(format!(
                "{}: tensor {tensor} holds a number that is not finite at {place}; take another copy, or train again with a \
                 smaller --learning-rate",
                self.name
            )));
        }
        Ok(values)
    }
}

/// Checks that the tensors lie one after another, each as long as its shape says, and together fill `length` bytes.
fn check_offsets(tensors: &BTreeMap<String, TensorInfo>, length: u64) -> std::result::Result<(), String> {
    let mut by_place: Vec<_> = tensors.iter().collect();
    by_place.sort_by_key(|(_, info)| info.data_offsets);
    let mut expected = 0;
    for (name, info) in by_place {
        let (name, (start, end)) = (shown(name), info.data_offsets);
        if start != expected || end < start {
            return Err(format!("tensor {name} takes the bytes {start} to {end}, and should start at {expected}"));
        }
        if info.byte_count() != Some(end - start) {
            let (shape, dtype) = (&info.shape, info.dtype);
            return Err(format!("tensor {name} takes {} bytes, which is not what {dtype} {shape:?} takes", end - start));
        }
        expected = end;
    }
    if expected != length {
        return Err(format!("its tensors take {expected} bytes, and {length} follow the header"));
    }
    Ok(())
}

#[derive(Default)]
struct Header {
    tensors: BTreeMap<String, TensorInfo>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Header, A::Error> {
        let mut header = Header::default();
        let mut has_metadata = false;
        while let Some(key) = map.next_key::<String>()? {
            let duplicate = if key == "__metadata__" {
                header.metadata = map.next_value::<Metadata>()?.0;
                std::mem::replace(&mut has_metadata, true)
            } else if header.tensors.len() == MOST_TENSORS {
                return Err(A::Error::custom(format_args!("there are more than {MOST_TENSORS} tensors")));
            } else {
                let info = map.next_value()?;
                header.tensors.insert(key.clone(), info).is_some()
            };
            if duplicate {
                return Err(A::Error::custom(format_args!("there are two entries called '{}'", shown(&key))));
            }
        }
        Ok(header)
    }
}

struct Metadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(MetadataVisitor).map(Self)
    }
}

struct MetadataVisitor;

impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if entries.len() == MOST_ENTRIES {
                return Err(A::Error::custom(format_args!("there are more than {MOST_ENTRIES} metadata entries")));
            }
            if entries.contains_key(&key) {
                return Err(A::Error::custom(format_args!("there are two metadata entries called '{}'", shown(&key))));
            }
            entries.insert(key, value);
        }
        Ok(entries)
    }
}

/// A shape: a short list, so that a long one is refused while it is read.
fn dimensions<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<u64>, D::Error> {
    struct Dimensions;

    impl<'de> Visitor<'de> for Dimensions {
        type Value = Vec<u64>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list of sizes")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self::Value, A::Error> {
            let mut shape = Vec::new();
            while let Some(size) = list.next_element()? {
                if shape.len() == MOST_DIMENSIONS {
                    return Err(A::Error::custom(format_args!("a tensor has more than {MOST_DIMENSIONS} dimensions")));
                }
                shape.push(size);
            }
            Ok(shape)
        }
    }

    deserializer.deserialize_seq(Dimensions)
}

/// Reads a JSON document whose objects must not name anything twice (serde's maps silently keep the last).
///
/// # Errors
/// A sentence that says where the document is wrong.
pub(super) fn from_json<'de, T: Deserialize<'de>>(text: &'de str) -> std::result::Result<T, String> {
    values_of(text)?;
    serde_json::from_str(text).map_err(|error| shown(&error.to_string()))
}

/// How many values a JSON document has, whose objects name nothing twice.
///
/// # Errors
/// As [`from_json`].
pub(super) fn values_of(text: &str) -> std::result::Result<u64, String> {
    let values = Cell::new(0);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    UniqueNames(&values).deserialize(&mut deserializer).map_err(|error| shown(&error.to_string()))?;
    Ok(values.get())
}

/// Reads any JSON value for the sake of its objects' names only, and counts the values.
#[derive(Clone, Copy)]
struct UniqueNames<'a>(&'a Cell<u64>);

impl<'de> DeserializeSeed<'de> for UniqueNames<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        self.0.set(self.0.get() + 1);
        if self.0.get() > MOST_VALUES {
            return Err(D::Error::custom(format_args!("there are more than {MOST_VALUES} values")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueNames<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(self)?;
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("there are two entries called '{}'", shown(&name))));
            }
        }
        Ok(())
    }
}
