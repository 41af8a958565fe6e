//! What turns a table's columns into the network's numbers: fitted on the training rows only, stored in the model.

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::table::listed;
use super::{Bins, Calendar, MissingValues, Numerals, Table, Task};
use crate::error::{Error, Result, shown, suggestion};

/// How the columns of a table become inputs and targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    /// The input columns, in the order of the network's inputs.
    pub inputs: Vec<InputColumn>,
    /// What the network is to say.
    pub target: Target,
    /// The cells that count as missing beside empty ones, where somebody said so; none = the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_values: Option<Vec<String>>,
    /// How numbers are written in text files, as in the one that it was fitted on.
    #[serde(default, skip_serializing_if = "Numerals::are_usual")]
    pub numerals: Numerals,
}

/// One input column, found in a table by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputColumn {
    /// Its name in the table's header.
    pub name: String,
    /// How its cells become numbers.
    pub kind: InputKind,
    /// What else dates become, whose numbers are days since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
}

/// How an input column's cells become numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum InputKind {
    /// One input: (cell - offset) / scale; and an input for each bin, where there are any (see
    /// [`FitOptions::bins`](super::FitOptions::bins)).
    Number {
        /// What is subtracted: the mean, the minimum or 0.
        offset: f64,
        /// What divides: the deviation, the range or 1.
        scale: f64,
        /// What stands in for a missing cell; none = a missing cell is an error.
        missing: Option<f64>,
        /// Its bins, if it has any.
        #[serde(default, skip_serializing_if = "Bins::is_empty")]
        bins: Bins,
    },
    /// One input a category: 1 for the cell's, 0 for the others.
    Category {
        /// The categories seen in training, sorted.
        categories: Vec<String>,
        /// What stands in for a missing cell; none = a missing cell is an error.
        missing: Option<String>,
    },
}

/// What the network is to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "task")]
pub enum Target {
    /// One output a class, or a single output for the second of two classes.
    Classification {
        /// The target column's name.
        column: String,
        /// The classes, sorted (numbers by value, text by code point).
        classes: Vec<String>,
        /// Of two classes: which is the positive one, and when it is said.
        #[serde(default, skip_serializing_if = "Decision::is_usual")]
        decision: Decision,
    },
    /// One output a column: (cell - offset) / scale.
    Regression {
        /// The target columns.
        columns: Vec<NumberTarget>,
    },
}

/// Which of two classes is the positive one, and when it is said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The positive class's place among the two.
    pub positive: usize,
    /// The least probability of it that says so; none = the more probable class is said, of equals the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

impl Default for Decision {
    /// The second class is the positive one, whose probability a single output is.
    fn default() -> Self {
        Self { positive: 1, threshold: None }
    }
}

impl Decision {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it can be one between so many classes.
    pub(crate) fn makes_sense(&self, classes: usize) -> bool {
        let is_probability = self.threshold.is_none_or(|threshold| (0.0..=1.0).contains(&threshold));
        self.is_usual() || classes == 2 && self.positive < 2 && is_probability
    }
}

/// One target column of a regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberTarget {
    /// Its name in the table's header.
    pub name: String,
    /// What is subtracted.
    pub offset: f64,
    /// What divides.
    pub scale: f64,
}

/// How a table's columns match an encoding's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ColumnReport {
    /// The columns that are neither inputs nor targets; they are not looked at.
    pub extra: Vec<String>,
}

impl InputColumn {
    /// Whether something stands in for a cell that is missing.
    pub(crate) fn has_stand_in(&self) -> bool {
        match &self.kind {
            InputKind::Number { missing, .. } => missing.is_some(),
            InputKind::Category { missing, .. } => missing.is_some(),
        }
    }

    /// A column of numbers or of categories.
    pub fn new(name: impl Into<String>, kind: InputKind) -> Self {
        Self { name: name.into(), kind, calendar: None }
    }

    /// Whether its cells are categories.
    pub fn is_category(&self) -> bool {
        matches!(self.kind, InputKind::Category { .. })
    }
}

impl Encoding {
    /// Which cells say that their value is missing.
    pub fn missing(&self) -> MissingValues {
        MissingValues::of(self.missing_values.as_deref())
    }

    /// What the net is trained for.
    pub fn task(&self) -> Task {
        match self.target {
            Target::Classification { .. } => Task::Classification,
            Target::Regression { .. } => Task::Regression,
        }
    }

    /// Number of the network's inputs: one a numeric column and one a bin of it, one a category of the others; dates have
    /// those of their [calendar](Calendar), too.
    pub fn inputs(&self) -> usize {
        self.inputs.iter().map(InputColumn::width).sum()
    }

    /// Which of the network's inputs each input column becomes.
    pub fn spans(&self) -> Vec<Range<usize>> {
        let span = |end: &mut usize, column: &InputColumn| {
            let start = *end;
            *end += column.width();
            Some(start..*end)
        };
        self.inputs.iter().scan(0, span).collect()
    }

    /// The names of the network's inputs, in order: the column's, `column>edge` for the bin from there, `column=category`, or
    /// `column: part` of a date.
    pub fn input_names(&self) -> Vec<String> {
        let names = |column: &InputColumn| match &column.kind {
            InputKind::Number { bins, .. } => {
                let lows = bins.edges.iter().take(bins.len());
                let bins = lows.map(|low| format!("{}>{low}", column.name));
                let of_date = column.calendar.into_iter().flat_map(Calendar::names);
                let of_date = of_date.map(|part| format!("{}: {part}", column.name));
                std::iter::once(column.name.clone()).chain(bins).chain(of_date).collect::<Vec<_>>()
            }
            InputKind::Category { categories, .. } => {
                categories.iter().map(|category| format!("{}={category}", column.name)).collect()
            }
        };
        self.inputs.iter().flat_map(names).collect()
    }

    /// The classes in order; none for regression.
    pub fn class_names(&self) -> &[String] {
        match &self.target {
            Target::Classification { classes, .. } => classes,
            Target::Regression { .. } => &[],
        }
    }

    /// When which of two classes is said; as usual for all else.
    pub fn decision(&self) -> Decision {
        match self.target {
            Target::Classification { decision, .. } => decision,
            Target::Regression { .. } => Decision::default(),
        }
    }

    /// Refuses, for this flag, a target other than two classes.
    ///
    /// # Errors
    /// Usage.
    pub fn check_two(&self, flag: &str) -> Result<()> {
        let what = match self.class_names().len() {
            2 => return Ok(()),
            0 => "numbers".to_owned(),
            classes => format!("one of {classes} classes"),
        };
        let names: Vec<String> = self.target_names().into_iter().map(|name| format!("'{}'", shown(name))).collect();
        Err(Error::Usage(format!("{flag} is for a target of two classes, and {} is {what}", names.join(", "))))
    }

    /// The place of the one of two classes that has this name, which a flag gives.
    ///
    /// # Errors
    /// Usage, if the target is no class of two, or none is called so.
    pub fn class_called(&self, flag: &str, name: &str) -> Result<usize> {
        self.check_two(flag)?;
        self.classes().find(name).ok_or_else(|| {
            let names = self.class_names();
            let hint = match suggestion(name, names.iter().map(String::as_str)) {
                none if none.is_empty() => ".".to_owned(),
                close => close,
            };
            let listed: Vec<String> = names.iter().map(|name| format!("'{}'", shown(name))).collect();
            let (name, classes) = (shown(name), listed.join(" and "));
            Error::Usage(format!("{flag}: there is no class '{name}'{hint} The classes are {classes}"))
        })
    }

    /// Whether another encoding makes the same numbers of the same columns, whatever it decides between two classes.
    pub(crate) fn fits_as(&self, other: &Self) -> bool {
        let is_same_target = match (&self.target, &other.target) {
            (Target::Classification { .. }, Target::Classification { .. }) => {
                (self.target_names(), self.class_names()) == (other.target_names(), other.class_names())
            }
            (one, other) => one == other,
        };
        self.inputs == other.inputs && is_same_target
    }

    /// Decides otherwise between two classes.
    ///
    /// # Panics
    /// If there are no two classes.
    pub(crate) fn decide(&mut self, new: Decision) {
        match &mut self.target {
            Target::Classification { classes, decision, .. } if classes.len() == 2 => *decision = new,
            _ => panic!("there are no two classes"),
        }
    }

    /// The names of the target columns.
    pub fn target_names(&self) -> Vec<&str> {
        match &self.target {
            Target::Classification { column, .. } => vec![column],
            Target::Regression { columns } => columns.iter().map(|column| column.name.as_str()).collect(),
        }
    }

    /// Matches the table's columns by name, in any order. The target columns may be absent.
    ///
    /// # Errors
    /// Data, if an input column is absent: all such are named, with the closest of the table's other columns.
    pub fn check_columns(&self, table: &Table) -> Result<ColumnReport> {
        /// Columns that the error names, at most.
        const NAMED: usize = 10;
        let inputs: HashSet<&str> = self.inputs.iter().map(|column| column.name.as_str()).collect();
        let targets: HashSet<&str> = self.target_names().into_iter().collect();
        let positions = table.positions();
        let extra: Vec<&str> = table.names().filter(|name| !inputs.contains(name) && !targets.contains(name)).collect();
        let is_absent = |column: &&InputColumn| !positions.contains_key(column.name.as_str());
        let absent: Vec<&InputColumn> = self.inputs.iter().filter(is_absent).collect();
        if absent.is_empty() {
            return Ok(ColumnReport { extra: extra.into_iter().map(str::to_owned).collect() });
        }
        // Each is compared with all other columns.
        let told =
            |column: &&InputColumn| format!("'{}'{}", shown(&column.name), suggestion(&column.name, extra.iter().copied()));
        let named: Vec<String> = absent.iter().take(NAMED).map(told).collect();
        Err(Error::Data(format!(
            "{}: {} of the {} input columns are missing: {}; the file's columns are {}",
            shown(&table.source),
            absent.len(),
            self.inputs.len(),
            named.join("; ")
                + &if absent.len() > NAMED { format!(" and {} more", absent.len() - NAMED) } else { String::new() },
            listed(table.names())
        )))
    }

    /// This encoding, if it can be meant: read from a file, it might say anything.
    ///
    /// # Errors
    /// Model, naming the column whose scale is not a positive number, or whose categories or classes are none or not
    /// distinct.
    pub fn checked(self) -> Result<Self> {
        let number = |offset: f64, scale: f64| offset.is_finite() && scale.is_finite() && scale > 0.0;
        let distinct = |names: &[String]| !names.is_empty() && names.iter().collect::<HashSet<_>>().len() == names.len();
        let input = |column: &InputColumn| match &column.kind {
            InputKind::Number { offset, scale, missing, bins } => {
                number(*offset, *scale) && missing.is_none_or(f64::is_finite) && bins.make_sense()
            }
            InputKind::Category { categories, missing } => {
                distinct(categories)
                    && missing.as_ref().is_none_or(|missing| categories.contains(missing))
                    && column.calendar.is_none()
            }
        };
        let target = match &self.target {
            Target::Classification { column, classes, decision } => {
                (!distinct(classes) || !decision.makes_sense(classes.len())).then_some(column)
            }
            Target::Regression { columns } => {
                columns.iter().find(|column| !number(column.offset, column.scale)).map(|column| &column.name)
            }
        };
        let names: Vec<String> = self.inputs.iter().map(|column| column.name.clone()).collect();
        let unfit = self.inputs.iter().find(|column| !input(column)).map(|column| &column.name).or(target);
        match unfit {
            Some(name) => Err(Error::Model(format!("the model's encoding of column '{}' makes no sense", shown(name)))),
            None if self.target_names().is_empty() || !distinct(&names) => {
                Err(Error::Model("the model's encoding has no target, no inputs or one input twice".into()))
            }
            None => Ok(self),
        }
    }
}

impl InputColumn {
    /// What a number in a cell becomes, which for dates is the days since 1970: as many numbers as [`width`](Self::width) says, none of which need be finite.
    ///
    /// # Panics
    /// If the column holds categories.
    pub(crate) fn encoded(&self, number: f64) -> impl Iterator<Item = f64> {
        let InputKind::Number { offset, scale, bins, .. } = &self.kind else { panic!("a column of categories") };
        let of_date = self.calendar.into_iter().flat_map(move |calendar| calendar.parts(number));
        std::iter::once(bins.clipped((number - offset) / scale)).chain(bins.shares(number)).chain(of_date)
    }

    /// The number that became this first input; none in a column of categories.
    pub(crate) fn decoded(&self, first: f64) -> Option<f64> {
        let InputKind::Number { offset, scale, bins, .. } = &self.kind else { return None };
        Some(bins.unclipped(first) * scale + offset)
    }

    /// Number of the network's inputs that this column makes.
    pub(crate) fn width(&self) -> usize {
        match &self.kind {
            InputKind::Number { bins, .. } => 1 + bins.len() + self.calendar.map_or(0, Calendar::width),
            InputKind::Category { categories, .. } => categories.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Cells, Column};

    fn number(name: &str) -> InputColumn {
        InputColumn::new(name, InputKind::Number { offset: 0.0, scale: 1.0, missing: None, bins: Bins::default() })
    }

    fn encoding() -> Encoding {
        let categories = vec!["1".into(), "2".into()];
        let rank = InputColumn::new("rank", InputKind::Category { categories, missing: None });
        let classes = vec!["0".into(), "1".into()];
        let target = Target::Classification { column: "admit".into(), classes, decision: Decision::default() };
        Encoding {
            inputs: vec![number("gre"), rank, number("gpa")],
            target,
            missing_values: None,
            numerals: Numerals::default(),
        }
    }

    fn table(names: &[&str]) -> Table {
        Table::new("t.csv", names.iter().map(|name| Column::new(*name, Cells::Numbers(vec![1.0]))).collect())
    }

    #[test]
    fn a_category_column_makes_one_named_input_a_category() {
        assert_eq!(encoding().inputs(), 4);
        assert_eq!(encoding().spans(), [0..1, 1..3, 3..4]);
        assert_eq!(encoding().input_names(), ["gre", "rank=1", "rank=2", "gpa"]);
    }

    #[test]
    fn columns_match_by_name_in_any_order_without_the_target() {
        let report = encoding().check_columns(&table(&["gpa", "town", "rank", "gre"])).unwrap();
        assert_eq!(report.extra, ["town"]);
        assert!(encoding().check_columns(&table(&["gpa", "rank", "gre", "admit"])).unwrap().extra.is_empty());
    }

    #[test]
    fn absent_columns_are_all_named_with_the_closest_others() {
        let message = encoding().check_columns(&table(&["gpaa", "rank"])).unwrap_err().to_string();
        assert!(message.contains("2 of the 3") && message.contains("'gre'"), "{message}");
        assert!(message.contains("'gpa', did you mean 'gpaa'?"), "{message}");
    }

    #[test]
    fn an_encoding_survives_json() {
        let json = serde_json::to_string(&encoding()).unwrap();
        assert_eq!(serde_json::from_str::<Encoding>(&json).unwrap(), encoding());
    }

    #[test]
    fn a_decision_is_saved_where_it_is_not_the_usual_one() {
        let usual = serde_json::to_string(&encoding()).unwrap();
        assert!(!usual.contains("decision"), "{usual}");
        let mut other = encoding();
        other.decide(Decision { positive: 0, threshold: Some(0.1 + 0.2) });
        let json = serde_json::to_string(&other).unwrap();
        assert!(json.contains(r#""decision":{"positive":0,"threshold":0.30000000000000004}"#), "{json}");
        assert_eq!(serde_json::from_str::<Encoding>(&json).unwrap(), other);
        for decision in [r#"{"positive":2}"#, r#"{"positive":1,"threshold":1.5}"#, r#"{"positive":1,"threshold":-0.5}"#] {
            let json = json.replace(r#"{"positive":0,"threshold":0.30000000000000004}"#, decision);
            assert!(serde_json::from_str::<Encoding>(&json).unwrap().checked().is_err(), "{json}");
        }
    }

    #[test]
    fn an_encoding_that_makes_no_sense_is_refused() {
        assert!(encoding().checked().is_ok());
        let altered = |alter: &dyn Fn(&mut Encoding)| {
            let mut encoding = encoding();
            alter(&mut encoding);
            matches!(encoding.checked(), Err(Error::Model(_)))
        };
        let kind = |kind: InputKind| altered(&|encoding| encoding.inputs[0].kind = kind.clone());
        assert!(kind(InputKind::Number { offset: 0.0, scale: 0.0, missing: None, bins: Bins::default() }));
        assert!(kind(InputKind::Number { offset: f64::NAN, scale: 1.0, missing: None, bins: Bins::default() }));
        assert!(kind(InputKind::Number { offset: 0.0, scale: 1.0, missing: Some(f64::INFINITY), bins: Bins::default() }));
        assert!(kind(InputKind::Category { categories: vec![], missing: None }));
        assert!(kind(InputKind::Category { categories: vec!["a".into()], missing: Some("b".into()) }));
        assert!(altered(&|encoding| encoding.inputs[0].name = "gpa".into()));
        assert!(altered(&|encoding| encoding.inputs.clear()));
        assert!(altered(&|encoding| encoding.target = Target::Regression { columns: vec![] }));
    }
}
