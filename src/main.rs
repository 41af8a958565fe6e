//! Parses the command line, runs the command, prints its error, and gives the exit code.

use std::process::ExitCode;

use clap::Parser;
use wgrad::Error;
use wgrad::cli::{self, CommandLine};

fn main() -> ExitCode {
    let command = CommandLine::parse();
    match cli::run(command) {
        Ok(()) | Err(Error::ClosedPipe) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wgrad: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
