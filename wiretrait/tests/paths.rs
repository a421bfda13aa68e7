//! Paths of routes: what a client writes, a dispatcher reads back.

use http::StatusCode;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::{Strategy, Union};
use std::sync::Mutex;
use wiretrait::bytes::Bytes;
use wiretrait::{Error, Handler, Incoming, Operation, Place, Request, Result, http_api};

#[http_api(client = FilesClient, module = files, prefix = "/v1")]
trait Files {
    #[get("/compare/{base}...{head}")]
    async fn compare(&self, base: &str, head: &str) -> Result<()>;

    #[get("/versions/v{major}.{minor}/notes")]
    async fn notes(&self, major: u32, minor: &str) -> Result<()>;

    #[post("/jobs/{id}:cancel")]
    async fn cancel(&self, id: &str) -> Result<()>;

    #[get("/jobs/{id}.json")]
    #[query("pretty", "true")]
    async fn job(&self, id: &str) -> Result<()>;

    #[get("/items/{x-id}/parts/{1}")]
    async fn part(&self, #[path("x-id")] item: u64, #[path("1")] part: &str) -> Result<()>;

    #[get("/owned/{user}")]
    async fn owned(
        &self,
        #[path]
        #[header("x-user")]
        user: &str,
    ) -> Result<()>;

    #[get("/files/{id}/{*path}")]
    async fn file(&self, id: &str, path: &str) -> Result<()>;
}

/// Records the values of calls.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn record(&self, values: &[&str]) {
        self.0.lock().unwrap().extend(values.iter().map(ToString::to_string));
    }
}

impl Files for &'static Recorder {
    async fn compare(&self, base: &str, head: &str) -> Result<()> {
        self.record(&["compare", base, head]);
        Ok(())
    }
    async fn notes(&self, major: u32, minor: &str) -> Result<()> {
        self.record(&["notes", &major.to_string(), minor]);
        Ok(())
    }
    async fn cancel(&self, id: &str) -> Result<()> {
        self.record(&["cancel", id]);
        Ok(())
    }
    async fn job(&self, id: &str) -> Result<()> {
        self.record(&["job", id]);
        Ok(())
    }
    async fn part(&self, item: u64, part: &str) -> Result<()> {
        self.record(&["part", &item.to_string(), part]);
        Ok(())
    }
    async fn owned(&self, user: &str) -> Result<()> {
        self.record(&["owned", user]);
        Ok(())
    }
    async fn file(&self, id: &str, path: &str) -> Result<()> {
        self.record(&["file", id, path]);
        Ok(())
    }
}

/// Returns the name and the arguments of the method that a service calls for `request`, or its status.
fn received(request: Request) -> std::result::Result<Vec<String>, StatusCode> {
    let recorder: &'static Recorder = Box::leak(Box::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let response = runtime.block_on(files::Handler::new(recorder).handle(Incoming::from(request)));
    let values = std::mem::take(&mut *recorder.0.lock().unwrap());
    if response.status().is_success() { Ok(values) } else { Err(response.status()) }
}

fn target(operation: &impl Operation) -> String {
    operation.encode().unwrap().uri().to_string()
}

#[test]
fn placeholders_are_filled_in_all_forms() {
    assert_eq!(target(&files::Compare::new("main", "feature/x")), "/v1/compare/main...feature%2Fx");
    assert_eq!(target(&files::Notes::new(1, "2-rc.1")), "/v1/versions/v1.2-rc.1/notes");
    assert_eq!(target(&files::Cancel::new("a:b")), "/v1/jobs/a%3Ab:cancel");
    assert_eq!(target(&files::Job::new("a.json")), "/v1/jobs/a.json.json?pretty=true");
    assert_eq!(target(&files::Part::new(7, "p")), "/v1/items/7/parts/p");
    assert_eq!(target(&files::File::new("a/b", "docs/a b/ü?.md")), "/v1/files/a%2Fb/docs/a%20b/%C3%BC%3F.md");
    assert_eq!(target(&files::File::new("a", "folder/")), "/v1/files/a/folder/");
}

#[test]
fn errors_name_the_argument_of_a_placeholder_with_another_name() {
    assert_eq!(files::PART.path, "/v1/items/{x-id}/parts/{1}");
    assert_eq!(files::PART.params[0].places, [Place::Path("x-id")]);
    assert_eq!(files::OWNED.params[0].places, [Place::Path("user"), Place::Header("x-user")]);
    let error = files::Part::new(1, "..").encode().unwrap_err();
    assert!(error.to_string().contains("the argument `part` has a segment"), "{error}");
}

#[test]
fn values_that_could_not_be_read_back_are_rejected() {
    for (base, why) in [
        ("a...b", "the argument `base` cannot be distinguished from the `...` after it in the path"),
        ("a.", "the argument `base` cannot be distinguished"),
        ("", "the argument `base` is empty"),
        ("..", "the argument `base` has a segment"),
        ("../x", "the argument `base` has a segment that is `.`, `..` or empty, which"),
        ("\n", "the argument `base` has a control character"),
        ("\0", "the argument `base` has a control character"),
        (".\t.", "the argument `base` has a control character"),
        ("%0A", "the argument `base` has a control character"),
        ("a/.\u{1b}./b", "the argument `base` has a control character"),
        ("\\", "the argument `base` has a backslash"),
        ("a\\..\\b", "the argument `base` has a backslash"),
        ("%5Cx", "the argument `base` has a backslash"),
        ("..;", "the argument `base` has a segment that is `.`, `..` or empty before `;`"),
        (";a=b", "the argument `base` has a segment that is `.`, `..` or empty before `;`"),
        ("a/..;x/b", "the argument `base` has a segment that is `.`, `..` or empty before `;`"),
        (". .", "the argument `base` has a segment that is `.`, `..` or empty without its spaces"),
    ] {
        let error = files::Compare::new(base, "b").encode().unwrap_err();
        assert!(error.to_string().contains(why), "{base}: {error}");
    }
    for (path, why) in [
        ("", "the argument `path` is empty"),
        ("/", "the argument `path` has a segment that is `.`, `..` or empty"),
        ("/a", "the argument `path` has a segment"),
        ("a//b", "the argument `path` has a segment"),
        ("a/../b", "the argument `path` has a segment"),
        ("a/%2e%2e/b", "the argument `path` has a segment"),
        ("a/..", "the argument `path` has a segment"),
        ("a/%FF", "the argument `path` has `%` escapes"),
    ] {
        let error = files::File::new("1", path).encode().unwrap_err();
        assert!(error.to_string().contains(why), "{path}: {error}");
    }
}

#[test]
fn paths_of_other_clients_are_read() {
    let get = |path: &str| received(http::Request::get(path).body(Bytes::default()).unwrap());
    let found = |values: &[&str]| Ok(values.iter().map(ToString::to_string).collect());
    assert_eq!(get("/v1/compare/a...b...c"), found(&["compare", "a", "b...c"]));
    assert_eq!(get("/v1/jobs/x%2Ejson"), found(&["job", "x"]));
    assert_eq!(get("/v1/files/1/a%2Fb"), found(&["file", "1", "a/b"]));
    assert_eq!(get("/v1/versions/v1.2/notes"), found(&["notes", "1", "2"]));
    assert_eq!(get("/v1/versions/vx.2/notes"), Err(StatusCode::BAD_REQUEST));
    for path in [
        "/v1/compare/a..b",
        "/v1/jobs/.json",
        "/v1/files/1/",
        "/v1/files/1",
        "/v1/files/1/../x",
        "/v1/files/1/%2e%2e/x",
    ] {
        assert_eq!(get(path), Err(StatusCode::NOT_FOUND), "{path}");
    }
    let post = |path: &str| received(http::Request::post(path).body(Bytes::default()).unwrap());
    // An escaped colon belongs to the value.
    assert_eq!(post("/v1/jobs/7%3Acancel"), Err(StatusCode::NOT_FOUND));
    assert_eq!(post("/v1/jobs/7%3Acancel:cancel"), found(&["cancel", "7:cancel"]));
}

/// Returns values with what parsers of paths treat specially.
fn hostile() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        ".", "..", "...", "/", "%", "%2", "2", "E", "%2e", "%2F", "%25", ":", "cancel", ".json", ";", "?",
        "#", "\\", "@", " ", "\t", "\n", "\0", "ü", "a", "v", "1",
    ];
    let piece = Union::new([
        proptest::sample::select(PIECES).prop_map(ToOwned::to_owned).boxed(),
        any::<char>().prop_map(String::from).boxed(),
    ]);
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Checks that a service receives the values of a call, if it can be encoded, and that a proxy which decodes
/// the path any number of times still finds the start of the route in it.
fn check(
    name: &str,
    values: &[&str],
    encoded: std::result::Result<Request, Error>,
) -> proptest::test_runner::TestCaseResult {
    match encoded {
        Ok(request) => {
            let path = request.uri().path().to_owned();
            let mut decoded = path.clone();
            for _ in 0..3 {
                decoded = percent_encoding::percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
                let mut segments = decoded.split(['/', '\\']);
                prop_assert!(!segments.any(|segment| matches!(segment, "." | "..")), "{}", path);
            }
            let expected: Vec<_> =
                std::iter::once(name).chain(values.iter().copied()).map(ToOwned::to_owned).collect();
            prop_assert_eq!(received(request), Ok(expected), "{}", path);
        }
        Err(error) => prop_assert!(error.to_string().contains("the argument `"), "{}", error),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_service_reads_back_what_a_client_writes(a in hostile(), b in hostile(), number in any::<u32>()) {
        check("compare", &[&a, &b], files::Compare::new(&a, &b).encode())?;
        check("notes", &[&number.to_string(), &a], files::Notes::new(number, &a).encode())?;
        check("cancel", &[&a], files::Cancel::new(&a).encode())?;
        check("job", &[&a], files::Job::new(&a).encode())?;
        check("file", &[&a, &b], files::File::new(&a, &b).encode())?;
    }
}
