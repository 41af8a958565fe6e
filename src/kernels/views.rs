//! What a twin sees of a kernel's buffers, by the names of its [operands](super::Operand).

/// A buffer of one replica that a kernel reads, row-major and dense.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    /// The operand that it is.
    pub name: &'static str,
    /// The elements; empty for a buffer of indices.
    pub values: &'a [T],
    /// The indices; empty for a buffer of numbers.
    pub indices: &'a [u32],
    /// How far each element may be off; empty where all are exact.
    pub errors: &'a [f64],
}

impl<T> Default for View<'_, T> {
    fn default() -> Self {
        Self { name: "", values: &[], indices: &[], errors: &[] }
    }
}

impl<'a, T> View<'a, T> {
    /// Exact numbers.
    pub fn new(name: &'static str, values: &'a [T]) -> Self {
        Self { name, values, ..Self::default() }
    }

    /// How far an element may be off.
    pub(crate) fn error(&self, index: usize) -> f64 {
        self.errors.get(index).copied().unwrap_or(0.0)
    }
}

impl View<'_, f64> {
    /// The magnitudes of the elements, each with its error added.
    pub(crate) fn magnitudes(&self) -> Vec<f64> {
        self.values.iter().enumerate().map(|(index, value)| value.abs() + self.error(index)).collect()
    }
}

/// The buffer of this name among those that a kernel reads.
///
/// # Panics
/// If it reads none of that name.
pub(crate) fn read<'a, T: Copy>(reads: &[View<'a, T>], name: &str) -> View<'a, T> {
    *reads.iter().find(|view| view.name == name).unwrap_or_else(|| panic!("nothing that is read is called '{name}'"))
}

/// A buffer of one replica that a kernel writes, row-major and dense.
#[derive(Debug, Default)]
pub struct ViewMut<'a, T> {
    /// The operand that it is.
    pub name: &'static str,
    /// The elements.
    pub values: &'a mut [T],
}

impl<'a, T> ViewMut<'a, T> {
    /// A buffer to be written.
    pub fn new(name: &'static str, values: &'a mut [T]) -> Self {
        Self { name, values }
    }
}

/// The buffers of these names among those that a kernel writes; empty ones where it has none.
///
/// # Panics
/// If it writes one that is not asked for.
pub(crate) fn written<'b, T, const N: usize>(writes: &'b mut [ViewMut<'_, T>], names: [&str; N]) -> [&'b mut [T]; N] {
    let mut found = [(); N].map(|()| &mut [][..]);
    for view in writes {
        let place = names.iter().position(|&name| name == view.name);
        found[place.unwrap_or_else(|| panic!("nobody asks for '{}', which is written", view.name))] = &mut *view.values;
    }
    found
}

/// A buffer that a kernel reads, with all its replicas.
#[derive(Debug, Clone, Copy)]
pub struct Replicas<'a, T> {
    /// One replica, or what all of them read.
    pub all: View<'a, T>,
    /// Elements of one replica; 0 where all replicas read the same.
    pub length: usize,
}

impl<'a, T> Replicas<'a, T> {
    /// What one replica reads.
    pub fn of(&self, replica: usize) -> View<'a, T> {
        fn part<E>(all: &[E], replica: usize, length: usize) -> &[E] {
            if length == 0 || all.is_empty() { all } else { &all[replica * length..(replica + 1) * length] }
        }
        let View { name, values, indices, .. } = self.all;
        let (values, indices) = (part(values, replica, self.length), part(indices, replica, self.length));
        View { name, values, indices, errors: &[] }
    }
}

/// A buffer that a kernel writes, with all its replicas.
#[derive(Debug)]
pub struct ReplicasMut<'a, T> {
    /// The operand that it is.
    pub name: &'static str,
    /// The elements.
    pub values: &'a mut [T],
    /// Elements of one replica.
    pub length: usize,
}

impl<T> ReplicasMut<'_, T> {
    /// What one replica writes.
    pub fn of(&mut self, replica: usize) -> ViewMut<'_, T> {
        ViewMut::new(self.name, &mut self.values[replica * self.length..(replica + 1) * self.length])
    }
}
