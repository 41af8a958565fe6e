//! From which probability on a run's model says the positive of two classes: as the options say, or as the validation rows do.

use serde::Serialize;

use super::options::Options;
use crate::data::{Decision, Encoding, Matrix};
use crate::error::{Error, Result, shown};
use crate::evaluation::{Chosen, Decided, Rule, Scored, Threshold, Truth, probabilities};
use crate::scalar::Scalar;

/// The threshold of a run's model, and where it is from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThresholdReport {
    /// From which probability on which class is said; absent where nothing could be chosen: then the more probable class is.
    #[serde(flatten)]
    decided: Option<Decided>,
    /// What chose it on validation rows, as `--threshold` has it; null where it was given.
    rule: Option<String>,
    /// What the rule made large, as it is on these rows.
    value: Option<f64>,
    /// How many rows they are.
    rows: Option<usize>,
    /// The rule and its choice, for a person.
    #[serde(skip)]
    chosen: Option<(Rule, Option<Chosen>)>,
}

impl ThresholdReport {
    /// The threshold of a model whose encoding decides already; none if it has none.
    pub(super) fn of(encoding: &Encoding) -> Option<Self> {
        let decided = Decided::of(encoding.decision(), encoding.class_names())?;
        Some(Self { decided: Some(decided), rule: None, value: None, rows: None, chosen: None })
    }

    /// Chooses the threshold by a rule, given what a network says of the validation rows and what is true of them, and puts it into the
    /// encoding.
    ///
    /// # Errors
    /// Limit, if there is no memory for the probabilities.
    pub(super) fn chosen<T: Scalar>(
        rule: Rule,
        encoding: &mut Encoding,
        outputs: &Matrix<T>,
        truth: &[usize],
    ) -> Result<Self> {
        let Decision { positive, .. } = encoding.decision();
        let scored = Scored::new(&probabilities(outputs)?.values, truth, positive);
        let chosen = scored.and_then(|scored| rule.choose(&scored));
        encoding.decide(Decision { positive, threshold: chosen.map(|chosen| chosen.threshold) });
        Ok(Self {
            decided: Decided::of(encoding.decision(), encoding.class_names()),
            rule: Some(rule.to_string()),
            value: chosen.map(|chosen| chosen.value),
            rows: Some(truth.len()),
            chosen: Some((rule, chosen)),
        })
    }

    /// What a person should hear of a rule that found no threshold, or none within its bound.
    pub(super) fn remark(&self) -> Option<String> {
        let rows = self.rows?;
        match self.chosen.as_ref()? {
            (_, None) => Some(format!(
                "no threshold could be chosen, since the {rows} validation rows have outputs that are no numbers: the model says the more \
                 probable class"
            )),
            (rule, Some(chosen)) if !chosen.is_met => Some(format!(
                "no threshold has a {} on the {rows} validation rows: the model takes the one of the highest precision, {:.4}",
                rule.to_string().replace('=', " of "),
                chosen.value
            )),
            _ => None,
        }
    }
}

impl std::fmt::Display for ThresholdReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(decided) = &self.decided else { return write!(text, "no threshold: the more probable class") };
        decided.fmt(text)?;
        match (self.rows, self.chosen) {
            (Some(rows), Some((rule, Some(chosen)))) => {
                write!(text, ", which gives {} on {rows} validation rows", rule.told(&chosen))
            }
            _ => Ok(()),
        }
    }
}

/// Puts into the encoding what the options say of the positive class and the threshold, as far as no rule is to choose it.
///
/// # Errors
/// Usage, if there are no two classes, or none of the name.
pub(super) fn decide(encoding: &mut Encoding, options: &Options) -> Result<()> {
    let mut decision = encoding.decision();
    if let Some(name) = &options.positive {
        let positive = encoding.class_called("--positive", name)?;
        if positive != decision.positive {
            decision = Decision { positive, threshold: None };
        }
    }
    if let Some(threshold) = options.threshold {
        encoding.check_two("--threshold")?;
        decision.threshold = match threshold {
            Threshold::Given(threshold) => Some(threshold),
            Threshold::By(_) => None,
        };
    }
    if decision != encoding.decision() {
        encoding.decide(decision);
    }
    Ok(())
}

/// The rule that is to choose a threshold, and the true classes of the validation rows that it is to choose by; none, if no rule is.
/// `validation` is what is true of these rows, if there are any.
///
/// # Errors
/// Usage, without validation rows; data, without some of both classes.
pub(super) fn rule_and_truth(
    rule: Rule,
    options: &Options,
    encoding: &Encoding,
    validation: Option<Truth>,
) -> Result<Option<(Rule, Vec<usize>)>> {
    let Some(validation) = validation else {
        let split = Options { split: None, ..options.clone() }.split();
        let why = match options.split().validation() > 0.0 {
            true => "the table is too small for some: name a file of them (--validation FILE), or a number, as in --threshold 0.3".into(),
            false => format!("there are none: set some apart (--split {split}), or name a file of them (--validation FILE)"),
        };
        return Err(Error::Usage(format!("--threshold {rule} chooses the threshold on validation rows, and {why}")));
    };
    let Truth::Classes(classes) = validation else { return Ok(None) };
    if let Some(&class) = classes.first()
        && classes.iter().all(|&other| other == class)
    {
        let more = match options.validation.is_some() {
            true => "name a file that has both",
            false => "take more of them, as with --split 0.6/0.2/0.2, or name a number, as in --threshold 0.3",
        };
        return Err(Error::Data(format!(
            "--threshold {rule} needs validation rows of both classes, and all {} are '{}': {more}",
            classes.len(),
            shown(&encoding.class_names()[class])
        )));
    }
    Ok(Some((rule, classes)))
}
