//! `wgrad man`: the manual pages, made from the same words as the help.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::{CommandLine, print};
use crate::error::{Error, Result};

/// The arguments of `wgrad man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:  wgrad man | man -l -
           wgrad man -o ~/.local/share/man/man1")]
pub(super) struct ManArguments {
    /// Write the pages of all commands into this folder [default: wgrad's own page, on stdout]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Prints wgrad's page, or writes every page.
pub(super) fn run(arguments: &ManArguments) -> Result<()> {
    let command = CommandLine::command();
    let Some(folder) = &arguments.output else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).map_err(|error| Error::Internal(format!("the manual page: {error}")))?;
        return print::bytes(&page);
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(|error| Error::writing(folder, &error))
}
