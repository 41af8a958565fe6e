//! What the trials of a sweep differ in: options of `wgrad train`, each with the values that it may take.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::{Error, Result, shown, suggestion};
use crate::random::{Purpose, Stream};
use crate::training::run::Options;

/// The most points of a grid.
const MOST_POINTS: usize = 1_000_000;

/// The options that vary, in the order in which they were named.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Space {
    axes: Vec<Axis>,
}

/// One option and its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// The option's name in `run.toml`.
    pub(super) key: String,
    /// As it was written: `KEY=VALUES`.
    text: String,
    /// What it may be.
    pub(super) values: Values,
}

/// The values of an option.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    /// One of these, as they are written after `--set KEY=`.
    List(Vec<String>),
    /// Between two numbers, both included.
    Range {
        /// The least.
        from: f64,
        /// The largest.
        to: f64,
        /// How numbers are spread between them.
        scale: Scale,
        /// Whether they are whole.
        whole: bool,
        /// How many of them a grid takes.
        points: Option<usize>,
    },
}

/// How numbers are spread over a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Evenly.
    Linear,
    /// Evenly in their logarithms.
    Log,
    /// Powers of two.
    Log2,
}

/// The values of one trial: an option and its value a pair, as they are written after `--set`.
pub(super) type Point = Vec<(String, String)>;

impl Space {
    /// Reads `KEY=VALUES`, one an option.
    ///
    /// # Errors
    /// Usage, naming the option, for keys that are no options or cannot vary, for values that the option does not take, and for
    /// ranges that are empty.
    pub(super) fn new(varied: &[String]) -> Result<Self> {
        let axes = varied.iter().map(|text| axis(text)).collect::<Result<Vec<Axis>>>()?;
        for (place, axis) in axes.iter().enumerate() {
            if axes[..place].iter().any(|other| other.key == axis.key) {
                return Err(Error::Usage(format!("--vary {}: is named twice; write its values in one --vary", axis.key)));
            }
        }
        let space = Self { axes };
        if space.points() == Some(1) {
            return Err(Error::Usage(format!(
                "--vary: there is one point to try; name several values, as in {}=A/B, or a range, as in \
                 learning-rate=1e-4..1e-1:log{}",
                space.axes[0].key,
                space.axes.iter().find_map(Axis::hint).unwrap_or_default()
            )));
        }
        Ok(space)
    }

    /// The options that vary.
    pub(super) fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The points that there are; none where an option takes any number of a range.
    pub(super) fn points(&self) -> Option<usize> {
        self.axes.iter().try_fold(1_usize, |all, axis| Some(all.saturating_mul(axis.values.count()?)))
    }

    /// The points of a grid: of ranges as many values as they say, of whole numbers and powers of two all.
    ///
    /// # Errors
    /// Usage, for a range that does not say how many, and for more than a million points.
    pub(super) fn grid(&self) -> Result<usize> {
        let mut all = 1_usize;
        for axis in &self.axes {
            let Some(count) = axis.values.count() else {
                return Err(Error::Usage(format!(
                    "--vary {}: a grid needs to know how many of these numbers to take: write {}:5 for five",
                    axis.text, axis.text
                )));
            };
            all = all.saturating_mul(count);
        }
        if all > MOST_POINTS {
            let said = if all == usize::MAX { "more points than can be counted".into() } else { format!("{all} points") };
            return Err(Error::Usage(format!(
                "--search grid: {said}, and {MOST_POINTS} are the most; vary less, or take --search random"
            )));
        }
        Ok(all)
    }

    /// A point of the grid, from 0: the last option's values change first.
    pub(super) fn grid_point(&self, number: usize) -> Point {
        let (mut rest, mut point) = (number, Vec::with_capacity(self.axes.len()));
        for axis in self.axes.iter().rev() {
            let count = axis.values.count().unwrap_or(1);
            point.push((axis.key.clone(), axis.values.of_grid(rest % count, count)));
            rest /= count;
        }
        point.reverse();
        point
    }

    /// Points drawn at random: each is a function of the seed and the trial alone. Where there are few points, none is drawn twice
    /// before each was drawn once.
    pub(super) fn random(&self, seed: u64) -> Drawing<'_> {
        let order = self.points().filter(|&points| points <= MOST_POINTS).map(|points| {
            let mut order: Vec<u32> = (0..points as u32).collect();
            Stream::new(seed, Purpose::Trial, u64::MAX).shuffle(&mut order);
            order
        });
        Drawing { space: self, seed, order }
    }
}

/// Points of a space, drawn at random.
pub(super) struct Drawing<'a> {
    space: &'a Space,
    seed: u64,
    /// The points of the grid in the order in which they are drawn, where they are few.
    order: Option<Vec<u32>>,
}

impl Drawing<'_> {
    /// The point of a trial, from 0.
    pub(super) fn point(&self, trial: usize) -> Point {
        if let Some(order) = &self.order {
            return self.space.grid_point(order[trial % order.len()] as usize);
        }
        let mut stream = Stream::new(self.seed, Purpose::Trial, trial as u64);
        self.space.axes.iter().map(|axis| (axis.key.clone(), axis.values.drawn(stream.uniform()))).collect()
    }
}

/// The options that a point says.
///
/// # Errors
/// Usage, for a value that its option does not take.
pub(super) fn options_of(point: &Point) -> Result<Options> {
    let settings: Vec<String> = point.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Options::from_settings(&settings).map_err(of_vary)
}

/// The values of a point, as they are in `run.toml`.
pub(super) fn values_of(point: &Point) -> Map<String, Value> {
    let fields = options_of(point).map(|options| options.fields()).unwrap_or_default();
    point.iter().map(|(key, _)| (key.clone(), fields.get(key).cloned().unwrap_or_default())).collect()
}

/// The same error about `--vary`.
fn of_vary(error: Error) -> Error {
    match error {
        Error::Usage(what) => Error::Usage(what.replacen("--set ", "--vary ", 1)),
        other => other,
    }
}

/// Reads an option and its values.
fn axis(written: &str) -> Result<Axis> {
    let refused = |what: String| Error::Usage(format!("--vary {}: {what}", shown(written)));
    let Some((key, text)) = written.split_once('=') else {
        return Err(refused(format!("write KEY=VALUES, as in {HOW}")));
    };
    let (key, text) = (key.trim().trim_start_matches("--").replace('_', "-"), text.trim());
    let key = match &*key {
        "lr" => "learning-rate".to_owned(),
        "batch" => "batch-size".to_owned(),
        _ => key,
    };
    let rules: Vec<_> = Options::rules().collect();
    let Some((_, rules)) = rules.iter().find(|(known, _)| *known == key) else {
        let can_vary = rules.iter().filter(|(_, rules)| rules.not_varied.is_none()).map(|(known, _)| known.as_str());
        return Err(refused(format!("'{}' is no option{}", shown(&key), suggestion(&key, can_vary))));
    };
    if let Some(why) = rules.not_varied {
        return Err(refused(format!("{key} cannot vary: {why}")));
    }
    if text.is_empty() {
        return Err(refused(format!("there are no values; write {HOW}")));
    }
    if key != "init" && text.contains(['[', '{', '(']) {
        return Err(refused(format!("write values as in {HOW}")));
    }
    let values = match range(text) {
        Some(range) => range.map_err(refused)?.of(&key)?,
        None => Values::List(alternatives(&key, text)),
    };
    if let Values::List(values) = &values
        && let Some(twice) = values.iter().enumerate().find(|(place, value)| values[..*place].contains(value))
    {
        return Err(refused(format!("'{}' is named twice", shown(twice.1))));
    }
    let axis = Axis { text: format!("{key}={text}"), key, values };
    axis.check()?;
    Ok(axis)
}

/// How values are written.
const HOW: &str = "hidden=32/64/64,32, dropout=0..0.5, learning-rate=1e-4..1e-1:log or batch-size=16..256:log2";

/// The alternatives of a list: between strokes, or, of options that take one value, between commas.
fn alternatives(key: &str, text: &str) -> Vec<String> {
    let parts = |sign: char| text.split(sign).map(|part| part.trim().to_owned()).collect::<Vec<_>>();
    // Names of files have strokes.
    if text.contains('|') {
        return parts('|');
    }
    let takes = |text: &str| Options::from_settings(&[format!("{key}={text}")]).is_ok();
    if text.contains('/') && (key != "init" || parts('/').iter().all(|part| takes(part))) {
        return parts('/');
    }
    if text.contains(',') && !takes(text) && parts(',').iter().all(|part| takes(part)) {
        parts(',')
    } else {
        vec![text.into()]
    }
}

/// A range as it is written.
struct Written<'a> {
    ends: [&'a str; 2],
    scale: Scale,
    points: Option<usize>,
}

/// Reads `FROM..TO`, `FROM..TO:log`, `FROM..TO:log2`, each with `:POINTS` behind it; none of what is no range.
fn range(text: &str) -> Option<std::result::Result<Written<'_>, String>> {
    let (from, rest) = text.split_once("..")?;
    if rest.starts_with('.') {
        return Some(Err("write two dots between the numbers, as in 0..0.5".into()));
    }
    let mut parts = rest.trim_start_matches('=').split(':').map(str::trim);
    let mut written = Written { ends: [from.trim(), parts.next()?], scale: Scale::Linear, points: None };
    written.ends.iter().all(|end| end.parse::<f64>().is_ok()).then_some(())?;
    for part in parts {
        match (part, part.parse::<usize>()) {
            ("log", _) => written.scale = Scale::Log,
            ("log2", _) => written.scale = Scale::Log2,
            ("linear", _) => {}
            (_, Ok(points)) if points >= 2 => written.points = Some(points),
            _ => {
                let what = shown(part);
                return Some(Err(format!("':{what}' is neither :log nor :log2 nor a number of points from 2 on")));
            }
        }
    }
    Some(Ok(written))
}

impl Written<'_> {
    /// The range as the values of an option.
    fn of(&self, key: &str) -> Result<Values> {
        let refused = |what: String| {
            let [from, to] = self.ends;
            Error::Usage(format!("--vary {key}={}..{}: {what}", shown(from), shown(to)))
        };
        let [from, to] = self.ends.map(|end| end.parse::<f64>().unwrap_or(f64::NAN));
        if !(from.is_finite() && to.is_finite()) {
            return Err(refused("a range goes from a number to a number".into()));
        }
        if from > to {
            return Err(refused(format!("the range is empty; did you mean {}..{}?", self.ends[1], self.ends[0])));
        }
        if from == to {
            return Err(refused("the range is one number; name two".into()));
        }
        if self.scale != Scale::Linear && from <= 0.0 {
            return Err(refused("a logarithmic scale begins above 0".into()));
        }
        // An option that takes no number between two whole ones takes whole numbers.
        let is_whole = from.fract() == 0.0 && to.fract() == 0.0;
        let between = Options::from_settings(&[format!("{key}={}", from + 0.5)]);
        let whole = is_whole && (between.is_err() || self.scale == Scale::Log2);
        let (scale, points) = (self.scale, self.points);
        if scale == Scale::Log2 && (!whole || [from, to].iter().any(|end| (*end as u64).count_ones() != 1)) {
            return Err(refused("log2 goes from a power of two to a power of two, as in 16..256:log2".into()));
        }
        let values = Values::Range { from, to, scale, whole, points };
        let all = Values::Range { from, to, scale, whole, points: None };
        if let (Some(points), Some(count)) = (points, all.count())
            && points > count
        {
            return Err(refused(format!("{points} points, and there are {count} numbers")));
        }
        Ok(values)
    }
}

impl Axis {
    /// Whether the option takes its values: all of a list, the ends of a range.
    fn check(&self) -> Result<()> {
        let ends = match &self.values {
            Values::List(values) => values.clone(),
            Values::Range { .. } => vec![self.values.drawn(0.0), self.values.drawn(1.0_f64.next_down())],
        };
        for value in &ends {
            let setting = format!("{}={value}", self.key);
            let said = Options::from_settings(std::slice::from_ref(&setting)).map_err(of_vary)?;
            let (range, fields) = (said.out_of_range(), said.fields());
            if let Some(what) = range.get(&self.key) {
                return Err(Error::Usage(format!("--vary {}: {what}", shown(&self.text))));
            }
            if self.key == "missing" && fields["missing"] == "drop" && ends.len() > 1 {
                return Err(Error::Usage(
                    "--vary missing: drop leaves rows out, and trials are compared on the same rows; take it from the list"
                        .into(),
                ));
            }
        }
        Ok(())
    }

    /// What to say where its one value looks like several.
    fn hint(&self) -> Option<String> {
        let Values::List(values) = &self.values else { return None };
        let [one] = &values[..] else { return None };
        let several = one.replace(',', "/");
        one.contains(',')
            .then(|| format!(" ({}={one} is one value, with a part for each layer; {several} would be several)", self.key))
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Values {
    /// How many values there are; none where it is any number of a range.
    fn count(&self) -> Option<usize> {
        match *self {
            Self::List(ref values) => Some(values.len()),
            Self::Range { points: Some(points), .. } => Some(points),
            Self::Range { from, to, scale: Scale::Log2, .. } => Some((to / from).log2().round() as usize + 1),
            Self::Range { from, to, whole: true, .. } => Some((to - from) as usize + 1),
            Self::Range { .. } => None,
        }
    }

    /// A value of a grid that takes so many.
    fn of_grid(&self, number: usize, count: usize) -> String {
        match self {
            Self::List(values) => values[number].clone(),
            Self::Range { from, to, .. } if number + 1 == count || number == 0 => {
                self.written(if number == 0 { *from } else { *to })
            }
            Self::Range { .. } => self.at(number as f64 / (count - 1) as f64),
        }
    }

    /// The value that a number drawn from [0, 1) stands for.
    fn drawn(&self, uniform: f64) -> String {
        match self {
            Self::List(values) => values[((uniform * values.len() as f64) as usize).min(values.len() - 1)].clone(),
            Self::Range { points: Some(points), .. } => {
                self.of_grid(((uniform * *points as f64) as usize).min(points - 1), *points)
            }
            Self::Range { from, to, scale, whole: true, .. } => match scale {
                // Each whole number has a piece of the same length, of the range or of its logarithms.
                Scale::Linear => self.written((from + uniform * (to - from + 1.0)).floor().min(*to)),
                Scale::Log => self.written((from * ((to + 1.0) / from).powf(uniform)).floor().clamp(*from, *to)),
                Scale::Log2 => {
                    let count = self.count().unwrap_or(1) as f64;
                    self.written(from * 2.0_f64.powi((uniform * count) as i32).min(to / from))
                }
            },
            Self::Range { .. } => self.at(uniform),
        }
    }

    /// The number at a share of the range.
    fn at(&self, share: f64) -> String {
        let Self::Range { from, to, scale, .. } = *self else { return String::new() };
        self.written(match scale {
            Scale::Linear => from + share * (to - from),
            Scale::Log | Scale::Log2 => {
                let [first, last] = [from, to].map(libm::log);
                libm::exp(first + share * (last - first))
            }
        })
    }

    /// A number of a range as it is written: whole, or in four digits, and never outside.
    fn written(&self, number: f64) -> String {
        let Self::Range { from, to, whole, .. } = *self else { return String::new() };
        if whole {
            return format!("{}", number.round() as i64);
        }
        let rounded: f64 = format!("{number:.3e}").parse().unwrap_or(number);
        let within = rounded.clamp(from, to);
        if within != 0.0 && !(1e-3..1e6).contains(&within.abs()) { format!("{within:e}") } else { format!("{within}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(varied: &[&str]) -> Result<Space> {
        Space::new(&varied.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    fn values(varied: &str) -> Values {
        space(&[varied, "seed=1/2"]).expect(varied).axes[0].values.clone()
    }

    #[test]
    fn lists_and_ranges_are_read() {
        let list = |values: &[&str]| Values::List(values.iter().map(|value| (*value).to_owned()).collect());
        assert_eq!(values("hidden=32/64/64,32"), list(&["32", "64", "64,32"]));
        assert_eq!(values("hidden=32|64|64,32"), list(&["32", "64", "64,32"]));
        assert_eq!(values("activation=relu/tanh"), list(&["relu", "tanh"]));
        // An option that takes one value has no commas in it.
        assert_eq!(values("optimizer=adam,sgd"), list(&["adam", "sgd"]));
        assert_eq!(values("learning_rate=0.1,0.01"), list(&["0.1", "0.01"]));
        assert_eq!(values("no-bias=true/false"), list(&["true", "false"]));
        assert_eq!(values("init=he-normal/normal(0.3)"), list(&["he-normal", "normal(0.3)"]));
        assert_eq!(values("init=auto|some/run/model.safetensors"), list(&["auto", "some/run/model.safetensors"]));
        let range = |from, to, scale, whole, points| Values::Range { from, to, scale, whole, points };
        assert_eq!(values("dropout=0..0.5"), range(0.0, 0.5, Scale::Linear, false, None));
        assert_eq!(values("lr=1e-4..1e-1:log"), range(1e-4, 1e-1, Scale::Log, false, None));
        assert_eq!(values("--weight-decay=1e-4..1:log:5"), range(1e-4, 1.0, Scale::Log, false, Some(5)));
        assert_eq!(values("batch-size=16..256:log2"), range(16.0, 256.0, Scale::Log2, true, None));
        assert_eq!(values("hidden=16..256:log"), range(16.0, 256.0, Scale::Log, true, None));
        assert_eq!(values("epochs=10..=50"), range(10.0, 50.0, Scale::Linear, true, None));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_option() {
        for (varied, said) in [
            ("hiden=3/4", "did you mean 'hidden'?"),
            ("learning-rate", "write KEY=VALUES"),
            ("hidden=", "there are no values"),
            ("target=a/b", "target cannot vary: trials are compared on the same rows"),
            ("device=cpu/gpu", "device cannot vary: it changes nothing"),
            ("patience=3/4", "patience cannot vary"),
            ("split=0.8/0.1", "split cannot vary"),
            ("learning-rate=0.1..0.01", "the range is empty; did you mean 0.01..0.1?"),
            ("learning-rate=0.1..0.1", "the range is one number"),
            ("learning-rate=0..1:log", "a logarithmic scale begins above 0"),
            ("learning-rate=0.1..1:lgo", "':lgo' is neither"),
            ("batch-size=10..100:log2", "from a power of two"),
            ("momentum=0.5..1.5", "it must be a number from 0 to below 1"),
            ("optimizer=adam/addam", "--vary optimizer=addam"),
            ("epochs=1..3:9", "9 points, and there are 3 numbers"),
            ("missing=median/drop", "drop leaves rows out"),
            ("hidden=64,32", "hidden=64,32 is one value"),
            ("dropout=0.1", "there is one point to try"),
            ("dropout=[0.1,0.2]", "write values as in"),
            ("learning-rate=loguniform(1e-4,1e-1)", "write values as in"),
            ("learning-rate=1e-4...1e-1", "write two dots"),
            ("optimizer=adam/sgd/adam", "'adam' is named twice"),
        ] {
            let error = space(&[varied]).expect_err(varied).to_string();
            assert!(error.contains(said), "{varied}: {error}");
        }
        let twice = space(&["l1=0..1", "l1=0..2"]).expect_err("twice").to_string();
        assert!(twice.contains("l1: is named twice"), "{twice}");
    }

    #[test]
    fn a_grid_has_every_point_once() {
        let space = space(&["hidden=8/16/none", "learning-rate=0.001..0.1:log:3", "epochs=1..2"]).expect("a space");
        assert_eq!((space.grid().expect("a grid"), space.points()), (18, Some(18)));
        let points: std::collections::HashSet<Point> = (0..18).map(|number| space.grid_point(number)).collect();
        assert_eq!(points.len(), 18);
        let of = |number: usize| space.grid_point(number).into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(" ");
        assert_eq!([of(0), of(1), of(2), of(17)], ["8 0.001 1", "8 0.001 2", "8 0.01 1", "none 0.1 2"]);
        let open = Space::new(&["learning-rate=0.001..0.1:log".into()]).expect("a space").grid().expect_err("open");
        assert!(open.to_string().contains("write learning-rate=0.001..0.1:log:5"), "{open}");
        let large = Space::new(&["seed=1..2000".into(), "epochs=1..2000".into()]).expect("a space");
        assert!(large.grid().expect_err("large").to_string().contains("4000000 points, and 1000000 are the most"));
    }

    #[test]
    fn draws_are_a_function_of_seed_and_trial_and_stay_in_their_range() {
        let space = space(&["learning-rate=1e-4..1e-1:log", "hidden=8..64", "dropout=0.1..0.5", "batch-size=8..64:log2"]);
        let space = space.expect("a space");
        let mut below = 0;
        let mut seen = [0; 4];
        for trial in 0..2000 {
            let point = space.random(3).point(trial);
            assert_eq!(point, space.random(3).point(trial));
            assert_ne!(point, space.random(4).point(trial));
            let number = |axis: usize| point[axis].1.parse::<f64>().expect("a number");
            assert!((1e-4..=1e-1).contains(&number(0)) && (8.0..=64.0).contains(&number(1)));
            assert!((0.1..=0.5).contains(&number(2)));
            below += usize::from(number(0) < 1e-2);
            seen[(number(3).log2() - 3.0) as usize] += 1;
            options_of(&point).expect("options").check().expect("in range");
        }
        // Two of three decades are below 0.01, within four deviations; the four powers come as often as each other.
        assert!((1333 - 84..=1333 + 84).contains(&below), "{below}");
        assert!(seen.iter().all(|count| (420..=580).contains(count)), "{seen:?}");
    }

    /// Numbers of a range that says how many it has are drawn from these, and ranges beyond what a quotient holds have numbers.
    #[test]
    fn a_range_of_points_has_no_others() {
        let few = space(&["learning-rate=1e-3..1e-1:log:3", "seed=1..900"]).expect("a space");
        let drawn: std::collections::HashSet<String> =
            (0..50).map(|trial| few.random(1).point(trial)[0].1.clone()).collect();
        assert_eq!(drawn, ["0.001", "0.01", "0.1"].map(str::to_owned).into());
        let wide = space(&["learning-rate=1e-300..1e300:log"]).expect("a space");
        assert!((0..50).all(|trial| wide.random(1).point(trial)[0].1.parse::<f64>().expect("a number").is_normal()));
    }

    #[test]
    fn of_few_points_none_comes_twice_before_each_came_once() {
        let space = space(&["optimizer=adam/sgd/rmsprop", "hidden=8/16"]).expect("a space");
        let points: std::collections::HashSet<Point> = (0..6).map(|trial| space.random(1).point(trial)).collect();
        assert_eq!((space.points(), points.len()), (Some(6), 6));
    }
}
