//! Free ports for programs that cannot report the port they listen at.

use std::io;
use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports below the ephemeral ones, so that no outgoing connection takes a port before its program listens.
const FIRST: u16 = 12_000;
const LAST: u16 = 32_000;

/// Returns a port of 127.0.0.1 at which nothing listens. Later calls return other ones.
///
/// # Errors
///
/// If all are in use.
pub fn free_port() -> io::Result<u16> {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let range = LAST - FIRST;
    // Other processes start elsewhere.
    let start = process::id().wrapping_mul(97) % u32::from(range);
    for _ in 0..range {
        let taken = u32::from(TAKEN.fetch_add(1, Ordering::Relaxed));
        let offset = (start + taken) % u32::from(range);
        let port = FIRST + u16::try_from(offset).map_err(io::Error::other)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("all ports of 127.0.0.1 from 12000 to 31999 are in use"))
}
