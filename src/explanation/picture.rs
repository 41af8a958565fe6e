//! The pictures of an explanation: the network as the row goes through it, and as the gradient comes back.

use super::{Explanation, Weight};
use crate::page::{Edge, Net, Row, Unit, digits, in_circle};

impl Explanation {
    /// Forwards: units by their outputs, lines by the weights.
    pub(super) fn forward_picture(&self) -> Net {
        let values: Vec<&[f64]> = (0..=self.layers.len()).map(|l| self.inputs_of(l)).collect();
        let about =
            format!("{}; the circles hold outputs, the lines are weights; the loss is {}", self.shape(), digits(self.loss));
        self.picture("Forwards: outputs in the circles, weights as lines", about, &values, 1.0, &|l, input, unit| {
            self.layers[l].weights[input][unit]
        })
    }

    /// Backwards: units by their deltas, lines by the gradients.
    pub(super) fn backward_picture(&self) -> Net {
        let deltas = self.layers.iter().map(|layer| layer.deltas.as_slice());
        let values: Vec<&[f64]> = std::iter::once(self.input_errors.as_slice()).chain(deltas).collect();
        let about = format!(
            "{}; the circles hold deltas, the derivatives of the loss by the sums, and at the inputs those by the inputs; the lines are \
             gradients",
            self.shape()
        );
        self.picture(
            "Backwards: deltas in the circles (at the inputs dLoss/dx), gradients as lines",
            about,
            &values,
            0.0,
            &|l, input, unit| self.layers[l].gradients[input][unit],
        )
    }

    fn picture(
        &self,
        title: &str,
        about: String,
        values: &[&[f64]],
        least: f64,
        line: &dyn Fn(usize, usize, usize) -> f64,
    ) -> Net {
        let layers = (0..=self.layers.len()).map(|place| self.row(place, values[place], least)).collect();
        let edges = (0..self.layers.len()).map(|l| self.edges(l, line)).collect();
        Net { title: title.to_owned(), about, layers, edges }
    }

    /// The inputs (place 0) or the units of a layer, with what stands in their circles. Colours are full at the largest of them, or at `least`
    /// if that is more.
    fn row(&self, place: usize, values: &[f64], least: f64) -> Row {
        let (shown, name) = match place.checked_sub(1) {
            None => (&self.shown_inputs, "inputs".to_owned()),
            Some(l) => (&self.layers[l].shown, self.layer_title(l)),
        };
        let largest = shown.iter().fold(least, |largest, &unit| largest.max(values[unit].abs()));
        let unit = |&unit: &usize| Unit {
            label: match place.checked_sub(1) {
                None => self.titles.inputs[unit].clone(),
                Some(l) if shown.len() < values.len() || l + 1 == self.layers.len() => self.unit_name(l, unit),
                Some(_) => String::new(),
            },
            value: in_circle(values[unit]),
            shade: if largest > 0.0 { values[unit] / largest } else { 0.0 },
        };
        Row { name, units: shown.iter().map(unit).collect(), left_out: values.len() - shown.len() }
    }

    /// The lines into a layer, as strong as they are beside the strongest.
    fn edges(&self, l: usize, line: &dyn Fn(usize, usize, usize) -> f64) -> Vec<Edge> {
        let (before, layer) = (self.shown_into(l), &self.layers[l]);
        let places = || before.iter().enumerate().flat_map(|from| layer.shown.iter().enumerate().map(move |to| (from, to)));
        let largest = places().fold(0.0_f64, |most, ((_, &input), (_, &unit))| most.max(line(l, input, unit).abs()));
        let edge = |((from, &input), (to, &unit)): ((usize, &usize), (usize, &usize))| {
            let value = line(l, input, unit);
            Edge {
                from,
                to,
                strength: if largest > 0.0 { value / largest } else { 0.0 },
                title: format!("{} → {}: {}", self.input_name(l, Some(input)), self.unit_name(l, unit), digits(value)),
                marked: self.chain.weight == Weight { layer: l, input: Some(input), unit },
            }
        };
        places().map(edge).collect()
    }
}
