//! Why training ended.

use serde::Serialize;

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Ending {
    /// All epochs were done.
    AllEpochs,
    /// The loss had not become better for as many epochs as patience lasts; the weights are the best epoch's.
    NoBetter {
        /// The epoch that the weights are from.
        best_epoch: usize,
    },
    /// As many of the epochs were done as it was to end after.
    StopAfter,
    /// Time was up.
    Time,
    /// A signal asked for it.
    Signal {
        /// Its number.
        signal: u8,
    },
}
