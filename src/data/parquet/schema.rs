//! The columns that a Parquet file's footer describes (Thrift's compact protocol). The crate would read them too, but it
//! goes into nested columns by recursion and makes room for as many as a file claims: a small file could end the program.

use std::collections::HashSet;
use std::sync::Arc;

use parquet::basic::{Repetition, Type as Physical};
use parquet::schema::types::{SchemaDescriptor, Type};

use super::super::pieces::check_columns;
use super::super::table::TEXT_BYTES;
use crate::error::{Error, Result, shown};

/// A column of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    physical: Physical,
    /// Bytes of a value, where all have as many.
    length: i32,
    /// Whether values may be missing.
    pub(super) optional: bool,
}

/// What a column's values mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Boolean,
    /// An integer of so many bits, in 32 or 64 of them.
    Integer(u8, Sign),
    Float,
    Double,
    /// An integer over ten to the power of this.
    Decimal(i32),
    /// So many of them are a second of a day.
    Time(f64),
    /// Days since 1970.
    Date,
    /// So many of them are a second since 1970.
    Timestamp(i64),
    /// Nanoseconds of a day and its Julian number, in 96 bits.
    Time96,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Signed,
    Unsigned,
}

impl Field {
    /// Bytes that a cell takes in the table.
    pub(super) fn bytes(&self) -> usize {
        match self.kind {
            Kind::Integer(8, Sign::Unsigned) if !self.optional => 1,
            Kind::Integer(8 | 16, _) | Kind::Float => size_of::<f32>(),
            Kind::Text | Kind::Boolean | Kind::Date | Kind::Timestamp(_) | Kind::Time96 => TEXT_BYTES,
            Kind::Integer(..) | Kind::Double | Kind::Decimal(_) | Kind::Time(_) => size_of::<f64>(),
        }
    }

    pub(super) fn physical(&self) -> Physical {
        self.physical
    }

    /// Bytes of a value in a list of them, at least.
    pub(super) fn width(&self) -> usize {
        match self.physical {
            Physical::BOOLEAN => 1,
            Physical::INT32 | Physical::FLOAT | Physical::BYTE_ARRAY => 4,
            Physical::INT64 | Physical::DOUBLE => 8,
            Physical::INT96 => 12,
            Physical::FIXED_LEN_BYTE_ARRAY => self.length as usize,
        }
    }
}

/// The columns in a footer.
///
/// # Errors
/// Data, naming the column: one that is nested, is no number, text or time, or is there twice. Limit, for too many.
pub(super) fn fields(source: &str, footer: &[u8]) -> Result<Vec<Field>> {
    let refused = |what: String| Error::Data(format!("{}: {what}", shown(source)));
    let damaged = || refused("the schema in its footer is damaged; write or fetch it again".into());
    let mut thrift = Thrift(footer);
    let mut last = 0;
    loop {
        match thrift.field(&mut last).ok_or_else(damaged)? {
            Some((SCHEMA, LIST)) => break,
            Some((SCHEMA, _)) | None => return Err(damaged()),
            Some((_, kind)) => thrift.skip(kind, DEEPEST).ok_or_else(damaged)?,
        }
    }
    let (STRUCT, count) = thrift.list().ok_or_else(damaged)? else { return Err(damaged()) };
    let root = thrift.element().ok_or_else(damaged)?;
    let children = root.children.ok_or_else(damaged)?;
    check_columns(source, usize::try_from(children).unwrap_or(0))?;
    let mut fields = Vec::new();
    let mut names = HashSet::new();
    for position in 0..children {
        let element = thrift.element().ok_or_else(damaged)?;
        let field = element.field(position).map_err(&refused)?.ok_or_else(damaged)?;
        if !names.insert(field.name.clone()) {
            return Err(refused(format!("two of its columns are called '{}'; rename one of them", shown(&field.name))));
        }
        fields.push(field);
    }
    if fields.len() as u64 + 1 != count {
        return Err(damaged());
    }
    Ok(fields)
}

/// The same columns as the crate wants them.
pub(super) fn described(fields: &[Field]) -> parquet::errors::Result<Arc<SchemaDescriptor>> {
    let column = |field: &Field| {
        let repetition = if field.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let builder = Type::primitive_type_builder(&field.name, field.physical);
        Ok(Arc::new(builder.with_repetition(repetition).with_length(field.length).build()?))
    };
    let columns = fields.iter().map(column).collect::<parquet::errors::Result<_>>()?;
    let root = Type::group_type_builder("table").with_fields(columns).build()?;
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(root))))
}

/// A node of the schema.
#[derive(Default)]
struct Element<'a> {
    physical: Option<i64>,
    length: i64,
    repetition: i64,
    name: &'a [u8],
    children: Option<i64>,
    /// What older files call the values' meaning.
    converted: Option<i64>,
    scale: i64,
    meaning: Meaning,
}

/// What newer files call it: a member of a union, and the first two fields of that.
#[derive(Default, Clone, Copy)]
struct Meaning {
    member: i64,
    first: i64,
    second: i64,
}

impl Element<'_> {
    /// The column, none if it is damaged; or what is wrong with it.
    fn field(&self, position: i64) -> std::result::Result<Option<Field>, String> {
        const REPEATED: i64 = 2;
        let Ok(name) = std::str::from_utf8(self.name) else { return Ok(None) };
        let name = if name.is_empty() { position.to_string() } else { name.to_owned() };
        let refused = |what: &str| Err(format!("column '{}' {what}", shown(&name)));
        if self.children.is_some_and(|children| children > 0) || self.repetition == REPEATED {
            return refused(
                "is nested (a list, map or struct); leave it out, or make columns of its parts, and write the file again",
            );
        }
        let (Some(physical), Ok(length)) = (self.physical, i32::try_from(self.length)) else { return Ok(None) };
        let scale = if self.meaning.member == DECIMAL { self.meaning.first } else { self.scale };
        let is_decimal = self.meaning.member == DECIMAL || self.converted == Some(CONVERTED_DECIMAL);
        if is_decimal && !(0..=38).contains(&scale) {
            return Ok(None);
        }
        let decimal = is_decimal.then_some(Kind::Decimal(scale as i32));
        let (physical, kind) = match physical {
            0 => (Physical::BOOLEAN, Kind::Boolean),
            1 => (Physical::INT32, decimal.unwrap_or_else(|| self.integer(32))),
            2 => (Physical::INT64, decimal.unwrap_or_else(|| self.integer(64))),
            3 => (Physical::INT96, Kind::Time96),
            4 => (Physical::FLOAT, Kind::Float),
            5 => (Physical::DOUBLE, Kind::Double),
            6 => (Physical::BYTE_ARRAY, decimal.unwrap_or(Kind::Text)),
            7 => match decimal.filter(|_| (1..=16).contains(&length)) {
                Some(decimal) => (Physical::FIXED_LEN_BYTE_ARRAY, decimal),
                None if self.meaning.member == FLOAT16 => {
                    return refused("holds floats of 16 bits, which are not read; write it as float32");
                }
                None => {
                    return refused("holds values of fixed length (UUIDs, long decimals); write it as text or numbers");
                }
            },
            _ => return Ok(None),
        };
        Ok(Some(Field { name, kind, physical, length, optional: self.repetition != REQUIRED }))
    }

    /// What an integer of so many bits means.
    fn integer(&self, bits: u8) -> Kind {
        const SECOND: [i64; 3] = [1_000, 1_000_000, 1_000_000_000];
        let Meaning { member, first, second } = self.meaning;
        match (member, self.converted) {
            (TIME, _) if (1..=3).contains(&second) => Kind::Time(SECOND[second as usize - 1] as f64),
            (TIMESTAMP, _) if (1..=3).contains(&second) => Kind::Timestamp(SECOND[second as usize - 1]),
            (DATE, _) | (_, Some(6)) if bits == 32 => Kind::Date,
            (INTEGER, _) if matches!(first, 8 | 16 | 32 | 64) => {
                Kind::Integer(bits.min(first as u8), if second == 0 { Sign::Unsigned } else { Sign::Signed })
            }
            // Times and timestamps in thousandths and millionths; integers without a sign and with one, of 8 bits to 64.
            (_, Some(7)) => Kind::Time(1e3),
            (_, Some(8)) => Kind::Time(1e6),
            (_, Some(9)) => Kind::Timestamp(1_000),
            (_, Some(10)) => Kind::Timestamp(1_000_000),
            (_, Some(width @ 11..=14)) => Kind::Integer(bits.min(8 << (width - 11)), Sign::Unsigned),
            (_, Some(width @ 15..=18)) => Kind::Integer(bits.min(8 << (width - 15)), Sign::Signed),
            _ => Kind::Integer(bits, Sign::Signed),
        }
    }
}

/// The footer's second field: the schema.
const SCHEMA: i64 = 2;
const REQUIRED: i64 = 0;
/// Members of the union of meanings.
const DECIMAL: i64 = 5;
const DATE: i64 = 6;
const TIME: i64 = 7;
const TIMESTAMP: i64 = 8;
const INTEGER: i64 = 10;
const FLOAT16: i64 = 15;
const CONVERTED_DECIMAL: i64 = 5;

/// Types of Thrift's fields.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;
/// Structs and lists in each other, at most.
const DEEPEST: u32 = 32;

/// What is left of bytes in Thrift's compact protocol. Nothing is given where they end early or make no sense.
struct Thrift<'a>(&'a [u8]);

impl<'a> Thrift<'a> {
    fn bytes(&mut self, count: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    fn unsigned(&mut self) -> Option<u64> {
        let (number, length) = varint(self.0)?;
        self.0 = &self.0[length..];
        Some(number)
    }

    fn signed(&mut self) -> Option<i64> {
        self.unsigned().map(|number| (number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// The next field's number, which counts on from the last, and its type; none at the end of the struct.
    fn field(&mut self, last: &mut i64) -> Option<Option<(i64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *last = if byte >> 4 == 0 { self.signed()? } else { last.wrapping_add(i64::from(byte >> 4)) };
        Some(Some((*last, byte & 15)))
    }

    /// A list's type and length.
    fn list(&mut self) -> Option<(u8, u64)> {
        let byte = self.byte()?;
        Some((byte & 15, if byte >> 4 == 15 { self.unsigned()? } else { u64::from(byte >> 4) }))
    }

    fn skip(&mut self, kind: u8, deepest: u32) -> Option<()> {
        let deepest = deepest.checked_sub(1)?;
        match kind {
            TRUE | FALSE => {}
            BYTE => drop(self.byte()?),
            I16 | I32 | I64 => drop(self.unsigned()?),
            DOUBLE => drop(self.bytes(8)?),
            UUID => drop(self.bytes(16)?),
            BINARY => {
                let length = self.unsigned()?;
                self.bytes(length)?;
            }
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(kind, deepest))?;
            }
            MAP => {
                let count = self.unsigned()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.skip_element(kinds >> 4, deepest)?;
                    self.skip_element(kinds & 15, deepest)
                })?;
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, deepest)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// In a list a truth value has a byte of its own.
    fn skip_element(&mut self, kind: u8, deepest: u32) -> Option<()> {
        if matches!(kind, TRUE | FALSE) { self.byte().map(drop) } else { self.skip(kind, deepest) }
    }

    fn element(&mut self) -> Option<Element<'a>> {
        let mut element = Element { repetition: REQUIRED, ..Default::default() };
        let mut last = 0;
        while let Some((number, kind)) = self.field(&mut last)? {
            match (number, kind) {
                (1, I32) => element.physical = Some(self.signed()?),
                (2, I32) => element.length = self.signed()?,
                (3, I32) => element.repetition = self.signed()?,
                (4, BINARY) => {
                    let length = self.unsigned()?;
                    element.name = self.bytes(length)?;
                }
                (5, I32) => element.children = Some(self.signed()?),
                (6, I32) => element.converted = Some(self.signed()?),
                (7, I32) => element.scale = self.signed()?,
                (10, STRUCT) => element.meaning = self.meaning()?,
                _ => self.skip(kind, DEEPEST)?,
            }
        }
        Some(element)
    }

    fn meaning(&mut self) -> Option<Meaning> {
        let mut meaning = Meaning::default();
        let mut last = 0;
        while let Some((member, kind)) = self.field(&mut last)? {
            if kind != STRUCT {
                return None;
            }
            meaning.member = member;
            let mut last = 0;
            while let Some((number, kind)) = self.field(&mut last)? {
                let value = match kind {
                    TRUE | FALSE => i64::from(kind == TRUE),
                    BYTE => i64::from(self.byte()?),
                    I16 | I32 | I64 => self.signed()?,
                    STRUCT => self.only_field()?,
                    _ => {
                        self.skip(kind, DEEPEST)?;
                        0
                    }
                };
                match number {
                    1 => meaning.first = value,
                    2 => meaning.second = value,
                    _ => {}
                }
            }
        }
        Some(meaning)
    }

    /// The number of a union's member.
    fn only_field(&mut self) -> Option<i64> {
        let (mut last, mut member) = (0, 0);
        while let Some((number, kind)) = self.field(&mut last)? {
            member = number;
            self.skip(kind, DEEPEST)?;
        }
        Some(member)
    }
}

/// A number in groups of seven bits, the lowest first, and how many bytes it has.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let number = bytes[..length].iter().rev().fold(0_u64, |number, byte| number << 7 | u64::from(byte & 0x7f));
    Some((number, length))
}
