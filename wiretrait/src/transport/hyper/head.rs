//! Repair of response heads that hyper rejects: malformed lines are skipped, as curl and browsers do.
//!
//! hyper can skip them itself, but without a report, so that a malformed `Content-Length` would be lost and the
//! body read to the wrong end.

use crate::error::Error;
use crate::transport::protocol::{MAX_HEAD_BYTES, invalid_framing, invalid_response, too_large};
use memchr::memchr;

/// The received part of a response whose head is repaired. Each byte is read once, however small the segments are.
pub(super) struct Repair {
    received: Vec<u8>,
    /// The start of the current head. Those of interim responses are before it.
    head: usize,
    /// The start of the current line.
    line: usize,
    /// The end of the bytes without a further line end.
    scanned: usize,
}

impl Repair {
    pub(super) fn new(received: Vec<u8>) -> Self {
        Self { received, head: 0, line: 0, scanned: 0 }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// Returns the received part of the current head.
    pub(super) fn incomplete(&self) -> &[u8] {
        &self.received[self.head..]
    }

    /// Returns the head of the final response without its malformed lines, and the bytes after it; `None` if the
    /// head is incomplete. Heads of interim responses are removed.
    pub(super) fn finish(&mut self, origin: &str) -> Result<Option<Vec<u8>>, Error> {
        while let Some(length) = memchr(b'\n', &self.received[self.scanned..]) {
            let end = self.scanned + length;
            let is_blank = self.line > self.head && matches!(self.received[self.line..end], [] | [b'\r']);
            self.scanned = end + 1;
            self.line = end + 1;
            if is_blank && let Some(head) = repair_one(origin, &self.received[self.head..])? {
                if !head.is_interim {
                    return Ok(Some([&head.lines[..], head.after].concat()));
                }
                self.head = self.line;
            }
        }
        self.scanned = self.received.len();
        if self.received.len() < MAX_HEAD_BYTES { Ok(None) } else { Err(too_large(origin)) }
    }
}

/// A complete head.
struct Head<'r> {
    /// The valid lines.
    lines: Vec<u8>,
    is_interim: bool,
    /// The bytes after it.
    after: &'r [u8],
}

/// Returns the first head in `received`, or `None` if it is incomplete.
fn repair_one<'r>(origin: &str, received: &'r [u8]) -> Result<Option<Head<'r>>, Error> {
    let mut rest = received;
    let mut lines = Vec::with_capacity(received.len());
    let Some(status) = next_line(origin, &mut rest)? else { return Ok(None) };
    // "HTTP/1.1 100", but not 101.
    let is_interim = status.get(9) == Some(&b'1') && status.get(9..12) != Some(b"101");
    lines.extend_from_slice(status);
    let mut line = Vec::new();
    loop {
        let Some(next) = next_line(origin, &mut rest)? else { return Ok(None) };
        if next.starts_with(b" ") || next.starts_with(b"\t") {
            // Obsolete folding: the line continues the value of the line before.
            line.push(b' ');
            line.extend_from_slice(next.trim_ascii());
            continue;
        }
        if is_valid(&line) {
            lines.extend_from_slice(b"\r\n");
            lines.extend_from_slice(&line);
        } else if let Some(header) = framing(&line) {
            return Err(invalid_framing(origin, header));
        }
        if next.is_empty() {
            lines.extend_from_slice(b"\r\n\r\n");
            return Ok(Some(Head { lines, is_interim, after: rest }));
        }
        line.clear();
        line.extend_from_slice(next);
    }
}

/// Returns the next line without its end, or `None` if it is incomplete. Zero bytes and carriage returns within
/// a line are errors, because programs disagree on where such a line ends.
fn next_line<'r>(origin: &str, rest: &mut &'r [u8]) -> Result<Option<&'r [u8]>, Error> {
    let Some(end) = memchr(b'\n', rest) else { return Ok(None) };
    let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
    *rest = &rest[end + 1..];
    if line.iter().any(|byte| matches!(byte, 0 | b'\r')) {
        return Err(invalid_response(origin, "has a header section that cannot be parsed"));
    }
    Ok(Some(line))
}

/// Returns whether hyper accepts a line.
fn is_valid(line: &[u8]) -> bool {
    let Some(colon) = memchr(b':', line) else { return false };
    let (name, value) = line.split_at(colon);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty()
        && name.iter().all(is_token)
        && value.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}

/// Returns the header that determines the end of the response if `line` may be a malformed one.
fn framing(line: &[u8]) -> Option<&'static str> {
    let name = &line[..memchr(b':', line).unwrap_or(line.len())];
    let letters: Vec<u8> =
        name.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    [("Content-Length", &b"contentlength"[..]), ("Transfer-Encoding", b"transferencoding")]
        .into_iter()
        .find(|(_, known)| letters.starts_with(known))
        .map(|(header, _)| header)
}

#[cfg(test)]
mod tests {
    use super::Repair;
    use crate::error::{Error, ErrorKind};

    fn repair(origin: &str, received: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Repair::new(received.to_vec()).finish(origin)
    }

    fn repaired(received: &str) -> Option<String> {
        let head = repair("http://localhost", received.as_bytes()).unwrap();
        head.map(|head| String::from_utf8(head).unwrap())
    }

    #[test]
    fn malformed_lines_are_removed() {
        for line in [
            "PHP Warning: something in index.php",
            "PHP Warning",
            ": no name",
            "X : 1",
            "X\u{1}: 1",
            "X: 1\u{1}",
            "X: 1\u{7f}",
            "X: 1\u{1b}\r\n continued",
            " 1",
            "\t1",
            "Süd: 1",
        ] {
            for end in ["\r\n", "\n"] {
                let received = ["HTTP/1.1 200 OK", line, "A: 1", line, "B: 2", "", "{}"].join(end);
                let expected = "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n{}";
                let expected = if line.starts_with([' ', '\t']) {
                    expected.replace("A: 1", "A: 1 1")
                } else {
                    expected.to_owned()
                };
                assert_eq!(repaired(&received), Some(expected), "{line:?}");
            }
        }
    }

    #[test]
    fn folded_values_are_joined() {
        let received = "HTTP/1.1 200 OK\r\nA: 1\r\n\t 2\r\n  3 \r\nContent-Length:\r\n 0\r\n\r\n";
        let expected = "HTTP/1.1 200 OK\r\nA: 1 2 3\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(repaired(received).as_deref(), Some(expected));
    }

    #[test]
    fn interim_responses_are_removed() {
        let received = "HTTP/1.1 103 Early Hints\r\nBad\r\n\r\nHTTP/1.1 100\r\n\r\nHTTP/1.1 204 No Content\r\nA: 1\r\n\r\n";
        assert_eq!(repaired(received).as_deref(), Some("HTTP/1.1 204 No Content\r\nA: 1\r\n\r\n"));
        let received = "HTTP/1.1 101 Switching Protocols\r\nBad\r\n\r\n";
        assert_eq!(repaired(received).as_deref(), Some("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    }

    #[test]
    fn an_incomplete_head_is_not_repaired() {
        let received = "HTTP/1.1 100\r\n\r\nHTTP/1.1 200 OK\r\nBad\r\nA: 1\r\n\r\n";
        for length in 0..received.len() {
            assert_eq!(repaired(&received[..length]), None, "{length}");
        }
        assert!(repaired(received).is_some());
    }

    #[test]
    fn a_large_head_in_tiny_segments_is_repaired() {
        let line = format!("Bad\r\nA: {}\r\n", "x".repeat(500));
        let heads = [
            "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2000),
            format!("HTTP/1.1 200 OK\r\n{}\r\n", line.repeat(500)),
        ];
        let received = heads.concat();
        let mut head = Repair::new(Vec::new());
        let mut repaired = None;
        for byte in received.as_bytes() {
            assert_eq!(repaired, None);
            head.push(&[*byte]);
            repaired = head.finish("http://localhost").unwrap();
        }
        assert_eq!(repaired.unwrap(), heads[1].replace("Bad\r\n", "").as_bytes());
    }

    #[test]
    fn malformed_framing_is_an_error() {
        for line in [
            "Content-Length : 5",
            "Content-Length\t: 5",
            "content-length: 5\u{1}",
            "CONTENT-LENGTH\u{1}: 5",
            "\u{1}Content-Length: 5",
            "Content-Length 5",
            "Content-Length",
            "Content Length: 5",
            "Content-Length: \u{7f}",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding: chunked\u{b}",
            "Transfer-Encoding: chunked\r\n \u{1}",
            "A: 1\rContent-Length: 5",
            "Content-Length: 5\0",
        ] {
            let received = format!("HTTP/1.1 200 OK\r\nA: 1\r\n{line}\r\n\r\n");
            let error = repair("http://localhost", received.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{line:?}");
        }
    }
}
