//! The steps of users against the real accounts, passwords, roles and sessions services.

use roles_example::contract::{Roles, RolesClient};
use serde_json::{Value, json};
use sessions_client::{ErrorKind, FilterParams, ISessionsV1, SessionsHttpClientV1};
use std::ffi::OsString;
use std::io::Write as _;
use std::sync::Once;
use users_facade_example::accounts::{Accounts, AccountsClient, NewAccount};
use users_facade_example::deployment::{HttpFacade, config, facade};
use users_facade_example::error::FacadeError;
use users_facade_example::facade::{Device, Session, UsersFacade};
use users_facade_example::passwords::{Passwords, PasswordsClient};
use uuid::Uuid;
use wiretrait::ClientConfig;

const PASSWORD: &str = "pass-s3cret";
const OTHER: &str = "other-s3cret";
const DEVICE: Device<'static> = Device { address: Some("192.0.2.1"), client: Some("test") };

/// The services, and the account of one test.
struct Services {
    facade: HttpFacade,
    accounts: AccountsClient,
    passwords: PasswordsClient,
    roles: RolesClient,
    /// Reads users and data as JSON.
    sessions: SessionsHttpClientV1<Value, Value>,
    account: NewAccount,
}

/// Returns the services. Returns `None`, after a line that says why, without their addresses.
fn services() -> Option<Services> {
    static PRINTED: Once = Once::new();
    let variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let is_set = |name: &str| variables.iter().any(|(known, value)| known == name && !value.is_empty());
    if !["ACCOUNTS_URL", "PASSWORDS_URL", "ROLES_URL", "SESSIONS_URL"].iter().all(|name| is_set(name)) {
        PRINTED.call_once(|| {
            // Printed even without `--nocapture`, at the start of a line. A closed stream changes nothing.
            let line = "\nSKIPPED: the services of users are started by examples/users-facade/run\n";
            let _ = std::io::stderr().write_all(line.as_bytes());
        });
        return None;
    }
    let config = |prefix| config(prefix, &variables).unwrap();
    Some(Services {
        facade: facade(&variables).unwrap(),
        accounts: AccountsClient::from_config(&config("ACCOUNTS")).unwrap(),
        passwords: PasswordsClient::from_config(&config("PASSWORDS")).unwrap(),
        roles: RolesClient::from_config(&config("ROLES")).unwrap(),
        sessions: SessionsHttpClientV1::from_config(&config("SESSIONS")).unwrap(),
        account: NewAccount {
            login: format!("s3cret-{}", Uuid::new_v4().simple()),
            name: "Ann".to_owned(),
            time_zone: Some("Europe/Berlin".to_owned()),
            ..NewAccount::default()
        },
    })
}

impl Services {
    async fn signed_up(&self) -> Session {
        self.facade.sign_up(None, &self.account, PASSWORD, DEVICE).await.unwrap()
    }

    async fn sign_in(&self, password: &str) -> Result<Session, FacadeError> {
        self.facade.sign_in(Some("test"), &self.account.login, password, DEVICE).await
    }
}

#[tokio::test]
async fn sign_up_opens_a_session_of_the_new_account() {
    let Some(services) = services() else { return };
    let session = services.signed_up().await;
    assert!(session.active);
    assert_eq!((session.user_name.as_deref(), session.client.as_deref()), (Some("Ann"), Some("test")));
    let user = session.user.unwrap();
    assert_eq!(session.user_id.as_deref(), Some(&*user.id));
    assert_eq!(user.login.as_deref(), Some(&*services.account.login));
    assert_eq!((user.time_zone.as_deref(), &*user.roles), (Some("Europe/Berlin"), &[][..]));
    let account =
        services.accounts.get_account_by_login(None, &services.account.login).await.unwrap().unwrap();
    assert_eq!((account.id, account.create_time), (user.id, user.create_time));
    assert_eq!(account.active, Some(true));
}

#[tokio::test]
async fn the_stored_user_has_the_keys_of_the_official_facade() {
    let Some(services) = services() else { return };
    let session = services.signed_up().await;
    let stored = services.sessions.get_session_by_id(None, &session.id).await.unwrap().unwrap();
    let mut user = stored.user.unwrap();
    let create_time = user.as_object_mut().unwrap().remove("create_time").unwrap();
    assert!(create_time.as_str().unwrap().ends_with('Z'), "{create_time}");
    assert_eq!(
        user,
        json!({
            "id": session.user_id, "login": services.account.login, "name": "Ann", "roles": [],
            "time_zone": "Europe/Berlin",
        })
    );
}

#[tokio::test]
async fn a_login_can_be_taken_once() {
    let Some(services) = services() else { return };
    services.signed_up().await;
    let again = services.facade.sign_up(None, &services.account, OTHER, DEVICE).await;
    assert!(matches!(again, Err(FacadeError::LoginTaken)), "{again:?}");
    assert!(services.sign_in(PASSWORD).await.is_ok(), "the first password is unchanged");
}

#[tokio::test]
async fn sign_up_with_an_unusable_password_leaves_the_login_free() {
    let Some(services) = services() else { return };
    for password in ["abc", "", "a password of more than 20 characters"] {
        let error = services.facade.sign_up(None, &services.account, password, DEVICE).await.unwrap_err();
        assert!(matches!(error, FacadeError::UnusablePassword(_)), "{error:?}");
    }
    assert_eq!(services.accounts.get_account_by_login(None, &services.account.login).await.unwrap(), None);
    services.signed_up().await;
}

#[tokio::test]
async fn sign_in_opens_a_session_with_the_roles_of_the_user() {
    let Some(services) = services() else { return };
    let first = services.signed_up().await;
    let user_id = first.user_id.unwrap();
    assert!(services.sign_in(PASSWORD).await.unwrap().user.unwrap().roles.is_empty());
    services.roles.set_roles(None, &user_id, &["editor".to_owned()]).await.unwrap();
    let session = services.sign_in(PASSWORD).await.unwrap();
    assert_ne!(session.id, first.id);
    assert!(session.user.unwrap().has_role("editor"));
}

#[tokio::test]
async fn an_unknown_login_fails_as_a_wrong_password_does() {
    let Some(services) = services() else { return };
    services.signed_up().await;
    let wrong = services.sign_in(OTHER).await.unwrap_err();
    let unknown = services.facade.sign_in(None, "s3cret-nobody", PASSWORD, DEVICE).await.unwrap_err();
    for error in [&wrong, &unknown] {
        assert!(matches!(error, FacadeError::WrongLoginOrPassword), "{error:?}");
    }
    assert_eq!(wrong.to_string(), unknown.to_string());
}

#[tokio::test]
async fn an_account_without_a_password_cannot_be_used() {
    let Some(services) = services() else { return };
    services.accounts.create_account(None, &services.account).await.unwrap();
    let error = services.sign_in(PASSWORD).await.unwrap_err();
    assert!(matches!(error, FacadeError::WrongLoginOrPassword), "{error:?}");
}

#[tokio::test]
async fn four_wrong_passwords_lock_an_account() {
    let Some(services) = services() else { return };
    services.signed_up().await;
    for _ in 0..3 {
        let error = services.sign_in(OTHER).await.unwrap_err();
        assert!(matches!(error, FacadeError::WrongLoginOrPassword), "{error:?}");
    }
    for _ in 0..2 {
        let error = services.sign_in(OTHER).await.unwrap_err();
        assert!(matches!(error, FacadeError::AccountLocked), "{error:?}");
    }
}

/// The README states this fault of the service.
#[tokio::test]
async fn the_real_service_unlocks_an_account_by_the_right_password() {
    let Some(services) = services() else { return };
    let user_id = services.signed_up().await.user_id.unwrap();
    for _ in 0..4 {
        services.sign_in(OTHER).await.unwrap_err();
    }
    let info = services.passwords.get_password_info(None, &user_id).await.unwrap().unwrap();
    assert!(!info.locked, "the service has stored the lock");
    assert!(services.sign_in(PASSWORD).await.is_ok());
}

/// The README states this fault of the service.
#[tokio::test]
async fn the_real_service_keeps_a_password_that_exists() {
    let Some(services) = services() else { return };
    let user_id = services.signed_up().await.user_id.unwrap();
    services.passwords.set_password(None, &user_id, OTHER).await.unwrap();
    assert!(services.sign_in(OTHER).await.is_err());
    assert!(services.sign_in(PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_deleted_or_disabled_account_cannot_be_used() {
    let Some(services) = services() else { return };
    let user_id = services.signed_up().await.user_id.unwrap();
    let mut account = services.accounts.get_account_by_id(None, &user_id).await.unwrap().unwrap();
    account.active = Some(false);
    services.accounts.update_account(None, &account).await.unwrap();
    let disabled = services.sign_in(PASSWORD).await.unwrap_err();
    assert!(matches!(disabled, FacadeError::AccountDisabled), "{disabled:?}");
    // Only the password shows that the account is disabled.
    let wrong = services.sign_in(OTHER).await.unwrap_err();
    assert!(matches!(wrong, FacadeError::WrongLoginOrPassword), "{wrong:?}");
    account.active = Some(true);
    services.accounts.update_account(None, &account).await.unwrap();
    assert!(services.sign_in(PASSWORD).await.is_ok());
    services.accounts.delete_account_by_id(None, &user_id).await.unwrap();
    let deleted = services.sign_in(PASSWORD).await.unwrap_err();
    assert!(matches!(deleted, FacadeError::AccountDisabled), "{deleted:?}");
}

#[tokio::test]
async fn a_session_is_restored_until_the_user_signs_out() {
    let Some(services) = services() else { return };
    let opened = services.signed_up().await;
    let restored = services.facade.restore_session(None, &opened.id).await.unwrap();
    assert_eq!(restored, opened);
    assert_eq!(services.facade.current_user(None, &opened.id).await.unwrap(), opened.user.unwrap());
    services.facade.sign_out(None, &opened.id).await.unwrap();
    let restored = services.facade.restore_session(None, &opened.id).await.unwrap_err();
    let user = services.facade.current_user(None, &opened.id).await.unwrap_err();
    let unknown = services.facade.restore_session(None, "unknown").await.unwrap_err();
    for error in [restored, user, unknown] {
        assert!(matches!(error, FacadeError::SessionExpired), "{error:?}");
    }
    // Signing out twice is not an error.
    services.facade.sign_out(None, &opened.id).await.unwrap();
}

#[tokio::test]
async fn a_changed_password_replaces_the_old_one() {
    let Some(services) = services() else { return };
    let session = services.signed_up().await;
    services.facade.change_password(None, &session.id, PASSWORD, OTHER).await.unwrap();
    let old = services.sign_in(PASSWORD).await.unwrap_err();
    assert!(matches!(old, FacadeError::WrongLoginOrPassword), "{old:?}");
    assert!(services.sign_in(OTHER).await.is_ok());
    services.facade.restore_session(None, &session.id).await.expect("the session stays open");
}

#[tokio::test]
async fn a_password_is_changed_only_with_the_old_one_and_an_open_session() {
    let Some(services) = services() else { return };
    let session = services.signed_up().await;
    let change = |old, new| services.facade.change_password(None, &session.id, old, new);
    let wrong = change(OTHER, "third-s3cret").await.unwrap_err();
    assert!(matches!(wrong, FacadeError::WrongLoginOrPassword), "{wrong:?}");
    let same = change(PASSWORD, PASSWORD).await.unwrap_err();
    assert!(matches!(same, FacadeError::SamePassword), "{same:?}");
    let short = change(PASSWORD, "abc").await.unwrap_err();
    assert!(matches!(short, FacadeError::UnusablePassword(_)), "{short:?}");
    services.facade.sign_out(None, &session.id).await.unwrap();
    let signed_out = change(PASSWORD, OTHER).await.unwrap_err();
    assert!(matches!(signed_out, FacadeError::SessionExpired), "{signed_out:?}");
    assert!(services.sign_in(PASSWORD).await.is_ok(), "the password is unchanged");
}

#[tokio::test]
async fn sign_in_fails_while_a_service_is_down_and_opens_no_session() {
    let Some(services) = services() else { return };
    let user_id = services.signed_up().await.user_id.unwrap();
    // Port 9 of the loopback interface is not used.
    let down = ClientConfig::from_url("http://127.0.0.1:9").unwrap().with_retries(0);
    let typed = || services.sessions.clone().with_payloads();
    let (login, correlation_id) = (&*services.account.login, Some("test"));

    let without_passwords = UsersFacade::new(
        services.accounts.clone(),
        PasswordsClient::from_config(&down).unwrap(),
        services.roles.clone(),
        typed(),
    );
    let error = without_passwords.sign_in(correlation_id, login, PASSWORD, DEVICE).await.unwrap_err();
    assert!(error.to_string().starts_with("the passwords service failed: authenticate: "), "{error}");
    let FacadeError::Service { service, error } = error else { panic!("{error:?}") };
    assert_eq!(
        (service, error.kind(), error.correlation_id()),
        ("passwords", ErrorKind::Connect, correlation_id)
    );

    let without_roles = UsersFacade::new(
        services.accounts.clone(),
        services.passwords.clone(),
        RolesClient::from_config(&down).unwrap(),
        typed(),
    );
    let error = without_roles.sign_in(None, login, PASSWORD, DEVICE).await.unwrap_err();
    assert!(matches!(error, FacadeError::Service { service: "roles", .. }), "{error:?}");

    let filter = FilterParams::new().user_id(&*user_id);
    let page = services.sessions.get_sessions(None, Some(&filter), None).await.unwrap();
    assert_eq!(page.data.len(), 1, "only the session of the sign-up");
}

#[tokio::test]
async fn no_error_shows_a_login_a_password_or_a_session_id() {
    let Some(services) = services() else { return };
    let session = services.signed_up().await;
    let mut errors = vec![
        services.facade.sign_up(None, &services.account, OTHER, DEVICE).await.unwrap_err(),
        services.facade.sign_in(None, "s3cret-nobody", PASSWORD, DEVICE).await.unwrap_err(),
        services.facade.change_password(None, &session.id, OTHER, PASSWORD).await.unwrap_err(),
        services.facade.change_password(None, &session.id, PASSWORD, PASSWORD).await.unwrap_err(),
        services.facade.change_password(None, &session.id, PASSWORD, "s3c").await.unwrap_err(),
        services.facade.change_password(None, "s3cret-id", PASSWORD, OTHER).await.unwrap_err(),
    ];
    for _ in 0..4 {
        errors.push(services.sign_in(OTHER).await.unwrap_err());
    }
    // The message of the service quotes the user id.
    let quoting =
        services.passwords.reset_password(None, "s3cret-user", "s3cret-code", OTHER).await.unwrap_err();
    errors.push(FacadeError::Service { service: "passwords", error: quoting });
    for error in errors {
        let shown = format!("{error} {error:?} {error:#?}");
        assert!(!shown.contains("s3c") && !shown.contains(&session.id), "{shown}");
    }
}

#[test]
fn the_code_in_the_list_of_examples_is_compiled() {
    let lines = |code: &str| code.lines().map(|line| line.trim_start().to_owned()).collect::<Vec<_>>();
    let list = include_str!("../../../docs/examples.md").replace("\r\n", "\n");
    let code = lines(list.split("```rust\n").nth(1).unwrap().split("```").next().unwrap());
    let code = code.strip_suffix(&[String::new()]).unwrap_or(&code);
    assert!(
        lines(include_str!("users_facade.rs")).windows(code.len()).any(|lines| lines == code),
        "{code:#?}"
    );
}

/// The code of `docs/examples.md`, which is not run.
#[expect(dead_code, reason = "not run")]
#[rustfmt::skip]
async fn documented(facade: &HttpFacade, correlation_id: Option<&str>) -> Result<(), FacadeError> {
    let session = facade.sign_in(correlation_id, "ann@example.com", "correct horse", Device::default()).await?;
    let user = facade.current_user(correlation_id, &session.id).await?;
    assert!(user.has_role("editor"));
    Ok(())
}
