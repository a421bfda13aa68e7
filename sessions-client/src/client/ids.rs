//! Ids as the service makes them.

use uuid::Uuid;

/// A version 4 UUID. An id of a fake need not be hard to guess, and the system's randomness would have to be set up by
/// whoever compiles for `wasm32-unknown-unknown`.
pub(super) fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid()
}

/// An id that tells the number of its session, to those who ask for it, and is as random as others to all who look at it.
/// Numbers begin anew after 2^48.
pub(super) fn numbered(number: u64) -> Uuid {
    let mut id = random_id().into_bytes();
    let number = number.to_be_bytes();
    for place in 0..6 {
        id[10 + place] = number[2 + place] ^ id[place];
    }
    Uuid::from_bytes(id)
}

/// The number that the id tells; some number, where it is an id of another kind.
pub(super) fn number(id: Uuid) -> u64 {
    let id = id.as_bytes();
    let mut number = [0; 8];
    for place in 0..6 {
        number[2 + place] = id[10 + place] ^ id[place];
    }
    u64::from_be_bytes(number)
}

/// An id as the service writes it.
pub(super) fn written(id: Uuid) -> String {
    id.simple().to_string()
}

/// The way back, from this one form alone: the service compares texts.
pub(super) fn read(id: &str) -> Option<Uuid> {
    let mut buffer = [0; 32];
    Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().encode_lower(&mut buffer) == id)
}

#[cfg(test)]
mod tests {
    use super::{number, numbered, read, written};

    #[test]
    fn an_id_tells_its_number_and_is_like_no_other() {
        for given in [0, 1, 255, 1 << 40, (1 << 48) - 1] {
            let [id, other] = [(); 2].map(|()| numbered(given));
            assert_eq!((number(id), number(other)), (given, given));
            assert_ne!(id, other);
            assert_eq!(id.get_version_num(), 4);
            assert_eq!(read(&written(id)), Some(id));
        }
    }
}
