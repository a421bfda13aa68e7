//! JSON payloads as the service stores them.

use crate::contract::GivenSession as _;
use crate::{Value, json};
use contract_tests::suite::Case;

pub(super) fn cases() -> Vec<Case> {
    let kept = |situation: &str, title: &str, data: &str| {
        Case::new("open_session", situation).raw(title, &format!(r#"{{"user_id":"<user>","data":{data}}}"#))
    };
    let stored = r#"{"session_id":"<id:1>"}"#;
    vec![
        kept(
            "numbers",
            "Numbers are doubles",
            r#"{"big":12345678901234567890,"odd":9007199254740993,"whole":1.0,"zero":-0.0,"huge":1e30,"small":1e-7,"tenth":0.1}"#,
        ),
        kept("keys", "Numeric keys come first", r#"{"b":1,"a":2,"10":3,"2":4,"01":5,"":6}"#),
        kept(
            "strings",
            "Strings are returned with as few escapes as possible",
            r#"{"escaped":"\u00fc\ud83d\ude00\/\u0000\u001f\u2028","raw":"ключ \"\\ \ufeff"}"#,
        ),
        kept(
            "dates",
            "Dates are strings, whatever their keys",
            r#"{"id":"mine","open_time":"2001-02-03T04:05:06.789Z","iso":"2001-02-03T04:05:06.789123+02:00","day":"2001-02-03","http":"Sat, 03 Feb 2001 04:05:06 GMT","epoch":981173106789}"#,
        ),
        kept(
            "nested_falsy_values",
            "Nested falsy values are stored",
            r#"{"a":null,"b":false,"c":0,"d":"","e":[],"f":{},"g":[null,false,0,""]}"#,
        ),
        Case::new("open_session", "large")
            .value("256 KiB string", "0123456789abcdef".repeat(16 << 10).into())
            .raw(
                "A large string",
                r#"{"user_id":"<user>","user":"<256 KiB string>","data":["<256 KiB string>"]}"#,
            )
            .then("It is stored", "get_session_by_id", stored),
        Case::new("store_session_data", "nested")
            .value("100 nested lists", nested(100))
            .value("100 nested objects", (0..100).fold(json!({}), |inner, _| json!({ "in": inner })))
            .given_session("")
            .call("Nested lists", r#"{"session_id":"<id:1>","data":"<100 nested lists>"}"#)
            .call("Nested objects", r#"{"session_id":"<id:1>","data":"<100 nested objects>"}"#),
        Case::new("update_session_user", "wide")
            .value("1000 keys", (0..1000).map(|n| (format!("key {n}"), Value::from(n))).collect())
            .given_session("")
            .call("Many keys", r#"{"session_id":"<id:1>","user":"<1000 keys>"}"#),
    ]
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!([]), |inner, _| json!([inner]))
}
