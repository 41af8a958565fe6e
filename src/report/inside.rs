//! The layers of a trained network: weights, gradients, activations.

use super::account::{Layer, Spread};
use super::page::line;
use super::scores::{bars, paragraph};
use super::story::Story;
use crate::page::{COLOURS, Chart, Form, Series, Words, figures, table};

/// Layers whose weights are drawn, at most.
const DRAWN: usize = 8;

impl Story {
    /// The layers in numbers, and how their weights are spread; nothing, if they were not looked at.
    pub(super) fn inside(&self) -> String {
        let Some(looked) = self.account.layers.as_ref().filter(|looked| !looked.layers.is_empty()) else {
            return String::new();
        };
        let rows: Vec<Vec<String>> = looked.layers.iter().enumerate().map(|(index, layer)| row(index + 1, layer)).collect();
        let headers =
            ["layer", "units", "weights", "from", "to", "gradients", "the largest", "activations", "constant units"];
        let of = self.account.outcome.pointer("/network/ensemble").and_then(serde_json::Value::as_u64);
        let of = of.map_or(String::new(), |networks| format!("These are the layers of the first of {networks} networks. "));
        let told = format!(
            "{of}In double precision, after training, on {} training rows: mean ± standard deviation. Gradients are those of the mean loss; a \
             unit that gives the same for every row learns nothing.",
            looked.rows
        );
        let charts: String =
            looked.layers.iter().take(DRAWN).enumerate().map(|(index, layer)| chart(index + 1, layer).figure()).collect();
        format!(
            "<h2>Layers</h2>\n{}{}<details>\n<summary>How the weights are spread</summary>\n<div class=\"charts\">\n{charts}</div>\n</details>\n",
            paragraph(&told),
            table("", &headers, &rows, 2)
        )
    }
}

fn row(number: usize, layer: &Layer) -> Vec<String> {
    let spread = |spread: Spread| format!("{} ± {}", figures(spread.mean), figures(spread.deviation));
    let missing = || "–".to_string();
    vec![
        number.to_string(),
        format!("{} → {} {}", layer.shape[0], layer.shape[1], layer.activation),
        spread(layer.weights),
        figures(layer.weights.least),
        figures(layer.weights.largest),
        spread(layer.gradients),
        figures(layer.gradients.least.abs().max(layer.gradients.largest.abs())),
        layer.activations.map_or_else(missing, spread),
        layer.constant.map_or_else(missing, |share| format!("{:.1} %", 100.0 * share)),
    ]
}

fn chart(number: usize, layer: &Layer) -> Chart {
    let Spread { mean, deviation, least, largest } = layer.weights;
    let about = format!(
        "from {} to {}, mean {}, standard deviation {}",
        figures(least),
        figures(largest),
        figures(mean),
        figures(deviation)
    );
    let series = Series { form: Form::Bars, ..line("weights", number - 1, bars(&layer.counts, least, largest)) };
    let series = Series { colour: COLOURS[(number - 1) % 3], ..series };
    let most = layer.counts.iter().max().copied().unwrap_or(1) as f64;
    let y = Words::linear("weights").over(0.0, 1.05 * most.max(1.0));
    Chart::half(&format!("Weights of layer {number}"), about, Words::linear("weight"), y, vec![series])
}
