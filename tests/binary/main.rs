//! The binary as a user runs it.

mod advice;
mod attacks;
mod attention;
mod bench;
mod browser;
mod cli;
#[path = "../common/mod.rs"]
mod common;
mod devices;
mod ensemble;
mod examples;
mod exchange;
mod explain;
mod faults;
mod first;
mod help;
mod hostile;
mod larger;
mod lessons;
mod meaning;
mod mixed;
mod mnist;
mod options;
mod python;
mod report;
mod resume;
mod runs;
mod storage;
mod sweep;
mod terminal;
mod two_classes;

fn main() {
    // A process of its own, for the sake of the faults in it.
    if faults::is_chosen() {
        return faults::train_on_a_chosen_gpu().expect("a run that ends");
    }
    // Those with the longest trials come first: none of these is left alone at the end.
    common::run(&[
        ("advice", advice::trials),
        ("faults", faults::trials),
        ("resume", resume::trials),
        ("mnist", mnist::trials),
        ("bench", bench::trials),
        ("larger", larger::trials),
        ("sweep", sweep::trials),
        ("devices", devices::trials),
        ("attacks", attacks::trials),
        ("attention", attention::trials),
        ("browser", browser::trials),
        ("cli", cli::trials),
        ("ensemble", ensemble::trials),
        #[cfg(unix)]
        ("examples", examples::trials),
        ("exchange", exchange::trials),
        ("explain", explain::trials),
        ("first", first::trials),
        ("help", help::trials),
        ("hostile", hostile::trials),
        ("lessons", lessons::trials),
        ("meaning", meaning::trials),
        ("mixed", mixed::trials),
        ("options", options::trials),
        ("python", python::trials),
        ("report", report::trials),
        ("runs", runs::trials),
        ("storage", storage::trials),
        ("terminal", terminal::trials),
        ("two_classes", two_classes::trials),
    ]);
}
