//! A server that sends fixed responses, so that the service does not limit the measured client.
//!
//! It only parses a request to find its end, and is therefore faster than every client. The headers of its
//! responses are those of the real service, because parsing them is part of the cost of a client.

use crate::wire::Operation;
use crate::{grpc, http1};
use anyhow::{Result, bail};
use bytes::{Buf, Bytes, BytesMut};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Accepts connections on `listener` and sends each response after `delay`. Never returns unless accepting
/// fails.
pub(crate) async fn serve(listener: TcpListener, delay: Duration) -> Result<()> {
    let responses: Rc<[_]> =
        Operation::ALL.iter().map(|&operation| (operation.path(), whole(operation))).collect();
    loop {
        let (stream, _) = listener.accept().await?;
        let responses = Rc::clone(&responses);
        tokio::task::spawn_local(async move {
            if let Err(error) = connection(stream, &responses, delay).await {
                eprintln!("server with fixed responses: {error:#}");
            }
        });
    }
}

async fn connection(mut stream: TcpStream, responses: &[(&str, Bytes)], delay: Duration) -> Result<()> {
    stream.set_nodelay(true)?;
    if grpc::is_spoken(&stream).await? {
        return grpc::connection(stream, delay).await;
    }
    let mut received = BytesMut::with_capacity(16 << 10);
    loop {
        while let Some((length, path)) = http1::request(&received)? {
            let Some((_, response)) = responses.iter().find(|(known, _)| *known == path) else {
                bail!("there is no response for the path {path}");
            };
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            stream.write_all(response).await?;
            received.advance(length);
        }
        // A client may close the connection in the middle of a request; that is not an error of the server.
        if matches!(stream.read_buf(&mut received).await, Ok(0) | Err(_)) {
            return Ok(());
        }
    }
}

/// Returns the whole response: headers and body.
fn whole(operation: Operation) -> Bytes {
    let body = operation.response();
    let head = format!(
        "HTTP/1.1 200 OK\r\n\
         Server: restify\r\n\
         Access-Control-Allow-Origin: *\r\n\
         vary: origin,access-control-request-method,access-control-request-headers\r\n\
         Cache-Control: no-cache, no-store, must-revalidate\r\n\
         Pragma: no-cache\r\n\
         Expires: 0\r\n\
         Content-Type: application/json\r\n\
         Content-Length: {}\r\n\
         Date: Mon, 23 Nov 2026 02:11:09 GMT\r\n\
         Connection: keep-alive\r\n\
         Keep-Alive: timeout=5\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat().into()
}
