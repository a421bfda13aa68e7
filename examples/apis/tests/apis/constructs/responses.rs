//! Responses, and what they become.

use super::rows;

rows! {
    empty_responses: "201, 202, 204, 205 without a body",
        form "`()` or `None`",
        peer "Retrofit, progenitor";
    list_on_204: "204 for a return type without an `Option`, such as `Vec`",
        form "an error: an absent list is not an empty one. Write `Option<Vec<T>>`",
        peer "–";
    not_modified: "304",
        form "reported as 304; `none = 304` makes it `None`",
        peer "Refit: in `ApiResponse<T>`";
    missing_is_none: "404 as `None`",
        form "`none = 404`, `none = [404, 410]`",
        peer "Feign `dismiss404`";
    text_and_bytes: "text and bytes",
        form "`response = Text`, `response = Binary`; `Bytes` is not copied",
        peer "conjure, progenitor, Refit";
    ignored_bodies: "`{}`, `{\"ok\":true}` or `OK` that do not matter",
        form "`Result<()>` takes any success",
        peer "Retrofit `ResponseBody`";
    status_and_headers: "status and headers next to the value",
        form "`Result<ResponseValue<T>>`",
        peer "Retrofit `Response<T>`, progenitor `ResponseValue<T>`";
    head_response: "the length and type of a resource, by HEAD",
        form "`Result<ResponseValue<()>>`, `Option` with `none = 404`",
        peer "Retrofit `@HEAD`";
    streams: "streams, responses over memory",
        form "not supported: a response is complete before it is decoded, so that retries, deadlines and recordings hold. Ranges, or \
             another client for such downloads; `with_max_response_bytes` for more than 16 MiB",
        peer "conjure, progenitor `ByteStream`";
}

mod checks {
    use super::super::{responding, wait};
    use wiretrait::bytes::Bytes;
    use wiretrait::codec::{Binary, Text};
    use wiretrait::{ClientConfig, ErrorKind, ResponseValue, Result, http_api};

    #[http_api(client = ResponsesClient, module = operations)]
    trait Responses {
        #[get("/unit")]
        async fn unit(&self) -> Result<()>;
        #[get("/optional")]
        async fn optional(&self) -> Result<Option<u32>>;
        #[get("/list")]
        async fn list(&self) -> Result<Vec<u32>>;
        #[get("/known", none = 304)]
        async fn if_changed(&self) -> Result<Option<u32>>;
        #[get("/missing", none = [404, 410])]
        async fn missing(&self) -> Result<Option<u32>>;
        #[get("/text", response = Text)]
        async fn get_text(&self) -> Result<String>;
        #[get("/bytes", response = Binary)]
        async fn get_bytes(&self) -> Result<Bytes>;
        #[get("/whole")]
        async fn whole(&self) -> Result<ResponseValue<Vec<u32>>>;
        #[head("/whole", none = 404)]
        async fn stat(&self) -> Result<ResponseValue<Option<()>>>;
        #[get("/range", response = Binary)]
        async fn range(&self, #[header("range")] range: &str) -> Result<ResponseValue<Bytes>>;
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    pub(super) fn empty_responses() {
        for status in [201, 202, 204, 205] {
            let client = ResponsesClient::new(responding(status, &[], ""));
            wait(client.unit()).unwrap();
            assert_eq!(wait(client.optional()).unwrap(), None);
        }
    }

    pub(super) fn list_on_204() {
        let error = wait(ResponsesClient::new(responding(204, &[], "")).list()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    }

    pub(super) fn not_modified() {
        let client = ResponsesClient::new(responding(304, &[], ""));
        assert_eq!(wait(client.if_changed()).unwrap(), None);
        let error = wait(client.optional()).unwrap_err().to_string();
        assert!(error.contains("304") && !error.contains("redirect"), "{error}");
    }

    pub(super) fn missing_is_none() {
        for status in [404, 410] {
            let client = ResponsesClient::new(responding(status, &[JSON], r#"{"message":"no"}"#));
            assert_eq!(wait(client.missing()).unwrap(), None);
            assert!(wait(client.optional()).is_err());
        }
        assert!(wait(ResponsesClient::new(responding(400, &[], "")).missing()).is_err());
    }

    pub(super) fn text_and_bytes() {
        let client = ResponsesClient::new(responding(200, &[("content-type", "text/csv")], "a,b\n"));
        assert_eq!(wait(client.get_text()).unwrap(), "a,b\n");
        assert_eq!(wait(client.get_bytes()).unwrap(), "a,b\n");
    }

    pub(super) fn ignored_bodies() {
        for body in ["", "{}", r#"{"ok":true}"#, "OK", "[1,", "<html>"] {
            wait(ResponsesClient::new(responding(200, &[], body)).unit()).unwrap();
        }
    }

    pub(super) fn status_and_headers() {
        let client =
            ResponsesClient::new(responding(203, &[JSON, ("link", "<next>"), ("etag", "\"1\"")], "[1,2]"));
        let response = wait(client.whole()).unwrap();
        assert_eq!(
            (response.status().as_u16(), response.header("link"), &response[..]),
            (203, Some("<next>"), &[1, 2][..])
        );
    }

    pub(super) fn head_response() {
        let found =
            wait(ResponsesClient::new(responding(200, &[("content-length", "7")], "")).stat()).unwrap();
        assert_eq!((found.is_some(), found.header("content-length")), (true, Some("7")));
        assert!(wait(ResponsesClient::new(responding(404, &[], "")).stat()).unwrap().is_none());
    }

    pub(super) fn streams() {
        let client = ResponsesClient::new(responding(206, &[("content-range", "bytes 0-3/9")], "abcd"));
        let part = wait(client.range("bytes=0-3")).unwrap();
        assert_eq!((part.header("content-range"), &part[..]), (Some("bytes 0-3/9"), &b"abcd"[..]));
        let _ = ClientConfig::new().with_max_response_bytes(1 << 30);
    }
}
