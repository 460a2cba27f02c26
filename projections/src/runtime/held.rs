//! Rows in memory, by key, with what a rebuild needs to let the coldest go.

use std::collections::HashMap;
use std::hash::Hash;

/// Rows that a batch holds.
#[derive(Debug)]
pub struct Held<K, V> {
    entries: HashMap<K, Entry<V>>,
    clock: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    /// It stands in a table already.
    is_stored: bool,
    /// It was changed since it was read.
    is_changed: bool,
    touched: u64,
}

/// A row that leaves a batch.
#[derive(Debug)]
pub struct Taken<K, V> {
    /// Its key.
    pub key: K,
    /// Itself.
    pub value: V,
    /// It stands in a table already: to be merged. Otherwise it is surely new.
    pub is_stored: bool,
}

impl<K, V> Default for Held<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), clock: 0 }
    }
}

impl<K: Copy + Eq + Hash + Ord, V> Held<K, V> {
    /// A row as it stands in a table.
    pub fn keep_stored(&mut self, key: K, value: V) {
        self.clock += 1;
        self.entries.insert(key, Entry { value, is_stored: true, is_changed: false, touched: self.clock });
    }

    /// A row that is new. Tells whether there was none.
    pub fn keep_new(&mut self, key: K, value: V) -> bool {
        self.clock += 1;
        let entry = Entry { value, is_stored: false, is_changed: true, touched: self.clock };
        self.entries.insert(key, entry).is_none()
    }

    /// A row, to be changed.
    pub fn change(&mut self, key: &K) -> Option<&mut V> {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.touched = self.clock;
        entry.is_changed = true;
        Some(&mut entry.value)
    }

    /// A row, to be looked at.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Whether a row is here.
    pub fn holds(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// How many rows are here.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is here.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes all out, by key; what was not changed is forgotten.
    pub fn take_all(&mut self) -> Vec<Taken<K, V>> {
        in_order(self.entries.drain())
    }

    /// Takes out the half that was not touched for longest, by key; what was not changed is forgotten.
    pub fn take_cold(&mut self) -> Vec<Taken<K, V>> {
        let mut touched: Vec<u64> = self.entries.values().map(|entry| entry.touched).collect();
        let middle = touched.len() / 2;
        if middle == 0 {
            return self.take_all();
        }
        let (_, limit, _) = touched.select_nth_unstable(middle);
        let limit = *limit;
        in_order(self.entries.extract_if(|_, entry| entry.touched < limit))
    }
}

fn in_order<K: Ord, V>(entries: impl Iterator<Item = (K, Entry<V>)>) -> Vec<Taken<K, V>> {
    let changed = entries.filter(|(_, entry)| entry.is_changed);
    let mut taken: Vec<_> =
        changed.map(|(key, Entry { value, is_stored, .. })| Taken { key, value, is_stored }).collect();
    taken.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cold_half_goes_and_what_was_only_read_is_forgotten() {
        let mut held = Held::default();
        for key in 0..4 {
            assert!(held.keep_new(key, key * 10));
        }
        held.keep_stored(4, 40);
        *held.change(&0).expect("held") += 1;
        let gone: Vec<_> =
            held.take_cold().into_iter().map(|taken| (taken.key, taken.value, taken.is_stored)).collect();
        assert_eq!(gone, [(1, 10, false), (2, 20, false)]);
        let left: Vec<_> = held.take_all().into_iter().map(|taken| (taken.key, taken.value, taken.is_stored)).collect();
        assert_eq!(left, [(0, 1, false), (3, 30, false)]);
        assert!(held.is_empty());
    }
}
