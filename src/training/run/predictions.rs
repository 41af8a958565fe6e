//! What a model says of a table's rows, as columns of text.

use std::borrow::Cow;
use std::collections::HashSet;

use super::application::Outputs;
use crate::data::table::Records;
use crate::data::{Column, Encoding, Matrix, Table, Task};
use crate::error::{Error, Result};
use crate::evaluation::{probabilities, said_class};
use crate::model::Model;
use crate::network::ensemble::deviation;

/// Columns of text, each with its name, equally long.
pub type Columns = Vec<(String, Vec<String>)>;

/// What is wanted beside the predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// Each class's probability.
    pub probabilities: bool,
    /// The standard deviation between the model's networks, with one degree of freedom less than networks: of each number that they
    /// predict, or of the predicted class's probability and, with `probabilities`, of each class's.
    pub spread: bool,
}

impl Beside {
    /// Refuses a column that a model cannot give.
    ///
    /// # Errors
    /// Usage, if probabilities are wanted of a regression, or the spread of a single network.
    pub fn check(self, model: &Model) -> Result<()> {
        if self.probabilities && model.encoding.task() == Task::Regression {
            return Err(Error::Usage("--probabilities is for classification, and this model predicts numbers".into()));
        }
        if self.spread && model.weights.networks() == 1 {
            return Err(Error::Usage(
                "--spread is how far networks differ, and this model is one network: train several (train --ensemble 8)"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// The predictions of a model: a class or a number a row, and what is wanted beside. The class is empty where an output is NaN.
///
/// # Errors
/// Internal, if the memory for it is not there.
pub fn columns(encoding: &Encoding, outputs: &Outputs, beside: Beside) -> Result<Columns> {
    match encoding.task() {
        Task::Regression => Ok(of_numbers(encoding, outputs, beside)),
        Task::Classification => of_classes(encoding, outputs, beside),
    }
}

fn of_numbers(encoding: &Encoding, outputs: &Outputs, beside: Beside) -> Columns {
    let names = encoding.target_names();
    let named = |what: &str, name: &str| if names.len() == 1 { what.to_owned() } else { format!("{what}_{name}") };
    let numbers = encoding.decode_regression(&outputs.mean);
    let cells = |numbers: &Matrix<f64>, column: usize| {
        (0..numbers.rows).map(|row| numbers.row(row)[column].to_string()).collect::<Vec<_>>()
    };
    let predicted = names.iter().enumerate().map(|(column, name)| (named("prediction", name), cells(&numbers, column)));
    let mut columns: Columns = predicted.collect();
    if beside.spread {
        let networks: Vec<Matrix<f64>> =
            outputs.networks.iter().map(|outputs| encoding.decode_regression(outputs)).collect();
        let of_target = |(column, name): (usize, &&str)| (named("spread", name), spread(&networks, |_| Some(column)));
        columns.extend(names.iter().enumerate().map(of_target));
    }
    columns
}

fn of_classes(encoding: &Encoding, outputs: &Outputs, beside: Beside) -> Result<Columns> {
    let (classes, decision) = (encoding.class_names(), encoding.decision());
    let said = |row: usize| said_class(decision, outputs.mean.row(row));
    let name = |row: usize| said(row).map_or(String::new(), |class| classes[class].clone());
    let mut columns = vec![("prediction".to_string(), (0..outputs.mean.rows).map(name).collect())];
    let networks = match beside.spread {
        true => outputs.networks.iter().map(probabilities).collect::<Result<Vec<_>>>()?,
        false => Vec::new(),
    };
    if beside.spread {
        columns.push(("spread".to_string(), spread(&networks, said)));
    }
    if beside.probabilities {
        let probabilities = probabilities(&outputs.mean)?;
        for (column, class) in classes.iter().enumerate() {
            let cells = (0..probabilities.rows).map(|row| probabilities.row(row)[column].to_string()).collect();
            columns.push((format!("probability_{class}"), cells));
            if beside.spread {
                columns.push((format!("spread_{class}"), spread(&networks, |_| Some(column))));
            }
        }
    }
    Ok(columns)
}

/// How far networks differ in a column of each row: a standard deviation. Empty where no column is meant.
fn spread(networks: &[Matrix<f64>], column: impl Fn(usize) -> Option<usize>) -> Vec<String> {
    let of_row = |row: usize| {
        let of_column = |column: usize| deviation(networks.iter().map(|numbers| numbers.row(row)[column]));
        column(row).and_then(of_column).map_or(String::new(), |deviation| deviation.to_string())
    };
    (0..networks[0].rows).map(of_row).collect()
}

/// Predictions as CSV, behind these rows of the table's own columns if `append`, under their names if `has_header`. Rows of a CSV file
/// stay as they are there, separated as there.
///
/// # Errors
/// Internal, if the memory for it is not there.
pub fn csv(table: &Table, rows: &[usize], columns: &Columns, append: bool, has_header: bool) -> Result<Vec<u8>> {
    let own = if append { &table.columns[..] } else { &[] };
    if let (true, Some(records)) = (append, &table.records) {
        return behind(table, records, rows, columns, has_header);
    }
    let failed = |error: csv::Error| Error::Internal(format!("CSV cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    if has_header {
        let names = own.iter().map(|column| column.name.clone());
        writer.write_record(names.chain(names_beside(own, columns))).map_err(failed)?;
    }
    for (place, &row) in rows.iter().enumerate() {
        let cells = own.iter().map(|column| column.cells.text(row).unwrap_or_default());
        let predictions = columns.iter().map(|(_, cells)| Cow::from(cells[place].as_str()));
        writer.write_record(cells.chain(predictions).map(Cow::into_owned)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Error::Internal(format!("CSV cannot be written: {error}")))
}

/// The predictions' names, each with a number behind it where a column of the data is called so already.
fn names_beside(own: &[Column], columns: &Columns) -> Vec<String> {
    let mut taken: HashSet<String> = own.iter().map(|column| column.name.clone()).collect();
    let mut free = |(name, _): &(String, Vec<_>)| {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let is_free = |name: &String| taken.insert(name.clone());
        std::iter::once(name.clone()).chain(numbered).find(is_free).expect("numbers do not end")
    };
    columns.iter().map(&mut free).collect()
}

/// Predictions behind the rows of a CSV file.
fn behind(table: &Table, records: &Records, rows: &[usize], columns: &Columns, has_header: bool) -> Result<Vec<u8>> {
    let failed = |error: String| Error::Internal(format!("CSV cannot be written: {error}"));
    let line = |own: &str, cells: &mut dyn Iterator<Item = &str>| -> Result<Vec<u8>> {
        let mut writer = csv::WriterBuilder::new().delimiter(records.delimiter).from_writer(Vec::new());
        writer.write_record(cells).map_err(|error| failed(error.to_string()))?;
        let predictions = writer.into_inner().map_err(|error| failed(error.to_string()))?;
        Ok([own.as_bytes(), &[records.delimiter], &predictions].concat())
    };
    let mut text = Vec::new();
    if has_header {
        let names: Vec<&str> = table.names().collect();
        let names = names.join(&char::from(records.delimiter).to_string());
        let own = records.header.as_ref().unwrap_or(&names);
        let added = names_beside(&table.columns, columns);
        text.extend(line(own, &mut added.iter().map(String::as_str))?);
    }
    for (place, &row) in rows.iter().enumerate() {
        text.extend(line(&records.rows[row], &mut columns.iter().map(|(_, cells)| cells[place].as_str()))?);
    }
    Ok(text)
}
