//! Files: every call that opens, writes, renames or removes one is here, so that the rules hold for all of wgrad. `clippy.toml` forbids
//! the standard library's calls in all other modules.
//!
//! - What wgrad reads for itself, such as a model or `run.toml`, is a plain file: opening never waits for a pipe, and the bytes that are
//!   read have a bound (`open_plain`, `bounded_own`).
//! - What wgrad writes is saved as a new file that takes the old one's place ([`Place`]). A user's file is never one that wgrad has read or
//!   that a run cannot do without, and never a link, a pipe or a device.
//! - Names of files are bytes. Text that stands for a name can be turned back into it (`crate::name`); only messages change it.

#![allow(clippy::disallowed_methods, reason = "this is the place for them")]

mod fresh;
mod own;
mod reading;
pub(crate) mod run;
mod saving;
mod scratch;

pub(crate) use fresh::is_temporary;
pub(crate) use own::{append, append_new, folder, new_folder, open_shared, remove, remove_folder, rename};
pub(crate) use reading::{Identity, bounded_own, note_stdin, of_system, open, open_own, open_plain, text};
pub use saving::Place;
pub(crate) use scratch::{ScratchFile, Waiting};
