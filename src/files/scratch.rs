//! A file for what memory has no room for: without a name, so that it is gone when wgrad ends, however that comes about.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// A file to write and read at any place.
#[derive(Debug)]
pub(crate) struct ScratchFile {
    file: File,
    /// The folder that it is in, for messages.
    folder: PathBuf,
}

impl ScratchFile {
    /// A new file in the current folder, or where that cannot be written in the system's for such files.
    ///
    /// # Errors
    /// Internal, if the system refuses.
    pub(crate) fn new() -> Result<Self> {
        let here = PathBuf::from(".");
        if let Ok(file) = tempfile::tempfile_in(&here) {
            return Ok(Self { file, folder: here });
        }
        let folder = std::env::temp_dir();
        let file = tempfile::tempfile_in(&folder).map_err(|error| Error::writing(&folder.join("a file"), &error))?;
        Ok(Self { file, folder })
    }

    /// Writes bytes at a place.
    ///
    /// # Errors
    /// Internal, if the system refuses.
    pub(crate) fn write(&self, place: u64, bytes: &[u8]) -> Result<()> {
        at::write(&self.file, place, bytes).map_err(|error| self.unwritable(&error))
    }

    /// Bytes that there is room for on its disk, where the system says it.
    pub(crate) fn room(&self) -> Option<u64> {
        at::room(&self.file)
    }

    /// Writes bytes behind those that were added before.
    ///
    /// # Errors
    /// Internal, if the system refuses.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &io::Error) -> Error {
        let folder = crate::error::shown(&self.folder.to_string_lossy());
        Error::Internal(format!(
            "{folder}: data larger than memory is converted into a file there, which cannot be written: {error}; run wgrad where \
             there is room"
        ))
    }

    /// Reads bytes from a place.
    ///
    /// # Errors
    /// Internal, if the system refuses, or so many were not written.
    pub(crate) fn read(&self, place: u64, bytes: &mut [u8]) -> Result<()> {
        at::read(&self.file, place, bytes).map_err(|error| unreadable(&error))
    }
}

/// Bytes that are kept until all of them are there: the first in memory, more in a file.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// The last ones, which are not in the file.
    bytes: Vec<u8>,
    file: Option<ScratchFile>,
    /// Bytes in the file.
    filed: u64,
}

impl Waiting {
    /// Bytes that stay in memory.
    const IN_MEMORY: usize = 8 << 20;

    /// Puts bytes behind those that are there, and says from where to where they are.
    ///
    /// # Errors
    /// Internal, if the system refuses.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<Range<u64>> {
        let begin = self.filed + self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > Self::IN_MEMORY {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(ScratchFile::new()?),
            };
            file.write(self.filed, &self.bytes)?;
            self.filed += self.bytes.len() as u64;
            self.bytes.clear();
        }
        Ok(begin..begin + bytes.len() as u64)
    }

    /// Gives the bytes of a range to `take`, some at a time.
    ///
    /// # Errors
    /// Internal, if the system refuses; what `take` comes to.
    pub(crate) fn each(&self, range: Range<u64>, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        const PIECE: u64 = 1 << 20;
        let (mut piece, filed) = (Vec::new(), range.end.min(self.filed));
        let mut place = range.start;
        while let (Some(file), true) = (&self.file, place < filed) {
            piece.resize((filed - place).min(PIECE) as usize, 0);
            file.read(place, &mut piece)?;
            take(&piece)?;
            place += piece.len() as u64;
        }
        let of_rest = |place: u64| place.saturating_sub(self.filed) as usize;
        let rest = &self.bytes[of_rest(place)..of_rest(range.end)];
        if rest.is_empty() { Ok(()) } else { take(rest) }
    }

    /// All bytes that are there.
    pub(crate) fn all(&self) -> Range<u64> {
        0..self.filed + self.bytes.len() as u64
    }
}

fn unreadable(error: &io::Error) -> Error {
    Error::Internal(format!("the data that was converted into a file cannot be read again: {error}"))
}

#[cfg(unix)]
mod at {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    pub(super) fn write(file: &File, place: u64, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, place)
    }

    pub(super) fn room(file: &File) -> Option<u64> {
        let disk = rustix::fs::fstatvfs(file).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }

    pub(super) fn read(file: &File, place: u64, bytes: &mut [u8]) -> io::Result<()> {
        file.read_exact_at(bytes, place)
    }
}

#[cfg(windows)]
mod at {
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::windows::fs::FileExt;

    pub(super) fn write(file: &File, mut place: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match file.seek_write(bytes, place)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => (place, bytes) = (place + count as u64, &bytes[count..]),
            }
        }
        Ok(())
    }

    pub(super) fn room(_: &File) -> Option<u64> {
        None
    }

    pub(super) fn read(file: &File, mut place: u64, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match file.seek_read(bytes, place)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => (place, bytes) = (place + count as u64, &mut bytes[count..]),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_comes_back_in_order_from_memory_and_from_the_file() {
        for sizes in [&[3, 0, 5][..], &[Waiting::IN_MEMORY, 1, 7], &[5 << 20, 5 << 20, 1, 9 << 20, 3]] {
            let mut waiting = Waiting::default();
            let (mut all, mut ranges) = (Vec::new(), Vec::new());
            for (number, &size) in sizes.iter().enumerate() {
                let bytes: Vec<u8> = (0..size).map(|place| (place % 251 + number) as u8).collect();
                ranges.push(waiting.append(&bytes).expect("kept"));
                all.extend(bytes);
            }
            for range in ranges.into_iter().chain([waiting.all(), 1..all.len() as u64 - 1]) {
                let mut found = Vec::new();
                let take = |bytes: &[u8]| {
                    found.extend_from_slice(bytes);
                    Ok(())
                };
                waiting.each(range.clone(), take).expect("read");
                assert!(found == all[range.start as usize..range.end as usize], "{range:?}");
            }
        }
    }

    #[test]
    fn what_is_written_is_read_from_any_place() {
        let file = ScratchFile::new().expect("a file");
        file.write(1000, b"behind").expect("written");
        file.write(3, b"before").expect("written");
        let mut bytes = [0; 6];
        file.read(1000, &mut bytes).expect("read");
        assert_eq!(&bytes, b"behind");
        file.read(5, &mut bytes[..4]).expect("read");
        assert_eq!(&bytes[..4], b"fore");
        assert!(file.read(1003, &mut bytes).is_err(), "past the end");
    }
}
