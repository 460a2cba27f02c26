//! Everything that a state consists of has a number, so that a state of the whole is a handful of numbers. Equal things, and only they,
//! have the same number: the full text of a thing is its key, no hash of it.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

/// The number of an interned thing.
pub(super) type Id = u32;
/// A map whose keys are a few numbers.
pub(super) type Numbered<K, V> = HashMap<K, V, BuildHasherDefault<Mixed>>;

/// Mixes numbers quickly. Keys are compared in full all the same.
#[derive(Default)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Things by number and numbers by thing.
pub(super) struct Interned<T> {
    things: Vec<Rc<T>>,
    numbers: HashMap<String, Id>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { things: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Debug> Interned<T> {
    pub(super) fn number(&mut self, thing: T) -> Id {
        let next = self.things.len() as Id;
        *self.numbers.entry(format!("{thing:?}")).or_insert_with(|| {
            self.things.push(Rc::new(thing));
            next
        })
    }

    pub(super) fn get(&self, number: Id) -> &Rc<T> {
        &self.things[number as usize]
    }
}

/// Sets of messages by number; with and without one message is looked up, not computed again.
#[derive(Default)]
pub(super) struct Sets {
    known: Interned<Vec<Id>>,
    with: Numbered<(Id, Id), Id>,
    without: Numbered<(Id, Id), Id>,
}

impl Sets {
    pub(super) fn empty(&mut self) -> Id {
        self.known.number(Vec::new())
    }

    pub(super) fn of(&self, set: Id) -> Rc<Vec<Id>> {
        Rc::clone(self.known.get(set))
    }

    pub(super) fn has(&self, set: Id, member: Id) -> bool {
        self.known.get(set).binary_search(&member).is_ok()
    }

    pub(super) fn with(&mut self, set: Id, member: Id) -> Id {
        if let Some(known) = self.with.get(&(set, member)) {
            return *known;
        }
        let mut members = (**self.known.get(set)).clone();
        if let Err(place) = members.binary_search(&member) {
            members.insert(place, member);
        }
        let number = self.known.number(members);
        self.with.insert((set, member), number);
        number
    }

    pub(super) fn without(&mut self, set: Id, member: Id) -> Id {
        if let Some(known) = self.without.get(&(set, member)) {
            return *known;
        }
        let members = self.known.get(set).iter().copied().filter(|other| *other != member).collect();
        let number = self.known.number(members);
        self.without.insert((set, member), number);
        number
    }
}
