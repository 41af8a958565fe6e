//! Ctrl-C, SIGTERM and a hangup: the first asks training to end after its step, the second ends the program at once. And SIGXFSZ, which
//! a file past `ulimit -f` sends: the write fails instead. A second signal says before the end what training goes on from.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
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
    last_words: Arc<LastWords>,
}

/// What the second signal says: a text that its handler, which may not wait for anything, can read while another thread changes it.
#[derive(Debug)]
struct LastWords {
    bytes: [AtomicU8; 1024],
    /// How many of them count; 0 while they are changed.
    length: AtomicUsize,
}

impl Default for LastWords {
    fn default() -> Self {
        Self { bytes: [const { AtomicU8::new(0) }; 1024], length: AtomicUsize::new(0) }
    }
}

impl LastWords {
    /// Replaces the text; none is said of one that is too long.
    fn set(&self, text: &str) {
        self.length.store(0, Ordering::SeqCst);
        if text.len() <= self.bytes.len() {
            self.bytes.iter().zip(text.bytes()).for_each(|(place, byte)| place.store(byte, Ordering::SeqCst));
            self.length.store(text.len(), Ordering::SeqCst);
        }
    }

    /// Writes the text to stderr, by one call of the system.
    #[cfg(unix)]
    fn say(&self) {
        let mut text = [0; 1024];
        let length = self.length.load(Ordering::SeqCst);
        text.iter_mut().zip(&self.bytes).take(length).for_each(|(byte, place)| *byte = place.load(Ordering::SeqCst));
        let _ = rustix::io::write(std::io::stderr(), &text[..length]);
    }
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
            #[cfg(unix)]
            say_when(signal, &again, &signals.last_words).map_err(failed)?;
            // The order matters: the first signal finds `again` unset, then sets it.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again)).map_err(failed)?;
            flag::register(signal, Arc::clone(&again)).map_err(failed)?;
            flag::register_usize(signal, Arc::clone(&signals.came), signal as usize).map_err(failed)?;
        }
        Ok(LISTENING.get_or_init(|| signals).clone())
    }

    /// What a second signal is to say from now on, in a line of its own.
    pub(super) fn say_before_the_end(&self, text: &str) {
        // What the terminal shows there, such as the moving line, is written over.
        let clear = if std::io::stderr().is_terminal() { "\r\u{1b}[K" } else { "" };
        self.last_words.set(&format!("{clear}{text}\n"));
    }

    /// The signal that came, if one did.
    pub(super) fn came(&self) -> Option<u8> {
        u8::try_from(self.came.load(Ordering::SeqCst)).ok().filter(|&signal| signal != 0)
    }
}

/// Has a signal say the last words if one has come before.
#[cfg(unix)]
#[expect(unsafe_code, reason = "a signal's handler has to be one that may run at any time")]
fn say_when(signal: i32, again: &Arc<AtomicBool>, last_words: &Arc<LastWords>) -> std::io::Result<()> {
    let (again, last_words) = (Arc::clone(again), Arc::clone(last_words));
    let handler = move || {
        if again.load(Ordering::SeqCst) {
            last_words.say();
        }
    };
    // SAFETY: the handler reads atomics and calls write(2); it allocates nothing, takes no lock, and does not panic, since the length is
    // never above that of the array.
    unsafe { signal_hook::low_level::register(signal, handler) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_the_newest_and_none_where_they_are_too_long() {
        let words = LastWords::default();
        let said = || {
            let length = words.length.load(Ordering::SeqCst);
            words.bytes[..length].iter().map(|byte| byte.load(Ordering::SeqCst)).collect::<Vec<_>>()
        };
        words.set("step 12");
        words.set("step 9");
        assert_eq!(said(), b"step 9");
        words.set(&"x".repeat(2000));
        assert_eq!(said(), b"");
    }
}
