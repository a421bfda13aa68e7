//! Bodies of requests.

use super::rows;

rows! {
    payloads: "arrays at the top, tuples, maps with newtype keys, `Cow`, generic payloads",
        form "works",
        peer "serde everywhere";
    bytes_and_text: "bytes and text: `#[body] &Bytes`, `&[u8]`, `&str`",
        form "`#[body(Binary)] content: &Bytes`, `#[body(Text)]`",
        peer "conjure, feignhttp, Refit";
    bytes_without_a_codec: "bytes without a codec",
        form "compile error that says `#[body(Binary)]` or `#[body(Json)]`",
        peer "–";
    forms: "forms, from fields or a struct",
        form "`request = Form`, `#[body(Form)] login: &Login`",
        peer "Retrofit `@FormUrlEncoded`, Refit";
    multipart: "forms with files",
        form "`request = Multipart`, for clients",
        peer "Retrofit `@Multipart`, Refit; progenitor has none";
    own_codec: "another format: XML, MessagePack",
        form "a custom codec of about 20 lines, named like the built-in ones",
        peer "Retrofit converters, conjure `serializer =`";
    absent_and_null: "absent or null in a PATCH",
        form "`omit_none`; `Option<Option<T>>`",
        peer "serde structs, with an attribute on each field";
    delete_without_a_body: "DELETE whose fields are all absent",
        form "`#[field(omit_none)]`: no body",
        peer "Retrofit `@HTTP(hasBody = true)`";
    borrowed_arguments: "`#[field] &[&str]`, `Req<'_>`, `Cow<'_, str>`",
        form "with `client_only`; a service could not own them",
        peer "progenitor: serde structs";
}

mod checks {
    use super::super::{assert_rejected, responding, wait};
    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Serialize};
    use std::borrow::Cow;
    use std::collections::BTreeMap;
    use wiretrait::bytes::Bytes;
    use wiretrait::codec::{Binary, Codec, CodecError, Content, Decode, Encode, Form, Multipart, Part, Text};
    use wiretrait::{InProcessTransport, Operation, Result, http_api};

    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Key(String);

    #[derive(Serialize, Deserialize)]
    struct Login {
        user: String,
        scope: Vec<String>,
    }

    /// Values, each in a line: `name=value`.
    struct Lines;

    impl Codec for Lines {
        const MEDIA_TYPE: &'static str = "text/x-lines";
    }

    impl<T: Serialize + ?Sized> Encode<T> for Lines {
        fn encode(value: &T) -> std::result::Result<Bytes, CodecError> {
            let json = serde_json::to_string(value).map_err(CodecError::of_serde)?;
            Ok(format!("v={json}\n").into())
        }
    }

    impl<T: DeserializeOwned> Decode<T> for Lines {
        fn decode(content: &Content<'_>) -> std::result::Result<T, CodecError> {
            let line = content.body().strip_prefix(b"v=").ok_or_else(|| CodecError::new("has no value"))?;
            serde_json::from_slice(line).map_err(CodecError::of_serde)
        }
    }

    #[http_api(client = BodiesClient, module = operations)]
    trait Bodies {
        #[post("/pairs")]
        async fn pairs(&self, #[body] pairs: &[(u32, String)]) -> Result<BTreeMap<Key, Cow<'static, str>>>;
        #[put("/bytes", response = Binary)]
        async fn put_bytes(&self, #[body(Binary)] content: &Bytes) -> Result<Bytes>;
        #[put("/slice")]
        async fn put_slice(&self, #[body(Binary)] content: &[u8]) -> Result<()>;
        #[put("/text", response = Text)]
        async fn put_text(&self, #[body(Text)] content: &str) -> Result<String>;
        #[post("/fields", request = Form)]
        async fn fields(&self, #[field] user: &str, #[field] scope: &[String]) -> Result<Vec<String>>;
        #[post("/struct")]
        async fn post_login(&self, #[body(Form)] login: &Login) -> Result<Vec<String>>;
        #[post("/lines", response = Lines)]
        async fn post_lines(&self, #[body(Lines)] numbers: &[u32]) -> Result<Vec<u32>>;
        #[patch("/users/{id}", omit_none)]
        async fn change(
            &self,
            id: u64,
            #[field] name: Option<&str>,
            #[field] bio: Option<Option<&str>>,
        ) -> Result<Vec<String>>;
        #[delete("/users/{id}")]
        async fn delete(&self, id: u64, #[field(omit_none)] reason: Option<&str>) -> Result<()>;
    }

    /// Returns what it receives.
    struct Mirror;

    impl Bodies for Mirror {
        async fn pairs(&self, pairs: &[(u32, String)]) -> Result<BTreeMap<Key, Cow<'static, str>>> {
            Ok(pairs
                .iter()
                .map(|(number, text)| (Key(number.to_string()), Cow::Owned(text.clone())))
                .collect())
        }
        async fn put_bytes(&self, content: &Bytes) -> Result<Bytes> {
            Ok(content.clone())
        }
        async fn put_slice(&self, _content: &[u8]) -> Result<()> {
            Ok(())
        }
        async fn put_text(&self, content: &str) -> Result<String> {
            Ok(content.to_owned())
        }
        async fn fields(&self, user: &str, scope: &[String]) -> Result<Vec<String>> {
            Ok([&[user.to_owned()], scope].concat())
        }
        async fn post_login(&self, login: &Login) -> Result<Vec<String>> {
            Ok([std::slice::from_ref(&login.user), &login.scope].concat())
        }
        async fn post_lines(&self, numbers: &[u32]) -> Result<Vec<u32>> {
            Ok(numbers.to_vec())
        }
        async fn change(
            &self,
            _id: u64,
            name: Option<&str>,
            bio: Option<Option<&str>>,
        ) -> Result<Vec<String>> {
            Ok(vec![format!("{name:?} {bio:?}")])
        }
        async fn delete(&self, _id: u64, _reason: Option<&str>) -> Result<()> {
            Ok(())
        }
    }

    fn client() -> BodiesClient<InProcessTransport<operations::Handler<Mirror>>> {
        BodiesClient::new(InProcessTransport::new(operations::Handler::new(Mirror)))
    }

    pub(super) fn payloads() {
        let pairs = [(1, "a".to_owned())];
        assert_eq!(operations::Pairs::new(&pairs).encode().unwrap().body(), r#"[[1,"a"]]"#);
        assert_eq!(wait(client().pairs(&pairs)).unwrap()[&Key("1".to_owned())], "a");
    }

    pub(super) fn bytes_and_text() {
        let content = Bytes::from_static(b"\x00\xff");
        let request = operations::PutBytes::new(&content).encode().unwrap();
        assert_eq!(
            (&request.headers()["content-type"], request.body()),
            (&"application/octet-stream".parse().unwrap(), &content)
        );
        assert_eq!(wait(client().put_bytes(&content)).unwrap(), content);
        assert_eq!(operations::PutSlice::new(b"\x00").encode().unwrap().body().len(), 1);
        assert_eq!(operations::PutText::new("a \"b\"").encode().unwrap().body(), "a \"b\"");
        assert_eq!(wait(client().put_text("ü")).unwrap(), "ü");
    }

    pub(super) fn bytes_without_a_codec() {
        assert_rejected("codec/bytes_without_codec.stderr", "#[body(Binary)]");
    }

    pub(super) fn forms() {
        let scope = ["a".to_owned(), "b&".to_owned()];
        let request = operations::Fields::new("Ann", &scope).encode().unwrap();
        assert_eq!(request.body(), "user=Ann&scope=a&scope=b%26");
        assert_eq!(wait(client().fields("Ann", &scope)).unwrap(), ["Ann", "a", "b&"]);
        let login = Login { user: "Ann".to_owned(), scope: scope.to_vec() };
        assert_eq!(wait(client().post_login(&login)).unwrap(), ["Ann", "a", "b&"]);
    }

    pub(super) fn own_codec() {
        assert_eq!(operations::PostLines::new(&[1, 2]).encode().unwrap().body(), "v=[1,2]\n");
        assert_eq!(wait(client().post_lines(&[1, 2])).unwrap(), [1, 2]);
    }

    pub(super) fn absent_and_null() {
        let body = |operation: operations::Change<'_>| operation.encode().unwrap().into_body();
        assert_eq!(body(operations::Change::new(1)), "{}");
        assert_eq!(body(operations::Change::new(1).bio(None)), r#"{"bio":null}"#);
        assert_eq!(body(operations::Change::new(1).name("a").bio(Some("b"))), r#"{"name":"a","bio":"b"}"#);
        for (name, bio) in [(None, None), (Some("a"), None), (None, Some(None)), (None, Some(Some("b")))] {
            assert_eq!(wait(client().change(1, name, bio)).unwrap(), [format!("{name:?} {bio:?}")]);
        }
    }

    pub(super) fn delete_without_a_body() {
        let request = operations::Delete::new(1).encode().unwrap();
        assert!(request.body().is_empty() && !request.headers().contains_key("content-type"));
        assert_eq!(operations::Delete::new(1).reason("old").encode().unwrap().body(), r#"{"reason":"old"}"#);
        wait(client().delete(1, None)).unwrap();
    }

    /// Borrows.
    #[derive(Clone, Serialize)]
    struct Query<'a> {
        text: &'a str,
    }

    #[http_api(client = UploadsClient, module = uploads, client_only)]
    trait Uploads {
        #[post("/files", request = Multipart)]
        async fn upload(&self, #[field] title: &str, #[field] file: Part) -> Result<()>;
        #[post("/find")]
        async fn find(
            &self,
            #[field] tags: &[&str],
            #[field] query: Query<'_>,
            #[query] after: Cow<'_, str>,
        ) -> Result<()>;
    }

    pub(super) fn multipart() {
        let file = Part::file("a.txt", "content").with_media_type("text/plain");
        let request = uploads::Upload::new("title", file.clone()).encode().unwrap();
        wait(UploadsClient::new(responding(201, &[], "")).upload("title", file)).unwrap();
        assert!(
            request.headers()["content-type"].to_str().unwrap().starts_with("multipart/form-data; boundary=")
        );
        let body = String::from_utf8(request.into_body().to_vec()).unwrap();
        assert!(
            body.contains("name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n"),
            "{body}"
        );
    }

    pub(super) fn borrowed_arguments() {
        let (tags, query, after) = (["a", "b"], Query { text: "t" }, Cow::Borrowed("x"));
        wait(UploadsClient::new(responding(200, &[], "")).find(&tags, query.clone(), after.clone())).unwrap();
        let request = uploads::Find::new(&tags, query, after).encode().unwrap();
        assert_eq!(
            (request.uri().query(), request.body().as_ref()),
            (Some("after=x"), &br#"{"tags":["a","b"],"query":{"text":"t"}}"#[..])
        );
    }
}
