//! The training loop: a network, its data and a device; schedules, epochs, early stopping.

mod account;
pub mod application;
pub mod checkpoint;
pub mod device;
pub mod divergence;
pub mod fastest;
pub mod finetuning;
pub mod fit;
pub mod folds;
pub mod forecast;
pub mod health;
pub mod loss_scale;
pub mod options;
pub mod planning;
pub mod predictions;
mod prepared;
pub mod report;
pub mod resolution;
pub mod row_weights;
pub mod run;
pub mod schedule;
pub mod session;
pub mod sources;
pub mod values;

pub use device::{Device, DeviceReport, Precision, Wanted};
pub use fit::{Ending, EpochRecord, Fitted, Limits, Measure, Memory, Observer, Training};
pub use folds::{FoldReport, FoldsReport, Score};
pub use forecast::Forecast;
pub use loss_scale::LossScale;
pub use options::Options;
pub use report::{NetworkReport, RunReport};
pub use run::{Destination, Run, RunObserver};
pub use schedule::{Schedule, ScheduleKind};
pub use session::{Recipe, Reduction, Samples, Session, State, Trained};
pub use sources::{DataReport, Sources};
