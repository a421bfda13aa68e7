//! Login and logout.

use crate::accounts;
use crate::page::page;
use axum::Form;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use sessions_web::{NewSession, ReturnTo, Session, SessionError, SessionManager};
use std::net::SocketAddr;

#[derive(Deserialize)]
pub(crate) struct Credentials {
    login: String,
    password: String,
}

/// Shows the form, or a link for users who are logged in. A redirect to the page that they have asked for could be
/// endless: that page may need a user of another type, or run in an instance that does not know the session yet.
pub(crate) async fn form(session: Option<Session>, ReturnTo(asked_for): ReturnTo) -> Markup {
    match session {
        Some(session) => page(
            "Log in",
            session.user().name.as_deref(),
            &html! { p { "You are logged in. " a href=(asked_for) { "Continue" } } },
        ),
        None => render("", None),
    }
}

/// Logs the user in, and sends them to the page that they have asked for, or to the shop.
pub(crate) async fn log_in(
    sessions: SessionManager,
    ReturnTo(asked_for): ReturnTo,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Form(Credentials { login, password }): Form<Credentials>,
) -> Result<Response, SessionError> {
    let entered = login.clone();
    let checked = tokio::task::spawn_blocking(move || accounts::check(&entered, &password)).await;
    let Ok(Some(account)) = checked else {
        let page = render(&login, Some("The user name or the password is wrong."));
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    // Behind a proxy, this is the address of the proxy.
    let address = address.ip().to_string();
    let session = NewSession::new(account.id, account.user()).user_name(account.name).address(address);
    sessions.log_in(session).await?;
    Ok(Redirect::to(&asked_for).into_response())
}

pub(crate) async fn log_out(sessions: SessionManager) -> Result<Redirect, SessionError> {
    sessions.log_out().await?;
    Ok(Redirect::to("/login"))
}

fn render(login: &str, problem: Option<&str>) -> Markup {
    page(
        "Log in",
        None,
        &html! {
            @if let Some(problem) = problem {
                p.problem role="alert" { (problem) }
            }
            // Without `action`, it is sent to the address of the page, which names the page to return to.
            form.fields method="post" {
                label for="login" { "User name" }
                input #login name="login" value=(login) autocomplete="username" required autofocus;
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password" required;
                button { "Log in" }
            }
            p.hint { "This is an example. Its users are " code { "ann" } " with the password " code { "apple pie" }
                " and " code { "ben" } " with " code { "blueberry tart" } "." }
        },
    )
}
