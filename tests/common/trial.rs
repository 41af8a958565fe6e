//! A trial that is left out with its reason, and that tells how long it took.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Instant;

use libtest_mimic::{Completion, Failed};

/// What a trial comes to that does not fail: it was gone through, or it does not apply after all.
pub(crate) trait Outcome {
    fn completion(self) -> Completion;
}

impl Outcome for () {
    fn completion(self) -> Completion {
        Completion::Completed
    }
}

impl Outcome for Completion {
    fn completion(self) -> Completion {
        self
    }
}

/// A test with its name, which fails with an error or a panic.
pub(crate) struct Trial {
    name: String,
    body: Box<dyn FnOnce() -> Result<Completion, Failed> + Send>,
}

impl Trial {
    pub(crate) fn test<T: Outcome>(
        name: impl Into<String>,
        body: impl FnOnce() -> Result<T, Failed> + Send + 'static,
    ) -> Self {
        Self { name: name.into(), body: Box::new(move || body().map(T::completion)) }
    }

    /// A trial that does not apply here, for this reason.
    pub(crate) fn left_out(name: impl Into<String>, reason: &str) -> Self {
        let reason = reason.to_owned();
        Self::test(name, move || Ok(Completion::ignored_with(reason)))
    }

    /// Left out where this is so, and otherwise itself.
    pub(crate) fn left_out_if(self, is_so: bool, reason: &str) -> Self {
        if is_so { Self::left_out(self.name, reason) } else { self }
    }

    /// Left out where no Python has these modules to compare with: it is asked when the trial's turn comes, since that takes a while.
    pub(crate) fn with_python(self, modules: &'static str) -> Self {
        let Self { name, body } = self;
        Self::test(name, move || match super::python(modules) {
            Some(_) => body(),
            None => Ok(Completion::ignored_with(format!("no Python with {modules} (WGRAD_TEST_PYTHON)"))),
        })
    }

    /// Left out on systems that are not Linux: what is tried takes its limits, its files or its signals.
    pub(crate) fn on_linux(self) -> Self {
        self.left_out_if(!cfg!(target_os = "linux"), "needs Linux")
    }

    /// Left out on systems that are no Unix.
    pub(crate) fn on_unix(self) -> Self {
        self.left_out_if(!cfg!(unix), "needs Unix")
    }

    /// Left out where wgrad is built without what reads Parquet files.
    pub(crate) fn with_parquet(self) -> Self {
        self.left_out_if(!cfg!(feature = "parquet"), "built without the feature parquet")
    }

    /// As libtest-mimic runs it; `kind` is the file that it stands in.
    pub(super) fn run_by_mimic(self, kind: &'static str) -> libtest_mimic::Trial {
        let Self { name, body } = self;
        let what = format!("[{kind}] {name}");
        let timed = move || {
            let _clock = Clock { what, started: Instant::now() };
            body()
        };
        libtest_mimic::Trial::ignorable_test(name, timed).with_kind(kind)
    }
}

/// Adds a line with the seconds that a trial took, failed or not, to the file that `WGRAD_TEST_TIMES` names, if any.
struct Clock {
    what: String,
    started: Instant,
}

impl Drop for Clock {
    fn drop(&mut self) {
        let Some(file) = std::env::var_os("WGRAD_TEST_TIMES") else { return };
        let line = format!("{:.3}\t{}\n", self.started.elapsed().as_secs_f64(), self.what);
        let added =
            OpenOptions::new().append(true).create(true).open(&file).and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = added {
            eprintln!("{}: {error}", file.display());
        }
    }
}
