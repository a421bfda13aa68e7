//! The frame of all pages, with their style and their script.

use axum::http::header;
use axum::response::IntoResponse;
use maud::{DOCTYPE, Markup, html};

/// Returns a page with a title. `user` is the name of the logged-in user.
pub(crate) fn page(title: &str, user: Option<&str>, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – Web shop" }
                link rel="stylesheet" href="/style.css";
                script src="/restored.js" {}
            }
            body {
                header {
                    span.brand { "Web shop" }
                    @if let Some(user) = user {
                        nav aria-label="Main" { a href="/" { "Shop" } a href="/sessions" { "My sessions" } }
                        form method="post" action="/logout" { span #user { (user) } button { "Log out" } }
                    }
                }
                main { h1 { (title) } (content) }
            }
        }
    }
}

/// Sends the style sheet. It asks for no session, so it costs no call to the service.
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

/// Sends the script that loads pages again which the browser has kept. Without it, the "back" button shows the pages of a
/// user after the logout: browsers keep pages in memory, also with `Cache-Control: no-store`.
pub(crate) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("restored.js"))
}
