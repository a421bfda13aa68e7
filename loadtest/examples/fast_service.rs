//! A service that costs as little as a service can that passes a verified load: beside it the generator is what is slow.
//!
//! It keeps what it is sent, and answers it again as text that was made when it came. Nothing is validated, no clock is read, and
//! its lists are empty, as they have to be before and after a load that cleans up. It is here for
//! `loadtest/benches/cost.py`; to load a service, load the embedded one.

use httparse::{EMPTY_HEADER, Request, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

/// Those of the real service, since a client has to read them.
const HEADERS: &str = "Server: restify\r\n\
    Access-Control-Allow-Origin: *\r\n\
    vary: origin,access-control-request-method,access-control-request-headers\r\n\
    Cache-Control: no-cache, no-store, must-revalidate\r\n\
    Pragma: no-cache\r\n\
    Expires: 0\r\n\
    Content-Type: application/json\r\n\
    Date: Mon, 23 Nov 2026 02:11:09 GMT\r\n\
    Connection: keep-alive\r\n\
    Keep-Alive: timeout=5\r\n";

const NOTHING: &str = "204 No Content";

/// What any operation may be sent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    session_id: String,
    user_id: String,
    user_name: Value,
    client: Value,
    user: Value,
    data: Value,
}

/// A session, as it is answered.
#[derive(Serialize)]
struct Session {
    id: String,
    user_id: String,
    user_name: Value,
    open_time: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_time: Option<&'static str>,
    request_time: &'static str,
    client: Value,
    user: Value,
    data: Value,
    active: bool,
}

/// When everything happens.
const NOW: &str = "2026-11-23T02:11:09.000Z";

/// Each session with its answer, by id.
#[derive(Default)]
struct Sessions {
    opened: u64,
    by_id: HashMap<String, (Session, Vec<u8>)>,
}

impl Sessions {
    /// Writes the answer to the request for `target`, of which `body` is the body.
    fn answer(&mut self, target: &str, body: &[u8], answer: &mut Vec<u8>) -> io::Result<()> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let operation = path.strip_prefix("/v1/sessions/").unwrap_or_default();
        let sent: Sent = if body.is_empty() { Sent::default() } else { serde_json::from_slice(body)? };
        match operation {
            "open_session" => {
                self.opened += 1;
                let session = Session {
                    id: format!("{:032x}", self.opened),
                    user_id: sent.user_id,
                    user_name: sent.user_name,
                    open_time: NOW,
                    close_time: None,
                    request_time: NOW,
                    client: sent.client,
                    user: sent.user,
                    data: sent.data,
                    active: true,
                };
                let text = serde_json::to_vec(&session)?;
                write(answer, "200 OK", &text);
                self.by_id.insert(session.id.clone(), (session, text));
            }
            "get_sessions" => write(answer, "200 OK", br#"{"total":0,"data":[]}"#),
            "delete_session_by_id" => match self.by_id.remove(&sent.session_id) {
                Some((_, text)) => write(answer, "200 OK", &text),
                None => write(answer, NOTHING, b""),
            },
            "get_session_by_id" | "store_session_data" | "update_session_user" | "close_session" => {
                let Some((session, text)) = self.by_id.get_mut(&sent.session_id) else {
                    write(answer, NOTHING, b"");
                    return Ok(());
                };
                match operation {
                    "store_session_data" => session.data = sent.data,
                    "update_session_user" => session.user = sent.user,
                    "close_session" => {
                        (session.active, session.close_time) = (false, Some(NOW));
                        (session.user, session.data) = (Value::Null, Value::Null);
                    }
                    _ => {
                        write(answer, "200 OK", text);
                        return Ok(());
                    }
                }
                text.clear();
                serde_json::to_writer(&mut *text, session)?;
                write(answer, "200 OK", text);
            }
            _ => write(answer, "404 Not Found", b""),
        }
        Ok(())
    }
}

fn write(answer: &mut Vec<u8>, status: &str, body: &[u8]) {
    answer.extend_from_slice(b"HTTP/1.1 ");
    answer.extend_from_slice(status.as_bytes());
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(HEADERS.as_bytes());
    if status != NOTHING {
        answer.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(body);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("give the address to listen at, such as 127.0.0.1:8080")?;
    let listener = TcpListener::bind(address).await?;
    println!("listening at http://{}", listener.local_addr()?);
    LocalSet::new().run_until(serve(listener)).await?;
    Ok(())
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    let sessions = Rc::<RefCell<Sessions>>::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let sessions = Rc::clone(&sessions);
        spawn_local(async move {
            if let Err(error) = connection(stream, &sessions).await {
                eprintln!("fast_service: {error}");
            }
        });
    }
}

async fn connection(mut stream: TcpStream, sessions: &RefCell<Sessions>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut received, mut answer) = (Vec::with_capacity(16 << 10), Vec::with_capacity(16 << 10));
    loop {
        while let Some((head, length, target)) = request(&received)? {
            answer.clear();
            sessions.borrow_mut().answer(target, &received[head..length], &mut answer)?;
            stream.write_all(&answer).await?;
            received.drain(..length);
        }
        // A client that goes away in the middle of a request is no error of the service.
        if matches!(stream.read_buf(&mut received).await, Ok(0) | Err(_)) {
            return Ok(());
        }
    }
}

/// The lengths of the head and of the whole request at the start of `bytes`, and its target, once it is there.
fn request(bytes: &[u8]) -> io::Result<Option<(usize, usize, &str)>> {
    let mut headers = [EMPTY_HEADER; 32];
    let mut request = Request::new(&mut headers);
    let Status::Complete(head) = request.parse(bytes).map_err(io::Error::other)? else { return Ok(None) };
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| str::from_utf8(header.value).ok()?.parse().ok()).unwrap_or(0);
    let whole = head.saturating_add(length);
    Ok((bytes.len() >= whole).then_some((head, whole, request.path.unwrap_or_default())))
}
