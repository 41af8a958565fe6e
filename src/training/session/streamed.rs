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
    /// The epoch's order of the rows: one for all networks, or one for each.
    orders: Vec<Vec<u32>>,
    /// Rows of a window: where each network has its own, it begins so many rows behind the one before, even if that is a short one.
    length: usize,
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
    /// Data of which nothing was sent yet, in its own order, in so many windows of this length at a time.
    pub(super) fn new(training: Rows<T>, rows: usize, windows: usize, length: usize) -> Self {
        let orders = vec![(0..rows as u32).collect(); windows];
        Self { training: Arc::new(training), orders, length, sent: None, ahead: None }
    }

    /// Gives the epoch orders of its own, one a window, unless it has them already.
    pub(super) fn reorder(&mut self, orders: Vec<Vec<u32>>) {
        if self.orders != orders {
            (self.orders, self.sent, self.ahead) = (orders, None, None);
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

    /// The windows of these places in the orders, one behind the other. Those of `following` are what will be asked for next: of a file
    /// they are read meanwhile.
    ///
    /// # Errors
    /// Internal, if the file cannot be read.
    pub(super) fn window(&mut self, places: Range<usize>, following: Range<usize>) -> Result<Window<'_, T>> {
        let Self { training, orders, length, sent, ahead } = self;
        // Should sending it fail, no window is on the device.
        *sent = None;
        Ok(match &**training {
            Rows::Memory(samples) => {
                let rows = match &orders[..] {
                    [one] => Cow::Borrowed(&one[places]),
                    several => Cow::Owned(rows_at(several, *length, places)),
                };
                (Cow::Borrowed(samples), rows)
            }
            stored @ Rows::File(_) => {
                let rows = rows_at(orders, *length, places.clone());
                let samples = match ahead.take().filter(|ahead| ahead.places == places) {
                    Some(ahead) => ahead.reading.join().unwrap_or_else(|panic| resume_unwind(panic))?,
                    None => stored.gathered(&as_places(&rows))?,
                };
                if following != places && !following.is_empty() {
                    *ahead = Ahead::new(training, &rows_at(orders, *length, following.clone()), following);
                }
                (Cow::Owned(samples), (0..rows.len() as u32).collect())
            }
        })
    }
}

impl<T: Element> Ahead<T> {
    /// Begins to read these rows, which are at these places; none if no thread is to be had.
    fn new(training: &Arc<Rows<T>>, rows: &[u32], places: Range<usize>) -> Option<Self> {
        let (rows, training) = (as_places(rows), Arc::clone(training));
        let reading = thread::Builder::new().name("rows".into()).spawn(move || training.gathered(&rows)).ok()?;
        Some(Self { places, reading })
    }
}

/// The rows at these places of each order, those of one order `length` rows behind those of the order before: a short window is filled up
/// with its last row, but for the last order's.
fn rows_at(orders: &[Vec<u32>], length: usize, places: Range<usize>) -> Vec<u32> {
    let mut rows = Vec::with_capacity(orders.len() * length);
    for order in orders {
        let last = rows.last().copied().unwrap_or_default();
        rows.resize(rows.len().next_multiple_of(length.max(1)), last);
        rows.extend_from_slice(&order[places.clone()]);
    }
    rows
}

fn as_places(rows: &[u32]) -> Vec<usize> {
    rows.iter().map(|&row| row as usize).collect()
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
        let mut file = Streamed::new(Rows::File(stored), 10, 1, 4);
        let mut memory = Streamed::new(Rows::Memory(samples(10)), 10, 1, 4);
        let order: Vec<u32> = (0..10).map(|place| place * 7 % 10).collect();
        for shuffled in [false, true] {
            if shuffled {
                file.reorder(vec![order.clone()]);
                memory.reorder(vec![order.clone()]);
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
        file.reorder(vec![order]);
        assert!(file.is_sent(0) && file.ahead.is_some(), "its order is the same");
        file.reorder(vec![(0..10).collect()]);
        assert!(!file.is_sent(0) && file.ahead.is_none(), "its order is another one");
    }
}
