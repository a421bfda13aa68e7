//! What is read from an answer, with no I/O.

use sessions_client::{Error, Response, Result, SessionV1, sessions_v1};

fn decode(body: impl Into<Vec<u8>>) -> Result<SessionV1> {
    sessions_v1::OpenSession::decode(Response::new(body.into().into()))
}

/// A session with `more` between its keys.
fn session(more: &[u8]) -> Vec<u8> {
    let time = r#""2026-11-23T02:10:20.820Z""#;
    let start = format!(r#"{{"id":"1","active":true,"open_time":{time},"#);
    let end = format!(r#""request_time":{time}}}"#);
    [start.as_bytes(), more, end.as_bytes()].concat()
}

#[test]
fn bytes_that_are_no_text_are_refused_where_they_are_read() {
    let body = session(b"\"user_id\":\"\xff\",");
    let place = body.iter().position(|&byte| byte == 0xff).unwrap() + 1;
    let told = format!("open_session: the answer 200 OK is not JSON (line 1 column {place})");
    assert_eq!(decode(body).unwrap_err().to_string(), told);
}

#[test]
fn bytes_that_are_no_text_do_no_harm_where_nobody_reads_them() {
    assert_eq!(decode(session(b"\"unknown\":\"\xff\",")).unwrap().id, "1");
}

#[test]
fn what_follows_the_answer_is_refused_whether_it_is_text_or_not() {
    let told = |error: Error| error.to_string();
    for more in [&b"x"[..], b"\xff"] {
        let body = [session(b""), more.to_vec()].concat();
        let place = body.len();
        assert_eq!(
            decode(body).map_err(told),
            Err(format!("open_session: the answer 200 OK is not JSON (line 1 column {place})"))
        );
    }
}
