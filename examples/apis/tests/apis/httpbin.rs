//! httpbin, itself.

use super::support::{config, over_both};
use apis::httpbin::{Filter, Httpbin, HttpbinClient, Login, Order};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;
use wiretrait::codec::Part;
use wiretrait::http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::{ClientConfig, Error, ErrorKind};

fn settings() -> Option<ClientConfig> {
    config("HTTPBIN_URL")
}

#[tokio::test]
async fn a_get_request_arrives_with_all_styles_of_values() {
    over_both!(client: HttpbinClient = settings(); {
        let id = Uuid::from_u128(7);
        let filter = Filter { author: None, tag: vec!["a&b".to_owned(), "c".to_owned()] };
        let received = client
            .get("shelf/a b/ü", &["1", "2"], &[3, 4], &["5", "6"], Some(Order::NewestFirst), Some(id), &filter)
            .await
            .unwrap();
        assert_eq!(received.method, "GET");
        assert!(received.url.contains("/anything/shelf/a%20b/ü?"), "{}", received.url);
        let args = json!({
            "repeated": ["1", "2"],
            "comma": "3,4",
            "brackets[]": ["5", "6"],
            "order": "newest-first",
            "id": "00000000-0000-0000-0000-000000000007",
            "tag": ["a&b", "c"],
        });
        assert_eq!(serde_json::to_value(received.args).unwrap(), args);
        assert_eq!(received.headers["Accept"], "application/json");
        assert!(!received.headers.contains_key("Content-Type"));
    });
}

#[tokio::test]
async fn json_bodies_arrive_and_absent_differs_from_null() {
    over_both!(client: HttpbinClient = settings(); {
        let received = client.post("Emma", None).await.unwrap();
        assert_eq!((received.method.as_str(), received.json), ("POST", Some(json!({"title": "Emma", "pages": null}))));
        assert_eq!(received.headers["Content-Type"], "application/json");

        for (title, author, expected) in [
            (None, None, json!({})),
            (Some("Emma"), None, json!({"title": "Emma"})),
            (None, Some(None), json!({"author": null})),
            (None, Some(Some("Jane")), json!({"author": "Jane"})),
        ] {
            let received = client.patch(title, author).await.unwrap();
            assert_eq!((received.method.as_str(), received.json), ("PATCH", Some(expected)));
        }

        let received = client.delete(None).await.unwrap();
        assert_eq!((received.method.as_str(), received.data.as_str()), ("DELETE", ""));
        assert!(!received.headers.contains_key("Content-Type"), "{received:?}");
        let received = client.delete(Some("old")).await.unwrap();
        assert_eq!(received.json, Some(json!({"reason": "old"})));
    });
}

#[tokio::test]
async fn bytes_and_text_arrive_unchanged() {
    over_both!(client: HttpbinClient = settings(); {
        let bytes = [0, 159, 146, 150, b'\r', b'\n'];
        let received = client.put(&bytes, None).await.unwrap();
        let data = format!("data:application/octet-stream;base64,{}", BASE64_STANDARD.encode(bytes));
        assert_eq!((received.method.as_str(), received.data), ("PUT", data));
        assert_eq!(received.headers["Content-Type"], "application/octet-stream");
        assert_eq!(received.headers["Content-Length"], "6");
        let received = client.put(b"<a/>", Some("application/xml")).await.unwrap();
        assert_eq!((received.data.as_str(), received.headers["Content-Type"].as_str()), ("<a/>", "application/xml"));

        let received = client.post_text("naïve ✓").await.unwrap();
        assert_eq!(received.data, "naïve ✓");
        assert_eq!(received.headers["Content-Type"], "text/plain; charset=utf-8");
    });
}

#[tokio::test]
async fn forms_arrive_from_fields_and_from_structs() {
    over_both!(client: HttpbinClient = settings(); {
        let expected = json!({"user": "Ann & Bob=", "scope": ["read", "write"]});
        let received = client.post_form("Ann & Bob=", &["read", "write"]).await.unwrap();
        assert_eq!(serde_json::to_value(received.form).unwrap(), expected);
        assert_eq!(received.headers["Content-Type"], "application/x-www-form-urlencoded");
        let login = Login { user: "Ann & Bob=".to_owned(), scope: vec!["read".to_owned(), "write".to_owned()] };
        let received = client.post_login(&login).await.unwrap();
        assert_eq!(serde_json::to_value(received.form).unwrap(), expected);
    });
}

#[tokio::test]
async fn files_arrive() {
    over_both!(client: HttpbinClient = settings(); {
        let content = "one\r\n--wiretrait-part-0000000000000000";
        let text = Part::file("a \"b\".txt", content).with_media_type("text/plain");
        let cover = Part::file("c.png", vec![b'x'; 100_000]);
        let received = client.upload("two files", text, Some(cover)).await.unwrap();
        assert_eq!(serde_json::to_value(received.form).unwrap(), json!({"title": "two files"}));
        assert_eq!(received.files["text"], content);
        assert_eq!(received.files["cover"].as_str().map(str::len), Some(100_000));
        assert!(received.headers["Content-Type"].starts_with("multipart/form-data; boundary="));
    });
}

#[tokio::test]
async fn head_and_options_return_headers() {
    over_both!(client: HttpbinClient = settings(); {
        let head = client.head().await.unwrap();
        assert_eq!((head.status().as_u16(), head.header("content-type")), (200, Some("application/json")));
        assert!(head.headers().contains_key("content-length"));
        // The connection is still usable: nothing waits for the body that the length announces.
        client.head().await.unwrap();
        let options = client.options().await.unwrap();
        let mut allowed: Vec<_> = options.header("allow").unwrap().split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed, ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]);
    });
}

#[tokio::test]
async fn constants_are_sent_with_each_request() {
    over_both!(client: HttpbinClient = settings(); {
        let received = client.constants().await.unwrap();
        assert_eq!(received.headers["X-Library"], "wiretrait");
        assert_eq!(serde_json::to_value(received.args).unwrap(), json!({"version": "2"}));
    });
}

/// Checks the outcome of a call for which the server responded with `code`.
fn assert_status(code: u16, outcome: &Result<u16, Error>) {
    match (code, outcome) {
        (200..=299, Ok(status)) => assert_eq!(*status, code),
        (300..=599, Err(error)) => {
            // Only proxies respond with 407.
            let kind = if code == 407 { ErrorKind::Proxy } else { ErrorKind::Service };
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(error.status().map(|status| status.as_u16()), Some(code), "{error}");
            assert!(error.to_string().contains(&code.to_string()), "{error}");
            assert!(!error.to_string().contains("proxy") || code == 407, "{error}");
            let is_redirect = [301, 302, 303, 307, 308].contains(&code);
            assert!(!is_redirect || error.to_string().contains("redirect"), "{error}");
            assert!(code != 304 || !error.to_string().contains("redirect"), "{error}");
            assert_eq!(error.is_retryable(), [408, 429, 502, 503, 504].contains(&code), "{error}");
        }
        _ => panic!("{code}: {outcome:?}"),
    }
}

#[tokio::test]
async fn every_status_from_200_to_599_is_reported_unchanged() {
    over_both!(client: HttpbinClient = settings(); {
        for code in 200..=599 {
            assert_status(code, &client.status(code).await.map(|response| response.status().as_u16()));
        }
    });
}

#[tokio::test]
async fn statuses_are_the_same_for_each_verb() {
    over_both!(client: HttpbinClient = settings(); {
        for code in [200, 201, 202, 204, 301, 304, 308, 400, 401, 404, 409, 418, 422, 500, 503] {
            for outcome in [
                client.post_status(code).await,
                client.put_status(code).await,
                client.patch_status(code).await,
                client.delete_status(code).await,
                client.head_status(code).await,
            ] {
                assert_status(code, &outcome.map(|response| response.status().as_u16()));
            }
        }
    });
}

/// The server sends an informational status as if it were the last one, so that the client waits for another response.
#[tokio::test]
async fn an_informational_status_is_not_a_response() {
    let impatient = settings().map(|config| config.with_timeout(Duration::from_millis(300)));
    over_both!(client: HttpbinClient = impatient; {
        for code in [100, 102, 103] {
            let error = client.status(code).await.unwrap_err();
            assert!([ErrorKind::Timeout, ErrorKind::Transport].contains(&error.kind()), "{code}: {error}");
            assert_eq!(error.status(), None);
        }
        let error = client.status(101).await.unwrap_err();
        assert_eq!((error.kind(), error.status().map(|status| status.as_u16())), (ErrorKind::Transport, Some(101)));
    });
}

#[tokio::test]
async fn compressed_bodies_are_decompressed() {
    for accepts in [false, true] {
        over_both!(client: HttpbinClient = settings().map(|config| config.with_compression(accepts)); {
            for encoding in ["gzip", "deflate", "brotli"] {
                let received = client.compressed(encoding).await.unwrap();
                let flags = [received.gzipped, received.deflated, received.brotli];
                assert_eq!(flags, ["gzip", "deflate", "brotli"].map(|one| one == encoding), "{encoding}");
            }
        });
    }
}

#[tokio::test]
async fn text_documents_and_images_are_read() {
    over_both!(client: HttpbinClient = settings(); {
        let page = client.utf8().await.unwrap();
        for sample in ["∮ E⋅da = Q", "οὐ", "გთხოვთ", "⡌⠁⠧⠑"] {
            assert!(page.contains(sample), "{sample}");
        }
        for (name, start, media_type) in [
            ("html", "<!DOCTYPE html>", "text/html; charset=utf-8"),
            ("xml", "<?xml version='1.0'", "application/xml"),
            ("robots.txt", "User-agent: *", "text/plain"),
        ] {
            let document = client.document(name).await.unwrap();
            assert!(document.trim_start().starts_with(start), "{name}");
            assert_eq!(document.header("content-type"), Some(media_type));
        }
        assert_eq!(client.decode("aGVsbG8gd29ybGQ=").await.unwrap(), "hello world");
        assert_eq!(client.uuid().await.unwrap().uuid.get_version_num(), 4);
        for (format, start) in [("png", &b"\x89PNG"[..]), ("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF"), ("svg", b"<svg")] {
            let image = client.image(format).await.unwrap();
            assert!(image.starts_with(start), "{format}");
            assert!(image.header("content-type").unwrap().starts_with("image/"));
        }
    });
}

#[tokio::test]
async fn streams_are_read_to_their_end() {
    over_both!(client: HttpbinClient = settings(); {
        let lines = client.stream(20).await.unwrap();
        assert_eq!(lines.iter().map(|line| line.id).collect::<Vec<_>>(), (0..20).map(Some).collect::<Vec<_>>());
        let bytes = client.stream_bytes(50_000, 7, 1000).await.unwrap();
        assert_eq!((bytes.len(), &bytes), (50_000, &client.stream_bytes(50_000, 7, 333).await.unwrap()));
        assert_eq!(client.drip(10, 0.2, 203).await.unwrap(), "**********");
    });
}

#[tokio::test]
async fn a_slow_response_is_a_timeout() {
    over_both!(client: HttpbinClient = settings(); {
        client.delay(0.05).await.unwrap();
        let error = client.delay(2.0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    });
    let impatient = settings().map(|config| config.with_timeout(Duration::from_millis(300)));
    over_both!(client: HttpbinClient = impatient; {
        // The headers arrive at once, and the body does not.
        let error = client.drip(10, 3.0, 200).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    });
}

#[tokio::test]
async fn a_response_over_the_limit_is_an_error() {
    over_both!(client: HttpbinClient = settings().map(|config| config.with_max_response_bytes(1000)); {
        assert_eq!(client.stream_bytes(1000, 1, 100).await.unwrap().len(), 1000);
        let error = client.stream_bytes(1001, 1, 100).await.unwrap_err();
        assert!(error.to_string().contains("1000"), "{error}");
    });
}

#[tokio::test]
async fn a_redirect_is_an_error_with_its_address() {
    over_both!(client: HttpbinClient = settings(); {
        for status in [301, 302, 303, 307, 308] {
            let error = client.redirect_to("http://127.0.0.1:9/elsewhere", status).await.unwrap_err();
            assert_status(status, &Err(error));
            let error = client.redirect_to("http://127.0.0.1:9/elsewhere", status).await.unwrap_err();
            assert_eq!(error.headers().unwrap()["location"], "http://127.0.0.1:9/elsewhere");
        }
    });
}

#[tokio::test]
async fn ranges_are_partial_content() {
    over_both!(client: HttpbinClient = settings(); {
        let whole = client.range(26, None).await.unwrap();
        assert_eq!((whole.status().as_u16(), &whole[..]), (200, &b"abcdefghijklmnopqrstuvwxyz"[..]));
        let part = client.range(26, Some("bytes=2-4")).await.unwrap();
        assert_eq!((part.status().as_u16(), &part[..]), (206, &b"cde"[..]));
        assert_eq!(part.header("content-range"), Some("bytes 2-4/26"));
        let error = client.range(26, Some("bytes=30-40")).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(416));
        assert_eq!(error.headers().unwrap()["content-range"], "bytes */26");
    });
}

#[tokio::test]
async fn conditional_requests_have_304_as_none_or_as_an_error() {
    over_both!(client: HttpbinClient = settings(); {
        let first = client.if_changed("v1", None).await.unwrap();
        assert_eq!((first.status().as_u16(), first.header("etag"), first.is_some()), (200, Some("v1"), true));
        let second = client.if_changed("v1", Some("v1")).await.unwrap();
        assert_eq!((second.status().as_u16(), second.header("etag"), second.is_none()), (304, Some("v1"), true));
        assert!(client.if_changed("v2", Some("v1")).await.unwrap().is_some());

        client.if_match("v1", "v1").await.unwrap();
        assert_status(412, &client.if_match("v1", "v2").await.map(|response| response.status().as_u16()));
        let fresh = client.cache(None).await.unwrap();
        let modified = fresh.header("last-modified").unwrap();
        assert_status(304, &client.cache(Some(modified)).await.map(|response| response.status().as_u16()));
    });
}

#[tokio::test]
async fn response_headers_and_cookies_are_returned() {
    over_both!(client: HttpbinClient = settings(); {
        let response = client.response_headers(&[("x-list", "1"), ("x-list", "2"), ("x-one", "a b")]).await.unwrap();
        let list: Vec<_> = response.headers().get_all("x-list").iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!((list, response.header("x-one")), (vec!["1", "2"], Some("a b")));
        assert_eq!(response["x-list"], json!(["1", "2"]));

        let cookies = client.cookies("a=1; b=two").await.unwrap().cookies;
        assert_eq!(serde_json::to_value(cookies).unwrap(), json!({"a": "1", "b": "two"}));
        let error = client.set_cookie("session", "secret-7").await.unwrap_err();
        let set = &error.headers().unwrap()["set-cookie"];
        assert!(set.to_str().unwrap().starts_with("session=secret-7"));
        assert!(!format!("{error} {error:?}").contains("secret-7"));
    });
}

#[tokio::test]
async fn credentials_are_accepted_and_rejected() {
    over_both!(client: HttpbinClient = settings(); {
        let basic = |password: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("ann:{password}")));
        let accepted = client.basic_auth("ann", "p@ss", &basic("p@ss")).await.unwrap();
        assert_eq!((accepted.authenticated, accepted.user.as_deref()), (true, Some("ann")));
        let error = client.basic_auth("ann", "p@ss", &basic("wrong")).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
        assert!(error.headers().unwrap().contains_key("www-authenticate"));
        assert_eq!(client.bearer().await.unwrap_err().status().map(|status| status.as_u16()), Some(401));
    });
    let token = HeaderValue::from_static("Bearer token-7");
    over_both!(client: HttpbinClient = settings().map(|config| config.with_header(AUTHORIZATION, token.clone())); {
        let accepted = client.bearer().await.unwrap();
        assert_eq!((accepted.authenticated, accepted.token.as_deref()), (true, Some("token-7")));
    });
}
