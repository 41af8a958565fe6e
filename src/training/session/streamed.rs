//! Data that is larger than what the device has room for: windows of it, in the order of the epoch, take turns there. The rows of the
//! next one are copied together while the device works on those before, or read from their file while the session trains; the device's
//! own copy waits its turn, for wgpu has one queue.

use std::borrow::Cow;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::{Rows, Samples};
use crate::error::Result;
use crate::model::Element;

/// The data, and which window of it is where.
pub(super) struct Streamed<T> {
    training: Arc<Rows<T>>,
    /// The epoch's order of the rows.
    order: Vec<u32>,
    /// The first place in that order of the window that was sent last.
    sent: Option<usize>,
    /// The window that is read from the file meanwhile.
    ahead: Option<Ahead<T>>,
}

/// Rows that a thread of their own reads.
struct Ahead<T> {
    /// Their places in the order.
    places: Range<usize>,
    reading: JoinHandle<Result<Samples<T>>>,
}

/// The rows of a window: samples that hold them, and where there.
type Window<'a, T> = (Cow<'a, Samples<T>>, Cow<'a, [u32]>);

impl<T: Element> Streamed<T> {
    /// Data of which nothing was sent yet, in its own order.
    pub(super) fn new(training: Rows<T>, rows: usize) -> Self {
        Self { training: Arc::new(training), order: (0..rows as u32).collect(), sent: None, ahead: None }
    }

    /// Gives the epoch an order of its own, unless it has it already.
    pub(super) fn reorder(&mut self, order: Vec<u32>) {
        if self.order != order {
            (self.order, self.sent, self.ahead) = (order, None, None);
        }
    }

    /// Whether the window from this place in the order on was the last one sent.
    pub(super) fn is_sent(&self, first: usize) -> bool {
        self.sent == Some(first)
    }

    /// That window is on the device.
    pub(super) fn set_sent(&mut self, first: usize) {
        self.sent = Some(first);
    }

    /// The window of these places in the order. The one of `following` is what will be asked for next: of a file it is read meanwhile.
    ///
    /// # Errors
    /// Internal, if the file cannot be read.
    pub(super) fn window(&mut self, places: Range<usize>, following: Range<usize>) -> Result<Window<'_, T>> {
        let Self { training, order, sent, ahead } = self;
        // Should sending it fail, no window is on the device.
        *sent = None;
        Ok(match &**training {
            Rows::Memory(samples) => (Cow::Borrowed(samples), Cow::Borrowed(&order[places])),
            stored @ Rows::File(_) => {
                let samples = match ahead.take().filter(|ahead| ahead.places == places) {
                    Some(ahead) => ahead.reading.join().unwrap_or_else(|panic| resume_unwind(panic))?,
                    None => stored.gathered(&rows_at(order, places.clone()))?,
                };
                *ahead = if following == places { None } else { Ahead::new(training, order, following) };
                (Cow::Owned(samples), (0..places.len() as u32).collect())
            }
        })
    }
}

impl<T: Element> Ahead<T> {
    /// Begins to read the rows at these places; none if there are none, or no thread is to be had.
    fn new(training: &Arc<Rows<T>>, order: &[u32], places: Range<usize>) -> Option<Self> {
        let rows = rows_at(order, places.clone());
        let training = Arc::clone(training);
        let begin = || thread::Builder::new().name("rows".into()).spawn(move || training.gathered(&rows)).ok();
        let reading = if places.is_empty() { None } else { begin() };
        reading.map(|reading| Self { places, reading })
    }
}

fn rows_at(order: &[u32], places: Range<usize>) -> Vec<usize> {
    order[places].iter().map(|&row| row as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::training::session::samples::StoredSamples;

    fn samples(rows: usize) -> Samples<f32> {
        let of = |factor: f32| Matrix::new(rows, 1, (0..rows).map(|row| factor * row as f32).collect());
        Samples::new(of(1.0), of(10.0))
    }

    #[test]
    fn windows_of_a_file_are_those_of_memory_and_the_next_is_read_meanwhile() {
        let mut stored = StoredSamples::new([1, 1]).expect("a file");
        stored.append(&samples(10)).expect("written");
        let mut file = Streamed::new(Rows::File(stored), 10);
        let mut memory = Streamed::new(Rows::Memory(samples(10)), 10);
        let order: Vec<u32> = (0..10).map(|place| place * 7 % 10).collect();
        for shuffled in [false, true] {
            if shuffled {
                file.reorder(order.clone());
                memory.reorder(order.clone());
            }
            for (places, following) in
                [(0..4, 4..8), (4..8, 8..10), (8..10, 0..4), (0..4, 4..8), (8..10, 10..10), (0..4, 0..4)]
            {
                let rows = |streamed: &mut Streamed<f32>| {
                    let (samples, rows) = streamed.window(places.clone(), following.clone()).expect("rows");
                    rows.iter().map(|&row| samples.inputs.row(row as usize)[0]).collect::<Vec<_>>()
                };
                let of_file = rows(&mut file);
                assert!(of_file.len() == places.len() && of_file == rows(&mut memory), "{places:?}: {of_file:?}");
                let next = Some(following.clone()).filter(|next| !next.is_empty() && *next != places);
                assert_eq!(file.ahead.as_ref().map(|ahead| ahead.places.clone()), next);
                assert!(memory.ahead.is_none());
            }
        }
        file.window(0..4, 4..8).expect("rows");
        assert!(!file.is_sent(0), "not yet");
        file.set_sent(0);
        file.reorder(order);
        assert!(file.is_sent(0) && file.ahead.is_some(), "its order is the same");
        file.reorder((0..10).collect());
        assert!(!file.is_sent(0) && file.ahead.is_none(), "its order is another one");
    }
}
