//! From which probability on a row is said to be of the positive of two classes: a number, or a rule that chooses one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::scored::{Cut, Scored};
use crate::error::{shown, suggestion};

/// A threshold as somebody says it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "NumberOrWord", into = "NumberOrWord")]
pub enum Threshold {
    /// This probability, from 0 to 1.
    Given(f64),
    /// The probability that a rule chooses on some rows.
    By(Rule),
}

/// What chooses a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The highest F1.
    F1,
    /// The highest Youden index: recall minus the share of the other class's rows that are said to be positive.
    Youden,
    /// The highest precision of those with at least this recall.
    Recall(f64),
    /// The highest recall of those with at least this precision.
    Precision(f64),
}

/// A threshold that a rule chose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen {
    /// The threshold: a probability that one of the rows has.
    pub threshold: f64,
    /// What the rule makes large, at this threshold: F1, the Youden index, the precision or the recall.
    pub value: f64,
    /// Whether the bound of the rule holds: where no threshold has the precision that is asked for, this one has the highest.
    pub is_met: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum NumberOrWord {
    Number(f64),
    Word(String),
}

impl TryFrom<NumberOrWord> for Threshold {
    type Error = String;

    fn try_from(value: NumberOrWord) -> Result<Self, String> {
        match value {
            NumberOrWord::Number(number) => given(number),
            NumberOrWord::Word(word) => word.parse(),
        }
    }
}

impl From<Threshold> for NumberOrWord {
    fn from(threshold: Threshold) -> Self {
        match threshold {
            Threshold::Given(number) => Self::Number(number),
            Threshold::By(rule) => Self::Word(rule.to_string()),
        }
    }
}

/// A share of 0 to 1.
fn share(number: f64) -> Option<f64> {
    (0.0..=1.0).contains(&number).then_some(number)
}

fn given(number: f64) -> Result<Threshold, String> {
    share(number).map(Threshold::Given).ok_or_else(|| format!("{number}: a threshold is a probability, from 0 to 1"))
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse::<f64>() {
            return given(number);
        }
        let bound = |name: &str, number: &str| {
            let number = number.parse::<f64>().ok().and_then(share);
            number.ok_or_else(|| format!("'{}': write a number from 0 to 1 behind '{name}='", shown(text)))
        };
        match text.split_once('=') {
            None if text == "f1" => Ok(Self::By(Rule::F1)),
            None if text == "youden" => Ok(Self::By(Rule::Youden)),
            Some((name @ "recall", number)) => Ok(Self::By(Rule::Recall(bound(name, number)?))),
            Some((name @ "precision", number)) => Ok(Self::By(Rule::Precision(bound(name, number)?))),
            _ => {
                let rules = ["f1", "youden", "recall=0.9", "precision=0.9"];
                let hint = suggestion(text, rules);
                let rules = rules.join(", ");
                Err(format!("'{}' is no threshold{hint}; write a number from 0 to 1, or one of {rules}", shown(text)))
            }
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(number) => number.fmt(formatter),
            Self::By(rule) => rule.fmt(formatter),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F1 => formatter.write_str("f1"),
            Self::Youden => formatter.write_str("youden"),
            Self::Recall(bound) => write!(formatter, "recall={bound}"),
            Self::Precision(bound) => write!(formatter, "precision={bound}"),
        }
    }
}

impl Rule {
    /// The threshold that this rule chooses among the rows' probabilities: the best one, and of equally good ones the highest. None,
    /// unless there are rows of both classes.
    pub fn choose(self, scored: &Scored) -> Option<Chosen> {
        if !scored.has_both() {
            return None;
        }
        let best = scored.cuts().reduce(|best, cut| if self.is_better(cut, best, scored) { cut } else { best })?;
        let recall = best.truly as f64 / scored.positive as f64;
        let value = match self {
            Self::F1 => 2.0 * best.truly as f64 / (best.all() + scored.positive) as f64,
            Self::Youden => recall - best.falsely as f64 / scored.negative as f64,
            Self::Precision(_) if self.holds(best, scored) => recall,
            Self::Recall(_) | Self::Precision(_) => best.precision(),
        };
        Some(Chosen { threshold: best.threshold, value, is_met: self.holds(best, scored) })
    }

    /// Whether the bound of this rule holds.
    fn holds(self, cut: Cut, scored: &Scored) -> bool {
        match self {
            Self::F1 | Self::Youden => true,
            Self::Recall(bound) => cut.truly as f64 / scored.positive as f64 >= bound,
            Self::Precision(bound) => cut.precision() >= bound,
        }
    }

    /// Whether a threshold is better than another. Shares of counts are compared as fractions, without rounding.
    fn is_better(self, cut: Cut, than: Cut, scored: &Scored) -> bool {
        let wide = |count: usize| count as i128;
        let more_precise = (wide(cut.truly) * wide(than.all())).cmp(&(wide(than.truly) * wide(cut.all())));
        let more_found = cut.truly.cmp(&than.truly);
        match self {
            Self::F1 => {
                let [of_cut, of_other] = [cut, than].map(|cut| wide(cut.all() + scored.positive));
                wide(cut.truly) * of_other > wide(than.truly) * of_cut
            }
            Self::Youden => {
                let index = |cut: Cut| wide(cut.truly) * wide(scored.negative) - wide(cut.falsely) * wide(scored.positive);
                index(cut) > index(than)
            }
            Self::Recall(_) | Self::Precision(_) => {
                let holds = [cut, than].map(|cut| self.holds(cut, scored));
                let order = match (self, holds) {
                    (Self::Precision(_), [true, true]) => more_found.then(more_precise),
                    (_, [true, true] | [false, false]) => more_precise.then(more_found),
                    (_, [better, _]) => return better,
                };
                order.is_gt()
            }
        }
    }

    /// What it chose, in words: `the best F1 (0.5512)`.
    pub fn told(self, chosen: &Chosen) -> String {
        let value = chosen.value;
        match self {
            Self::F1 => format!("the best F1 ({value:.4})"),
            Self::Youden => format!("the best Youden index ({value:.4})"),
            Self::Recall(bound) => format!("the best precision ({value:.4}) with a recall of at least {bound}"),
            Self::Precision(bound) if chosen.is_met => {
                format!("the best recall ({value:.4}) with a precision of at least {bound}")
            }
            Self::Precision(bound) => format!("the best precision ({value:.4}; none reaches {bound})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [&[f64]; 3] = [
        &[0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.05],
        &[0.3, 0.3, 0.3, 0.7, 0.7, 0.2, 0.2, 0.9, 0.9, 0.9, 0.5, 0.1],
        &[0.62, 0.11, 0.11, 0.58, 0.97, 0.34, 0.34, 0.34, 0.76, 0.05, 0.62, 0.29, 0.88, 0.88],
    ];
    const TRUTH: [&[usize]; 3] =
        [&[0, 0, 1, 1, 0, 1, 1, 0], &[0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0], &[1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0]];

    fn scored(scores: &[f64], truth: &[usize]) -> Scored {
        let probabilities: Vec<f64> = scores.iter().flat_map(|score| [1.0 - score, *score]).collect();
        Scored::new(&probabilities, truth, 1).expect("numbers")
    }

    /// The thresholds and values are those of scikit-learn 1.9.1: the best points of `precision_recall_curve` and of `roc_curve`
    /// (`drop_intermediate=False`), of several that are equal the highest threshold.
    #[test]
    fn rules_choose_the_best_points_of_scikit_learns_curves() {
        let (recall, precision) = (Rule::Recall, Rule::Precision);
        #[rustfmt::skip]
        let expected = [
            (0, Rule::F1, 0.35, 0.8, true),            (0, Rule::Youden, 0.8, 0.5, true),
            (0, recall(0.5), 0.8, 1.0, true),          (0, recall(0.8), 0.35, 0.6666666666666666, true),
            (0, precision(0.5), 0.35, 1.0, true),      (0, precision(0.7), 0.8, 0.5, true),
            (1, Rule::F1, 0.2, 0.625, true),           (1, Rule::Youden, 0.7, 0.3142857142857143, true),
            (1, recall(0.5), 0.7, 0.6, true),          (1, recall(0.9), 0.2, 0.45454545454545453, true),
            (1, precision(0.5), 0.7, 0.6, true),       (1, precision(0.7), 0.7, 0.6, false),
            (2, Rule::F1, 0.62, 0.6666666666666666, true), (2, Rule::Youden, 0.62, 0.41666666666666663, true),
            (2, recall(0.8), 0.34, 0.5, true),         (2, recall(0.9), 0.11, 0.46153846153846156, true),
            (2, precision(0.5), 0.34, 0.8333333333333334, true), (2, precision(0.75), 0.97, 0.16666666666666666, true),
        ];
        for (case, rule, threshold, value, is_met) in expected {
            let chosen = rule.choose(&scored(SCORES[case], TRUTH[case])).expect("both classes");
            let is_close = (chosen.threshold - threshold).abs() < 1e-12 && (chosen.value - value).abs() < 1e-12;
            assert!(is_close && chosen.is_met == is_met, "{rule} of case {case}: {chosen:?}");
        }
    }

    /// Every threshold that can be is tried, by counting rows again for each.
    #[test]
    fn rules_choose_what_trying_all_thresholds_finds() {
        let mut random = 1_u64;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let bounds = [0.0, 0.3, 0.5, 0.75, 0.9, 1.0];
        let of_bounds = bounds.into_iter().flat_map(|bound| [Rule::Recall(bound), Rule::Precision(bound)]);
        let rules: Vec<Rule> = [Rule::F1, Rule::Youden].into_iter().chain(of_bounds).collect();
        for _ in 0..300 {
            let rows = 2 + draw(18) as usize;
            let scores: Vec<f64> = (0..rows).map(|_| draw(8) as f64 / 7.0).collect();
            let truth: Vec<usize> = (0..rows).map(|_| draw(2) as usize).collect();
            let positive = truth.iter().sum::<usize>() as f64;
            let scored = scored(&scores, &truth);
            for rule in &rules {
                let Some(chosen) = rule.choose(&scored) else {
                    assert!(positive == 0.0 || positive == rows as f64);
                    continue;
                };
                // Of each threshold: whether the bound holds, what is made large, and what decides between equals.
                let of = |threshold: f64| {
                    let said = || scores.iter().zip(&truth).filter(|(score, _)| **score >= threshold);
                    let (all, truly) = (said().count() as f64, said().filter(|(_, class)| **class == 1).count() as f64);
                    let (precision, recall) = (truly / all, truly / positive);
                    match rule {
                        Rule::F1 => (true, 2.0 * truly / (all + positive), 0.0),
                        Rule::Youden => (true, recall - (all - truly) / (rows as f64 - positive), 0.0),
                        Rule::Recall(bound) => (recall >= *bound, precision, recall),
                        Rule::Precision(bound) if precision >= *bound => (true, recall, precision),
                        Rule::Precision(_) => (false, precision, recall),
                    }
                };
                let best = of(chosen.threshold);
                assert!((best.1 - chosen.value).abs() < 1e-12 && best.0 == chosen.is_met, "{rule}: {chosen:?}, {best:?}");
                for &other in &scores {
                    let it = of(other);
                    let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
                    let is_better = (it.0 && !best.0)
                        || it.0 == best.0
                            && (it.1 > best.1 + 1e-12
                                || near(it.1, best.1)
                                    && (it.2 > best.2 + 1e-12 || near(it.2, best.2) && other > chosen.threshold));
                    assert!(!is_better, "{rule} of {scores:?}, {truth:?}: {other} is better than {chosen:?}");
                }
            }
        }
    }

    #[test]
    fn thresholds_are_read_as_they_are_written() {
        for text in ["0.3", "f1", "youden", "recall=0.9", "precision=0.75", "0", "1"] {
            let threshold: Threshold = text.parse().expect(text);
            assert_eq!(threshold.to_string(), text);
            let json = serde_json::to_string(&threshold).expect("JSON");
            assert_eq!(serde_json::from_str::<Threshold>(&json).expect(text), threshold);
        }
        for (text, said) in [
            ("1.5", "1.5: a threshold is a probability, from 0 to 1"),
            ("nan", "from 0 to 1"),
            ("yuden", "'yuden' is no threshold, did you mean 'youden'?; write a number from 0 to 1, or one of f1, "),
            ("recall=90", "'recall=90': write a number from 0 to 1 behind 'recall='"),
            ("recall", "did you mean 'recall=0.9'?"),
        ] {
            let error = text.parse::<Threshold>().expect_err(text);
            assert!(error.contains(said), "{error}");
        }
    }
}
