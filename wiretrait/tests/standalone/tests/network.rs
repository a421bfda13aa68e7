//! Calls of a contract over a network, in a crate that depends on wiretrait only.

use standalone::{Books, BooksClient, books, serve};
use tokio::net::TcpListener;

async fn client() -> BooksClient {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener));
    BooksClient::connect(&url).unwrap()
}

#[tokio::test]
async fn a_call_returns_the_value_of_the_service() {
    let client = client().await;
    assert_eq!(client.find("novels", 1).await.unwrap().as_deref(), Some("Emma"));
    assert_eq!(client.find("novels", 2).await.unwrap(), None);
}

#[tokio::test]
async fn a_call_returns_the_error_of_the_service() {
    let error = client().await.add("novels", "Persuasion").await.unwrap_err();
    assert_eq!(error.service().unwrap().code, "shelf_full");
    assert_eq!(
        error.to_string(),
        "add: the service responded with 409 Conflict: shelf_full: there is no room for Persuasion"
    );
}

#[test]
fn the_contract_has_the_package_of_this_crate() {
    assert_eq!((books::CONTRACT.name, books::CONTRACT.user_agent), ("Books", "standalone/3.2.1"));
}

#[test]
fn the_lock_file_names_no_other_crate_of_the_workspace() {
    let ours = ["sessions", "pip-", "snapshots", "loadtest", "wiretrait"];
    let names = include_str!("../Cargo.lock").lines().filter_map(|line| line.strip_prefix("name = \""));
    let names = names.map(|name| name.trim_end_matches('"'));
    let names: Vec<&str> = names.filter(|name| ours.iter().any(|prefix| name.starts_with(prefix))).collect();
    assert_eq!(names, ["sessions-macros", "wiretrait"]);
}
