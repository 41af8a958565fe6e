//! A line on a terminal that is written over again and again, to show how something goes on.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::print;
use crate::columns::COLUMNS;

/// Time between two states of the line, at least.
const PAUSE: Duration = Duration::from_millis(80);

/// Such a line on stderr.
#[derive(Debug, Default)]
pub(super) struct MovingLine {
    /// When it was written last; none while there is no line.
    written: Option<Instant>,
}

impl MovingLine {
    /// A line that is not there yet; none where stderr is no terminal.
    pub(super) fn new() -> Option<Self> {
        std::io::stderr().is_terminal().then(Self::default)
    }

    /// Shows a text, unless the last one was shown a moment ago.
    pub(super) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.written.is_none_or(|written| written.elapsed() >= PAUSE) {
            write(&text());
            self.written = Some(Instant::now());
        }
    }

    /// Shows a text that nothing may follow for long.
    pub(super) fn show_at_once(&mut self, text: &str) {
        write(text);
        self.written = Some(Instant::now());
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if self.written.take().is_some() {
            write("");
        }
    }
}

/// Writes over the line. The cursor goes back to its beginning, so that what the terminal itself writes, such as `^C`, is in this line, too.
fn write(text: &str) {
    let columns = print::columns().unwrap_or(COLUMNS);
    let _ = write!(std::io::stderr(), "{}", over(text, columns));
}

/// A text over a whole line of so many columns but the last one, which would begin a new line on some terminals.
fn over(text: &str, columns: usize) -> String {
    let width = columns.saturating_sub(1);
    let text: String = text.chars().take(width).collect();
    format!("\r{text:<width$}\r")
}

/// A bar of so many characters, as full as the share says.
pub(super) fn bar(share: f64, width: usize) -> String {
    let full = (share.clamp(0.0, 1.0) * width as f64) as usize;
    "█".repeat(full) + &"░".repeat(width - full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_over_whole_and_never_goes_on_in_the_next() {
        assert_eq!(over("abc", 6), "\rabc  \r");
        assert_eq!(over("abcdefgh", 6), "\rabcde\r");
        assert_eq!(over("", 1), "\r\r");
    }

    #[test]
    fn a_bar_is_as_full_as_its_share() {
        assert_eq!([0.0, 0.5, 1.0, 2.0, f64::NAN].map(|share| bar(share, 4)), ["░░░░", "██░░", "████", "████", "░░░░"]);
    }
}
