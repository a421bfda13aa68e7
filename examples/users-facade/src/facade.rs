//! The steps of users: sign up, sign in, use a session, change the password, sign out.

use crate::accounts::{Account, Accounts, NewAccount};
use crate::error::{FacadeError, of_accounts, of_passwords, of_roles, of_sessions};
use crate::passwords::Passwords;
use roles_example::contract::Roles;
use serde_json::Value;
use sessions_client::{ISessionsV1, SessionV1};
use sessions_web::SessionUserV1;

/// A session with the user as the official facade stores it.
pub type Session = SessionV1<SessionUserV1, Value>;

/// The device of a user, for lists of sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Device<'d> {
    /// The address.
    pub address: Option<&'d str>,
    /// The program, such as a browser.
    pub client: Option<&'d str>,
}

/// The steps of users over four services.
///
/// The services are any implementations of their contracts: clients over HTTP, or fakes in tests. The first argument
/// of each step is the correlation id of its calls, which labels the log lines of all services.
#[derive(Clone, Debug)]
pub struct UsersFacade<A, P, R, S> {
    accounts: A,
    passwords: P,
    roles: R,
    sessions: S,
}

impl<A, P, R, S> UsersFacade<A, P, R, S>
where
    A: Accounts,
    P: Passwords,
    R: Roles,
    S: ISessionsV1<SessionUserV1, Value>,
{
    /// Creates a facade over the services.
    pub fn new(accounts: A, passwords: P, roles: R, sessions: S) -> Self {
        Self { accounts, passwords, roles, sessions }
    }

    /// Creates an account with a password, and opens its first session.
    ///
    /// # Errors
    ///
    /// [`FacadeError::LoginTaken`], [`FacadeError::UnusablePassword`], or a failed call. Without a password the account
    /// is removed again, so that the login stays free; if that fails too, the login stays taken. If only the session
    /// cannot be opened, account and password exist: the user signs in.
    pub async fn sign_up(
        &self,
        correlation_id: Option<&str>,
        account: &NewAccount,
        password: &str,
        device: Device<'_>,
    ) -> Result<Session, FacadeError> {
        let account = self.accounts.create_account(correlation_id, account).await.map_err(of_accounts)?;
        if let Err(error) = self.passwords.set_password(correlation_id, &account.id, password).await {
            // The first failure is the cause, whatever happens to the account.
            let _ = self.accounts.drop_account_by_id(correlation_id, &account.id).await;
            return Err(of_passwords(error));
        }
        self.open_session(correlation_id, account, Vec::new(), device).await
    }

    /// Checks login and password, and opens a session with the roles of the user.
    ///
    /// # Errors
    ///
    /// [`FacadeError::WrongLoginOrPassword`], [`FacadeError::AccountLocked`], [`FacadeError::AccountDisabled`], or a
    /// failed call. No session is opened then.
    pub async fn sign_in(
        &self,
        correlation_id: Option<&str>,
        login: &str,
        password: &str,
        device: Device<'_>,
    ) -> Result<Session, FacadeError> {
        let found = self.accounts.get_account_by_login(correlation_id, login).await.map_err(of_accounts)?;
        let account = found.ok_or(FacadeError::WrongLoginOrPassword)?;
        let checked = self.passwords.authenticate(correlation_id, &account.id, password).await;
        if !checked.map_err(of_passwords)?.authenticated {
            return Err(FacadeError::WrongLoginOrPassword);
        }
        // Only who knows the password learns that the account is disabled.
        if account.active == Some(false) || account.deleted == Some(true) {
            return Err(FacadeError::AccountDisabled);
        }
        let roles = self.roles.get_roles_by_id(correlation_id, &account.id).await.map_err(of_roles)?;
        self.open_session(correlation_id, account, roles.unwrap_or_default(), device).await
    }

    /// Returns an open session, for example for a user who comes back.
    ///
    /// # Errors
    ///
    /// [`FacadeError::SessionExpired`], or a failed call.
    pub async fn restore_session(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Session, FacadeError> {
        let found = self.sessions.get_session_by_id(correlation_id, session_id).await.map_err(of_sessions)?;
        found.filter(|session| session.active).ok_or(FacadeError::SessionExpired)
    }

    /// Returns the user of an open session.
    ///
    /// # Errors
    ///
    /// [`FacadeError::SessionExpired`], or a failed call.
    pub async fn current_user(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<SessionUserV1, FacadeError> {
        let session = self.restore_session(correlation_id, session_id).await?;
        session.user.ok_or(FacadeError::SessionExpired)
    }

    /// Replaces the password of the user of a session. All sessions stay open.
    ///
    /// # Errors
    ///
    /// [`FacadeError::WrongLoginOrPassword`] if the old password is wrong, [`FacadeError::SamePassword`],
    /// [`FacadeError::UnusablePassword`], [`FacadeError::SessionExpired`], or a failed call.
    pub async fn change_password(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        old_password: &str,
        new_password: &str,
    ) -> Result<(), FacadeError> {
        let user = self.current_user(correlation_id, session_id).await?;
        let changed =
            self.passwords.change_password(correlation_id, &user.id, old_password, new_password).await;
        changed.map_err(of_passwords)
    }

    /// Closes a session. One that is closed or unknown is not an error.
    ///
    /// # Errors
    ///
    /// A failed call.
    pub async fn sign_out(&self, correlation_id: Option<&str>, session_id: &str) -> Result<(), FacadeError> {
        self.sessions.close_session(correlation_id, session_id).await.map(drop).map_err(of_sessions)
    }

    async fn open_session(
        &self,
        correlation_id: Option<&str>,
        account: Account,
        roles: Vec<String>,
        device: Device<'_>,
    ) -> Result<Session, FacadeError> {
        // It is only displayed, so its failure does not prevent a login.
        let password =
            self.passwords.get_password_info(correlation_id, &account.id).await.unwrap_or_default();
        let Account { id, login, name, .. } = account;
        let mut user = SessionUserV1::new(&*id).with_login(login).with_name(&*name).with_roles(roles);
        user.create_time = account.create_time;
        user.change_pwd_time = password.and_then(|password| password.change_time);
        user.time_zone = account.time_zone;
        user.language = account.language;
        user.theme = account.theme;
        user.custom_hdr = account.custom_hdr;
        user.custom_dat = account.custom_dat;
        let Device { address, client } = device;
        self.sessions
            .open_session(correlation_id, &id, Some(&name), address, client, Some(&user), None)
            .await
            .map_err(of_sessions)
    }
}
