//! The fixed responses over gRPC, for connections that begin with the preface of HTTP/2.

use crate::wire::Operation;
use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes};
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use pip_services::grpc::{InvokeReply, InvokeRequest};
use prost::Message;
use serde_json::Value;
use sessions_client::grpc::messages::{Session, SessionObjectReply, SessionPage, SessionPageReply};
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpStream;

/// The first bytes of a connection over HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// The path of commandable gRPC.
const INVOKE: &str = "/commandable.Commandable/invoke";

/// Returns whether the client speaks HTTP/2.
pub(crate) async fn is_spoken(stream: &TcpStream) -> Result<bool> {
    let mut first = [0; PREFACE.len()];
    let length = stream.peek(&mut first).await?;
    Ok(first[..length] == *PREFACE)
}

/// Sends the response to each call on `stream` after `delay`.
pub(crate) async fn connection(stream: TcpStream, delay: Duration) -> Result<()> {
    let responses = Rc::new(responses()?);
    let mut calls = h2::server::handshake(stream).await?;
    while let Some(call) = calls.accept().await {
        // A client may close the connection at any time; that is not an error of the server.
        let Ok((request, response)) = call else { return Ok(()) };
        let responses = Rc::clone(&responses);
        tokio::task::spawn_local(async move {
            if let Err(error) = respond(request, response, &*responses, delay).await {
                eprintln!("server with fixed responses: {error:#}");
            }
        });
    }
    Ok(())
}

async fn respond(
    request: Request<RecvStream>,
    mut response: SendResponse<Bytes>,
    responses: &[(String, Bytes)],
    delay: Duration,
) -> Result<()> {
    let (head, mut body) = request.into_parts();
    let mut message = Vec::new();
    // An unread body would reset the stream.
    while let Some(data) = body.data().await.transpose()? {
        body.flow_control().release_capacity(data.len())?;
        message.extend_from_slice(&data);
    }
    let path = match head.uri.path() {
        INVOKE => InvokeRequest::decode(message.get(5..).context("no message")?)?.method,
        path => path.to_owned(),
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let body = responses.iter().find(|(known, _)| *known == path).map(|(_, body)| body.clone());
    let body = body.with_context(|| format!("there is no response for {path}"))?;
    let head = Response::builder().header("content-type", "application/grpc+proto").body(())?;
    let mut sender = response.send_response(head, false)?;
    sender.send_data(body, false)?;
    sender.send_trailers(HeaderMap::from_iter([(
        HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]))?;
    Ok(())
}

/// Returns the responses by the path of the method, or by the name of the command.
fn responses() -> Result<[(String, Bytes); 4]> {
    let session: Value = serde_json::from_slice(&Operation::OpenSession.response())?;
    let page: Value = serde_json::from_slice(&Operation::GetSessions.response())?;
    let listed = page["data"].as_array().context("a page")?;
    ensure!(listed.len() == Operation::GetSessions.sessions(), "a page of another size");
    let object = SessionObjectReply { error: None, session: Some(message(&session)) };
    let data = listed.iter().map(message).collect();
    let page = SessionPageReply { error: None, page: Some(SessionPage { total: 0, data }) };
    let path = |operation| format!("/sessions_v1.Sessions/{operation}");
    let invoked = |operation: Operation| {
        let reply = InvokeReply { result_json: operation.response(), ..InvokeReply::default() };
        (format!("v1/sessions.{operation}"), frame(&reply))
    };
    Ok([
        (path(Operation::OpenSession), frame(&object)),
        (path(Operation::GetSessions), frame(&page)),
        invoked(Operation::OpenSession),
        invoked(Operation::GetSessions),
    ])
}

fn message(session: &Value) -> Session {
    let string = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
    let json = |name: &str| session.get(name).filter(|it| !it.is_null()).map(ToString::to_string);
    Session {
        id: string("id"),
        user_id: string("user_id"),
        user_name: string("user_name"),
        active: true,
        open_time: string("open_time"),
        request_time: string("request_time"),
        address: string("address"),
        client: string("client"),
        user: json("user").unwrap_or_default(),
        data: json("data").unwrap_or_default(),
        ..Session::default()
    }
}

fn frame(message: &impl Message) -> Bytes {
    let mut body = vec![0];
    body.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
    message.encode_raw(&mut body);
    body.into()
}
