//! Parses the command line, runs the command, prints its error, and gives the exit code.

#![deny(clippy::disallowed_methods)]

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use wgrad::cli::{self, CommandLine};
use wgrad::error::{is_printable, printable_lines};
use wgrad::exhaustion::{self, Allocator};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

fn main() -> ExitCode {
    keep_mesa_quiet();
    exhaustion::end_in_order();
    let command = match CommandLine::typed() {
        Ok(command) => command,
        Err(error) => return said(&error),
    };
    match cli::run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If nobody can read it, the exit code still says what it was.
            let _ = writeln!(std::io::stderr(), "wgrad: {}", printable_lines(&error.to_string()));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Prints help, the version, or what is wrong with the command line. Of words that a terminal would obey clap knows nothing: they are escaped.
fn said(error: &clap::Error) -> ExitCode {
    let is_plain = |word: OsString| word.to_string_lossy().chars().all(is_printable);
    let printed = if std::env::args_os().all(is_plain) {
        error.print()
    } else {
        let escaped = printable_lines(&error.render().to_string());
        if error.use_stderr() { write!(std::io::stderr(), "{escaped}") } else { write!(std::io::stdout(), "{escaped}") }
    };
    // If nobody can read it, the exit code still says what it was.
    drop(printed);
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Where there is no desktop session, a layer of Mesa's Vulkan looks for one all the same and complains on stderr: it is left out.
fn keep_mesa_quiet() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() && std::env::var_os("NODEVICE_SELECT").is_none() {
        #[expect(unsafe_code, reason = "the environment may be changed while there is one thread")]
        // SAFETY: this is the first thing that main does, so no other thread reads the environment.
        unsafe {
            std::env::set_var("NODEVICE_SELECT", "1");
        }
    }
}
