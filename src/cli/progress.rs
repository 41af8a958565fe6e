//! How training goes on, on stderr: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::ColorChoice;
use indicatif::{ProgressBar, ProgressStyle};

use super::signals::Signals;
use super::{colour, curve, print};
use crate::error::{Result, shown};
use crate::evaluation::significant;
use crate::report::Curve;
use crate::training::run::{DataReport, EpochRecord, NetworkReport, Observer, RunObserver};
use crate::training::session::{Device, Recipe, ScheduleKind};

/// Plain lines in a whole training, at most, but for one every [`PATIENCE`].
const LINES: usize = 20;
/// The longest silence on stderr.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watches a run for the person at the terminal.
pub(super) struct Progress {
    quiet: bool,
    signals: Signals,
    bar: Option<ProgressBar>,
    epochs: usize,
    last_line: Instant,
}

impl Progress {
    /// A watcher that says nothing if `quiet`. It listens to signals from the moment that training begins.
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, signals: Signals::default(), bar: None, epochs: 0, last_line: Instant::now() }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Shows the losses as a small picture, to a person at a terminal.
    pub(super) fn show(&self, curve: &Curve, color: ColorChoice) {
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let columns = terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
        if let Some(picture) = curve::picture(curve, columns, colour::is_allowed(color)) {
            print::picture(&picture);
        }
    }
}

impl RunObserver for Progress {
    fn begins(
        &mut self,
        data: &DataReport,
        network: &NetworkReport,
        recipe: &Recipe,
        device: &Device,
        folder: &Path,
    ) -> Result<()> {
        if self.epochs > 0 {
            // A device was lost: what goes on has been told.
            return Ok(());
        }
        self.signals = Signals::listen()?;
        self.epochs = recipe.epochs;
        self.last_line = Instant::now();
        if self.quiet {
            return Ok(());
        }
        print::note(data);
        print::note(network);
        let in_micro_batches = match recipe.micro_batches {
            0 | 1 => String::new(),
            count => format!(" in {count} micro-batches"),
        };
        let falling = match recipe.schedule.kind {
            ScheduleKind::Constant => "",
            ScheduleKind::Step => " (step)",
            ScheduleKind::Cosine => " (cosine)",
            ScheduleKind::Plateau => " (plateau)",
        };
        print::note(format_args!(
            "{}, learning rate {}{falling}, batches of {} rows{in_micro_batches}, {} epochs, seed {}",
            recipe.optimizer.kind, recipe.schedule.learning_rate, recipe.batch, recipe.epochs, recipe.seed
        ));
        let beyond = recipe.beyond_the_rule(network.activations.len());
        if !beyond.is_empty() {
            print::note(format_args!("with {}", beyond.join("; ")));
        }
        print::note(format_args!("on {device}"));
        print::note(format_args!("into {}", shown(&folder.to_string_lossy())));
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(data.training_rows as u64 * recipe.epochs as u64);
            let style = ProgressStyle::with_template("{bar:20} {percent:>3} %  {eta} left  {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar = Some(bar);
        }
        Ok(())
    }

    fn resumed(&mut self, epoch: usize, step: u64) {
        if let Some(bar) = &self.bar {
            bar.reset_eta();
        }
        if !self.quiet {
            self.remark(&format!("goes on after epoch {epoch}, from step {step}"));
        }
    }
}

impl Observer for Progress {
    fn progress(&mut self, rows: usize, _total: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(rows as u64);
        }
    }

    fn epoch(&mut self, record: &EpochRecord) -> Result<()> {
        let line = epoch_line(record, self.epochs);
        if let Some(bar) = &self.bar {
            bar.set_message(line);
            return Ok(());
        }
        let due =
            record.epoch == 1 || record.epoch == self.epochs || record.epoch.is_multiple_of(self.epochs.div_ceil(LINES));
        if !self.quiet && (due || self.last_line.elapsed() >= PATIENCE) {
            self.last_line = Instant::now();
            print::note(line);
        }
        Ok(())
    }

    fn saved(&mut self, step: u64) {
        if !self.quiet && self.bar.is_none() {
            print::note(format_args!("saved step {step}"));
        }
    }

    fn remark(&mut self, remark: &str) {
        match &self.bar {
            Some(bar) => bar.println(format!("wgrad: {remark}")),
            None => print::remarks(&[remark.to_string()]),
        }
    }

    fn signal(&self) -> Option<u8> {
        self.signals.came()
    }
}

/// One epoch as one line.
fn epoch_line(record: &EpochRecord, epochs: usize) -> String {
    let width = epochs.to_string().len();
    // Five places, so that lines are equally long, unless there is nothing in them.
    let places = |loss: f64| if loss.abs() < 1e-3 { significant(loss) } else { format!("{loss:.5}") };
    let mut line = format!("epoch {:>width$}/{epochs}  loss {}", record.epoch, places(record.loss));
    if let Some(loss) = record.validation_loss {
        line.push_str(&format!("  validation loss {}", places(loss)));
    }
    if let Some(metric) = record.validation_metric {
        line.push_str(&format!("  {} {metric:.4}", record.metric));
    }
    if let Some(scale) = record.loss_scale {
        line.push_str(&format!("  loss scale {scale}"));
    }
    line.push_str(&format!("  {:.0} samples/s", record.samples_per_second));
    line
}
