//! The training loop: a network, its data and a device; schedules, epochs, early stopping.

pub mod device;
pub mod fit;
pub mod schedule;
pub mod session;

pub use device::{Device, DeviceReport, Precision, Wanted};
pub use fit::{Ending, EpochRecord, Fitted, Limits, Measure, Observer, fit};
pub use schedule::{Schedule, ScheduleKind};
pub use session::{Recipe, Reduction, Samples, Session};
