//! goose prints to standard output with `println!`, which panics if the reader is gone, and the panic ends
//! goose's main loop in the middle of a run. So standard output is a pipe while goose runs. Its other end is
//! read to the end of the process, and forwarded only if goose's tables were asked for.

#[cfg(unix)]
use std::io::{self, Write};

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
        let (mut reader, writer) = io::pipe()?;
        nix::unistd::dup2_stdout(&writer)?;
        let mut original = if forward { Some(stdout.try_clone()?) } else { None };
        let forwarder = std::thread::spawn(move || {
            if let Some(stdout) = &mut original {
                let _ = io::copy(&mut reader, stdout);
            }
            // Also after a failed write: a full pipe would block goose.
            let _ = io::copy(&mut reader, &mut io::sink());
        });
        Ok(Self { stdout, forwarder: Some(forwarder) })
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
