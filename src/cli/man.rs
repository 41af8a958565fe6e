//! `wgrad man`: the manual pages, made from the same words as the help.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use super::print;
use crate::error::{Error, Result};
use crate::files::{self, Place};

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

/// Prints the page of `command`, or writes every page below it as well.
pub(super) fn run(arguments: &ManArguments, command: Command) -> Result<()> {
    let Some(folder) = &arguments.output else {
        return print::bytes(&rendered(&Man::new(command))?);
    };
    files::folder(folder).map_err(|error| Error::writing(folder, &error))?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    pages(&command, folder)
}

/// Writes the pages of a command and those below it.
fn pages(command: &Command, folder: &Path) -> Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, folder)?;
    }
    let page = Man::new(command.clone());
    let path = folder.join(page.get_filename());
    Place::named(&path)?.save_without_waiting(&rendered(&page)?)
}

fn rendered(page: &Man) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    page.render(&mut bytes).map_err(|error| Error::Internal(format!("the manual page: {error}")))?;
    Ok(bytes)
}
