//! Ids as the service makes them.

use uuid::Uuid;

/// A version 4 UUID. An id of a fake need not be hard to guess, and the system's randomness would have to be set up by
/// whoever compiles for `wasm32-unknown-unknown`.
pub(super) fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid()
}

/// An id that tells 48 bits of the number of its session to those who ask for it, and has 74 random bits.
pub(super) fn numbered(number: u64) -> Uuid {
    let mut id = random_id().into_bytes();
    let [_, _, hidden @ ..] = (number ^ mask(id)).to_be_bytes();
    id[NUMBER..].copy_from_slice(&hidden);
    Uuid::from_bytes(id)
}

/// The number that the id tells; some number, where it is an id of another kind.
pub(super) fn number(id: Uuid) -> u64 {
    let id = id.into_bytes();
    let mut hidden = [0; 8];
    hidden[2..].copy_from_slice(&id[NUMBER..]);
    u64::from_be_bytes(hidden) ^ mask(id)
}

/// Where in an id its number is.
const NUMBER: usize = 10;

/// What hides the number among random bits, made of others: a multiplication spreads each over those above it.
fn mask(id: [u8; 16]) -> u64 {
    let [first @ .., _, _, _, _, _, _, _, _] = id;
    u64::from_be_bytes(first).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
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
    fn an_id_tells_its_number_to_those_alone_who_ask() {
        for given in [0, 1, 255, 1 << 40, (1 << 48) - 1] {
            let [id, other] = [(); 2].map(|()| numbered(given));
            assert_eq!((number(id), number(other)), (given, given));
            assert_ne!(id, other);
            assert_ne!(id.as_bytes()[..6], id.as_bytes()[10..]);
            assert_eq!(id.get_version_num(), 4);
            assert_eq!(read(&written(id)), Some(id));
        }
    }
}
