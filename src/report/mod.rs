//! What people look at after a run: its page, and pages that compare runs.
//!
//! Training tells what it knows at its end as plain data, the `Account`, which stays beside the page as `report.json`; the epochs are those
//! of `metrics.jsonl` (`Curve`). A page is made of these files alone (`Story`), so that it can be made again, and beside others
//! (`comparison`), without the data.

pub mod account;
mod comparison;
mod curve;
mod inside;
mod looking;
mod page;
mod scores;
mod story;

pub use account::Account;
pub use comparison::{Compared, Comparison};
pub use curve::{Curve, Epoch};
pub use story::{Story, Told};

use std::path::Path;

use crate::error::{Error, Result, shown};

/// The bytes of a file that has so many at most.
fn bounded(path: &Path, most: u64) -> Result<Vec<u8>> {
    let length = std::fs::metadata(path).map_err(|error| Error::reading(path, &error))?.len();
    if length > most {
        let name = shown(&path.to_string_lossy());
        return Err(Error::Data(format!("{name}: has {length} bytes, and no such file of wgrad's has more than {most}")));
    }
    std::fs::read(path).map_err(|error| Error::reading(path, &error))
}
