//! Ctrl-C, SIGTERM and a hangup: the first asks training to end after its step, the second ends the program at once. And SIGXFSZ, which
//! a file past `ulimit -f` sends: the write fails instead.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// From now on a file that may not grow further is an error of the write, not the program's end. Where that cannot be had, it stays
/// as it is.
#[cfg(unix)]
pub(super) fn outlive_full_files() {
    let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Only Unix has that signal.
#[cfg(not(unix))]
pub(super) fn outlive_full_files() {}

/// The signal of a terminal that is closed, unless the program was started to outlive it, as by `nohup`. Only Linux says whether it was.
#[cfg(target_os = "linux")]
fn hangup() -> Option<i32> {
    let status = crate::files::of_system(std::path::Path::new("/proc/self/status"))?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let ignored = u64::from_str_radix(ignored.trim(), 16).ok()?;
    let hangup = signal_hook::consts::SIGHUP;
    (ignored >> (hangup - 1) & 1 == 0).then_some(hangup)
}

#[cfg(not(target_os = "linux"))]
fn hangup() -> Option<i32> {
    None
}

/// The signal that came, if one did.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    came: Arc<AtomicUsize>,
}

impl Signals {
    /// Begins to listen, unless that has begun: a signal that comes between two runs of folds is not lost.
    ///
    /// # Errors
    /// Internal, if the system does not let us.
    pub(super) fn listen() -> Result<Self> {
        static LISTENING: OnceLock<Signals> = OnceLock::new();
        if let Some(signals) = LISTENING.get() {
            return Ok(signals.clone());
        }
        let signals = Self::default();
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup()) {
            let failed = |error| Error::Internal(format!("signals cannot be listened to: {error}"));
            // The order matters: the first signal finds `again` unset, then sets it.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again)).map_err(failed)?;
            flag::register(signal, Arc::clone(&again)).map_err(failed)?;
            flag::register_usize(signal, Arc::clone(&signals.came), signal as usize).map_err(failed)?;
        }
        Ok(LISTENING.get_or_init(|| signals).clone())
    }

    /// The signal that came, if one did.
    pub(super) fn came(&self) -> Option<u8> {
        u8::try_from(self.came.load(Ordering::SeqCst)).ok().filter(|&signal| signal != 0)
    }
}
