//! The accounts, and the check of a password.

use sessions_web::SessionUserV1;

/// A user who can log in.
pub(crate) struct Account {
    pub(crate) id: &'static str,
    login: &'static str,
    pub(crate) name: &'static str,
    /// The Argon2 hash of the password.
    hash: &'static str,
}

/// In a real application, they are in a database. The passwords are those that the login page shows.
const ACCOUNTS: [Account; 2] = [
    Account {
        id: "1",
        login: "ann",
        name: "Ann",
        hash: "$argon2id$v=19$m=19456,t=2,p=1$FogP/ebUgIjbNvBwtSSauw$4wXAE2LCgW6wc73QFO5QQAJJCU1hj2dG1z3AAt8AaQk",
    },
    Account {
        id: "2",
        login: "ben",
        name: "Ben",
        hash: "$argon2id$v=19$m=19456,t=2,p=1$v4nucCUCVMY+siuJuR9zFg$9qTJ5BHiOApYziLwd7ApPNZMQDZVhHhmHxWaawu32Qw",
    },
];

impl Account {
    /// Returns the user that the session stores.
    pub(crate) fn user(&self) -> SessionUserV1 {
        SessionUserV1::new(self.id).with_login(self.login).with_name(self.name)
    }
}

/// Returns the account if the password is right. This takes tens of milliseconds of CPU time, by design.
///
/// An unknown login takes as long as a wrong password, so that the time does not show which logins exist.
pub(crate) fn check(login: &str, password: &str) -> Option<&'static Account> {
    let account = ACCOUNTS.iter().find(|account| account.login == login);
    let hash = account.unwrap_or(&ACCOUNTS[0]).hash;
    let is_right = password_auth::verify_password(password, hash).is_ok();
    account.filter(|_| is_right)
}
