//! Places that cannot be written, or not for long: an error with its exit code, and nothing that was there is harmed.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::{Desk, Failed, Trial, ended};

/// Places that cannot be written: an error, nothing that was there is harmed, nothing half-written is left.
fn places_that_cannot_be_written() -> Result<(), Failed> {
    let desk = Desk::new();
    let train = ["train", "iris", "--epochs", "1", "--device", "cpu", "--quiet", "-o"];
    desk.ends(0, &[&train[..], &["model"]].concat())?;
    let before = desk.bytes("model/model.safetensors");
    desk.shell("mkdir full; touch full/x file; ln -s /nonexistent/z link; mkfifo fifo")?;
    for (limit, arguments, code) in [
        (":", [&train[..], &["full"]].concat(), 2),
        (":", [&train[..], &["file"]].concat(), 2),
        (":", [&train[..], &["fifo"]].concat(), 2),
        (":", [&train[..], &["link"]].concat(), 2),
        (":", [&train[..], &["/dev/full/x"]].concat(), 2),
        (":", [&train[..], &["/proc/x"]].concat(), 1),
        (":", [&train[..], &["model"]].concat(), 2),
        ("ulimit -f 4", [&train[..], &["small"]].concat(), 1),
        (":", vec!["predict", "model", "iris", "-o", "/dev/full"], 2),
        (":", vec!["predict", "model", "iris", "-o", "full"], 2),
        ("ulimit -f 0", vec!["predict", "model", "iris", "-o", "predicted.csv"], 1),
        ("exec >/dev/full", vec!["predict", "model", "iris"], 1),
    ] {
        let stderr = ended(code, &arguments, &desk.limited(&arguments, limit))?;
        if !stderr.starts_with("wgrad: ") {
            return Err(format!("{limit}; {arguments:?}: {stderr}").into());
        }
    }
    assert_eq!(desk.bytes("model/model.safetensors"), before, "the model is as it was");
    assert!(!desk.path().join("predicted.csv").exists(), "nothing half-written");
    assert!(!desk.path().join("small").exists(), "a run that came to nothing leaves nothing");
    Ok(())
}

/// A disk of 8 MiB, mounted as `disk` on the desk.
struct Disk(Desk);

impl Disk {
    /// None, where nothing can be mounted.
    fn new() -> Option<Self> {
        let desk = Desk::new();
        fs::create_dir(desk.path().join("disk")).ok()?;
        mounted(&desk, "size=8m").then_some(Self(desk))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("disk").current_dir(self.0.path()).status();
    }
}

fn mounted(desk: &Desk, options: &str) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs", "disk"]).current_dir(desk.path()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// On a disk that is full or read only: an error, and what was saved before is as it was.
fn full_disks() -> Result<(), Failed> {
    let disk = Disk::new().ok_or("nothing can be mounted here")?;
    let Disk(desk) = &disk;
    let at = desk.path();
    let ends = |code: i32, arguments: &[&str]| desk.ends(code, arguments);
    let train = ["train", "digits", "--device", "cpu", "--quiet", "--epochs"];
    ends(0, &[&train[..], &["2", "-o", "disk/small"]].concat())?;
    let files = ["model.safetensors", "checkpoint.safetensors"].map(|file| at.join("disk/small").join(file));
    let before = files.clone().map(|file| fs::read(file).unwrap_or_default());
    // The first checkpoint of so wide a network does not fit: nothing is trained, nothing is left.
    let said = ends(1, &[&train[..], &["1", "--hidden", "30000", "-o", "disk/large"]].concat())?;
    if !said.contains("cannot be written") || at.join("disk/large").exists() {
        return Err(format!("a checkpoint that does not fit: {said}").into());
    }
    // The disk fills up while it trains: the older checkpoint is as it was, and goes on where there is room.
    fs::write(at.join("disk/filling"), vec![1; 8 << 20]).err().ok_or("8 MiB do not fit beside the run")?;
    ends(1, &["train", "--resume", "disk/small", "--epochs", "4", "--device", "cpu", "--quiet"])?;
    let after = files.clone().map(|file| fs::read(file).unwrap_or_default());
    if before != after {
        return Err("what was saved is not as it was".into());
    }
    fs::remove_file(at.join("disk/filling"))?;
    ends(0, &["train", "--resume", "disk/small", "--epochs", "4", "--device", "cpu", "--quiet"])?;
    // Read only.
    let saved = files.clone().map(|file| fs::read(file).unwrap_or_default());
    if !mounted(desk, "remount,ro") {
        return Err("the disk cannot be made read only".into());
    }
    ends(1, &["train", "--resume", "disk/small", "--epochs", "5", "--device", "cpu", "--quiet"])?;
    ends(1, &[&train[..], &["1", "-o", "disk/other"]].concat())?;
    ends(1, &["predict", "disk/small", "digits", "-o", "disk/predicted.csv"])?;
    ends(0, &["evaluate", "disk/small", "digits", "--quiet"])?;
    if files.map(|file| fs::read(file).unwrap_or_default()) == saved {
        Ok(())
    } else {
        Err("a read-only file has changed".into())
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        // Other systems name their places otherwise.
        Trial::test("places that cannot be written", places_that_cannot_be_written).on_linux(),
        // A folder is read only for nobody who may do everything, so it takes a disk.
        Trial::test("disks that are full or read only", full_disks)
            .left_out_if(Disk::new().is_none(), "needs the right to mount a disk")
            .on_linux(),
    ]
}
