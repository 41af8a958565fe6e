//! Ctrl-C and SIGTERM: the first asks training to end after its step, the second ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// The signal that came, if one did.
#[derive(Debug, Default)]
pub(super) struct Signals {
    came: Arc<AtomicUsize>,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// Internal, if the system does not let us.
    pub(super) fn listen() -> Result<Self> {
        let signals = Self::default();
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            let failed = |error| Error::Internal(format!("signals cannot be listened to: {error}"));
            // The order matters: the first signal finds `again` unset, then sets it.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again)).map_err(failed)?;
            flag::register(signal, Arc::clone(&again)).map_err(failed)?;
            flag::register_usize(signal, Arc::clone(&signals.came), signal as usize).map_err(failed)?;
        }
        Ok(signals)
    }

    /// The signal that came, if one did.
    pub(super) fn came(&self) -> Option<u8> {
        u8::try_from(self.came.load(Ordering::SeqCst)).ok().filter(|&signal| signal != 0)
    }
}
