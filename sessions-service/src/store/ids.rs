//! Ids of sessions: UUIDs of version 4 that contain the number of their session.

use uuid::Uuid;

/// Creates an id that contains 48 bits of the number of its session and 74 random bits.
///
/// The randomness is not cryptographic: ids of an embedded service need not be hard to guess.
pub(super) fn new_id(number: u64) -> Uuid {
    let random = uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes());
    let mut id = random.into_uuid().into_bytes();
    let [_, _, masked @ ..] = (number ^ mask(id)).to_be_bytes();
    id[NUMBER_OFFSET..].copy_from_slice(&masked);
    Uuid::from_bytes(id)
}

/// Returns the number in the id, or an arbitrary one if [`new_id`] did not create the id.
pub(super) fn number_of(id: Uuid) -> u64 {
    let id = id.into_bytes();
    let mut masked = [0; 8];
    masked[2..].copy_from_slice(&id[NUMBER_OFFSET..]);
    u64::from_be_bytes(masked) ^ mask(id)
}

/// The offset of the number in an id.
const NUMBER_OFFSET: usize = 10;

/// Returns the mask that makes the number look random. It is derived from the id's random bits by a
/// multiplication, which spreads each bit over the higher ones.
fn mask(id: [u8; 16]) -> u64 {
    let [first @ .., _, _, _, _, _, _, _, _] = id;
    u64::from_be_bytes(first).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}

/// Parses an id in the service's format, 32 lowercase digits. Other formats are unknown ids, since the
/// service compares strings.
pub(super) fn parse_id(id: &str) -> Option<Uuid> {
    let mut buffer = [0; 32];
    Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().encode_lower(&mut buffer) == id)
}

#[cfg(test)]
mod tests {
    use super::{new_id, number_of, parse_id};

    #[test]
    fn an_id_contains_its_number_and_is_random_otherwise() {
        for number in [0, 1, 255, 1 << 40, (1 << 48) - 1] {
            let [id, other] = [(); 2].map(|()| new_id(number));
            assert_eq!((number_of(id), number_of(other)), (number, number));
            assert_ne!(id, other);
            assert_ne!(id.as_bytes()[..6], id.as_bytes()[10..]);
            assert_eq!(id.get_version_num(), 4);
            assert_eq!(parse_id(&id.simple().to_string()), Some(id));
        }
    }
}
