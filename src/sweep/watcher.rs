//! Who watches a sweep, and what is told before it begins.

use std::path::PathBuf;

use crate::error::Result;

/// Who watches a sweep: several threads may tell it at once.
pub trait Watcher: Sync {
    /// The trials are about to begin.
    ///
    /// # Errors
    /// Whatever keeps the watcher from watching; nothing is trained then.
    fn begins(&self, overview: &Overview) -> Result<()>;
    /// So much of all work is done.
    fn progress(&self, done: f64, all: f64);
    /// No trial before had such a good score; so many have ended.
    fn better(&self, trial: usize, score: f64);
    /// So many trials have ended.
    fn ended(&self, trials: usize);
    /// Something that a person should hear.
    fn remark(&self, remark: &str);
    /// The signal that asks the sweep to end, if one came.
    fn signal(&self) -> Option<u8>;
}

/// What is told of a sweep before it begins.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The data, in a sentence.
    pub data: String,
    /// What varies, as it is written.
    pub vary: Vec<String>,
    /// Whether that was wgrad's choice.
    pub is_usual: bool,
    /// How it is searched, in a sentence.
    pub search: String,
    /// The metric.
    pub metric: &'static str,
    /// Whether less of it is better.
    pub lower_is_better: bool,
    /// Trials, and how many of them have ended before.
    pub trials: usize,
    /// Those that ended before.
    pub ended: usize,
    /// Shapes of networks, which take turns.
    pub shapes: usize,
    /// The device.
    pub device: String,
    /// The sweep's folder.
    pub folder: PathBuf,
}
