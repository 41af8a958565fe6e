//! Fitting to a table in a file, a column at a time.

use super::{FitOptions, Roles, strata};
use crate::data::{Encoding, StoredTable, Table, Target};
use crate::error::Result;

impl Encoding {
    /// As [`fit_target`](Self::fit_target), of a table in a file.
    ///
    /// # Errors
    /// As there; limit, where there is no memory for the columns.
    pub fn fit_target_stored(stored: &StoredTable, rows: &[usize], options: &FitOptions) -> Result<Target> {
        let roles = Roles::of(&stored.shape(), options)?;
        let mut alone = Alone::new(stored, &roles, options)?;
        let (table, options) = alone.with(roles.inputs[0])?;
        Self::fit_target(table, rows, &options)
    }

    /// As [`fit`](Self::fit), of a table in a file, a column at a time.
    ///
    /// # Errors
    /// As there; limit, where there is no memory for a column.
    pub fn fit_stored(stored: &StoredTable, rows: &[usize], options: &FitOptions) -> Result<Self> {
        let shape = stored.shape();
        let roles = Roles::of(&shape, options)?;
        // All columns together decide it.
        let scale = roles.scale(&shape, options);
        let mut alone = Alone::new(stored, &roles, options)?;
        let (mut inputs, mut target) = (Vec::with_capacity(roles.inputs.len()), None);
        for &position in &roles.inputs {
            let (table, options) = alone.with(position)?;
            if target.is_none() {
                target = Some(Self::fit_target(table, rows, &options)?);
            }
            let roles = Roles::of(table, &options)?;
            inputs.extend(Self::fit_inputs(table, rows, &roles, &options, scale)?);
        }
        Ok(Self { inputs, target: target.expect("there is an input") })
    }
}

/// The class of every row of a table in a file, as [`strata`] has them.
///
/// # Errors
/// As there; limit, where there is no memory for the columns.
pub fn strata_stored(stored: &StoredTable, options: &FitOptions) -> Result<Option<Vec<usize>>> {
    let roles = Roles::of(&stored.shape(), options)?;
    let mut alone = Alone::new(stored, &roles, options)?;
    // A table has an input; which it is says nothing here.
    let (table, options) = alone.with(roles.inputs[0])?;
    strata(table, &options)
}

/// The target columns of a table in a file, and one input column after the other beside them.
struct Alone<'a> {
    stored: &'a StoredTable,
    targets: usize,
    table: Table,
    options: FitOptions,
    /// The columns that are categories.
    categorical: Vec<usize>,
}

impl<'a> Alone<'a> {
    fn new(stored: &'a StoredTable, roles: &Roles, options: &FitOptions) -> Result<Self> {
        let table = stored.only(&roles.targets)?;
        let target = table.names().map(str::to_owned).collect();
        let options = FitOptions { target, ignore: Vec::new(), categorical: Vec::new(), ..options.clone() };
        Ok(Self { stored, targets: roles.targets.len(), table, options, categorical: roles.categorical.clone() })
    }

    /// The targets and the column at this position, and what is said of them.
    fn with(&mut self, position: usize) -> Result<(&Table, FitOptions)> {
        self.table.columns.truncate(self.targets);
        self.table.columns.extend(self.stored.only(&[position])?.columns);
        let shape = self.stored.shape();
        let named = self.categorical.iter().map(|&position| &shape.columns[position].name);
        let categorical = named.filter(|name| self.table.position(name).is_some()).cloned().collect();
        Ok((&self.table, FitOptions { categorical, ..self.options.clone() }))
    }
}
