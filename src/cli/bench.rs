//! `wgrad bench`: how fast wgrad is on this machine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use super::moving::MovingLine;
use super::print::{self, SCHEMA};
use crate::bench::{self, Baseline, ComparisonOptions, Machine, Net, TrainingOptions, WorkloadName};
use crate::error::{Error, Result, shown};
use crate::files::Place;
use crate::training::run::values::{Time, count, count_above_zero};
use crate::training::session::{Device, Wanted};

/// The arguments of `wgrad bench`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:  wgrad bench --quick
           wgrad bench --net 784-128-10 --batch-size 32,256 --html bench.html
           wgrad bench --json > before.json
           wgrad bench --baseline before.json --max-regression 10%
           wgrad bench kernels --net 784-128-10 --batch-size 64 --device gpu
           wgrad bench training --workload mnist --epochs 3 --device cpu"
)]
pub(super) struct BenchArguments {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    comparison: ComparisonArguments,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Time each kernel of a training step
    Kernels(KernelsArguments),
    /// Time one of the workloads that other programs are compared on
    Training(TrainingArguments),
}

/// Where to compute.
#[derive(Debug, Args)]
struct PlaceArguments {
    /// auto (the best GPU that is not software, else the CPU; not measured), cpu, gpu, gpu:INDEX (see 'wgrad devices') or a part of
    /// a GPU's name
    #[arg(long, default_value = "auto", help_heading = "Device")]
    device: Wanted,
    /// Threads of the CPU path [default: as many as there are cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Device")]
    threads: Option<u16>,
    /// Measure first how a GPU computes the products fastest (200 ms each, more where one run takes longer, beside compiling), and
    /// remember it
    #[arg(long, help_heading = "Device")]
    tune: bool,
    /// What numbers to compute in; mixed rounds the factors of large products to f16, for the matrix units of GPUs
    #[arg(long, default_value = "f32", help_heading = "Device")]
    precision: Single,
    /// No notes on stderr; warnings stay
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

/// What training is timed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Single {
    /// Single precision.
    F32,
    /// Factors of large products rounded to f16.
    Mixed,
}

/// The arguments of `wgrad bench` alone: the GPU against the CPU.
#[derive(Debug, Args)]
struct ComparisonArguments {
    /// Nets: inputs, hidden widths, outputs [default: 64-32-10,784-128-10,784-512-256-10,1024-2048-2048-1024]
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',', help_heading = "What is measured")]
    net: Option<Vec<Net>>,
    /// Rows of a batch [default: 16,64,256,1024,4096]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = batch_size, help_heading = "What is measured")]
    batch_size: Option<Vec<usize>>,
    /// About how long everything may take: 30s, 5m, at least 1s; slow devices and drivers take some seconds more [default: 1m; --quick: 8s]
    #[arg(long, value_parser = time_to_measure, help_heading = "What is measured")]
    time: Option<Time>,
    /// Two nets and three batch sizes only
    #[arg(long, help_heading = "What is measured")]
    quick: bool,
    /// The GPU beside the CPU: auto (the best that is not software, if there is one), gpu (the best, software too), gpu:INDEX or a
    /// part of its name; cpu: the CPU alone
    #[arg(long, default_value = "auto", help_heading = "Device")]
    device: Wanted,
    /// Threads of the CPU path [default: as many as there are cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Device")]
    threads: Option<u16>,
    /// Measure first how the GPU computes the products fastest (200 ms each, more where one run takes longer, beside compiling), and
    /// remember it
    #[arg(long, help_heading = "Device")]
    tune: bool,
    /// An earlier --json report: exit code 4 if a step has become slower or is left out
    #[arg(long, value_name = "FILE", help_heading = "Comparison with an earlier report")]
    baseline: Option<PathBuf>,
    /// By how much a step's median may be slower than the baseline's
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = percent, requires = "baseline")]
    #[arg(help_heading = "Comparison with an earlier report")]
    max_regression: f64,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Write the report, with the curves and the roofline, as one HTML file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
    /// No progress on stderr
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

/// The arguments of `wgrad bench kernels`.
#[derive(Debug, Args)]
struct KernelsArguments {
    /// The net: inputs, hidden widths, outputs
    #[arg(long, value_name = "WIDTHS", default_value = "784-512-256-10")]
    net: Net,
    /// Rows of the batch
    #[arg(long, value_name = "N", default_value = "256", value_parser = batch_size)]
    batch_size: usize,
    /// About how long everything may take, at least 1s; slow devices and drivers take some seconds more
    #[arg(long, default_value = "10s", value_parser = time_to_measure)]
    time: Time,
    #[command(flatten)]
    place: PlaceArguments,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// The arguments of `wgrad bench training`.
#[derive(Debug, Args)]
struct TrainingArguments {
    /// The net, its data, its batches and its rate
    #[arg(long, default_value = "digits")]
    workload: WorkloadName,
    /// Epochs that are timed
    #[arg(long, value_name = "N", default_value = "1", value_parser = count_above_zero)]
    epochs: usize,
    /// Rows of the data, from its beginning, at most as many as there are [default: all]
    #[arg(long, value_name = "N", value_parser = count_above_zero)]
    samples: Option<usize>,
    /// Epochs before the clock starts [default: 1; tiny: 100]
    #[arg(long, value_name = "N", value_parser = count)]
    warmup: Option<usize>,
    /// Networks that are trained side by side, each from first weights of its own
    #[arg(long, value_name = "N", default_value = "1", value_parser = count_above_zero)]
    replicas: usize,
    #[command(flatten)]
    place: PlaceArguments,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// The most rows of a batch that can be asked for.
const MOST_ROWS: usize = 1 << 20;

/// The shortest time in which something can be measured.
const LEAST_TIME: Duration = Duration::from_secs(1);
/// The longest.
const MOST_TIME: Duration = Duration::from_secs(30 * 24 * 3600);

fn batch_size(text: &str) -> std::result::Result<usize, String> {
    match count_above_zero(text)? {
        rows if rows > MOST_ROWS => Err(format!("{rows} rows are too many: at most {MOST_ROWS}")),
        rows => Ok(rows),
    }
}

fn time_to_measure(text: &str) -> std::result::Result<Time, String> {
    match text.parse::<Time>()? {
        time if time.0 < LEAST_TIME => Err("that is too short to measure anything: at least 1s".into()),
        time if time.0 > MOST_TIME => Err("that is too long: at most 30 days, 720h".into()),
        time => Ok(time),
    }
}

/// A share, written in percent.
fn percent(text: &str) -> std::result::Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    let number = number.filter(|number| number.is_finite() && *number >= 0.0);
    number.map(|number| number / 100.0).ok_or_else(|| format!("'{}' is no percentage, such as 10%", shown(text)))
}

/// Measures.
pub(super) fn run(arguments: &BenchArguments) -> Result<()> {
    match &arguments.what {
        None => comparison(&arguments.comparison),
        Some(What::Kernels(arguments)) => kernels(arguments),
        Some(What::Training(arguments)) => training(arguments),
    }
}

impl BenchArguments {
    /// The threads that were asked for.
    pub(super) fn threads(&self) -> Option<u16> {
        match &self.what {
            None => self.comparison.threads,
            Some(What::Kernels(arguments)) => arguments.place.threads,
            Some(What::Training(arguments)) => arguments.place.threads,
        }
    }
}

impl PlaceArguments {
    fn open(&self) -> Result<Device> {
        let threads = self.threads.map(usize::from);
        let device = match self.precision {
            Single::F32 => Device::choose(&self.device, threads, false)?,
            Single::Mixed => Device::choose_mixed(&self.device, threads)?,
        };
        check_tune(self.tune, &self.device, &device, self.quiet)?;
        Ok(if self.tune { device.with_splits() } else { device })
    }
}

/// That there is something to tune: on the CPU every product has one way to be computed.
fn check_tune(tune: bool, wanted: &Wanted, device: &Device, quiet: bool) -> Result<()> {
    if tune && device.gpu().is_none() {
        if *wanted == Wanted::Cpu {
            return Err(Error::Usage("--tune goes with a GPU".into()));
        }
        if !quiet {
            print::remarks(&["there is nothing to tune: the CPU computes every product in one way".into()]);
        }
    }
    Ok(())
}

fn comparison(arguments: &ComparisonArguments) -> Result<()> {
    let baseline = arguments.baseline.as_deref().map(|path| Baseline::read(path, SCHEMA)).transpose()?;
    let options = options(arguments);
    let devices = devices(arguments)?;
    if let Some(baseline) = &baseline {
        baseline.check_asked(&options.nets, &options.batches, &devices)?;
        print::remarks(&baseline.remarks(&Machine::this(), arguments.tune && devices.len() > 1));
    }
    arguments.html.as_deref().map_or(Ok(()), |path| Place::named(path)?.try_out())?;
    // What is measured next: on a terminal in the same line.
    let mut line = MovingLine::new();
    let mut progress = |what: &str| match &mut line {
        _ if arguments.quiet => {}
        Some(line) => line.show_at_once(&format!("wgrad bench: {what}")),
        None => print::note(format_args!("wgrad bench: {what}")),
    };
    if arguments.device == Wanted::Auto && devices.len() == 1 {
        progress(&format!("the CPU alone is measured: {}", devices[0].report().reason));
    }
    let report = bench::compare(&devices, &options, &mut progress);
    if let Some(line) = &mut line {
        line.clear();
    }
    let mut report = report?;
    if let Some(baseline) = &baseline {
        report.hold_against(baseline, arguments.max_regression);
    }
    // What fails now must not cost what was measured.
    let printed = if arguments.json { print::json("bench", &report) } else { print::line(&report) };
    if let Some(path) = &arguments.html {
        Place::named(path)?.save_without_waiting(report.html().as_bytes())?;
    }
    printed?;
    report.check()
}

/// The CPU, and beside it the GPU that was asked for; without a word, the best one that is not software and can be opened.
fn devices(arguments: &ComparisonArguments) -> Result<Vec<Device>> {
    let threads = arguments.threads.map(usize::from);
    let asked = Device::choose(&arguments.device, threads, false)?;
    check_tune(arguments.tune, &arguments.device, &asked, arguments.quiet)?;
    let asked = if arguments.tune { asked.with_splits() } else { asked };
    Ok(if asked.gpu().is_some() { vec![Device::cpu(threads, "compared with the GPU"), asked] } else { vec![asked] })
}

fn options(arguments: &ComparisonArguments) -> ComparisonOptions {
    let (defaults, batches, seconds): (&[&str], &[usize], u64) = if arguments.quick {
        (&["64-32-10", "784-128-10"], &[16, 256, 4096], 8)
    } else {
        (&["64-32-10", "784-128-10", "784-512-256-10", "1024-2048-2048-1024"], &[16, 64, 256, 1024, 4096], 60)
    };
    let defaults = || defaults.iter().map(|net| net.parse().expect("the nets above")).collect();
    let mut nets: Vec<Net> = Vec::new();
    for net in arguments.net.clone().unwrap_or_else(defaults) {
        if !nets.contains(&net) {
            nets.push(net);
        }
    }
    let mut batches = arguments.batch_size.clone().unwrap_or_else(|| batches.to_vec());
    batches.sort_unstable();
    batches.dedup();
    let time = arguments.time.as_ref().map_or(Duration::from_secs(seconds), |time| time.0);
    ComparisonOptions { nets, batches, time, tune: arguments.tune }
}

fn kernels(arguments: &KernelsArguments) -> Result<()> {
    let device = arguments.place.open()?;
    let PlaceArguments { tune, precision, .. } = arguments.place;
    let mixed = precision == Single::Mixed;
    let report = bench::kernels(&arguments.net, arguments.batch_size, &device, arguments.time.0, tune, mixed)?;
    if arguments.json {
        print::json("bench kernels", &report)?;
    } else {
        print::line(&report)?;
    }
    report.check()
}

fn training(arguments: &TrainingArguments) -> Result<()> {
    let started = Instant::now();
    let device = arguments.place.open()?;
    let options = TrainingOptions {
        workload: arguments.workload,
        epochs: arguments.epochs,
        samples: arguments.samples,
        warmup: arguments.warmup,
        replicas: arguments.replicas,
        tune: arguments.place.tune,
        mixed: arguments.place.precision == Single::Mixed,
    };
    let report = bench::training(&options, &device, started)?;
    if arguments.json { print::json("bench training", &report) } else { print::line(report) }
}
