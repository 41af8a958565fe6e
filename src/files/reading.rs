//! Opening and reading.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::error::{Error, Result, shown};

/// The files that this process has read, which are never written over.
static READ: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn note(path: &Path) {
    // What has no such path, as the pipe behind /dev/fd/63, cannot be written over by a rename.
    let Ok(path) = path.canonicalize() else { return };
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if !read.contains(&path) {
        read.push(path);
    }
}

/// Takes note that stdin is read: it may be a file.
pub(crate) fn note_stdin() {
    note(Path::new("/dev/stdin"));
}

/// Whether this process has read the file that is called so.
pub(super) fn was_read(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| READ.lock().unwrap_or_else(PoisonError::into_inner).contains(&path))
}

/// Opens what a user named as data: a file, or a pipe or device, for whose bytes it waits.
///
/// # Errors
/// The system's.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    note(path);
    Ok(file)
}

/// Opens a plain file, also through a link.
///
/// # Errors
/// The system's; invalid input, if it is a folder, a pipe, a device or a socket, none of which is waited for.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    // A device may do something when it is opened, so ask before.
    refuse_unless_file(&fs::metadata(path)?)?;
    let file = at_once(path, false)?;
    refuse_unless_file(&file.metadata()?)?;
    note(path);
    Ok(file)
}

/// Opens a plain file of a run or of the cache, which is no link. None where there is none.
///
/// # Errors
/// The system's; invalid input, if anything else is in its place.
pub(crate) fn open_own(path: &Path) -> io::Result<Option<File>> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    if metadata.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link, and wgrad's own files are none"));
    }
    refuse_unless_file(&metadata)?;
    let file = at_once(path, true)?;
    refuse_unless_file(&file.metadata()?)?;
    Ok(Some(file))
}

#[cfg(unix)]
fn at_once(path: &Path, refuses_links: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    let links = if refuses_links { OFlags::NOFOLLOW } else { OFlags::empty() };
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | links).bits().cast_signed();
    fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn at_once(path: &Path, _: bool) -> io::Result<File> {
    File::open(path)
}

fn refuse_unless_file(metadata: &Metadata) -> io::Result<()> {
    let what = if metadata.is_dir() { "it is a folder" } else { "it is no plain file" };
    if metadata.is_file() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, what)) }
}

/// The bytes of a plain file of a run or of the cache, which is no link and has so many at most. None where there is none.
///
/// # Errors
/// Data, if it cannot be read, is anything else, or has more; limit, if there is no memory for them.
pub(crate) fn bounded_own(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    let Some(file) = open_own(path).map_err(|error| Error::reading(path, &error))? else { return Ok(None) };
    let bytes = all_of(&file, most).map_err(|error| Error::reading(path, &error))?;
    bytes.map(Some).map_err(|length| {
        let name = shown(&path.to_string_lossy());
        Error::Data(format!("{name}: has {length} bytes, and no such file of wgrad's has more than {most}"))
    })
}

/// All bytes of a file, or, where they are more than `most`, how many there are.
fn all_of(file: &File, most: u64) -> io::Result<std::result::Result<Vec<u8>, u64>> {
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if length <= most {
        bytes.try_reserve_exact(length as usize + 1).map_err(|_| io::ErrorKind::OutOfMemory)?;
        file.take(most + 1).read_to_end(&mut bytes)?;
    }
    // It may have grown meanwhile.
    Ok(if length.max(bytes.len() as u64) > most { Err(length.max(bytes.len() as u64)) } else { Ok(bytes) })
}

/// The text of a file or pipe that a user named, which has so many bytes at most.
///
/// # Errors
/// Data, if it cannot be read, has more or is not UTF-8; limit, if there is no memory for it.
pub(crate) fn text(path: &Path, most: u64) -> Result<String> {
    let refused = |what: &str| Error::Data(format!("{}: {what}", shown(&path.to_string_lossy())));
    let mut bytes = Vec::new();
    let read = open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| Error::reading(path, &error))?;
    if bytes.len() as u64 > most {
        return Err(refused(&format!("has more than {most} bytes, which no such file has")));
    }
    String::from_utf8(bytes).map_err(|error| refused(&error.to_string()))
}

/// The text of one of the system's own files, as those in /proc; none where there is no such file.
pub(crate) fn of_system(path: &Path) -> Option<String> {
    /// Bytes that are read: /proc/cpuinfo has a thousand a core.
    const MOST: u64 = 4 << 20;
    let mut text = String::new();
    File::open(path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// What a file has that changes when somebody writes it or puts another in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its bytes.
    pub(crate) length: u64,
    modified: Option<SystemTime>,
    /// Device and number of the file, where the system has them.
    number: Option<(u64, u64)>,
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let number = {
            use std::os::unix::fs::MetadataExt;
            Some((metadata.dev(), metadata.ino()))
        };
        #[cfg(not(unix))]
        let number = None;
        Self { length: metadata.len(), modified: metadata.modified().ok(), number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_within_its_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, [7; 10]).expect("a file");
        assert_eq!(bounded_own(&path, 10).expect("ten bytes"), Some(vec![7; 10]));
        assert!(matches!(bounded_own(&path, 9), Err(Error::Data(why)) if why.contains("has 10 bytes")));
        assert_eq!(bounded_own(&folder.path().join("none"), 9).expect("none"), None);
        assert!(matches!(bounded_own(folder.path(), 9), Err(Error::Data(why)) if why.contains("it is a folder")));
        assert_eq!(text(&path, 10).expect("ten bytes"), "\u{7}".repeat(10));
        assert!(matches!(text(&path, 9), Err(Error::Data(why)) if why.contains("more than 9 bytes")));
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_not_waited_for_and_links_are_not_own_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link, pipe) = (folder.path().join("file"), folder.path().join("link"), folder.path().join("pipe"));
        fs::write(&file, "text").expect("a file");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert!(open_plain(&link).is_ok());
        assert!(bounded_own(&link, 10).expect_err("a link").to_string().contains("symbolic link"));
        assert!(open_plain(Path::new("/dev/zero")).expect_err("a device").to_string().contains("no plain file"));
        if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
            assert!(open_plain(&pipe).expect_err("a pipe").to_string().contains("no plain file"));
            assert!(bounded_own(&pipe, 10).is_err());
        }
    }
}
