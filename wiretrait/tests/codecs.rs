//! Bodies that are not JSON: every codec in both directions, between a generated client and a dispatcher.

#![cfg(all(feature = "hyper", feature = "reqwest"))]

mod support;

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::Arc;
use support::Server;
use wiretrait::codec::{
    self, Binary, Codec, CodecError, Content, Decode, Encode, Form, Json, Multipart, Part, Text,
};
use wiretrait::test_kit::{Cassette, Reply, ScriptedTransport};
use wiretrait::{
    ClientConfig, Error, ErrorKind, HyperTransport, InProcessTransport, Incoming, Operation, Request,
    ReqwestTransport, Response, ResponseValue, Result, http_api,
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Login {
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<u8>,
}

/// A custom codec: a number in decimal digits.
#[derive(Debug)]
pub(crate) struct Digits;

impl Codec for Digits {
    const MEDIA_TYPE: &'static str = "text/x-digits";
    const WITHOUT_ARGUMENTS: Option<&'static [u8]> = Some(b"0");
}

impl Encode<u64> for Digits {
    fn encode(value: &u64) -> Result<Bytes, CodecError> {
        Ok(value.to_string().into())
    }
}

impl Decode<u64> for Digits {
    fn decode(content: &Content<'_>) -> Result<u64, CodecError> {
        let digits = std::str::from_utf8(content.body()).ok();
        digits
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| CodecError::new("has other characters than digits"))
    }
}

/// A custom codec for all types of serde, whose bodies are JSON in square brackets.
#[derive(Debug)]
pub(crate) struct Bracketed;

impl Codec for Bracketed {
    const MEDIA_TYPE: &'static str = "application/x-bracketed";
}

impl<T: Serialize + ?Sized> Encode<T> for Bracketed {
    fn encode(value: &T) -> Result<Bytes, CodecError> {
        serde_json::to_vec(&[value]).map(Bytes::from).map_err(CodecError::of_serde)
    }
}

impl<T: DeserializeOwned> Decode<T> for Bracketed {
    fn decode(content: &Content<'_>) -> Result<T, CodecError> {
        let [value] = serde_json::from_slice(content.body()).map_err(CodecError::of_serde)?;
        Ok(value)
    }
}

/// The fields of a form.
type Fields = (String, Vec<String>, Option<u8>, Option<Vec<String>>);

/// Alias of a return type without a value.
type DoneResult = Result<()>;

#[http_api(client = BodiesClient, module = bodies)]
pub(crate) trait Bodies {
    #[post("/form/fields", request = Form)]
    async fn form_fields(
        &self,
        #[query] trace: u8,
        #[field] name: &str,
        #[field("expand[]")] expand: &[String],
        #[field] age: Option<u8>,
        #[field] tags: Option<Vec<String>>,
    ) -> Result<Fields>;

    #[post("/form/struct", response = Form)]
    async fn form_struct(&self, #[body(Form)] login: &Login) -> Result<Login>;

    #[patch("/form/optional")]
    async fn form_optional(&self, #[body(Form)] login: Option<&Login>) -> Result<Option<Login>>;

    #[post("/text", response = Text)]
    async fn note(&self, #[body(Text)] text: &str) -> Result<String>;

    #[post("/text/owned", request = Text, response = Text)]
    async fn text_owned(&self, #[body] text: Option<String>) -> Result<Option<Arc<str>>>;

    #[post("/bytes", response = Binary)]
    async fn blob(&self, #[body(Binary)] bytes: &Bytes) -> Result<Bytes>;

    #[post("/bytes/slice", response = Binary)]
    async fn slice(&self, #[body(Binary)] bytes: &[u8]) -> Result<Option<Vec<u8>>>;

    #[put("/bytes/vec", request = Binary)]
    async fn octets(&self, #[body] bytes: Vec<u8>) -> DoneResult;

    #[put("/bytes/array", request = Binary, response = Binary)]
    async fn array(&self, #[body] bytes: [u8; 2]) -> Result<[u8; 2]>;

    #[post("/empty", request = codec::Empty, response = codec::Empty)]
    async fn empty(&self) -> Result<()>;

    #[post("/empty/json")]
    async fn empty_json(&self) -> Result<()>;

    #[post("/empty/digits", request = Digits)]
    async fn empty_digits(&self) -> Result<()>;

    #[post("/digits", request = Digits, response = Digits)]
    async fn number(&self, #[body] number: u64) -> Result<u64>;

    #[post("/digits/optional", request = Digits, response = Digits)]
    async fn optional_digits(&self, #[body] number: Option<u64>) -> Result<ResponseValue<Option<u64>>>;

    #[post("/bracketed", request = Bracketed, response = Bracketed)]
    async fn wrapped(&self, #[body] login: &Login) -> Result<Option<Login>>;

    #[post("/json/list", response = Json)]
    async fn list(&self, #[body(Json)] numbers: &[u8]) -> Result<Vec<u8>>;

    #[post("/json/fields", request = Json)]
    async fn json_fields(
        &self,
        #[field] name: &str,
        #[field] age: Option<u8>,
    ) -> Result<(String, Option<u8>)>;
}

struct Echo;

impl Bodies for Echo {
    async fn form_fields(
        &self,
        _trace: u8,
        name: &str,
        expand: &[String],
        age: Option<u8>,
        tags: Option<Vec<String>>,
    ) -> Result<Fields> {
        Ok((name.to_owned(), expand.to_vec(), age, tags))
    }
    async fn form_struct(&self, login: &Login) -> Result<Login> {
        Ok(login.clone())
    }
    async fn form_optional(&self, login: Option<&Login>) -> Result<Option<Login>> {
        Ok(login.cloned())
    }
    async fn note(&self, text: &str) -> Result<String> {
        Ok(text.to_owned())
    }
    async fn text_owned(&self, text: Option<String>) -> Result<Option<Arc<str>>> {
        Ok(text.map(Into::into))
    }
    async fn blob(&self, bytes: &Bytes) -> Result<Bytes> {
        Ok(bytes.clone())
    }
    async fn slice(&self, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok((bytes != b"none").then(|| bytes.to_vec()))
    }
    async fn octets(&self, bytes: Vec<u8>) -> DoneResult {
        assert_eq!(bytes, b"\0\xff");
        Ok(())
    }
    async fn array(&self, bytes: [u8; 2]) -> Result<[u8; 2]> {
        Ok(bytes)
    }
    async fn empty(&self) -> Result<()> {
        Ok(())
    }
    async fn empty_json(&self) -> Result<()> {
        Ok(())
    }
    async fn empty_digits(&self) -> Result<()> {
        Ok(())
    }
    async fn number(&self, number: u64) -> Result<u64> {
        Ok(number)
    }
    async fn optional_digits(&self, number: Option<u64>) -> Result<ResponseValue<Option<u64>>> {
        Ok(ResponseValue::new(number))
    }
    async fn wrapped(&self, login: &Login) -> Result<Option<Login>> {
        Ok((login.name != "none").then(|| login.clone()))
    }
    async fn list(&self, numbers: &[u8]) -> Result<Vec<u8>> {
        Ok(numbers.to_vec())
    }
    async fn json_fields(&self, name: &str, age: Option<u8>) -> Result<(String, Option<u8>)> {
        Ok((name.to_owned(), age))
    }
}

fn client() -> BodiesClient<InProcessTransport<bodies::Handler<Echo>>> {
    BodiesClient::new(InProcessTransport::new(bodies::Handler::new(Echo)))
}

fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.headers().get(name).map(|value| value.to_str().unwrap())
}

fn body(request: &Request) -> &str {
    std::str::from_utf8(request.body()).unwrap()
}

async fn dispatch(path: &str, content_type: &str, body: impl Into<Bytes>) -> Response {
    let request = http::Request::post(path).header("content-type", content_type).body(body.into()).unwrap();
    bodies::dispatch(&Echo, Incoming::from(request)).await
}

fn login(name: &str, scopes: &[&str]) -> Login {
    Login { name: name.to_owned(), scopes: scopes.iter().map(ToString::to_string).collect(), age: None }
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

#[test]
fn form_fields_are_pairs_and_lists_have_several() {
    let expand = strings(&["a b", "c&d=\u{e9}"]);
    let request = bodies::FormFields::new(1, "x", &expand).encode().unwrap();
    assert_eq!(request.uri(), "/form/fields?trace=1");
    assert_eq!(header(&request, "content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(header(&request, "accept"), Some("application/json"));
    assert_eq!(body(&request), "name=x&expand%5B%5D=a+b&expand%5B%5D=c%26d%3D%C3%A9");

    let request = bodies::FormFields::new(1, "", &[]).age(7).tags(strings(&["t", ""])).encode().unwrap();
    assert_eq!(body(&request), "name=&age=7&tags=t&tags=");
}

#[tokio::test]
async fn form_fields_arrive_as_they_were_sent() {
    for (name, expand, age, tags) in [
        ("x", strings(&["a b", "c&d=\u{e9}+%"]), Some(7), Some(strings(&["t", ""]))),
        ("", strings(&[]), None, None),
    ] {
        let echoed = client().form_fields(1, name, &expand, age, tags.clone()).await.unwrap();
        assert_eq!(echoed, (name.to_owned(), expand, age, tags));
    }
}

#[tokio::test]
async fn missing_form_field_is_reported_with_its_name() {
    let response = dispatch("/form/fields?trace=1", "application/x-www-form-urlencoded", "age=old").await;
    assert_eq!(response.status(), 400);
    let error = String::from_utf8_lossy(response.body());
    assert!(error.contains("name must not be null, age must be a whole number from 0 to 255"), "{error}");
}

#[tokio::test]
async fn struct_is_a_form_in_both_directions() {
    for login in [login("a&b", &["x", "y z"]), login("", &[]), Login { age: Some(3), ..login("c", &["x"]) }] {
        assert_eq!(client().form_struct(&login).await.unwrap(), login);
    }
    let request = bodies::FormStruct::new(&login("a b", &["x", "y"])).encode().unwrap();
    assert_eq!(body(&request), "name=a+b&scopes=x&scopes=y");
    assert_eq!(header(&request, "accept"), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn absent_body_is_not_sent() {
    let request = bodies::FormOptional::new().encode().unwrap();
    assert_eq!((header(&request, "content-type"), body(&request)), (None, ""));
    assert_eq!(client().form_optional(None).await.unwrap(), None);
    let login = login("a", &[]);
    assert_eq!(client().form_optional(Some(&login)).await.unwrap().as_ref(), Some(&login));
}

#[tokio::test]
async fn text_is_sent_and_read_without_quotes() {
    let request = bodies::Note::new("a \"b\"\n").encode().unwrap();
    assert_eq!(header(&request, "content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(header(&request, "accept"), Some("text/plain, */*;q=0.5"));
    assert_eq!(body(&request), "a \"b\"\n");
    for text in ["a \"b\"\n", "", "null", "\u{e9}\u{1F600}"] {
        assert_eq!(client().note(text).await.unwrap(), text);
        assert_eq!(client().text_owned(Some(text.to_owned())).await.unwrap().as_deref(), Some(text));
    }
    assert_eq!(client().text_owned(None).await.unwrap(), None);
    let response = dispatch("/text", "text/plain", "x").await;
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test]
async fn text_in_another_charset_is_an_error() {
    let latin = Response::new(Bytes::from_static(b"caf\xe9"));
    let error = bodies::Note::decode(latin).unwrap_err();
    assert_eq!(error.to_string(), "note: the response 200 OK is not text: it is not UTF-8");
    let mut named = Response::new(Bytes::from_static(b"caf\xe9"));
    named.headers_mut().insert("content-type", "text/html; charset=iso-8859-1".parse().unwrap());
    let error = bodies::Note::decode(named).unwrap_err();
    assert_eq!(
        error.to_string(),
        "note: the response 200 OK is not text: its charset is `iso-8859-1`, but text must be UTF-8 (text/html)"
    );
    let response = dispatch("/text", "text/plain", &b"caf\xe9"[..]).await;
    assert_eq!(response.status(), 400);
    let marked = bodies::Note::decode(Response::new(Bytes::from_static(b"\xef\xbb\xbfa"))).unwrap();
    assert_eq!(marked, "a");
}

#[tokio::test]
async fn bytes_are_sent_unchanged_and_not_copied() {
    let bytes = Bytes::from(vec![0, 255, b'"', 13, 10]);
    let request = bodies::Blob::new(&bytes).encode().unwrap();
    assert_eq!(header(&request, "content-type"), Some("application/octet-stream"));
    assert_eq!(request.body().as_ptr(), bytes.as_ptr());
    let echoed = client().blob(&bytes).await.unwrap();
    assert_eq!((echoed.as_ptr(), &echoed), (bytes.as_ptr(), &bytes));
    assert_eq!(client().blob(&Bytes::new()).await.unwrap(), Bytes::new());
    assert_eq!(client().slice(&bytes).await.unwrap().as_deref(), Some(&bytes[..]));
    assert_eq!(client().slice(b"").await.unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(client().slice(b"none").await.unwrap(), None);
    client().octets(vec![0, 255]).await.unwrap();
    assert_eq!(client().array([0, 255]).await.unwrap(), [0, 255]);
}

#[tokio::test]
async fn bytes_with_an_undecoded_content_encoding_are_an_error() {
    let mut response = Response::new(Bytes::from_static(b"(\xb5/\xfd"));
    response.headers_mut().insert("content-encoding", "zstd".parse().unwrap());
    let error = bodies::Blob::decode(response.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "blob: the response 200 OK cannot be read: its content encoding `zstd` cannot be decoded; gzip, deflate and br can"
    );
}

#[test]
fn a_content_encoding_that_changes_nothing_is_ignored() {
    for coding in ["identity", "Identity, identity", "utf-8", "UTF8", "none", "binary", ""] {
        let mut response = Response::new(Bytes::from_static(b"(\xb5/\xfd"));
        response.headers_mut().insert("content-encoding", coding.parse().unwrap());
        assert_eq!(bodies::Blob::decode(response).unwrap(), &b"(\xb5/\xfd"[..], "{coding}");
    }
}

#[test]
fn a_range_of_an_encoded_body_is_returned_as_it_was_sent() {
    let mut response = Response::new(Bytes::from_static(b"\x1f\x8b\x08\0"));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    response.headers_mut().insert("content-range", "bytes 0-3/100".parse().unwrap());
    let error = bodies::Note::decode(response.clone()).unwrap_err().to_string();
    assert!(
        error.contains("`gzip` is that of a body of which it is a range: read it as `Binary`"),
        "{error}"
    );
    assert_eq!(bodies::Blob::decode(response).unwrap(), &b"\x1f\x8b\x08\0"[..]);
}

#[test]
fn requests_without_arguments_have_the_body_of_their_codec() {
    for (request, content_type, accept, expected) in [
        (bodies::Empty::new().encode(), None, None, ""),
        (bodies::EmptyJson::new().encode(), Some("application/json"), Some("application/json"), "{}"),
        (bodies::EmptyDigits::new().encode(), Some("text/x-digits"), Some("application/json"), "0"),
    ] {
        let request = request.unwrap();
        assert_eq!(header(&request, "content-type"), content_type);
        assert_eq!(header(&request, "accept"), accept);
        assert_eq!(body(&request), expected);
    }
}

#[tokio::test]
async fn operations_without_a_value_return_nothing() {
    client().empty().await.unwrap();
    client().empty_json().await.unwrap();
    client().empty_digits().await.unwrap();
}

#[tokio::test]
async fn custom_codec_writes_and_reads_its_types() {
    assert_eq!(client().number(42).await.unwrap(), 42);
    for number in [Some(0), Some(u64::MAX), None] {
        let response = client().optional_digits(number).await.unwrap();
        assert_eq!(*response, number);
        assert_eq!(response.status(), if number.is_some() { 200 } else { 204 });
    }
    for value in [login("none", &[]), login("some", &["x"])] {
        assert_eq!(client().wrapped(&value).await.unwrap(), (value.name == "some").then_some(value));
    }
}

#[tokio::test]
async fn custom_codec_reports_its_errors() {
    let mut response = Response::new(Bytes::from_static(b"4x"));
    response.headers_mut().insert("content-type", "text/html".parse().unwrap());
    let error = bodies::Number::decode(response).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.to_string(), "number: the response 200 OK has other characters than digits (text/html)");

    let secret = Response::new(Bytes::from_static(br#"[{"name":5,"secret":"hunter2"}]"#));
    let error = bodies::Wrapped::decode(secret).unwrap_err();
    assert_eq!(
        error.to_string(),
        "wrapped: the response 200 OK does not have the expected form: found integer, expected a string"
    );
    let empty = bodies::Number::decode(Response::new(Bytes::new())).unwrap_err();
    assert_eq!(empty.to_string(), "number: the response 200 OK is empty, but the operation returns a value");

    let response = dispatch("/digits", "text/x-digits", "4x").await;
    assert_eq!(response.status(), 400);
    let error = String::from_utf8_lossy(response.body());
    assert!(error.contains("number has other characters than digits"), "{error}");
}

#[tokio::test]
async fn json_is_the_default_and_can_be_named() {
    assert_eq!(client().list(&[1, 2]).await.unwrap(), [1, 2]);
    let request = bodies::List::new(&[1, 2]).encode().unwrap();
    assert_eq!((header(&request, "content-type"), body(&request)), (Some("application/json"), "[1,2]"));
    let request = bodies::JsonFields::new("x").encode().unwrap();
    assert_eq!(body(&request), r#"{"name":"x","age":null}"#);
    assert_eq!(client().json_fields("x", Some(1)).await.unwrap(), ("x".to_owned(), Some(1)));
}

#[test]
fn routes_have_the_media_types_of_the_codecs() {
    let types = |route: &wiretrait::Route| (route.has_body, route.content_type, route.accept);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(types(bodies::FORM_FIELDS), (true, form, "application/json"));
    assert_eq!(types(bodies::FORM_STRUCT), (true, form, form));
    assert_eq!(types(bodies::EMPTY), (false, "", ""));
    assert_eq!(types(bodies::EMPTY_JSON), (true, "application/json", "application/json"));
    assert_eq!(types(bodies::EMPTY_DIGITS), (true, "text/x-digits", "application/json"));
    assert_eq!(types(bodies::LIST), (true, "application/json", "application/json"));
}

/// A contract with codecs for all of its operations.
#[http_api(client = PagesClient, module = pages, request = Form, response = Text)]
#[allow(dead_code, reason = "only its operations are used")]
pub(crate) trait Pages {
    #[get("/pages/{name}")]
    async fn read(&self, name: &str) -> Result<ResponseValue<String>>;

    #[post("/pages")]
    async fn write(&self, #[field] name: &str) -> Result<String>;

    #[post("/pages/json", request = Json, response = Json)]
    async fn write_json(&self, #[field] name: &str) -> Result<Option<u8>>;

    #[post("/pages/clear")]
    async fn clear(&self) -> Result<()>;

    #[put("/pages/raw")]
    async fn raw(&self, #[body(Binary)] raw: &Bytes) -> DoneResult;
}

#[test]
fn codecs_of_an_operation_replace_those_of_the_contract() {
    let media = |request: Result<Request>| {
        let request = request.unwrap();
        let media = |name| header(&request, name).map(str::to_owned);
        (media("content-type"), media("accept"), body(&request).to_owned())
    };
    let (form, text, json) =
        ("application/x-www-form-urlencoded", "text/plain, */*;q=0.5", "application/json");
    let some = |value: &str| Some(value.to_owned());
    assert_eq!(media(pages::Read::new("x").encode()), (None, some(text), String::new()));
    assert_eq!(media(pages::Write::new("x").encode()), (some(form), some(text), "name=x".to_owned()));
    assert_eq!(
        media(pages::WriteJson::new("x").encode()),
        (some(json), some(json), r#"{"name":"x"}"#.to_owned())
    );
    assert_eq!(media(pages::Clear::new().encode()), (None, some(text), String::new()));
    let raw = Bytes::from_static(b"x");
    let octets = some("application/octet-stream");
    assert_eq!(media(pages::Raw::new(&raw).encode()), (octets, some(text), "x".to_owned()));
}

/// A codec without a media type.
struct Raw;

impl Codec for Raw {
    const MEDIA_TYPE: &'static str = "";
}

impl Encode<[u8]> for Raw {
    fn encode(value: &[u8]) -> Result<Bytes, CodecError> {
        Ok(Bytes::copy_from_slice(value))
    }
}

#[http_api(client = ObjectsClient, module = objects, client_only)]
#[allow(dead_code, reason = "only its operations are used")]
pub(crate) trait Objects {
    #[put("/objects/{key}")]
    async fn put(
        &self,
        key: &str,
        #[header("content-type")] kind: &str,
        #[body(Raw)] content: &[u8],
    ) -> Result<()>;

    #[put("/images/{key}")]
    #[header("content-type", "image/png")]
    async fn put_image(&self, key: &str, #[body(Raw)] content: &[u8]) -> Result<()>;

    #[delete("/objects/{key}", request = Form)]
    async fn delete(&self, key: &str, #[field] reason: Option<&str>) -> Result<()>;
}

#[test]
fn content_type_of_an_argument_stays_if_the_codec_has_none() {
    let put = objects::Put::new("a", "image/png", b"x").encode().unwrap();
    assert_eq!(header(&put, "content-type"), Some("image/png"));
    let put = objects::PutImage::new("a", b"x").encode().unwrap();
    assert_eq!(header(&put, "content-type"), Some("image/png"));
}

#[test]
fn a_delete_without_fields_has_no_content_type() {
    let delete = objects::Delete::new("a").encode().unwrap();
    assert_eq!((header(&delete, "content-type"), body(&delete)), (None, ""));
    let delete = objects::Delete::new("a").reason("old").encode().unwrap();
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!((header(&delete, "content-type"), body(&delete)), (form, "reason=old"));
}

#[tokio::test]
async fn bodies_of_other_formats_are_retried_and_recorded_unchanged() {
    let transport = ScriptedTransport::new();
    transport.on(bodies::OCTETS, Reply::status(503).then(Reply::body("image/png", &b"\x89PNG"[..])));
    let config = ClientConfig::from_url("http://localhost").unwrap();
    let client = BodiesClient::from_transport(transport.clone(), &config).unwrap();
    let bytes = Bytes::from_static(b"\0\x01");
    let error = client.octets(vec![0, 1]).await;
    assert!(error.is_ok(), "{error:?}");
    let sent = transport.sent();
    assert_eq!(sent.len(), 2);
    for sent in &sent {
        assert_eq!(sent.request().body(), &bytes);
        assert_eq!(sent.operation::<bodies::received::Octets>().unwrap().bytes, b"\0\x01");
    }
}

#[test]
fn errors_of_arguments_name_the_argument() {
    #[derive(Serialize)]
    struct Nested {
        inner: Login,
    }
    let nested = Nested { inner: Login::default() };
    let error = <Form as Encode<Nested>>::encode(&nested).unwrap_err();
    assert!(error.to_string().starts_with("cannot be written as a form"), "{error}");
    let error: Error = odd::Send::new(f64::NAN).encode().unwrap_err();
    assert_eq!(error.to_string(), "send: the argument `weight` is not a finite number");
    assert_eq!(error.kind(), ErrorKind::Encode);
}

#[http_api(client = OddClient, module = odd)]
#[allow(dead_code, reason = "only its operations are used")]
pub(crate) trait Odd {
    #[post("/odd", request = Form)]
    async fn send(&self, #[field] weight: f64) -> Result<()>;
}

#[test]
fn status_of_an_error_in_another_format_is_kept() {
    let mut response = Response::new(Bytes::from_static(b"no such page"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let error = pages::Read::decode(response).unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
}

/// A contract with uploads of files.
#[http_api(client_only, client = FilesClient, module = files)]
#[allow(dead_code, reason = "only its operations are used")]
pub(crate) trait Files {
    #[post("/files", request = Multipart)]
    async fn upload(
        &self,
        #[field] title: &str,
        #[field] tags: &[String],
        #[field] file: &Part,
        #[field] more: Vec<Part>,
        #[field] cover: Option<&Part>,
        #[field] note: Option<&str>,
    ) -> Result<()>;
}

fn upload<'a>(title: &'a str, tags: &'a [String], file: &'a Part) -> files::Upload<'a> {
    files::Upload::new(title, tags, file, Vec::new())
}

#[test]
fn multipart_fields_are_parts_with_their_names_and_media_types() {
    let file = Part::file("a\"b\r\n.png", &b"\x89PNG"[..]).with_media_type("image/png");
    let tags = strings(&["x", "y"]);
    let mut operation = upload("Emma", &tags, &file).note("n");
    operation.more = vec![Part::new("1"), Part::new("2")];
    let request = operation.encode().unwrap();
    let boundary = "wiretrait-part-0000000000000000";
    let content_type = format!("multipart/form-data; boundary={boundary}");
    assert_eq!(header(&request, "content-type"), Some(&*content_type));
    let part = |head: &str, content: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let expected = [
        part("name=\"title\"", "Emma"),
        part("name=\"tags\"", "x"),
        part("name=\"tags\"", "y"),
        part("name=\"file\"; filename=\"a%22b%0D%0A.png\"\r\nContent-Type: image/png", "\u{fffd}PNG"),
        part("name=\"more\"", "1"),
        part("name=\"more\"", "2"),
        part("name=\"note\"", "n"),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(String::from_utf8_lossy(request.body()), expected.concat());
    assert_eq!(request.body(), operation.encode().unwrap().body());
}

#[test]
fn boundary_never_occurs_in_the_content() {
    let taken = "wiretrait-part-0000000000000000 wiretrait-part-0000000000000001";
    for request in [
        upload("x", &[], &Part::new(taken)).encode().unwrap(),
        upload(taken, &[], &Part::new("x")).encode().unwrap(),
        upload("x", &[], &Part::file(taken, "x")).encode().unwrap(),
    ] {
        let content_type = header(&request, "content-type").unwrap();
        assert_eq!(content_type, "multipart/form-data; boundary=wiretrait-part-0000000000000002");
    }
}

/// The content would take minutes if it were searched for each boundary.
#[test]
fn boundary_is_the_first_free_one_of_any_content() {
    fn boundary_beside(content: String) -> String {
        let request = upload("x", &[], &Part::new(content)).encode().unwrap();
        let content_type = header(&request, "content-type").unwrap();
        content_type.split_once("boundary=wiretrait-part-").unwrap().1.to_owned()
    }
    fn series(numbers: impl Iterator<Item = u64>) -> String {
        numbers.map(|number| format!("wiretrait-part-{number:016x}")).collect::<Vec<_>>().concat()
    }
    assert_eq!(boundary_beside(series((0..30_000).rev())), "0000000000007530");
    assert_eq!(boundary_beside(series([0, 1, 1, 3, u64::MAX].into_iter())), "0000000000000002");
    assert_eq!(boundary_beside(series([1, u64::MAX].into_iter())), "0000000000000000");
    for other in ["000000000000000", "00000000000000 0", "000000000000000G", "+000000000000000"] {
        assert_eq!(boundary_beside(format!("wiretrait-part-{other}")), "0000000000000000");
    }
    assert_eq!(boundary_beside("wiretrait-part-00000000000000000".to_owned()), "0000000000000001");
}

#[test]
fn media_type_of_a_part_must_be_valid_in_a_header() {
    for media_type in ["", "text/plain\r\nx: y", "\u{7f}"] {
        let file = Part::new("x").with_media_type(media_type);
        let error = upload("x", &[], &file).encode().unwrap_err();
        assert_eq!(
            error.to_string(),
            "upload: the argument `file` has a media type that is not valid in a header"
        );
    }
}

#[test]
fn parts_show_neither_content_nor_names() {
    let part = Part::file("secret.txt", "secret").with_media_type("x/secret");
    assert_eq!(format!("{part:?}"), "Part { len: 6, .. }");
    assert_eq!((part.file_name(), part.media_type()), (Some("secret.txt"), Some("x/secret")));
    assert_eq!(part.bytes(), "secret");
}

#[tokio::test]
async fn bodies_pass_over_real_connections_unchanged() {
    let server = Server::start(bodies::Handler::new(Echo)).await;
    let config = ClientConfig::from_url(&server.url).unwrap();
    let by_reqwest = BodiesClient::from_transport(ReqwestTransport::new(&config).unwrap(), &config).unwrap();
    let by_hyper = BodiesClient::from_transport(HyperTransport::new(&config).unwrap(), &config).unwrap();
    let clients: [Arc<dyn DynBodies>; 2] = [Arc::new(by_reqwest), Arc::new(by_hyper)];
    let large = Bytes::from((0..300_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    for client in clients {
        assert_eq!(client.blob(&large).await.unwrap(), large);
        assert_eq!(client.note("a \"b\"\n").await.unwrap(), "a \"b\"\n");
        let login = login("a&b", &["x", "y z"]);
        assert_eq!(client.form_struct(&login).await.unwrap(), login);
        assert_eq!(client.slice(b"none").await.unwrap(), None);
        client.empty().await.unwrap();
        let received = server.received();
        let of =
            |index: usize, name: &str| received[index].headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(of(0, "content-type"), Some("application/octet-stream"));
        assert_eq!(of(0, "accept"), Some("application/octet-stream, */*;q=0.5"));
        assert_eq!(of(1, "content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(of(2, "content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(of(4, "content-type"), None);
        assert_eq!(of(4, "content-length"), Some("0"));
    }
}

#[tokio::test]
async fn recorded_bodies_of_other_formats_are_replayed() {
    let har = br#"{"log": {"entries": [
        {"request": {"method": "POST", "url": "http://x/bytes", "postData": {"text": "AP8=", "_encoding": "base64"}},
         "response": {"status": 200, "content": {"text": "/wA=", "encoding": "base64"}}},
        {"request": {"method": "POST", "url": "http://x/form/struct", "postData": {"text": "name=a&scopes=x&scopes=y"}},
         "response": {"status": 200, "content": {"text": "name=b+c"}}}
    ]}}"#;
    let client = BodiesClient::new(Cassette::from_har(har).unwrap());
    assert_eq!(client.blob(&Bytes::from_static(b"\0\xff")).await.unwrap(), &b"\xff\0"[..]);
    assert_eq!(client.form_struct(&login("a", &["x", "y"])).await.unwrap(), login("b c", &[]));
    let error = client.form_struct(&login("b", &[])).await.unwrap_err();
    assert!(error.to_string().contains("with another body"), "{error}");
}

use wiretrait::codec::Json as Js;

/// A custom codec with fields: those of JSON.
#[derive(Debug)]
pub(crate) struct Labelled;

impl Codec for Labelled {
    const MEDIA_TYPE: &'static str = "application/x-labelled";
}

impl codec::FieldCodec for Labelled {
    type Writer = codec::JsonFields;
    type Reader = <Json as codec::FieldCodec>::Reader;

    fn finish(fields: Self::Writer) -> (http::HeaderValue, Bytes) {
        (http::HeaderValue::from_static(Self::MEDIA_TYPE), Json::finish(fields).1)
    }
}

impl<T: Serialize + ?Sized> codec::EncodeField<T> for Labelled {
    fn encode_field(fields: &mut Self::Writer, name: &'static str, value: &T) -> Result<(), CodecError> {
        Json::encode_field(fields, name, value)
    }
}

impl codec::DecodeFields for Labelled {
    fn decode_fields(content: &Content<'_>) -> Result<Self::Reader, CodecError> {
        Json::decode_fields(content)
    }
}

impl<T: DeserializeOwned> codec::DecodeField<T> for Labelled {
    fn decode_field(fields: &mut Self::Reader, name: &'static str) -> Result<T, CodecError> {
        Json::decode_field(fields, name)
    }
}

impl codec::NullableFields for Labelled {
    fn is_null(fields: &Self::Reader, name: &str) -> bool {
        Json::is_null(fields, name)
    }
}

/// Operations whose fields may be absent, with a codec that is not named `Json`.
#[http_api(client = NotesClient, module = notes, request = Js)]
trait Notes {
    #[patch("/alias", omit_none)]
    async fn by_alias(
        &self,
        #[field] title: Option<&str>,
        #[field] tags: Option<Vec<String>>,
        #[field] due: Option<Option<&str>>,
        #[field] size: Option<Option<u8>>,
    ) -> Result<String>;

    #[patch("/custom", request = Labelled)]
    async fn by_custom_codec(
        &self,
        #[field(omit_none)] title: Option<&str>,
        #[field(omit_none)] tags: Option<Vec<String>>,
        #[field] due: Option<Option<&str>>,
        #[field] size: Option<Option<u8>>,
    ) -> Result<String>;

    #[patch("/null")]
    async fn with_null(&self, #[field] title: Option<&str>) -> Result<String>;
}

struct Desk;

impl Notes for Desk {
    async fn by_alias(
        &self,
        title: Option<&str>,
        tags: Option<Vec<String>>,
        due: Option<Option<&str>>,
        size: Option<Option<u8>>,
    ) -> Result<String> {
        Ok(format!("{title:?} {tags:?} {due:?} {size:?}"))
    }

    async fn by_custom_codec(
        &self,
        title: Option<&str>,
        tags: Option<Vec<String>>,
        due: Option<Option<&str>>,
        size: Option<Option<u8>>,
    ) -> Result<String> {
        self.by_alias(title, tags, due, size).await
    }

    async fn with_null(&self, title: Option<&str>) -> Result<String> {
        Ok(format!("{title:?}"))
    }
}

#[tokio::test]
async fn absent_fields_are_left_out_whatever_the_codec_is_called() {
    let client = NotesClient::new(InProcessTransport::new(notes::Handler::new(Desk)));
    let tags = || Some(vec!["a".to_owned()]);
    for (title, tags, due, size, body) in [
        (None, None, None, None, "{}"),
        (Some("t"), tags(), None, None, r#"{"title":"t","tags":["a"]}"#),
        (None, None, Some(None), Some(None), r#"{"due":null,"size":null}"#),
        (None, None, Some(Some("d")), Some(Some(3)), r#"{"due":"d","size":3}"#),
    ] {
        let read = format!("{title:?} {tags:?} {due:?} {size:?}");
        let mut call = notes::ByAlias::new();
        (call.title, call.tags, call.due, call.size) = (title, tags.clone(), due, size);
        assert_eq!(call.encode().unwrap().body(), body);
        assert_eq!(call.send(&client).await.unwrap(), read);
        let mut call = notes::ByCustomCodec::new();
        (call.title, call.tags, call.due, call.size) = (title, tags, due, size);
        assert_eq!(call.encode().unwrap().body(), body);
        assert_eq!(call.send(&client).await.unwrap(), read);
    }
    assert_eq!(notes::WithNull::new().encode().unwrap().body(), r#"{"title":null}"#);
}

/// Operations whose codecs have no `null`.
#[http_api(client = SheetsClient, module = sheets, client_only, omit_none)]
#[allow(dead_code, reason = "only its operations are used")]
trait Sheets {
    #[post("/form", request = Form)]
    async fn pairs(
        &self,
        #[field] name: Option<&str>,
        #[field] tags: Option<&[&str]>,
        #[field] size: Option<u8>,
    ) -> Result<()>;

    #[post("/parts", request = Multipart)]
    async fn parts(
        &self,
        #[field] file: Option<&Part>,
        #[field] files: Option<&[Part]>,
        #[field] more: Option<Vec<Part>>,
        #[field] name: Option<&str>,
    ) -> Result<()>;
}

#[test]
fn absent_fields_of_forms_are_left_out() {
    assert_eq!(sheets::Pairs::new().encode().unwrap().body(), "");
    let call = sheets::Pairs::new().name("n").tags(&["a", "b"]).size(3);
    assert_eq!(call.encode().unwrap().body(), "name=n&tags=a&tags=b&size=3");
    let file = Part::new("content");
    let request = sheets::Parts::new().file(&file).name("n").encode().unwrap();
    let body = String::from_utf8_lossy(request.body());
    assert!(
        body.contains("name=\"file\"") && body.contains("name=\"name\"") && !body.contains("files"),
        "{body}"
    );
}
