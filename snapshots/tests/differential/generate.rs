//! Generates random calls. In each choice the simplest value comes first, since shrinking prefers it.

use crate::sequence::{Call, Form};
use crate::values::{
    ACCEPTS, BODIES, CODINGS, CONDITIONS, CONTENT_TYPES, DATES, DIGESTS, ENCODINGS, EXTRA_NAMES, FLAGS,
    HEADERS, METHODS, NUMBERS, ORIGINS, PAGES, PATHS, QUERIES, TIMES,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

/// A JSON document that may contain the `⟦…⟧` placeholders of a [`Call`].
type Json = BoxedStrategy<String>;

pub(crate) fn sequence() -> impl Strategy<Value = Vec<Call>> {
    (option::weighted(0.9, opened()), vec(call(), 1..16))
        .prop_map(|(first, rest)| first.into_iter().chain(rest).collect())
}

/// Generates a call that opens a session for the rest of the sequence.
fn opened() -> impl Strategy<Value = Call> {
    json(2).prop_map(|data| plain("open_session", format!(r#"{{"user_id":"1","data":{data}}}"#)))
}

fn plain(command: &str, body: String) -> Call {
    Call {
        method: "POST",
        target: format!("/v1/sessions/{command}"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: Some(body),
        form: Form::Plain,
    }
}

fn call() -> impl Strategy<Value = Call> {
    let plain = command().prop_map(|(command, body)| plain(command, body));
    prop_oneof![10 => plain, 2 => odd(), 1 => browser_request()]
}

/// Generates a command with its arguments.
fn command() -> impl Strategy<Value = (&'static str, String)> {
    let command = |name: &'static str, arguments: Vec<(&'static str, Json)>| {
        object(arguments).prop_map(move |arguments| (name, arguments))
    };
    prop_oneof![
        3 => command("get_session_by_id", vec![("session_id", session_id())]),
        4 => command("open_session", vec![
            ("user_id", string()),
            ("user_name", string()),
            ("address", string()),
            ("client", string()),
            ("user", json(3)),
            ("data", json(3)),
        ]),
        4 => command("store_session_data", vec![("session_id", session_id()), ("data", json(4))]),
        4 => command("update_session_user", vec![("session_id", session_id()), ("user", json(4))]),
        2 => command("close_session", vec![("session_id", session_id())]),
        1 => command("close_expired_sessions", vec![]),
        1 => command("delete_session_by_id", vec![("session_id", session_id())]),
        6 => command("get_sessions", vec![("filter", filter()), ("paging", paging())]),
    ]
}

/// Generates an object with the given fields: mostly valid, but some are invalid, missing, duplicate or
/// unknown.
fn object(fields: Vec<(&'static str, Json)>) -> Json {
    let known: Vec<&'static str> = fields.iter().map(|(name, _)| *name).collect();
    let mut all: Vec<BoxedStrategy<Option<String>>> = Vec::new();
    for (name, value) in fields {
        let field = move |value: String| Some(format!("\"{name}\":{value}"));
        all.push(
            prop_oneof![
                12 => value.prop_map(field),
                1 => json(2).prop_map(field),
                1 => Just(None),
            ]
            .boxed(),
        );
    }
    let names = [known, EXTRA_NAMES.to_vec()].concat();
    let extra = (select(names), json(2)).prop_map(|(name, value)| Some(format!("\"{name}\":{value}")));
    all.push(prop_oneof![8 => Just(None), 1 => extra].boxed());
    all.prop_map(|fields| format!("{{{}}}", fields.into_iter().flatten().collect::<Vec<_>>().join(",")))
        .boxed()
}

fn session_id() -> Json {
    prop_oneof![
        16 => (0..4_usize).prop_map(|index| format!("\"⟦id:{index}⟧\"")),
        1 => Just("\"⟦ID:0⟧\"".to_owned()),
        1 => Just("\" ⟦id:0⟧\"".to_owned()),
        1 => Just("[\"⟦id:0⟧\"]".to_owned()),
        1 => string(),
    ]
    .boxed()
}

fn filter() -> Json {
    let conditions = vec![
        ("user_id", prop_oneof![string(), number(), json(2)].boxed()),
        ("id", prop_oneof![3 => session_id(), 1 => json(2)].boxed()),
        ("active", prop_oneof![3 => select(FLAGS).prop_map(str::to_owned), 1 => json(2)].boxed()),
        ("from_time", time()),
        ("to_time", time()),
    ];
    let some = conditions.into_iter().map(|(name, value)| {
        option::weighted(0.35, value.prop_map(move |value| format!("\"{name}\":{value}"))).boxed()
    });
    let some = some
        .collect::<Vec<_>>()
        .prop_map(|fields| format!("{{{}}}", fields.into_iter().flatten().collect::<Vec<_>>().join(",")));
    prop_oneof![8 => some, 1 => Just("null".to_owned()), 1 => Just("{}".to_owned()), 1 => json(2)].boxed()
}

fn paging() -> Json {
    let number = || {
        prop_oneof![
            4 => select(PAGES).prop_map(str::to_owned),
            2 => (-3..8_i32).prop_map(|page| page.to_string()),
            1 => number(),
            1 => json(1),
        ]
        .boxed()
    };
    let total = prop_oneof![
        6 => any::<bool>().prop_map(|total| total.to_string()),
        1 => select(vec!["null", "1", "0", "\"true\"", "\"\"", "[]"]).prop_map(str::to_owned),
    ];
    let page = object(vec![("skip", number()), ("take", number()), ("total", total.boxed())]);
    prop_oneof![8 => page, 1 => Just("null".to_owned()), 1 => json(2)].boxed()
}

fn time() -> Json {
    let known = (0..4_usize, -1..2_i64).prop_map(|(index, shift)| format!("\"⟦time:{index}{shift:+}⟧\""));
    let written = (
        select(
            &[
                "2027", "1999", "26", "49", "50", "0", "12", "31", "32", "+002026", "-000001", "+275760",
                "275761", "99999",
            ][..],
        ),
        select(&["", "-01", "-12", "-13", "/2", "/13", " Nov ", "-Feb-", " January", " 3", "-1", ", "][..]),
        select(&["", "-01", "-31", "-32", "/30", " 30", "-5", " 2026", "T", " ", ","][..]),
        select(
            &[
                "",
                "T00:00",
                "T24:00",
                "T24:01",
                "T12",
                "T1:00",
                " 10:20",
                " 10:20:30",
                "T10:20:30",
                "T10:20:30.1",
                "T10:20:30.",
                "T10:20:30.123456789",
                " 10:20:30.5",
                " 10:60",
                " 1 PM",
                " 1:02 pm",
                " 13:00 AM",
                " 12:00 am",
                " 7::",
                " 25:00",
                "t10:20",
                " 10:20:",
                " 10.5",
                " 10:20.30",
                ":",
                " 1:2:3:4:5",
            ][..],
        ),
        select(
            &[
                "",
                "Z",
                "z",
                " Z",
                "+02:00",
                "-0230",
                "+2",
                " +02:00",
                " GMT",
                " GMT+2",
                " GMT-0330",
                " UTC+1:30",
                " EST",
                " PDT",
                " (a (b) c)",
                "(",
                ")",
                " x",
                "+24:00",
                "+12345",
                " UT",
                "-",
                "+:30",
            ][..],
        ),
    )
        .prop_map(|(year, month, day, clock, zone)| format!("\"{year}{month}{day}{clock}{zone}\""));
    prop_oneof![
        4 => known,
        4 => select(TIMES).prop_map(str::to_owned),
        3 => written,
        1 => "[0-9a-zA-Z:+./, ()-]{0,20}".prop_map(|text| format!("\"{text}\"")),
        1 => json(2),
    ]
    .boxed()
}

/// Generates a string argument, often one of a few values that recur.
fn string() -> Json {
    prop_oneof![
        6 => select(&["\"1\"", "\"2\"", "\"\"", "\"⟦id:0⟧\""][..]).prop_map(str::to_owned),
        2 => any_string(),
    ]
    .boxed()
}

fn any_string() -> Json {
    let parts = select(
        &[
            "a",
            "Z",
            "\\n",
            "\\u0000",
            "\\u001F",
            "\\u007f",
            "\u{7f}",
            "\\\\",
            "/",
            "\\/",
            "\\\"",
            "\\b\\f\\r\\t",
            "é",
            "\\u00e9",
            "😀",
            "\\ud83d\\ude00",
            "\\ud83d",
            "\\ude00",
            "\\uDBFF\\uDFFF",
            "\\udbff",
            "\\udfff",
            "\u{10ffff}",
            "\u{f0000}",
            "\u{10ffff}+",
            "\u{2028}",
            "\\u2029",
            "\u{feff}",
            "\\ufffe",
            "<&>",
            "⟦byte:255⟧",
            "⟦byte:226⟧⟦byte:130⟧",
            "1e400",
            "u",
        ][..],
    );
    let literal = any::<String>().prop_filter("no placeholder brackets", |text| !text.contains(['⟦', '⟧']));
    prop_oneof![
        3 => vec(parts, 0..5).prop_map(|parts| format!("\"{}\"", parts.concat())),
        1 => literal.prop_map(|text| serde_json::Value::from(text).to_string()),
    ]
    .boxed()
}

fn number() -> Json {
    prop_oneof![
        3 => select(NUMBERS).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter("JSON has only finite numbers", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        1 => "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ]
    .boxed()
}

/// Generates JSON of at most `depth` levels.
fn json(depth: u32) -> Json {
    let leaf = prop_oneof![
        3 => select(&["null", "true", "false", "\"\"", "[]", "{}", "0", "1", "\"x\"", "\"2026-11-23T02:10:20.820Z\""][..]).prop_map(str::to_owned),
        2 => number(),
        2 => any_string(),
        1 => Just("\"⟦id:0⟧\"".to_owned()),
    ]
    .boxed();
    let deeper = leaf.prop_recursive(depth, 12, 4, |inner| {
        let key = prop_oneof![
            4 => select(&[
                "\"a\"", "\"b\"", "\"10\"", "\"2\"", "\"0\"", "\"01\"", "\"-1\"", "\"4294967294\"", "\"4294967295\"", "\"\"", "\"__proto__\"", "\"toString\"", "\"user_id\"", "\"length\"", "\"a.b\"", "\"1.5\"", "\"\\u0031\"",
            ][..]).prop_map(str::to_owned),
            1 => any_string(),
        ];
        let field = (key, inner.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
        prop_oneof![
            vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec(field, 0..5).prop_map(|fields| format!("{{{}}}", fields.join(","))),
        ]
    });
    deeper.boxed()
}

/// Generates a call with an unusual path, method, headers or body.
fn odd() -> impl Strategy<Value = Call> {
    let command = select(
        &[
            "get_sessions",
            "get_session_by_id",
            "open_session",
            "store_session_data",
            "update_session_user",
            "close_session",
            "close_expired_sessions",
            "delete_session_by_id",
        ][..],
    );
    let path = prop_oneof![
        6 => command.prop_map(|command| format!("/v1/sessions/{command}")),
        2 => select(PATHS).prop_map(str::to_owned),
    ];
    let method = prop_oneof![6 => Just("POST"), 1 => Just("GET"), 1 => select(METHODS)];
    let query = prop_oneof![3 => Just(""), 1 => select(QUERIES)];
    let content_type =
        prop_oneof![3 => Just(Some("application/json")), 2 => option::of(select(CONTENT_TYPES))];
    (method, path, query, content_type, vec(option::weighted(0.4, header()), 3), body(), form()).prop_map(
        |(method, path, query, content_type, headers, body, form)| {
            let content_type = content_type.map(|value| ("content-type", value.to_owned()));
            let headers = content_type.into_iter().chain(headers.into_iter().flatten()).collect();
            // The asterisk form of a target has no query.
            let target = if path == "*" { path } else { format!("{path}{query}") };
            Call { method, target, headers, body, form }
        },
    )
}

fn header() -> impl Strategy<Value = (&'static str, String)> {
    let of = |name: &'static str, values: &'static [&'static str]| {
        select(values).prop_map(move |value| (name, value.to_owned())).boxed()
    };
    Union::new_weighted(vec![
        (4, of("accept", ACCEPTS)),
        (4, of("accept-encoding", CODINGS)),
        (2, of("origin", ORIGINS)),
        (2, of("date", DATES)),
        (2, of("content-md5", DIGESTS)),
        (2, of("content-encoding", ENCODINGS)),
        (2, of("if-match", CONDITIONS)),
        (2, of("if-none-match", CONDITIONS)),
        (3, select(HEADERS).prop_map(|(name, value)| (name, value.to_owned())).boxed()),
    ])
}

fn form() -> impl Strategy<Value = Form> {
    let compressed = select(&[Form::Gzip, Form::GzipInParts, Form::GzipPadded][..]);
    prop_oneof![8 => Just(Form::Plain), 2 => compressed, 1 => Just(Form::Old)]
}

/// Generates a cross-origin request of a browser: a preflight request or a call.
fn browser_request() -> impl Strategy<Value = Call> {
    let permission =
        (select(PATHS), select(ORIGINS), option::of(select(&["POST", "PUT", "", "x, y"][..])), header())
            .prop_map(|(path, origin, method, header)| {
                let asked = method.map(|method| ("access-control-request-method", method.to_owned()));
                let headers = [("origin", origin.to_owned()), header].into_iter().chain(asked).collect();
                Call { method: "OPTIONS", target: path.to_owned(), headers, body: None, form: Form::Plain }
            });
    let asked = (command(), select(ORIGINS)).prop_map(|((command, body), origin)| {
        let mut call = plain(command, body);
        call.headers.push(("origin", origin.to_owned()));
        call
    });
    prop_oneof![permission, asked]
}

fn body() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        4 => command().prop_map(|(_, body)| Some(body)),
        2 => json(2).prop_map(Some),
        1 => Just(None),
        2 => select(BODIES).prop_map(|body| Some(body.to_owned())),
        1 => (json(2), 0..40_usize).prop_map(|(json, length)| {
            Some(if json.contains('⟦') { "{".to_owned() } else { json.chars().take(length).collect() })
        }),
    ]
}
