//! Ends a run after a termination signal.

use super::stop::StopSignal;
use crate::contract::{ServiceContract, deletes};
use crate::objects::Entity;
use std::io;
use tokio::task::JoinHandle;

/// Stops the run at the first termination signal and ends the process at the second, starting with this call. `log`
/// receives a line at each of them. Signals that were ignored when the program started stay ignored.
///
/// # Errors
///
/// If the process cannot handle signals.
#[cfg(unix)]
pub fn stop_on_signals(
    contract: &impl ServiceContract,
    stop: StopSignal,
    log: fn(&str),
) -> io::Result<JoinHandle<()>> {
    use programs::signals::TerminationSignal;
    use tokio::signal::unix::SignalKind;

    let handler = Handler::new(contract, stop, log);
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
            handler.handle(128 + kind.as_raw_value());
        }
    }))
}

/// Stops the run at the first Ctrl-C and ends the process at the second, starting with this call. `log` receives a
/// line at each of them.
///
/// # Errors
///
/// Never on this platform.
#[cfg(not(unix))]
pub fn stop_on_signals(
    contract: &impl ServiceContract,
    stop: StopSignal,
    log: fn(&str),
) -> io::Result<JoinHandle<()>> {
    let handler = Handler::new(contract, stop, log);
    Ok(tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            handler.handle(130);
        }
    }))
}

/// The reaction to signals.
struct Handler {
    entity: &'static Entity,
    /// `true` if the run deletes what its cases create.
    deletes: bool,
    stop: StopSignal,
    log: fn(&str),
}

impl Handler {
    fn new(contract: &impl ServiceContract, stop: StopSignal, log: fn(&str)) -> Self {
        Self { entity: contract.entity(), deletes: deletes(contract), stop, log }
    }

    /// Stops the run, or ends the process with `code` if the run is stopping already.
    fn handle(&self, code: i32) {
        let (users, unowned) = (self.stop.users(), self.stop.unowned());
        if self.stop.is_requested() {
            (self.log)(&self.ending(&users, &unowned));
            std::process::exit(code);
        }
        let plural = self.entity.plural;
        let deleting = format!(": deleting the {plural} of the running cases");
        (self.log)(&format!("stopping{}", if users.is_empty() { "" } else { &deleting }));
        self.stop.request();
    }

    /// Describes what a run may leave behind that ends at once.
    fn ending(&self, users: &[String], unowned: &[String]) -> String {
        let Entity { name, plural, .. } = self.entity;
        let ending = match users {
            [] if self.deletes => format!("stopped: no {name} is left"),
            [] => "stopped".to_owned(),
            [user] => format!("stopped: {plural} of the user {user} may be left"),
            users => format!("stopped: {plural} of these users may be left: {}", users.join(", ")),
        };
        match unowned {
            [] => ending,
            ids => format!("{ending}; these have no user: {}", ids.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Handler;
    use crate::objects::SESSION;
    use crate::suite::StopSignal;

    #[test]
    fn only_users_that_may_have_entities_are_named() {
        let handler =
            |deletes| Handler { entity: &SESSION, deletes, stop: StopSignal::default(), log: |_| {} };
        let ending = |users: &[String], unowned: &[String]| handler(true).ending(users, unowned);
        let users = ["u-1".to_owned(), "u-3".to_owned()];
        assert_eq!(ending(&[], &[]), "stopped: no session is left");
        assert_eq!(ending(&users[..1], &[]), "stopped: sessions of the user u-1 may be left");
        assert_eq!(ending(&users, &[]), "stopped: sessions of these users may be left: u-1, u-3");
        assert_eq!(
            ending(&users[..1], &["6f1c".to_owned()]),
            "stopped: sessions of the user u-1 may be left; these have no user: 6f1c"
        );
        // The run does not know which entities it leaves if the contract cannot delete them.
        assert_eq!(handler(false).ending(&[], &[]), "stopped");
    }
}
