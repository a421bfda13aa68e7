//! A small proxy for HTTP and SOCKS that records what it is asked for.

#![allow(dead_code, reason = "no test file uses everything")]

use crate::support::read_request;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// The behaviour of a proxy.
#[derive(Clone, Copy)]
pub(crate) enum Behaviour {
    /// Responds to each request itself.
    Respond(&'static str),
    /// Opens the connections that CONNECT asks for.
    Connect,
    /// Opens the connections that CONNECT asks for, with these headers in its response.
    ConnectWith(&'static str),
    /// Opens the connections that SOCKS 4 and 5 ask for.
    Socks,
    /// Refuses each connection with a code of SOCKS 5.
    SocksRefuse(u8),
    /// Requires a user name and a password, and rejects all.
    SocksLogin,
    /// Closes each connection after a request.
    Hangup,
    /// Never responds.
    Silence,
}

pub(crate) struct TestProxy {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<String>,
}

impl TestProxy {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        Self::accepting(behaviour, |stream| async { Some(stream) }).await
    }

    /// Starts a proxy that is itself reached over TLS.
    #[cfg(feature = "rustls")]
    pub(crate) async fn over_tls(behaviour: Behaviour, acceptor: tokio_rustls::TlsAcceptor) -> Self {
        Self::accepting(behaviour, move |stream| {
            let acceptor = acceptor.clone();
            async move { acceptor.accept(stream).await.ok() }
        })
        .await
    }

    async fn accepting<S, F>(
        behaviour: Behaviour,
        accept: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<S>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Seen>>::default();
        let record = seen.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                record.lock().unwrap().connections += 1;
                let (stream, record) = (accept(stream), record.clone());
                tokio::spawn(async move {
                    if let Some(stream) = stream.await {
                        // The client may end the connection at any time.
                        let _ = serve(stream, behaviour, &record).await;
                    }
                });
            }
        });
        Self { port, seen }
    }

    /// Returns the URL, with the credentials `login`, which end with an `@`.
    pub(crate) fn url(&self, login: &str) -> String {
        self.url_with("http", login)
    }

    pub(crate) fn url_with(&self, scheme: &str, login: &str) -> String {
        format!("{scheme}://{login}127.0.0.1:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Returns the requests: the whole HTTP request, or for SOCKS the credentials and the target.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    #[track_caller]
    pub(crate) fn only_request(&self) -> String {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

async fn serve<S>(mut stream: S, behaviour: Behaviour, seen: &Mutex<Seen>) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let record = |request: String| seen.lock().unwrap().requests.push(request);
    match behaviour {
        Behaviour::Respond(response) => {
            // The SOCKS greeting is not a request that ever ends.
            if response.starts_with("HTTP/1.1 400") || response.starts_with("SSH") {
                let _ = stream.read(&mut [0; 1024]).await?;
                return stream.write_all(response.as_bytes()).await;
            }
            while let Some(request) = read_request(&mut stream).await {
                record(request);
                stream.write_all(response.as_bytes()).await?;
            }
        }
        Behaviour::Connect | Behaviour::ConnectWith(_) => {
            let headers = if let Behaviour::ConnectWith(headers) = behaviour { headers } else { "" };
            let Some(request) = read_request(&mut stream).await else { return Ok(()) };
            let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
            record(request);
            let mut service = TcpStream::connect(target).await?;
            let head = format!("HTTP/1.1 200 Connection established\r\n{headers}\r\n");
            stream.write_all(head.as_bytes()).await?;
            copy_bidirectional(&mut stream, &mut service).await?;
        }
        Behaviour::Socks => {
            if let Some(mut service) = socks(&mut stream, None, false, record).await? {
                copy_bidirectional(&mut stream, &mut service).await?;
            }
        }
        Behaviour::SocksRefuse(code) => {
            socks(&mut stream, Some(code), false, record).await?;
        }
        Behaviour::SocksLogin => {
            socks(&mut stream, None, true, record).await?;
        }
        Behaviour::Hangup => {
            read_request(&mut stream).await;
        }
        Behaviour::Silence => {
            let mut sink = Vec::new();
            stream.read_to_end(&mut sink).await?;
        }
    }
    Ok(())
}

async fn read_until_zero<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<String> {
    let mut text = Vec::new();
    loop {
        match stream.read_u8().await? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            byte => text.push(byte),
        }
    }
}

async fn read_text<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<String> {
    let mut text = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Reads a request of SOCKS 4 or 5, and opens the connection.
async fn socks<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    refuse: Option<u8>,
    rejects_login: bool,
    record: impl Fn(String),
) -> std::io::Result<Option<TcpStream>> {
    if stream.read_u8().await? == 4 {
        let (_, port) = (stream.read_u8().await?, stream.read_u16().await?);
        let mut address = [0; 4];
        stream.read_exact(&mut address).await?;
        let user = read_until_zero(stream).await?;
        let host = match address {
            [0, 0, 0, _] => read_until_zero(stream).await?,
            address => std::net::Ipv4Addr::from(address).to_string(),
        };
        record(format!("{user} {host}:{port}"));
        let service = TcpStream::connect((&*host, port)).await?;
        stream.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await?;
        return Ok(Some(service));
    }
    let mut methods = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut methods).await?;
    let mut login = String::new();
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).await?;
        stream.read_u8().await?;
        login = format!("{}:{}", read_text(stream).await?, read_text(stream).await?);
        stream.write_all(&[1, u8::from(rejects_login)]).await?;
    } else {
        stream.write_all(&[5, if rejects_login { 0xff } else { 0 }]).await?;
    }
    if rejects_login {
        return Ok(None);
    }
    stream.read_exact(&mut [0; 3]).await?;
    let host = match stream.read_u8().await? {
        1 => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        3 => read_text(stream).await?,
        _ => {
            let mut address = [0; 16];
            stream.read_exact(&mut address).await?;
            std::net::Ipv6Addr::from(address).to_string()
        }
    };
    let port = stream.read_u16().await?;
    record(format!("{login} {host}:{port}"));
    let service = match refuse {
        None => Some(TcpStream::connect((&*host, port)).await?),
        Some(_) => None,
    };
    stream.write_all(&[5, refuse.unwrap_or(0), 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(service)
}
