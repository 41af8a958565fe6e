//! The threads of the process: one pool, made once, whose first thread is the main one. It does all parallel work on the CPU, reading data
//! as well as products.

use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// The pool. It is never dropped, since the main thread is one of its own.
static POOL: OnceLock<ThreadPool> = OnceLock::new();

/// Starts the pool from the main thread: with `wanted` threads, or with one a core. Where the system refuses a thread that nobody asked
/// for, the pool has fewer, down to the main thread alone, and the sentence that it gives says so.
///
/// # Errors
/// Limit, if the threads that were asked for cannot be started.
pub(crate) fn begin(wanted: Option<usize>) -> Result<Option<String>> {
    if POOL.get().is_some() {
        return Ok(None);
    }
    let threads = wanted.unwrap_or_else(cores).max(1);
    let mut waiting: Vec<Sender<ThreadBuilder>> = Vec::new();
    let mut refusal = None;
    // They are started before the pool is, which cannot be made anew once the main thread is in it.
    while waiting.len() < threads - 1 && refusal.is_none() {
        let (sender, receiver) = channel::<ThreadBuilder>();
        let run = move || receiver.recv().into_iter().for_each(ThreadBuilder::run);
        match thread::Builder::new().name("compute".into()).spawn(run) {
            Ok(_) => waiting.push(sender),
            Err(error) => refusal = Some(error),
        }
    }
    let started = waiting.len() + 1;
    let remark = match refusal {
        Some(error) if wanted.is_some() => {
            return Err(Error::Limit(format!(
                "{threads} threads cannot be started, only {started} ({error}); use --threads {started}"
            )));
        }
        refusal => refusal.map(|error| format!("{threads} threads cannot be started, so {started} are used: {error}")),
    };
    let given = |thread| {
        let sender = waiting.pop().ok_or_else(|| std::io::Error::other("there are as many as were started"))?;
        sender.send(thread).map_err(|_| std::io::Error::other("they wait for what they are to do"))
    };
    let pool = ThreadPoolBuilder::new().num_threads(started).use_current_thread().spawn_handler(given).build();
    let pool = pool.map_err(|error| Error::Limit(format!("{started} threads cannot be started: {error}")))?;
    POOL.get_or_init(|| pool);
    Ok(remark)
}

/// How many threads there are to compute with: those of the pool, or, before it is started, as many as there are cores.
pub(crate) fn count() -> usize {
    POOL.get().map_or_else(cores, ThreadPool::current_num_threads)
}

/// Whether the calling thread is one of a pool of so many.
pub(crate) fn is_in_pool_of(threads: usize) -> bool {
    rayon::current_thread_index().is_some() && rayon::current_num_threads() == threads
}

/// The cores that this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
