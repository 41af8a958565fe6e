//! What a session's networks say of rows, as they are at the time, and how far from the truth that is. The networks of one session are
//! one model: what it says is the mean of what they say.

use std::borrow::Cow;

use super::device::Precision;
use super::{Rows, Samples, Session, mean};
use crate::data::Matrix;
use crate::error::Result;
use crate::kernels::Step;
use crate::network::ensemble::mean_outputs;
use crate::plan::Phase;

/// What one network says of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Said<T> {
    /// Its outputs [rows × outputs].
    pub outputs: Matrix<T>,
    /// Its loss of each row; none where there are no targets.
    pub losses: Vec<T>,
}

impl<T: Precision> Session<T> {
    /// The model's outputs [rows × outputs] for some inputs.
    ///
    /// # Errors
    /// What the device reports.
    pub fn predict(&mut self, inputs: &Matrix<T>) -> Result<Matrix<T>> {
        Ok(mean_outputs(self.predict_each(inputs)?))
    }

    /// Each network's outputs [rows × outputs] for some inputs.
    ///
    /// # Errors
    /// What the device reports.
    pub fn predict_each(&mut self, inputs: &Matrix<T>) -> Result<Vec<Matrix<T>>> {
        Ok(self.forward(inputs, None)?.into_iter().map(|said| said.outputs).collect())
    }

    /// The model's outputs [rows × outputs] for some rows.
    ///
    /// # Errors
    /// What the device reports; internal, if a file of rows cannot be read.
    pub fn predict_rows(&mut self, rows: &Rows<T>) -> Result<Matrix<T>> {
        match rows {
            Rows::Memory(samples) => self.predict(&samples.inputs),
            Rows::File(_) => Ok(self.evaluate_rows(rows)?.0),
        }
    }

    /// The model's outputs [rows × outputs] and its mean loss a row over some samples.
    ///
    /// # Errors
    /// What the device reports.
    pub fn evaluate(&mut self, samples: &Samples<T>) -> Result<(Matrix<T>, f64)> {
        let (outputs, losses) = self.judged(samples)?;
        Ok((outputs, mean(&losses)))
    }

    /// What each network says of some samples.
    ///
    /// # Errors
    /// What the device reports.
    pub fn evaluate_each(&mut self, samples: &Samples<T>) -> Result<Vec<Said<T>>> {
        self.forward(&samples.inputs, Some(&samples.targets))
    }

    /// The model's loss of each of some rows.
    ///
    /// # Errors
    /// What the device reports.
    pub fn losses_of(&mut self, samples: &Samples<T>) -> Result<Vec<T>> {
        Ok(self.judged(samples)?.1)
    }

    /// The model's outputs [rows × outputs] and its loss of each row: of several networks, the loss of what they say in the mean.
    fn judged(&mut self, samples: &Samples<T>) -> Result<(Matrix<T>, Vec<T>)> {
        let mut said = self.evaluate_each(samples)?;
        if said.len() == 1 {
            let Said { outputs, losses } = said.remove(0);
            return Ok((outputs, losses));
        }
        let (loss, targets) = (self.recipe().loss, &samples.targets);
        let outputs = mean_outputs(said.into_iter().map(|said| said.outputs).collect());
        let of_row = |row: usize| T::from_f64(loss.of_outputs(outputs.row(row), targets.row(row)));
        let losses = (0..outputs.rows).map(of_row).collect();
        Ok((outputs, losses))
    }

    /// The model's outputs for some rows, their targets, each [rows × outputs], and its mean loss a row.
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
            let (of_block, losses_of_block) = self.judged(&samples)?;
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
        assert!(self.holds_validation, "the rows to evaluate with are on the device");
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

    /// What each network says of some inputs, and how far that is from the targets, if there are any.
    fn forward(&mut self, inputs: &Matrix<T>, targets: Option<&Matrix<T>>) -> Result<Vec<Said<T>>> {
        assert!(!self.holds_validation, "the rows that stay on the device would make way for others");
        let plan = self.executor.plan();
        let [x, y] = [plan.evaluation_inputs, plan.evaluation_targets];
        let [a, losses_of] = [plan.evaluation_outputs, plan.evaluation_losses];
        let (most, columns, records) = (plan.evaluation_rows, self.network.outputs(), plan.records);
        let mut outputs = vec![Vec::with_capacity(inputs.rows * columns); self.replicas.len()];
        let mut losses = vec![Vec::new(); self.replicas.len()];
        for first in (0..inputs.rows).step_by(most) {
            let rows = most.min(inputs.rows - first);
            self.executor.write(x, 0, &inputs.values[first * inputs.columns..(first + rows) * inputs.columns])?;
            if let Some(targets) = targets {
                self.executor.write(y, 0, &targets.values[first * columns..(first + rows) * columns])?;
            }
            self.executor.run(Phase::Evaluation, &vec![Step { rows, scale: 1.0, ..Step::default() }; records])?;
            let look = &mut |replica: usize, said: &[T]| outputs[replica].extend_from_slice(said);
            self.executor.look_at_replicas(a, rows * columns, look)?;
            if targets.is_some() {
                let look = &mut |replica: usize, said: &[T]| losses[replica].extend_from_slice(said);
                self.executor.look_at_replicas(losses_of, rows, look)?;
            }
        }
        let said = |(values, losses)| Said { outputs: Matrix::new(inputs.rows, columns, values), losses };
        Ok(outputs.into_iter().zip(losses).map(said).collect())
    }
}
