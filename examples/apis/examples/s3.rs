//! Stores, lists, reads and deletes objects in S3: `s3 URL`. Requests are not signed, so the server must not check
//! signatures.

use apis::s3::{S3, S3Client};
use wiretrait::bytes::Bytes;
use wiretrait::http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::{ClientConfig, Error, ErrorKind, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let Some(url) = std::env::args().nth(1) else {
        return Err(Error::new(ErrorKind::Config, "usage: s3 URL"));
    };
    let signature = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let config =
        ClientConfig::from_url(&url)?.with_header(AUTHORIZATION, HeaderValue::from_static(signature));
    let s3 = S3Client::from_config(&config)?;

    let bucket = "example-program";
    s3.create_bucket(bucket).await?;
    for number in 1..=5 {
        let content = Bytes::from(format!("page {number}"));
        s3.put(bucket, &format!("book/page {number}.txt"), Some("text/plain"), None, &content).await?;
    }
    let keys = s3.keys(bucket, "book/", 2).await?;
    println!("keys    {keys:?}");
    let part = s3.get(bucket, &keys[0], Some("bytes=0-3")).await?;
    println!("range   {} {:?}", part.status(), part.into_inner());
    let head = s3.head(bucket, &keys[0]).await?;
    println!("head    {:?} {:?}", head.header("content-type"), head.header("content-length"));
    println!("missing {:?}", s3.get(bucket, "book/none", None).await?.into_inner());
    for key in &keys {
        s3.delete(bucket, key).await?;
    }
    s3.delete_bucket(bucket).await
}
