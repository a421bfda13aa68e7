//! Messages of HTTP in inputs, without their framing.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use sessions_client::Response;

/// Returns the bytes before the first blank line, and those after it.
pub fn split_at_blank_line(input: &[u8]) -> (&[u8], &[u8]) {
    let blank = b"\r\n\r\n";
    match input.windows(blank.len()).position(|window| window == blank) {
        Some(start) => (&input[..start], &input[start + blank.len()..]),
        None => (input, &[]),
    }
}

/// Returns the valid headers among lines.
pub fn headers(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

/// Returns the response whose status is the first line of `head`, and whose headers are the others.
pub fn response(head: &[u8], body: &[u8]) -> Response {
    let mut response = Response::new(body.to_vec().into());
    let status = head.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    if let Ok(status) = http::StatusCode::from_bytes(status) {
        *response.status_mut() = status;
    }
    *response.headers_mut() = headers(head);
    response
}
