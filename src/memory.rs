//! Whether there is memory for what is about to be made: asked before, since an allocation that fails ends the program.

/// Whether the system would give so many bytes: it says that it has them (Linux), and it reserves them.
pub(crate) fn is_there(bytes: u128) -> bool {
    available().is_none_or(|available| bytes <= u128::from(available)) && has_room(bytes)
}

/// Whether the system would reserve so many bytes: of addresses, whether or not there is memory behind all of them.
pub(crate) fn has_room(bytes: u128) -> bool {
    usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}

/// Bytes of memory that the system could give without swapping, where it says so (Linux).
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
