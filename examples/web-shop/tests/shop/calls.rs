//! The calls to the service that each page costs.

use crate::client::{ANN, get, log_in, post};
use crate::gate::Gate;
use crate::program::{Service, in_process};
use std::time::Duration;

#[tokio::test]
async fn a_page_costs_at_most_one_read_and_writes_only_changes() {
    let service = Service::find().await;
    let gate = Gate::open(&service.url).await;
    // The clock stands still, so that no request is so slow that it reads the session again.
    let now = sessions_client::Timestamp::from(std::time::SystemTime::now());
    let (url, _server) = in_process(&gate.url, |layer| layer.with_clock(move || now)).await;
    let url = &*url;
    let mut table = Vec::new();
    let mut row = |page: &'static str, expected: &[&str]| {
        assert_eq!(gate.take_calls(), expected, "{page}");
        table.push(format!(
            "| {page} | {} |",
            if expected.is_empty() { "none".to_owned() } else { expected.join(", ") }
        ));
    };

    get(url, "/style.css", "").await;
    row("the style sheet", &[]);
    get(url, "/", "").await;
    row("the shop, without a cookie", &[]);
    get(url, "/login", "").await;
    row("the login form, without a cookie", &[]);
    post(url, "/login", "", &[("login", "ann"), ("password", "wrong")]).await;
    row("a wrong password", &[]);
    let ann = log_in(url, ANN).await;
    row("a login", &["open_session"]);
    get(url, "/style.css", &ann).await;
    row("the style sheet, logged in", &[]);
    get(url, "/", &ann).await;
    row("the shop", &["get_session_by_id"]);
    post(url, "/cart/add", &ann, &[("product", "book")]).await;
    row("a product added to the cart", &["get_session_by_id", "store_session_data"]);
    post(url, "/cart/remove", &ann, &[("product", "lamp")]).await;
    row("a product removed that is not in the cart", &["get_session_by_id"]);
    // So that the list has one page.
    post(url, "/sessions/log-out-everywhere", &ann, &[]).await;
    gate.take_calls();
    let (ann, other) = (log_in(url, ANN).await, log_in(url, ANN).await);
    gate.take_calls();
    get(url, "/sessions", &ann).await;
    row("the list of sessions", &["get_session_by_id", "get_sessions"]);
    post(url, "/sessions/log-out-everywhere", &other, &[]).await;
    let everywhere = ["get_session_by_id", "get_sessions", "close_session", "get_sessions", "close_session"];
    row("a logout everywhere, from two sessions", &everywhere);
    let ann = log_in(url, ANN).await;
    gate.take_calls();
    post(url, "/logout", &ann, &[]).await;
    row("a logout", &["close_session"]);
    println!("| page | calls to the service |\n|---|---|\n{}", table.join("\n"));
}

#[tokio::test]
async fn a_session_is_extended_by_one_write_when_a_touch_is_due() {
    let service = Service::find().await;
    let gate = Gate::open(&service.url).await;
    let (url, _server) = in_process(&gate.url, |layer| layer.with_touch_interval(Duration::ZERO)).await;
    let ann = log_in(&url, ANN).await;
    gate.take_calls();
    let page = get(&url, "/", &ann).await;
    assert_eq!(gate.take_calls(), ["get_session_by_id", "store_session_data"]);
    assert_eq!(page.cookie, Some(ann), "the cookie is renewed, and stays the same");
}
