//! The pages that a command writes beside what it prints. It checks that it can write them before the work begins, and prints their sizes.

use std::path::{Path, PathBuf};

use super::print;
use crate::error::{Error, Result};
use crate::files::Place;
use crate::name;

/// Where a page to read and a page to play with go.
pub(super) struct Pages {
    html: Option<Page>,
    play: Option<Page>,
}

struct Page {
    path: PathBuf,
    place: Place,
}

impl Page {
    fn named(path: &Path) -> Result<Self> {
        let place = Place::named(path)?;
        place.try_out()?;
        Ok(Self { path: path.to_path_buf(), place })
    }

    fn save(&self, page: &str, quiet: bool) -> Result<()> {
        self.place.save_without_waiting(page.as_bytes())?;
        if !quiet {
            print::note(format_args!("saved {}, {} bytes", name::shown(&self.path), page.len()));
        }
        Ok(())
    }
}

impl Pages {
    /// Tries the places of the pages that are wanted.
    ///
    /// # Errors
    /// Usage, if both are the same; what keeps a file from being written there.
    pub(super) fn new(html: Option<&Path>, play: Option<&Path>) -> Result<Self> {
        if [html, play].into_iter().flatten().any(|path| path.as_os_str() == "-") {
            return Err(Error::Usage("a page goes into a file: name one, as in --html page.html".into()));
        }
        if let Some(path) = html.filter(|_| html == play) {
            return Err(Error::Usage(format!("--html and --play: {} cannot be both pages", name::shown(path))));
        }
        Ok(Self { html: html.map(Page::named).transpose()?, play: play.map(Page::named).transpose()? })
    }

    /// Makes and saves those that are wanted.
    ///
    /// # Errors
    /// What making them comes to; what keeps a file from being written.
    pub(super) fn save(
        &self,
        quiet: bool,
        html: impl FnOnce() -> Result<String>,
        play: impl FnOnce() -> Result<String>,
    ) -> Result<()> {
        self.html.as_ref().map_or(Ok(()), |page| page.save(&html()?, quiet))?;
        self.play.as_ref().map_or(Ok(()), |page| page.save(&play()?, quiet))
    }
}
