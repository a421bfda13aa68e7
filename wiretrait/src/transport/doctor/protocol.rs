//! The step that finds out what a service speaks.
//!
//! Only bytes that the service has sent are evidence. A service that closes connections without a byte, or that sends
//! nothing in time, may have failed or be slow, so that it is unknown what it speaks.
//!
//! Rejected alternative: the conclusion that a service which does not complete a TLS handshake has no TLS, because a
//! service under load takes seconds for it.

use super::first_bytes::{Spoken, without_line_ends};
use crate::config::HttpVersion;
use crate::transport::dial::BoxStream;
use crate::transport::failure::is_of_tls_port;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

/// The start of a connection over HTTP/2, with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The maximum size of a response to read.
const MAX_BYTES: usize = 4 << 10;

/// The time to wait for further bytes of a service whose protocol is certain.
const PATIENCE: Duration = Duration::from_millis(500);

/// The connections on which a service is asked what it speaks.
pub(super) trait Connections {
    /// Opens a connection, for a service with TLS after a handshake that offers only this version of HTTP.
    async fn open(&self, version: HttpVersion) -> io::Result<BoxStream>;

    /// Returns whether the service rejects the version of HTTP, from the error of a handshake.
    fn is_rejection(&self, error: &io::Error) -> bool;
}

/// The questions to one service.
pub(super) struct Questions<C> {
    pub(super) connections: C,
    /// The version of HTTP that the client speaks.
    pub(super) version: HttpVersion,
    /// Host and port of the service.
    pub(super) authority: String,
    /// True if the connections have no TLS.
    pub(super) is_plain: bool,
    /// The start of a TLS handshake, if connections without TLS should be asked for it.
    pub(super) hello: Option<Vec<u8>>,
    /// The end of all questions together.
    pub(super) deadline: Instant,
}

/// The result of the questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The service speaks the version of HTTP of the client.
    AsChosen,
    /// The service speaks only the other version.
    OtherVersion,
    NeedsTls,
    /// The service does not speak HTTP; its protocol, if it is known.
    NotHttp(Option<&'static str>),
    Unknown(Unknown),
}

/// The reason for which the service may or may not speak the version of HTTP of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    pub(super) reason: Silence,
    /// The other protocol that the service speaks.
    pub(super) also: Option<Spoken>,
}

/// The end of a question without a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The service has closed the connection.
    Closed,
    /// The service has sent too little within this time.
    Late(Duration),
    /// No connection was made.
    NoConnection(String),
}

/// The outcome of a question.
enum Reply {
    Spoken(Spoken),
    /// The service has rejected the version of HTTP during the TLS handshake.
    Rejected,
    Nothing(Silence),
}

impl Reply {
    /// Returns whether the service ends connections for this version of HTTP, or rejects it.
    fn is_end(&self) -> bool {
        matches!(self, Self::Rejected | Self::Nothing(Silence::Closed))
    }
}

impl<C: Connections> Questions<C> {
    /// Finds out what the service speaks.
    pub(super) async fn ask(&self) -> Finding {
        let (chosen, other) = (self.version, other(self.version));
        // A service that is as expected gets one question, and may take half of the time.
        let first = self.version_reply(chosen, self.share(2)).await;
        match first {
            Reply::Spoken(Spoken::Http(version)) if version == chosen => return Finding::AsChosen,
            Reply::Spoken(Spoken::Tls) => return self.tls(),
            Reply::Spoken(Spoken::Other(name @ Some(_))) => return Finding::NotHttp(name),
            _ => {}
        }
        let second = self.version_reply(other, self.share(3)).await;
        match second {
            Reply::Spoken(Spoken::Http(version)) if version == chosen => return Finding::AsChosen,
            Reply::Spoken(Spoken::Tls) => return self.tls(),
            Reply::Spoken(Spoken::Other(name @ Some(_))) => return Finding::NotHttp(name),
            _ => {}
        }
        let has_tls = match &self.hello {
            // A port with TLS never sends the settings of HTTP/2 without it.
            Some(hello) if !is_http2(&first) && !is_http2(&second) => {
                let reply = self.reply(chosen, hello, self.share(2)).await;
                matches!(reply, Reply::Spoken(Spoken::Tls))
            }
            _ => false,
        };
        let also = match (&first, &second) {
            _ if has_tls => Some(Spoken::Tls),
            (Reply::Spoken(spoken @ Spoken::Http(_)), _) | (_, Reply::Spoken(spoken @ Spoken::Http(_))) => {
                Some(*spoken)
            }
            _ => None,
        };
        let finding = match also {
            Some(Spoken::Tls) => Finding::NeedsTls,
            Some(_) => Finding::OtherVersion,
            None => Finding::NotHttp(None),
        };
        let reason = match first {
            Reply::Spoken(_) => return finding,
            // The service may speak both, and have failed.
            _ if also.is_some() && first.is_end() => match self.second_reply(chosen, also).await {
                Reply::Spoken(Spoken::Http(version)) if version == chosen => return Finding::AsChosen,
                Reply::Nothing(reason @ (Silence::Late(_) | Silence::NoConnection(_))) => reason,
                _ => return finding,
            },
            Reply::Rejected => Silence::Closed,
            Reply::Nothing(reason) => reason,
        };
        Finding::Unknown(Unknown { reason, also })
    }

    /// Returns the finding for a service that speaks TLS on the connections.
    fn tls(&self) -> Finding {
        if self.is_plain { Finding::NeedsTls } else { Finding::NotHttp(None) }
    }

    /// Returns the time for a question if the rest is for `questions` of the same length.
    fn share(&self, questions: u32) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()) / questions
    }

    async fn version_reply(&self, version: HttpVersion, limit: Duration) -> Reply {
        match version {
            HttpVersion::Http1 => {
                self.reply(version, &request("OPTIONS /", &self.authority, ""), limit).await
            }
            HttpVersion::Http2 => self.reply(version, PREFACE, limit).await,
        }
    }

    /// Returns the reply to a second question for a version, from a service that also speaks `also`. Some gateways close
    /// connections because of the method `OPTIONS`. A port that expects TLS says so only in a body, which a response to
    /// `HEAD` does not have.
    async fn second_reply(&self, version: HttpVersion, also: Option<Spoken>) -> Reply {
        let limit = self.share(1);
        if version == HttpVersion::Http1 && also != Some(Spoken::Tls) {
            return self.reply(version, &request("HEAD /", &self.authority, ""), limit).await;
        }
        self.version_reply(version, limit).await
    }

    /// Returns the reply to these bytes, or what the service has sent before them.
    async fn reply(&self, version: HttpVersion, bytes: &[u8], limit: Duration) -> Reply {
        let mut received = Vec::new();
        let exchange = async {
            let mut stream = match self.connections.open(version).await {
                Ok(stream) => stream,
                Err(error) if self.connections.is_rejection(&error) => return Reply::Rejected,
                Err(error) => return Reply::Nothing(Silence::NoConnection(error.to_string())),
            };
            read_reply(&mut stream, bytes, &mut received).await;
            Reply::Nothing(Silence::Closed)
        };
        let end = tokio::time::timeout(limit, exchange).await;
        let end = end.unwrap_or(Reply::Nothing(Silence::Late(limit)));
        match Spoken::of(&received) {
            Some(Spoken::Http(HttpVersion::Http1)) if self.is_plain && is_of_tls_port(&received) => {
                Reply::Spoken(Spoken::Tls)
            }
            Some(spoken) => Reply::Spoken(spoken),
            None => end,
        }
    }
}

/// Sends `bytes`, and reads until the protocol is certain or the service closes the connection.
async fn read_reply(stream: &mut BoxStream, bytes: &[u8], received: &mut Vec<u8>) {
    // A service that has closed the connection may have sent something before.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    while !is_enough(received) && received.len() < MAX_BYTES {
        let is_certain = Spoken::of(received).is_some();
        let read = stream.read_buf(received);
        let length = if is_certain {
            // Some services keep the connection open.
            tokio::time::timeout(PATIENCE, read).await.unwrap_or(Ok(0))
        } else {
            read.await
        };
        if !length.is_ok_and(|length| length > 0) {
            return;
        }
    }
}

/// Returns whether no more bytes of a service are needed.
fn is_enough(received: &[u8]) -> bool {
    const STATUS: usize = b"HTTP/1.1 400".len();
    let received = without_line_ends(received);
    match Spoken::of(received) {
        None => false,
        // The body of a response with the status 400 may say that the port expects TLS.
        Some(Spoken::Http(HttpVersion::Http1)) => {
            received.len() >= STATUS && !received[..STATUS].ends_with(b" 400")
        }
        Some(_) => true,
    }
}

/// Asks a proxy that forwards requests what it speaks itself. Returns `None` if that is unknown.
pub(super) async fn ask_proxy(
    connecting: impl Future<Output = io::Result<BoxStream>>,
    authority: &str,
    limit: Duration,
) -> Option<Spoken> {
    let mut received = Vec::new();
    let exchange = async {
        if let Ok(mut stream) = connecting.await {
            // The proxy must respond itself.
            read_reply(&mut stream, &request("OPTIONS *", authority, "Max-Forwards: 0\r\n"), &mut received)
                .await;
        }
    };
    // The bytes received until then are enough.
    let _ = tokio::time::timeout(limit, exchange).await;
    Spoken::of(&received)
}

/// Returns a request that has no effect, with this method and target and a further header line.
///
/// A service is not asked for `*`, because nginx responds to it before it reports that a port expects TLS.
fn request(start: &str, authority: &str, header: &str) -> Vec<u8> {
    format!("{start} HTTP/1.1\r\nHost: {authority}\r\n{header}Connection: close\r\n\r\n").into_bytes()
}

fn is_http2(reply: &Reply) -> bool {
    matches!(reply, Reply::Spoken(Spoken::Http(HttpVersion::Http2)))
}

pub(super) fn other(version: HttpVersion) -> HttpVersion {
    match version {
        HttpVersion::Http1 => HttpVersion::Http2,
        HttpVersion::Http2 => HttpVersion::Http1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    const HTTP1: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const BAD: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    const BAD_AT_TLS: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\n\r\n400 The plain HTTP request was sent to HTTPS port\r\n";
    const LINE_ENDS_AND_BAD_AT_TLS: &[u8] =
        b"\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server\n";
    const HTTP2: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
    const HELLO: &[u8] = b"\x16\x03\x03\0\x7a\x02\0\0\x76";
    const ALERT: &[u8] = b"\x15\x03\x03\0\x02\x02\x0a";
    /// The time limit of all questions.
    const LIMIT: u64 = 12;

    /// The behaviour of a service on a connection: it waits for some seconds, and sends bytes with a pause after each.
    #[derive(Clone, Copy)]
    struct Reaction {
        wait: u64,
        bytes: &'static [u8],
        pause: u64,
        holds: bool,
    }

    const CLOSE: Reaction = says(b"");
    const SILENCE: Reaction = Reaction { holds: true, ..CLOSE };

    const fn says(bytes: &'static [u8]) -> Reaction {
        Reaction { wait: 0, bytes, pause: 0, holds: false }
    }

    const fn later(wait: u64, bytes: &'static [u8]) -> Reaction {
        Reaction { wait, ..says(bytes) }
    }

    const fn slow(pause: u64, bytes: &'static [u8]) -> Reaction {
        Reaction { pause, holds: true, ..says(bytes) }
    }

    /// The first bytes of a client.
    #[derive(Clone, Copy, PartialEq)]
    enum First {
        Options,
        Head,
        Preface,
        Hello,
    }

    /// A service, whose reaction depends on the number of the connection and on its first bytes.
    #[derive(Clone)]
    struct Service {
        react: fn(u32, First) -> Reaction,
        /// The time of a TLS handshake, and the version that it rejects.
        handshake: u64,
        rejects: Option<HttpVersion>,
        connections: Arc<AtomicU32>,
    }

    impl Service {
        fn new(react: fn(u32, First) -> Reaction) -> Self {
            Self { react, handshake: 0, rejects: None, connections: Arc::default() }
        }
    }

    impl Connections for Service {
        async fn open(&self, version: HttpVersion) -> io::Result<BoxStream> {
            tokio::time::sleep(Duration::from_secs(self.handshake)).await;
            if self.rejects == Some(version) {
                return Err(io::Error::other("rejected"));
            }
            let (client, mut service) = tokio::io::duplex(64 << 10);
            let number = self.connections.fetch_add(1, Ordering::Relaxed);
            let react = self.react;
            tokio::spawn(async move {
                let mut first = [0; 8];
                let _ = service.read(&mut first).await;
                let first = match first[0] {
                    b'O' => First::Options,
                    b'H' => First::Head,
                    b'P' => First::Preface,
                    _ => First::Hello,
                };
                let Reaction { wait, bytes, pause, holds } = react(number, first);
                tokio::time::sleep(Duration::from_secs(wait)).await;
                for byte in bytes {
                    if service.write_u8(*byte).await.is_err() {
                        return;
                    }
                    if pause > 0 {
                        tokio::time::sleep(Duration::from_secs(pause)).await;
                    }
                }
                if holds {
                    std::future::pending::<()>().await;
                }
            });
            Ok(Box::new(client))
        }

        fn is_rejection(&self, error: &io::Error) -> bool {
            error.to_string() == "rejected"
        }
    }

    async fn ask(service: &Service, version: HttpVersion, is_plain: bool) -> (Finding, u64) {
        let start = Instant::now();
        let questions = Questions {
            connections: service.clone(),
            version,
            authority: "service:80".to_owned(),
            is_plain,
            hello: is_plain.then(|| HELLO.to_vec()),
            deadline: start + Duration::from_secs(LIMIT),
        };
        let finding = questions.ask().await;
        (finding, start.elapsed().as_secs())
    }

    fn unknown(reason: Silence, also: Option<Spoken>) -> Finding {
        Finding::Unknown(Unknown { reason, also })
    }

    /// The end of the first question, which may take half of the time.
    const LATE: Silence = Silence::Late(Duration::from_secs(LIMIT / 2));

    /// A service without TLS, with the findings for a client of HTTP/1.1, and for one of HTTP/2.
    type Row = (&'static str, fn(u32, First) -> Reaction, [Finding; 2]);

    async fn check(rows: impl IntoIterator<Item = Row>) {
        for (name, react, expected) in rows {
            for (version, expected) in [HttpVersion::Http1, HttpVersion::Http2].into_iter().zip(expected) {
                let (finding, seconds) = ask(&Service::new(react), version, true).await;
                assert_eq!(finding, expected, "{name}, {version:?}");
                assert!(seconds <= LIMIT, "{name}, {version:?}: {seconds} s");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn http_without_tls_is_recognized_by_certain_bytes_only() {
        use Finding::{AsChosen, OtherVersion};

        let late = || unknown(LATE, None);
        let rows: [Row; 14] = [
            (
                "HTTP/1.1",
                |_, first| if first == First::Options { says(HTTP1) } else { says(BAD) },
                [AsChosen, OtherVersion],
            ),
            (
                "HTTP/1.1, closes other connections",
                |_, first| if first == First::Options { says(HTTP1) } else { CLOSE },
                [AsChosen, OtherVersion],
            ),
            ("HTTP/1.1, responds with 400 to all", |_, _| says(BAD), [AsChosen, OtherVersion]),
            (
                "HTTP/1.1, responds to others without a status line",
                |_, first| if first == First::Options { says(HTTP1) } else { says(b"<!DOCTYPE HTML>") },
                [AsChosen, OtherVersion],
            ),
            ("HTTP/1.1 after 5 s", |_, _| later(5, HTTP1), [AsChosen, OtherVersion]),
            ("HTTP/1.1 after 20 s", |_, _| later(20, HTTP1), [late(), late()]),
            ("HTTP/1.1 with a byte per second", |_, _| slow(1, HTTP1), [late(), late()]),
            ("HTTP/2, sends settings at once", |_, _| says(HTTP2), [OtherVersion, AsChosen]),
            (
                "HTTP/2, closes other connections",
                |_, first| if first == First::Preface { says(HTTP2) } else { CLOSE },
                [OtherVersion, AsChosen],
            ),
            (
                "HTTP/2, sends nothing on other connections",
                |_, first| if first == First::Preface { says(HTTP2) } else { SILENCE },
                [unknown(LATE, Some(Spoken::Http(HttpVersion::Http2))), AsChosen],
            ),
            (
                "HTTP/1.1 and HTTP/2",
                |_, first| if first == First::Preface { says(HTTP2) } else { says(HTTP1) },
                [AsChosen, AsChosen],
            ),
            (
                "HTTP/1.1 and HTTP/2, fails once",
                |number, first| match (number, first) {
                    (0, _) => CLOSE,
                    (_, First::Preface) => says(HTTP2),
                    _ => says(HTTP1),
                },
                [AsChosen, AsChosen],
            ),
            (
                "HTTP/1.1 and HTTP/2, closes connections with OPTIONS",
                |_, first| match first {
                    First::Options => CLOSE,
                    First::Preface => says(HTTP2),
                    First::Head | First::Hello => says(HTTP1),
                },
                [AsChosen, AsChosen],
            ),
            (
                "HTTP/1.1, responds with 400 and keeps the connection open",
                |_, _| Reaction { holds: true, ..says(BAD) },
                [AsChosen, OtherVersion],
            ),
        ];
        check(rows).await;
    }

    #[tokio::test(start_paused = true)]
    async fn other_protocols_are_recognized_by_certain_bytes_only() {
        use Finding::{AsChosen, NeedsTls};

        let closed = || unknown(Silence::Closed, None);
        let late = || unknown(LATE, None);
        let is = |name| [Finding::NotHttp(Some(name)), Finding::NotHttp(Some(name))];
        let rows: [Row; 14] = [
            ("TLS, sends an alert", |_, _| says(ALERT), [NeedsTls, NeedsTls]),
            (
                "TLS, responds with line ends and 400",
                |_, first| if first == First::Hello { says(HELLO) } else { says(LINE_ENDS_AND_BAD_AT_TLS) },
                [NeedsTls, NeedsTls],
            ),
            (
                "TLS, closes other connections",
                |_, first| if first == First::Hello { says(HELLO) } else { CLOSE },
                [NeedsTls, NeedsTls],
            ),
            (
                "TLS, responds with 400",
                |_, first| match first {
                    First::Hello => says(HELLO),
                    First::Options | First::Head => says(BAD_AT_TLS),
                    First::Preface => says(BAD),
                },
                [NeedsTls, NeedsTls],
            ),
            (
                "TLS after 20 s, closes other connections",
                |_, first| if first == First::Hello { later(20, HELLO) } else { CLOSE },
                [closed(), closed()],
            ),
            (
                "TLS and HTTP/1.1",
                |_, first| if first == First::Hello { says(HELLO) } else { says(HTTP1) },
                [AsChosen, NeedsTls],
            ),
            ("SSH", |_, _| says(b"SSH-2.0-OpenSSH_9.2p1\r\n"), is("SSH")),
            ("SMTP", |_, _| says(b"220 mail.example ESMTP\r\n"), is("SMTP or FTP")),
            (
                "Redis",
                |_, first| if first == First::Preface { says(b"-ERR unknown command") } else { CLOSE },
                is("Redis"),
            ),
            ("PostgreSQL, closes after 1 s", |_, _| later(1, b""), [closed(), closed()]),
            ("closes all connections", |_, _| CLOSE, [closed(), closed()]),
            ("closes after two bytes", |_, _| says(b"HT"), [closed(), closed()]),
            ("sends nothing", |_, _| SILENCE, [late(), late()]),
            (
                "unknown bytes",
                |_, _| says(b"\x01\x02\x03\x04"),
                [Finding::NotHttp(None), Finding::NotHttp(None)],
            ),
        ];
        check(rows).await;
    }

    #[tokio::test(start_paused = true)]
    async fn services_with_tls_are_asked_after_the_handshake() {
        let rejecting = |version| Service { rejects: Some(version), ..Service::new(|_, _| CLOSE) };
        let http1 = Service::new(|_, _| says(HTTP1));
        let http2 = Service::new(|_, first| if first == First::Preface { says(HTTP2) } else { CLOSE });
        let only_http2 = Service { rejects: Some(HttpVersion::Http1), ..http2.clone() };
        let slow = |seconds| Service { handshake: seconds, ..http1.clone() };
        let late = |also| unknown(LATE, also);
        let closed = || unknown(Silence::Closed, None);
        for (name, service, expected) in [
            ("HTTP/1.1", http1.clone(), [Finding::AsChosen, Finding::OtherVersion]),
            ("HTTP/2", http2, [Finding::OtherVersion, Finding::AsChosen]),
            ("HTTP/2, rejects HTTP/1.1", only_http2, [Finding::OtherVersion, Finding::AsChosen]),
            ("a handshake of 5 s", slow(5), [Finding::AsChosen, Finding::OtherVersion]),
            ("a handshake of 20 s", slow(20), [late(None), late(None)]),
            ("closes all connections", Service::new(|_, _| CLOSE), [closed(), closed()]),
            ("closes all, rejects HTTP/2", rejecting(HttpVersion::Http2), [closed(), closed()]),
            (
                "TLS in TLS",
                Service::new(|_, _| says(ALERT)),
                [Finding::NotHttp(None), Finding::NotHttp(None)],
            ),
        ] {
            for (version, expected) in [HttpVersion::Http1, HttpVersion::Http2].into_iter().zip(expected) {
                let (finding, seconds) = ask(&service, version, false).await;
                assert_eq!(finding, expected, "{name}, {version:?}");
                assert!(seconds <= LIMIT, "{name}, {version:?}: {seconds} s");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_as_expected_gets_one_question() {
        let service = Service::new(|_, _| says(HTTP1));
        assert_eq!(ask(&service, HttpVersion::Http1, true).await, (Finding::AsChosen, 0));
        assert_eq!(service.connections.load(Ordering::Relaxed), 1);

        // The reason in the body of a 400 may follow, but not for long.
        let service = Service::new(|_, _| Reaction { holds: true, ..says(BAD) });
        assert_eq!(ask(&service, HttpVersion::Http1, true).await, (Finding::AsChosen, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_is_asked_without_a_service() {
        for (reaction, expected) in [
            (says(HTTP1), Some(Spoken::Http(HttpVersion::Http1))),
            (says(b"SSH-2.0-"), Some(Spoken::Other(Some("SSH")))),
            (CLOSE, None),
            (SILENCE, None),
        ] {
            let (client, mut proxy) = tokio::io::duplex(1024);
            let asked = tokio::spawn(async move {
                let mut request = [0; 1024];
                let length = proxy.read(&mut request).await.unwrap();
                proxy.write_all(reaction.bytes).await.unwrap();
                if reaction.holds {
                    std::future::pending::<()>().await;
                }
                String::from_utf8_lossy(&request[..length]).into_owned()
            });
            let connecting = std::future::ready(Ok(Box::new(client) as BoxStream));
            assert_eq!(ask_proxy(connecting, "proxy:3128", Duration::from_secs(1)).await, expected);
            if !reaction.holds {
                let request = asked.await.unwrap();
                assert!(request.starts_with("OPTIONS * HTTP/1.1\r\nHost: proxy:3128\r\n"), "{request}");
                assert!(request.contains("\r\nMax-Forwards: 0\r\n"), "{request}");
            }
        }
    }
}
