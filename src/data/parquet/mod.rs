//! Parquet, the format of data frames, through the crate `parquet` (feature `parquet`): flat tables, column by column.

#[cfg(feature = "parquet")]
mod columns;
#[cfg(feature = "parquet")]
mod pages;
#[cfg(feature = "parquet")]
mod schema;

#[cfg(feature = "parquet")]
pub(super) use columns::{pieces, read};

/// Whether this program reads them.
pub(super) const IS_READ: bool = cfg!(feature = "parquet");

/// How every Parquet file begins, and ends.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Whether bytes begin as a Parquet file does: what follows is binary, and not the rest of a CSV file's first name.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    bytes.strip_prefix(MAGIC).is_some_and(|rest| rest.first().is_some_and(|byte| !is_text(byte)))
}

/// Says that the program was built without them.
///
/// # Errors
/// Always.
#[cfg(not(feature = "parquet"))]
pub(super) fn read(source: &str, _: Box<dyn super::npz::Source>, _: &super::ReadOptions) -> crate::Result<super::Table> {
    Err(not_read(source))
}

/// The same.
///
/// # Errors
/// Always.
#[cfg(not(feature = "parquet"))]
pub(super) fn pieces(
    source: &str,
    _: Box<dyn super::npz::Source>,
    _: &super::ReadOptions,
) -> crate::Result<Box<dyn super::pieces::Pieces>> {
    Err(not_read(source))
}

#[cfg(not(feature = "parquet"))]
fn not_read(source: &str) -> crate::Error {
    crate::Error::Data(format!(
        "{}: a Parquet file, and this wgrad was built without them; build it with \
         'cargo install --path . --features parquet', or save the table as CSV",
        crate::error::shown(source)
    ))
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
