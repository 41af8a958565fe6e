//! `wgrad completions`: what a shell needs to complete what is typed, made from the command line's own definition.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::print;
use crate::error::Result;

/// The arguments of `wgrad completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wgrad completions bash > ~/.local/share/bash-completion/completions/wgrad
  wgrad completions zsh > ~/.zfunc/_wgrad
  wgrad completions fish > ~/.config/fish/completions/wgrad.fish")]
pub(super) struct CompletionsArguments {
    /// The shell that is to complete
    shell: Shell,
}

/// Prints the shell's script to complete the line of `command`.
pub(super) fn run(arguments: &CompletionsArguments, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, "wgrad", &mut script);
    print::bytes(&script)
}
