//! Saving so that a fault never costs the old file: temporary file in the same folder, write, fsync, check, rename, fsync.

use std::fs;
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::error::{Error, Result, shown};

/// How the names of temporary files begin and end, so that those of a killed process are known for what they are.
pub(super) const TEMPORARY: (&str, &str) = (".wgrad-", ".tmp");

/// Saves what `write` writes as `path`: the old file stays as it was until the new one is on the disk and `check`, which
/// gets the temporary file's path, has accepted it.
///
/// # Errors
/// Usage if `path` is a folder, a symbolic link or anything else that is no plain file; Internal if the system refuses;
/// whatever `write` and `check` return.
pub fn save_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
    check: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    refuse_unless_plain(path)?;
    let folder = folder_of(path);
    let mut temporary = temporary_file(folder).map_err(|error| no_file_in(folder, path, &error))?;
    {
        let mut buffered = BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
        write(&mut buffered)?;
        buffered.flush().map_err(|error| Error::writing(path, &error))?;
    }
    temporary.as_file().sync_all().map_err(|error| Error::writing(path, &error))?;
    let closed = temporary.into_temp_path();
    check(&closed)?;
    closed.persist(path).map_err(|failure| Error::writing(path, &failure.error))?;
    sync_folder(folder).map_err(|error| Error::writing(path, &error))
}

/// Saves what can be made again at any time, such as a page: the old file or the new one is there, whole, but the disk is not waited
/// for, so that after a power cut it may have to be made again.
///
/// # Errors
/// Usage if `path` is no plain file's name; Internal if the system refuses.
pub fn save_without_waiting(path: &Path, bytes: &[u8]) -> Result<()> {
    refuse_unless_plain(path)?;
    let folder = folder_of(path);
    let mut temporary = temporary_file(folder).map_err(|error| no_file_in(folder, path, &error))?;
    temporary.as_file_mut().write_all(bytes).map_err(|error| Error::writing(path, &error))?;
    temporary.into_temp_path().persist(path).map_err(|failure| Error::writing(path, &failure.error))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Saves bytes as `path`, as [`save_atomically`] does; `check` is called when they have read back as they were written.
///
/// # Errors
/// As [`save_atomically`]; Internal if they do not read back.
pub(crate) fn save_bytes(path: &Path, bytes: &[u8], check: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let failed = |error: std::io::Error| Error::writing(path, &error);
    save_atomically(
        path,
        |file| file.write_all(bytes).map_err(failed),
        |written| {
            if !holds(written, bytes).map_err(failed)? {
                let name = shown(&path.to_string_lossy());
                return Err(Error::Internal(format!("{name}: does not read back as it was written; check the disk")));
            }
            check(written)
        },
    )
}

/// Whether a file holds just these bytes; read piece by piece, for they may be many.
fn holds(path: &Path, bytes: &[u8]) -> std::io::Result<bool> {
    let mut file = fs::File::open(path)?;
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
///
/// # Errors
/// Usage, saying what `path` is.
pub(super) fn refuse_unless_plain(path: &Path) -> Result<()> {
    let name = shown(&path.to_string_lossy());
    if path.file_name().is_none() {
        return Err(Error::Usage(format!("{name}: is no file's name; give one, as in model.safetensors")));
    }
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
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

/// An empty file of a new name, with the permissions that any new file gets (tempfile's own default is the owner only).
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The system takes the umask's bits away from these.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn no_file_in(folder: &Path, path: &Path, error: &std::io::Error) -> Error {
    if error.kind() == ErrorKind::NotFound || error.kind() == ErrorKind::NotADirectory {
        let (name, folder) = (shown(&path.to_string_lossy()), shown(&folder.to_string_lossy()));
        return Error::Usage(format!("{name}: cannot be written: there is no folder {folder}; make it first"));
    }
    Error::writing(path, error)
}

/// Brings the rename itself onto the disk. Windows has no such call; some network file systems refuse it.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match fs::File::open(folder)?.sync_all() {
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
            save_atomically(&path, text(content), |_| Ok(())).unwrap();
            assert_eq!(only_file(folder.path()), content);
        }
    }

    #[test]
    fn a_failing_write_or_check_keeps_the_old_file_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        save_atomically(&path, text("old"), |_| Ok(())).unwrap();

        let write_failed = |file: &mut dyn Write| {
            file.write_all(b"half").unwrap();
            Err(Error::Internal("disk full".into()))
        };
        let error = save_atomically(&path, write_failed, |_| panic!("there is nothing to check")).unwrap_err();
        assert_eq!(error.to_string(), "disk full");
        assert_eq!(only_file(folder.path()), "old");

        let check_failed = |temporary: &Path| {
            assert_eq!(fs::read_to_string(temporary).unwrap(), "new");
            Err(Error::Model("not what was written".into()))
        };
        let error = save_atomically(&path, text("new"), check_failed).unwrap_err();
        assert_eq!(error.to_string(), "not what was written");
        assert_eq!(only_file(folder.path()), "old");
    }

    #[test]
    fn a_file_holds_the_bytes_that_it_was_given_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..(1 << 21) + 5).map(|index: u32| (index % 251) as u8).collect();
        save_bytes(&path, &bytes, |_| Ok(())).unwrap();
        assert!(holds(&path, &bytes).unwrap() && !holds(&path, &bytes[1..]).unwrap());
        for place in [0, 1 << 20, bytes.len() - 1] {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(!holds(&path, &other).unwrap(), "byte {place}");
        }
        save_bytes(&path, &[], |_| Ok(())).unwrap();
        assert!(holds(&path, &[]).unwrap());
    }

    #[test]
    fn a_folder_is_refused_as_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = save_atomically(folder.path(), text("x"), |_| Ok(())).unwrap_err();
        assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("is a folder")), "{error}");
        let error = save_atomically(Path::new(".."), text("x"), |_| Ok(())).unwrap_err();
        assert!(matches!(error, Error::Usage(_)));
        let error = save_atomically(&folder.path().join("no/file"), text("x"), |_| Ok(())).unwrap_err();
        assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("there is no folder")), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_devices_and_pipes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let error = save_atomically(&link, text("new"), |_| Ok(())).unwrap_err();
        assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("symbolic link")), "{error}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");

        let error = save_atomically(Path::new("/dev/full"), text("new"), |_| Ok(())).unwrap_err();
        assert!(matches!(&error, Error::Usage(sentence) if sentence.contains("device")), "{error}");

        let pipe = folder.path().join("pipe");
        if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
            let error = save_atomically(&pipe, text("new"), |_| Ok(())).unwrap_err();
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
        save_atomically(&saved, text("x"), |_| Ok(())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&saved), mode(&plain));
    }
}
