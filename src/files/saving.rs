//! Writing so that a fault never costs the old file: a new file in the same folder, write, fsync, check, rename, fsync.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempPath};

use super::reading::was_read;
use super::run;
use crate::error::{Error, Result, shown};

/// How the names of temporary files begin and end, so that those of a killed process are known for what they are.
const TEMPORARY: (&str, &str) = (".wgrad-", ".tmp");

/// Whether a file's name is a temporary file's.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1))
}

/// The place of a file to be saved.
#[derive(Debug, Clone)]
pub struct Place {
    path: PathBuf,
    /// Whether wgrad chose it, in a run's folder or the cache, and not a user.
    is_own: bool,
}

impl Place {
    /// A file that a user named.
    ///
    /// # Errors
    /// Usage, if something is there that must stay: a file that wgrad has read or that a run cannot do without, or anything but a plain
    /// file; or if there is no folder to put it into. Internal, if the system refuses.
    pub fn named(path: &Path) -> Result<Self> {
        let place = Self { path: path.to_path_buf(), is_own: false };
        place.check()?;
        Ok(place)
    }

    /// One of wgrad's own files.
    pub(crate) fn own(path: &Path) -> Self {
        Self { path: path.to_path_buf(), is_own: true }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that a file may be put there. It is checked again when it is saved.
    ///
    /// # Errors
    /// As [`named`](Self::named).
    pub(crate) fn check(&self) -> Result<()> {
        let path = &self.path;
        refuse_unless_plain(path)?;
        if self.is_own {
            return Ok(());
        }
        let name = shown(&path.to_string_lossy());
        if run::is_own_file(path) {
            return Err(Error::Usage(format!("{name}: belongs to a run, which needs it; name another file")));
        }
        if was_read(path) {
            return Err(Error::Usage(format!("{name}: wgrad has just read this file; name another one to write to")));
        }
        let folder = folder_of(path);
        if !folder.is_dir() {
            let folder = shown(&folder.to_string_lossy());
            return Err(Error::Usage(format!("{name}: cannot be written: there is no folder {folder}; make it first")));
        }
        Ok(())
    }

    /// Checks also that the folder takes a new file, before the work that the file will hold.
    ///
    /// # Errors
    /// As [`named`](Self::named).
    pub(crate) fn try_out(&self) -> Result<()> {
        self.check()?;
        Fresh::new(folder_of(&self.path)).map(drop).map_err(|error| Error::writing(&self.path, &error))
    }

    /// Saves what `write` writes: the old file stays as it was until the new one is on the disk and `check`, which gets the new file's
    /// path for the time being, has accepted it.
    ///
    /// # Errors
    /// As [`named`](Self::named); whatever `write` and `check` return.
    pub(crate) fn save(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
        check: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let failed = |error: io::Error| Error::writing(&self.path, &error);
        self.check()?;
        let folder = folder_of(&self.path);
        let mut fresh = Fresh::new(folder).map_err(failed)?;
        {
            let ends = if self.is_own { None } else { fresh.ends_with_signals() };
            let mut buffered = BufWriter::with_capacity(1 << 20, fresh.file());
            match ends {
                None => write(&mut buffered)?,
                Some(mut ends) => write(&mut Interruptible { file: &mut buffered, ends: &mut ends })?,
            }
            buffered.flush().map_err(failed)?;
        }
        fresh.file().sync_all().map_err(failed)?;
        check(&fresh.path())?;
        fresh.take_place(&self.path).map_err(failed)?;
        sync_folder(folder).map_err(failed)
    }

    /// Saves bytes, as [`save`](Self::save) does; `check` is called when they have read back as they were written.
    ///
    /// # Errors
    /// As [`save`](Self::save); Internal if they do not read back.
    pub(crate) fn save_bytes(&self, bytes: &[u8], check: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let failed = |error: io::Error| Error::writing(&self.path, &error);
        self.save(
            |file| file.write_all(bytes).map_err(failed),
            |written| {
                if !holds(written, bytes).map_err(failed)? {
                    let name = shown(&self.path.to_string_lossy());
                    return Err(Error::Internal(format!("{name}: does not read back as it was written; check the disk")));
                }
                check(written)
            },
        )
    }

    /// Saves what can be made again at any time, such as a page: the old file or the new one is there, whole, but the disk is not waited
    /// for, so that after a power cut it may have to be made again.
    ///
    /// # Errors
    /// As [`named`](Self::named).
    pub(crate) fn save_without_waiting(&self, bytes: &[u8]) -> Result<()> {
        let failed = |error: io::Error| Error::writing(&self.path, &error);
        self.check()?;
        let mut fresh = Fresh::new(folder_of(&self.path)).map_err(failed)?;
        fresh.file().write_all(bytes).map_err(failed)?;
        fresh.take_place(&self.path).map_err(failed)
    }
}

/// A new file. On Linux it has no name, where the file system can do that, so that nothing is left of it if the process is killed.
enum Fresh {
    #[cfg(target_os = "linux")]
    Unnamed {
        file: File,
        folder: PathBuf,
    },
    Named(NamedTempFile),
}

impl Fresh {
    fn new(folder: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = unnamed::new(folder) {
            return Ok(Self::Unnamed { file, folder: folder.to_path_buf() });
        }
        Self::with_name(folder)
    }

    /// An empty file of a new name, with the permissions that any new file gets (tempfile's own default is the owner only).
    fn with_name(folder: &Path) -> io::Result<Self> {
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

    fn file(&mut self) -> &mut File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed { file, .. } => file,
            Self::Named(file) => file.as_file_mut(),
        }
    }

    /// Where it can be read for the time being.
    fn path(&self) -> PathBuf {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed { file, .. } => unnamed::path(file),
            Self::Named(file) => file.path().to_path_buf(),
        }
    }

    /// Puts it in the place of what is there.
    fn take_place(self, path: &Path) -> io::Result<()> {
        let named: TempPath = match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed { file, folder } => unnamed::with_name(file, &folder)?,
            Self::Named(file) => file.into_temp_path(),
        };
        named.persist(path).map_err(|failure| failure.error)
    }

    /// What ends the process in order when a signal comes, where a name would be left.
    fn ends_with_signals(&self) -> Option<Ends> {
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
struct Interruptible<'a> {
    file: &'a mut dyn Write,
    ends: &'a mut Ends,
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
struct Ends {
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

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a file holds just these bytes; read piece by piece, for they may be many.
fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != bytes.len() as u64 {
        return Ok(false);
    }
    let mut piece = vec![0; (1 << 20).min(bytes.len())];
    for expected in bytes.chunks(1 << 20) {
        let piece = &mut piece[..expected.len()];
        file.read_exact(piece)?;
        if piece != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Refuses what cannot be replaced by a file without harm: folders, symbolic links, pipes, devices.
fn refuse_unless_plain(path: &Path) -> Result<()> {
    let name = shown(&path.to_string_lossy());
    if path.file_name().is_none() {
        return Err(Error::Usage(format!("{name}: is no file's name; give one, as in model.safetensors")));
    }
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(Error::writing(path, &error)),
    };
    if kind.is_file() {
        Ok(())
    } else if kind.is_dir() {
        Err(Error::Usage(format!("{name}: is a folder, not a file; name a file in it")))
    } else if kind.is_symlink() {
        Err(Error::Usage(format!("{name}: is a symbolic link, which saving would replace; name the file that it points to")))
    } else {
        Err(Error::Usage(format!("{name}: is a pipe, a device or a socket; saving needs a plain file's name")))
    }
}

/// Brings the rename itself onto the disk. Windows has no such call; some network file systems refuse it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content: &'static str) -> impl FnOnce(&mut dyn Write) -> Result<()> {
        move |file| file.write_all(content.as_bytes()).map_err(|error| Error::Internal(error.to_string()))
    }

    fn only_file(folder: &Path) -> String {
        let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names.len(), 1, "{names:?}");
        fs::read_to_string(&names[0]).unwrap()
    }

    #[test]
    fn a_saved_file_replaces_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in ["old", "new"] {
            Place::own(&path).save(text(content), |_| Ok(())).unwrap();
            assert_eq!(only_file(folder.path()), content);
        }
    }

    #[test]
    fn a_failing_write_or_check_keeps_the_old_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        Place::own(&path).save(text("old"), |_| Ok(())).unwrap();

        let write_failed = |file: &mut dyn Write| {
            file.write_all(b"half").unwrap();
            Err(Error::Internal("disk full".into()))
        };
        let error = Place::own(&path).save(write_failed, |_| panic!("there is nothing to check")).unwrap_err();
        assert_eq!(error.to_string(), "disk full");
        assert_eq!(only_file(folder.path()), "old");

        let check_failed = |temporary: &Path| {
            assert_eq!(fs::read_to_string(temporary).unwrap(), "new");
            Err(Error::Model("not what was written".into()))
        };
        let error = Place::own(&path).save(text("new"), check_failed).unwrap_err();
        assert_eq!(error.to_string(), "not what was written");
        assert_eq!(only_file(folder.path()), "old");
    }

    #[test]
    fn a_file_holds_the_bytes_that_it_was_given_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..(1 << 21) + 5).map(|index: u32| (index % 251) as u8).collect();
        Place::own(&path).save_bytes(&bytes, |_| Ok(())).unwrap();
        assert!(holds(&path, &bytes).unwrap() && !holds(&path, &bytes[1..]).unwrap());
        for place in [0, 1 << 20, bytes.len() - 1] {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(!holds(&path, &other).unwrap(), "byte {place}");
        }
        Place::own(&path).save_bytes(&[], |_| Ok(())).unwrap();
        assert!(holds(&path, &[]).unwrap());
    }

    #[test]
    fn a_folder_is_refused_as_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = Place::own(folder.path()).save(text("x"), |_| Ok(())).unwrap_err();
        assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("is a folder")), "{error}");
        let error = Place::own(Path::new("..")).save(text("x"), |_| Ok(())).unwrap_err();
        assert!(matches!(error, Error::Usage(_)));
        let error = Place::named(&folder.path().join("no/file")).unwrap_err();
        assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("there is no folder")), "{error}");
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

    #[cfg(unix)]
    #[test]
    fn links_devices_and_pipes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let error = Place::own(&link).save(text("new"), |_| Ok(())).unwrap_err();
        assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("symbolic link")), "{error}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");

        let error = Place::own(Path::new("/dev/full")).save(text("new"), |_| Ok(())).unwrap_err();
        assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("device")), "{error}");

        let pipe = folder.path().join("pipe");
        if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
            let error = Place::own(&pipe).save(text("new"), |_| Ok(())).unwrap_err();
            assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("pipe")), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_saved_file_has_the_permissions_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, saved) = (folder.path().join("plain"), folder.path().join("saved"));
        fs::write(&plain, "x").unwrap();
        Place::own(&saved).save(text("x"), |_| Ok(())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&saved), mode(&plain));
    }
}
