//! Values of arguments: how they are written into a request and read from it again.
#![allow(clippy::borrowed_box, clippy::ptr_arg, reason = "every type of value is tried by reference")]

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::{self, Debug};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZero, ParseIntError};
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;
use wiretrait::http::{Method, header};
use wiretrait::{
    Error, ErrorKind, InProcessTransport, Incoming, NoneAs, Operation, ParamValues, Place, Request, Result,
    http_api, param_value,
};

/// A type of this crate that is a value everywhere.
#[derive(Clone, Debug, PartialEq)]
struct UserId(u64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "u{}", self.0)
    }
}

impl FromStr for UserId {
    type Err = ParseIntError;

    fn from_str(id: &str) -> std::result::Result<Self, ParseIntError> {
        id.trim_start_matches('u').parse().map(Self)
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    Blue,
}

param_value!(UserId, Color as serde);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Open,
    InReview,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
struct Version(u32);

/// A type that writes several values itself.
#[derive(Clone, Debug, PartialEq)]
struct Range(u32, u32);

impl ParamValues for Range {
    fn for_each_value(
        &self,
        each: &mut dyn FnMut(&str) -> std::result::Result<(), &'static str>,
    ) -> std::result::Result<(), &'static str> {
        each(&self.0.to_string())?;
        each(&self.1.to_string())
    }
}

impl wiretrait::FromParam for Range {
    fn from_values(
        values: &mut dyn Iterator<Item = Cow<'_, str>>,
    ) -> std::result::Result<Self, &'static str> {
        Ok(Self(wiretrait::FromParam::from_values(values)?, wiretrait::FromParam::from_values(values)?))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
struct Filter {
    name: Option<String>,
    #[serde(default)]
    tag: Vec<String>,
    min: Option<u32>,
}

/// Each operation responds with the arguments that the service has received.
#[http_api(client = ValuesClient, module = values)]
trait Values {
    #[get("/flags/{id}/{state}/{number}")]
    async fn flags(
        &self,
        #[path(display)] id: Uuid,
        #[path(serde)] state: &State,
        #[path("number", display)] rank: &UserId,
        #[query(display)] by_value: Uuid,
        #[query("ref", display)] by_reference: &Uuid,
        #[query(display)] optional: Option<Uuid>,
        #[query(serde)] optional_reference: Option<&State>,
        #[header("x-version", serde)] version: Version,
    ) -> Result<Vec<String>>;

    #[get("/lists")]
    async fn lists(
        &self,
        #[query(display)] slice: &[Uuid],
        #[query(serde)] vec: Vec<State>,
        #[query(serde)] vec_reference: &Vec<State>,
        #[query(serde)] array: [Version; 2],
        #[query(serde)] set: &BTreeSet<State>,
        #[query(serde)] hash_set: HashSet<State>,
        #[query(serde)] optional: Option<Vec<Version>>,
        #[query(serde)] optional_slice: Option<&[Version]>,
        #[header("x-states", serde, comma)] states: &[State],
    ) -> Result<Vec<String>>;

    #[get("/own/{user}")]
    async fn own(
        &self,
        user: &UserId,
        #[query] other: Option<UserId>,
        #[query] color: Color,
        #[query("colors")] colors: &[Color],
        #[query] range: &Range,
        #[query] optional_range: Option<&Range>,
        #[query] last_range: Option<Range>,
    ) -> Result<Vec<String>>;

    #[get("/standard/{rank}")]
    async fn standard(
        &self,
        rank: NonZero<u8>,
        #[query] ip: IpAddr,
        #[query] v4: &Ipv4Addr,
        #[query] v6: Option<Ipv6Addr>,
        #[query] socket: SocketAddr,
        #[query] cow: Cow<'_, str>,
        #[query] cows: Option<&[Cow<'_, str>]>,
        #[query] boxed: &Box<str>,
        #[query] shared: Arc<str>,
        #[query] array: [u8; 2],
        #[query] set: &BTreeSet<String>,
        #[query] hash_set: Option<&HashSet<u8>>,
        #[query] bytes: Option<[u8; 2]>,
    ) -> Result<Vec<String>>;

    #[get("/styles")]
    async fn styles(
        &self,
        #[query] several: &[u32],
        #[query(comma)] comma: &[String],
        #[query("csv", comma)] optional: Option<&[u32]>,
        #[query("in", brackets)] brackets: Vec<u32>,
        #[header("x-list", comma)] list: &[String],
        #[header("x-repeated")] headers: &[String],
    ) -> Result<Vec<String>>;

    #[get("/struct")]
    async fn flattened(&self, #[query] page: u32, #[query(flatten)] filter: &Filter) -> Result<Vec<String>>;

    #[get("/map")]
    async fn flattened_map(
        &self,
        #[query] page: u32,
        #[query(flatten)] labels: Option<&BTreeMap<String, String>>,
    ) -> Result<Vec<String>>;

    #[get("/pairs")]
    async fn flattened_pairs(&self, #[query(flatten)] pairs: &[(String, u32)]) -> Result<Vec<String>>;

    #[patch("/fields")]
    async fn fields(
        &self,
        #[field] id: u32,
        #[field] null: Option<&str>,
        #[field(omit_none)] omitted: Option<f64>,
        #[field] nullable: Option<Option<&str>>,
        #[field] nullable_number: Option<Option<f64>>,
    ) -> Result<Vec<String>>;

    #[post("/omitted", omit_none)]
    async fn omitted(
        &self,
        #[field] name: Option<&str>,
        #[field] bio: Option<Option<String>>,
    ) -> Result<Vec<String>>;

    #[delete("/deleted/{id}")]
    async fn deleted(
        &self,
        id: u32,
        #[field] reason: Option<&str>,
        #[field] force: Option<bool>,
    ) -> Result<Vec<String>>;
}

struct Echo;

/// Returns the `Debug` output of the arguments.
#[allow(clippy::unnecessary_wraps, reason = "it is the result of each operation")]
fn shown(arguments: &[&dyn Debug]) -> Result<Vec<String>> {
    Ok(arguments.iter().map(|argument| format!("{argument:?}")).collect())
}

impl Values for Echo {
    async fn flags(
        &self,
        id: Uuid,
        state: &State,
        rank: &UserId,
        by_value: Uuid,
        by_reference: &Uuid,
        optional: Option<Uuid>,
        optional_reference: Option<&State>,
        version: Version,
    ) -> Result<Vec<String>> {
        shown(&[&id, state, rank, &by_value, by_reference, &optional, &optional_reference, &version])
    }

    async fn lists(
        &self,
        slice: &[Uuid],
        vec: Vec<State>,
        vec_reference: &Vec<State>,
        array: [Version; 2],
        set: &BTreeSet<State>,
        hash_set: HashSet<State>,
        optional: Option<Vec<Version>>,
        optional_slice: Option<&[Version]>,
        states: &[State],
    ) -> Result<Vec<String>> {
        shown(&[&slice, &vec, vec_reference, &array, set, &hash_set, &optional, &optional_slice, &states])
    }

    async fn own(
        &self,
        user: &UserId,
        other: Option<UserId>,
        color: Color,
        colors: &[Color],
        range: &Range,
        optional_range: Option<&Range>,
        last_range: Option<Range>,
    ) -> Result<Vec<String>> {
        shown(&[user, &other, &color, &colors, range, &optional_range, &last_range])
    }

    async fn standard(
        &self,
        rank: NonZero<u8>,
        ip: IpAddr,
        v4: &Ipv4Addr,
        v6: Option<Ipv6Addr>,
        socket: SocketAddr,
        cow: Cow<'_, str>,
        cows: Option<&[Cow<'_, str>]>,
        boxed: &Box<str>,
        shared: Arc<str>,
        array: [u8; 2],
        set: &BTreeSet<String>,
        hash_set: Option<&HashSet<u8>>,
        bytes: Option<[u8; 2]>,
    ) -> Result<Vec<String>> {
        shown(&[&rank, &ip, v4, &v6, &socket, &cow, &cows, boxed, &shared, &array, set, &hash_set, &bytes])
    }

    async fn styles(
        &self,
        several: &[u32],
        comma: &[String],
        optional: Option<&[u32]>,
        brackets: Vec<u32>,
        list: &[String],
        headers: &[String],
    ) -> Result<Vec<String>> {
        shown(&[&several, &comma, &optional, &brackets, &list, &headers])
    }

    async fn flattened(&self, page: u32, filter: &Filter) -> Result<Vec<String>> {
        shown(&[&page, filter])
    }

    async fn flattened_map(
        &self,
        page: u32,
        labels: Option<&BTreeMap<String, String>>,
    ) -> Result<Vec<String>> {
        shown(&[&page, &labels])
    }

    async fn flattened_pairs(&self, pairs: &[(String, u32)]) -> Result<Vec<String>> {
        shown(&[&pairs])
    }

    async fn fields(
        &self,
        id: u32,
        null: Option<&str>,
        omitted: Option<f64>,
        nullable: Option<Option<&str>>,
        nullable_number: Option<Option<f64>>,
    ) -> Result<Vec<String>> {
        shown(&[&id, &null, &omitted, &nullable, &nullable_number])
    }

    async fn omitted(&self, name: Option<&str>, bio: Option<Option<String>>) -> Result<Vec<String>> {
        shown(&[&name, &bio])
    }

    async fn deleted(&self, id: u32, reason: Option<&str>, force: Option<bool>) -> Result<Vec<String>> {
        shown(&[&id, &reason, &force])
    }
}

fn client() -> ValuesClient<InProcessTransport<values::Handler<Echo>>> {
    ValuesClient::new(InProcessTransport::new(values::Handler::new(Echo)))
}

fn target(operation: &impl Operation) -> String {
    operation.encode().unwrap().uri().to_string()
}

fn body(operation: &impl Operation) -> String {
    String::from_utf8(operation.encode().unwrap().into_body().into()).unwrap()
}

/// Returns the message for an argument that cannot be sent.
#[track_caller]
fn refusal(operation: &impl Operation) -> String {
    let error = operation.encode().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    error.to_string()
}

/// Returns the service's error for a request of this method, target and body.
async fn answered(method: Method, target: &str, body: &'static str) -> Error {
    use wiretrait::Handler as _;

    let mut request = Request::new(body.into());
    *request.method_mut() = method;
    *request.uri_mut() = target.parse().unwrap();
    let response = values::Handler::new(Echo).handle(Incoming::from(request)).await;
    values::Flags::decode(response).unwrap_err()
}

const ID: Uuid = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
const ID_TEXT: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

#[tokio::test]
async fn flags_apply_to_single_values_of_every_shape() {
    let user = UserId(7);
    let call = values::Flags::new(ID, &State::InReview, &user, ID, &ID, Version(3))
        .optional(ID)
        .optional_reference(&State::Open);
    assert_eq!(
        target(&call),
        format!(
            "/flags/{ID_TEXT}/in-review/u7?by_value={ID_TEXT}&ref={ID_TEXT}&optional={ID_TEXT}\
             &optional_reference=open"
        )
    );
    assert_eq!(call.encode().unwrap().headers()["x-version"], "3");
    let received = call.send(&client()).await.unwrap();
    assert_eq!(
        received,
        [
            ID_TEXT,
            "InReview",
            "UserId(7)",
            ID_TEXT,
            ID_TEXT,
            &format!("Some({ID_TEXT})"),
            "Some(Open)",
            "Version(3)"
        ]
    );

    let absent = client().flags(ID, &State::Open, &user, ID, &ID, None, None, Version(0)).await.unwrap();
    assert_eq!(absent[5..7], ["None", "None"]);
}

#[tokio::test]
async fn flags_apply_to_the_elements_of_lists() {
    let states = vec![State::Open, State::InReview];
    let set = BTreeSet::from([State::InReview, State::Open]);
    let call = values::Lists::new(
        &[ID, ID],
        states.clone(),
        &states,
        [Version(1), Version(2)],
        &set,
        HashSet::from([State::Open]),
        &states,
    )
    .optional(vec![Version(4)])
    .optional_slice(&[Version(5), Version(6)]);
    let request = call.encode().unwrap();
    assert_eq!(
        request.uri().query().unwrap(),
        format!(
            "slice={ID_TEXT}&slice={ID_TEXT}&vec=open&vec=in-review&vec_reference=open&vec_reference=in-review\
             &array=1&array=2&set=open&set=in-review&hash_set=open&optional=4&optional_slice=5&optional_slice=6"
        )
    );
    assert_eq!(request.headers()["x-states"], "open, in-review");
    let received = call.send(&client()).await.unwrap();
    assert_eq!(
        received,
        [
            &format!("[{ID_TEXT}, {ID_TEXT}]"),
            "[Open, InReview]",
            "[Open, InReview]",
            "[Version(1), Version(2)]",
            "{Open, InReview}",
            "{Open}",
            "Some([Version(4)])",
            "Some([Version(5), Version(6)])",
            "[Open, InReview]"
        ]
    );
}

#[tokio::test]
async fn own_types_are_values_without_flags() {
    let (user, range) = (UserId(7), Range(1, 9));
    let call = values::Own::new(&user, Color::Blue, &[Color::Red, Color::Blue], &range)
        .other(UserId(8))
        .optional_range(&range)
        .last_range(Range(2, 3));
    assert_eq!(
        target(&call),
        "/own/u7?other=u8&color=blue&colors=red&colors=blue&range=1&range=9&optional_range=1&optional_range=9\
         &last_range=2&last_range=3"
    );
    assert_eq!(
        call.send(&client()).await.unwrap(),
        [
            "UserId(7)",
            "Some(UserId(8))",
            "Blue",
            "[Red, Blue]",
            "Range(1, 9)",
            "Some(Range(1, 9))",
            "Some(Range(2, 3))"
        ]
    );
}

#[tokio::test]
async fn standard_types_are_values_without_flags() {
    let rank = NonZero::new(3).unwrap();
    let set = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    let hash_set = HashSet::from([7]);
    let text: Box<str> = "boxed".into();
    let cows = ["a".into(), "b".into()];
    let call = values::Standard::new(
        rank,
        [127, 0, 0, 1].into(),
        &Ipv4Addr::LOCALHOST,
        ([127, 0, 0, 1], 80).into(),
        "cow".into(),
        &text,
        "shared".into(),
        [1, 2],
        &set,
    )
    .v6(Ipv6Addr::LOCALHOST)
    .cows(&cows)
    .hash_set(&hash_set)
    .bytes([8, 9]);
    assert_eq!(
        target(&call),
        "/standard/3?ip=127.0.0.1&v4=127.0.0.1&v6=%3A%3A1&socket=127.0.0.1%3A80&cow=cow&cows=a&cows=b&boxed=boxed&shared=shared\
         &array=1&array=2&set=a&set=b&hash_set=7&bytes=8&bytes=9"
    );
    assert_eq!(
        call.send(&client()).await.unwrap(),
        [
            "3",
            "127.0.0.1",
            "127.0.0.1",
            "Some(::1)",
            "127.0.0.1:80",
            "\"cow\"",
            "Some([\"a\", \"b\"])",
            "\"boxed\"",
            "\"shared\"",
            "[1, 2]",
            "{\"a\", \"b\"}",
            "Some({7})",
            "Some([8, 9])"
        ]
    );
}

#[tokio::test]
async fn a_service_names_each_value_that_it_cannot_read() {
    let error = answered(
        Method::GET,
        "/flags/secret/secret/secret?by_value=secret&optional=&optional_reference=secret",
        "",
    )
    .await;
    let message = error.to_string();
    for problem in [
        "id has a value that is not valid",
        "state must be `open` or `in-review`",
        "rank has a value that is not valid",
        "by_value has a value that is not valid",
        "by_reference must not be null",
        "optional has a value that is not valid",
        "optional_reference must be `open` or `in-review`",
        "version must not be null",
    ] {
        assert!(message.contains(problem), "{problem} is not in: {message}");
    }
    assert!(!message.contains("secret"), "{message}");

    let error = answered(Method::GET, "/standard/0?ip=1.2.3&v4=::1&array=1", "").await.to_string();
    for problem in [
        "rank must be a whole number from 1 to 255",
        "ip must be an IP address",
        "v4 must be an IPv4 address",
        "array must have another number of values",
    ] {
        assert!(error.contains(problem), "{problem} is not in: {error}");
    }
}

#[tokio::test]
async fn lists_have_one_parameter_for_each_value_or_commas_or_brackets() {
    let words = ["a b".to_owned(), "c&d".to_owned()];
    let call = values::Styles::new(&[1, 2], &words, vec![5, 6], &words, &words).optional(&[3, 4]);
    let request = call.encode().unwrap();
    assert_eq!(request.uri(), "/styles?several=1&several=2&comma=a%20b,c%26d&csv=3,4&in%5B%5D=5&in%5B%5D=6");
    assert_eq!(request.headers()["x-list"], "a b, c&d");
    assert_eq!(request.headers().get_all("x-repeated").iter().count(), 2);
    let words = "[\"a b\", \"c&d\"]";
    assert_eq!(
        call.send(&client()).await.unwrap(),
        ["[1, 2]", words, "Some([3, 4])", "[5, 6]", words, words]
    );

    assert_eq!(values::STYLES.params[1].places, [Place::QueryList("comma")]);
    assert_eq!(values::STYLES.params[3].places, [Place::Query("in[]")]);
    assert_eq!(values::STYLES.params[4].places, [Place::HeaderList("x-list")]);
}

#[tokio::test]
async fn an_empty_list_is_left_out_and_read_as_absent() {
    let call = values::Styles::new(&[], &[], vec![], &[], &[]).optional(&[]);
    let request = call.encode().unwrap();
    assert_eq!(request.uri(), "/styles");
    assert!(!request.headers().contains_key("x-list"));
    assert_eq!(call.send(&client()).await.unwrap(), ["[]", "[]", "None", "[]", "[]", "[]"]);

    // A list with one empty value is another list.
    let empty = [String::new()];
    let call = values::Styles::new(&[], &empty, vec![], &[], &empty);
    assert_eq!(target(&call), "/styles?comma=");
    assert_eq!(call.send(&client()).await.unwrap()[1], "[\"\"]");
}

#[test]
fn a_value_that_a_list_would_lose_is_refused() {
    let comma = ["a,b".to_owned()];
    assert_eq!(
        refusal(&values::Styles::new(&[], &comma, vec![], &[], &[])),
        "styles: the argument `comma` has a value with a comma, which separates the values of the list"
    );
    assert_eq!(
        refusal(&values::Styles::new(&[], &[], vec![], &comma, &[])),
        "styles: the argument `list` has a value with a comma, which separates the values of the list"
    );
    assert_eq!(
        refusal(&values::Styles::new(&[], &[], vec![], &[String::new()], &[])),
        "styles: the argument `list` has an empty value, which is lost in a list of a header"
    );
    assert!(refusal(&values::Styles::new(&[], &[], vec![], &["a\n".to_owned()], &[])).contains("`list`"));
}

#[tokio::test]
async fn a_service_splits_lists_after_decoding() {
    let error = answered(Method::GET, "/styles?csv=1%2C2&csv=x", "").await.to_string();
    assert!(error.contains("optional must be a whole number of 32 bits"), "{error}");
    let mut request = Request::default();
    *request.uri_mut() = "/styles?csv=1%2C2&csv=3".parse().unwrap();
    request.headers_mut().insert("x-list", header::HeaderValue::from_static("a ,,b"));
    let received = Incoming::from(request).receive::<values::received::Styles>().unwrap().unwrap();
    assert_eq!(received.optional.as_deref(), Some(&[1, 2, 3][..]));
    assert_eq!(received.list, ["a", "b"]);
}

#[tokio::test]
async fn the_fields_of_a_struct_are_query_parameters() {
    let filter =
        Filter { name: Some("a b".to_owned()), tag: vec!["x".to_owned(), "y&z".to_owned()], min: None };
    let call = values::Flattened::new(2, &filter);
    assert_eq!(target(&call), "/struct?page=2&name=a%20b&tag=x&tag=y%26z");
    assert_eq!(call.send(&client()).await.unwrap(), ["2".to_owned(), format!("{filter:?}")]);
    assert_eq!(target(&values::Flattened::new(2, &Filter::default())), "/struct?page=2");
    assert_eq!(values::FLATTENED.params[1].places, [Place::QueryFields]);

    let error = answered(Method::GET, "/struct?page=2&min=secret", "").await.to_string();
    assert!(error.contains("filter: "), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[tokio::test]
async fn the_keys_of_a_map_are_query_parameters() {
    let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b c".to_owned(), "ä".to_owned())]);
    let call = values::FlattenedMap::new(2).labels(&labels);
    assert_eq!(target(&call), "/map?page=2&a=1&b%20c=%C3%A4");
    assert_eq!(call.send(&client()).await.unwrap(), ["2".to_owned(), format!("{:?}", Some(labels))]);
    assert_eq!(values::FlattenedMap::new(2).send(&client()).await.unwrap(), ["2", "None"]);

    let pairs = [("a".to_owned(), 1), ("a".to_owned(), 2)];
    let call = values::FlattenedPairs::new(&pairs);
    assert_eq!(target(&call), "/pairs?a=1&a=2");
    assert_eq!(call.send(&client()).await.unwrap(), [format!("{pairs:?}")]);
}

/// A contract whose query has more than the flattened value.
#[http_api(client = MixedClient, module = mixed)]
#[query("api-version", "2")]
trait Mixed {
    #[get("/struct")]
    async fn optional(&self, #[query(flatten)] filter: Option<&Filter>) -> Result<Vec<String>>;

    #[get("/map")]
    #[query("per_page", "100")]
    async fn map(
        &self,
        #[query(flatten)] labels: &BTreeMap<String, String>,
        #[query] page: Option<u32>,
        #[query("ids", comma)] ids: &[u32],
        #[query("in", brackets)] brackets: &[u32],
        #[correlation("trace_id")] trace: Option<&str>,
    ) -> Result<Vec<String>>;
}

impl Mixed for Echo {
    async fn optional(&self, filter: Option<&Filter>) -> Result<Vec<String>> {
        shown(&[&filter])
    }

    async fn map(
        &self,
        labels: &BTreeMap<String, String>,
        page: Option<u32>,
        ids: &[u32],
        brackets: &[u32],
        trace: Option<&str>,
    ) -> Result<Vec<String>> {
        shown(&[labels, &page, &ids, &brackets, &trace])
    }
}

#[tokio::test]
async fn constants_are_not_fields_of_a_flattened_value() {
    let client = MixedClient::new(InProcessTransport::new(mixed::Handler::new(Echo)));
    assert_eq!(client.optional(None).await.unwrap(), ["None"]);
    let filter = Filter { min: Some(1), ..Filter::default() };
    assert_eq!(client.optional(Some(&filter)).await.unwrap(), [format!("{:?}", Some(&filter))]);

    let labels = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    let call = mixed::Map::new(&labels, &[1, 2], &[3]).page(4).trace("t");
    assert_eq!(
        call.send(&client).await.unwrap(),
        [r#"{"a": "1"}"#, "Some(4)", "[1, 2]", "[3]", "Some(\"t\")"]
    );
}

#[test]
fn a_flattened_key_cannot_be_another_query_parameter() {
    for key in ["page", "ids", "in[]", "trace_id", "per_page", "api-version"] {
        let labels = BTreeMap::from([(key.to_owned(), "secret".to_owned())]);
        assert_eq!(
            refusal(&mixed::Map::new(&labels, &[], &[])),
            format!(
                "map: the argument `labels` has the key `{key}`, which is another query parameter of the operation"
            )
        );
    }
    let labels = BTreeMap::from([("in".to_owned(), "1".to_owned()), ("Page".to_owned(), "2".to_owned())]);
    assert_eq!(target(&mixed::Map::new(&labels, &[], &[])), "/map?api-version=2&per_page=100&Page=2&in=1");
}

/// A contract of values that cannot be flattened.
#[allow(dead_code, reason = "only its operations are used")]
#[http_api(client = NestedClient, module = nested)]
trait Nested {
    #[get("/nested")]
    async fn find(&self, #[query(flatten)] filter: &BTreeMap<String, BTreeMap<String, u8>>) -> Result<()>;
}

#[test]
fn a_nested_object_cannot_be_flattened() {
    let filter = BTreeMap::from([("a".to_owned(), BTreeMap::from([("b".to_owned(), 1)]))]);
    assert_eq!(
        refusal(&nested::Find::new(&filter)),
        "find: the argument `filter` cannot be flattened into query parameters: its fields must be strings, \
         numbers, `bool`s, or options and lists of them"
    );
}

#[tokio::test]
async fn a_field_can_be_absent_or_null_or_have_a_value() {
    let call = values::Fields::new(1);
    assert_eq!(body(&call), r#"{"id":1,"null":null}"#);
    assert_eq!(call.send(&client()).await.unwrap(), ["1", "None", "None", "None", "None"]);

    let null = values::Fields::new(1).nullable(None).nullable_number(None);
    assert_eq!(body(&null), r#"{"id":1,"null":null,"nullable":null,"nullable_number":null}"#);
    assert_eq!(null.send(&client()).await.unwrap(), ["1", "None", "None", "Some(None)", "Some(None)"]);

    let values = values::Fields::new(1).null("a").omitted(1.5).nullable(Some("b")).nullable_number(Some(2.5));
    assert_eq!(body(&values), r#"{"id":1,"null":"a","omitted":1.5,"nullable":"b","nullable_number":2.5}"#);
    assert_eq!(
        values.send(&client()).await.unwrap(),
        ["1", "Some(\"a\")", "Some(1.5)", "Some(Some(\"b\"))", "Some(Some(2.5))"]
    );

    let forms: Vec<_> = values::FIELDS.params.iter().map(|param| param.none_as).collect();
    assert_eq!(
        forms,
        [NoneAs::Null, NoneAs::Null, NoneAs::Omitted, NoneAs::OmittedOrNull, NoneAs::OmittedOrNull]
    );
}

#[test]
fn a_value_that_would_be_written_as_null_is_refused() {
    for call in [
        values::Fields::new(1).omitted(f64::NAN),
        values::Fields::new(1).nullable_number(Some(f64::INFINITY)),
    ] {
        let message = refusal(&call);
        assert!(message.ends_with("is `null` in JSON, which means that the field has no value"), "{message}");
    }
}

/// A contract whose absent fields are `null`.
#[allow(dead_code, reason = "only its operations are used")]
#[http_api(client = NullsClient, module = nulls)]
trait Nulls {
    #[post("/")]
    async fn write(
        &self,
        #[field] number: Option<f64>,
        #[field] reference: Option<&f64>,
        #[field] json: Option<serde_json::Value>,
        #[field] unit: Option<()>,
        #[field] version: Option<&Ratio>,
        #[field] list: Option<&[Option<f64>]>,
    ) -> Result<()>;
}

/// A number that may be none.
#[derive(Deserialize, Serialize)]
struct Ratio(Option<f64>);

#[test]
fn an_optional_field_is_null_only_if_it_is_absent() {
    let absent = r#"{"number":null,"reference":null,"json":null,"unit":null,"version":null,"list":null}"#;
    assert_eq!(body(&nulls::Write::new()), absent);
    let (unknown, list) = (Ratio(None), [None]);
    for (name, call) in [
        ("number", nulls::Write::new().number(f64::NAN)),
        ("reference", nulls::Write::new().reference(&f64::INFINITY)),
        ("json", nulls::Write::new().json(serde_json::Value::Null)),
        ("unit", nulls::Write::new().unit(())),
        ("version", nulls::Write::new().version(&unknown)),
    ] {
        assert_eq!(
            refusal(&call),
            format!(
                "write: the argument `{name}` is `null` in JSON, which means that the field has no value"
            )
        );
    }
    let call = nulls::Write::new().number(1.5).list(&list);
    assert_eq!(
        body(&call),
        r#"{"number":1.5,"reference":null,"json":null,"unit":null,"version":null,"list":[null]}"#
    );
}

#[tokio::test]
async fn an_operation_can_leave_out_all_absent_fields() {
    let call = values::Omitted::new();
    assert_eq!(body(&call), "{}");
    assert_eq!(call.encode().unwrap().headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(call.clone().send(&client()).await.unwrap(), ["None", "None"]);
    let call = call.name("a").bio(None);
    assert_eq!(body(&call), r#"{"name":"a","bio":null}"#);
    assert_eq!(call.send(&client()).await.unwrap(), ["Some(\"a\")", "Some(None)"]);
}

#[tokio::test]
async fn a_delete_without_fields_has_no_body() {
    let call = values::Deleted::new(1);
    let request = call.encode().unwrap();
    assert!(request.body().is_empty());
    assert!(!request.headers().contains_key(header::CONTENT_TYPE));
    assert_eq!(call.send(&client()).await.unwrap(), ["1", "None", "None"]);

    let call = values::Deleted::new(1).force(true);
    let request = call.encode().unwrap();
    assert_eq!(request.body(), r#"{"force":true}"#);
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(call.send(&client()).await.unwrap(), ["1", "None", "Some(true)"]);
}

#[tokio::test]
async fn a_service_reads_null_as_an_absent_field() {
    let mut request = Request::new(r#"{"name":null,"bio":null}"#.into());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = "/omitted".parse().unwrap();
    let received = Incoming::from(request).receive::<values::received::Omitted>().unwrap().unwrap();
    assert_eq!((received.name, received.bio), (None, Some(None)));
}

/// A contract whose operations leave out absent fields.
#[allow(dead_code, reason = "only its operations are used")]
#[http_api(client = PatchesClient, module = patches, omit_none)]
trait Patches {
    #[patch("/")]
    async fn patch(&self, #[field] a: Option<u8>, #[field] b: Option<Option<u8>>) -> Result<()>;
}

#[test]
fn a_contract_can_leave_out_all_absent_fields() {
    assert_eq!(body(&patches::Patch::new()), "{}");
    assert_eq!(body(&patches::Patch::new().b(None)), r#"{"b":null}"#);
}
