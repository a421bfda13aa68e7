//! The upper bound of all clients: sends prepared bytes, and reads each response to its end without decoding
//! it.

use super::Caller;
use crate::http1;
use crate::wire::{Operation, data};
use anyhow::{Context, Result, ensure};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that sends one request at a time.
pub(crate) struct Connection {
    stream: TcpStream,
    received: BytesMut,
}

impl Connection {
    pub(crate) async fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: BytesMut::with_capacity(64 << 10) })
    }

    /// Sends a whole request and passes the body of the response to `read`.
    pub(crate) async fn exchange<T>(&mut self, request: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<T> {
        self.stream.write_all(request).await?;
        loop {
            if let Some((head, length)) = http1::response(&self.received)? {
                let result = read(&self.received[head..length]);
                self.received.advance(length);
                return Ok(result);
            }
            ensure!(self.stream.read_buf(&mut self.received).await? > 0, "the service closed the connection");
        }
    }
}

/// Returns the bytes of a POST request.
pub(crate) fn post(authority: &str, path: &str, body: &[u8]) -> Bytes {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat().into()
}

/// A connection and its prepared requests.
pub(super) struct Prepared {
    connection: Connection,
    authority: String,
    open_session: Bytes,
    get_sessions: Bytes,
}

impl Prepared {
    async fn open(authority: &str) -> Result<Self> {
        let data = data();
        let request =
            |operation: Operation| anyhow::Ok(post(authority, operation.path(), &operation.body(&data)?));
        Ok(Self {
            connection: Connection::open(authority).await?,
            authority: authority.to_owned(),
            open_session: request(Operation::OpenSession)?,
            get_sessions: request(Operation::GetSessions)?,
        })
    }
}

impl Caller for Prepared {
    async fn first(url: &str) -> Result<Self> {
        Self::open(url.strip_prefix("http://").context("the TCP client only supports `http://` URLs")?).await
    }

    async fn another(&self) -> Result<Self> {
        Self::open(&self.authority).await
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        let request = match operation {
            Operation::OpenSession => &self.open_session,
            Operation::GetSessions => &self.get_sessions,
        };
        self.connection.exchange(request, |_| operation.sessions()).await
    }
}
