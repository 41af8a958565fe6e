//! output = f(input · W + b), of which dropout drops some. Shaders: `shaders/forward.wgsl`, `shaders/forward_dropped.wgsl`.

use super::delta::slope_within;
use super::halves::{FLAGS, Factors, Kind, OVERFLOWS, Overflows};
use super::layout::Layout;
use super::product::{self, Composition, Grid};
use super::shader::{Shader, shader_file};
use super::tiling::{Factor, TileMut, Tiling};
use super::{Bounded, Dropped, Form, Kernel, Layer, Operand, Source, Step, Twin, View, ViewMut, Workspace, read, written};
use crate::network::{Activation, Slope};
use crate::rounding::{UNIT, sum_error, underflow};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Reads input [rows × inputs] and parameters [(inputs + bias) × outputs]; writes output [rows × outputs] and, for an activation
/// that stores it or with dropout, the slope f'(z) [rows × outputs].
#[derive(Debug, Clone)]
pub struct Forward {
    /// The layer.
    pub layer: Layer,
    /// `f`.
    pub activation: Activation,
    /// Whether the slope is written.
    pub slope: bool,
    /// What dropout does to the output and the slope, which is written then.
    pub dropped: Option<Dropped>,
    /// Where the batch's rows of the input are.
    pub source: Source,
    /// How the product takes its factors.
    pub factors: Factors,
}

/// How the factors lie in memory.
const LAYOUTS: [Layout; 2] = [Layout::Normal, Layout::Normal];

impl Kernel for Forward {
    fn name(&self) -> &'static str {
        "forward"
    }

    fn operands(&self) -> Vec<Operand> {
        let Layer { inputs, outputs, capacity, .. } = self.layer;
        let slopes = self.slope.then(|| Operand::write("slopes", capacity, outputs));
        [self.source.matrix("input", capacity, inputs), self.layer.weight()]
            .into_iter()
            .chain(self.source.operand())
            .chain([Operand::write("output", capacity, outputs)])
            .chain(slopes)
            .chain(self.factors.operand())
            .collect()
    }

    fn shader(&self, form: Form) -> Shader {
        let stores_slope = self.activation.stores_slope();
        let (suffix, parts) = match (self.dropped, self.slope) {
            (Some(_), _) => {
                let stored =
                    if stores_slope { shader_file!("stored_slope.wgsl") } else { shader_file!("stored_output.wgsl") };
                ("-dropped", [stored, shader_file!("forward_dropped.wgsl")])
            }
            (None, true) => ("-slope", [shader_file!("slope_kept.wgsl"), shader_file!("forward.wgsl")]),
            (None, false) => ("", [shader_file!("slope_dropped.wgsl"), shader_file!("forward.wgsl")]),
        };
        let composition = Composition {
            kernel: "forward",
            variant: &format!("{}{suffix}-{}", self.activation.file_name(), self.source.name()),
            operands: self.operands(),
            layouts: LAYOUTS,
            ones: false,
            grid: Grid::One,
            factors: self.factors,
            kinds: [Kind::Forward, Kind::Forward],
        };
        composition.shader(form, |shader| {
            shader
                .switch("READS_SOURCE", true)
                .part(self.source.shader())
                .activation(self.activation)
                .part(shader_file!("affine.wgsl"))
                .part(product::input_rows(form))
                .part(parts[0])
                .part(parts[1])
        })
    }

    fn workgroup_bytes(&self, form: Form) -> u32 {
        product::workgroup_bytes(form, LAYOUTS)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        product::layer(self.layer, self.source, 0, form, product::Own { dropped: self.dropped, ..product::Own::default() })
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        product::workgroups(self.sizes(rows), form)
    }

    fn iterations(&self, rows: usize, form: Form) -> u64 {
        product::iterations(self.sizes(rows), form)
    }

    fn product(&self, rows: usize) -> Option<[usize; 3]> {
        Some(self.sizes(rows))
    }

    fn factors(&self) -> Factors {
        self.factors
    }
}

impl Bounded for Forward {
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let Layer { inputs, outputs, bias, .. } = self.layer;
        let run = |input: &[f64], parameters: &[f64], bias: bool| {
            let (activation, source, layer) = (Activation::Identity, Source::Batch, Layer { bias, ..self.layer });
            let identity = Self { layer, activation, source, slope: false, dropped: None, ..self.clone() };
            let (mut result, mut flags) = (vec![0.0; before[0].values.len()], [0.0; FLAGS]);
            let reads = [View::new("input", input), View::new("weight", parameters)];
            let mut writes = [ViewMut::new("output", &mut result), ViewMut::new(OVERFLOWS, &mut flags)];
            identity.run(step, &reads, &mut writes, &mut Workspace::new(1));
            result
        };
        let (input, weight) = (read(reads, "input"), read(reads, "weight"));
        let (values, errors) =
            (self.source.rows(step, input, inputs, reads), self.source.errors(step, input, inputs, reads));
        let z = run(&values, weight.values, bias);
        let parameters = weight.magnitudes();
        let magnitude = run(&View { errors: &errors, ..View::new("input", &values) }.magnitudes(), &parameters, bias);
        // The input's error goes through the weights; the parameters themselves are exact within a step.
        let carried = if errors.is_empty() { Vec::new() } else { run(&errors, &parameters, false) };
        let terms = self.layer.parameter_rows();
        // Flags are exact.
        let mut bounds: Vec<Vec<f64>> = before.iter().map(|before| vec![0.0; before.values.len()]).collect();
        let matrices = 1 + usize::from(self.slope);
        for index in 0..step.rows * outputs {
            let own = sum_error(terms + 1) * magnitude[index] + underflow(terms);
            let error = own + carried.get(index).unwrap_or(&0.0);
            let each = self.activation.bounds(z[index], if magnitude[index] == 0.0 { 0.0 } else { error });
            let each = match self.dropped {
                None => each,
                Some(dropped) => self.dropped_bounds(dropped, step, index, z[index], each),
            };
            bounds[..matrices].iter_mut().zip(each).for_each(|(bounds, bound)| bounds[index] = bound);
        }
        bounds
    }
}

impl Forward {
    /// Rows, columns and terms of the product.
    fn sizes(&self, rows: usize) -> [usize; 3] {
        [rows, self.layer.outputs, self.layer.inputs]
    }

    /// The row of the batch, whatever micro-batch it is in.
    fn row_of_batch(&self, step: &Step, row: usize) -> usize {
        step.micro * self.layer.capacity + row
    }

    /// The bounds of what dropout makes of an element's output and slope, from those of f(z) and of a slope that is stored.
    fn dropped_bounds(&self, dropped: Dropped, step: &Step, index: usize, z: f64, [output, slope]: [f64; 2]) -> [f64; 2] {
        let (row, column) = (index / self.layer.outputs, index % self.layer.outputs);
        if !dropped.keeps(step, self.row_of_batch(step, row), column / 4)[column % 4] {
            return [0.0; 2];
        }
        let (factor, activated) = (dropped.factor::<f64>(step), self.activation.activate(z));
        let slope_error = if self.activation.stores_slope() {
            slope
        } else {
            // f' is told from the output, and rounds at most four times on the way.
            slope_within(Slope::FromOutput(self.activation), activated, output)[1] + 4.0 * UNIT
        };
        // The factor and its product round once each.
        let of =
            |value: f64, error: f64| factor * (error + 3.0 * UNIT * (value.abs() + error)) + f64::from(f32::MIN_POSITIVE);
        [of(activated, output), of(self.activation.slope(z), slope_error)]
    }
}

impl<T: Scalar> Twin<T> for Forward {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let Layer { inputs, outputs, .. } = self.layer;
        let input = self.source.rows(step, read(reads, "input"), inputs, reads);
        let (weight, bias) = read(reads, "weight").values.split_at(self.layer.weights());
        let mut overflows = Overflows::default();
        let input = self.factors.take(input, Kind::Forward, &mut overflows);
        let weight = self.factors.take(weight, Kind::Forward, &mut overflows);
        let [output, slopes, flags] = written(writes, ["output", "slopes", OVERFLOWS]);
        overflows.note(flags);
        let output = &mut output[..step.rows * outputs];
        let lhs = Factor { values: &input, layout: Layout::Normal, width: inputs };
        let rhs = Factor { values: &weight, layout: Layout::Normal, width: outputs };
        let tiling = Tiling::new(self.sizes(step.rows));
        let bias = self.layer.bias.then(|| &bias[..outputs]);
        let activation = self.activation;
        if self.slope {
            tiling.for_each([output, slopes], workspace.threads, |tile| {
                tile.multiply(inputs, lhs, rhs);
                vectorised(Finish { tile: &mut *tile, bias, activation });
                if let Some(dropped) = self.dropped {
                    vectorised(Dropping { tile, dropped, step, first: self.row_of_batch(step, 0) });
                }
            });
        } else {
            tiling.for_each([output], workspace.threads, |tile| {
                tile.multiply(inputs, lhs, rhs);
                vectorised(Finish { tile, bias, activation });
            });
        }
    }
}

/// What is left to do when a tile holds the sums: the bias, the activation and, in a second matrix, the slope.
struct Finish<'a, 'b, T, const N: usize> {
    tile: &'a mut TileMut<'b, T, N>,
    bias: Option<&'a [T]>,
    activation: Activation,
}

impl<T: Scalar, const N: usize> Vectorised for Finish<'_, '_, T, N> {
    #[inline(always)]
    fn run(self) {
        let columns = self.tile.tile.columns.clone();
        let bias = self.bias.map(|bias| &bias[columns.clone()]);
        self.tile.for_each_run(
            #[inline(always)]
            |_, mut values| {
                let (output, slope) = values.split_first_mut().expect("the output");
                if let Some(bias) = bias {
                    for row in output.chunks_exact_mut(columns.len()) {
                        row.iter_mut().zip(bias).for_each(|(sum, &bias)| *sum += bias);
                    }
                }
                if let [slope] = slope {
                    self.activation.slopes(output, slope);
                }
                self.activation.activate_all(output);
            },
        );
    }
}

/// Then what is dropped, of the output and of the slope.
struct Dropping<'a, 'b, T, const N: usize> {
    tile: &'a mut TileMut<'b, T, N>,
    dropped: Dropped,
    step: &'a Step,
    /// The first row's place in the batch.
    first: usize,
}

impl<T: Scalar, const N: usize> Vectorised for Dropping<'_, '_, T, N> {
    #[inline(always)]
    fn run(self) {
        let columns = self.tile.tile.columns.clone();
        self.tile.for_each_run(
            #[inline(always)]
            |row, lists| {
                let mut parts = lists.map(|list| list.chunks_exact_mut(columns.len()));
                for row in self.first + row.. {
                    let mut of_row = parts.each_mut().map(|part| part.next().unwrap_or_default());
                    if of_row[0].is_empty() {
                        break;
                    }
                    self.dropped.apply(self.step, row, columns.start, &mut of_row);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, so that every sum is exact; large enough to be cut into tiles both ways.
    #[test]
    fn a_forward_pass_in_tiles_is_the_definition() {
        let (rows, inputs, outputs) = (1100, 60, 70);
        let integers = |count: usize, modulus: usize| -> Vec<f32> {
            (0..count).map(|i| (i * 31 % modulus) as f32 - (modulus / 2) as f32).collect()
        };
        let (input, parameters) = (integers(rows * inputs, 7), integers((inputs + 1) * outputs, 9));
        let reads = [View::new("input", &input), View::new("weight", &parameters)];
        let (mut output, mut slope) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs]);
        let activation = Activation::LeakyRelu;
        let (source, factors) = (Source::Batch, Factors::Full);
        let layer = Layer { inputs, outputs, bias: true, capacity: rows };
        let kernel = Forward { layer, activation, slope: true, dropped: None, source, factors };
        let mut writes = [ViewMut::new("output", &mut output), ViewMut::new("slopes", &mut slope)];
        kernel.run(&Step { rows, ..Step::default() }, &reads, &mut writes, &mut Workspace::new(2));
        for index in 0..rows * outputs {
            let (row, o) = (index / outputs, index % outputs);
            let z: f32 = (0..inputs).map(|i| input[row * inputs + i] * parameters[i * outputs + o]).sum();
            let z = z + parameters[inputs * outputs + o];
            assert_eq!(
                (output[index], slope[index]),
                (activation.activate(z), activation.slope(z)),
                "row {row}, output {o}"
            );
        }
    }
}
