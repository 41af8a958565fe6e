//! How training goes on, on stderr: a moving line on a terminal, plain lines elsewhere; of folds a line each.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::ColorChoice;

use super::moving::{MovingLine, bar};
use super::signals::Signals;
use super::{colour, curve, print};
use crate::error::{Result, shown, typed_path};
use crate::evaluation::significant;
use crate::page::figures;
use crate::training::run::folds::scores;
use crate::training::run::{DataReport, EpochRecord, NetworkReport, Observer, RunObserver, RunReport};
use crate::training::session::{Device, Recipe, ScheduleKind};

/// Plain lines in a whole training, at most, but for one every [`PATIENCE`].
const LINES: usize = 20;
/// The longest silence on stderr.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds of an epoch from which it is worth knowing how fast it went.
const SLOW: f64 = 0.1;

/// Watches a run for the person at the terminal, or those of all folds.
pub(super) struct Progress {
    quiet: bool,
    color: ColorChoice,
    signals: Signals,
    /// The line on a terminal.
    line: Option<MovingLine>,
    /// The last epoch's.
    message: String,
    /// Rows of the whole training, and of an epoch.
    rows: [usize; 2],
    /// Rows that were done when it began to go on, and when that was.
    since: Option<(usize, Instant)>,
    epochs: usize,
    last_line: Instant,
    /// The run's folder, as it is typed.
    folder: String,
    fold: Option<Fold>,
}

/// Which of the folds is trained for.
struct Fold {
    number: usize,
    of: usize,
    /// The folder of all of them.
    folder: PathBuf,
    /// Whether the length of the training is each fold's own.
    tries_length: bool,
    /// Kinds of remarks that were made for one of them: what differs in its numbers alone is not said again.
    said: HashSet<String>,
}

impl Progress {
    /// A watcher that says nothing if `quiet`. It listens to signals from the moment that training begins.
    pub(super) fn new(quiet: bool, color: ColorChoice) -> Self {
        Self {
            quiet,
            color,
            signals: Signals::default(),
            line: None,
            message: String::new(),
            rows: [0; 2],
            since: None,
            epochs: 0,
            last_line: Instant::now(),
            folder: String::new(),
            fold: None,
        }
    }

    /// What comes next is one of so many folds, whose folders are in this one; each may try how long to train.
    pub(super) fn begin_fold(&mut self, number: usize, of: usize, folder: &Path, tries_length: bool) {
        let said = self.fold.take().map(|fold| fold.said).unwrap_or_default();
        self.fold = Some(Fold { number, of, folder: folder.to_path_buf(), tries_length, said });
        self.epochs = 0;
    }

    /// Whether only warnings are wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Takes the moving line away.
    pub(super) fn finish(&mut self) {
        if let Some(mut line) = self.line.take() {
            line.clear();
        }
    }

    /// Shows what a run came to: of one, the losses as a small picture, to a person at a terminal; of a fold, a line.
    pub(super) fn show(&self, report: &RunReport) {
        if self.quiet {
            return;
        }
        if let Some(fold) = &self.fold {
            let (epochs, seconds) = (report.last_epoch.as_ref().map_or(0, |record| record.epoch), report.seconds);
            let rate = report
                .trial
                .as_ref()
                .map_or(String::new(), |trial| format!(", learning rate {}", trial.lengths[trial.taken].learning_rate));
            let scores = scores(report.test.as_ref()).into_iter().filter_map(|(name, value)| Some((name, value?)));
            let scores: Vec<String> =
                scores.take(2).map(|(name, value)| format!(", {} {}", called(name), short(value))).collect();
            print::note(format_args!(
                "fold {} of {}: {epochs} epochs{rate}, {seconds:.2} s{}",
                fold.number,
                fold.of,
                scores.concat()
            ));
            return;
        }
        let Some(columns) = print::columns() else { return };
        if let Some(picture) = curve::picture(&report.curve, columns, colour::is_allowed(self.color)) {
            print::picture(&picture);
        }
    }

    /// Says something above the moving line.
    fn say(&mut self, text: impl std::fmt::Display) {
        if let Some(line) = &mut self.line {
            line.clear();
        }
        print::note(text);
    }

    /// The head: what is trained, on what and how. Of folds, whose rows and lengths differ a little, that of the first.
    fn head(&self, data: &DataReport, network: &NetworkReport, recipe: &Recipe, device: &Device, folder: &Path) {
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
        let optimizer = recipe.optimizer.kind;
        let length = match &self.fold {
            Some(fold) if fold.tries_length => {
                format!("{optimizer}{falling}, batches of {} rows{in_micro_batches}", recipe.batch)
            }
            _ => format!(
                "{optimizer}, learning rate {}{falling}, batches of {} rows{in_micro_batches}, {} epochs",
                recipe.schedule.learning_rate, recipe.batch, recipe.epochs
            ),
        };
        print::note(format_args!("{length}, seed {}", recipe.seed));
        let beyond = recipe.beyond_the_rule(network.activations.len());
        if !beyond.is_empty() {
            print::note(format_args!("with {}", beyond.join("; ")));
        }
        print::note(format_args!("on {}", device.told()));
        print::note(format_args!("into {}", shown(&folder.to_string_lossy())));
    }

    /// The moving line after so many rows.
    fn moving(&self, rows: usize) -> String {
        let all = self.rows[0].max(1);
        let left = self.since.filter(|&(from, _)| rows > from).map_or(String::new(), |(from, since)| {
            format!("  {} left", time(since.elapsed().as_secs_f64() * (all - rows.min(all)) as f64 / (rows - from) as f64))
        });
        let of = self.fold.as_ref().map_or(String::new(), |fold| format!("fold {}/{}  ", fold.number, fold.of));
        let (share, message) = (rows as f64 / all as f64, &self.message);
        format!("{of}{} {:>3.0} %{left}  {message}", bar(share, 20), 100.0 * share)
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
        self.folder = typed_path(folder);
        self.rows = [data.training_rows * recipe.epochs, data.training_rows];
        (self.since, self.message) = (None, String::new());
        if self.quiet {
            return Ok(());
        }
        match &self.fold {
            None => self.head(data, network, recipe, device, folder),
            Some(fold) if fold.number == 1 => self.head(data, network, recipe, device, &fold.folder),
            Some(_) => {}
        }
        self.line = MovingLine::new();
        Ok(())
    }

    fn resumed(&mut self, epoch: usize, step: u64) {
        self.since = None;
        if !self.quiet {
            self.remark(&format!("goes on after epoch {epoch}, from step {step}"));
        }
    }
}

impl Observer for Progress {
    fn progress(&mut self, rows: usize, _total: usize) {
        if self.since.is_none() {
            self.since = Some((rows, Instant::now()));
        }
        if let Some(mut line) = self.line.take() {
            line.show(|| self.moving(rows));
            self.line = Some(line);
        }
    }

    fn epoch(&mut self, record: &EpochRecord) -> Result<()> {
        let line = epoch_line(record, self.epochs, self.rows[1]);
        if self.line.is_some() {
            self.message = line;
            return Ok(());
        }
        let due =
            record.epoch == 1 || record.epoch == self.epochs || record.epoch.is_multiple_of(self.epochs.div_ceil(LINES));
        let fold = self.fold.as_ref().map_or(String::new(), |fold| format!("fold {} of {}: ", fold.number, fold.of));
        if !self.quiet && (due && fold.is_empty() || self.last_line.elapsed() >= PATIENCE) {
            self.last_line = Instant::now();
            print::note(format_args!("{fold}{line}"));
        }
        Ok(())
    }

    fn can_go_on(&mut self, step: u64) {
        self.signals.say_before_the_end(&format!(
            "wgrad: ended at once; wgrad train --resume {} goes on from step {step}",
            self.folder
        ));
    }

    fn saved(&mut self, step: u64) {
        if !self.quiet && self.line.is_none() && self.fold.is_none() {
            print::note(format_args!("saved step {step}"));
        }
    }

    fn remark(&mut self, remark: &str) {
        let is_new = match &mut self.fold {
            None => true,
            Some(fold) => fold.said.insert(kind(remark)),
        };
        if is_new {
            self.say(format_args!("wgrad: {remark}"));
        }
    }

    fn signal(&self) -> Option<u8> {
        self.signals.came()
    }
}

/// A remark without its numbers, those in quotation marks excepted, which are names.
fn kind(remark: &str) -> String {
    let is_number = |word: &str| word.trim_matches(|sign: char| "(),;:.%".contains(sign)).parse::<f64>().is_ok();
    remark.split(' ').map(|word| if is_number(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

/// What people call a score.
pub(super) fn called(name: &str) -> String {
    match name {
        "r2" => "R²".into(),
        "rmse" | "mae" | "auc" | "mse" => name.to_uppercase(),
        "macro_f1" => "macro F1".into(),
        "f1" => "F1".into(),
        _ => name.replace('_', " "),
    }
}

/// A score in a few digits.
fn short(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.4}") } else { figures(value) }
}

/// A time in its largest unit.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.0} s"),
        s if s < 3600.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// One epoch of so many rows as one line.
fn epoch_line(record: &EpochRecord, epochs: usize, rows: usize) -> String {
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
    if rows as f64 / record.samples_per_second >= SLOW {
        line.push_str(&format!("  {:.0} samples/s", record.samples_per_second));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_that_differ_in_numbers_alone_are_of_a_kind() {
        let risen =
            |numbers: [&str; 2]| kind(&format!("the loss has risen to {} in epoch {}: see '12'", numbers[0], numbers[1]));
        assert_eq!(risen(["0.5", "12,"]), risen(["1e-3", "7,"]));
        assert_ne!(kind("column '1': 3 cells"), kind("column '2': 3 cells"));
        assert_ne!(kind("'x1' is missing"), kind("'x2' is missing"));
    }

    #[test]
    fn how_fast_an_epoch_went_is_said_of_slow_ones_alone() {
        let record = EpochRecord {
            epoch: 3,
            step: 30,
            learning_rate: 0.1,
            loss: 0.5,
            validation_loss: None,
            validation_metric: None,
            metric: "accuracy".into(),
            seconds: 1.0,
            samples_per_second: 1000.0,
            loss_scale: None,
        };
        assert_eq!(epoch_line(&record, 10, 99), "epoch  3/10  loss 0.50000");
        assert_eq!(epoch_line(&record, 10, 100), "epoch  3/10  loss 0.50000  1000 samples/s");
    }

    #[test]
    fn times_have_their_largest_unit() {
        assert_eq!([0.4, 59.0, 90.0, 7200.0].map(time), ["0 s", "59 s", "2 min", "2.0 h"]);
    }
}
