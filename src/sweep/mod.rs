//! Sweeps: many trainings side by side, to find the options that suit the data.
//!
//! A point of the space (`space`) is a trial (`trial`), whose options are those of a run. Trials that differ in numbers alone have one
//! shape and are trained side by side in one session (`training`); shapes take turns (`course`). With halving most trials end after a
//! few epochs, and the states of the others are kept. Each trial comes out bit for bit as `wgrad train --config
//! SWEEP/trial-N/run.toml` gives it again, and the best one is trained so at the end (`winner`), which also holds the sweep to that.

mod course;
mod encoded;
mod ensemble;
mod folder;
mod halving;
mod judge;
mod made;
mod report;
mod request;
mod settings;
mod space;
mod training;
mod trial;
mod watcher;
mod winner;

pub use report::{SweepReport, plain};
pub use request::{Request, begin, merge, resume};
pub use settings::{Search, Shard};
pub use watcher::{Overview, Watcher};
