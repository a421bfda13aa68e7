//! The fastest service that passes the load test, so that the load generator is the bottleneck.
//!
//! It stores sessions with their serialized responses. It validates nothing, reads no clock, and its lists
//! know only the filter by user, which the clean-up needs. `loadtest/benches/cost.py` uses it; for any other
//! purpose use the embedded service.

use httparse::{EMPTY_HEADER, Request, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

/// The headers of the real service, because clients have to parse them.
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

const NO_CONTENT: &str = "204 No Content";

/// The parameters of all operations.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Params {
    session_id: String,
    user_id: String,
    user_name: Value,
    address: Value,
    client: Value,
    user: Value,
    data: Value,
    filter: Filter,
    paging: Paging,
}

/// The filter of a list.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Filter {
    user_id: Option<String>,
}

/// The part of a list that is requested.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Paging {
    skip: Option<usize>,
    take: Option<usize>,
}

/// The length of a page that is not limited by the request.
const PAGE: usize = 100;

/// A session in a response.
#[derive(Serialize)]
struct Session {
    id: String,
    user_id: String,
    user_name: Value,
    open_time: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_time: Option<&'static str>,
    request_time: &'static str,
    address: Value,
    client: Value,
    user: Value,
    data: Value,
    active: bool,
}

/// The time of all events.
const NOW: &str = "2026-11-23T02:11:09.000Z";

/// All sessions with their serialized responses, by id.
#[derive(Default)]
struct Sessions {
    opened: u64,
    by_id: HashMap<String, (Session, Vec<u8>)>,
}

impl Sessions {
    /// Executes a request and writes its response.
    fn respond(&mut self, target: &str, body: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let operation = path.strip_prefix("/v1/sessions/").unwrap_or_default();
        let params: Params = if body.is_empty() { Params::default() } else { serde_json::from_slice(body)? };
        match operation {
            "open_session" => {
                self.opened += 1;
                let session = Session {
                    id: format!("{:032x}", self.opened),
                    user_id: params.user_id,
                    user_name: params.user_name,
                    open_time: NOW,
                    close_time: None,
                    request_time: NOW,
                    address: params.address,
                    client: params.client,
                    user: params.user,
                    data: params.data,
                    active: true,
                };
                let json = serde_json::to_vec(&session)?;
                write(response, "200 OK", &json);
                self.by_id.insert(session.id.clone(), (session, json));
            }
            "get_sessions" => write(response, "200 OK", &self.page(&params.filter, &params.paging)),
            "delete_session_by_id" => match self.by_id.remove(&params.session_id) {
                Some((_, json)) => write(response, "200 OK", &json),
                None => write(response, NO_CONTENT, b""),
            },
            "get_session_by_id" | "store_session_data" | "update_session_user" | "close_session" => {
                let Some((session, json)) = self.by_id.get_mut(&params.session_id) else {
                    write(response, NO_CONTENT, b"");
                    return Ok(());
                };
                match operation {
                    "store_session_data" => session.data = params.data,
                    "update_session_user" => session.user = params.user,
                    "close_session" => {
                        (session.active, session.close_time) = (false, Some(NOW));
                        (session.user, session.data) = (Value::Null, Value::Null);
                    }
                    _ => {
                        write(response, "200 OK", json);
                        return Ok(());
                    }
                }
                json.clear();
                serde_json::to_writer(&mut *json, session)?;
                write(response, "200 OK", json);
            }
            _ => write(response, "404 Not Found", b""),
        }
        Ok(())
    }

    /// Returns a page of the sessions of a user, or of all, without their users and data.
    fn page(&self, Filter { user_id }: &Filter, paging: &Paging) -> Vec<u8> {
        let mut listed: Vec<_> = self.by_id.values().map(|(session, _)| session).collect();
        listed.retain(|session| user_id.as_ref().is_none_or(|user| session.user_id == *user));
        listed.sort_by_key(|session| &session.id);
        let page = listed.iter().skip(paging.skip.unwrap_or(0)).take(paging.take.unwrap_or(PAGE).min(PAGE));
        let data: Vec<Value> = page
            .map(|session| {
                let mut json = json!(session);
                (json["user"], json["data"]) = (Value::Null, Value::Null);
                json
            })
            .collect();
        json!({"total": listed.len(), "data": data}).to_string().into_bytes()
    }
}

fn write(response: &mut Vec<u8>, status: &str, body: &[u8]) {
    response.extend_from_slice(b"HTTP/1.1 ");
    response.extend_from_slice(status.as_bytes());
    response.extend_from_slice(b"\r\n");
    response.extend_from_slice(HEADERS.as_bytes());
    if status != NO_CONTENT {
        response.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    response.extend_from_slice(b"\r\n");
    response.extend_from_slice(body);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .ok_or("missing argument: the address to listen at, such as 127.0.0.1:8080")?;
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
    let (mut received, mut response) = (Vec::with_capacity(16 << 10), Vec::with_capacity(16 << 10));
    loop {
        while let Some((head, length, target)) = request(&received)? {
            response.clear();
            sessions.borrow_mut().respond(target, &received[head..length], &mut response)?;
            stream.write_all(&response).await?;
            received.drain(..length);
        }
        // A client may close the connection at any time.
        if matches!(stream.read_buf(&mut received).await, Ok(0) | Err(_)) {
            return Ok(());
        }
    }
}

/// Parses the request at the start of `bytes`: the length of its head, its whole length, and its target.
/// Returns `None` while it is incomplete.
fn request(bytes: &[u8]) -> io::Result<Option<(usize, usize, &str)>> {
    let mut headers = [EMPTY_HEADER; 32];
    let mut request = Request::new(&mut headers);
    let Status::Complete(head) = request.parse(bytes).map_err(io::Error::other)? else { return Ok(None) };
    let length = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| str::from_utf8(header.value).ok()?.parse().ok()).unwrap_or(0);
    let whole = head.saturating_add(length);
    Ok((bytes.len() >= whole).then_some((head, whole, request.path.unwrap_or_default())))
}
