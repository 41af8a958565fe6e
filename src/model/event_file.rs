//! TensorBoard's event file: records of a length, the length's checksum, a protobuf message and its checksum
//! (`record_writer.h`, `event.proto` and `summary.proto` of TensorFlow).

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use crate::error::{Error, Result};
use crate::files;
use crate::files::run::EVENTS as NAME;

/// An event.proto `Event`, of the fields that are written here.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    what: Option<What>,
}

/// What an event tells.
#[derive(Clone, PartialEq, prost::Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// A named number. Zero is written out, as a value that is not there would be none.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    /// 1 = the session starts: what earlier files say of this step and later ones is void.
    #[prost(int32, tag = "1")]
    status: i32,
}

/// The event file of one session of training, written record by record, each in one write.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// A new file in `folder` for a session whose first step is `first_step`. It comes after the files of earlier sessions in the
    /// order of names, in which TensorBoard reads them.
    ///
    /// # Errors
    /// Internal if the system refuses.
    pub fn create(folder: &Path, first_step: usize) -> Result<Self> {
        let earlier = sessions(folder);
        let seconds = now() as u64;
        let path = folder.join(format!("{NAME}{seconds:010}.wgrad.{:04}", earlier.len() + 1));
        let opened = files::append_new(&path);
        let file = opened.map_err(|error| Error::writing(&path, &error))?;
        let mut events = Self { path, file };
        events.write(0, What::FileVersion("brain.Event:2".into()))?;
        events.write(first_step, What::SessionLog(SessionLog { status: 1 }))?;
        Ok(events)
    }

    /// Writes these numbers of a step.
    ///
    /// # Errors
    /// Internal if the system refuses.
    pub fn scalars(&mut self, step: usize, scalars: &[(&str, f64)]) -> Result<()> {
        let value = |&(tag, number): &(&str, f64)| Value { tag: tag.into(), simple_value: Some(number as f32) };
        self.write(step, What::Summary(Summary { value: scalars.iter().map(value).collect() }))
    }

    fn write(&mut self, step: usize, what: What) -> Result<()> {
        let event = Event { wall_time: now(), step: step as i64, what: Some(what) };
        self.file.write_all(&record(&event.encode_to_vec())).map_err(|error| Error::writing(&self.path, &error))
    }
}

/// The event files that are in a folder.
fn sessions(folder: &Path) -> Vec<PathBuf> {
    let is_session = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(NAME);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(is_session).map(|entry| entry.path()).collect()
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A message as a record.
fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), message, &masked(message).to_le_bytes()].concat()
}

/// The checksum as the format stores it: turned by 15 bits and moved, since checksums of data that hold checksums are weak.
fn masked(bytes: &[u8]) -> u32 {
    checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli's polynomial), which the format calls for: bit by bit, as an epoch's record has some hundred bytes.
fn checksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let next = |sum: u32, _| (sum >> 1) ^ (POLYNOMIAL & (sum & 1).wrapping_neg());
    !bytes.iter().fold(u32::MAX, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a file, each record's checksums looked at.
    fn events(bytes: &[u8]) -> Vec<Event> {
        let (mut rest, mut events) = (bytes, Vec::new());
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let message = &rest[12..12 + length];
            assert_eq!(rest[..16 + length], record(message));
            events.push(Event::decode(message).unwrap());
            rest = &rest[16 + length..];
        }
        events
    }

    #[test]
    fn a_record_is_a_length_and_a_message_with_their_checksums() {
        // The checksum of these nine digits is in the catalogue of checksums that RFC 3720 uses.
        assert_eq!(checksum(b"123456789"), 0xe306_9283);
        let bytes = record(b"wgrad");
        assert_eq!((bytes.len(), &bytes[..8], &bytes[12..17]), (8 + 4 + 5 + 4, &5_u64.to_le_bytes()[..], &b"wgrad"[..]));
    }

    #[test]
    fn a_session_says_its_version_where_it_starts_and_its_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(folder.path(), 3).unwrap();
        file.scalars(3, &[("loss", 0.0), ("learning_rate", 0.5)]).unwrap();
        let events = events(&std::fs::read(&file.path).unwrap());
        assert_eq!(events[0].what, Some(What::FileVersion("brain.Event:2".into())));
        assert_eq!((events[1].step, &events[1].what), (3, &Some(What::SessionLog(SessionLog { status: 1 }))));
        let Some(What::Summary(summary)) = &events[2].what else { panic!("{events:?}") };
        assert_eq!(summary.value[0], Value { tag: "loss".into(), simple_value: Some(0.0) });
        assert_eq!((events[2].step, summary.value[1].simple_value), (3, Some(0.5)));
        assert!(events.iter().all(|event| event.wall_time > 1.7e9));
    }

    #[test]
    fn sessions_have_files_of_their_own_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..3).map(|_| EventFile::create(folder.path(), 1).unwrap().path).collect();
        assert!(files.is_sorted() && files[0] != files[1] && files[1] != files[2], "{files:?}");
    }
}
