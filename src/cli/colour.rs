//! Whether colours may be used on a terminal.

use clap::ColorChoice;

/// Whether text on a terminal may have colours: as `--color` says, else unless `NO_COLOR` or a terminal without any forbids them. What is
/// no terminal never gets colours.
pub(super) fn is_allowed(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
        }
    }
}
