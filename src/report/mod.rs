//! What people look at after a run: its page, and pages that compare runs.
//!
//! Training tells what it knows at its end as plain data, the `Account`, which stays beside the page as `report.json`; the epochs are those
//! of `metrics.jsonl` (`Curve`). A page is made of these files alone (`Story`), so that it can be made again, and beside others
//! (`comparison`), without the data.

pub mod account;
mod attention;
mod comparison;
mod curve;
mod inside;
mod listing;
mod looking;
mod page;
mod scores;
mod story;
pub mod sweep;
mod wrong;

pub use account::Account;
pub use comparison::{Compared, Comparison};
pub use curve::{Curve, Epoch, for_each_epoch, patience_for};
pub use listing::{Listed, Scored, State, is_loss, utc};
pub use story::{Story, Told};
