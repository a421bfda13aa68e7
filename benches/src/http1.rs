//! A minimal HTTP/1.1 parser, which only finds the end of a message.

use anyhow::{Context, Result, bail};
use httparse::{EMPTY_HEADER, Header, Request, Response, Status};

/// Upper bound of the headers in a message; more than any client or service here sends.
const MAX_HEADERS: usize = 32;

/// Returns the length and the target of the request at the start of `bytes`, or `None` if it is incomplete.
///
/// # Errors
///
/// If the request is not valid HTTP/1.1 or has no valid `Content-Length`.
pub(crate) fn request(bytes: &[u8]) -> Result<Option<(usize, &str)>> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    let Status::Complete(head) = request.parse(bytes).context("the request is not valid HTTP/1.1")? else {
        return Ok(None);
    };
    let length = head + body(request.headers)?;
    Ok((bytes.len() >= length).then_some((length, request.path.unwrap_or_default())))
}

/// Returns the lengths of the head and of the whole response at the start of `bytes`, or `None` if it is
/// incomplete.
///
/// # Errors
///
/// If the response is not valid HTTP/1.1, its status is not 200, or it has no valid `Content-Length`.
pub(crate) fn response(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head) = response.parse(bytes).context("the response is not valid HTTP/1.1")? else {
        return Ok(None);
    };
    if response.code != Some(200) {
        bail!(
            "the service responded with {}: {}",
            response.code.unwrap_or(0),
            String::from_utf8_lossy(bytes)
        );
    }
    let length = head + body(response.headers)?;
    Ok((bytes.len() >= length).then_some((head, length)))
}

fn body(headers: &[Header<'_>]) -> Result<usize> {
    let length = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("the message has no Content-Length")?;
    let value = std::str::from_utf8(length.value)?;
    value.trim().parse().with_context(|| format!("Content-Length {value:?} is not a valid number"))
}

#[cfg(test)]
mod tests {
    use super::{request, response};

    #[test]
    fn a_message_is_complete_when_its_body_is_complete() {
        let message = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(request(&message[..10]).unwrap(), None);
        assert_eq!(request(&message[..message.len() - 1]).unwrap(), None);
        assert_eq!(request(message).unwrap(), Some((message.len(), "/a")));

        let message = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200";
        assert_eq!(response(&message[..38]).unwrap(), None);
        assert_eq!(response(message).unwrap(), Some((38, 40)));
    }

    #[test]
    fn a_response_with_an_error_status_is_an_error() {
        let error = response(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap_err();
        assert!(error.to_string().starts_with("the service responded with 503"), "{error}");
    }

    #[test]
    fn a_message_without_content_length_is_an_error() {
        let error = response(b"HTTP/1.1 200 OK\r\n\r\n").unwrap_err();
        assert_eq!(error.to_string(), "the message has no Content-Length");
    }
}
