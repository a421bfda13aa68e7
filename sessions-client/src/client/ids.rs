//! Ids as the service creates them.

/// Returns a random version 4 UUID as 32 hexadecimal digits.
///
/// The ids of a fake need not be hard to guess; the system's randomness would need extra set-up on
/// `wasm32-unknown-unknown`.
pub(super) fn random_id() -> String {
    let bytes = fastrand::u128(..).to_ne_bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid().simple().to_string()
}
