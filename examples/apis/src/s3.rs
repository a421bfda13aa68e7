//! The contract of a part of [Amazon S3](https://docs.aws.amazon.com/AmazonS3/latest/API). Requests are not signed:
//! signatures belong into a transport, which sees the finished request.

use quick_xml::de::from_reader;
use quick_xml::escape::escape;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wiretrait::bytes::Bytes;
use wiretrait::codec::{Binary, Codec, CodecError, Content, Decode, Empty};
use wiretrait::http::StatusCode;
use wiretrait::{ErrorFormat, ResponseValue, Result, ServiceError, http_api};

/// The codec of XML.
#[derive(Clone, Copy, Debug)]
pub struct Xml;

impl Codec for Xml {
    const MEDIA_TYPE: &'static str = "application/xml";
}

impl<T: DeserializeOwned> Decode<T> for Xml {
    fn decode(content: &Content<'_>) -> Result<T, CodecError> {
        from_reader(&content.body()[..]).map_err(CodecError::of_serde)
    }
}

/// The format of error bodies: `<Error><Code>…</Code><Message>…</Message></Error>`.
#[derive(Clone, Copy, Debug)]
pub struct XmlErrors;

impl ErrorFormat for XmlErrors {
    fn read(&self, body: &[u8]) -> Option<ServiceError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Error {
            code: String,
            message: String,
        }
        let Error { code, message } = from_reader(body).ok()?;
        Some(ServiceError::new(code, message))
    }

    fn write(&self, _status: StatusCode, error: &ServiceError) -> Vec<u8> {
        let (code, message) = (escape(&error.code), escape(&error.message));
        format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>").into_bytes()
    }
}

/// A page of the objects in a bucket.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Objects {
    /// The objects.
    #[serde(default)]
    pub contents: Vec<Object>,
    /// True if there are more.
    pub is_truncated: bool,
    /// The cursor of the next page.
    pub next_continuation_token: Option<String>,
}

/// An object in a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Object {
    /// The key.
    pub key: String,
    /// The size in bytes.
    pub size: u64,
}

/// Amazon S3.
#[http_api(client = S3Client, module = operations, client_only, errors = XmlErrors)]
pub trait S3 {
    /// Creates a bucket.
    #[put("/{bucket}", request = Empty)]
    async fn create_bucket(&self, bucket: &str) -> Result<()>;

    /// Deletes an empty bucket.
    #[delete("/{bucket}")]
    async fn delete_bucket(&self, bucket: &str) -> Result<()>;

    /// Lists the objects whose keys have a prefix: one page.
    #[get("/{bucket}", response = Xml)]
    #[query("list-type", "2")]
    async fn list(
        &self,
        bucket: &str,
        #[query] prefix: Option<&str>,
        #[query("max-keys")] limit: Option<u32>,
        #[query("continuation-token")] after: Option<&str>,
    ) -> Result<Objects>;

    /// Returns the keys of all objects with a prefix.
    async fn keys(&self, bucket: &str, prefix: &str, page_size: u32) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut after = None;
        loop {
            let page = self.list(bucket, Some(prefix), Some(page_size), after.as_deref()).await?;
            keys.extend(page.contents.into_iter().map(|object| object.key));
            after = page.next_continuation_token.filter(|_| page.is_truncated);
            if after.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Stores an object. Returns its version in the header `etag`.
    #[put("/{bucket}/{*key}")]
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        #[header("content-type")] media_type: Option<&str>,
        #[header("x-amz-meta-author")] author: Option<&str>,
        #[body(Binary)] content: &Bytes,
    ) -> Result<ResponseValue<()>>;

    /// Returns an object or a range of it, or `None` if the key does not exist.
    #[get("/{bucket}/{*key}", response = Binary, none = 404)]
    async fn get(
        &self,
        bucket: &str,
        key: &str,
        #[header("range")] range: Option<&str>,
    ) -> Result<ResponseValue<Option<Bytes>>>;

    /// Returns the headers of an object, or `None` if the key does not exist.
    #[head("/{bucket}/{*key}", none = 404)]
    async fn head(&self, bucket: &str, key: &str) -> Result<ResponseValue<Option<()>>>;

    /// Deletes an object, if it exists.
    #[delete("/{bucket}/{*key}")]
    async fn delete(&self, bucket: &str, key: &str) -> Result<()>;
}
