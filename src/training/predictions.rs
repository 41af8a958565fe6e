//! What a model says of a table's rows, as columns of text.

use std::borrow::Cow;

use super::application::Application;
use crate::data::Task;
use crate::error::{Error, Result};
use crate::evaluation::{predicted_class, probabilities};

/// Columns of text, each with its name, equally long.
pub type Columns = Vec<(String, Vec<String>)>;

/// The predictions: a class or a number a row, and each class's probability where they are wanted. The class is empty where an
/// output is NaN.
///
/// # Errors
/// Usage, if probabilities are wanted of a regression.
pub fn columns(application: &Application, wants_probabilities: bool) -> Result<Columns> {
    let encoding = &application.model.encoding;
    if encoding.task() == Task::Regression {
        if wants_probabilities {
            return Err(Error::Usage("--probabilities is for classification, and this model predicts numbers".into()));
        }
        let numbers = encoding.decode_regression(&application.outputs);
        let names = encoding.target_names();
        let column = |(column, name): (usize, &&str)| {
            let name = if names.len() == 1 { "prediction".to_string() } else { format!("prediction_{name}") };
            (name, (0..numbers.rows).map(|row| numbers.row(row)[column].to_string()).collect())
        };
        return Ok(names.iter().enumerate().map(column).collect());
    }
    let classes = encoding.class_names();
    let outputs = &application.outputs;
    let said = |row: usize| predicted_class(outputs.row(row)).map_or(String::new(), |class| classes[class].clone());
    let mut columns = vec![("prediction".to_string(), (0..outputs.rows).map(said).collect())];
    if wants_probabilities {
        let probabilities = probabilities(outputs);
        for (column, class) in classes.iter().enumerate() {
            let cells = (0..probabilities.rows).map(|row| probabilities.row(row)[column].to_string()).collect();
            columns.push((format!("probability_{class}"), cells));
        }
    }
    Ok(columns)
}

/// The predictions as CSV, behind the table's own columns if `append`.
///
/// # Errors
/// Internal, if the memory for it is not there.
pub fn csv(application: &Application, columns: &Columns, append: bool) -> Result<Vec<u8>> {
    let table = &application.table;
    let own = if append { &table.columns[..] } else { &[] };
    let failed = |error: csv::Error| Error::Internal(format!("CSV cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = own.iter().map(|column| column.name.as_str()).chain(columns.iter().map(|(name, _)| name.as_str()));
    writer.write_record(header).map_err(failed)?;
    for row in 0..table.rows {
        let cells = own.iter().map(|column| column.cells.text(row).unwrap_or_default());
        let predictions = columns.iter().map(|(_, cells)| Cow::from(cells[row].as_str()));
        writer.write_record(cells.chain(predictions).map(Cow::into_owned)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Error::Internal(format!("CSV cannot be written: {error}")))
}
