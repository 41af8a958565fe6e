//! The pictures of a sweep: scores against options, and all options of a trial as a line.

use super::ranked::{Ranked, Scored, evenly, selected, soft};
use super::record::{TrialEnding, TrialRecord};
use super::room::Room;
use super::values::{OptionAxis, said};
use crate::page::{COLOURS, Chart, Form, NEUTRAL, PALE, Parallel, Series, Strands, Words, digits, ends};

/// The most dots of a chart, and of all charts of options together.
const DOTS: usize = 1500;
const ALL_DOTS: usize = 12_000;
/// The most lines over all options.
const LINES: usize = 300;
/// The most values of an option that a picture's description names.
const NAMED: usize = 8;

impl Ranked<'_> {
    /// The score of each trial against each option that varies, what mattered most first; nothing of a single trial.
    pub(super) fn scatter(&self) -> String {
        if self.scored.len() < 2 {
            return String::new();
        }
        let room = self.score_room();
        let most = DOTS.min(ALL_DOTS / self.account.varied.len().max(1)).max(1);
        let shown = evenly(&self.scored, most);
        let notes = selected(shown.len(), self.scored.len(), "trials") + &room.note("Scores");
        let charts: String = self.by_importance().iter().map(|axis| self.against(axis, &shown, room).figure()).collect();
        format!("<h2>Scores by option</h2>\n{notes}<div class=\"charts\">\n{charts}</div>\n")
    }

    fn axes(&self) -> Vec<OptionAxis<'_>> {
        self.account.varied.iter().map(|option| OptionAxis::new(option, &self.scored)).collect()
    }

    /// The axes of all options, what mattered most first.
    fn by_importance(&self) -> Vec<OptionAxis<'_>> {
        let rank = |key: &str| self.account.importance.iter().position(|of| of.key == key).unwrap_or(usize::MAX);
        let mut axes = self.axes();
        axes.sort_by_key(|axis| rank(axis.key()));
        axes
    }

    fn against(&self, axis: &OptionAxis<'_>, shown: &[Scored<'_>], room: Room) -> Chart {
        let points = |kind: Kind| {
            let of_kind = shown.iter().filter(|(trial, _)| self.kind(trial) == kind);
            of_kind.map(|(trial, score)| (axis.place(trial), room.within(*score))).collect()
        };
        let series = self.kinds(&points, Form::Dots, Form::Marks);
        let title = format!("{} and {}", self.metric, axis.key());
        Chart::half(&title, self.about_option(axis), axis.words(), self.score_words(), series)
    }

    /// In words: the values, that of the best score, and of names the best score of each.
    fn about_option(&self, axis: &OptionAxis<'_>) -> String {
        let key = axis.key();
        let Some((first, best)) = self.scored.first() else { return String::new() };
        let of_name = |name: &String| {
            let (_, best) = self.scored.iter().find(|(trial, _)| said(trial, key) == *name)?;
            Some(format!("; the best with {name} is {}", digits(*best)))
        };
        let names: String = axis.names().iter().take(NAMED).filter_map(of_name).collect();
        let (least, largest) =
            ends(self.scored.iter().map(|(trial, _)| axis.place(trial)).filter(|place| place.is_finite()));
        let range = match axis.names().is_empty() && least <= largest {
            true => format!(" from {} to {}", digits(least), digits(largest)),
            false => String::new(),
        };
        let (count, best, has) = (self.scored.len(), digits(*best), said(first, key));
        format!("the scores of {count} trials against {key}{range}; the best score, {best}, has {has}{names}")
    }

    /// What the score's axis is called, and how scores lie on it.
    fn score_words(&self) -> Words {
        let (label, room) = (format!("{}, validation rows", self.metric), self.score_room());
        let scores = self.scored.iter().map(|(_, score)| room.within(*score));
        if self.account.lower_is_better { Words::suiting(&label, scores) } else { Words::linear(&label) }
    }

    fn score_room(&self) -> Room {
        Room::new(self.scored.iter().map(|(_, score)| *score), self.account.lower_is_better)
    }

    /// Every trial as a line over all options and its score; nothing of a single trial, or a single option.
    pub(super) fn parallel(&self) -> String {
        let axes = self.axes();
        let ([(best, _), _, ..], true) = (&self.scored[..], axes.len() > 1) else { return String::new() };
        let shown = evenly(&self.scored, LINES);
        let mut words: Vec<Words> = axes.iter().map(OptionAxis::words).collect();
        words.push(Words { label: self.metric.to_owned(), ..self.score_words() });
        let has: Vec<String> = axes.iter().map(|axis| format!("{} {}", axis.key(), said(best, axis.key()))).collect();
        let about = format!("{} trials over {} options; the best has {}", shown.len(), axes.len(), has.join(", "));
        let strands = self.strands(&axes, &shown);
        let picture = Parallel { title: "Options and score".into(), about, axes: words, strands }.figure();
        let how = soft("Each line is a trial: its options from top to bottom, and its score at the end.");
        let notes = selected(shown.len(), self.scored.len(), "trials") + &self.score_room().note("Scores");
        format!("<h2>All options at once</h2>\n{how}{notes}{picture}")
    }

    /// The lines of these trials, the best first: those of the best tenth stand out.
    fn strands(&self, axes: &[OptionAxis<'_>], shown: &[Scored<'_>]) -> Vec<Strands> {
        let room = self.score_room();
        let line = |(trial, score): &Scored<'_>| -> Vec<f64> {
            axes.iter().map(|axis| axis.place(trial)).chain([room.within(*score)]).collect()
        };
        let tenth = shown.len().div_ceil(10);
        let groups = [&shown[tenth..], &shown[1..tenth], &shown[..1]];
        let names =
            ["the other trials".to_owned(), "the best tenth".into(), format!("trial {}, the best", shown[0].0.trial)];
        let looks = [(PALE, 1.0), (COLOURS[0], 1.4), (COLOURS[1], 3.0)];
        let strands = groups.into_iter().zip(names).zip(looks).map(|((some, name), (colour, width))| {
            let lines = some.iter().map(line).collect();
            Strands { name, colour, width, lines }
        });
        strands.collect()
    }

    /// How a trial is drawn.
    pub(super) fn kind(&self, trial: &TrialRecord) -> Kind {
        match trial.ended {
            _ if self.is_best(trial) => Kind::Best,
            TrialEnding::Halving => Kind::Halved,
            _ => Kind::Other,
        }
    }

    /// The series of all kinds that have points, the best, which has a form of its own, above the others.
    pub(super) fn kinds(&self, points: &dyn Fn(Kind) -> Vec<(f64, f64)>, form: Form, of_best: Form) -> Vec<Series> {
        let series = |name: String, colour, kind| {
            let form = if kind == Kind::Best { of_best } else { form };
            Series { name, colour, form, dashed: false, points: points(kind) }
        };
        // Fainter dots are seen; fainter lines are not, where they cross others.
        let faint = if form == Form::Dots { PALE } else { NEUTRAL[0] };
        let is_halving = self.all().any(|trial| trial.ended == TrialEnding::Halving);
        let others = if is_halving { "the other trials" } else { "trials" };
        let number = self.best.map_or(0, |best| best.trial);
        let all = [
            series("ended early by halving".into(), faint, Kind::Halved),
            series(others.into(), COLOURS[0], Kind::Other),
            series(format!("trial {number}, the best"), COLOURS[1], Kind::Best),
        ];
        let is_seen = |series: &Series| series.points.iter().any(|point| point.0.is_finite() && point.1.is_finite());
        all.into_iter().filter(is_seen).collect()
    }
}

/// How a trial is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Halved,
    Other,
    Best,
}
