//! Sessions in the order of their opening, found by id and by user without a search.
//!
//! Where there are many sessions, what costs is memory that no cache holds. So an index leads to a session in
//! one step, and an id is found by its number, which stands in the table itself.

use crate::data::SessionV1;
use slab::Slab;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

pub(super) struct Store<U, D> {
    sessions: Slab<Numbered<U, D>>,
    by_id: HashMap<Uuid, usize>,
    by_number: BTreeMap<u64, usize>,
    by_user: HashMap<String, BTreeMap<u64, usize>>,
    next: u64,
}

struct Numbered<U, D> {
    number: u64,
    session: SessionV1<U, D>,
}

impl<U, D> Default for Store<U, D> {
    fn default() -> Self {
        Self {
            sessions: Slab::new(),
            by_id: HashMap::new(),
            by_number: BTreeMap::new(),
            by_user: HashMap::new(),
            next: 0,
        }
    }
}

impl<U, D> Store<U, D> {
    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Keeps a session whose id is `id`, as [`written`].
    pub(super) fn insert(&mut self, id: Uuid, session: SessionV1<U, D>) {
        let number = self.next;
        self.next += 1;
        let user_id = session.user_id.clone();
        let place = self.sessions.insert(Numbered { number, session });
        self.by_id.insert(id, place);
        self.by_number.insert(number, place);
        if let Some(user_id) = user_id {
            self.by_user.entry(user_id).or_default().insert(number, place);
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<&SessionV1<U, D>> {
        self.at(*self.by_id.get(&read(id)?)?)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut SessionV1<U, D>> {
        let place = *self.by_id.get(&read(id)?)?;
        Some(&mut self.sessions.get_mut(place)?.session)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<SessionV1<U, D>> {
        let place = self.by_id.remove(&read(id)?)?;
        let Numbered { number, session } = self.sessions.try_remove(place)?;
        self.by_number.remove(&number);
        if let Some(user_id) = &session.user_id
            && let Some(places) = self.by_user.get_mut(user_id)
        {
            places.remove(&number);
            if places.is_empty() {
                self.by_user.remove(user_id);
            }
        }
        Some(session)
    }

    /// All sessions, in their order.
    pub(super) fn all(&self) -> impl Iterator<Item = &SessionV1<U, D>> {
        self.by_number.values().filter_map(|&place| self.at(place))
    }

    /// Those of a user, in their order.
    pub(super) fn of_user<'s>(
        &'s self,
        user_id: &str,
    ) -> impl Iterator<Item = &'s SessionV1<U, D>> + use<'s, U, D> {
        let places = self.by_user.get(user_id).into_iter().flat_map(BTreeMap::values);
        places.filter_map(|&place| self.at(place))
    }

    /// All sessions, in no order.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut SessionV1<U, D>> {
        self.sessions.iter_mut().map(|(_, Numbered { session, .. })| session)
    }

    fn at(&self, place: usize) -> Option<&SessionV1<U, D>> {
        Some(&self.sessions.get(place)?.session)
    }
}

/// A version 4 UUID. An id of a fake need not be hard to guess, and the system's randomness would have to be set up by
/// whoever compiles for `wasm32-unknown-unknown`.
pub(super) fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid()
}

/// An id as the service writes it.
pub(super) fn written(id: Uuid) -> String {
    id.simple().to_string()
}

/// The way back, from this one form alone: the service compares texts.
fn read(id: &str) -> Option<Uuid> {
    let mut buffer = [0; 32];
    Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().encode_lower(&mut buffer) == id)
}
