//! Where the GPU overtakes the CPU with a net.

use serde::Serialize;

use super::cell::Cell;
use super::net::Net;

/// Where the GPU overtakes the CPU with a net.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossover {
    /// The net.
    pub net: String,
    /// The GPU's name.
    pub gpu: String,
    /// Whether that is a software adapter.
    pub software: bool,
    /// Which device is faster, and from which batch size on.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Which device is faster.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// The CPU, at all batch sizes up to this one.
    Cpu {
        /// The largest measured on both.
        up_to: usize,
    },
    /// The GPU, at all batch sizes from this one on.
    Gpu {
        /// The smallest measured on both.
        from: usize,
    },
    /// The GPU from about this batch size on, in proportion between two that were measured.
    Crossing {
        /// The batch size.
        batch: f64,
        /// Rows a second there, of either.
        samples_per_second: f64,
    },
}

/// Where the GPU overtakes the CPU with a net, by the batch sizes that were measured on both.
pub(super) fn crossover(net: &Net, cells: &[Cell]) -> Option<Crossover> {
    let name = net.to_string();
    let of_net = |gpu: bool| cells.iter().filter(move |cell| cell.gpu == gpu);
    let pairs: Vec<(&Cell, &Cell)> = of_net(false)
        .filter(|cpu| cpu.net == name)
        .filter_map(|cpu| Some((cpu, of_net(true).find(|gpu| gpu.net == name && gpu.batch == cpu.batch)?)))
        .collect();
    let gpu = pairs.first()?.1;
    let rates: Vec<Rates> = pairs
        .iter()
        .map(|(cpu, gpu)| Rates { batch: cpu.batch, cpu: cpu.samples_per_second, gpu: gpu.samples_per_second })
        .collect();
    Some(Crossover { net: name, gpu: gpu.device.clone(), software: gpu.software, verdict: verdict(&rates)? })
}

/// Rows a second of a batch size on both devices.
#[derive(Debug, Clone, Copy)]
struct Rates {
    batch: usize,
    cpu: f64,
    gpu: f64,
}

impl Rates {
    /// How often as fast as the CPU the GPU is.
    fn ratio(&self) -> f64 {
        self.gpu / self.cpu
    }
}

/// The verdict of batch sizes that rise. A crossing is the last one, and lies where the lines between two of them cross, both axes
/// being logarithmic.
fn verdict(rates: &[Rates]) -> Option<Verdict> {
    let last = rates.last()?;
    if last.ratio() <= 1.0 {
        return Some(Verdict::Cpu { up_to: last.batch });
    }
    let Some(below) = rates.iter().rposition(|rates| rates.ratio() <= 1.0) else {
        return Some(Verdict::Gpu { from: rates[0].batch });
    };
    let (small, large) = (&rates[below], &rates[below + 1]);
    let share = -small.ratio().ln() / (large.ratio().ln() - small.ratio().ln());
    let between = |small: f64, large: f64| small * (large / small).powf(share);
    let batch = between(small.batch as f64, large.batch as f64);
    Some(Verdict::Crossing { batch, samples_per_second: between(small.cpu, large.cpu) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crossing_is_where_the_gpu_overtakes_for_good() {
        // The CPU's rate is a tenth of the batch's rows; the GPU's so many times that.
        let verdict = |ratios: &[(usize, f64)]| {
            let of =
                |&(batch, ratio): &(usize, f64)| Rates { batch, cpu: 0.1 * batch as f64, gpu: 0.1 * batch as f64 * ratio };
            verdict(&ratios.iter().map(of).collect::<Vec<_>>())
        };
        assert_eq!(verdict(&[]), None);
        assert_eq!(verdict(&[(16, 0.2), (64, 0.9)]), Some(Verdict::Cpu { up_to: 64 }));
        assert_eq!(verdict(&[(16, 1.1), (64, 3.0)]), Some(Verdict::Gpu { from: 16 }));
        let crossing = verdict(&[(4, 1.2), (16, 0.5), (64, 2.0), (256, 8.0)]);
        let Some(Verdict::Crossing { batch, samples_per_second }) = crossing else { panic!("it crosses") };
        assert!((batch - 32.0).abs() < 1e-9 && (samples_per_second - 3.2).abs() < 1e-9, "{crossing:?}");
        assert_eq!(verdict(&[(16, 2.0), (64, 0.5)]), Some(Verdict::Cpu { up_to: 64 }));
    }
}
