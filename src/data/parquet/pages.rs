//! The pages of a column, unpacked within a bound and looked through before the crate decodes them: it takes lengths on
//! trust, and asking for memory that is not there ends the program.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use ruzstd::decoding::StreamingDecoder;

use super::super::input::unpacked_bound;
use super::schema::{Field, varint};
use crate::memory;

/// Values of a column that are decoded at a time; of text fewer, since a page may hold one long text many times.
pub(super) const BATCH: usize = 4096;
pub(super) const TEXTS: usize = 256;

/// Bytes that are taken without asking whether they are there.
const SMALL: u64 = 16 << 20;

/// A column's pages in one group of rows.
pub(super) struct Pages<R: ChunkReader> {
    /// Gives each page as it is packed.
    packed: SerializedPageReader<R>,
    codec: Compression,
    /// Bytes that all pages together unpack to, as the file says.
    unpacked: u64,
    optional: bool,
    /// Bytes of a value in a dictionary, at least.
    width: usize,
}

/// Whether pages that are packed so can be unpacked.
pub(super) fn is_known(codec: Compression) -> bool {
    use Compression::{GZIP, LZ4_RAW, SNAPPY, UNCOMPRESSED, ZSTD};
    matches!(codec, UNCOMPRESSED | SNAPPY | GZIP(_) | ZSTD(_) | LZ4_RAW)
}

impl<R: ChunkReader> Pages<R> {
    pub(super) fn new(reader: std::sync::Arc<R>, chunk: &ColumnChunkMetaData, rows: usize, field: &Field) -> Result<Self> {
        let packed = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        Ok(Self {
            packed: SerializedPageReader::new(reader, &packed, rows, None)?,
            codec: chunk.compression(),
            unpacked: u64::try_from(chunk.uncompressed_size()).unwrap_or(0),
            optional: field.optional,
            width: field.width(),
        })
    }

    /// A page's bytes but for the first, which are never packed.
    fn unpacked(&self, page: &Bytes, plain: usize) -> Result<Bytes> {
        let Some((plain, packed)) = page.split_at_checked(plain) else {
            return Err(wrong("a page is shorter than its levels"));
        };
        if self.codec == Compression::UNCOMPRESSED || packed.is_empty() {
            return Ok(page.clone());
        }
        let most = unpacked_bound(packed.len() as u64).min(self.unpacked);
        ask(most)?;
        let mut bytes = plain.to_vec();
        let length = plain.len() as u64 + self.unpack(packed, most, &mut bytes)?;
        if length > most {
            return Err(wrong(&format!("a page of {} bytes unpacks to more than {most}", packed.len())));
        }
        Ok(bytes.into())
    }

    /// Puts what is unpacked behind `bytes`: no more than one byte over `most`, and how much it is.
    fn unpack(&self, packed: &[u8], most: u64, bytes: &mut Vec<u8>) -> Result<u64> {
        /// What a byte of LZ4 unpacks to, at most.
        const RATIO: u64 = 255;
        let broken = |error: &dyn std::fmt::Display| wrong(&format!("a page cannot be unpacked: {error}"));
        match self.codec {
            Compression::GZIP(_) => {
                let read = MultiGzDecoder::new(packed).take(most + 1).read_to_end(bytes);
                Ok(read.map_err(|error| broken(&error))? as u64)
            }
            Compression::ZSTD(_) => {
                let decoder = StreamingDecoder::new(packed).map_err(|error| broken(&error))?;
                Ok(decoder.take(most + 1).read_to_end(bytes).map_err(|error| broken(&error))? as u64)
            }
            Compression::SNAPPY => {
                let length = snap::raw::decompress_len(packed).map_err(|error| broken(&error))?;
                if length as u64 <= most {
                    let start = bytes.len();
                    bytes.resize(start + length, 0);
                    snap::raw::Decoder::new().decompress(packed, &mut bytes[start..]).map_err(|error| broken(&error))?;
                }
                Ok(length as u64)
            }
            Compression::LZ4_RAW => {
                let start = bytes.len();
                bytes.resize(start + (packed.len() as u64 * RATIO).min(most) as usize, 0);
                let length =
                    lz4_flex::block::decompress_into(packed, &mut bytes[start..]).map_err(|error| broken(&error))?;
                bytes.truncate(start + length);
                Ok(length as u64)
            }
            other => Err(wrong(&format!("its pages are packed by {other:?}"))),
        }
    }

    /// Refuses values that the crate would make too much room for; `page` begins with the levels.
    fn check(&self, page: &[u8], levels: usize, values: u32, encoding: Encoding) -> Result<()> {
        let short = || wrong("a page ends early");
        match encoding {
            Encoding::PLAIN
            | Encoding::PLAIN_DICTIONARY
            | Encoding::RLE_DICTIONARY
            | Encoding::RLE
            | Encoding::DELTA_BINARY_PACKED
            | Encoding::BYTE_STREAM_SPLIT => Ok(()),
            Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY => {
                let data = page.get(levels..).ok_or_else(short)?;
                let lists = if encoding == Encoding::DELTA_BYTE_ARRAY { 2 } else { 1 };
                let mut start = 0;
                for _ in 0..lists {
                    let (count, length) = data.get(start..).and_then(deltas).ok_or_else(short)?;
                    if count > u64::from(values) {
                        return Err(wrong(&format!("a page of {values} values has {count} lengths of text")));
                    }
                    start += length;
                }
                // The crate makes room for as many lengths as the page says that it has values.
                ask(u64::from(values) * 16)?;
                // Each text may begin with all of the one before it.
                if lists == 2 { ask((data.len() * TEXTS) as u64) } else { Ok(()) }
            }
            other => Err(wrong(&format!("values in the encoding {other} are not read"))),
        }
    }

    /// Bytes of a page's levels, which say what is missing.
    fn levels(&self, page: &[u8], values: u32, encoding: Encoding) -> usize {
        match (self.optional, encoding) {
            (false, _) => 0,
            (true, Encoding::RLE) => {
                page.first_chunk().map_or(page.len(), |length| (u32::from_le_bytes(*length) as usize).saturating_add(4))
            }
            (true, _) => values.div_ceil(8) as usize,
        }
    }

    fn unpacked_and_checked(&self, mut page: Page) -> Result<Page> {
        match &mut page {
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                *buf = self.unpacked(buf, 0)?;
                self.check(buf, self.levels(buf, *num_values, *def_level_encoding), *num_values, *encoding)?;
            }
            Page::DataPageV2 {
                buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, is_compressed, ..
            } => {
                let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                if *is_compressed {
                    *buf = self.unpacked(buf, levels)?;
                }
                self.check(buf, levels, *num_values, *encoding)?;
            }
            Page::DictionaryPage { buf, num_values, .. } => {
                *buf = self.unpacked(buf, 0)?;
                if *num_values as usize * self.width > buf.len() {
                    return Err(wrong(&format!("a dictionary of {num_values} values has {} bytes", buf.len())));
                }
                // A value takes what points to it beside its bytes.
                ask(u64::from(*num_values) * 32)?;
            }
        }
        Ok(page)
    }
}

impl<R: ChunkReader> Iterator for Pages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for Pages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.packed.get_next_page()?;
        page.map(|page| self.unpacked_and_checked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.packed.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.packed.skip_next_page()
    }
}

fn wrong(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// Refuses so many bytes, where they are many and not there.
fn ask(bytes: u64) -> Result<()> {
    let fits = bytes <= SMALL || memory::is_there(bytes.into());
    if fits { Ok(()) } else { Err(std::io::Error::from(std::io::ErrorKind::OutOfMemory).into()) }
}

/// How many numbers a list of differences (the encoding `DELTA_BINARY_PACKED`) has, and how many bytes.
fn deltas(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut start = 0;
    let mut next = || {
        let (number, length) = varint(bytes.get(start..)?)?;
        start += length;
        Some(number)
    };
    let (block, pieces, count, _first) = (next()?, next()?, next()?, next()?);
    let each = block.checked_div(pieces)?;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let (_least, length) = varint(bytes.get(start..)?)?;
        let widths = start + length;
        start = widths.checked_add(usize::try_from(pieces).ok()?)?;
        for &width in bytes.get(widths..start)? {
            if left > 0 {
                start = start.checked_add(usize::try_from(each.checked_mul(width.into())? / 8).ok()?)?;
            }
            left = left.saturating_sub(each);
        }
        if block == 0 || start > bytes.len() {
            return None;
        }
    }
    Some((count, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_differences_is_as_long_as_its_blocks() {
        // 128 numbers in 4 pieces of 32, the first 5; one piece of 3 bits is begun.
        let list = |count: u8| [vec![0x80, 1, 4, count, 10, 0, 3, 9, 9, 9], vec![0; 12]].concat();
        assert_eq!(deltas(&list(20)), Some((20, 22)));
        assert_eq!(deltas(&list(1)), Some((1, 5)));
        assert_eq!(deltas(&list(20)[..20]), None);
        assert_eq!(deltas(&[0x80, 1, 0, 20, 10, 0]), None);
        assert_eq!(deltas(&[0, 4, 20, 10, 0, 0, 0, 0, 0]), None);
        let huge = [vec![0x80, 1, 4], vec![0xff; 9], vec![1, 10]].concat();
        assert_eq!(deltas(&huge), None);
    }
}
