//! What a session's network says of rows, as it is at the time, and how far from the truth that is.

use std::borrow::Cow;

use super::device::Precision;
use super::{Rows, Samples, Session, mean};
use crate::data::Matrix;
use crate::error::Result;
use crate::kernels::Step;
use crate::plan::Phase;

impl<T: Precision> Session<T> {
    /// The network's outputs [rows × outputs] for some inputs.
    ///
    /// # Errors
    /// What the device reports.
    pub fn predict(&mut self, inputs: &Matrix<T>) -> Result<Matrix<T>> {
        let (outputs, _) = self.forward(inputs, None)?;
        Ok(outputs)
    }

    /// The network's outputs [rows × outputs] for some rows.
    ///
    /// # Errors
    /// What the device reports; internal, if a file of rows cannot be read.
    pub fn predict_rows(&mut self, rows: &Rows<T>) -> Result<Matrix<T>> {
        match rows {
            Rows::Memory(samples) => self.predict(&samples.inputs),
            Rows::File(_) => Ok(self.evaluate_rows(rows)?.0),
        }
    }

    /// The network's outputs [rows × outputs] and its mean loss a row over some samples.
    ///
    /// # Errors
    /// What the device reports.
    pub fn evaluate(&mut self, samples: &Samples<T>) -> Result<(Matrix<T>, f64)> {
        let (outputs, losses) = self.forward(&samples.inputs, Some(&samples.targets))?;
        Ok((outputs, mean(&losses)))
    }

    /// The network's loss of each of some rows.
    ///
    /// # Errors
    /// What the device reports.
    pub fn losses_of(&mut self, samples: &Samples<T>) -> Result<Vec<T>> {
        Ok(self.forward(&samples.inputs, Some(&samples.targets))?.1)
    }

    /// The network's outputs for some rows, their targets, each [rows × outputs], and its mean loss a row.
    ///
    /// # Errors
    /// What the device reports; internal, if a file of rows cannot be read.
    pub fn evaluate_rows<'a>(&mut self, rows: &'a Rows<T>) -> Result<(Matrix<T>, Cow<'a, Matrix<T>>, f64)> {
        if let Rows::Memory(samples) = rows {
            let (outputs, loss) = self.evaluate(samples)?;
            return Ok((outputs, Cow::Borrowed(&samples.targets), loss));
        }
        let most = self.executor.plan().evaluation_rows;
        let (mut outputs, mut targets, mut losses) = (Vec::new(), Vec::new(), Vec::new());
        for first in (0..rows.rows()).step_by(most) {
            let block: Vec<usize> = (first..(first + most).min(rows.rows())).collect();
            let samples = rows.gathered(&block)?;
            let (of_block, losses_of_block) = self.forward(&samples.inputs, Some(&samples.targets))?;
            outputs.extend(of_block.values);
            losses.extend(losses_of_block);
            targets.extend(samples.targets.values);
        }
        let all = |values| Matrix::new(rows.rows(), self.network.outputs(), values);
        Ok((all(outputs), Cow::Owned(all(targets)), mean(&losses)))
    }

    /// Evaluates all replicas with the rows that stay on the device, at most so many at a time as one takes alone. `look` is shown each
    /// replica's outputs [rows × outputs] of the rows from a first one on, and the loss of each of these rows.
    ///
    /// # Errors
    /// What the device reports.
    ///
    /// # Panics
    /// If no rows to evaluate with stay on the device ([`Session::with_validation`]).
    pub fn evaluate_replicas(&mut self, mut look: impl FnMut(usize, usize, &[T], &[T])) -> Result<()> {
        let plan = self.executor.plan();
        let (all, most, records) = (plan.buffers[plan.evaluation_inputs].rows, plan.evaluation_rows, plan.records);
        let (outputs, losses, columns) = (plan.evaluation_outputs, plan.evaluation_losses, self.network.outputs());
        assert!(plan.buffers[plan.evaluation_inputs].shared, "the rows to evaluate with are on the device");
        for first in (0..all).step_by(most) {
            let rows = most.min(all - first);
            self.executor.run(Phase::Evaluation, &vec![Step { first, rows, scale: 1.0, ..Step::default() }; records])?;
            let mut of_rows = Vec::with_capacity(self.replicas.len() * rows);
            self.executor.look_at_replicas(losses, rows, &mut |_, losses| of_rows.extend_from_slice(losses))?;
            self.executor.look_at_replicas(outputs, rows * columns, &mut |replica, outputs| {
                look(replica, first, outputs, &of_rows[replica * rows..][..rows]);
            })?;
        }
        Ok(())
    }

    fn forward(&mut self, inputs: &Matrix<T>, targets: Option<&Matrix<T>>) -> Result<(Matrix<T>, Vec<T>)> {
        let plan = self.executor.plan();
        let [x, y] = [plan.evaluation_inputs, plan.evaluation_targets];
        let [a, losses_of] = [plan.evaluation_outputs, plan.evaluation_losses];
        let (most, columns) = (plan.evaluation_rows, self.network.outputs());
        let mut outputs = Vec::with_capacity(inputs.rows * columns);
        let mut losses = Vec::with_capacity(inputs.rows);
        for first in (0..inputs.rows).step_by(most) {
            let rows = most.min(inputs.rows - first);
            self.executor.write(x, 0, &inputs.values[first * inputs.columns..(first + rows) * inputs.columns])?;
            if let Some(targets) = targets {
                self.executor.write(y, 0, &targets.values[first * columns..(first + rows) * columns])?;
            }
            self.executor.run(Phase::Evaluation, &[Step { rows, scale: 1.0, ..Step::default() }])?;
            outputs.extend(self.executor.read(a, 0, rows)?);
            if targets.is_some() {
                losses.extend(self.executor.read_values(losses_of, 0, rows)?);
            }
        }
        Ok((Matrix::new(inputs.rows, columns, outputs), losses))
    }
}
