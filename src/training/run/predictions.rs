//! What a model says of a table's rows, as columns of text.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::data::table::Records;
use crate::data::{Column, Encoding, Matrix, Table, Task};
use crate::error::{Error, Result};
use crate::evaluation::{probabilities, said_class};

/// Columns of text, each with its name, equally long.
pub type Columns = Vec<(String, Vec<String>)>;

/// The predictions of outputs [rows × outputs]: a class or a number a row, and each class's probability where they are wanted. The class is empty where an
/// output is NaN.
///
/// # Errors
/// Usage, if probabilities are wanted of a regression.
pub fn columns(encoding: &Encoding, outputs: &Matrix<f64>, wants_probabilities: bool) -> Result<Columns> {
    if encoding.task() == Task::Regression {
        if wants_probabilities {
            return Err(Error::Usage("--probabilities is for classification, and this model predicts numbers".into()));
        }
        let numbers = encoding.decode_regression(outputs);
        let names = encoding.target_names();
        let column = |(column, name): (usize, &&str)| {
            let name = if names.len() == 1 { "prediction".to_string() } else { format!("prediction_{name}") };
            (name, (0..numbers.rows).map(|row| numbers.row(row)[column].to_string()).collect())
        };
        return Ok(names.iter().enumerate().map(column).collect());
    }
    let classes = encoding.class_names();
    let decision = encoding.decision();
    let said = |row: usize| said_class(decision, outputs.row(row)).map_or(String::new(), |class| classes[class].clone());
    let mut columns = vec![("prediction".to_string(), (0..outputs.rows).map(said).collect())];
    if wants_probabilities {
        let probabilities = probabilities(outputs)?;
        for (column, class) in classes.iter().enumerate() {
            let cells = (0..probabilities.rows).map(|row| probabilities.row(row)[column].to_string()).collect();
            columns.push((format!("probability_{class}"), cells));
        }
    }
    Ok(columns)
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
