//! The machine and the program that a comparison was measured with.

use serde::{Deserialize, Serialize};

use crate::error::shown;

/// The machine and the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// wgrad's version.
    pub wgrad: String,
    /// The operating system.
    pub system: String,
    /// The processor's architecture.
    pub architecture: String,
    /// The processor's name, where the system tells it.
    pub processor: Option<String>,
    /// Threads that the processor runs at once.
    pub cores: usize,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        Self {
            wgrad: env!("CARGO_PKG_VERSION").into(),
            system: std::env::consts::OS.into(),
            architecture: std::env::consts::ARCH.into(),
            processor: crate::files::of_system(std::path::Path::new("/proc/cpuinfo")).and_then(|text| processor(&text)),
            cores: crate::threads::cores(),
        }
    }
}

/// The processor's name in Linux's `/proc/cpuinfo`; not every architecture has one there.
fn processor(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    let name = line.split_once(':')?.1.trim();
    (!name.is_empty()).then(|| shown(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_name_is_read_where_there_is_one() {
        let text = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon(R) @ 2.1 GHz\nprocessor\t: 1\n";
        assert_eq!(processor(text).as_deref(), Some("Xeon(R) @ 2.1 GHz"));
        assert_eq!(processor("processor\t: 0\nBogoMIPS\t: 50.00\n"), None);
    }
}
