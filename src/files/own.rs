//! The small calls: wgrad's own files that grow, are shared, moved or removed, and folders.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::saving::refuse_unless_plain;
use crate::error::{Error, Result};

/// Options that follow no link in a file's own place.
fn own() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed());
    }
    options
}

/// Opens one of wgrad's own files to write behind what it holds; a new one if there is none.
///
/// # Errors
/// Usage, if something else is in its place; Internal, if the system refuses.
pub(crate) fn append(path: &Path) -> Result<File> {
    refuse_unless_plain(path)?;
    own().create(true).append(true).open(path).map_err(|error| Error::writing(path, &error))
}

/// Opens a file that is not there yet, to write to its end.
///
/// # Errors
/// The system's.
pub(crate) fn append_new(path: &Path) -> io::Result<File> {
    own().create_new(true).append(true).open(path)
}

/// Opens one of wgrad's own files as it is, to read, write and lock it; a new one if there is none.
///
/// # Errors
/// Usage, if something else is in its place; Internal, if the system refuses.
pub(crate) fn open_shared(path: &Path) -> Result<File> {
    refuse_unless_plain(path)?;
    let opened = own().read(true).write(true).create(true).truncate(false).open(path);
    opened.map_err(|error| Error::writing(path, &error))
}

/// Makes a folder, and those that it lies in.
///
/// # Errors
/// The system's.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes a folder that is not there yet.
///
/// # Errors
/// The system's.
pub(crate) fn new_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Moves one of wgrad's own files.
///
/// # Errors
/// Internal, if the system refuses.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| Error::writing(from, &error))
}

/// Removes one of wgrad's own files.
///
/// # Errors
/// Internal, if the system refuses.
pub(crate) fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| Error::writing(path, &error))
}

/// Removes a folder that is empty; another one stays.
pub(crate) fn remove_folder(path: &Path) {
    drop(fs::remove_dir(path));
}
