//! Attacks on the sessions of the shop, with requests that an attacker can send without a browser.

use crate::client::{ACCEPT, ANN, BEN, between, client, get, log_in, log_in_with, post, send, user, user_of};
use crate::gate::Gate;
use crate::program::{COOKIE_KEY, Service, Shop, in_process};
use reqwest::{StatusCode, header};
use sessions_client::{ISessionsV1, SessionsHttpClientV1};
use sessions_web::SessionLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const COOKIE: &str = "__Host-session";

/// Returns the id of the session in a signed cookie: the characters after the signature.
fn id(cookie: &str) -> &str {
    &cookie[cookie.len() - 32..]
}

#[tokio::test]
async fn fixation_the_session_of_an_attacker_is_not_taken_over() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    // The attacker's own session, planted in the browser of Ann before she logs in.
    let planted = log_in(&shop.url, BEN).await;
    let ann = log_in_with(&shop.url, &planted, ANN).await;
    assert_ne!(id(&ann), id(&planted));
    assert_eq!(user(&shop.url, &ann).await.as_deref(), Some("Ann"));
    assert_eq!(user(&shop.url, &planted).await, None, "the planted session was deleted");
}

#[tokio::test]
async fn fixation_an_invented_id_does_not_become_a_session() {
    let service = Service::find().await;
    let gate = Gate::open(&service.url).await;
    let (url, _server) = in_process(&gate.url, |layer| layer).await;
    let planted = format!("{COOKIE}=0123456789abcdef0123456789abcdef");
    let ann = log_in_with(&url, &planted, ANN).await;
    assert_ne!(ann, planted);
    assert_eq!(user(&url, &ann).await.as_deref(), Some("Ann"));
    assert_eq!(user(&url, &planted).await, None);
}

#[tokio::test]
async fn a_tampered_cookie_is_anonymous_and_costs_no_call() {
    let service = Service::find().await;
    let gate = Gate::open(&service.url).await;
    let shop = Shop::start(&gate.url, &[]).await;
    let ann = log_in(&shop.url, ANN).await;
    let ben = log_in(&shop.url, BEN).await;
    let value = ann.strip_prefix("__Host-session=").unwrap();
    let (signature, id) = value.split_at(value.len() - 32);
    let signature_of_ben = &ben.strip_prefix("__Host-session=").unwrap()[..signature.len()];
    let flipped = |position: usize| {
        let mut bytes = value.as_bytes().to_vec();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut tampered = vec![
        id.to_owned(),
        format!("{signature_of_ben}{id}"),
        signature.to_owned(),
        String::new(),
        "null".to_owned(),
        format!("{value}0"),
    ];
    tampered.extend([0, 10, signature.len() - 2, signature.len(), value.len() - 1].map(flipped));
    gate.take_calls();
    for value in tampered {
        assert_eq!(user(&shop.url, &format!("{COOKIE}={value}")).await, None, "{value}");
    }
    assert_eq!(gate.take_calls(), Vec::<String>::new());
    assert_eq!(user(&shop.url, &ann).await.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn guessed_ids_that_the_service_cannot_have_given_cost_no_call() {
    let service = Service::find().await;
    let gate = Gate::open(&service.url).await;
    let (url, _server) = in_process(&gate.url, |layer| layer).await;
    for value in ["1", "../../get_sessions", "%00", "' OR '1'='1", "{\"$ne\":null}", &"a".repeat(65)] {
        assert_eq!(user(&url, &format!("{COOKIE}={value}")).await, None, "{value}");
    }
    assert_eq!(gate.take_calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_oversized_cookie_is_anonymous_or_rejected() {
    let service = Service::find().await;
    let gate = Gate::open(&service.url).await;
    let shop = Shop::start(&gate.url, &[]).await;
    for kibibytes in [4, 16, 64] {
        let cookie = format!("{COOKIE}={}", "a".repeat(kibibytes * 1024));
        assert_eq!(user(&shop.url, &cookie).await, None, "{kibibytes} KiB");
    }
    let cookie = format!("{COOKIE}={}", "a".repeat(1024 * 1024));
    // The server may close the connection while the client still sends.
    if let Ok(response) = client().get(&shop.url).header(header::COOKIE, cookie).send().await {
        assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    assert_eq!(gate.take_calls(), Vec::<String>::new());
    let ann = log_in(&shop.url, ANN).await;
    assert_eq!(user(&shop.url, &ann).await.as_deref(), Some("Ann"), "the shop still works");
}

#[tokio::test]
async fn two_different_session_cookies_are_rejected() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let (ann, ben) = (log_in(&shop.url, ANN).await, log_in(&shop.url, BEN).await);
    for cookies in [format!("{ann}; {ben}"), format!("{ben}; {ann}")] {
        assert_eq!(get(&shop.url, "/", &cookies).await.status, StatusCode::BAD_REQUEST);
        let login = post(&shop.url, "/login", &cookies, &[("login", ANN.0), ("password", ANN.1)]).await;
        assert_eq!((login.status, login.cookie), (StatusCode::BAD_REQUEST, None));
    }
    assert_eq!(user(&shop.url, &format!("{ann}; {ann}")).await.as_deref(), Some("Ann"));
    assert_eq!(user(&shop.url, &format!("{COOKIE}=invalid; {ann}")).await.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn a_session_header_is_ignored_unless_it_is_enabled() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let (ann, ben) = (log_in(&shop.url, ANN).await, log_in(&shop.url, BEN).await);
    let request = client().get(&shop.url).header("x-session-id", id(&ben));
    assert_eq!(user_of(&send(request.try_clone().unwrap()).await), None);
    assert_eq!(user_of(&send(request.header(header::COOKIE, &ann)).await).as_deref(), Some("Ann"));
}

#[tokio::test]
async fn two_different_session_headers_are_rejected() {
    let service = Service::find().await;
    let (url, _server) = in_process(&service.url, SessionLayer::with_header).await;
    let (ann, ben) = (log_in(&url, ANN).await, log_in(&url, BEN).await);
    let (ann_id, ben_id) = (id(&ann), id(&ben));
    let request =
        |ids: &[&str]| ids.iter().fold(client().get(&url), |request, id| request.header("x-session-id", *id));
    assert_eq!(user_of(&send(request(&[ann_id])).await).as_deref(), Some("Ann"));
    assert_eq!(send(request(&[ann_id, ben_id])).await.status, StatusCode::BAD_REQUEST);
    // A proxy may join the headers.
    assert_eq!(user_of(&send(request(&[&format!("{ann_id}, {ben_id}")])).await), None);
    // With both, the header decides; an invalid one does not fall back to the cookie.
    let both = request(&[ben_id]).header(header::COOKIE, &ann);
    assert_eq!(user_of(&send(both).await).as_deref(), Some("Ben"));
    let invalid = request(&["invalid"]).header(header::COOKIE, &ann);
    assert_eq!(user_of(&send(invalid).await), None);
}

#[tokio::test]
async fn line_breaks_and_control_characters_in_headers_give_no_session() {
    let service = Service::find().await;
    let (url, _server) = in_process(&service.url, SessionLayer::with_header).await;
    let ann = log_in(&url, ANN).await;
    let id = id(&ann);
    for line in [
        // A bare line break, a bare carriage return, a null character, a folded line.
        format!("x-other: 1\nx-session-id: {id}\r\n"),
        format!("x-other: 1\rx-session-id: {id}\r\n"),
        format!("x-session-id: {id}\0\r\n"),
        format!("x-session-id:\r\n {id}\r\n"),
        // Spaces around and inside of the name.
        format!("x-session-id : {id}\r\n"),
        format!("x-session -id: {id}\r\n"),
        // Another spelling of the name.
        format!("x_session_id: {id}\r\n"),
        format!("cookie: __Host-session\r\n={id}\r\n"),
        format!("cookie: __host-session={id}\r\n"),
    ] {
        let response = raw(&url, &line).await;
        let is_anonymous = response.starts_with("HTTP/1.1 303 ") && response.contains("location: /login\r\n");
        let is_rejected = response.starts_with("HTTP/1.1 400 ");
        // hyper reads a bare line break as the end of a line, so the client has only sent two headers.
        let is_two_lines = line.starts_with("x-other: 1\n") && response.starts_with("HTTP/1.1 200 ");
        assert!(is_anonymous || is_rejected || is_two_lines, "{line:?}: {response}");
    }
    assert!(raw(&url, &format!("x-session-id: {id}\r\n")).await.starts_with("HTTP/1.1 200 "));
}

/// Sends a request with a header line verbatim, and returns the response.
async fn raw(url: &str, line: &str) -> String {
    let request =
        format!("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\naccept: {ACCEPT}\r\n{line}\r\n");
    exchange(url, &request).await
}

/// Sends requests verbatim over one connection, and returns the responses.
async fn exchange(url: &str, requests: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test]
async fn the_session_of_another_user_cannot_be_ended() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let (ann, ben) = (log_in(&shop.url, ANN).await, log_in(&shop.url, BEN).await);
    let page = get(&shop.url, "/sessions", &ben).await.body;
    let references: Vec<&str> = page
        .split("name=\"reference\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    for reference in references.into_iter().chain([id(&ben), "", "0"]) {
        let response = post(&shop.url, "/sessions/log-out", &ann, &[("reference", reference)]).await;
        assert_eq!(response.location.as_deref(), Some("/sessions"));
    }
    assert_eq!(user(&shop.url, &ben).await.as_deref(), Some("Ben"));
}

#[tokio::test]
async fn the_list_of_sessions_contains_no_credentials() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let (first, second) = (log_in(&shop.url, ANN).await, log_in(&shop.url, ANN).await);
    let page = get(&shop.url, "/sessions", &first).await.body;
    for cookie in [&first, &second] {
        assert!(!page.contains(id(cookie)));
    }
}

#[tokio::test]
async fn a_copied_cookie_is_useless_after_logout() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let ann = log_in(&shop.url, ANN).await;
    let page = post(&shop.url, "/logout", &ann, &[]).await;
    assert_eq!(page.cookie.as_deref(), Some("__Host-session="));
    assert_eq!(user(&shop.url, &ann).await, None);
}

#[tokio::test]
async fn copies_of_all_cookies_are_useless_after_a_logout_everywhere() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let (laptop, phone) = (log_in(&shop.url, ANN).await, log_in(&shop.url, ANN).await);
    post(&shop.url, "/sessions/log-out-everywhere", &laptop, &[]).await;
    let client = SessionsHttpClientV1::connect(&service.url).unwrap();
    for copy in [&laptop, &phone] {
        for path in ["/cart/add", "/sessions/log-out-everywhere"] {
            let page = post(&shop.url, path, copy, &[("product", "book")]).await;
            assert_eq!((page.status, page.location.as_deref()), (StatusCode::SEE_OTHER, Some("/login")));
        }
        assert_eq!(user(&shop.url, copy).await, None);
        assert_is_closed(&client, copy).await;
    }
}

/// Checks that the session of a cookie is closed and has neither user nor data.
async fn assert_is_closed(client: &SessionsHttpClientV1, cookie: &str) {
    let session = client.get_session_by_id(None, id(cookie)).await.unwrap().unwrap();
    assert_eq!((session.active, session.user, session.data), (false, None, None));
}

#[tokio::test]
async fn a_change_behind_a_logout_in_one_connection_has_no_effect() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let ann = log_in(&shop.url, ANN).await;
    let request = |path: &str, body: &str, connection: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: {connection}\r\naccept: {ACCEPT}\r\ncookie: {ann}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        )
    };
    let both = [request("/logout", "", "keep-alive"), request("/cart/add", "product=book", "close")].concat();
    let responses = exchange(&shop.url, &both).await;
    assert_eq!(responses.matches("HTTP/1.1 303 ").count(), 2, "{responses}");
    assert_eq!(responses.matches("location: /login\r\n").count(), 2, "{responses}");
    assert_is_closed(&SessionsHttpClientV1::connect(&service.url).unwrap(), &ann).await;
}

#[tokio::test]
async fn forms_of_other_sites_change_nothing() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let ann = log_in(&shop.url, ANN).await;
    let add = || {
        let request = client().post(format!("{}/cart/add", shop.url)).header(header::COOKIE, &ann);
        request.form(&[("product", "book")])
    };
    for (name, value) in [
        ("origin", "https://attacker.example"),
        ("origin", "null"),
        ("origin", &*shop.url.replace("127.0.0.1", "localhost")),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(send(add().header(name, value)).await.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert!(get(&shop.url, "/", &ann).await.body.contains("It is empty."));
    let own = send(add().header("origin", &shop.url).header("sec-fetch-site", "same-origin")).await;
    assert_eq!(own.status, StatusCode::SEE_OTHER);
    // A login in the attacker's name is one of the attacks, too.
    let login = client().post(format!("{}/login", shop.url)).form(&[("login", BEN.0), ("password", BEN.1)]);
    let page = send(login.header("sec-fetch-site", "cross-site")).await;
    assert_eq!((page.status, page.cookie), (StatusCode::FORBIDDEN, None));
}

#[tokio::test]
async fn a_script_in_the_user_agent_is_shown_as_characters() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let login = client().post(format!("{}/login", shop.url)).form(&[("login", ANN.0), ("password", ANN.1)]);
    let ann = send(login.header(header::USER_AGENT, "<script>alert(1)</script>")).await.cookie.unwrap();
    let page = get(&shop.url, "/sessions", &ann).await.body;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
}

#[tokio::test]
async fn unknown_users_and_wrong_passwords_get_the_same_page() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let mut pages = Vec::new();
    for (login, password) in [("ann", "wrong"), ("eve", "wrong")] {
        let page = post(&shop.url, "/login", "", &[("login", login), ("password", password)]).await;
        assert_eq!((page.status, &page.cookie), (StatusCode::UNAUTHORIZED, &None));
        pages.push(page.body.replace(&format!("value=\"{login}\""), ""));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn an_outage_is_not_a_login_and_leaks_nothing() {
    let service = Service::find().await;
    let mut gate = Gate::open(&service.url).await;
    let shop = Shop::start(&gate.url, &[]).await;
    let ann = log_in(&shop.url, ANN).await;
    gate.close().await;
    let page = get(&shop.url, "/", &ann).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.retry_after.is_some());
    assert_eq!(between(&page.body, "<h1>", "</h1>"), "Please try again");
    let login = post(&shop.url, "/login", "", &[("login", ANN.0), ("password", ANN.1)]).await;
    assert_eq!((login.status, login.cookie), (StatusCode::SERVICE_UNAVAILABLE, None));
    gate.reopen().await;
    assert_eq!(user(&shop.url, &ann).await.as_deref(), Some("Ann"));

    let log = shop.log().await;
    assert!(log.contains("503"), "the failure is in the log: {log}");
    for secret in [id(&ann), ann.as_str(), ANN.1, COOKIE_KEY] {
        assert!(!log.contains(secret), "{log}");
    }
}
