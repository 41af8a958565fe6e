//! What a sweep leaves behind: a line for each trial, what mattered, and its page.

mod charts;
mod curves;
mod importance;
mod page;
mod ranked;
mod record;
mod room;
#[cfg(test)]
mod sample;
mod table;
mod values;

pub use importance::importance;
pub use page::SweepPage;
pub use record::{Best, Curve, Ensemble, Importance, SweepAccount, TrialEnding, TrialRecord, Varied};
