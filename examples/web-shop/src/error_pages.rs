//! The pages of errors, whichever part of the application has rejected the request.

use crate::page::page;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;

/// Replaces the plain responses of the layers and extractors by pages.
///
/// The other headers stay, such as `Retry-After`, `Allow` and the cookies.
pub(crate) async fn show(response: Response) -> Response {
    let status = response.status();
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "text/html; charset=utf-8");
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut headers = response.headers().clone();
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        headers.remove(name);
    }
    let (title, advice) = describe(status);
    let page = page(title, None, &html! { p { (advice) } p { a href="/" { "To the shop" } } });
    (status, headers, page).into_response()
}

fn describe(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        // Browsers were redirected to the login.
        StatusCode::UNAUTHORIZED => ("Please log in", "This page is for users who are logged in."),
        StatusCode::FORBIDDEN => ("Not allowed", "This form was sent by another site. Nothing was changed."),
        StatusCode::NOT_FOUND => ("Not found", "There is no such page."),
        StatusCode::SERVICE_UNAVAILABLE => (
            "Please try again",
            "The shop cannot find out who you are at the moment. Nothing was changed. Try again in a minute.",
        ),
        status if status.is_client_error() => {
            ("Invalid request", "The shop does not understand this request.")
        }
        _ => ("Something went wrong", "The shop has recorded the problem. Please try again later."),
    }
}
