//! Methods, paths, constants.

use super::rows;

rows! {
    optional_and_repeated_query: "optional query parameters, lists of them, names such as `page[n]`",
        form "`#[query(\"page[n]\")] page: Option<u32>`, `#[query] tag: &[String]`",
        peer "Retrofit `@Query`, the same";
    odd_path_texts: "`a/b`, `%2F`, Unicode, `..` and empty strings as path values",
        form "escaped; `..` and empty strings are rejected",
        peer "–: escaped by all, `..` rejected by none";
    head_and_options: "HEAD and OPTIONS",
        form "`#[head(\"/x\")]`, `#[options(\"/x\")]`",
        peer "Retrofit, feignhttp";
    rest_of_the_path: "the rest of a path",
        form "`/files/{*path}`: slashes stay, segments are escaped",
        peer "Refit `{**path}`";
    parts_of_a_segment: "`/{name}.json`, `/{id}:cancel`, `/{a}...{b}`",
        form "works",
        peer "Retrofit: partial segments without checks";
    placeholder_that_is_not_an_identifier: "a placeholder that is not an identifier",
        form "`/{x-id}` with `#[path(\"x-id\")] id: u64`",
        peer "Retrofit `@Path(\"x-id\")`";
    constant_headers_and_queries: "a constant header or query parameter, of the contract or an operation",
        form "`#[header(\"x-a\", \"b\")]`, `#[query(\"list-type\", \"2\")]` on either",
        peer "Retrofit `@Headers`, Refit `[Headers]`";
    accept_and_content_type: "`Accept` and `Content-Type` of the API's own media types",
        form "`#[header(\"Accept\", \"application/vnd.github+json\")]`",
        peer "conjure `accept =`, Retrofit `@Headers`";
    media_types_by_arguments: "the media type of each upload, an `Accept` of each call",
        form "`#[header(\"content-type\")] kind: Option<&str>`",
        peer "Retrofit `@Header`";
    correlation_by_a_header: "a correlation id in a header of any name",
        form "`#[header(\"x-request-id\")]`; `#[correlation]` follows the client's settings",
        peer "Retrofit interceptors";
    credentials: "credentials of a client or of one call",
        form "settings of the client, `CallOptions`, a header argument",
        peer "conjure `#[auth]`, Refit `[Authorize]`";
}

mod checks {
    use super::super::{responding, wait};
    use wiretrait::codec::Binary;
    use wiretrait::{Operation, Result, Transport, http_api, transport_fn};

    #[http_api(client = BooksClient, module = books, prefix = "/v1")]
    #[header("Accept", "application/vnd.books+json")]
    #[query("api-version", "2")]
    trait Books {
        #[get("/books")]
        async fn list(
            &self,
            #[query("page[n]")] page: Option<u32>,
            #[query] tag: &[String],
        ) -> Result<Vec<u32>>;
        #[get("/books/{title}")]
        async fn find(&self, title: &str) -> Result<Option<u32>>;
        #[head("/books/{title}")]
        async fn check(&self, title: &str) -> Result<()>;
        #[options("/books")]
        async fn allowed(&self) -> Result<()>;
        #[get("/files/{*path}")]
        async fn file(&self, path: &str) -> Result<Option<u32>>;
        #[get("/exports/{name}.json")]
        async fn export(&self, name: &str) -> Result<Option<u32>>;
        #[post("/orders/{id}:cancel")]
        async fn cancel(&self, id: u64) -> Result<()>;
        #[get("/compare/{from}...{to}")]
        async fn compare(&self, from: &str, to: &str) -> Result<Option<u32>>;
        #[get("/items/{x-id}")]
        async fn item(&self, #[path("x-id")] id: u64) -> Result<Option<u32>>;
        #[patch("/books/{title}")]
        #[header("Content-Type", "application/merge-patch+json")]
        #[header("X-Reason", "rename")]
        #[query("dry", "1")]
        async fn rename(&self, title: &str, #[field("title")] new_title: &str) -> Result<()>;
        #[put("/covers/{id}")]
        async fn upload(
            &self,
            id: u64,
            #[header("content-type")] kind: Option<&str>,
            #[body(Binary)] image: &[u8],
        ) -> Result<()>;
        #[get("/traced")]
        async fn traced(&self, #[header("x-request-id")] id: &str) -> Result<()>;
    }

    /// Returns a client whose service responds with 204.
    fn client() -> BooksClient<impl Transport> {
        BooksClient::new(responding(204, &[("content-length", "7")], ""))
    }

    pub(super) fn optional_and_repeated_query() {
        let tags = ["a".to_owned(), "b".to_owned()];
        let uri = books::List::new(&tags).page(3).encode().unwrap().uri().to_string();
        assert_eq!(uri, "/v1/books?api-version=2&page%5Bn%5D=3&tag=a&tag=b");
        assert_eq!(books::List::new(&[]).encode().unwrap().uri(), "/v1/books?api-version=2");
    }

    pub(super) fn odd_path_texts() {
        let path =
            |title: &str| books::Find::new(title).encode().map(|request| request.uri().path().to_owned());
        assert_eq!(path("a/b").unwrap(), "/v1/books/a%2Fb");
        assert_eq!(path("a%2Fb").unwrap(), "/v1/books/a%252Fb");
        assert_eq!(path("ü").unwrap(), "/v1/books/%C3%BC");
        assert_eq!(wait(client().find("a/b")).unwrap(), None);
        for rejected in ["", ".", "..", "a/../b"] {
            assert!(path(rejected).unwrap_err().to_string().contains("title"), "{rejected}");
        }
    }

    pub(super) fn head_and_options() {
        assert_eq!(books::Check::new("a").encode().unwrap().method(), "HEAD");
        assert_eq!(books::Allowed::new().encode().unwrap().method(), "OPTIONS");
        wait(client().check("a")).unwrap();
        wait(client().allowed()).unwrap();
    }

    pub(super) fn rest_of_the_path() {
        let path =
            |rest: &str| books::File::new(rest).encode().map(|request| request.uri().path().to_owned());
        assert_eq!(path("a/b c/ü.txt").unwrap(), "/v1/files/a/b%20c/%C3%BC.txt");
        assert!(path("a/../b").is_err());
        assert_eq!(wait(client().file("a/b")).unwrap(), None);
    }

    pub(super) fn parts_of_a_segment() {
        let path = |request: Result<wiretrait::Request>| request.unwrap().uri().path().to_owned();
        assert_eq!(path(books::Export::new("2026").encode()), "/v1/exports/2026.json");
        assert_eq!(path(books::Cancel::new(7).encode()), "/v1/orders/7:cancel");
        assert_eq!(path(books::Compare::new("main", "dev").encode()), "/v1/compare/main...dev");
        assert_eq!(wait(client().export("2026")).unwrap(), None);
        wait(client().cancel(7)).unwrap();
        assert_eq!(wait(client().compare("main", "dev")).unwrap(), None);
    }

    pub(super) fn placeholder_that_is_not_an_identifier() {
        assert_eq!(books::Item::new(7).encode().unwrap().uri().path(), "/v1/items/7");
        assert_eq!(wait(client().item(7)).unwrap(), None);
    }

    pub(super) fn constant_headers_and_queries() {
        let request = books::Rename::new("a", "b").encode().unwrap();
        assert_eq!(request.uri(), "/v1/books/a?api-version=2&dry=1");
        assert_eq!(request.headers()["x-reason"], "rename");
        wait(client().rename("a", "b")).unwrap();
    }

    pub(super) fn accept_and_content_type() {
        let request = books::Rename::new("a", "b").encode().unwrap();
        assert_eq!(request.headers()["accept"], "application/vnd.books+json");
        assert_eq!(request.headers()["content-type"], "application/merge-patch+json");
    }

    pub(super) fn media_types_by_arguments() {
        let kind =
            |operation: books::Upload<'_>| operation.encode().unwrap().headers()["content-type"].clone();
        assert_eq!(kind(books::Upload::new(1, b"GIF")), "application/octet-stream");
        assert_eq!(kind(books::Upload::new(1, b"GIF").kind("image/gif")), "image/gif");
        wait(client().upload(1, Some("image/gif"), b"GIF")).unwrap();
    }

    pub(super) fn correlation_by_a_header() {
        let request = books::Traced::new("7").encode().unwrap();
        assert_eq!(
            (request.uri().query(), &request.headers()["x-request-id"]),
            (Some("api-version=2"), &"7".parse().unwrap())
        );
        wait(client().traced("7")).unwrap();
    }

    pub(super) fn credentials() {
        let client = BooksClient::new(transport_fn(|call| async move {
            let credentials = call.request.headers()["authorization"].to_str().unwrap().to_owned();
            assert_eq!(credentials, "Bearer token-7");
            Ok(wiretrait::Response::new("[]".into()))
        }));
        let options = wiretrait::CallOptions::new().token("token-7");
        assert!(wait(client.with(options).list(None, &[])).unwrap().is_empty());
    }
}
