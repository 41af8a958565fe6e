//! The trials of a sweep: from a point of the space to a network and its recipe, in groups of one shape.

use std::collections::HashMap;

use super::space::{Point, Space, options_of};
use crate::data::Fractions;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::training::run::options::{Hidden, Init};
use crate::training::run::{Options, Sources, resolution};
use crate::training::session::Recipe;

/// The options that decide how columns become numbers, or what rows weigh: trials that differ in one of them have rows of their own.
const OF_ROWS: [&str; 9] =
    ["ignore", "categorical", "missing", "missing-values", "scale", "bins", "class-weights", "weight-column", "fold"];

/// A trial that can be trained, or what one fold has of it.
pub(super) struct Trial {
    /// Its number, from 1.
    pub(super) number: usize,
    /// The fold that judges it, from 1; none without folds.
    pub(super) fold: Option<usize>,
    /// The options that vary.
    pub(super) point: Point,
    /// All options, with everything said that was left open.
    pub(super) options: Options,
    /// How it is trained.
    pub(super) recipe: Recipe,
    /// The group that it is in.
    pub(super) group: usize,
}

/// What the trials of a group have in common.
pub(super) struct Shape {
    /// The network.
    pub(super) network: Network,
    /// The recipe but for what trials side by side may differ in.
    pub(super) recipe: Recipe,
    /// How far the targets of classes move towards each other.
    pub(super) smoothing: f64,
    /// Which rows they have.
    pub(super) rows: usize,
}

/// All trials, and what they were made of.
pub(super) struct Trials {
    /// Those that can be trained, by number.
    pub(super) all: Vec<Trial>,
    /// Their groups.
    pub(super) shapes: Vec<Shape>,
    /// The rows, as each way to encode them has them.
    pub(super) sources: Vec<Sources>,
    /// What a person should hear of those that were left out.
    pub(super) remarks: Vec<String>,
}

/// Makes trials, and keeps what several of them have in common.
pub(super) struct Maker<'a> {
    base: &'a Options,
    known_rows: HashMap<String, usize>,
    known_shapes: HashMap<String, usize>,
    shapes: Vec<Shape>,
    sources: Vec<Sources>,
}

impl<'a> Maker<'a> {
    /// A maker of trials by these options, but for what varies.
    pub(super) fn new(base: &'a Options) -> Self {
        let (known_rows, known_shapes) = (HashMap::new(), HashMap::new());
        Self { base, known_rows, known_shapes, shapes: Vec::new(), sources: Vec::new() }
    }

    /// The rows of a trial with these options, which are read where no trial before had the same.
    pub(super) fn rows(&mut self, options: &Options) -> Result<usize> {
        let fields = options.fields();
        let key = OF_ROWS.map(|key| fields.get(key).map(ToString::to_string).unwrap_or_default()).join("\n");
        if let Some(&rows) = self.known_rows.get(&key) {
            return Ok(rows);
        }
        let sources = Sources::read(options, None, false)?;
        if sources.training.is_stored() {
            return Err(Error::Limit(
                "a sweep keeps the rows in memory, and there is no room for them; train on fewer, or with 'wgrad train'"
                    .into(),
            ));
        }
        self.sources.push(sources);
        self.known_rows.insert(key, self.sources.len() - 1);
        Ok(self.sources.len() - 1)
    }

    /// The rows that were read, by their number.
    pub(super) fn sources(&self, rows: usize) -> &Sources {
        &self.sources[rows]
    }

    /// The trial of a number at a point: one, or one of each fold.
    fn trial(&mut self, number: usize, point: &Point) -> Result<Vec<Trial>> {
        match self.base.folds {
            None => Ok(vec![self.of_fold(number, None, point.clone())?]),
            Some(folds) => (1..=folds).map(|fold| self.of_fold(number, Some(fold), point.clone())).collect(),
        }
    }

    fn of_fold(&mut self, number: usize, fold: Option<usize>, point: Point) -> Result<Trial> {
        let varied = options_of(&point)?;
        // The time is that of the whole sweep.
        let options = Options { ensemble: Some(1), max_time: None, fold, ..varied.and(self.base) };
        varied.refuse_idle(&options)?;
        options.check()?;
        let rows = self.rows(&options)?;
        let sources = &self.sources[rows];
        let (network, loss) = resolution::network(&options, &sources.encoding)?;
        let recipe = resolution::recipe(&options, &network, loss, sources.training.rows(), false)?;
        let smoothing = resolution::label_smoothing(&options, loss)?;
        let options = resolution::said(&options, sources, &network, &recipe);
        let key = format!("{rows} {smoothing} {network:?} {:?}", recipe.shape());
        let shapes = &mut self.shapes;
        let group = *self.known_shapes.entry(key).or_insert_with(|| {
            shapes.push(Shape { network, recipe: recipe.shape(), smoothing, rows });
            shapes.len() - 1
        });
        Ok(Trial { number, fold, point, options, recipe, group })
    }

    /// The trials of these numbers. Those whose options contradict each other are left out, and said.
    ///
    /// # Errors
    /// Usage, where all of them do; what reading comes to.
    pub(super) fn trials(mut self, space: &Space, points: impl Iterator<Item = (usize, Point)>) -> Result<Trials> {
        let (mut all, mut refused): (Vec<Trial>, Vec<(String, Vec<usize>)>) = (Vec::new(), Vec::new());
        for (number, point) in points {
            match self.trial(number, &point) {
                Ok(trial) => all.extend(trial),
                Err(Error::Usage(why)) => match refused.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, numbers)) => numbers.push(number),
                    None => refused.push((why, vec![number])),
                },
                Err(error) => return Err(error),
            }
        }
        let left_out: usize = refused.iter().map(|(_, numbers)| numbers.len()).sum();
        if let (true, Some((why, _))) = (all.is_empty(), refused.first()) {
            let axes: Vec<&str> = space.axes().iter().map(|axis| &*axis.key).collect();
            return Err(Error::Usage(format!("no trial can be trained ({} varies): {why}", axes.join(", "))));
        }
        let count = all.len() / self.base.folds.unwrap_or(1) + left_out;
        let of = |(why, numbers): &(String, Vec<usize>)| {
            let first: Vec<String> = numbers.iter().take(5).map(ToString::to_string).collect();
            let more = if numbers.len() > 5 { ", …" } else { "" };
            let are = if numbers.len() == 1 { "is" } else { "are" };
            format!("{} of {count} trials ({}{more}) {are} left out: {why}", numbers.len(), first.join(", "))
        };
        let remarks = refused.iter().map(of).collect();
        let Self { shapes, sources, .. } = self;
        Ok(Trials { all, shapes, sources, remarks })
    }
}

impl Trial {
    /// What it is known by among the trials of all folds.
    pub(super) fn unit(&self, folds: usize) -> usize {
        unit(self.number, self.fold, folds)
    }

    /// The options of a training on all rows but those to test with, for as many epochs as the folds were best after.
    pub(super) fn of_all_folds(&self, epochs: usize) -> Options {
        let test = self.options.split.map_or(0.0, Fractions::test);
        Options {
            folds: None,
            fold: None,
            split: format!("{}/0/{test}", 1.0 - test).parse().ok(),
            stop_after: Some(epochs).filter(|&epochs| epochs > 0 && epochs < self.recipe.epochs),
            patience: None,
            batch_size: self.options.batch_size,
            ..self.options.clone()
        }
    }

    /// The options of the training that gives this trial's weights again: the best of the first `epochs` epochs.
    pub(super) fn again(&self, epochs: usize) -> Options {
        let all = self.recipe.epochs;
        Options {
            // No patience ends the training; but the best epoch is kept.
            patience: self.options.patience.or(Some(all.max(1))),
            stop_after: Some(epochs).filter(|&epochs| epochs > 0 && epochs < all),
            ..self.options.clone()
        }
    }

    /// What decides the first weights.
    pub(super) fn first_weights_key(&self) -> (String, u64) {
        (self.options.init.as_ref().map(ToString::to_string).unwrap_or_default(), self.recipe.seed)
    }
}

/// What a trial of a fold is known by: those of the folds of a trial follow each other.
pub(super) fn unit(number: usize, fold: Option<usize>, folds: usize) -> usize {
    (number - 1) * folds + fold.unwrap_or(1)
}

/// What varies where nobody says it, for networks on so many rows: the learning rate, the weight decay, the widths, the dropout and
/// the rows of a batch.
pub(super) fn usual_space(options: &Options, rows: usize) -> Vec<String> {
    let is_open = |key: &str| options.fields().get(key).is_none_or(serde_json::Value::is_null);
    // A file of first weights says what the layers are.
    let draws = !matches!(options.init, Some(Init::File(_)));
    let has_hidden = options.hidden.as_ref().is_none_or(|Hidden(widths)| !widths.is_empty());
    let widths = if rows < 1000 { "16/32/64/64,32" } else { "64/128/256/128,64" };
    let batches = match rows {
        0..500 => "8/16/32",
        500..10_000 => "16/32/64",
        _ => "64/128/256",
    };
    let usual = [
        ("learning-rate", true, "0.0005..0.05:log"),
        ("weight-decay", true, "0.000001..0.01:log"),
        ("hidden", draws, widths),
        ("dropout", has_hidden, "0/0.1/0.3"),
        ("batch-size", rows >= 100, batches),
    ];
    let open = usual.into_iter().filter(|(key, is_there, _)| *is_there && is_open(key));
    open.map(|(key, _, values)| format!("{key}={values}")).collect()
}
