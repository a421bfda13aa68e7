//! A contract that uses most features: all methods, placeholders, lists, headers, whole bodies, a custom
//! error type, and a custom error format.

use http::{Method, StatusCode};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::Strategy;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use things::{
    DynThings, Kind, Kinds, KindsClient, Thing, ThingError, Things, ThingsClient, kinds, things_v1,
};
use wiretrait::{
    Call, Error, ErrorKind, InProcessTransport, Incoming, Operation, Param, Place, Request, Response, Result,
    Transport, transport_fn,
};

mod things {
    #![deny(warnings)]

    use http::StatusCode;
    use serde::{Deserialize, Serialize};
    use std::borrow::Cow;
    use wiretrait::{Error, ErrorFormat, Failure, Payload, Result, Route, ServiceError, http_api};

    #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
    pub(super) struct Thing {
        pub(super) name: String,
        pub(super) weight: f64,
    }

    /// The error type of things, for clients and services.
    #[derive(Debug)]
    pub(super) enum ThingError {
        TooHeavy { most: f64 },
        Call(Error),
    }

    impl From<Error> for ThingError {
        fn from(error: Error) -> Self {
            let most = error.service().filter(|service| service.code == "TOO_HEAVY");
            let most = most.and_then(|service| service.details.get("most")?.parse().ok());
            most.map_or(Self::Call(error), |most| Self::TooHeavy { most })
        }
    }

    impl Failure for ThingError {
        fn response(&self, route: &Route) -> (StatusCode, ServiceError) {
            match self {
                Self::TooHeavy { most } => {
                    let error = ServiceError::new("TOO_HEAVY", format!("{} takes less", route.name));
                    (StatusCode::UNPROCESSABLE_ENTITY, error.with_detail("most", most.to_string()))
                }
                Self::Call(error) => error.response(route),
            }
        }
    }

    /// An error format with details.
    struct DetailedErrors;

    #[derive(Deserialize, Serialize)]
    struct Body {
        code: String,
        message: String,
        details: std::collections::BTreeMap<String, String>,
    }

    impl ErrorFormat for DetailedErrors {
        fn read(&self, body: &[u8]) -> Option<ServiceError> {
            let Body { code, message, details } = serde_json::from_slice(body).ok()?;
            let mut error = ServiceError::new(code, message);
            error.details = details;
            Some(error)
        }

        fn write(&self, _status: StatusCode, error: &ServiceError) -> Vec<u8> {
            let ServiceError { code, message, details, .. } = error.clone();
            serde_json::to_vec(&Body { code, message, details }).unwrap()
        }
    }

    #[http_api(prefix = "/v1/things", client = ThingsClient, module = things_v1, errors = DetailedErrors)]
    pub(super) trait Things {
        /// Returns its arguments.
        #[get("/search")]
        async fn search(
            &self,
            #[query("tag")] tags: &[String],
            #[query] above: Option<f64>,
            #[query]
            #[header("x-trace")]
            trace: Option<&str>,
            #[header("x-tenant")] tenant: &str,
        ) -> Result<Vec<String>, ThingError>;

        #[get("/{room}/{number}")]
        async fn find(&self, room: &str, number: u32) -> Result<Option<Thing>, ThingError>;

        #[put("/{room}/{number}")]
        async fn replace(&self, room: &str, number: u32, #[body] thing: &Thing) -> Result<(), ThingError>;

        #[patch("/{room}/{number}", timeout = "250ms")]
        async fn change(
            &self,
            room: &str,
            number: u32,
            #[field("newName")] name: Option<&str>,
            #[field] weight: Option<f64>,
        ) -> Result<Option<Thing>, ThingError>;

        #[delete("/{room}/{number}/{forever}", not_idempotent)]
        async fn remove(&self, room: &str, number: u32, forever: bool) -> Result<bool, ThingError>;

        #[post("/echo/{path}", idempotent, timeout = "2m")]
        async fn echo(
            &self,
            path: &str,
            #[query] query: &str,
            #[header("x-echo")] header: &str,
            #[field] field: &str,
        ) -> Result<Vec<String>, ThingError>;

        #[get("/with%20space")]
        async fn with_space(&self) -> Result<bool, ThingError>;

        #[deprecated = "call `find`"]
        #[get("/lookup")]
        async fn lookup(&self, #[query] name: String) -> Result<String, ThingError>;

        /// It could not compile, because its types do not exist.
        #[cfg(any())]
        #[get("/gone")]
        async fn gone(&self, #[query] id: &Missing) -> Result<Missing, ThingError>;
    }

    /// A contract with type parameters that have bounds and defaults.
    #[http_api(client = BoxesClient, module = boxes)]
    pub(super) trait Boxes<T: Payload = serde_json::Value, U: Payload + From<T> = T>
    where
        Vec<T>: Clone,
    {
        #[post("/pack")]
        async fn pack(&self, #[body] content: &T, #[query] label: Option<&str>) -> Result<T>;

        #[post("/convert")]
        async fn convert(&self, #[field] content: T) -> Result<U>;

        #[post("/keep")]
        async fn keep(&self, #[field] content: &U) -> Result<()>;
    }

    /// Determines several payload types.
    pub(super) trait Kind: Send + Sync + 'static {
        type Key: Payload;
        type Value: Payload;
    }

    #[http_api(client = KindsClient, module = kinds)]
    pub(super) trait Kinds<K: Kind, E: Payload> {
        #[put("/values")]
        async fn put(
            &self,
            #[field] key: &K::Key,
            #[field] value: Option<&<K as Kind>::Value>,
        ) -> Result<Option<K::Value>>;

        #[post("/check")]
        async fn check(
            &self,
            #[field] keys: &[K::Key],
            #[field] extra: E,
            #[field] note: Cow<'static, str>,
        ) -> Result<E>;
    }
}

/// A service that stores one thing.
#[derive(Default)]
struct Shelf(std::sync::Mutex<Option<(String, u32, Thing)>>);

const MOST: f64 = 100.0;

impl Things for Shelf {
    async fn search(
        &self,
        tags: &[String],
        above: Option<f64>,
        trace: Option<&str>,
        tenant: &str,
    ) -> Result<Vec<String>, ThingError> {
        Ok(vec![tags.join("|"), format!("{above:?}"), format!("{trace:?}"), tenant.to_owned()])
    }

    async fn find(&self, room: &str, number: u32) -> Result<Option<Thing>, ThingError> {
        let stored = self.0.lock().unwrap();
        let found = stored.as_ref().filter(|(s, n, _)| s == room && *n == number);
        Ok(found.map(|(_, _, thing)| thing.clone()))
    }

    async fn replace(&self, room: &str, number: u32, thing: &Thing) -> Result<(), ThingError> {
        if thing.weight > MOST {
            return Err(ThingError::TooHeavy { most: MOST });
        }
        *self.0.lock().unwrap() = Some((room.to_owned(), number, thing.clone()));
        Ok(())
    }

    async fn change(
        &self,
        room: &str,
        number: u32,
        name: Option<&str>,
        weight: Option<f64>,
    ) -> Result<Option<Thing>, ThingError> {
        let Some(mut thing) = self.find(room, number).await? else { return Ok(None) };
        thing.name = name.map_or(thing.name, str::to_owned);
        thing.weight = weight.unwrap_or(thing.weight);
        self.replace(room, number, &thing).await?;
        Ok(Some(thing))
    }

    async fn remove(&self, room: &str, number: u32, forever: bool) -> Result<bool, ThingError> {
        let found = self.find(room, number).await?.is_some();
        if found && forever {
            *self.0.lock().unwrap() = None;
        }
        Ok(found && forever)
    }

    async fn echo(
        &self,
        path: &str,
        query: &str,
        header: &str,
        field: &str,
    ) -> Result<Vec<String>, ThingError> {
        Ok([path, query, header, field].map(str::to_owned).to_vec())
    }

    async fn with_space(&self) -> Result<bool, ThingError> {
        Ok(true)
    }

    async fn lookup(&self, name: String) -> Result<String, ThingError> {
        Ok(name)
    }
}

fn client() -> ThingsClient<impl Transport> {
    ThingsClient::new(InProcessTransport::new(things_v1::Handler::new(Shelf::default())))
}

/// A client for calls that must not be sent.
fn nothing_is_sent() -> ThingsClient<impl Transport> {
    ThingsClient::new(transport_fn(|call: Call| async move {
        panic!("{} was sent as {}", call.route.name, call.request.uri());
    }))
}

fn ball(weight: f64) -> Thing {
    Thing { name: "ball".to_owned(), weight }
}

/// Calls every operation of an implementation.
async fn use_all_of(things: &(impl Things + ?Sized)) {
    assert_eq!(things.find("top", 1).await.unwrap(), None);
    things.replace("top", 1, &ball(1.5)).await.unwrap();
    assert_eq!(things.find("top", 1).await.unwrap(), Some(ball(1.5)));
    assert_eq!(things.find("top", 2).await.unwrap(), None);

    let changed = things.change("top", 1, Some("cube"), None).await.unwrap();
    assert_eq!(changed, Some(Thing { name: "cube".to_owned(), weight: 1.5 }));
    let changed = things.change("top", 1, None, Some(2.5)).await.unwrap();
    assert_eq!(changed, Some(Thing { name: "cube".to_owned(), weight: 2.5 }));

    assert!(!things.remove("top", 1, false).await.unwrap());
    assert!(things.remove("top", 1, true).await.unwrap());
    assert_eq!(things.find("top", 1).await.unwrap(), None);

    let tags = ["red".to_owned(), "a&b".to_owned(), String::new()];
    let seen = things.search(&tags, Some(-0.25), Some("t 1"), "acme").await.unwrap();
    assert_eq!(seen, ["red|a&b|", "Some(-0.25)", r#"Some("t 1")"#, "acme"]);
    let seen = things.search(&[], None, None, "").await.unwrap();
    assert_eq!(seen, ["", "None", "None", ""]);

    assert_eq!(things.echo("a/b?", "c d", "e;f", "g\"").await.unwrap(), ["a/b?", "c d", "e;f", "g\""]);
    assert!(things.with_space().await.unwrap());
}

#[tokio::test]
async fn every_operation_works_over_a_transport() {
    use_all_of(&client()).await;
}

#[tokio::test]
async fn services_and_pointers_implement_the_contract_too() {
    use_all_of(&Shelf::default()).await;
    use_all_of(&&Shelf::default()).await;
    use_all_of(&Arc::new(client())).await;

    let shared: Arc<dyn DynThings> = Arc::new(client());
    use_all_of(&shared).await;
    use_all_of(&*shared).await;
    let owned: Box<dyn DynThings> = Box::new(Shelf::default());
    use_all_of(&owned).await;
    let lent: &dyn DynThings = &client();
    use_all_of(lent).await;
    use_all_of(&lent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_can_be_made_in_another_thread() {
    let direct = client();
    let shared: Arc<dyn DynThings> = Arc::new(client());
    let first = tokio::spawn(async move { direct.find("top", 1).await });
    let second = tokio::spawn(async move { shared.find("top", 1).await });
    assert!(first.await.unwrap().unwrap().is_none());
    assert!(second.await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn trait_objects_keep_the_payload_types() {
    use things::{Boxes, BoxesClient, DynBoxes, boxes};

    struct Packer;

    impl<T: wiretrait::Payload + Clone, U: wiretrait::Payload + From<T>> Boxes<T, U> for Packer {
        async fn pack(&self, content: &T, _label: Option<&str>) -> Result<T> {
            Ok(content.clone())
        }

        async fn convert(&self, content: T) -> Result<U> {
            Ok(content.into())
        }

        async fn keep(&self, _content: &U) -> Result<()> {
            Ok(())
        }
    }

    let handler = boxes::Handler::<_, u8, u64>::new(Packer);
    let client = BoxesClient::new(InProcessTransport::new(handler)).with_payloads::<u8, u64>();
    let typed: Arc<dyn DynBoxes<u8, u64>> = Arc::new(client);
    assert_eq!(typed.pack(&7, None).await.unwrap(), 7);
    assert_eq!(typed.convert(7).await.unwrap(), 7_u64);
    typed.keep(&70_000).await.unwrap();

    let untyped: Arc<dyn DynBoxes> = Arc::new(Packer);
    assert_eq!(untyped.pack(&serde_json::json!([1]), None).await.unwrap(), serde_json::json!([1]));

    // An operation has only the payload types of its arguments.
    let operation = boxes::Pack::new(&7_u8).label("fragile");
    assert_eq!(operation.encode().unwrap().uri(), "/pack?label=fragile");
    assert_eq!(operation.send::<_, u64>(&Packer).await.unwrap(), 7);
    assert_eq!(boxes::Keep::new(&7_u64).encode().unwrap().body(), r#"{"content":7}"#);
}

#[tokio::test]
async fn a_custom_error_is_restored_from_the_response() {
    match client().replace("top", 1, &ball(1000.0)).await {
        Err(ThingError::TooHeavy { most }) => assert_eq!(most.to_bits(), MOST.to_bits()),
        other => panic!("{other:?}"),
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn string() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("leads to another path", |value| path_of(value).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_string_arrives_unchanged(path in string(), query in string(), header in "[!-~]([ -~]*[!-~])?", field in string()) {
        let echo = block_on(client().echo(&path, &query, &header, &field)).unwrap();
        prop_assert_eq!(echo, [path, query, header, field]);
    }

    #[test]
    fn any_list_arrives_unchanged(tags in proptest::collection::vec("[^|]*", 0..5), above in any::<Option<i32>>()) {
        let above = above.map(f64::from);
        let seen = block_on(client().search(&tags, above, None, "")).unwrap();
        prop_assert_eq!(&seen[..2], [tags.join("|"), format!("{above:?}")]);
    }
}

fn encode_error<T: std::fmt::Debug>(outcome: Result<T, ThingError>) -> Error {
    match outcome {
        Err(ThingError::Call(error)) if error.kind() == ErrorKind::Encode => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_value_that_could_lead_to_another_path_is_rejected() {
    let things = nothing_is_sent();
    for value in LEAD_ELSEWHERE {
        let error = encode_error(things.find(value, 1).await);
        assert_eq!(error.operation(), Some("find"));
        assert!(error.to_string().contains("`room`"), "{value:?}: {error}");
    }
}

/// Values of a path argument that some proxies would resolve to another path.
const LEAD_ELSEWHERE: &[&str] = &[
    // Unescaped.
    "",
    ".",
    "..",
    "../secret",
    "../../secret",
    "./a",
    "a/..",
    "a/.",
    "a/../b",
    "a/../../secret",
    "a/./b",
    // Backslashes.
    "..\\secret",
    "a\\..\\..\\secret",
    "a/..\\secret",
    "\\secret",
    "a\\",
    // Slashes at the edges, which could be merged with others or begin an authority.
    "/",
    "//",
    "/secret",
    "//evil.example",
    "a/",
    "a//",
    // Escaped once or several times, partially, in upper and lower case.
    "%2e",
    "%2e%2e",
    "%2E%2e/secret",
    ".%2e/secret",
    "%2e./secret",
    "..%2fsecret",
    "..%2Fsecret",
    "..%5csecret",
    "a%2F..%2F..%2Fsecret",
    "%2Fsecret",
    "a%2F",
    "a%5C",
    "%252e%252e%252fsecret",
    "..%252Fsecret",
    "..%25252525252fsecret",
    "%25%32%65%25%32%65/secret",
    "%%32e%%32e/secret",
    "%2%65%2%65/secret",
    // Parameters of a segment.
    "..;/secret",
    "..;a=1/secret",
    "..;a/b",
    ".;/a",
    ";",
    ";a=1",
    "a/;b/..",
    "a/..;",
    "..%3b/secret",
    "%2e%2e%3Ba=1%2fsecret",
    // Characters that end a path after decoding.
    "..?a",
    "..#a",
    "?",
    "#a",
    "?a=/b",
    "..%3Fa",
    "a/?b",
    // NUL, at which some programs truncate and which others drop.
    "\0",
    "..\0",
    "..\0.txt",
    ".\0.",
    "a/\0../b",
    "..%00/secret",
    "%00",
    "..%2500/secret",
    // Characters that URL parsers drop.
    ".\t.",
    "..\n/secret",
    "\r../secret",
    "%2\te%2\te/secret",
    ".%09./secret",
    "%09",
    " ",
    ".. ",
    " ../secret",
    "a/.. ",
    "a/ ",
    "..%20",
    "..\u{7f}/secret",
    // Overlong forms of `.` and `/`, and other bytes that are not UTF-8.
    "%c0%ae%c0%ae%c0%afsecret",
    "..%c0%af",
    "%e0%80%ae%e0%80%ae/secret",
    "%ff",
];

#[test]
fn all_reserved_characters_of_a_path_value_are_escaped() {
    for (value, sent) in [
        ("a", "a"),
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("a/b/c.txt", "a%2Fb%2Fc.txt"),
        ("a//b", "a%2F%2Fb"),
        ("https://example.com/a", "https%3A%2F%2Fexample.com%2Fa"),
        ("...", "..."),
        ("..a", "..a"),
        ("a..", "a.."),
        (".hidden", ".hidden"),
        ("a/...", "a%2F..."),
        ("a;b", "a%3Bb"),
        ("..a;b", "..a%3Bb"),
        ("what?", "what%3F"),
        ("a#b", "a%23b"),
        ("a?b=../c", "a%3Fb%3D..%2Fc"),
        ("a b", "a%20b"),
        (" a ", "%20a%20"),
        ("a\0b", "a%00b"),
        ("100%", "100%25"),
        ("%", "%25"),
        ("%2", "%252"),
        ("%zz", "%25zz"),
        ("%41", "%2541"),
        ("a%2Fb", "a%252Fb"),
        ("caf%C3%A9", "caf%25C3%25A9"),
        ("\u{e9}", "%C3%A9"),
        ("-._~", "-._~"),
    ] {
        assert_eq!(path_of(value).unwrap(), format!("/v1/things/echo/{sent}"), "{value:?}");
    }
}

/// Returns the encoded path for a value.
fn path_of(value: &str) -> Result<String> {
    things_v1::Echo::new(value, "", "a", "").encode().map(|request| request.uri().path().to_owned())
}

/// Resolves a decoded path like a proxy. The bits of `habits` enable, in this order: backslashes are slashes;
/// `?`, `#` and NUL end the path; control characters are dropped; parameters are dropped.
fn resolved(decoded: &[u8], habits: u8) -> Vec<Vec<u8>> {
    let has = |habit: u8| habits & 1 << habit != 0;
    let mut path = decoded.to_vec();
    if has(0) {
        path.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    }
    if has(1) {
        let end = path.iter().position(|byte| matches!(byte, b'?' | b'#' | 0));
        path.truncate(end.unwrap_or(path.len()));
    }
    if has(2) {
        path.retain(|byte| !byte.is_ascii_control());
        path = path.trim_ascii().to_vec();
    }
    let mut segments = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        let parameters = segment.iter().position(|byte| has(3) && *byte == b';');
        match &segment[..parameters.unwrap_or(segment.len())] {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            segment => segments.push(segment.to_vec()),
        }
    }
    segments
}

/// Generates strings that often lead to another path, or nearly do.
fn tricky() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        ".", "..", "/", "\\", "%", "25", "2", "e", "E", "f", "5c", "%2e", "%2F", "%5C", "%00", "%252e",
        "%252F", ";", "?", "#", "\0", "\t", " ", "%c0%ae", "%3b", "a", "b", "a", "b",
    ];
    proptest::collection::vec(proptest::sample::select(PIECES), 1..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_proxy_resolves_a_path_to_another_route(value in proptest::prop_oneof![tricky(), any::<String>()]) {
        let Ok(path) = path_of(&value) else { return Ok(()) };
        let mut decoded = path.into_bytes();
        for _ in 0..4 {
            for habits in 0..16 {
                let segments = resolved(&decoded, habits);
                let route: [&[u8]; 3] = [b"v1", b"things", b"echo"];
                prop_assert!(segments.len() > 3 && segments[..3] == route, "{:?} {:?}", value, segments);
            }
            decoded = percent_encoding::percent_decode(&decoded).collect();
        }
    }

    #[test]
    fn an_id_with_slashes_inside_is_sent(value in "[a-z0-9]+([/\\\\]{1,2}[a-z0-9][a-z0-9. :;?#&=+@-]*[a-z0-9]){0,4}") {
        prop_assert!(path_of(&value).is_ok(), "{:?}", value);
    }
}

#[tokio::test]
async fn an_invalid_header_value_is_rejected() {
    let things = nothing_is_sent();
    for value in ["a\r\nx-admin: yes", "a\nb", "a\rb", "\0"] {
        let error = encode_error(things.search(&[], None, None, value).await);
        assert!(error.to_string().contains("`tenant`"), "{error}");
    }
}

#[tokio::test]
async fn a_number_that_is_not_finite_is_rejected() {
    let things = nothing_is_sent();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = encode_error(things.search(&[], Some(value), None, "").await);
        assert!(error.to_string().contains("`above`"), "{error}");
    }
}

#[test]
fn an_argument_can_be_sent_in_two_locations() {
    let request = things_v1::Search::new(&[], "acme").trace("t 1").encode().unwrap();
    assert_eq!(request.uri(), "/v1/things/search?trace=t%201");
    assert_eq!(request.headers()["x-trace"], "t 1");
    assert_eq!(request.headers()["x-tenant"], "acme");
}

#[test]
fn names_on_the_wire_come_from_the_annotations() {
    let request = things_v1::Change::new("top", 1).name("cube").encode().unwrap();
    assert_eq!(request.method(), Method::PATCH);
    assert_eq!(request.uri(), "/v1/things/top/1");
    assert_eq!(request.body(), r#"{"newName":"cube","weight":null}"#);

    let tags = ["a".to_owned(), "b".to_owned()];
    let request = things_v1::Search::new(&tags, "").encode().unwrap();
    assert_eq!(request.uri(), "/v1/things/search?tag=a&tag=b");
    assert!(!request.headers().contains_key("x-trace"));
}

async fn respond(method: Method, target: &str, body: &'static str) -> Response {
    let mut request = Request::new(bytes::Bytes::from_static(body.as_bytes()));
    *request.method_mut() = method;
    *request.uri_mut() = target.parse().unwrap();
    things_v1::dispatch(&Shelf::default(), Incoming::from(request)).await
}

fn message(response: &Response) -> String {
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    body["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    for target in
        ["/", "/v1/things", "/v1/things/top", "/v1/things/top/1/yes/more", "/v1/things//1", "/v1/gone"]
    {
        assert_eq!(respond(Method::GET, target, "").await.status(), StatusCode::NOT_FOUND, "{target}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_rejected_with_the_allowed_ones() {
    let response = respond(Method::POST, "/v1/things/top/1", "").await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET, PUT, PATCH");
}

#[tokio::test]
async fn an_error_response_names_every_invalid_argument() {
    let response = respond(Method::PATCH, "/v1/things/top/first", r#"{"newName":1,"weight":"light"}"#).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let message = message(&response);
    for argument in ["number", "name", "weight"] {
        assert!(message.contains(argument), "{message}");
    }
    assert!(!message.contains("room"), "{message}");
}

#[tokio::test]
async fn an_error_response_names_a_missing_argument() {
    let response = respond(Method::GET, "/v1/things/search", "").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(message(&response).contains("tenant"), "{}", message(&response));
}

#[tokio::test]
async fn a_response_without_a_value_has_no_body() {
    let response = respond(Method::PUT, "/v1/things/top/1", r#"{"name":"ball","weight":1}"#).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert!(response.body().is_empty());
}

#[test]
fn routes_describe_the_operations() {
    let routes: Vec<_> = things_v1::ROUTES
        .iter()
        .map(|route| (route.name, route.to_string(), route.idempotent, route.timeout, route.has_body))
        .collect();
    let by_number = "/v1/things/{room}/{number}";
    let (quick, slow) = (Some(Duration::from_millis(250)), Some(Duration::from_secs(120)));
    assert_eq!(
        routes,
        [
            ("search", "GET /v1/things/search".to_owned(), true, None, false),
            ("find", format!("GET {by_number}"), true, None, false),
            ("replace", format!("PUT {by_number}"), true, None, true),
            ("change", format!("PATCH {by_number}"), false, quick, true),
            ("remove", format!("DELETE {by_number}/{{forever}}"), false, None, false),
            ("echo", "POST /v1/things/echo/{path}".to_owned(), true, slow, true),
            ("with_space", "GET /v1/things/with%20space".to_owned(), true, None, false),
            ("lookup", "GET /v1/things/lookup".to_owned(), true, None, false),
        ]
    );
}

#[test]
fn routes_describe_the_arguments() {
    const fn required(name: &'static str, places: &'static [Place]) -> Param {
        Param::new(name, true, places)
    }
    const fn optional(name: &'static str, places: &'static [Place]) -> Param {
        Param::new(name, false, places)
    }
    assert_eq!(
        things_v1::SEARCH.params,
        [
            required("tags", &[Place::Query("tag")]),
            optional("above", &[Place::Query("above")]),
            optional("trace", &[Place::Query("trace"), Place::Header("x-trace")]),
            required("tenant", &[Place::Header("x-tenant")]),
        ]
    );
    assert_eq!(
        things_v1::CHANGE.params,
        [
            required("room", &[Place::Path("room")]),
            required("number", &[Place::Path("number")]),
            optional("name", &[Place::Field("newName")]),
            optional("weight", &[Place::Field("weight")]),
        ]
    );
    assert_eq!(things_v1::REPLACE.params[2], required("thing", &[Place::Body]));
}

/// A choice of payload types, and a service for it.
struct Numbered;

impl Kind for Numbered {
    type Key = u64;
    type Value = String;
}

impl Kinds<Self, bool> for Numbered {
    async fn put(&self, key: &u64, value: Option<&String>) -> Result<Option<String>> {
        Ok(value.map(|value| format!("{key}: {value}")))
    }

    async fn check(&self, keys: &[u64], extra: bool, note: Cow<'static, str>) -> Result<bool> {
        Ok(extra && keys == [1, 2] && note == "noted")
    }
}

#[tokio::test]
async fn payload_types_can_be_associated_types() {
    let handler = kinds::Handler::<_, Numbered, bool>::new(Numbered);
    let client = KindsClient::<Numbered, bool, _>::new(InProcessTransport::new(handler));
    assert_eq!(client.put(&1, Some(&"one".to_owned())).await.unwrap().as_deref(), Some("1: one"));
    assert_eq!(client.put(&1, None).await.unwrap(), None);
    assert!(client.check(&[1, 2], true, "noted".into()).await.unwrap());
}
