//! A new file that takes an old one's place once it is complete, and leaves nothing behind if it never is.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempPath};

/// How the names of temporary files begin and end, so that those of a killed process are known for what they are.
const TEMPORARY: (&str, &str) = (".wgrad-", ".tmp");

/// Whether a file's name is a temporary file's.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1))
}

/// A new file. On Linux it has no name, where the file system can do that, so that nothing is left of it if the process is killed.
pub(super) enum Fresh {
    #[cfg(target_os = "linux")]
    Unnamed {
        file: File,
        folder: PathBuf,
    },
    Named(NamedTempFile),
}

impl Fresh {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = unnamed::new(folder) {
            return Ok(Self::Unnamed { file, folder: folder.to_path_buf() });
        }
        Self::with_name(folder)
    }

    /// An empty file of a new name, with the permissions that any new file gets (tempfile's own default is the owner only).
    pub(super) fn with_name(folder: &Path) -> io::Result<Self> {
        let mut builder = named();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The system takes the umask's bits away from these.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        // The crate's own words have the temporary name.
        builder.tempfile_in(folder).map(Self::Named).map_err(|error| error.kind().into())
    }

    pub(super) fn file(&mut self) -> &mut File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed { file, .. } => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }

    /// Where it can be read for the time being.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed { file, .. } => unnamed::path(file),
            Self::Named(file) => file.path().to_path_buf(),
        }
    }

    /// Puts it in the place of what is there.
    pub(super) fn take_place(self, path: &Path) -> io::Result<()> {
        let named: TempPath = match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed { file, folder } => unnamed::with_name(file, &folder)?,
            Self::Named(file) => file.into_temp_path(),
        };
        named.persist(path).map_err(|failure| failure.error)
    }

    /// What ends the process in order when a signal comes, where a name would be left.
    pub(super) fn ends_with_signals(&self) -> Option<Ends> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed { .. } => None,
            Self::Named(file) => Ends::of(file.path()),
        }
    }
}

fn named() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    builder
}

/// Files without a name, which get one when they are whole (`O_TMPFILE`, open(2)).
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Seek};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, OFlags, linkat};
    use tempfile::TempPath;

    use super::{Fresh, named};

    /// None where the file system has no such files, or nothing tells their path.
    pub(super) fn new(folder: &Path) -> Option<File> {
        let flags = OFlags::TMPFILE.bits().cast_signed();
        let file = OpenOptions::new().read(true).write(true).mode(0o666).custom_flags(flags).open(folder).ok()?;
        path(&file).exists().then_some(file)
    }

    pub(super) fn path(file: &File) -> PathBuf {
        format!("/proc/self/fd/{}", file.as_raw_fd()).into()
    }

    /// Gives it a temporary name; where that cannot be done, its bytes go into a file with one.
    pub(super) fn with_name(mut file: File, folder: &Path) -> io::Result<TempPath> {
        let here = path(&file);
        let linked = named().make_in(folder, |name| Ok(linkat(CWD, &here, CWD, name, AtFlags::SYMLINK_FOLLOW)?));
        if let Ok(linked) = linked {
            return Ok(linked.into_temp_path());
        }
        let Fresh::Named(mut copy) = Fresh::with_name(folder)? else { unreachable!("it was made with a name") };
        file.rewind()?;
        io::copy(&mut file, copy.as_file_mut())?;
        copy.as_file().sync_all()?;
        Ok(copy.into_temp_path())
    }
}

/// A file that is written until a signal comes: its name is removed, and the signal does what it does without a handler.
pub(super) struct Interruptible<'a> {
    pub(super) file: &'a mut dyn Write,
    pub(super) ends: &'a mut Ends,
}

impl Write for Interruptible<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ends.if_asked();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.ends.if_asked();
        self.file.flush()
    }
}

/// Ends the process when it is asked to by a signal.
pub(super) struct Ends {
    #[cfg(unix)]
    path: PathBuf,
    #[cfg(unix)]
    came: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

#[cfg(unix)]
impl Ends {
    /// From now on signals that end a process are noted. None where that cannot be had.
    fn of(path: &Path) -> Option<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        // One for the process: no signal is lost between two files.
        static CAME: std::sync::OnceLock<std::sync::Arc<std::sync::atomic::AtomicUsize>> = std::sync::OnceLock::new();
        let ends = Self { path: path.to_path_buf(), came: std::sync::Arc::clone(CAME.get_or_init(std::sync::Arc::default)) };
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_usize(signal, std::sync::Arc::clone(&ends.came), signal as usize).ok()?;
        }
        Some(ends)
    }

    fn if_asked(&self) {
        let signal = self.came.load(std::sync::atomic::Ordering::SeqCst);
        if signal != 0 {
            let _ = fs::remove_file(&self.path);
            let _ = signal_hook::low_level::emulate_default_handler(signal as i32);
        }
    }
}

#[cfg(unix)]
impl Drop for Ends {
    /// A signal that came since the last write.
    fn drop(&mut self) {
        self.if_asked();
    }
}

#[cfg(not(unix))]
impl Ends {
    fn of(_: &Path) -> Option<Self> {
        None
    }

    fn if_asked(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_file(folder: &Path) -> String {
        let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names.len(), 1, "{names:?}");
        fs::read_to_string(&names[0]).unwrap()
    }

    #[test]
    fn a_file_that_has_a_name_while_it_is_written_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        let mut fresh = Fresh::with_name(folder.path()).unwrap();
        fresh.file().write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(fresh.path()).unwrap(), "new");
        assert!(is_temporary(fresh.path().file_name().unwrap()) && fs::read_to_string(&path).unwrap() == "old");
        fresh.take_place(&path).unwrap();
        assert_eq!(only_file(folder.path()), "new");
        drop(Fresh::with_name(folder.path()).unwrap());
        assert_eq!(only_file(folder.path()), "new");
    }
}
