//! The last resort when memory runs out: wgrad says so and ends with the exit code of a limit, where Rust's runtime would abort.
//!
//! wgrad asks for memory before it takes what grows with the data ([`crate::Error::Limit`]). It does not ask for small things, and not every
//! library asks; this is for those.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Whether the system refused an allocation of this thread, and the caller could not do without. A later one that succeeds does not
    /// clear it: the runtime allocates while it reports an abort.
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// The system's allocator, which notes what the system refuses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allocator;

/// The same pointer, which is null where the system refused.
fn noted(pointer: *mut u8) -> *mut u8 {
    if pointer.is_null() {
        REFUSED.set(true);
    }
    pointer
}

/// Forgets a refusal: the caller asked, and does without.
pub(crate) fn forgiven() {
    REFUSED.set(false);
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: all is the system allocator's, to which every call goes on as it came; what is noted takes no memory.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        noted(unsafe { System.realloc(pointer, layout, size) })
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// From now on a thread that aborts because memory was refused ends the process with exit code 6. Where that cannot be had, it aborts.
#[cfg(unix)]
pub fn end_in_order() {
    use std::os::fd::BorrowedFd;

    use signal_hook::consts::SIGABRT;
    use signal_hook::low_level;

    const SENTENCE: &[u8] =
        b"wgrad: memory ended on the way; take fewer rows or columns or smaller batches, or let the data wait on disk (--memory 1GiB)\n";
    // The C library aborts, too, where its own small needs are refused.
    let is_full = || {
        use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
        const PROBE: usize = 1 << 20;
        #[expect(unsafe_code, reason = "mapped memory is unsafe to make")]
        // SAFETY: the system chooses a place that nothing else has; nobody reads or writes it, and it is given back.
        unsafe {
            match mmap_anonymous(std::ptr::null_mut(), PROBE, ProtFlags::empty(), MapFlags::PRIVATE) {
                Ok(probe) => munmap(probe, PROBE).is_err(),
                Err(_) => true,
            }
        }
    };
    let end = move || {
        if REFUSED.get() || is_full() {
            #[expect(unsafe_code, reason = "nothing else tells where stderr is")]
            // SAFETY: the descriptor is stderr's; if it is closed, the write fails.
            let stderr = unsafe { BorrowedFd::borrow_raw(2) };
            let _ = rustix::io::write(stderr, SENTENCE);
            low_level::exit(6);
        }
    };
    #[expect(unsafe_code, reason = "what a signal calls may do little")]
    // SAFETY: it reads a flag of its thread, writes to a descriptor and ends the process, which signal handlers may do (signal-safety(7)).
    let _ = unsafe { low_level::register(SIGABRT, end) };
}

/// Only Unix has that signal.
#[cfg(not(unix))]
pub fn end_in_order() {}
