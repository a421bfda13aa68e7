//! A server that answers with fixed bytes, so that what a client costs is not what a service costs.
//!
//! It reads as much of a request as it takes to know where it ends, and so outruns every client. Its headers are
//! those of the real service, since a client has to read them.

use crate::http1;
use crate::wire::Operation;
use anyhow::{Result, bail};
use bytes::{Buf, Bytes, BytesMut};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers on `listener` for as long as it is polled. An answer waits for `delay`, if there is any.
pub(crate) async fn serve(listener: TcpListener, delay: Duration) -> Result<()> {
    let answers: Rc<[_]> =
        Operation::ALL.iter().map(|&operation| (operation.path(), whole(operation))).collect();
    loop {
        let (stream, _) = listener.accept().await?;
        let answers = Rc::clone(&answers);
        tokio::task::spawn_local(async move {
            if let Err(error) = connection(stream, &answers, delay).await {
                eprintln!("fixed-answer server: {error:#}");
            }
        });
    }
}

async fn connection(mut stream: TcpStream, answers: &[(&str, Bytes)], delay: Duration) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut received = BytesMut::with_capacity(16 << 10);
    loop {
        while let Some((length, path)) = http1::request(&received)? {
            let Some((_, answer)) = answers.iter().find(|(known, _)| *known == path) else {
                bail!("nothing to answer at {path}");
            };
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            stream.write_all(answer).await?;
            received.advance(length);
        }
        // A client that went away in the middle of a request is no error of the server.
        if matches!(stream.read_buf(&mut received).await, Ok(0) | Err(_)) {
            return Ok(());
        }
    }
}

/// An answer, headers and body.
fn whole(operation: Operation) -> Bytes {
    let body = operation.answer();
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
