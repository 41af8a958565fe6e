//! Writing so that a fault never costs the old file: a new file in the same folder, write, fsync, check, rename, fsync.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::fresh::{Fresh, Interruptible};
use super::reading::was_read;
use super::run;
use crate::error::{Error, Result, shown};
use crate::name::folder_of;

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
pub(super) fn refuse_unless_plain(path: &Path) -> Result<()> {
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
