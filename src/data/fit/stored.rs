//! Fitting to a table in a file: the targets first, then one input column after the other.

use super::{FitOptions, Form, Roles, both, roles};
use crate::data::{Encoding, StoredTable, Table, Target};
use crate::error::{Result, gathered};

impl Encoding {
    /// As [`fit_target`](Self::fit_target), of a table in a file.
    ///
    /// # Errors
    /// As there; limit, where there is no memory for the columns.
    pub fn fit_target_stored(stored: &StoredTable, rows: &[usize], options: &FitOptions) -> Result<Target> {
        let (table, roles) = targets(stored, &Roles::of(&stored.shape(), options)?)?;
        Self::fit_target_of(&table, rows, &roles, options)
    }

    /// As [`fit`](Self::fit), of a table in a file, a column at a time.
    ///
    /// # Errors
    /// As there; limit, where there is no memory for a column.
    pub fn fit_stored(stored: &StoredTable, rows: &[usize], options: &FitOptions) -> Result<Self> {
        let shape = stored.shape();
        let of_all = Roles::of(&shape, options)?;
        // All columns together decide it.
        let (scale, bins) = (of_all.scale(&shape, options), of_all.bins(&shape, stored.rows, options));
        let (table, roles) = targets(stored, &of_all)?;
        let target = Self::fit_target_of(&table, rows, &roles, options);
        let form = Form { scale, bins, task: roles::task_of(&table, &roles, options)? };
        let input = |&position: &usize| {
            let alone = Roles { inputs: vec![0], ..of_all.of_columns(&[position]) };
            Self::fit_inputs(&stored.only(&[position])?, rows, &alone, options, form)
        };
        let (target, inputs) = both(target, gathered(of_all.inputs.iter().map(input)))?;
        let inputs = inputs.into_iter().flatten().collect();
        Ok(Self { inputs, target, missing_values: options.missing_values.clone(), numerals: shape.numerals })
    }
}

/// The class of every row of a table in a file, as [`strata`](super::strata) has them.
///
/// # Errors
/// As there; limit, where there is no memory for the columns.
pub fn strata_stored(stored: &StoredTable, options: &FitOptions) -> Result<Option<Vec<usize>>> {
    let (table, roles) = targets(stored, &Roles::of(&stored.shape(), options)?)?;
    roles::strata_of(&table, &roles, options)
}

/// The target columns alone, and their roles.
fn targets(stored: &StoredTable, roles: &Roles) -> Result<(Table, Roles)> {
    let count = roles.targets.len();
    Ok((stored.only(&roles.targets)?, Roles { targets: (0..count).collect(), ..roles.of_columns(&roles.targets) }))
}

impl Roles {
    /// Which of these columns are categories, in a table of them alone.
    fn of_columns(&self, positions: &[usize]) -> Self {
        let categorical = (0..positions.len()).filter(|&place| self.categorical.contains(&positions[place])).collect();
        Self { inputs: Vec::new(), targets: Vec::new(), categorical }
    }
}
