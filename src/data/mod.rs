//! Data: tables in, matrices out.
//!
//! `input` opens what a name stands for, `formats` tells what it is, and a format gives its rows in `pieces`. `read` collects them in a
//! `Table`, `stored` spills them into a file; `split` shares out its rows; `fit` looks at the training rows
//! and makes an `Encoding`; `encode` turns any table with the same columns into matrices by it; `summary` describes a table
//! to people.

pub mod advice;
mod array;
pub mod bins;
mod categories;
pub mod cells;
pub mod column_summary;
mod csv;
pub(crate) mod dates;
pub mod embedded;
mod encode;
pub mod encoding;
pub mod fit;
mod folder;
mod foreign;
mod formats;
pub mod histogram;
mod identifiers;
mod idx;
mod input;
pub mod matrix;
mod missing;
pub(crate) mod npy;
pub(crate) mod npz;
mod parquet;
mod pieces;
pub mod read;
pub mod readings;
pub mod remarks;
pub mod split;
pub mod stored;
pub mod summary;
pub mod table;
mod task;
mod texts;

pub use bins::Bins;
pub use cells::Cells;
pub(crate) use cells::spelled;
pub use csv::Numerals;
pub use dates::Calendar;
pub(crate) use encode::number_at;
pub use encoding::{ColumnReport, Decision, Encoding, InputColumn, InputKind, NumberTarget, Target};
pub use fit::{FitOptions, Missing, Scale};
pub use folder::is_there_again;
pub(crate) use folder::{bytes_of, takes_in};
pub use matrix::Matrix;
pub use missing::MissingValues;
pub use read::{is_absent, read};
pub use readings::{ReadOptions, Readings};
pub use split::{Fold, Fractions, Split, fold, split};
pub use stored::StoredTable;
pub use summary::Summary;
pub use table::{Column, Table};
pub use task::Task;
pub use texts::Texts;
