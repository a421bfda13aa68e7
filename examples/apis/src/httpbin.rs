//! The contract of [httpbin](https://github.com/psf/httpbin), which sends back what it receives.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;
use wiretrait::bytes::Bytes;
use wiretrait::codec::{Binary, Codec, CodecError, Content, Decode, Form, Multipart, Part, Text};
use wiretrait::{ResponseValue, Result, http_api};

/// A request as httpbin received it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The query parameters: a string, or a list of them if the name occurs several times.
    pub args: BTreeMap<String, Value>,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The fields of a form.
    pub form: BTreeMap<String, Value>,
    /// The files of a form.
    pub files: BTreeMap<String, Value>,
    /// The body, if it is not a form. Bytes that are not UTF-8 are a data URL.
    pub data: String,
    /// The body, if it is JSON.
    pub json: Option<Value>,
    /// The number of the line, in a stream.
    pub id: Option<u32>,
    /// True if the response was compressed with gzip.
    pub gzipped: bool,
    /// True if the response was compressed with deflate.
    pub deflated: bool,
    /// True if the response was compressed with brotli.
    pub brotli: bool,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// A filter, whose fields are query parameters.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Filter {
    /// The author.
    pub author: Option<String>,
    /// The tags, one parameter for each.
    pub tag: Vec<String>,
}

/// A form.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    /// The name of the user.
    pub user: String,
    /// The scopes, one field for each.
    pub scope: Vec<String>,
}

/// An id.
#[derive(Debug, Deserialize)]
pub struct Id {
    /// The id.
    pub uuid: Uuid,
}

/// The result of a check of credentials.
#[derive(Debug, Deserialize)]
pub struct Authenticated {
    /// True if the credentials are right.
    pub authenticated: bool,
    /// The user.
    pub user: Option<String>,
    /// The bearer token.
    pub token: Option<String>,
}

/// The cookies of a request.
#[derive(Debug, Deserialize)]
pub struct Cookies {
    /// The cookies, by name.
    pub cookies: BTreeMap<String, String>,
}

/// The codec of JSON values, each in a line: a response that the service streams.
#[derive(Clone, Copy, Debug)]
pub struct JsonLines;

impl Codec for JsonLines {
    const MEDIA_TYPE: &'static str = "application/jsonl";
    const ACCEPT: &'static str = "application/jsonl, application/json";
}

impl<T: DeserializeOwned> Decode<Vec<T>> for JsonLines {
    fn decode(content: &Content<'_>) -> Result<Vec<T>, CodecError> {
        let lines = content.body().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(CodecError::of_serde)).collect()
    }
}

/// httpbin.
#[http_api(client = HttpbinClient, module = operations, client_only)]
pub trait Httpbin {
    /// Sends back a GET request, whose query has all styles of values.
    #[get("/anything/{*path}")]
    async fn get(
        &self,
        path: &str,
        #[query] repeated: &[&str],
        #[query(comma)] comma: &[u32],
        #[query(brackets)] brackets: &[&str],
        #[query(serde)] order: Option<Order>,
        #[query(display)] id: Option<Uuid>,
        #[query(flatten)] filter: &Filter,
    ) -> Result<Received>;

    /// Sends back a request with a JSON object.
    #[post("/anything")]
    async fn post(&self, #[field] title: &str, #[field] pages: Option<u32>) -> Result<Received>;

    /// Sends back a request with bytes.
    #[put("/anything")]
    async fn put(
        &self,
        #[body(Binary)] bytes: &[u8],
        #[header("content-type")] kind: Option<&str>,
    ) -> Result<Received>;

    /// Sends back a change, of which `None` changes nothing and `Some(None)` removes the value.
    #[patch("/anything", omit_none)]
    async fn patch(
        &self,
        #[field] title: Option<&str>,
        #[field] author: Option<Option<&str>>,
    ) -> Result<Received>;

    /// Sends back a DELETE request.
    #[delete("/anything")]
    async fn delete(&self, #[field(omit_none)] reason: Option<&str>) -> Result<Received>;

    /// Returns the headers of a response without its body.
    #[head("/anything")]
    async fn head(&self) -> Result<ResponseValue<()>>;

    /// Returns the allowed methods, in the header `allow`.
    #[options("/anything")]
    async fn options(&self) -> Result<ResponseValue<()>>;

    /// Sends back a form.
    #[post("/anything", request = Form)]
    async fn post_form(&self, #[field] user: &str, #[field("scope")] scopes: &[&str]) -> Result<Received>;

    /// Sends back a form that is a struct.
    #[post("/anything")]
    async fn post_login(&self, #[body(Form)] login: &Login) -> Result<Received>;

    /// Sends back a form with files.
    #[post("/anything", request = Multipart)]
    async fn upload(
        &self,
        #[field] title: &str,
        #[field] text: Part,
        #[field] cover: Option<Part>,
    ) -> Result<Received>;

    /// Sends back text.
    #[post("/anything")]
    async fn post_text(&self, #[body(Text)] text: &str) -> Result<Received>;

    /// Sends back constant headers and query parameters.
    #[get("/anything")]
    #[header("X-Library", "wiretrait")]
    #[query("version", "2")]
    async fn constants(&self) -> Result<Received>;

    /// Responds with a status, to a GET request.
    #[get("/status/{code}")]
    async fn status(&self, code: u16) -> Result<ResponseValue<()>>;

    /// Responds with a status, to a POST request.
    #[post("/status/{code}")]
    async fn post_status(&self, code: u16) -> Result<ResponseValue<()>>;

    /// Responds with a status, to a PUT request.
    #[put("/status/{code}")]
    async fn put_status(&self, code: u16) -> Result<ResponseValue<()>>;

    /// Responds with a status, to a PATCH request.
    #[patch("/status/{code}")]
    async fn patch_status(&self, code: u16) -> Result<ResponseValue<()>>;

    /// Responds with a status, to a DELETE request.
    #[delete("/status/{code}")]
    async fn delete_status(&self, code: u16) -> Result<ResponseValue<()>>;

    /// Responds with a status, to a HEAD request.
    #[head("/status/{code}")]
    async fn head_status(&self, code: u16) -> Result<ResponseValue<()>>;

    /// Responds with a compressed body: `gzip`, `deflate` or `brotli`.
    #[get("/{encoding}")]
    async fn compressed(&self, encoding: &str) -> Result<ResponseValue<Received>>;

    /// Returns a page with characters of many scripts.
    #[get("/encoding/utf8", response = Text)]
    async fn utf8(&self) -> Result<String>;

    /// Redirects to another address.
    #[get("/redirect-to")]
    async fn redirect_to(&self, #[query] url: &str, #[query("status_code")] status: u16) -> Result<()>;

    /// Returns a document: `html`, `xml` or `robots.txt`.
    #[get("/{name}", response = Text)]
    async fn document(&self, name: &str) -> Result<ResponseValue<String>>;

    /// Decodes Base64.
    #[get("/base64/{value}", response = Text)]
    async fn decode(&self, value: &str) -> Result<String>;

    /// Returns a new id.
    #[get("/uuid")]
    async fn uuid(&self) -> Result<Id>;

    /// Returns an image: `png`, `jpeg`, `svg` or `webp`.
    #[get("/image/{format}", response = Binary)]
    async fn image(&self, format: &str) -> Result<ResponseValue<Bytes>>;

    /// Streams JSON values.
    #[get("/stream/{lines}", response = JsonLines)]
    async fn stream(&self, lines: u32) -> Result<Vec<Received>>;

    /// Streams bytes in chunks. The same seed gives the same bytes.
    #[get("/stream-bytes/{length}", response = Binary)]
    async fn stream_bytes(
        &self,
        length: usize,
        #[query] seed: u32,
        #[query("chunk_size")] chunk: usize,
    ) -> Result<Bytes>;

    /// Sends bytes slowly.
    #[get("/drip", response = Binary)]
    async fn drip(
        &self,
        #[query("numbytes")] length: usize,
        #[query] duration: f64,
        #[query] code: u16,
    ) -> Result<Bytes>;

    /// Responds after a number of seconds.
    #[get("/delay/{seconds}", timeout = "300ms")]
    async fn delay(&self, seconds: f64) -> Result<()>;

    /// Returns the letters of the alphabet, over and over, or a range of them.
    #[get("/range/{length}", response = Binary)]
    async fn range(
        &self,
        length: u32,
        #[header("range")] range: Option<&str>,
    ) -> Result<ResponseValue<Bytes>>;

    /// Returns `None` if the caller knows the version already.
    #[get("/etag/{etag}", none = 304)]
    async fn if_changed(
        &self,
        etag: &str,
        #[header("if-none-match")] known: Option<&str>,
    ) -> Result<ResponseValue<Option<Received>>>;

    /// Returns a response only if it has the expected version.
    #[get("/etag/{etag}")]
    async fn if_match(
        &self,
        etag: &str,
        #[header("if-match")] expected: &str,
    ) -> Result<ResponseValue<Received>>;

    /// Responds with 304 if the request is conditional.
    #[get("/cache")]
    async fn cache(
        &self,
        #[header("if-modified-since")] since: Option<&str>,
    ) -> Result<ResponseValue<Received>>;

    /// Responds with headers of the caller's choice.
    #[get("/response-headers")]
    async fn response_headers(
        &self,
        #[query(flatten)] headers: &[(&str, &str)],
    ) -> Result<ResponseValue<Value>>;

    /// Returns the cookies of the request.
    #[get("/cookies")]
    async fn cookies(&self, #[header("cookie")] cookies: &str) -> Result<Cookies>;

    /// Sets a cookie, and redirects.
    #[get("/cookies/set/{name}/{value}")]
    async fn set_cookie(&self, name: &str, value: &str) -> Result<()>;

    /// Checks a name and a password.
    #[get("/basic-auth/{user}/{password}")]
    async fn basic_auth(
        &self,
        user: &str,
        password: &str,
        #[header("authorization")] credentials: &str,
    ) -> Result<Authenticated>;

    /// Checks that there is a bearer token.
    #[get("/bearer")]
    async fn bearer(&self) -> Result<Authenticated>;
}
