//! The recognition of a protocol by the first bytes that a service sends.

use crate::config::HttpVersion;

/// The protocol of the first bytes of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Http(HttpVersion),
    Tls,
    /// Neither HTTP nor TLS; its name, if it is known.
    Other(Option<&'static str>),
}

/// Protocols whose first bytes are always the same.
const STARTS: [(&[u8], Spoken); 10] = [
    (b"HTTP/1.", Spoken::Http(HttpVersion::Http1)),
    (b"SSH-", Spoken::Other(Some("SSH"))),
    // The greeting has a code in front of a space or a hyphen, and a separator must not be required.
    (b"220", Spoken::Other(Some("SMTP or FTP"))),
    (b"* OK", Spoken::Other(Some("IMAP"))),
    (b"+OK", Spoken::Other(Some("POP3"))),
    (b"-ERR ", Spoken::Other(Some("Redis"))),
    (b"-DENIED ", Spoken::Other(Some("Redis"))),
    (b"-NOAUTH ", Spoken::Other(Some("Redis"))),
    (b"AMQP", Spoken::Other(Some("AMQP"))),
    (b"ERROR\r\n", Spoken::Other(Some("memcached"))),
];

/// Protocols whose first bytes have a pattern: each byte in a range, with the lowest and the highest value.
const PATTERNS: [(&[(u8, u8)], Spoken); 4] = [
    // A frame with settings or the end of the connection: its length of three bytes, its type, any flags, and stream 0.
    (&[(0, 0), ANY, ANY, (4, 4), ANY, (0, 0), (0, 0), (0, 0), (0, 0)], Spoken::Http(HttpVersion::Http2)),
    (&[(0, 0), ANY, ANY, (7, 7), ANY, (0, 0), (0, 0), (0, 0), (0, 0)], Spoken::Http(HttpVersion::Http2)),
    // A record with an alert or a handshake, and its length.
    (&[(0x15, 0x16), (3, 3), (0, 4), (0, 0x48), ANY], Spoken::Tls),
    // A packet with the number 0, and the version of the protocol.
    (&[ANY, (0, 0), (0, 0), (0, 0), (10, 10)], Spoken::Other(Some("MySQL"))),
];

/// Any byte.
const ANY: (u8, u8) = (0, 0xff);

impl Spoken {
    /// Returns the protocol of the first bytes of a service, or `None` if they are too few to be certain.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let bytes = without_line_ends(bytes);
        let mut may_follow = bytes.is_empty();
        for (first, spoken) in STARTS {
            if bytes.starts_with(first) {
                return Some(spoken);
            }
            may_follow |= first.starts_with(bytes);
        }
        for (first, spoken) in PATTERNS {
            if first.iter().zip(bytes).all(|(&(lowest, highest), byte)| (lowest..=highest).contains(byte)) {
                if bytes.len() >= first.len() {
                    return Some(spoken);
                }
                may_follow = true;
            }
        }
        (!may_follow).then_some(Self::Other(None))
    }
}

/// Returns the bytes after the line ends at the start, which clients of HTTP/1.1 ignore before a response.
pub(super) fn without_line_ends(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    &bytes[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP1: Option<Spoken> = Some(Spoken::Http(HttpVersion::Http1));
    const HTTP2: Option<Spoken> = Some(Spoken::Http(HttpVersion::Http2));

    #[test]
    fn first_bytes_name_the_protocol() {
        let other = |name| Some(Spoken::Other(Some(name)));
        for (bytes, expected) in [
            (&b"HTTP/1.0 400 Bad Request\r\n"[..], HTTP1),
            (b"\r\nHTTP/1.1 200 OK\r\n", HTTP1),
            (b"\0\0\x06\x04\0\0\0\0\0\0\x03", HTTP2),
            (b"\0\0\0\x04\0\0\0\0\0", HTTP2),
            (b"\0\0\x08\x07\0\0\0\0\0", HTTP2),
            (b"\x15\x03\x01\0\x02\x02\x46", Some(Spoken::Tls)),
            (b"\x16\x03\x03\0\x7a\x02", Some(Spoken::Tls)),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", other("SSH")),
            (b"220 mail.example ESMTP Postfix\r\n", other("SMTP or FTP")),
            (b"* OK IMAP4rev1 ready\r\n", other("IMAP")),
            (b"+OK ready\r\n", other("POP3")),
            (b"-ERR unknown command 'PRI'\r\n", other("Redis")),
            (b"-DENIED Redis is running in protected mode", other("Redis")),
            (b"J\0\0\0\x0a8.0.36\0", other("MySQL")),
            (b"AMQP\0\0\x09\x01", other("AMQP")),
            (b"ERROR\r\n", other("memcached")),
            (b"<!DOCTYPE HTML>", Some(Spoken::Other(None))),
            (b"HTTP/2 200\r\n", Some(Spoken::Other(None))),
            // A frame with headers.
            (b"\0\0\x06\x01\x04\0\0\0\x01", Some(Spoken::Other(None))),
        ] {
            assert_eq!(Spoken::of(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn fewer_bytes_are_not_certain() {
        for bytes in [
            &b""[..],
            b"\r\n",
            b"H",
            b"HTTP/1",
            b"\0",
            b"\0\0\x06\x04\0\0\0\0",
            b"\x15\x03\x01\0",
            b"SSH",
            b"-",
            b"-ERR",
            b"J\0\0\0",
        ] {
            assert_eq!(Spoken::of(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn every_protocol_is_recognized_by_its_last_byte_and_not_before() {
        for (bytes, expected) in STARTS {
            for end in 0..bytes.len() {
                assert_eq!(Spoken::of(&bytes[..end]), None, "{bytes:?}");
            }
            assert_eq!(Spoken::of(bytes), Some(expected));
        }
    }
}
