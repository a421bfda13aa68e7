//! The parsing of JSON in a body, and the checks of arguments.

use super::{Embedded, receive};
use serde_json::{Value, json};

#[tokio::test]
async fn one_response_names_all_invalid_arguments() {
    let embedded = Embedded::start().await;
    let wrong = json!({ "user_id": 5, "user_name": 1.5, "address": [], "client": {} });
    let (status, error) = embedded.call("open_session", &wrong).await;
    assert_eq!(
        (status, &error["code"], &error["category"]),
        (400, &json!("INVALID_DATA"), &json!("BadRequest"))
    );
    assert_eq!(
        error["message"],
        "Validation failed: user_id type must be string but found long, user_name type must be string but found double, \
         address type must be string but found array, client type must be string but found map"
    );
    assert_eq!(
        error["details"]["results"],
        "[object Object],[object Object],[object Object],[object Object]"
    );
    for (command, arguments, message) in [
        ("open_session", json!({}), "user_id must not be null"),
        ("store_session_data", json!({}), "session_id must not be null, data must not be null"),
        (
            "update_session_user",
            json!({ "session_id": null, "user": null }),
            "session_id must not be null, user must not be null",
        ),
        (
            "get_sessions",
            json!({ "filter": [1], "paging": { "skip": "1", "take": true, "total": 1 } }),
            "filter type must be Map, paging.skip type must be long but found string, paging.take type must be long but found \
             boolean, paging.total type must be boolean but found long",
        ),
    ] {
        let (status, error) = embedded.call(command, &arguments).await;
        assert_eq!(
            (status, error["message"].as_str()),
            (400, Some(&*format!("Validation failed: {message}")))
        );
    }
    assert!(embedded.sessions.is_empty());
}

#[tokio::test]
async fn odd_arguments_that_the_service_accepts_are_accepted() {
    let embedded = Embedded::start().await;
    embedded.call("open_session", &json!({ "user_id": "1", "id": "mine", "active": false, "data": 0 })).await;
    for arguments in [
        json!(null),
        json!([]),
        json!(5),
        json!({ "filter": false }),
        json!({ "filter": "", "paging": 5 }),
        json!({ "filter": { "user_id": 1, "active": true }, "paging": [0, 2, true] }),
    ] {
        let (status, page) = embedded.call("get_sessions", &arguments).await;
        assert_eq!((status, page["data"].as_array().map(Vec::len)), (200, Some(1)), "{arguments}");
        assert_ne!(page["data"][0]["id"], "mine");
    }
    let (status, _) = embedded.call("close_expired_sessions", &json!([])).await;
    assert_eq!(status, 204);
}

#[tokio::test]
async fn arguments_without_a_json_content_type_are_ignored() {
    let embedded = Embedded::start().await;
    let arguments = r#"{"user_id":"1"}"#;
    for (content_type, status) in [
        ("text/plain", 400),
        ("application/json", 200),
        ("Application/JSON; charset=latin1", 200),
        ("application/vnd.sessions+json", 200),
        ("application/jsonp", 400),
        ("application/json ; charset=utf-8", 400),
        ("application/vnd.sessions+json-seq", 200),
        ("application/vnd.sessions-1+json", 400),
        ("text/x+json", 400),
    ] {
        let request = embedded.post("open_session").header("content-type", content_type).body(arguments);
        assert_eq!(receive(request).await.0, status, "{content_type}");
    }
    assert_eq!(receive(embedded.post("open_session").body(arguments)).await.0, 400);
}

#[tokio::test]
async fn invalid_json_is_rejected_before_the_command() {
    let embedded = Embedded::start().await;
    for body in ["{", " ", r#"{"user_id":"1",}"#, "\u{feff}{}", r#"{"user_id":NaN}"#] {
        let (status, error) = embedded.send_json("open_session", body).await;
        assert_eq!((status, &error["code"]), (400, &json!("InvalidContent")), "{body:?}");
        assert_eq!(error.as_object().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn numbers_and_strings_are_written_like_in_javascript() {
    let embedded = Embedded::start().await;
    for (sent, stored) in [
        ("[1e20,1e21,1.5e-6,1e400]", "[100000000000000000000,1e+21,0.0000015,null]"),
        ("18446744073709551616", "18446744073709552000"),
        (r#""\ud800 \ud83d\ude00""#, "\"\\ud800 \u{1f600}\""),
        (r#"{"\udfff":1}"#, r#"{"\udfff":1}"#),
        ("1e400", "null"),
    ] {
        let request = embedded.post("open_session").header("content-type", "application/json");
        let request = request.body(format!(r#"{{"user_id":"1","data":{sent}}}"#));
        let body = request.send().await.unwrap().text().await.unwrap();
        assert!(body.ends_with(&format!("\"data\":{stored}}}")), "{sent}: {body}");
    }
}

#[tokio::test]
async fn infinite_numbers_are_accepted_where_the_service_accepts_them() {
    let embedded = Embedded::start().await;
    let (_, opened) = embedded.call("open_session", &json!({ "user_id": "Infinity", "data": 1 })).await;
    for (body, found) in [
        (r#"{"filter":{"user_id":1e400},"paging":{"take":1e400}}"#, 1),
        (r#"{"paging":{"skip":1e400}}"#, 0),
        (r#"{"paging":{"skip":-1e400}}"#, 1),
        (r#"{"paging":{"take":-1e400}}"#, 0),
        (r#"{"paging":1e400}"#, 1),
    ] {
        let (status, page) = embedded.send_json("get_sessions", body).await;
        assert_eq!((status, page["data"].as_array().map(Vec::len)), (200, Some(found)), "{body}");
    }
    let (_, error) = embedded.send_json("open_session", r#"{"user_id":1e400}"#).await;
    assert_eq!(error["message"], "Validation failed: user_id type must be string but found double");
    let body = format!(r#"{{"session_id":{},"data":1e400}}"#, opened["id"]);
    let store = embedded.post("store_session_data").header("content-type", "application/json");
    let (status, stored) = receive(store.body(body)).await;
    assert_eq!((status, &stored["data"]), (200, &Value::Null));
}

#[tokio::test]
async fn conditions_are_converted_to_strings_like_in_javascript() {
    let embedded = Embedded::start().await;
    for user_id in ["1", "1e+21", "1,2", "[object Object]", "true"] {
        embedded.call("open_session", &json!({ "user_id": user_id })).await;
    }
    for (body, user_id) in [
        (r#"{"filter":{"user_id":1.0}}"#, "1"),
        (r#"{"filter":{"user_id":1e21}}"#, "1e+21"),
        (r#"{"filter":{"user_id":[1.0,[2]]}}"#, "1,2"),
        (r#"{"filter":{"user_id":{}}}"#, "[object Object]"),
        (r#"{"filter":{"user_id":true}}"#, "true"),
    ] {
        let (_, page) = embedded.send_json("get_sessions", body).await;
        assert_eq!(page["data"][0]["user_id"], user_id, "{body}");
    }
}

#[tokio::test]
async fn unknown_keys_of_paging_are_reported_only_with_other_violations() {
    let embedded = Embedded::start().await;
    for (arguments, expected) in [
        (
            json!({ "paging": { "x": 1, "_y": 1, "take": "1", "0": 1 } }),
            "paging.take type must be long but found string, paging contains unexpected property 0, paging contains \
             unexpected property x",
        ),
        (
            json!({ "filter": 1, "paging": [7] }),
            "filter type must be Map, paging contains unexpected property 0",
        ),
        (json!({ "filter": 1, "paging": "x" }), "filter type must be Map"),
    ] {
        let (status, error) = embedded.call("get_sessions", &arguments).await;
        assert_eq!(
            (status, error["message"].as_str()),
            (400, Some(&*format!("Validation failed: {expected}")))
        );
    }
    let (status, _) = embedded.call("get_sessions", &json!({ "paging": { "x": 1 } })).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn arguments_that_shadow_methods_of_the_service_fail() {
    let embedded = Embedded::start().await;
    for (command, arguments, method) in [
        ("open_session", r#"{"user_id":"1","getAsNullableString":1}"#, "args.getAsNullableString"),
        ("open_session", r#"{"user_id":"1","get":null}"#, "this.get"),
        ("open_session", r#"{"__proto__":{"user_id":"1"}}"#, "args.getAsNullableString"),
        ("get_sessions", r#"{"__proto__":null}"#, "args.get"),
        ("get_sessions", r#"{"filter":{"hasOwnProperty":1}}"#, "map.hasOwnProperty"),
        ("get_sessions", r#"{"filter":{"getAsNullableBoolean":1}}"#, "filter.getAsNullableBoolean"),
        ("get_sessions", r#"{"filter":{"x":{"toString":1}}}"#, "value.toString"),
        ("get_sessions", r#"{"paging":{"__proto__":{}}}"#, "map.getAsNullableInteger"),
    ] {
        let (status, error) = embedded.send_json(command, arguments).await;
        let cause = format!("{method} is not a function");
        let message = format!("Execution {command} failed: TypeError: {cause}");
        assert_eq!((status, &error["message"]), (500, &json!(message)), "{arguments}");
        assert_eq!((&error["code"], &error["category"]), (&json!("EXEC_FAILED"), &json!("FailedInvocation")));
        assert_eq!((&error["cause"], &error["details"]), (&json!(cause), &json!({ "command": command })));
    }
    let (status, error) = embedded.send_json("close_session", r#"{"hasOwnProperty":1}"#).await;
    let message = "TypeError: map.hasOwnProperty is not a function";
    assert_eq!((status, error), (500, json!({ "code": "Internal", "message": message })));
    for accepted in
        [r#"{"filter":{"__proto__":{}}}"#, r#"{"__proto__":1}"#, r#"{"paging":{"__proto__":1e400}}"#]
    {
        assert_eq!(embedded.send_json("get_sessions", accepted).await.0, 200, "{accepted}");
    }
    let (status, error) = embedded.send_json("open_session", r#"{"user_id":"1","__proto__":null}"#).await;
    assert_eq!((status, &error["message"]), (400, &json!("Validation failed: user_id must not be null")));
}
