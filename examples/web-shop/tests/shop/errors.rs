//! The pages of errors.

use crate::client::{ANN, client, get, log_in, send};
use crate::program::{Service, in_process};
use reqwest::{StatusCode, header};

#[tokio::test]
async fn a_page_of_an_error_keeps_the_headers_of_the_response() {
    let service = Service::find().await;
    let (url, _server) = in_process(&service.url, |layer| layer).await;
    let response = client().get(format!("{url}/logout")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "POST");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(response.text().await.unwrap().contains("The shop does not understand this request."));
}

#[tokio::test]
async fn a_visitor_is_sent_to_the_login_form() {
    let service = Service::find().await;
    let (url, _server) = in_process(&service.url, |layer| layer).await;
    let page = get(&url, "/sessions", "").await;
    assert_eq!(
        (page.status, page.location.as_deref()),
        (StatusCode::SEE_OTHER, Some("/login?next=%2Fsessions"))
    );
    assert_eq!(page.body, "");
}

#[tokio::test]
async fn a_user_who_is_logged_in_gets_a_link_instead_of_the_login_form() {
    let service = Service::find().await;
    let (url, _server) = in_process(&service.url, |layer| layer).await;
    let cookie = log_in(&url, ANN).await;
    // A redirect could be endless, if the page sends its visitors back here.
    let page = get(&url, "/login?next=%2Fsessions%3Fa%3D%22", &cookie).await;
    assert_eq!((page.status, page.location), (StatusCode::OK, None));
    assert!(page.body.contains("You are logged in"), "{}", page.body);
    assert!(page.body.contains(r#"<a href="/sessions?a=&quot;">"#), "{}", page.body);
}

#[tokio::test]
async fn a_script_that_needs_a_login_gets_a_401() {
    let service = Service::find().await;
    let (url, _server) = in_process(&service.url, |layer| layer).await;
    let page = send(client().get(format!("{url}/sessions")).header(header::ACCEPT, "*/*")).await;
    assert_eq!((page.status, page.location), (StatusCode::UNAUTHORIZED, None));
}
