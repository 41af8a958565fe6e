//! Training: a network with its data on a device ([`session`]), and above it a whole run from its options to its folder ([`run`]).

pub mod run;
pub mod session;

pub use run::{
    DataReport, Destination, Ending, EpochRecord, FoldReport, FoldsReport, NetworkReport, Observer, Options, Run,
    RunObserver, RunReport, Score, Sources,
};
pub use session::{
    Device, DeviceReport, Forecast, LossScale, Precision, Recipe, Reduction, Samples, Schedule, ScheduleKind, Session,
    State, Trained, Wanted,
};
