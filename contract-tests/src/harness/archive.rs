//! Writes the exchanges of a run as an HTTP Archive, without what belongs to one machine or one moment.

use crate::objects::json;
use crate::record::Exchange;
use crate::suite::RunReport;
use crate::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::json as std_json;
use std::fs;
use std::path::Path;

/// Headers that depend on the machine or the moment.
const OF_A_MACHINE: [&str; 4] = ["date", "content-length", "server", "user-agent"];

/// Headers whose values are credentials.
const CREDENTIALS: [&str; 6] =
    ["authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key", "x-auth-token"];

/// Replaces the archive at `path`, unless a case had no result: a recording of part of a run would lose the rest.
pub(super) fn replace(path: &Path, report: &RunReport, exchanges: &[Exchange]) -> Result<(), String> {
    if report.is_incomplete() {
        return Err(format!(
            "not all cases had responses, so {} is not replaced{}",
            path.display(),
            reason(report)
        ));
    }
    fs::write(path, to_har(exchanges)).map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns the first reason why a run is incomplete, to follow a sentence.
pub(super) fn reason(report: &RunReport) -> String {
    let of_case = || report.failed.first().map(|case| format!("{}: {}", case.name, case.reason));
    report.aborted.clone().or_else(of_case).map_or_else(String::new, |reason| format!(": {reason}"))
}

/// Returns the archive, with an entry on each line.
fn to_har(exchanges: &[Exchange]) -> String {
    let entries: Vec<String> = exchanges.iter().map(entry).collect();
    format!("{{\"log\":{{\"version\":\"1.2\",\"entries\":[\n{}\n]}}}}\n", entries.join(",\n"))
}

fn entry(Exchange { request, response, .. }: &Exchange) -> String {
    let post_data = match str::from_utf8(request.body()) {
        Ok(text) => std_json!({"text": text}),
        // HAR defines an encoding of responses only.
        Err(_) => std_json!({"text": STANDARD.encode(request.body()), "_encoding": "base64"}),
    };
    let content = match str::from_utf8(response.body()) {
        Ok(text) => std_json!({"text": without_stack(text)}),
        Err(_) => std_json!({"text": STANDARD.encode(response.body()), "encoding": "base64"}),
    };
    let entry = std_json!({
        "request": {
            "method": request.method().as_str(),
            "url": format!("http://service{}", request.uri()),
            "headers": headers(request.headers()),
            "postData": post_data,
        },
        "response": {
            "status": response.status().as_u16(),
            "headers": headers(response.headers()),
            "content": content,
        },
    });
    entry.to_string()
}

fn headers(headers: &HeaderMap) -> Vec<serde_json::Value> {
    let is_kept = |name: &str| !OF_A_MACHINE.contains(&name) && !CREDENTIALS.contains(&name);
    let kept = headers.iter().filter(|(name, value)| is_kept(name.as_str()) && !value.is_sensitive());
    kept.map(|(name, value)| std_json!({"name": name.as_str(), "value": String::from_utf8_lossy(value.as_bytes())}))
        .collect()
}

/// Returns a body, in which a stack trace, which has paths of the machine, is replaced.
fn without_stack(body: &str) -> String {
    if let Some(Value::Object(mut error)) = json(body.as_bytes())
        && let Some(Value::String(stack)) = error.get_mut("stack")
    {
        stack.truncate(stack.find('\n').unwrap_or(stack.len()));
        return Value::Object(error).to_string();
    }
    body.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{replace, to_har, without_stack};
    use crate::record::Exchange;
    use crate::suite::RunReport;
    use http::HeaderValue;
    use wiretrait::test_kit::Cassette;
    use wiretrait::{Request, Response};

    fn exchange(sent: &'static [u8], received: &'static [u8]) -> Exchange {
        let mut request = Request::new(sent.into());
        *request.uri_mut() = "/notes?a=b".parse().unwrap();
        Exchange { operation: "note", request, response: Response::new(received.into()) }
    }

    #[test]
    fn an_incomplete_run_does_not_replace_a_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording.har");
        replace(&path, &RunReport::default(), &[exchange(b"", b"kept")]).unwrap();
        let stopped = RunReport { aborted: Some("it was stopped".to_owned()), ..RunReport::default() };
        let error = replace(&path, &stopped, &[]).unwrap_err();
        assert!(error.contains("not replaced: it was stopped"), "{error}");
        assert!(std::fs::read_to_string(&path).unwrap().contains("kept"));
    }

    #[test]
    fn a_stack_trace_has_only_its_first_line() {
        let body = r#"{"code":"X","stack":"X: why\n    at /home/ann/service.js:1:2","cause":"y"}"#;
        assert_eq!(without_stack(body), r#"{"code":"X","stack":"X: why","cause":"y"}"#);
        assert_eq!(without_stack(r#"["stack"]"#), r#"["stack"]"#);
    }

    #[test]
    fn credentials_are_not_recorded() {
        let mut exchange = exchange(b"", b"");
        let mut key = HeaderValue::from_static("s3cr3t");
        key.set_sensitive(true);
        for (name, value) in [
            ("authorization", HeaderValue::from_static("Bearer s3cr3t")),
            ("cookie", HeaderValue::from_static("id=s3cr3t")),
            ("x-tenant-key", key),
        ] {
            exchange.request.headers_mut().insert(name, value);
        }
        exchange.response.headers_mut().insert("set-cookie", HeaderValue::from_static("id=s3cr3t"));
        exchange.response.headers_mut().insert("etag", HeaderValue::from_static("\"1\""));
        let har = to_har(&[exchange]);
        assert!(!har.contains("s3cr3t") && har.contains("etag"), "{har}");
    }

    #[test]
    fn bodies_that_are_not_utf8_are_recorded_in_full() {
        let har = to_har(&[exchange(b"\xff\x00", b"\xfe\x01")]);
        assert!(Cassette::from_har(har.as_bytes()).is_ok());
        assert!(har.contains("\"/wA=\"") && har.contains("\"/gE=\""), "{har}");
    }
}
