//! The page that lists the sessions of a user, with their logout.

use crate::page::page;
use axum::Form;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use sessions_client::Timestamp;
use sessions_web::{Session, SessionError, SessionManager};

#[derive(Deserialize)]
pub(crate) struct Choice {
    /// Names a session without being a credential.
    reference: String,
}

/// Lists the sessions in which the user is logged in.
pub(crate) async fn show(session: Session, sessions: SessionManager) -> Result<Markup, SessionError> {
    let list = sessions.list().await?;
    Ok(page(
        "My sessions",
        session.user_name(),
        &html! {
            p { "You are logged in here:" }
            ul.sessions {
                @for session in list {
                    li {
                        p.client {
                            (session.client.as_deref().unwrap_or("Unknown browser"))
                            @if session.is_current { " " strong { "this browser" } }
                        }
                        p.hint {
                            "Address " (session.address.as_deref().unwrap_or("unknown"))
                            ", logged in " (time(session.open_time)) ", last used " (time(session.request_time))
                        }
                        form method="post" action="/sessions/log-out" {
                            button name="reference" value=(session.reference) { "Log out" }
                        }
                    }
                }
            }
            form method="post" action="/sessions/log-out-everywhere" {
                button { "Log out everywhere" }
            }
        },
    ))
}

/// Ends one session of the user.
pub(crate) async fn log_out_one(
    sessions: SessionManager,
    Form(Choice { reference }): Form<Choice>,
) -> Result<Redirect, SessionError> {
    // If the user has no such session, the list shows it.
    sessions.revoke(&reference).await?;
    Ok(Redirect::to("/sessions"))
}

/// Ends all sessions of the user.
pub(crate) async fn log_out_everywhere(sessions: SessionManager) -> Result<Redirect, SessionError> {
    sessions.log_out_everywhere().await?;
    Ok(Redirect::to("/login"))
}

fn time(time: Timestamp) -> Markup {
    html! { time datetime=(time.to_rfc3339()) { (time.format("%-d %B %Y, %H:%M UTC")) } }
}
