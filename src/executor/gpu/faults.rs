//! Faults on purpose, so that it can be seen what becomes of them: `WGRAD_GPU_FAULT=lost:40` loses the device in the 40th call to
//! a GPU that the process makes, `memory:40` refuses it for want of memory, `refused:40` for no reason, and after `silent:40` the device
//! does not answer; `lost:40/60` does it again every 60 calls. For tests.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The device is lost, for good.
    Lost,
    /// There is no memory for this call.
    Memory,
    /// This call fails.
    Refused,
    /// The next wait for the device goes on for too long.
    Silent,
}

/// What happens to the next call, if anything does.
pub(super) fn next() -> Option<Fault> {
    static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let Wanted { fault, first, every } = (*WANTED.get_or_init(|| Wanted::parsed(&std::env::var("WGRAD_GPU_FAULT").ok()?)))?;
    let since = (CALLS.fetch_add(1, Ordering::Relaxed) + 1).checked_sub(first)?;
    (since == 0 || every.is_some_and(|every| since.is_multiple_of(every))).then_some(fault)
}

/// Which calls fail, and how.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    fault: Fault,
    first: u64,
    every: Option<u64>,
}

impl Wanted {
    fn parsed(text: &str) -> Option<Self> {
        let (kind, calls) = text.split_once(':')?;
        let (first, every) = calls.split_once('/').map_or((calls, None), |(first, every)| (first, Some(every)));
        let fault = match kind {
            "lost" => Fault::Lost,
            "memory" => Fault::Memory,
            "refused" => Fault::Refused,
            "silent" => Fault::Silent,
            _ => return None,
        };
        let every = every.map(str::parse).transpose().ok()?;
        Some(Self { fault, first: first.parse().ok()?, every })
    }
}
