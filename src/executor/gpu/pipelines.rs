//! The pipelines of a device, and what the driver compiled of them, kept in a file of wgrad's cache folder by adapter and driver.
//!
//! The file is a help, never a need: what is damaged, foreign or too large is left, and what cannot be written is not kept. It is replaced
//! whole, so that two processes at once do no harm: the one that ends last leaves its file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use wgpu::{Backend, ComputePipeline, Features, PipelineCache, PipelineCacheDescriptor};

use super::info::GpuInfo;
use crate::cache;
use crate::error::Result;
use crate::files::{self, Place};

/// What a file begins with: its kind and the version of its form.
const MAGIC: &[u8; 16] = b"wgrad pipelines1";
/// Bytes of a file at most: more than the pipelines of many networks take. What grows beyond it begins anew.
const MOST_BYTES: u64 = 64 << 20;
/// Threads that compile at most: each takes memory, and drivers share locks among them.
const MOST_THREADS: usize = 16;
/// Bytes of a compiling thread's stack: drivers' compilers recurse deeply.
const STACK: usize = 8 << 20;

/// What a device that is opened takes over of what the driver compiled before.
#[derive(Debug, Clone, Default)]
pub enum Reuse {
    /// What the cache folder's file holds; the file takes what is compiled from now on.
    #[default]
    Kept,
    /// Nothing, and nothing is kept: as on a machine where wgrad never ran.
    Nothing,
    /// What another device gave ([`Device::compiled`](super::device::Device::compiled)); nothing is kept.
    Given(Vec<u8>),
}

/// The pipelines that a device made, by the text of their shaders.
pub(super) struct Pipelines {
    made: Mutex<HashMap<String, ComputePipeline>>,
    /// What the driver compiled, where it can be kept.
    compiled: Option<PipelineCache>,
    /// Where it is kept, and by what.
    file: Option<(PathBuf, String)>,
    /// Whether anything was compiled that the file may not hold.
    grown: AtomicBool,
}

impl Pipelines {
    /// None yet.
    pub(super) fn new(device: &wgpu::Device, info: &GpuInfo, reuse: Reuse) -> Self {
        let identity = info.key();
        let path = || Some(cache::folder()?.join(file_name(&identity)));
        let (data, path) = match reuse {
            Reuse::Kept => {
                let path = path();
                (path.as_deref().and_then(|path| read(path, &identity)), path)
            }
            Reuse::Nothing => (None, None),
            Reuse::Given(data) => (Some(data), None),
        };
        // wgpu knows what belongs to which driver on Vulkan alone.
        let has = device.features().contains(Features::PIPELINE_CACHE) && device.adapter_info().backend == Backend::Vulkan;
        let compiled = has.then(|| create(device, data.as_deref()));
        let file = path.filter(|_| has).map(|path| (path, identity));
        Self { made: Mutex::default(), compiled, file, grown: AtomicBool::new(false) }
    }

    fn made(&self) -> MutexGuard<'_, HashMap<String, ComputePipeline>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pipeline of a composed shader, if it was made.
    pub(super) fn of(&self, source: &str) -> Option<ComputePipeline> {
        self.made().get(source).cloned()
    }

    /// Takes a new one.
    pub(super) fn insert(&self, source: String, pipeline: ComputePipeline) {
        self.grown.store(true, Ordering::Relaxed);
        self.made().insert(source, pipeline);
    }

    /// What the driver looks into before it compiles, and adds to.
    pub(super) fn compiled(&self) -> Option<&PipelineCache> {
        self.compiled.as_ref()
    }

    /// Keeps what was compiled.
    fn keep(&self) {
        let (Some((path, identity)), Some(compiled)) = (&self.file, &self.compiled) else { return };
        if !self.grown.load(Ordering::Relaxed) {
            return;
        }
        // A device that is lost tells nothing.
        let Some(data) = compiled.get_data() else { return };
        let bytes = file_bytes(identity, &data);
        if bytes.len() as u64 > MOST_BYTES {
            let _ = files::remove(path);
            return;
        }
        if holds(path, &bytes) {
            return;
        }
        let _ = path.parent().map(files::folder);
        let _ = Place::own(path).save_without_waiting(&bytes);
    }
}

/// When the last copy of the device goes.
impl Drop for Pipelines {
    fn drop(&mut self) {
        self.keep();
    }
}

/// A driver's cache of compiled pipelines, which holds this data to begin with.
fn create(device: &wgpu::Device, data: Option<&[u8]>) -> PipelineCache {
    let descriptor = PipelineCacheDescriptor { label: Some("pipelines"), data, fallback: true };
    #[expect(unsafe_code, reason = "wgpu cannot know where data from outside comes from")]
    // SAFETY: The data has to be what `PipelineCache::get_data` gave. It is: either this process was given it by another of its devices, or
    // it was read from a file in the user's own cache folder that names this version of wgrad, adapter and driver and whose checksum is
    // right, and wgrad writes such files from `get_data` alone. wgpu and the driver check their own headers as well (vendor, device, the
    // driver's UUID). Nothing but malice makes a file that passes all that and is none; who can write into the user's cache folder can
    // replace the user's programs too.
    unsafe {
        device.create_pipeline_cache(&descriptor)
    }
}

fn file_name(identity: &str) -> String {
    format!("pipelines-{:08x}.bin", crc32fast::hash(identity.as_bytes()))
}

/// A file's bytes: what it is, what it belongs to, the data, the checksum of all of that.
fn file_bytes(identity: &str, data: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| (bytes.len() as u64).to_le_bytes();
    let mut bytes = [&MAGIC[..], &length(identity.as_bytes()), identity.as_bytes(), &length(data), data].concat();
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

/// The data of a file's bytes, if they are whole and belong to `identity`.
fn parsed<'a>(bytes: &'a [u8], identity: &str) -> Option<&'a [u8]> {
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let rest = content.strip_prefix(&MAGIC[..])?;
    let (found, rest) = counted(rest)?;
    let (data, rest) = counted(rest)?;
    (found == identity.as_bytes() && rest.is_empty()).then_some(data)
}

/// Bytes after their number, and those behind them.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// The data of a file, if it is one of ours for `identity`.
fn read(path: &Path, identity: &str) -> Option<Vec<u8>> {
    parsed(&plain_bytes(path)?, identity).map(<[u8]>::to_vec)
}

/// The bytes of a plain file that is not too large.
fn plain_bytes(path: &Path) -> Option<Vec<u8>> {
    files::bounded_own(path, MOST_BYTES).ok()?
}

/// Whether a file holds just these bytes.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    plain_bytes(path).is_some_and(|found| found == bytes)
}

/// What `work` makes of each item, in their order, on as many threads as there are cores; on one where no more can be started.
pub(super) fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Vec<Result<R>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len()).min(MOST_THREADS);
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build().ok();
    match (threads > 1).then(pool).flatten() {
        Some(pool) => pool.install(|| items.par_iter().map(&work).collect()),
        None => items.iter().map(work).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_back_its_data_to_its_own_adapter_and_driver_alone() {
        let bytes = file_bytes("one", &[1, 2, 3]);
        assert_eq!(parsed(&bytes, "one"), Some(&[1, 2, 3][..]));
        assert_eq!(parsed(&bytes, "another"), None);
        assert_ne!(file_name("one"), file_name("another"));
    }

    #[test]
    fn a_damaged_file_gives_nothing() {
        let bytes = file_bytes("one", &[7; 100]);
        for length in 0..bytes.len() {
            assert_eq!(parsed(&bytes[..length], "one"), None, "cut to {length}");
        }
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 0x10;
            assert_eq!(parsed(&damaged, "one"), None, "damaged at {index}");
        }
        assert_eq!(parsed(&[&bytes[..], &[0]].concat(), "one"), None, "longer");
        let mut lying = bytes[..bytes.len() - 4].to_vec();
        lying[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        lying.extend(crc32fast::hash(&lying).to_le_bytes());
        assert_eq!(parsed(&lying, "one"), None, "a length beyond its end");
    }

    #[test]
    fn files_that_are_too_large_or_no_files_are_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipelines");
        assert_eq!(read(&path, "one"), None);
        assert_eq!(read(folder.path(), "one"), None);
        std::fs::write(&path, file_bytes("one", &[1])).expect("a file");
        assert_eq!(read(&path, "one"), Some(vec![1]));
        std::fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_len(MOST_BYTES + 1))
            .expect("a sparse file");
        assert_eq!(plain_bytes(&path), None);
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..50).collect();
        let made = side_by_side(&items, |&item| {
            std::thread::sleep(std::time::Duration::from_micros(50 * (50 - item)));
            if item % 20 == 7 { Err(crate::error::Error::Internal(item.to_string())) } else { Ok(2 * item) }
        });
        assert!(
            made.iter()
                .zip(&items)
                .all(|(made, item)| made.as_ref().is_ok_and(|made| *made == 2 * item) == (item % 20 != 7))
        );
        assert_eq!(made.into_iter().collect::<Result<Vec<_>>>().expect_err("three failed").to_string(), "7");
    }
}
