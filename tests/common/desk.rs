//! The binary in a folder of its own, as a user runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use serde_json::Value;

/// An empty folder to work in, and the binary in it.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
        command.current_dir(self.path()).args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs it after a command of the shell, such as a limit.
    pub(crate) fn limited(&self, arguments: &[&str], limit: &str) -> Output {
        let script = format!("{limit}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_wgrad")]).args(arguments);
        command.current_dir(self.path()).stdin(Stdio::null());
        // glibc reserves addresses for each thread's allocations otherwise.
        command.env("MALLOC_ARENA_MAX", "1").output().expect("a shell")
    }

    /// Runs what has to end with this exit code; gives stderr.
    pub(crate) fn ends(&self, code: i32, arguments: &[&str]) -> Result<String, Failed> {
        ended(code, arguments, &self.run(arguments))
    }

    /// Runs a script of the shell, which has to succeed.
    pub(crate) fn shell(&self, script: &str) -> Result<(), Failed> {
        let done = Command::new("sh").args(["-c", script]).current_dir(self.path()).status()?.success();
        if done { Ok(()) } else { Err(script.into()) }
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).expect(name)
    }

    /// The tensors of a safetensors file, without its header.
    pub(crate) fn tensors(&self, name: &str) -> Vec<u8> {
        let bytes = self.bytes(name);
        let header = u64::from_le_bytes(*bytes.first_chunk().expect("eight bytes of length")) as usize;
        bytes[8 + header..].to_vec()
    }

    /// What a run has left.
    pub(crate) fn left(&self, run: &str) -> Result<Left, Failed> {
        let mut log = Vec::new();
        for line in fs::read_to_string(self.path().join(run).join("metrics.jsonl"))?.lines() {
            let mut record: Value = serde_json::from_str(line)?;
            let fields = record.as_object_mut().ok_or("an object")?;
            fields.retain(|key, _| !["seconds", "samples_per_second"].contains(&key.as_str()));
            log.push(record);
        }
        let tensors = |file: &str| self.tensors(&format!("{run}/{file}"));
        Ok(Left { model: tensors("model.safetensors"), checkpoint: tensors("checkpoint.safetensors"), log })
    }

    pub(crate) fn same(&self, one: &str, other: &str) -> Result<(), Failed> {
        let (one, other) = (self.left(one)?, self.left(other)?);
        let same = [one.model == other.model, one.checkpoint == other.checkpoint, one.log == other.log];
        if same == [true; 3] { Ok(()) } else { Err(format!("model, checkpoint, log are the same: {same:?}").into()) }
    }
}

/// The tensors of a run's model and of its checkpoint, and its log without the time that it took.
#[derive(PartialEq)]
pub(crate) struct Left {
    model: Vec<u8>,
    checkpoint: Vec<u8>,
    log: Vec<Value>,
}

/// What a process said on stderr, if it ended with this exit code.
pub(crate) fn ended(code: i32, arguments: &[&str], output: &Output) -> Result<String, Failed> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let fits = output.status.code() == Some(code);
    if fits { Ok(said) } else { Err(format!("{arguments:?}: {:?}: {said}", output.status).into()) }
}

/// The last number after this word.
pub(crate) fn last_after(text: &str, word: &str) -> Option<u64> {
    let after = text.rsplit_once(word)?.1;
    after.trim_start().split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}
