//! Parquet, the format of data frames, through the crate `parquet` (feature `parquet`): flat tables, column by column.

mod beginning;
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

pub(super) const FORMAT: Format = Format { begins: beginning::begins, holds: Holds::Table, open: opened };

#[cfg(feature = "parquet")]
use columns::opened;

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
