//! Panics in other people's code, caught without a word: for crates that panic over a user's file or driver.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether this thread's panics are not told.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What a call gives, or nothing if it panics, without a word about it.
pub(crate) fn quietly<R>(call: impl FnOnce() -> R) -> Option<R> {
    // The hook is the process's: it is set once, and asks which thread it is.
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                told(panic);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call)).ok();
    QUIET.set(before);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_nothing_and_the_next_one_is_told_again() {
        assert_eq!(quietly(|| 3), Some(3));
        assert_eq!(quietly(|| -> u8 { panic!("never told") }), None);
        assert_eq!(quietly(|| quietly(|| -> u8 { panic!("never told") })), Some(None));
        assert!(!QUIET.get());
    }
}
