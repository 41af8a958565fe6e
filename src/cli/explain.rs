//! `wgrad explain`: one row's whole way through a network, forwards and back, number by number.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::naming::named_model;
use super::pages::Pages;
use super::print;
use crate::data;
use crate::error::{Error, Result, shown};
use crate::explanation::{Explanation, Weight};
use crate::lesson;
use crate::model::Named;
use crate::name;
use crate::training::run::options::FileOptions;
use crate::training::run::row::{ModelRow, Wanted};
use crate::training::run::values::count_above_zero;

/// The arguments of `wgrad explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:  wgrad explain runs/iris-1 iris --row 3
           wgrad explain latest --row 7 --html row-7.html")]
pub(super) struct ExplainArguments {
    /// A model file, a run's folder or name, or latest; without DATA also the name of a lesson, as `trask`
    model: PathBuf,
    /// An embedded set, a file, or - for stdin [default: the run's own test rows, read again from its data]
    #[arg(value_parser = name::parser())]
    data: Option<String>,
    /// The row, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    row: usize,
    /// The weights after so many epochs (of a lesson, steps): 0 is before training [default: the saved weights]
    #[arg(long, value_name = "N")]
    epoch: Option<usize>,
    /// Of a model of several networks: which of them, counted from 1 [default: 1]
    #[arg(long, value_name = "N", value_parser = count_above_zero)]
    member: Option<usize>,
    /// How many units of a layer to show: those with the largest influence on the loss of this row
    #[arg(id = "shown", long = "units", value_name = "N", default_value_t = 8, value_parser = count_above_zero)]
    units: usize,
    /// The weight whose gradient is written out link by link, as 1,3,2 from input 3 to unit 2 of layer 1, or 1,bias,2
    /// [default: that of the first layer with the largest gradient]
    #[arg(long, value_name = "LAYER,FROM,TO")]
    weight: Option<Weight>,
    /// Write a page with pictures of the network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a page on which the network trains in the browser, by the same kernels
    #[arg(long, value_name = "FILE")]
    play: Option<PathBuf>,
    #[command(flatten)]
    files: RowFiles,
    /// Print one JSON object, with every number of every unit
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings: the exit code is the answer
    #[arg(short, long)]
    quiet: bool,
}

/// Options for reading the row's file. `--units` counts units of a layer in this command, so the option for units of numbers, which a model
/// remembers from its training, is `--file-units` here.
#[derive(Debug)]
struct RowFiles(FileOptions);

impl RowFiles {
    fn renamed(command: Command) -> Command {
        command.mut_arg("units", |units| units.long("file-units"))
    }
}

impl FromArgMatches for RowFiles {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        FileOptions::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl Args for RowFiles {
    fn augment_args(command: Command) -> Command {
        Self::renamed(FileOptions::augment_args(command))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::renamed(FileOptions::augment_args_for_update(command))
    }
}

/// Explains.
pub(super) fn run(arguments: &ExplainArguments) -> Result<()> {
    for path in [&arguments.html, &arguments.play].into_iter().flatten() {
        if arguments.data.as_deref().is_some_and(|data| data::takes_in(data, path)) {
            let path = shown(&path.to_string_lossy());
            return Err(Error::Usage(format!("{path}: would be among the data; name another file for the page")));
        }
    }
    let pages = Pages::new(arguments.html.as_deref(), arguments.play.as_deref())?;
    let (explanation, play) = explained(arguments)?;
    pages.save(arguments.quiet || arguments.json, || explanation.page(), || Ok(play.unwrap_or_default()))?;
    if arguments.json {
        print::json("explain", &explanation)?;
    } else if !arguments.quiet {
        print::line(&explanation)?;
    }
    explanation.agreement()
}

/// The explanation, and the page to play with if it is wanted.
fn explained(arguments: &ExplainArguments) -> Result<(Explanation, Option<String>)> {
    let ExplainArguments { row, epoch, member, units, weight, .. } = *arguments;
    let (data, plays) = (arguments.data.as_deref(), arguments.play.is_some());
    // A lesson has its own rows.
    let word = name::text(arguments.model.as_os_str());
    if data.is_none() && lesson::is_lesson(&word) {
        let run = Named::of(&arguments.model)?.run().path;
        if run.exists() && !arguments.quiet {
            let run = name::shown(&run);
            print::remarks(&[format!(
                "'{word}' is a lesson, and {run} is there as well: name it with its DATA to explain that"
            )]);
        }
        if member.is_some() {
            return Err(Error::Usage("--member: a lesson trains one network".into()));
        }
        let explanation = lesson::explained(&word, row, epoch, units, weight)?;
        let options = lesson::Options::default();
        let play = || lesson::play(&lesson::run(&word, &options)?, &options, row);
        return Ok((explanation, plays.then(play).transpose()?));
    }
    let model = named_model(&arguments.model, arguments.quiet)?;
    if data.is_none() && arguments.files.0 != FileOptions::default() {
        return Err(Error::Usage("a run's own rows are read as the run says: leave out how a file is read".into()));
    }
    let reading = arguments.files.0.reading(arguments.files.0.labels.clone());
    let row = ModelRow::new(&model, &Wanted { data, reading, row, epoch, member, plays })?;
    let explanation = row.explained(units, weight)?;
    let play = plays.then(|| row.play(&explanation)).transpose()?;
    Ok((explanation, play))
}
