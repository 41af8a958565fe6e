//! What a sweep leaves behind: a line for each trial, what mattered, and its page.

mod importance;
mod record;

pub use importance::{Importance, importance};
pub use record::{Best, Curve, SweepAccount, TrialEnding, TrialRecord, Varied};
