//! Whether there is memory for what is about to be made: asked before, since an allocation that fails ends the program.

use std::path::Path;

use crate::error::{Error, Result};
use crate::exhaustion;
use crate::files::of_system as text_of;

/// Bytes that are not asked for.
pub(crate) const SMALL: u128 = 1 << 20;

/// Whether the system would give so many bytes: it says that it has them (Linux), and it reserves them.
pub(crate) fn is_there(bytes: u128) -> bool {
    available().is_none_or(|available| bytes <= u128::from(available)) && has_room(bytes)
}

/// An empty vector with room for so many elements.
///
/// # Errors
/// Limit, if there is no memory for them; `what` names them.
pub(crate) fn reserved<T>(count: u128, what: impl FnOnce() -> String) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let bytes = count.saturating_mul(size_of::<T>() as u128);
    let is_there = bytes <= SMALL || is_there(bytes);
    match usize::try_from(count).map(|count| values.try_reserve_exact(count)) {
        Ok(Ok(())) if is_there => Ok(values),
        _ => {
            exhaustion::forgiven();
            Err(Error::Limit(format!("there is no memory for {}", what())))
        }
    }
}

/// Whether the system would reserve so many bytes: of addresses, whether or not there is memory behind all of them.
pub(crate) fn has_room(bytes: u128) -> bool {
    let has_room = usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok());
    if !has_room {
        exhaustion::forgiven();
    }
    has_room
}

/// Bytes of memory that the system could give without swapping and its container allows, where they say so (Linux).
fn available() -> Option<u64> {
    let of_groups = text_of(Path::new("/proc/self/cgroup"));
    let of_groups = of_groups.and_then(|groups| of_groups_in(Path::new("/sys/fs/cgroup"), &groups));
    of_system().into_iter().chain(of_groups).min()
}

/// Bytes that the system could give.
fn of_system() -> Option<u64> {
    let text = text_of(Path::new("/proc/meminfo"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The files of a control group that say how much memory it may use and how much it uses, and the lines of `memory.stat` that say what
/// of that is files' and given back when it is needed ("Control Group v2" and "Memory Resource Controller", kernel.org).
struct Names {
    limit: &'static str,
    usage: &'static str,
    reclaimable: [&'static str; 2],
}

const VERSION_2: Names =
    Names { limit: "memory.max", usage: "memory.current", reclaimable: ["inactive_file", "active_file"] };
const VERSION_1: Names = Names {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    reclaimable: ["total_inactive_file", "total_active_file"],
};

/// Bytes that the control groups of a process leave it, by what `/proc/self/cgroup` says; none without a limit.
fn of_groups_in(root: &Path, groups: &str) -> Option<u64> {
    let of_line = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (folder, names) = match controllers {
            "" => (root.to_path_buf(), VERSION_2),
            _ if controllers.split(',').any(|name| name == "memory") => (root.join("memory"), VERSION_1),
            _ => return None,
        };
        // In a container the path may be the host's: its limit is then that of the folder itself.
        let group = folder.join(path.trim_start_matches('/'));
        group.ancestors().take_while(|group| group.starts_with(&folder)).filter_map(|group| left_in(group, &names)).min()
    };
    groups.lines().filter_map(of_line).min()
}

fn left_in(group: &Path, names: &Names) -> Option<u64> {
    let text = |name: &str| text_of(&group.join(name));
    let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
    let limit = number(names.limit)?;
    let stat = text("memory.stat").unwrap_or_default();
    let words = stat.lines().filter_map(|line| line.split_once(' '));
    let of_files = words.filter(|(name, _)| names.reclaimable.contains(name));
    let reclaimable: u64 = of_files.filter_map(|(_, bytes)| bytes.trim().parse::<u64>().ok()).sum();
    let usage = number(names.usage).unwrap_or(0).saturating_sub(reclaimable);
    Some(limit.saturating_sub(usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_of_all_groups_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        let left = |groups: &str| of_groups_in(root.path(), groups);
        assert_eq!(left("0::/a/b\n"), None);
        write("a/b/memory.max", "max\n");
        assert_eq!(left("0::/a/b\n"), None);
        write("a/memory.max", "1000\n");
        write("a/memory.current", "700\n");
        write("a/memory.stat", "anon 300\ninactive_file 200\nactive_file 50\n");
        assert_eq!(left("0::/a/b\n"), Some(550));
        assert_eq!(left("0::/elsewhere\n"), None);
        write("memory.max", "900\n");
        write("memory.current", "1000\n");
        assert_eq!((left("0::/a/b\n"), left("0::/elsewhere\n")), (Some(0), Some(0)));
        write("memory/c/memory.limit_in_bytes", "400\n");
        write("memory/c/memory.usage_in_bytes", "100\n");
        write("memory/c/memory.stat", "inactive_file 1\ntotal_inactive_file 60\n");
        assert_eq!(left("5:cpu,memory:/c\n4:pids:/c\n"), Some(360));
        assert_eq!(left("not a line\n5:cpu:/c\n"), None);
    }
}
