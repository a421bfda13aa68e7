//! Runs the steps of one user: `examples/users-facade/run`, which starts the services.

use roles_example::contract::{Roles, RolesClient};
use std::ffi::OsString;
use std::process::ExitCode;
use users_facade_example::accounts::NewAccount;
use users_facade_example::deployment::{config, facade};
use users_facade_example::error::FacadeError;
use users_facade_example::facade::{Device, Session};
use uuid::Uuid;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let facade = facade(&variables)?;
    let roles = RolesClient::from_config(&config("ROLES", &variables)?)?;

    // One id for all log lines of all services.
    let trace = Uuid::new_v4().simple().to_string();
    let id = Some(&*trace);
    let login = format!("ann-{trace}@example.com");
    let account = NewAccount {
        login: login.clone(),
        name: "Ann".to_owned(),
        language: Some("en".to_owned()),
        ..NewAccount::default()
    };
    let device = Device { address: Some("192.0.2.1"), client: Some("users-facade") };
    let (first, second) = ("correct horse", "battery staple");

    let session = facade.sign_up(id, &account, first, device).await?;
    print("sign up", &session);
    fails("sign up with the same login", facade.sign_up(id, &account, first, device).await)?;
    facade.sign_out(id, &session.id).await?;
    println!("{:32} signed out", "sign out");
    fails("use the closed session", facade.restore_session(id, &session.id).await)?;

    fails("sign in with a wrong password", facade.sign_in(id, &login, second, device).await)?;
    fails("sign in with an unknown login", facade.sign_in(id, "nobody", first, device).await)?;
    let user_id = session.user_id.unwrap_or_default();
    roles.set_roles(id, &user_id, &["editor".to_owned()]).await?;
    let session = facade.sign_in(id, &login, first, device).await?;
    print("sign in", &session);
    let user = facade.current_user(id, &session.id).await?;
    println!("{:32} {}, roles {:?}", "current user", user.name.unwrap_or_default(), user.roles);

    facade.change_password(id, &session.id, first, second).await?;
    println!("{:32} changed", "change the password");
    fails("sign in with the old password", facade.sign_in(id, &login, first, device).await)?;
    print("sign in with the new password", &facade.sign_in(id, &login, second, device).await?);
    print("restore the session", &facade.restore_session(id, &session.id).await?);
    Ok(())
}

/// Prints a step that led to a session. Its id is a credential and is not shown.
fn print(step: &str, session: &Session) {
    let name = session.user_name.as_deref().unwrap_or_default();
    println!("{step:32} session of {name}, opened {}", session.open_time);
}

/// Prints the error of a step that must fail.
///
/// # Errors
///
/// If the step succeeded.
fn fails<T>(step: &str, result: Result<T, FacadeError>) -> Result<(), String> {
    let Err(error) = result else { return Err(format!("{step}: succeeded, which it must not")) };
    println!("{step:32} error: {error}");
    Ok(())
}
