//! Ends a run after a termination signal.

use crate::environment::log;
use contract_tests::suite::StopSignal;
use std::io;
use tokio::task::JoinHandle;

/// Stops the run at the first termination signal and ends the process at the second, starting with this call. Signals
/// that were ignored when the program started stay ignored.
///
/// # Errors
///
/// If the process cannot handle signals.
#[cfg(unix)]
pub fn stop_on_signals(stop: StopSignal) -> io::Result<JoinHandle<()>> {
    use programs::signals::TerminationSignal;
    use tokio::signal::unix::SignalKind;

    let mut hangup = TerminationSignal::new(SignalKind::hangup())?;
    let mut interrupt = TerminationSignal::new(SignalKind::interrupt())?;
    let mut terminate = TerminationSignal::new(SignalKind::terminate())?;
    Ok(tokio::spawn(async move {
        loop {
            let kind = tokio::select! {
                kind = hangup.recv() => kind,
                kind = interrupt.recv() => kind,
                kind = terminate.recv() => kind,
            };
            handle_signal(&stop, 128 + kind.as_raw_value());
        }
    }))
}

/// Stops the run at the first Ctrl-C and ends the process at the second, starting with this call.
#[cfg(not(unix))]
///
/// # Errors
///
/// Never on this platform.
pub fn stop_on_signals(stop: StopSignal) -> io::Result<JoinHandle<()>> {
    Ok(tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            handle_signal(&stop, 130);
        }
    }))
}

/// Stops the run, or ends the process with `code` if the run is stopping already.
fn handle_signal(stop: &StopSignal, code: i32) {
    if stop.is_requested() {
        log(&ending(&stop.users(), &stop.unowned()));
        std::process::exit(code);
    }
    let deleting = if stop.users().is_empty() { "" } else { ": deleting the sessions of the running cases" };
    log(&format!("stopping{deleting}"));
    stop.request();
}

/// Describes what a run may leave behind that ends at once.
fn ending(users: &[String], unowned: &[String]) -> String {
    let ending = match users {
        [] => "stopped: no session is left".to_owned(),
        [user] => format!("stopped: sessions of the user {user} may be left"),
        users => format!("stopped: sessions of these users may be left: {}", users.join(", ")),
    };
    match unowned {
        [] => ending,
        ids => format!("{ending}; these have no user: {}", ids.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::ending;

    #[test]
    fn only_users_that_may_have_sessions_are_named() {
        let users = ["u-1".to_owned(), "u-3".to_owned()];
        assert_eq!(ending(&[], &[]), "stopped: no session is left");
        assert_eq!(ending(&users[..1], &[]), "stopped: sessions of the user u-1 may be left");
        assert_eq!(ending(&users, &[]), "stopped: sessions of these users may be left: u-1, u-3");
        assert_eq!(
            ending(&users[..1], &["6f1c".to_owned()]),
            "stopped: sessions of the user u-1 may be left; these have no user: 6f1c"
        );
    }
}
