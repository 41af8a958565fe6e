//! A mark in the cache folder while wgrad looks for GPUs. Some drivers end the process in it: wgpu asks every Vulkan adapter for its
//! matrix units while it lists them, whether they are wanted or not, and one AMD driver on Windows crashes there. The next start finds the
//! mark and says what happened.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};

use crate::{cache, files};

/// What the file holds while somebody looks.
const MARK: &[u8] = b"wgrad is looking for GPUs";

/// What is said where the last look did not end.
pub(crate) const CRASHED: &str = "the last look for GPUs did not end: perhaps a driver crashed. If it happens again, use --device cpu, or \
                                  another interface on Windows (WGPU_BACKEND=dx12), and update the driver";

/// The mark of this process, as long as it looks.
pub(super) struct Looking(Option<File>);

/// The file, locked, unless another process has it, and whether it is marked. None where there can be no file.
fn locked(folder: &std::path::Path) -> Option<(File, bool)> {
    files::folder(folder).ok()?;
    let mut file = files::open_shared(&folder.join("looking")).ok()?;
    match file.try_lock() {
        Ok(()) => {}
        // Another process is looking just now; its end takes the lock away, however it ends.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
    }
    let mut found = Vec::new();
    (&mut file).take(MARK.len() as u64).read_to_end(&mut found).ok()?;
    Some((file, !found.is_empty()))
}

/// Whether the last look ended the process that looked.
pub(crate) fn crashed() -> bool {
    cache::folder().is_some_and(|folder| crashed_in(&folder))
}

fn crashed_in(folder: &std::path::Path) -> bool {
    // Nothing is made where there is nothing.
    folder.join("looking").is_file() && locked(folder).is_some_and(|(_, marked)| marked)
}

impl Looking {
    /// Sets the mark.
    pub(super) fn begin() -> Self {
        Self(cache::folder().and_then(|folder| begun(&folder)))
    }
}

fn begun(folder: &std::path::Path) -> Option<File> {
    let (mut file, marked) = locked(folder)?;
    if !marked {
        file.write_all(MARK).ok()?;
        file.flush().ok()?;
    }
    Some(file)
}

/// Takes the mark away: the look ended.
impl Drop for Looking {
    fn drop(&mut self) {
        if let Some(file) = &mut self.0 {
            let _ = file.set_len(0).and_then(|()| file.rewind());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_ends_leaves_no_mark_and_one_that_does_not_leaves_it() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!crashed_in(folder.path()));
        let look = Looking(begun(folder.path()));
        assert!(look.0.is_some() && !crashed_in(folder.path()), "it is under way, and its lock says so");
        assert!(begun(folder.path()).is_none(), "one mark is enough");
        drop(look);
        assert!(!crashed_in(folder.path()));
        // A process that ends in it: its file is closed, and nothing is taken away.
        drop(begun(folder.path()).expect("a mark"));
        assert!(crashed_in(folder.path()) && crashed_in(folder.path()), "until a look ends");
        drop(Looking(begun(folder.path())));
        assert!(!crashed_in(folder.path()));
    }
}
