//! As much of HTTP/1.1 as a fixed-answer server and a client at the limit need: where a message ends.

use anyhow::{Context, Result, bail};
use httparse::{EMPTY_HEADER, Header, Request, Response, Status};

/// More than any client or service here sends.
const MAX_HEADERS: usize = 32;

/// The length of the request at the start of `bytes` and its target, once it is there as a whole.
///
/// # Errors
///
/// When it is no HTTP/1.1, or does not say how long its body is.
pub(crate) fn request(bytes: &[u8]) -> Result<Option<(usize, &str)>> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    let Status::Complete(head) = request.parse(bytes).context("a request that is no HTTP/1.1")? else {
        return Ok(None);
    };
    let length = head + body(request.headers)?;
    Ok((bytes.len() >= length).then_some((length, request.path.unwrap_or_default())))
}

/// The length of the head and of the whole response at the start of `bytes`, once it is there as a whole.
///
/// # Errors
///
/// When it is no HTTP/1.1, no success, or does not say how long its body is.
pub(crate) fn response(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head) = response.parse(bytes).context("a response that is no HTTP/1.1")? else {
        return Ok(None);
    };
    if response.code != Some(200) {
        bail!("the service answers {}: {}", response.code.unwrap_or(0), String::from_utf8_lossy(bytes));
    }
    let length = head + body(response.headers)?;
    Ok((bytes.len() >= length).then_some((head, length)))
}

fn body(headers: &[Header<'_>]) -> Result<usize> {
    let length = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("a message without Content-Length")?;
    let text = std::str::from_utf8(length.value)?;
    text.trim().parse().with_context(|| format!("a Content-Length that is no number: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::{request, response};

    #[test]
    fn a_message_is_there_once_its_body_is() {
        let text = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(request(&text[..10]).unwrap(), None);
        assert_eq!(request(&text[..text.len() - 1]).unwrap(), None);
        assert_eq!(request(text).unwrap(), Some((text.len(), "/a")));

        let text = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200";
        assert_eq!(response(&text[..38]).unwrap(), None);
        assert_eq!(response(text).unwrap(), Some((38, 40)));
    }

    #[test]
    fn an_answer_that_is_no_success_is_no_answer_that_counts() {
        let error = response(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap_err();
        assert!(error.to_string().starts_with("the service answers 503"), "{error}");
    }

    #[test]
    fn a_message_without_a_length_is_refused() {
        let error = response(b"HTTP/1.1 200 OK\r\n\r\n").unwrap_err();
        assert_eq!(error.to_string(), "a message without Content-Length");
    }
}
