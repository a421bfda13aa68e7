//! The limit of open files, which must allow a connection for each user.
//!
//! A load generator that reaches it measures the limit instead of the service, and goose may not end.

use crate::cleanup::leftover_check::CONCURRENCY;

/// Open files other than connections: logs, reports, the runtime, the listener of an embedded service.
const OTHER_FILES: u64 = 64;

/// Raises the limit if necessary.
///
/// # Errors
///
/// When it is too low for this number of users and cannot be raised.
#[cfg(unix)]
pub(crate) fn raise_limit(users: usize, embedded: bool) -> Result<(), String> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    let needed = needed(users, embedded);
    if soft >= needed || hard >= needed && setrlimit(Resource::RLIMIT_NOFILE, needed, hard).is_ok() {
        return Ok(());
    }
    Err(format!(
        "{users} users need {needed} open files, the limit is {hard}: use fewer users, or raise it with `ulimit -n`"
    ))
}

#[cfg(not(unix))]
pub(crate) fn raise_limit(_users: usize, _embedded: bool) -> Result<(), String> {
    Ok(())
}

#[cfg_attr(not(unix), expect(dead_code, reason = "there is no such limit"))]
fn needed(users: usize, embedded: bool) -> u64 {
    // An embedded service has the other end of each connection.
    let connections = (users as u64).saturating_add(CONCURRENCY as u64);
    connections.saturating_mul(if embedded { 2 } else { 1 }).saturating_add(OTHER_FILES)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn too_many_users_are_rejected_with_the_limit() {
        let error = raise_limit(1 << 40, true).unwrap_err();
        let start = "1099511627776 users need 2199023255680 open files, the limit is ";
        assert!(error.starts_with(start), "{error}");
    }

    #[test]
    fn a_few_users_are_within_the_limit() {
        raise_limit(8, true).unwrap();
    }
}
