//! What each training row's loss is multiplied by: the weight of its class, and that of a column.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::{Encoding, Table, Task, number_at};
use crate::error::{Error, Result, shown, suggestion};

crate::text::as_text!(ClassWeights);

/// The largest weight of a row: of more, losses overflow in single precision.
const MOST: f64 = 1e15;

/// The weights of classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClassWeights {
    /// rows / (classes · rows of the class): all classes count the same together, and the mean of these weights is 1.
    Balanced,
    /// These; 1 for the others.
    Given(BTreeMap<String, f64>),
}

impl FromStr for ClassWeights {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "balanced" {
            return Ok(Self::Balanced);
        }
        let weight = |part: &str| {
            let (class, weight) = part.rsplit_once('=')?;
            let weight = weight.trim().parse::<f64>().ok().filter(|weight| weight.is_finite() && *weight >= 0.0)?;
            Some((unquoted(class.trim()), weight))
        };
        let read =
            |part: String| weight(&part).ok_or_else(|| format!("'{}': write balanced, or CLASS=WEIGHT,…", shown(&part)));
        // A comma that no weight stands before is part of a class's name.
        let mut parts: Vec<String> = Vec::new();
        for part in split_outside_quotes(text) {
            match parts.last_mut().filter(|last| weight(last).is_none()) {
                Some(last) => *last += &format!(",{part}"),
                None => parts.push(part.to_owned()),
            }
        }
        let given: Vec<(String, f64)> = parts.into_iter().map(read).collect::<std::result::Result<_, _>>()?;
        let weights: BTreeMap<String, f64> = given.iter().cloned().collect();
        if weights.len() < given.len() {
            return Err("a class is named twice".into());
        }
        Ok(Self::Given(weights))
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balanced => formatter.write_str("balanced"),
            Self::Given(weights) => {
                let each: Vec<String> =
                    weights.iter().map(|(class, weight)| format!("{}={weight}", quoted(class))).collect();
                formatter.write_str(&each.join(","))
            }
        }
    }
}

/// The parts of a text between commas, but for those in a part that begins with a quotation mark and before the closing one.
fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut begins, mut counts, mut is_open) = (true, false, false);
    text.split(|character: char| {
        if begins && character != ' ' {
            (begins, counts) = (false, character == '"');
        }
        is_open ^= counts && character == '"';
        begins |= character == ',' && !is_open;
        character == ',' && !is_open
    })
    .collect()
}

/// A class's name, in quotation marks if it could be read as something else.
fn quoted(class: &str) -> String {
    let is_plain = !class.contains([',', '"', '=']) && class.trim() == class;
    if is_plain { class.to_owned() } else { format!("\"{}\"", class.replace('"', "\"\"")) }
}

/// A class's name without the quotation marks that it stands in.
fn unquoted(class: &str) -> String {
    let inner = class.strip_prefix('"').and_then(|class| class.strip_suffix('"'));
    inner.map_or_else(|| class.to_owned(), |class| class.replace("\"\"", "\""))
}

/// The weights of these rows; none where nothing is asked for.
///
/// # Errors
/// Usage, for classes that are none; data, naming the place, for weights that are missing, negative or all zero.
pub(super) fn of_rows(
    table: &Table,
    rows: &[usize],
    encoding: &Encoding,
    classes: Option<&ClassWeights>,
    column: Option<&str>,
) -> Result<Option<Vec<f64>>> {
    let of_classes = classes.map(|classes| of_classes(table, rows, encoding, classes)).transpose()?;
    let of_column = column.map(|column| of_column(table, rows, column)).transpose()?;
    let weights = match (of_classes, of_column) {
        (Some(classes), Some(column)) => classes.into_iter().zip(column).map(|(class, row)| class * row).collect(),
        (Some(weights), None) | (None, Some(weights)) => weights,
        (None, None) => return Ok(None),
    };
    if weights.iter().all(|&weight| weight == 0.0) {
        return Err(Error::Data(format!("{}: no training row has a weight above 0", shown(&table.source))));
    }
    if let Some(weight) = weights.iter().find(|&&weight| weight > MOST) {
        return Err(Error::Data(format!(
            "{}: a row weighs {weight:e}, all told; the most is {MOST:e}",
            shown(&table.source)
        )));
    }
    Ok(Some(weights))
}

fn of_classes(table: &Table, rows: &[usize], encoding: &Encoding, weights: &ClassWeights) -> Result<Vec<f64>> {
    if encoding.task() == Task::Regression {
        return Err(Error::Usage("--class-weights is for classification, and the target is numbers".into()));
    }
    let (names, indices) = (encoding.class_names(), encoding.class_indices(table, rows)?);
    let of_class: Vec<f64> = match weights {
        ClassWeights::Balanced => {
            let mut counts = vec![0_usize; names.len()];
            indices.iter().for_each(|&class| counts[class] += 1);
            counts.iter().map(|&count| rows.len() as f64 / (names.len() * count.max(1)) as f64).collect()
        }
        ClassWeights::Given(weights) => {
            let (mut of_class, mut said, known) = (vec![1.0; names.len()], HashSet::new(), encoding.classes());
            for (class, &weight) in weights {
                let Some(place) = known.find(class) else {
                    let hint = suggestion(class, names.iter().map(String::as_str));
                    return Err(Error::Usage(format!("--class-weights: there is no class '{}'{hint}", shown(class))));
                };
                if !said.insert(place) {
                    let class = shown(&names[place]);
                    return Err(Error::Usage(format!("--class-weights names class '{class}' twice; name it once")));
                }
                of_class[place] = weight;
            }
            of_class
        }
    };
    Ok(indices.into_iter().map(|class| of_class[class]).collect())
}

/// Where the column of the weights is.
///
/// # Errors
/// Usage, if there is none of this name.
pub(super) fn position(table: &Table, name: &str) -> Result<usize> {
    table.position(name).ok_or_else(|| {
        let hint = suggestion(name, table.columns.iter().map(|column| column.name.as_str()));
        Error::Usage(format!("--weight-column: {} has no column '{}'{hint}", shown(&table.source), shown(name)))
    })
}

fn of_column(table: &Table, rows: &[usize], name: &str) -> Result<Vec<f64>> {
    let position = position(table, name)?;
    let weight = |&row: &usize| match number_at(table, position, row)? {
        Some(weight) if weight >= 0.0 && weight.is_finite() => Ok(weight),
        Some(weight) => Err(Error::Data(format!("{}: {weight} is no weight; write 0 or more", table.place(row, name)))),
        None => Err(Error::Data(format!(
            "{}: the weight is missing; write 0 for a row that is to have no part",
            table.place(row, name)
        ))),
    };
    rows.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_weights_say_what_they_take() {
        assert_eq!("balanced".parse(), Ok(ClassWeights::Balanced));
        let given: ClassWeights = "a=b=2, c=0.5".parse().expect("weights");
        assert_eq!(given, ClassWeights::Given([("a=b".to_string(), 2.0), ("c".to_string(), 0.5)].into()));
        assert_eq!(given.to_string().parse(), Ok(given));
        for (text, classes) in [
            ("Smith, John=2,b=1", ["Smith, John", "b"]),
            ("\"a=1,b\"=2, c d=1", ["a=1,b", "c d"]),
            ("5\"=2,\"6\"\",\"=1", ["5\"", "6\","]),
        ] {
            let given: ClassWeights = text.parse().expect(text);
            assert_eq!(given, ClassWeights::Given([(classes[0].into(), 2.0), (classes[1].into(), 1.0)].into()), "{text}");
            assert_eq!(given.to_string().parse(), Ok(given));
        }
        for wrong in ["", "a", "a=", "a=-1", "a=inf", "a=1,a=2", "a=1,b", "a,b"] {
            wrong.parse::<ClassWeights>().expect_err(wrong);
        }
    }
}
