//! Decoding of responses without I/O: invalid UTF-8 and trailing bytes.

use sessions_client::{Error, Response, Result, SessionV1, sessions_v1};

fn decode(body: impl Into<Vec<u8>>) -> Result<SessionV1> {
    sessions_v1::OpenSession::decode(Response::new(body.into().into()))
}

/// Returns the JSON of a session with `more` between its keys.
fn session(more: &[u8]) -> Vec<u8> {
    let time = r#""2026-11-23T02:10:20.820Z""#;
    let start = format!(r#"{{"id":"1","active":true,"open_time":{time},"#);
    let end = format!(r#""request_time":{time}}}"#);
    [start.as_bytes(), more, end.as_bytes()].concat()
}

#[test]
fn invalid_utf8_in_a_known_field_is_an_error() {
    let body = session(b"\"user_id\":\"\xff\",");
    let column = body.iter().position(|&byte| byte == 0xff).unwrap() + 1;
    let message =
        format!("open_session: the response 200 OK is not JSON (line 1 column {column}): it is not UTF-8");
    assert_eq!(decode(body).unwrap_err().to_string(), message);
}

#[test]
fn invalid_utf8_in_an_unknown_field_is_ignored() {
    assert_eq!(decode(session(b"\"unknown\":\"\xff\",")).unwrap().id, "1");
}

#[test]
fn bytes_after_the_json_are_an_error() {
    let message = |error: Error| error.to_string();
    for (more, why) in [(&b"x"[..], ""), (b"\xff", ": it is not UTF-8")] {
        let body = [session(b""), more.to_vec()].concat();
        let column = body.len();
        assert_eq!(
            decode(body).map_err(message),
            Err(format!("open_session: the response 200 OK is not JSON (line 1 column {column}){why}"))
        );
    }
}
