//! Recognition of the protocol of a service that does not respond to that of the client.
//!
//! A server that cannot read a request often closes the connection, which looks like a failure that a retry may
//! overcome. So the first failure of this kind is followed by connections that find out what the service speaks. This
//! ends with the first response, or with a service that cannot be recognized.
//!
//! Rejected alternative: conclusions from the failure itself, because a service that crashes closes the connection in the
//! same way.

#[cfg(feature = "rustls")]
use super::dial::handshake;
use super::dial::{BoxStream, Dial};
use super::failure::Peer;
#[cfg(feature = "rustls")]
use super::tls::{self, Tls};
use crate::config::HttpVersion;
use crate::error::{Error, ErrorKind};
use crate::runtime::Response;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::OnceCell;

/// The preface of a client of HTTP/2, with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The longest time for the first bytes of a service.
const PATIENCE: Duration = Duration::from_secs(1);

/// The recognition of the service at one address.
pub(super) struct Recognition {
    /// `None` if connections are opened in another way, or to a proxy that forwards requests.
    dial: Option<Dial>,
    version: HttpVersion,
    limit: Duration,
    has_responded: AtomicBool,
    mismatch: OnceCell<Option<Mismatch>>,
}

/// The difference between the protocols of client and service.
#[derive(Clone, Copy)]
enum Mismatch {
    OnlyHttp1,
    OnlyHttp2,
    /// The address has the scheme `http`, and the service speaks TLS.
    NeedsTls,
    /// The address has the scheme `https`, and the service does not speak TLS; its protocol, if it is known and not HTTP.
    #[cfg(feature = "rustls")]
    HasNoTls(Option<&'static str>),
    /// The service does not speak HTTP; its protocol, if it is known.
    NotHttp(Option<&'static str>),
}

/// The protocol of the first bytes of a service.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spoken {
    Http1,
    Http2,
    Tls,
    Other(Option<&'static str>),
}

impl Recognition {
    /// Creates the recognition for connections of `dial`, whose opening has a time limit.
    pub(super) fn new(dial: Option<&Dial>, version: HttpVersion, limit: Duration) -> Self {
        let is_direct = |dial: &&Dial| dial.proxy.as_ref().is_none_or(|proxy| !proxy.forwards(&dial.origin));
        Self {
            dial: dial.filter(is_direct).cloned(),
            version,
            limit,
            has_responded: AtomicBool::new(false),
            mismatch: OnceCell::new(),
        }
    }

    /// Returns the outcome of an attempt. Its error is replaced if it is due to a protocol that the service does not
    /// speak.
    pub(super) async fn check(
        &self,
        peer: &Peer,
        outcome: Result<Response, Error>,
    ) -> Result<Response, Error> {
        match outcome {
            Err(error) if error.may_be_other_protocol() && !self.has_responded.load(Ordering::Relaxed) => {
                // Boxed, because it is large and hardly ever needed.
                let mismatch = self.mismatch.get_or_init(|| Box::pin(self.find()));
                Err(mismatch.await.map_or(error, |mismatch| mismatch.error(peer)))
            }
            outcome => {
                if outcome.is_ok() && !self.has_responded.load(Ordering::Relaxed) {
                    self.has_responded.store(true, Ordering::Relaxed);
                }
                outcome
            }
        }
    }

    async fn find(&self) -> Option<Mismatch> {
        let dial = self.dial.as_ref()?;
        #[cfg(feature = "rustls")]
        if let Some(tls) = dial.tls.as_ref().filter(|_| dial.origin.scheme_str() == Some("https")) {
            if !self.speaks_tls(dial, tls).await {
                let mut spoken = self.spoken(Way::Plain(dial), PREFACE).await;
                if spoken.is_none() {
                    spoken = self.spoken(Way::Plain(dial), &self.options()?).await;
                }
                return Some(match spoken? {
                    Spoken::Http1 | Spoken::Http2 => Mismatch::HasNoTls(None),
                    Spoken::Tls => return None,
                    Spoken::Other(name) => Mismatch::HasNoTls(name),
                });
            }
            return self.find_over(|alpn| Way::Tls(dial, tls.with_alpn(alpn))).await;
        }
        if dial.origin.scheme_str() == Some("https") {
            return None;
        }
        self.find_over(|_| Way::Plain(dial)).await
    }

    /// Finds the difference between the versions of HTTP over connections for a protocol of ALPN.
    async fn find_over<'d>(&self, way: impl Fn(&str) -> Way<'d>) -> Option<Mismatch> {
        match (self.spoken(way("h2"), PREFACE).await, self.version) {
            (Some(Spoken::Http2), HttpVersion::Http1) => {
                // Some servers speak both, and this one may have failed.
                let spoken = self.spoken(way("http/1.1"), &self.options()?).await;
                (spoken != Some(Spoken::Http1)).then_some(Mismatch::OnlyHttp2)
            }
            (Some(Spoken::Http1), HttpVersion::Http2) => Some(Mismatch::OnlyHttp1),
            (Some(Spoken::Http1 | Spoken::Http2), _) => None,
            (Some(Spoken::Tls), _) => Some(Mismatch::NeedsTls),
            (Some(Spoken::Other(name)), _) => Some(Mismatch::NotHttp(name)),
            (None, version) => {
                if version == HttpVersion::Http2
                    && self.spoken(way("http/1.1"), &self.options()?).await == Some(Spoken::Http1)
                {
                    return Some(Mismatch::OnlyHttp1);
                }
                #[cfg(feature = "rustls")]
                if let Way::Plain(dial) = way("")
                    && self.speaks_tls(dial, &Tls::unused().ok()?).await
                {
                    return Some(Mismatch::NeedsTls);
                }
                None
            }
        }
    }

    /// Returns a request that every server of HTTP/1.1 responds to, and that has no effect.
    fn options(&self) -> Option<Vec<u8>> {
        let host = self.dial.as_ref()?.origin.authority()?;
        Some(format!("OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").into_bytes())
    }

    /// Returns what a service speaks that responds to these bytes, or before them.
    async fn spoken(&self, way: Way<'_>, bytes: &[u8]) -> Option<Spoken> {
        let mut stream = tokio::time::timeout(self.limit, way.open()).await.ok()?.ok()?;
        let mut received = Vec::new();
        let exchange = async {
            // A service that has closed the connection may have sent something before.
            let _ = stream.write_all(bytes).await;
            let _ = stream.flush().await;
            while received.len() < SETTINGS_BYTES && stream.read_buf(&mut received).await? > 0 {}
            io::Result::Ok(())
        };
        // The bytes received until then are enough.
        let _ = tokio::time::timeout(self.limit.min(PATIENCE), exchange).await;
        Spoken::of(&received)
    }

    /// Returns whether a service makes a TLS handshake, or rejects that of `tls` as TLS does.
    #[cfg(feature = "rustls")]
    async fn speaks_tls(&self, dial: &Dial, tls: &Tls) -> bool {
        let attempt = async {
            let stream = dial.open().await.ok()?;
            Some(match handshake(tls, &dial.origin, stream).await {
                Ok(_) => true,
                Err(error) => match error.get_ref().and_then(|error| error.downcast_ref()) {
                    Some(error) => !tls::is_without_tls(error),
                    None => false,
                },
            })
        };
        let limit = self.limit.min(PATIENCE);
        tokio::time::timeout(limit, attempt).await.ok().flatten().unwrap_or(false)
    }
}

/// The length of the smallest settings of HTTP/2.
const SETTINGS_BYTES: usize = 9;

/// The way to a service.
enum Way<'d> {
    Plain(&'d Dial),
    #[cfg(feature = "rustls")]
    Tls(&'d Dial, Tls),
}

impl Way<'_> {
    async fn open(self) -> io::Result<BoxStream> {
        match self {
            Self::Plain(dial) => dial.open().await,
            #[cfg(feature = "rustls")]
            Self::Tls(dial, tls) => {
                let stream = dial.open().await?;
                Ok(Box::new(handshake(&tls, &dial.origin, stream).await?))
            }
        }
    }
}

impl Spoken {
    /// Returns the protocol of the first bytes of a service; `None` without any.
    fn of(bytes: &[u8]) -> Option<Self> {
        let starts = |start: &[u8]| bytes.starts_with(start);
        let name = match bytes {
            [] => return None,
            _ if starts(b"HTTP/1.") => return Some(Self::Http1),
            // The settings, or the end, of a connection.
            [0, _, _, 4 | 7, _, 0, 0, 0, 0, ..] => return Some(Self::Http2),
            // A record with an alert or a handshake.
            [0x15 | 0x16, 3, ..] => return Some(Self::Tls),
            [_, _, _, 0, 0x0a, ..] => "MySQL",
            _ if starts(b"SSH-") => "SSH",
            _ if starts(b"220") => "SMTP or FTP",
            _ if starts(b"* OK") => "IMAP",
            _ if starts(b"+OK") => "POP3",
            _ if starts(b"-ERR") || starts(b"-DENIED") || starts(b"-NOAUTH") => "Redis",
            _ if starts(b"AMQP") => "AMQP",
            _ if starts(b"ERROR\r\n") => "memcached",
            _ => return Some(Self::Other(None)),
        };
        Some(Self::Other(Some(name)))
    }
}

impl Mismatch {
    fn error(self, peer: &Peer) -> Error {
        let origin = &peer.origin;
        let (message, advice) = match self {
            Self::NeedsTls => return peer.needs_tls(),
            #[cfg(feature = "rustls")]
            Self::HasNoTls(None) => return peer.has_no_tls(),
            #[cfg(feature = "rustls")]
            Self::HasNoTls(Some(name)) => return peer.speaks_instead_of_tls(name),
            Self::OnlyHttp2 => (
                format!("cannot use HTTP/1.1 with {origin}: the service speaks HTTP/2 only"),
                "choose it with `options.http_version: 2` or `HttpVersion::Http2`, or use a client of gRPC if the service \
                 speaks that",
            ),
            Self::OnlyHttp1 => (
                format!("cannot use HTTP/2 with {origin}: the service speaks HTTP/1.1 only"),
                "choose it with `options.http_version: 1.1` or `HttpVersion::Http1`",
            ),
            Self::NotHttp(Some(name)) => {
                (format!("{origin} is not an HTTP service: it speaks {name}"), CHECK_ADDRESS)
            }
            Self::NotHttp(None) => (format!("{origin} is not an HTTP service"), CHECK_ADDRESS),
        };
        Error::new(ErrorKind::Protocol, message).with_advice(Some(advice.into())).with_unprocessed()
    }
}

/// The remedy for an address of something else.
const CHECK_ADDRESS: &str = "check the host and the port of the address";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_name_the_protocol() {
        let other = |name| Some(Spoken::Other(Some(name)));
        for (bytes, expected) in [
            (&b""[..], None),
            (b"HTTP/1.0 400 Bad Request\r\n", Some(Spoken::Http1)),
            (b"\0\0\x06\x04\0\0\0\0\0\0\x03", Some(Spoken::Http2)),
            (b"\x15\x03\x01\0\x02\x02\x46", Some(Spoken::Tls)),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", other("SSH")),
            (b"220 mail.example ESMTP Postfix\r\n", other("SMTP or FTP")),
            (b"-ERR unknown command 'PRI'\r\n", other("Redis")),
            (b"J\0\0\0\x0a8.0.36\0", other("MySQL")),
            (b"AMQP\0\0\x09\x01", other("AMQP")),
            (b"ERROR\r\n", other("memcached")),
            (b"\0\0", Some(Spoken::Other(None))),
        ] {
            assert_eq!(Spoken::of(bytes), expected, "{bytes:?}");
        }
    }
}
