//! Parses the command line, runs the command, prints its error, and gives the exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use wgrad::Error;
use wgrad::cli::{self, CommandLine};

fn main() -> ExitCode {
    keep_mesa_quiet();
    let command = CommandLine::parse();
    match cli::run(command) {
        Ok(()) | Err(Error::ClosedPipe) => ExitCode::SUCCESS,
        Err(error) => {
            // If nobody can read it, the exit code still says what it was.
            let _ = writeln!(std::io::stderr(), "wgrad: {error}");
            ExitCode::from(error.exit_code())
        }
    }
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
