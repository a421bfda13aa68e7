//! The hash of the contract, which states what a service was compared with.

use super::expected::{Expected, Folder};
use contract_tests::routes;
use sessions_client::sessions_v1;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Returns the SHA-256 of the contract, in hexadecimal digits behind `sha256:`.
///
/// It covers the routes of all operations and every snapshot: two programs with the same hash expect the same of
/// a service. It depends on neither the platform nor the metadata of the snapshots.
#[must_use]
pub fn contract_hash() -> String {
    let snapshots = Folder::ALL.into_iter().flat_map(|folder| {
        let names = Expected.names(folder).into_iter().filter(|name| !name.contains('@'));
        names.map(move |name| {
            (format!("{folder}/{name}"), Expected.snapshot(folder, name).unwrap_or_default())
        })
    });
    let routes = ("routes".to_owned(), routes(sessions_v1::ROUTES));
    hash(snapshots.chain([routes]))
}

/// Hashes named parts. The length of each string comes before it, so that no two lists of parts are hashed as the
/// same bytes.
fn hash(parts: impl Iterator<Item = (String, String)>) -> String {
    let mut hasher = Sha256::new();
    for part in parts.flat_map(<[String; 2]>::from) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().fold("sha256:".to_owned(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

#[cfg(test)]
mod tests {
    use super::{contract_hash, hash};

    fn of(parts: &[(&str, &str)]) -> String {
        hash(parts.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())))
    }

    #[test]
    fn names_and_contents_of_all_parts_count() {
        let parts = [("service/a", "x"), ("service/b", "y")];
        // Programs of different versions are compared by this hash, so that its calculation must not change.
        // printf '\0\0\0\0\0\0\0\11service/a\0\0\0\0\0\0\0\1x\0\0\0\0\0\0\0\11service/b\0\0\0\0\0\0\0\1y' | sha256sum
        assert_eq!(of(&parts), GOLDEN);
        for other in [
            &[("service/a", "x"), ("service/b", "z")],
            &[("service/a", "x"), ("service/c", "y")],
            &[("service/ax", ""), ("service/b", "y")],
            &[("service/b", "y"), ("service/a", "x")],
        ] {
            assert_ne!(of(other), GOLDEN, "{other:?}");
        }
        assert_ne!(of(&parts[..1]), GOLDEN);
    }

    const GOLDEN: &str = "sha256:7526ba8032b610c19ea62a99f57675db0b5f3ff03e5e9fb2acf392f004c3c2a4";

    #[test]
    fn the_contract_has_the_same_hash_each_time() {
        let hash = contract_hash();
        assert_eq!(hash, contract_hash());
        assert_eq!(hash.len(), "sha256:".len() + 64, "{hash}");
    }
}
