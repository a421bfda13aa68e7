//! Recordings of a run as HTTP Archives, without what belongs to one machine.

use crate::objects::json;
use crate::value::Value;
use serde_json::json as std_json;
use std::sync::{Arc, Mutex, PoisonError};
use wiretrait::{Call, Encoding, Error, Request, Response, Transport};

/// The entries of a recording. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedRecording(Arc<Mutex<Vec<String>>>);

impl SharedRecording {
    fn add(&self, request: &Request, response: &Response) {
        let headers = |headers: &http::HeaderMap| {
            let of_contract = headers.iter().filter(|(name, _)| !OF_A_MACHINE.contains(&name.as_str()));
            let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| std_json!({"name": name.as_str(), "value": String::from_utf8_lossy(value.as_bytes())});
            of_contract.map(header).collect::<Vec<_>>()
        };
        let entry = std_json!({
            "request": {
                "method": request.method().as_str(),
                "url": format!("http://service{}", request.uri()),
                "headers": headers(request.headers()),
                "postData": {"text": String::from_utf8_lossy(request.body())},
            },
            "response": {
                "status": response.status().as_u16(),
                "headers": headers(response.headers()),
                "content": {"text": without_stack(response.body())},
            },
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry.to_string());
    }

    /// Returns the recording, with an entry on each line.
    pub(super) fn to_har(&self) -> String {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner).join(",\n");
        format!("{{\"log\":{{\"version\":\"1.2\",\"entries\":[\n{entries}\n]}}}}\n")
    }
}

/// The headers that depend on the machine or the moment.
const OF_A_MACHINE: [&str; 4] = ["date", "content-length", "server", "user-agent"];

/// Returns a body, in which a stack trace, which has paths of the machine, is replaced.
fn without_stack(body: &[u8]) -> String {
    if let Some(Value::Object(mut error)) = json(body)
        && let Some(Value::String(stack)) = error.get_mut("stack")
    {
        stack.truncate(stack.find('\n').unwrap_or(stack.len()));
        return Value::Object(error).to_string();
    }
    String::from_utf8_lossy(body).into_owned()
}

/// A transport that records every exchange.
#[derive(Clone, Debug)]
pub(super) struct RecordingTransport<T> {
    transport: T,
    recording: SharedRecording,
}

impl<T> RecordingTransport<T> {
    pub(super) fn new(transport: T, recording: SharedRecording) -> Self {
        Self { transport, recording }
    }
}

impl<T: Transport> Transport for RecordingTransport<T> {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let request = call.request.clone();
        let response = self.transport.send(call).await?;
        self.recording.add(&request, &response);
        Ok(response)
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn encoding(&self) -> Encoding {
        self.transport.encoding()
    }
}

#[cfg(test)]
mod tests {
    use super::without_stack;

    #[test]
    fn a_stack_trace_has_only_its_first_line() {
        let body = r#"{"code":"X","stack":"X: why\n    at /home/ann/service.js:1:2","cause":"y"}"#;
        assert_eq!(without_stack(body.as_bytes()), r#"{"code":"X","stack":"X: why","cause":"y"}"#);
        assert_eq!(without_stack(br#"["stack"]"#), r#"["stack"]"#);
    }
}
