//! The limit of open files: whether there are enough for as many connections.
//!
//! A generator that runs into the limit measures that limit, and goose may not come to its end.

/// Files that are open beside the connections: logs, reports, the runtime, an embedded service's listener.
const OTHERS: u64 = 64;

/// Raises the limit as far as it is needed and may be.
///
/// # Errors
///
/// When it is too low for as many users and may not be raised.
#[cfg(unix)]
pub(crate) fn raise(users: usize, embedded: bool) -> Result<(), String> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    let needed = needed(users, embedded);
    if soft >= needed || hard >= needed && setrlimit(Resource::RLIMIT_NOFILE, needed, hard).is_ok() {
        return Ok(());
    }
    Err(format!(
        "{users} users need {needed} open files, and the limit is {hard}: take fewer, or raise it with `ulimit -n`"
    ))
}

#[cfg(not(unix))]
pub(crate) fn raise(_users: usize, _embedded: bool) -> Result<(), String> {
    Ok(())
}

#[cfg_attr(not(unix), expect(dead_code, reason = "there is no such limit"))]
fn needed(users: usize, embedded: bool) -> u64 {
    // An embedded service holds the other end of each connection.
    (users as u64).saturating_mul(if embedded { 2 } else { 1 }).saturating_add(OTHERS)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn more_users_than_there_can_be_files_are_refused_with_both_numbers() {
        let error = raise(1 << 40, true).unwrap_err();
        assert!(
            error.starts_with("1099511627776 users need 2199023255616 open files, and the limit is "),
            "{error}"
        );
    }

    #[test]
    fn a_few_users_find_files_enough() {
        raise(8, true).unwrap();
    }
}
