//! Parquet, the format of data frames, through the crate `parquet` (feature `parquet`): flat tables, column by column.

#[cfg(feature = "parquet")]
mod columns;
#[cfg(feature = "parquet")]
mod pages;
#[cfg(feature = "parquet")]
mod schema;

use super::pieces::{Format, Holds};
#[cfg(not(feature = "parquet"))]
use super::{ReadOptions, input::Input, pieces::Pieces};
#[cfg(not(feature = "parquet"))]
use crate::error::Result;

pub(super) const FORMAT: Format = Format { begins, holds: Holds::Table, open: opened };

#[cfg(feature = "parquet")]
use columns::opened;

/// How every Parquet file begins, and ends.
const MAGIC: &[u8] = b"PAR1";

/// Whether bytes begin as a Parquet file does: what follows is binary, and not the rest of a CSV file's first name.
fn begins(bytes: &[u8]) -> bool {
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    bytes.strip_prefix(MAGIC).is_some_and(|rest| rest.first().is_some_and(|byte| !is_text(byte)))
}

/// Says that the program was built without them.
///
/// # Errors
/// Always.
#[cfg(not(feature = "parquet"))]
#[expect(clippy::needless_pass_by_value, reason = "as a format's function is")]
fn opened<'a>(input: Input, _: &'a ReadOptions) -> Result<Box<dyn Pieces + 'a>> {
    Err(crate::Error::Data(format!(
        "{}: a Parquet file, and this wgrad was built without them; build it with \
         'cargo install --path . --features parquet', or save the table as CSV",
        crate::error::shown(input.source())
    )))
}

#[cfg(test)]
mod tests {
    use super::begins;

    #[test]
    fn a_csv_file_may_begin_with_the_same_letters() {
        assert!(begins(b"PAR1\x15\x04\x15") && begins(b"PAR1\0"));
        assert!(!begins(b"PAR1,PAR2\n") && !begins(b"PAR1\n1\n") && !begins(b"PAR1") && !begins("PAR1Ä".as_bytes()));
    }
}
