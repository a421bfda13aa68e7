//! The phases of a call: connection, request, response.
//!
//! They are in a task-local variable, which the transport fills where the bytes are. Without it, no clock is read, and
//! until a program has measured its first call, the variable is not looked up.
//! Rejected alternative: the extensions of the request, because they cost three allocations, and a call that fails
//! does not return them.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::task_local;

/// True after the first call that was measured.
static IS_MEASURING: AtomicBool = AtomicBool::new(false);

task_local! {
    static CURRENT: Cell<CallPhases>;
}

/// The moments at which the phases of a call ended, as far as it got. If it had several attempts, they are those of
/// the last one.
///
/// Over HTTP/2, connections are opened in the background for all calls, and requests are sent by the task of the
/// connection: `dialed` and `connected` are absent, and `sent` is the moment at which the request was passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallPhases {
    /// The start of opening a connection, including the lookup of the name; `None` if a pooled one was used.
    pub dialed: Option<Instant>,
    /// The end of connecting and the start of the TLS handshake; `None` without TLS.
    pub connected: Option<Instant>,
    /// The moment at which the call had a connection.
    pub acquired: Option<Instant>,
    /// The moment at which the last byte of the request was written.
    pub sent: Option<Instant>,
    /// The moment at which the first byte of the response was read.
    pub first_byte: Option<Instant>,
}

/// Runs a call over [`HyperTransport`](crate::HyperTransport), and returns its phases with its result.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// # use library::{Books, BooksClient};
/// # use wiretrait::{Result, Transport, telemetry::measure_phases};
/// # async fn find(books: &BooksClient<impl Transport>) -> Result<()> {
/// let (book, phases) = measure_phases(books.find(1)).await;
/// if let (Some(sent), Some(first_byte)) = (phases.sent, phases.first_byte) {
///     println!("the service took {:?}", first_byte - sent);
/// }
/// # book.map(drop)
/// # }
/// ```
pub async fn measure_phases<F: Future>(call: F) -> (F::Output, CallPhases) {
    // Its cache line is shared by all threads, so that it is written only once.
    if !IS_MEASURING.load(Ordering::Relaxed) {
        IS_MEASURING.store(true, Ordering::Relaxed);
    }
    CURRENT
        .scope(Cell::default(), async {
            let output = call.await;
            (output, CURRENT.try_with(Cell::get).unwrap_or_default())
        })
        .await
}

/// Changes the phases of the call, if they are measured.
#[inline]
fn change(change: fn(&mut CallPhases)) {
    if IS_MEASURING.load(Ordering::Relaxed) {
        change_measured(change);
    }
}

/// Not inlined, because the functions that it would be inlined in are called for each read and write.
#[cold]
fn change_measured(change: fn(&mut CallPhases)) {
    let _ = CURRENT.try_with(|current| {
        let mut phases = current.get();
        change(&mut phases);
        current.set(phases);
    });
}

/// Records that a connection is being opened.
#[inline]
pub(super) fn dialed() {
    change(|phases| *phases = CallPhases { dialed: Some(Instant::now()), ..CallPhases::default() });
}

/// Records that the TLS handshake starts.
#[cfg(feature = "rustls")]
pub(super) fn connected() {
    change(|phases| phases.connected = Some(Instant::now()));
}

/// Records that the call has a connection: a pooled one, unless it was opened for the call.
#[inline]
pub(super) fn acquired() {
    change(|phases| {
        (phases.acquired, phases.sent, phases.first_byte) = (Some(Instant::now()), None, None);
    });
}

/// Records that a part of the request was written.
#[inline]
pub(super) fn sent() {
    change(|phases| phases.sent = Some(Instant::now()));
}

/// Records that a part of the response was read.
#[inline]
pub(super) fn received() {
    change(|phases| {
        // The rest of the response follows.
        if phases.first_byte.is_none() && phases.sent.is_some() {
            phases.first_byte = Some(Instant::now());
        }
    });
}
