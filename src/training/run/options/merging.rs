//! Options of several origins: flags over a file, and over what a model or other data say.

use super::{Options, Rules};

impl Options {
    /// These options, and where they say nothing, those of a file. What in the file only followed from something that these
    /// options change (a learning rate from the optimizer, say) is left open again.
    ///
    /// # Panics
    /// Never: options are tables of plain values.
    pub fn over(&self, file: &Self) -> Self {
        let mut merged = match self.finetune.clone() {
            None => file.fields(),
            finetune => Self { finetune, new_output: self.new_output, ..file.clone() }.without_what_a_model_says().fields(),
        };
        for (key, _) in Self::rules().filter(|(_, rules)| (rules.left_open)(self, file)) {
            merged.remove(&key);
        }
        self.and(&serde_json::from_value(merged.into()).expect("they were options"))
    }

    /// These options, and where they say nothing, others that are said as well: nothing of those only followed from anything.
    ///
    /// # Panics
    /// Never: options are tables of plain values.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        let mut merged = others.fields();
        merged.extend(self.fields().into_iter().filter(|(_, value)| !value.is_null()));
        serde_json::from_value(merged.into()).expect("both were options")
    }

    /// These options without what the model says itself that they start from, if they do.
    ///
    /// # Panics
    /// Never: options are tables of plain values.
    pub(in crate::training) fn without_what_a_model_says(self) -> Self {
        if self.finetune.is_none() {
            return self;
        }
        let mut fields = self.fields();
        for (key, _) in self.said_by_a_model() {
            fields.remove(&key);
        }
        serde_json::from_value(fields.into()).expect("they were options")
    }

    /// The options that a model says itself: their keys and rules.
    pub(in crate::training) fn said_by_a_model(&self) -> impl Iterator<Item = (String, Rules)> {
        Self::rules().filter(|(_, rules)| (rules.of_model)(self))
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::super::text::tests::sample;
    use super::super::*;

    #[test]
    fn what_is_said_wins_over_what_the_file_says() {
        let flags = Options { seed: Some(3), hidden: Some(Hidden(vec![5])), ..Options::default() };
        let merged = flags.over(&sample());
        assert_eq!((merged.seed, merged.hidden, merged.data), (Some(3), Some(Hidden(vec![5])), Some("digits".into())));
        assert_eq!(merged.device, sample().device);
        let tune = Options { device: DeviceOptions { tune: Some(true), ..Default::default() }, ..Options::default() };
        assert_eq!(tune.over(&sample()).device.tuned, None, "measured again");
    }

    #[test]
    fn what_is_set_by_its_name_leaves_what_flags_say() {
        let flags = Options { learning_rate: Some(0.5), ensemble: Some(4), seed: Some(3), ..Options::default() };
        let set = Options {
            optimizer: Some(OptimizerKind::Sgd),
            hidden: Some(Hidden(vec![16])),
            seed: Some(5),
            ..Options::default()
        };
        let both = set.and(&flags);
        assert_eq!((both.learning_rate, both.ensemble, both.seed), (Some(0.5), Some(4), Some(5)));
        assert_eq!((both.optimizer, both.hidden), (set.optimizer, set.hidden));
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
        let merged = flags.over(&file());
        assert_eq!((merged.learning_rate, merged.output_activation), (None, None));
        let other = Options { data: Some("iris".into()), ..Options::default() }.over(&file());
        assert_eq!((other.batch_size, other.loss, other.seed, other.hidden), (None, None, None, Some(Hidden(vec![64, 32]))));
        // A file that names no data is for any.
        let plain = Options { data: None, ignore: Some(vec!["id".into()]), ..file() };
        let other = Options { data: Some("iris".into()), ..Options::default() }.over(&plain);
        assert_eq!((other.ignore, other.batch_size), (Some(vec!["id".into()]), file().batch_size));
        let layered =
            Options { freeze: Some(vec![1]), layer_rates: Some(vec![0.1, 1.0]), dropout: Some(vec![0.1]), ..file() };
        let tuned = Options { finetune: Some("other".into()), ..Options::default() }.over(&layered.clone());
        assert_eq!((tuned.freeze, tuned.layer_rates, tuned.dropout), (None, None, Some(vec![0.1])));
        let merged = Options::default().over(&layered.clone());
        assert_eq!((merged.freeze, merged.layer_rates), (layered.freeze, layered.layer_rates));
        let same =
            Options { optimizer: Some(OptimizerKind::Adam), seed: Some(u64::MAX), ..Options::default() }.over(&file());
        assert_eq!((same.learning_rate, same.loss, same.seed), (Some(0.001), Some(Loss::CrossEntropy), Some(u64::MAX)));
    }

    #[test]
    fn what_does_not_follow_from_the_data_or_from_what_is_said_otherwise_stays() {
        let missing = Options { data: Some("a.csv".into()), missing: Some(Missing::Mean), ..Options::default() };
        let other = Options { data: Some("b.csv".into()), ..Options::default() }.over(&missing);
        assert_eq!(other.missing, Some(Missing::Mean));
        // Of numbers whose owner the file does not name.
        let numbers = Options { huber_delta: Some(3.0), beta2: Some(0.5), ..Options::default() };
        let huber = Loss::value_variants().iter().copied().find(|loss| loss.number().is_some());
        let optimizer = Some(OptimizerKind::Rmsprop);
        let named = Options { loss: huber, optimizer, ..Options::default() };
        let merged = named.over(&numbers);
        assert_eq!((merged.huber_delta, merged.beta2), (Some(3.0), Some(0.5)));
        // And of numbers that it does: another one's usual number is another.
        let owned = Options { loss: huber, optimizer, output_activation: Some(Activation::Identity), ..numbers };
        let other = Options { loss: Some(Loss::AbsoluteError), optimizer: Some(OptimizerKind::Adam), ..Options::default() };
        let merged = other.over(&owned);
        assert_eq!((merged.huber_delta, merged.beta2), (None, None));
        let again = Options { output_activation: Some(Activation::Identity), ..Options::default() }.over(&owned);
        assert_eq!((again.loss, again.huber_delta), (huber, Some(3.0)));
    }
}
