//! `--memory`, of every command that applies a model to data.

use clap::Args;

use crate::training::run::options::Bytes;

/// What the data that a model is applied to may take.
#[derive(Debug, Args)]
pub(super) struct MemoryArguments {
    /// Memory for the data, such as 2GiB: wgrad converts what has more bytes (CSV and Parquet files and folders of them,
    /// npy and npz in C order, IDX) into a temporary file and reads a part of it at a time; the results stay the same
    /// [default: wgrad converts what memory does not hold]
    #[arg(long, value_name = "SIZE")]
    pub(super) memory: Option<Bytes>,
}
