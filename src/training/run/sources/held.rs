//! The main table of a run, in memory or in a file, of which a column or some rows are in memory at a time: what is asked
//! of it column by column is the same of both.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::data::{
    self, Cells, Encoding, FitOptions, InputColumn, InputKind, Numerals, ReadOptions, Scale, StoredTable, Table, Target,
    fit, remarks,
};
use crate::error::{Error, Result, flagged, shown};
use crate::evaluation::Truth;
use crate::memory;
use crate::training::run::row_weights::{self, ClassWeights};

/// Where a table is.
#[derive(Debug, Clone)]
pub(in crate::training) enum Held {
    /// All of it in memory.
    Memory(Rc<Table>),
    /// In a file.
    File(Rc<StoredTable>),
}

impl Held {
    /// Reads a source, without the rows that `--missing drop` leaves out: into memory, or, if it is to be `stored`, into
    /// a file. `fitting` is given the columns' names, and what it says of them is given back beside the table. Of columns
    /// that it ignores the `needed` one is kept.
    ///
    /// # Errors
    /// Data, for what cannot be read; limit, if there is no memory for it; internal, if there can be no file.
    pub(in crate::training) fn read(
        source: &str,
        reading: &ReadOptions,
        stored: bool,
        needed: Option<&str>,
        fitting: impl FnOnce(&Table) -> Result<FitOptions>,
    ) -> Result<(Self, FitOptions)> {
        if stored {
            let (stored, fitting) = StoredTable::convert(source, reading, needed, fitting)?;
            return Ok((Self::File(Rc::new(stored)), fitting));
        }
        let table = data::read(source, reading)?;
        let fitting = fitting(&table)?;
        Ok((Self::Memory(Rc::new(table)).kept(&fitting)?, fitting))
    }

    /// A table in memory without the rows that `--missing drop` leaves out.
    ///
    /// # Errors
    /// Data, if no row is left; limit, if there is no memory for the others.
    pub(super) fn kept(self, fitting: &FitOptions) -> Result<Self> {
        let Self::Memory(table) = &self else { return Ok(self) };
        match fit::rows_kept(table, fitting)? {
            None => Ok(self),
            Some(_) if !memory::is_there(table.all_bytes() as u128) => {
                Err(Error::Limit(format!("{}: there is no memory for the rows that are complete", shown(&table.source))))
            }
            Some(kept) => {
                let mut complete = table.with_rows(&kept);
                complete.remarks.extend(fit::left_out(&table.source, table.rows - kept.len(), table.rows));
                Ok(Self::Memory(Rc::new(complete)))
            }
        }
    }

    /// Calls `look` with a table, and with which of its rows come next: these, which ascend, in turn, at most so many at a time.
    ///
    /// # Errors
    /// What `look` comes to; internal, if the file cannot be read.
    pub(in crate::training) fn each(
        &self,
        rows: &[usize],
        most: usize,
        mut look: impl FnMut(&Table, &[usize]) -> Result<()>,
    ) -> Result<()> {
        let stored = match self {
            Self::Memory(table) => return rows.chunks(most).try_for_each(|rows| look(table, rows)),
            Self::File(stored) => stored,
        };
        let mut rest = rows;
        while let [first, ..] = *rest {
            let block = first..(first + most).min(stored.rows);
            let (rows, later) = rest.split_at(rest.partition_point(|row| block.contains(row)));
            rest = later;
            look(&stored.block(block)?, &rows.iter().map(|row| row - first).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Whether both are the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory(one), Self::Memory(other)) => Rc::ptr_eq(one, other),
            (Self::File(one), Self::File(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }

    pub(in crate::training) fn rows(&self) -> usize {
        match self {
            Self::Memory(table) => table.rows,
            Self::File(stored) => stored.rows,
        }
    }

    /// Whether it comes from arrays (IDX, npy), whose columns have no names.
    pub(super) fn is_array(&self) -> bool {
        match self {
            Self::Memory(table) => table.lines.is_empty() && table.task.is_none(),
            Self::File(stored) => !stored.has_lines(),
        }
    }

    /// What a person should hear of how it was read.
    pub(in crate::training) fn remarks(&self) -> &[String] {
        match self {
            Self::Memory(table) => &table.remarks,
            Self::File(stored) => &stored.remarks,
        }
    }

    /// Whether the cells of this column are text.
    pub(super) fn is_text(&self, column: &str) -> bool {
        let is_text = |table: &Table| table.position(column).is_some_and(|place| table.columns[place].cells.is_text());
        match self {
            Self::Memory(table) => is_text(table),
            Self::File(stored) => is_text(&stored.shape()),
        }
    }

    /// How numbers are written in its text.
    pub(in crate::training) fn numerals(&self) -> &Numerals {
        match self {
            Self::Memory(table) => &table.numerals,
            Self::File(stored) => &stored.numerals,
        }
    }

    /// Number of columns.
    pub(in crate::training) fn columns(&self) -> usize {
        match self {
            Self::Memory(table) => table.columns.len(),
            Self::File(stored) => stored.shape().columns.len(),
        }
    }

    /// The class of every row; none for regression.
    pub(super) fn strata(&self, fitting: &FitOptions) -> Result<Option<Vec<usize>>> {
        match self {
            Self::Memory(table) => fit::strata(table, fitting),
            Self::File(stored) => fit::strata_stored(stored, fitting),
        }
    }

    /// The encoding that fits these rows.
    pub(super) fn fit(&self, rows: &[usize], fitting: &FitOptions) -> Result<Encoding> {
        match self {
            Self::Memory(table) => Encoding::fit(table, rows, fitting),
            Self::File(stored) => Encoding::fit_stored(stored, rows, fitting),
        }
    }

    /// What the target alone becomes.
    pub(in crate::training) fn fit_target(&self, rows: &[usize], fitting: &FitOptions) -> Result<Target> {
        match self {
            Self::Memory(table) => Encoding::fit_target(table, rows, fitting),
            Self::File(stored) => Encoding::fit_target_stored(stored, rows, fitting),
        }
    }

    /// What these rows' losses are multiplied by; none where nothing is asked for.
    pub(super) fn weights(
        &self,
        rows: &[usize],
        encoding: &Encoding,
        classes: Option<&ClassWeights>,
        column: Option<&str>,
    ) -> Result<Option<Vec<f64>>> {
        match self {
            Self::Memory(table) => row_weights::of_rows(table, rows, encoding, classes, column),
            Self::File(_) if classes.is_none() && column.is_none() => Ok(None),
            Self::File(stored) => {
                let mut table = targets(stored, encoding)?;
                if let Some(position) = column.and_then(|column| stored.shape().position(column)) {
                    table.columns.extend(stored.only(&[position])?.columns);
                }
                row_weights::of_rows(&table, rows, encoding, classes, column)
            }
        }
    }

    /// What a network should say about some rows.
    pub(in crate::training) fn truth(&self, rows: &[usize], encoding: &Encoding) -> Result<Truth> {
        match self {
            Self::Memory(table) => Truth::of(encoding, table, rows),
            Self::File(stored) => Truth::of(encoding, &targets(stored, encoding)?, rows),
        }
    }

    /// The columns' names and kinds, as a table that may have no rows.
    pub(in crate::training::run) fn shape(&self) -> Cow<'_, Table> {
        match self {
            Self::Memory(table) => Cow::Borrowed(table),
            Self::File(stored) => Cow::Owned(stored.shape()),
        }
    }

    /// The most bins of a numeric column.
    pub(super) fn bins(&self, options: &FitOptions) -> Result<usize> {
        fit::bins(&self.shape(), self.rows(), options)
    }

    /// How numbers are scaled that nothing is said of.
    pub(super) fn usual_scale(&self, encoding: &Encoding) -> Scale {
        let table = self.shape();
        let positions = table.positions();
        let is_byte = |column: &InputColumn| {
            let cells = positions.get(column.name.as_str()).map(|&position| &table.columns[position].cells);
            matches!((cells, &column.kind), (Some(Cells::Bytes(_)), InputKind::Number { .. }))
        };
        if encoding.inputs.iter().all(is_byte) { Scale::Minmax } else { Scale::Standard }
    }

    /// The remarks about single columns of a source: those with stray text, those that number these rows (if `is_free`:
    /// the user may still leave columns out), and those that are the same in all of them.
    pub(super) fn remarks_on_columns(
        &self,
        source: &str,
        encoding: &Encoding,
        rows: &[usize],
        is_free: bool,
    ) -> Result<Vec<String>> {
        let (mut remarks, mut constant, mut numbered) = (Vec::new(), Vec::new(), Vec::new());
        match self {
            Self::Memory(table) => {
                let of_inputs = encoding.inputs.iter().map(|input| input.name.as_str());
                let known: HashSet<&str> = of_inputs.chain(encoding.target_names()).collect();
                remarks.extend(remarks::stray_text(table, |name| known.contains(name)));
                // What is embedded is as it is.
                if table.task.is_none() {
                    constant.extend(remarks::constant_columns(encoding, table, rows));
                    numbered.extend(remarks::numbered(encoding, table, rows));
                    remarks.extend(remarks::constant_targets(encoding, table, rows));
                }
            }
            Self::File(stored) => {
                let shape = stored.shape();
                let positions = shape.positions();
                for input in &encoding.inputs {
                    let Some((table, encoding)) = alone(stored, &positions, input)? else { continue };
                    remarks.extend(remarks::stray_text(&table, |_| true));
                    constant.extend(remarks::constant_columns(&encoding, &table, rows));
                    numbered.extend(remarks::numbered(&encoding, &table, rows));
                }
                let targets = targets(stored, encoding)?;
                remarks.extend(remarks::stray_text(&targets, |_| true));
                remarks.extend(remarks::constant_targets(encoding, &targets, rows));
            }
        }
        let shape = self.shape();
        let positions = shape.positions();
        remarks.extend(numbered.iter().filter(|_| is_free).filter_map(|name| {
            let flag = flagged("--ignore", &shape.flag_value(*positions.get(name.as_str())?));
            let (source, name) = (shown(source), shown(name));
            Some(format!(
                "{source}: the whole numbers of column '{name}' all differ, as those that count or name rows do: {flag} leaves it out"
            ))
        }));
        remarks.extend(remarks::constant(source, &constant));
        Ok(remarks)
    }

    /// The remark about missing cells of inputs, in all rows. If `is_open`, nobody has said what stands in for them, and
    /// it names the choices.
    pub(super) fn filled_in(&self, encoding: &Encoding, is_open: bool) -> Result<Option<String>> {
        let (rows, shape) = (0..self.rows(), self.shape());
        let missing = match self {
            Self::Memory(table) => remarks::missing_cells(encoding, table, &rows),
            Self::File(stored) => {
                let positions = shape.positions();
                let mut missing = Vec::new();
                for input in &encoding.inputs {
                    let Some((table, encoding)) = alone(stored, &positions, input)? else { continue };
                    missing.extend(remarks::missing_cells(&encoding, &table, &rows));
                }
                missing
            }
        };
        let choice = if is_open {
            " (--missing median, mean or mode; drop leaves such rows out, and error refuses them)"
        } else {
            ""
        };
        Ok(remarks::filled_in(&shape.source, &missing).map(|cells| cells + choice))
    }

    /// The remark about classes that none of these rows is of.
    pub(super) fn absent_classes(
        &self,
        rows: &[usize],
        encoding: &Encoding,
        what: &str,
        is_by_chance: bool,
    ) -> Option<String> {
        let of = |table: &Table| remarks::absent_classes(encoding, table, rows, what, is_by_chance);
        match self {
            Self::Memory(table) => of(table),
            Self::File(stored) => of(&targets(stored, encoding).ok()?),
        }
    }

    /// The remarks about categories among these rows that the encoding does not know; none where there is no memory to look.
    pub(in crate::training) fn unseen_categories(&self, rows: &[usize], encoding: &Encoding) -> Vec<String> {
        let stored = match self {
            Self::Memory(table) => return remarks::unseen_categories(encoding, table, rows),
            Self::File(stored) => stored,
        };
        let shape = stored.shape();
        let positions = shape.positions();
        let of_column = |input: &InputColumn| {
            let (table, encoding) = alone(stored, &positions, input).ok().flatten()?;
            Some(remarks::unseen_categories(&encoding, &table, rows))
        };
        encoding.inputs.iter().filter(|input| input.is_category()).filter_map(of_column).flatten().collect()
    }
}

/// The target columns of all rows.
fn targets(stored: &StoredTable, encoding: &Encoding) -> Result<Table> {
    let shape = stored.shape();
    let known = shape.positions();
    let positions: Vec<usize> = encoding.target_names().into_iter().filter_map(|name| known.get(name).copied()).collect();
    // Without them there is an error to tell.
    if positions.is_empty() { Ok(shape) } else { stored.only(&positions) }
}

/// An input column of all rows, alone, and what is said of it, without a target.
fn alone(stored: &StoredTable, positions: &HashMap<&str, usize>, input: &InputColumn) -> Result<Option<(Table, Encoding)>> {
    let Some(&position) = positions.get(input.name.as_str()) else { return Ok(None) };
    let target = Target::Regression { columns: Vec::new() };
    let encoding = Encoding { inputs: vec![input.clone()], target, missing_values: None, numerals: Numerals::default() };
    Ok(Some((stored.only(&[position])?, encoding)))
}
