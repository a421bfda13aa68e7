//! Uploads and downloads a blob of Docker's registry: `registry URL`.

use apis::registry::{Registry, RegistryClient};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use wiretrait::bytes::Bytes;
use wiretrait::{Error, ErrorKind, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let Some(url) = std::env::args().nth(1) else {
        return Err(Error::new(ErrorKind::Config, "usage: registry URL"));
    };
    let registry = RegistryClient::connect(&url)?;
    let parts = [Bytes::from_static(b"hello "), Bytes::from_static(b"world")];
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(parts.concat()) {
        // Writing to a string cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    registry.upload("example", "program", &digest, &parts).await?;
    let stat = registry.stat("example", "program", &digest).await?;
    println!("size    {:?}", stat.header("content-length"));
    let part = registry.blob("example", "program", &digest, Some("bytes=6-10")).await?;
    println!("range   {} {:?}", part.status(), part.into_inner());
    let error = registry.tags("example", "none").await.err();
    println!("error   {}", error.map(|error| error.to_string()).unwrap_or_default());
    registry.delete_blob("example", "program", &digest).await
}
