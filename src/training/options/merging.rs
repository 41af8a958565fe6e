//! Options of several origins: flags over a file, and over what a model or other data say.

use super::{FileOptions, Options};
use crate::data::Missing;

impl Options {
    /// These options, and where they say nothing, those of a file. What in the file only followed from something that these
    /// options change (a learning rate from the optimizer, say) is left open again.
    ///
    /// # Panics
    /// Never: options are tables of plain values.
    pub fn over(self, mut file: Self) -> Self {
        if self.optimizer.is_some() && self.optimizer != file.optimizer {
            file.learning_rate = None;
        }
        if self.hidden.is_some() && file.activation.as_ref().is_some_and(|each| each.len() > 1) {
            file.activation = None;
        }
        if self.data.is_some() && file.data.is_some() && self.data != file.data {
            file = file.without_data();
        }
        if self.loss.is_some() || self.task.is_some() || self.target.is_some() {
            file.output_activation = None;
        }
        if self.loss.is_some() && self.loss != file.loss {
            file.huber_delta = None;
        }
        if self.output_activation.is_some() || self.task.is_some() || self.target.is_some() {
            (file.loss, file.huber_delta) = (None, None);
        }
        if self.target.is_some() {
            file.task = None;
            file.class_weights = None;
        }
        // What is said of single layers is said of one network.
        let is_other_model = self.finetune.is_some() && self.finetune != file.finetune;
        if is_other_model || self.hidden.is_some() && self.hidden != file.hidden {
            (file.freeze, file.layer_rates) = (None, None);
        }
        if (is_other_model || self.hidden.is_some()) && file.dropout.as_ref().is_some_and(|each| each.len() > 1) {
            file.dropout = None;
        }
        if self.finetune.is_some() {
            let of_model = Self { finetune: self.finetune.clone(), new_output: self.new_output, ..file };
            file = of_model.without_what_a_model_says();
        }
        if self.clip_norm.is_some() || self.clip_value.is_some() {
            (file.clip_norm, file.clip_value) = (None, None);
        }
        if self.device.tune.is_some() || self.device.device.is_some() {
            file.device.tuned = None;
        }
        if self.epochs.is_some() {
            file.step_every = None;
        }
        if self.batch_size.is_some() && self.batch_size != file.batch_size {
            file.accumulate = None;
        }
        if self.test.is_some() || self.validation.is_some() || self.folds != file.folds && self.folds.is_some() {
            file.split = None;
        }
        if self.folds.is_some() && self.fold.is_none() {
            file.fold = None;
        }
        let fields = |options: Self| match serde_json::to_value(options) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => panic!("options are a table of plain values"),
        };
        let mut merged = fields(file);
        merged.extend(fields(self).into_iter().filter(|(_, value)| !value.is_null()));
        serde_json::from_value(merged.into()).expect("both were options")
    }

    /// These options without what the model says itself that they start from, if they do.
    pub(in crate::training) fn without_what_a_model_says(self) -> Self {
        if self.finetune.is_none() {
            return self;
        }
        let has_own_target = self.new_output.unwrap_or(false);
        Self {
            target: self.target.filter(|_| has_own_target),
            task: self.task.filter(|_| has_own_target),
            output_activation: self.output_activation.filter(|_| has_own_target),
            loss: self.loss.filter(|_| has_own_target),
            huber_delta: self.huber_delta.filter(|_| has_own_target),
            missing: self.missing.filter(|missing| *missing == Missing::Drop),
            ignore: None,
            categorical: None,
            missing_values: None,
            scale: None,
            hidden: None,
            activation: None,
            no_bias: None,
            init: None,
            ..self
        }
    }

    /// These options without what was said of the data, or followed from it.
    fn without_data(self) -> Self {
        Self {
            data: None,
            files: FileOptions::default(),
            target: None,
            task: None,
            ignore: None,
            categorical: None,
            missing_values: None,
            scale: None,
            validation: None,
            validation_labels: None,
            test: None,
            test_labels: None,
            output_activation: None,
            loss: None,
            huber_delta: None,
            batch_size: None,
            accumulate: None,
            class_weights: None,
            weight_column: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::sample;
    use super::super::*;

    #[test]
    fn what_is_said_wins_over_what_the_file_says() {
        let flags = Options { seed: Some(3), hidden: Some(Hidden(vec![5])), ..Options::default() };
        let merged = flags.over(sample());
        assert_eq!((merged.seed, merged.hidden, merged.data), (Some(3), Some(Hidden(vec![5])), Some("digits".into())));
        assert_eq!(merged.device, sample().device);
        let tune = Options { device: DeviceOptions { tune: Some(true), ..Default::default() }, ..Options::default() };
        assert_eq!(tune.over(sample()).device.tuned, None, "measured again");
    }

    #[test]
    fn what_followed_from_something_that_changes_is_left_open_again() {
        let file = || Options {
            optimizer: Some(OptimizerKind::Adam),
            learning_rate: Some(0.001),
            loss: Some(Loss::CrossEntropy),
            output_activation: Some(Activation::Softmax),
            ..sample()
        };
        let flags = Options { optimizer: Some(OptimizerKind::Sgd), loss: Some(Loss::SquaredError), ..Options::default() };
        let merged = flags.over(file());
        assert_eq!((merged.learning_rate, merged.output_activation), (None, None));
        let other = Options { data: Some("iris".into()), ..Options::default() }.over(file());
        assert_eq!((other.batch_size, other.loss, other.seed, other.hidden), (None, None, None, Some(Hidden(vec![64, 32]))));
        // A file that names no data is for any.
        let plain = Options { data: None, ignore: Some(vec!["id".into()]), ..file() };
        let other = Options { data: Some("iris".into()), ..Options::default() }.over(plain);
        assert_eq!((other.ignore, other.batch_size), (Some(vec!["id".into()]), file().batch_size));
        let layered =
            Options { freeze: Some(vec![1]), layer_rates: Some(vec![0.1, 1.0]), dropout: Some(vec![0.1]), ..file() };
        let tuned = Options { finetune: Some("other".into()), ..Options::default() }.over(layered.clone());
        assert_eq!((tuned.freeze, tuned.layer_rates, tuned.dropout), (None, None, Some(vec![0.1])));
        let merged = Options::default().over(layered.clone());
        assert_eq!((merged.freeze, merged.layer_rates), (layered.freeze, layered.layer_rates));
        let same = Options { optimizer: Some(OptimizerKind::Adam), seed: Some(u64::MAX), ..Options::default() }.over(file());
        assert_eq!((same.learning_rate, same.loss, same.seed), (Some(0.001), Some(Loss::CrossEntropy), Some(u64::MAX)));
    }
}
