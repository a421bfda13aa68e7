//! Sends requests of all kinds to httpbin, and prints what it received: `httpbin URL`.

use apis::httpbin::{Filter, Httpbin, HttpbinClient};
use wiretrait::codec::Part;
use wiretrait::{Error, ErrorKind, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let Some(url) = std::env::args().nth(1) else {
        return Err(Error::new(ErrorKind::Config, "usage: httpbin URL"));
    };
    let httpbin = HttpbinClient::connect(&url)?;

    let filter = Filter { author: Some("Jane".to_owned()), tag: vec!["a".to_owned(), "b".to_owned()] };
    let received = httpbin.get("shelf/a b", &["1", "2"], &[3, 4], &[], None, None, &filter).await?;
    println!("query   {}", received.url);
    let received = httpbin.patch(None, Some(None)).await?;
    println!("patch   {}", received.data);
    let received = httpbin.post_form("Ann", &["read", "write"]).await?;
    println!("form    {:?}", received.form);
    let notes = Part::file("notes.txt", "first line").with_media_type("text/plain");
    let received = httpbin.upload("my notes", notes, None).await?;
    println!("files   {:?}", received.files);
    let range = httpbin.range(26, Some("bytes=2-4")).await?;
    println!("range   {} {:?} {:?}", range.status(), range.header("content-range"), *range);
    let known = httpbin.if_changed("v1", Some("v1")).await?;
    println!("etag    {} {:?}", known.status(), known.is_some());
    let error = httpbin.status(418).await.err();
    println!("error   {}", error.map(|error| error.to_string()).unwrap_or_default());
    Ok(())
}
