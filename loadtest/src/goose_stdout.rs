//! Reads what goose prints, so that a closed or full standard output does not end or block a run.
//!
//! goose prints to standard output with `println!`. That panics if the reader is gone, and blocks if it does not
//! read; either ends goose's main loop or holds it up in the middle of a run. So standard output is a pipe
//! while goose runs. Its other end is always read, and forwarded only if goose's tables were asked for.

#[cfg(unix)]
use std::io::{self, Read, Write};
#[cfg(unix)]
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The bytes that are read at once.
#[cfg(unix)]
const CHUNK: usize = 8 << 10;

/// The chunks that wait for the reader of standard output. Further ones are dropped.
#[cfg(unix)]
const MAX_CHUNKS: usize = 1_000;

/// Redirects the standard output of this process into a pipe until it is dropped.
#[derive(Debug)]
pub(crate) struct GooseStdout {
    #[cfg(unix)]
    _redirect: Option<Redirect>,
}

#[cfg(unix)]
#[derive(Debug)]
struct Redirect {
    stdout: std::fs::File,
    forwarder: Option<std::thread::JoinHandle<()>>,
}

impl GooseStdout {
    /// Redirects standard output. If that fails, goose and the load test share it.
    #[cfg(unix)]
    pub(crate) fn redirect(forward: bool) -> Self {
        Self { _redirect: Redirect::new(forward).ok() }
    }

    /// Does nothing: goose and the load test share standard output.
    #[cfg(not(unix))]
    pub(crate) fn redirect(_forward: bool) -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Redirect {
    fn new(forward: bool) -> io::Result<Self> {
        use std::os::fd::AsFd;
        let stdout = std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (reader, writer) = io::pipe()?;
        nix::unistd::dup2_stdout(&writer)?;
        let original = if forward { Some(stdout.try_clone()?) } else { None };
        let (chunks, waiting) = sync_channel(MAX_CHUNKS);
        let forwarder = original.map(|stdout| std::thread::spawn(move || write_all(stdout, waiting)));
        std::thread::spawn(move || read_all(reader, &chunks));
        Ok(Self { stdout, forwarder })
    }
}

/// Reads everything that goose prints, whether it can be forwarded or not.
#[cfg(unix)]
fn read_all(mut reader: io::PipeReader, chunks: &SyncSender<Vec<u8>>) {
    let mut buffer = [0; CHUNK];
    while let Ok(length @ 1..) = reader.read(&mut buffer) {
        let _ = chunks.try_send(buffer[..length].to_owned());
    }
}

/// Forwards what was read, until standard output is closed.
#[cfg(unix)]
fn write_all(mut stdout: std::fs::File, chunks: Receiver<Vec<u8>>) {
    for chunk in chunks {
        if stdout.write_all(&chunk).is_err() {
            return;
        }
    }
}

/// Restores standard output, after everything that goose printed has been forwarded.
#[cfg(unix)]
impl Drop for Redirect {
    fn drop(&mut self) {
        let _ = io::stdout().flush();
        // This closes the last writing end of the pipe, so that the forwarder ends.
        if nix::unistd::dup2_stdout(&self.stdout).is_ok()
            && let Some(forwarder) = self.forwarder.take()
        {
            let _ = forwarder.join();
        }
    }
}
