//! Calls with arbitrary arguments, and sessions with arbitrary values.
//!
//! A service receives what a client sent, and a client receives what a service sent.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Number, Value};
use sessions_client::sessions_v1::{self, received};
use sessions_client::{
    CorrelationPlace, DataPage, Encoding, FilterParams, Incoming, Operation, PagingParams, Received, Result,
    SessionV1, Timestamp,
};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    place: u8,
    correlation_id: Option<&'a str>,
    id: &'a str,
    strings: [Option<&'a str>; 3],
    filter: Vec<(&'a str, Option<&'a str>)>,
    skip: Option<u32>,
    take: Option<u32>,
    total: Option<bool>,
    times: [i64; 3],
    active: bool,
    payloads: [Json; 2],
}

fuzz_target!(|input: Input<'_>| {
    let [user, data] = input.payloads.each_ref().map(|Json(value)| value);
    let encoding = encoding(input.place);

    let mut open = sessions_v1::OpenSession::new(input.id).user(user).data(data);
    [open.user_name, open.address, open.client] = input.strings;
    open.correlation_id = input.correlation_id;
    if let Some(received) = send::<received::OpenSession<Value, Value>>(&open, &encoding) {
        assert_eq!(received.user_id, input.id);
        assert_eq!(
            [&received.user_name, &received.address, &received.client].map(Option::as_deref),
            input.strings
        );
        assert_eq!((received.user.as_ref(), received.data.as_ref()), (not_null(user), not_null(data)));
        // An empty id is the same as none.
        assert_eq!(received.correlation_id.as_deref(), input.correlation_id.filter(|id| !id.is_empty()));
    }

    let mut store = sessions_v1::StoreSessionData::new(input.id, data);
    store.correlation_id = input.correlation_id;
    if let Some(received) = send::<received::StoreSessionData<Value>>(&store, &encoding) {
        assert_eq!((&*received.session_id, &received.data), (input.id, data));
    }

    let filter = input.filter.iter();
    let filter =
        filter.fold(FilterParams::new(), |filter, (key, value)| filter.set(*key, value.map(str::to_owned)));
    let paging = paging(&input);
    let list = sessions_v1::GetSessions::new().filter(&filter).paging(&paging);
    if let Some(received) = send::<received::GetSessions>(&list, &encoding) {
        assert!(received.filter == Some(filter), "the filter has changed");
        assert_eq!(received.paging, Some(paging));
    }

    let session = session(&input);
    let response =
        |json| http::Response::new(serde_json::to_vec(&json).expect("values can be written").into());
    let found: Result<Option<SessionV1>> =
        sessions_v1::GetSessionById::decode(response(serde_json::json!(session)));
    assert!(found.expect("the session can be read") == Some(session.clone()), "the session has changed");
    let total = input.skip.map(u64::from);
    let page = DataPage::new(vec![session], total);
    let listed: Result<DataPage<SessionV1>> =
        sessions_v1::GetSessions::decode(response(serde_json::json!(page)));
    assert!(listed.expect("the page can be read") == page, "the page has changed");
});

/// Encodes a call and decodes it as a service does; `None` if it cannot be sent.
fn send<R: Received>(operation: &impl Operation, encoding: &Encoding) -> Option<R> {
    let request = operation.encode_with(encoding).ok()?;
    let incoming = Incoming::from(request);
    assert_eq!(incoming.route(sessions_v1::ROUTES).map(|route| route.name), Some(R::ROUTE.name));
    Some(incoming.receive().expect("the route matches").expect("the arguments can be read"))
}

fn encoding(place: u8) -> Encoding {
    let mut encoding = Encoding::default();
    encoding.correlation_place =
        [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both][usize::from(place % 3)];
    encoding
}

/// `null` is the same as an absent argument.
fn not_null(value: &Value) -> Option<&Value> {
    Some(value).filter(|value| !value.is_null())
}

fn paging(input: &Input<'_>) -> PagingParams {
    let mut paging = PagingParams::new();
    if let Some(skip) = input.skip {
        paging = paging.skip(skip);
    }
    if let Some(take) = input.take {
        paging = paging.take(take);
    }
    if let Some(total) = input.total {
        paging = paging.total(total);
    }
    paging
}

fn session(input: &Input<'_>) -> SessionV1 {
    let [open_time, request_time, close_time] = input.times.map(time);
    let [user_name, address, client] = input.strings.map(|string| string.map(str::to_owned));
    let [user, data] = input.payloads.each_ref().map(|Json(value)| not_null(value).cloned());
    let mut session = SessionV1::new(input.id, open_time);
    session.request_time = request_time;
    session.close_time = Some(close_time);
    session.active = input.active;
    session.user_id = input.correlation_id.map(str::to_owned);
    (session.user_name, session.address, session.client) = (user_name, address, client);
    (session.user, session.data) = (user, data);
    session
}

/// Returns a time of JavaScript, which has 8.64e15 milliseconds before and after 1970.
fn time(millis: i64) -> Timestamp {
    let millis = millis % 8_640_000_000_000_001;
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Any JSON.
#[derive(Debug)]
struct Json(Value);

impl<'a> Arbitrary<'a> for Json {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        value(input, 8).map(Self)
    }
}

fn value(input: &mut Unstructured<'_>, depth: usize) -> arbitrary::Result<Value> {
    let kinds = if depth == 0 { 5 } else { 7 };
    Ok(match input.int_in_range(0..=kinds - 1)? {
        0 => Value::Null,
        1 => Value::Bool(input.arbitrary()?),
        2 => Value::from(input.arbitrary::<i64>()?),
        3 => Number::from_f64(input.arbitrary()?).map_or(Value::Null, Value::Number),
        4 => Value::String(input.arbitrary()?),
        5 => {
            let length = input.int_in_range(0..=4)?;
            (0..length).map(|_| value(input, depth - 1)).collect::<arbitrary::Result<Vec<_>>>()?.into()
        }
        _ => {
            let length = input.int_in_range(0..=4)?;
            let fields = (0..length).map(|_| Ok((input.arbitrary()?, value(input, depth - 1)?)));
            Value::Object(fields.collect::<arbitrary::Result<Map<_, _>>>()?)
        }
    })
}
