//! The contract live: a session's whole life, at the embedded service and at the one that `SESSIONS_URL` names.
//!
//! Both are compared with the same snapshots, a chapter a file, so each proves the other: the embedded service
//! answers as a real one does, or a chapter shows where not.
//!
//! * `SESSIONS_URL=http://host:port` is the service to test. Without it only the embedded one is tested.
//! * `SESSIONS_CLOSE_EXPIRED=yes` allows a call of `close_expired_sessions` there, which touches other people's
//!   sessions too.
//! * `SESSIONS_VARIANT=mongodb` compares with snapshots of that name, `live__closing@mongodb.snap`, for a
//!   service that is known to differ and accepted as it is.
//!
//! Every session that a run opens belongs to a user of its own and is deleted at its end, however it ends.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use sessions_client::server::EmbeddedService;
use sessions_client::{
    Call, ClientConfig, DataPage, Error, ErrorKind, FilterParams, ISessionsV1, PagingParams, Request,
    ReqwestTransport, Response, Route, SessionV1, SessionsHttpClientV1, SessionsMemoryClientV1, Transport,
    sessions_v1,
};
use snapshots::{Exchange, Normalizer, Recorder};
use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

type Recording = Recorder<ReqwestTransport>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_service_lives_up_to_the_contract() {
    let sessions = SessionsMemoryClientV1::new();
    let service = EmbeddedService::start("127.0.0.1:0", sessions.clone()).await.unwrap();
    let chapters = live(&service.url(), own_user(), true).await;
    compare(&chapters, None);
    assert!(sessions.is_empty(), "the run left sessions behind");
    no_chapter_is_missing_or_left_over(&chapters);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_at_sessions_url_lives_up_to_the_contract() {
    let Some(url) = env::var("SESSIONS_URL").ok().filter(|url| !url.is_empty()) else {
        tell("skipped: SESSIONS_URL is not set, so no live service is tested");
        return;
    };
    let may_close_expired = env::var("SESSIONS_CLOSE_EXPIRED").is_ok_and(|answer| answer == "yes");
    let variant = env::var("SESSIONS_VARIANT").ok().filter(|variant| !variant.is_empty());
    let user_id = own_user();
    tell(&format!(
        "contract test of the service at SESSIONS_URL: opens a few sessions of the user {user_id}, changes, closes and \
         deletes them{}",
        if may_close_expired { "; closes what has expired, of all users" } else { ", and touches no others" },
    ));
    let chapters = live(&url, user_id, may_close_expired).await;
    compare(&chapters, variant.as_deref());
}

/// Nobody else has sessions of this user.
fn own_user() -> String {
    format!("contract-test-{}", Uuid::new_v4().simple())
}

/// A line that is seen without `--nocapture`: the harness captures what the macros print, not this.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn compare(chapters: &[Chapter], variant: Option<&str>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    if let Some(variant) = variant {
        settings.set_snapshot_suffix(variant);
    }
    for Chapter { name, page } in chapters {
        settings.bind(|| insta::assert_snapshot!(format!("live__{name}"), page));
    }
}

/// A chapter that was renamed leaves its old page behind, which would look like a contract that holds.
fn no_chapter_is_missing_or_left_over(chapters: &[Chapter]) {
    let told: BTreeSet<String> = chapters.iter().map(|chapter| format!("live__{}", chapter.name)).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let pinned: BTreeSet<String> = folder
        .read_dir()
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".snap").map(str::to_owned))
        .filter(|name| name.starts_with("live__") && !name.contains('@'))
        .collect();
    assert_eq!(pinned, told, "the pages in {} are not the chapters of the life", folder.display());
}

/// Leads sessions through their lives and leaves nothing behind.
async fn live(url: &str, user_id: String, may_close_expired: bool) -> Vec<Chapter> {
    let transport = ReqwestTransport::new(&ClientConfig::from_url(url).unwrap()).unwrap();
    let recorder = Recorder::new(transport);
    let story = Story::new(recorder.clone(), user_id.clone());
    // A task of its own, so that a panic in it comes after the cleaning up.
    let outcome = tokio::spawn(story.tell(may_close_expired)).await;
    let left_behind = clean_up(&recorder, &user_id).await;
    let chapters = outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    assert!(left_behind.is_empty(), "these sessions could not be deleted: {left_behind:?}");
    chapters.unwrap_or_else(|error| panic!("the life broke off: {error}"))
}

/// Deletes every session that the recorded answers say was opened, and those of the user whose answers were
/// lost. Returns those that resist.
async fn clean_up(recorder: &Recording, user_id: &str) -> Vec<String> {
    let client = SessionsHttpClientV1::new(recorder.transport().clone());
    let answers = recorder.exchanges().into_iter().filter(|exchange| exchange.operation == "open_session");
    let mut opened: Vec<String> = answers
        .filter_map(|exchange| serde_json::from_slice::<Value>(exchange.response.body()).ok())
        .filter_map(|session| session["id"].as_str().map(str::to_owned))
        .collect();
    let mine = FilterParams::new().user_id(user_id);
    if let Ok(page) = client.get_sessions(None, Some(&mine), None).await {
        // A service that filters wrongly lists sessions that are not ours to delete.
        let ours = page.data.into_iter().filter(|session| session.user_id.as_deref() == Some(user_id));
        opened.extend(ours.map(|session| session.id));
    }
    let mut left_behind = Vec::new();
    for id in opened {
        if client.delete_session_by_id(None, &id).await.is_err() {
            left_behind.push(id);
        }
    }
    left_behind
}

/// Steps that belong together, as one page.
struct Chapter {
    name: &'static str,
    page: String,
}

/// A life in steps, each shown as request, answer and what the typed client made of it.
struct Story {
    client: SessionsHttpClientV1<Value, Value, Recording>,
    recorder: Recording,
    user_id: String,
    names: Normalizer,
    chapters: Vec<Chapter>,
}

const JSON: (HeaderName, HeaderValue) = (CONTENT_TYPE, HeaderValue::from_static("application/json"));

const UNKNOWN_ID: &str = "00000000000000000000000000000000";

impl Story {
    fn new(recorder: Recording, user_id: String) -> Self {
        let client = SessionsHttpClientV1::new(recorder.clone());
        let mut names = Normalizer::new();
        names.name(&user_id, "<user>");
        Self { client, recorder, user_id, names, chapters: Vec::new() }
    }

    async fn tell(mut self, may_close_expired: bool) -> Result<Vec<Chapter>, Error> {
        let (full, bare) = self.opening().await?;
        self.reading(&full, &bare).await?;
        self.changing(&full).await?;
        self.listing().await?;
        self.closing(&full).await?;
        self.deleting(&full, &bare).await?;
        self.keeping().await?;
        self.refusals().await?;
        if may_close_expired {
            self.expiring().await?;
        }
        Ok(self.chapters)
    }

    async fn opening(&mut self) -> Result<(String, String), Error> {
        self.chapter("opening");
        let user_id = self.user_id.clone();
        let mine = FilterParams::new().user_id(&user_id);
        let counted = PagingParams::new().total(true);
        let nobody = self.client.get_sessions(None, Some(&mine), Some(&counted)).await;
        self.page("The service is there, and has no session of this user yet", &nobody)?;

        let (user, data) = (json!({"id": user_id, "roles": ["a"]}), json!({"k": "v", "a": [1, 1.5, null]}));
        let full = self
            .client
            .open_session(
                Some("contract test"),
                &user_id,
                Some("Zoë 日本 😀"),
                Some("localhost"),
                Some("test"),
                Some(&user),
                Some(&data),
            )
            .await;
        let full = self.opened("A session with everything", full)?;

        self.clock_moves_on().await?;
        let bare = self.client.open_session(None, &user_id, None, None, None, None, None).await;
        let bare = self.opened("A session with a user id alone", bare)?;

        self.raw("A session of nobody", Method::POST, "/v1/sessions/open_session", [JSON], "{}").await?;
        Ok((full, bare))
    }

    async fn reading(&mut self, full: &str, bare: &str) -> Result<(), Error> {
        self.chapter("reading");
        let found = self.client.get_session_by_id(None, full).await;
        self.session("The session with everything", &found)?;
        let found = self.client.get_session_by_id(None, bare).await;
        self.session("The session with a user id alone", &found)?;
        let found = self.client.get_session_by_id(None, UNKNOWN_ID).await;
        self.session("A session that there is not", &found)
    }

    async fn changing(&mut self, id: &str) -> Result<(), Error> {
        self.chapter("changing");
        self.clock_moves_on().await?;
        let changed = self.client.store_session_data(None, id, &json!({"b": 1, "a": {"ключ": []}})).await;
        self.session("Data are stored", &changed)?;

        self.clock_moves_on().await?;
        let changed = self.client.store_session_data(None, id, &json!(false)).await;
        self.session("Falsy data are stored, and kept as none", &changed)?;

        self.clock_moves_on().await?;
        let changed = self.client.update_session_user(None, id, &json!("another user")).await;
        self.session("The user is updated", &changed)?;

        let found = self.client.get_session_by_id(None, id).await;
        self.session("Reading changes nothing", &found)?;

        let null = json!({"session_id": id, "data": null}).to_string();
        let path = "/v1/sessions/store_session_data";
        self.raw("Null is refused as data", Method::POST, path, [JSON], &null).await?;
        let null = json!({"session_id": id, "user": null}).to_string();
        let path = "/v1/sessions/update_session_user";
        self.raw("Null is refused as a user", Method::POST, path, [JSON], &null).await?;

        let changed = self.client.store_session_data(None, UNKNOWN_ID, &json!(1)).await;
        self.session("Data of a session that there is not", &changed)?;
        let changed = self.client.update_session_user(None, UNKNOWN_ID, &json!(1)).await;
        self.session("The user of a session that there is not", &changed)
    }

    async fn listing(&mut self) -> Result<(), Error> {
        self.chapter("listing");
        let mine = FilterParams::new().user_id(&self.user_id);
        let counted = PagingParams::new().total(true);
        let page = self.client.get_sessions(None, Some(&mine), Some(&counted)).await;
        self.page("The sessions of the user, counted", &page)?;
        let second = PagingParams::new().skip(1).take(1);
        let page = self.client.get_sessions(None, Some(&mine), Some(&second)).await;
        self.page("The second of them, not counted", &page)?;
        let beyond = PagingParams::new().skip(2).total(true);
        let page = self.client.get_sessions(None, Some(&mine), Some(&beyond)).await;
        self.page("What comes after the last, counted", &page)?;
        let closed = mine.clone().active(false);
        let page = self.client.get_sessions(None, Some(&closed), Some(&counted)).await;
        self.page("Those that are closed", &page)?;

        let list = "/v1/sessions/get_sessions";
        for (title, filter, paging) in [
            ("Fractions are rounded, a half up", json!({}), json!({"skip": 0.5, "take": 1.4})),
            ("Nothing is taken, which is a whole page", json!({}), json!({"take": 0})),
            ("Less than nothing is taken", json!({}), json!({"take": -1, "total": true})),
            ("Paging that is no object is ignored", json!({}), json!("take=1")),
            ("Open, in another word", json!({"active": "Y"}), json!({"take": 1})),
            ("A word that means nothing is no condition", json!({"active": "perhaps"}), json!({"take": 1})),
            (
                "A condition that the service does not know",
                json!({"address": "elsewhere"}),
                json!({"take": 1}),
            ),
            ("An id that there is not", json!({"id": UNKNOWN_ID}), json!({"total": true})),
        ] {
            let mut filter = filter;
            filter["user_id"] = self.user_id.as_str().into();
            let body = json!({"filter": filter, "paging": paging}).to_string();
            self.raw(title, Method::POST, list, [JSON], &body).await?;
        }
        Ok(())
    }

    async fn closing(&mut self, id: &str) -> Result<(), Error> {
        self.chapter("closing");
        self.clock_moves_on().await?;
        let closed = self.client.close_session(None, id).await;
        self.session("The session is closed, and loses user and data", &closed)?;
        let found = self.client.get_session_by_id(None, id).await;
        self.session("It is still there", &found)?;

        self.clock_moves_on().await?;
        let changed = self.client.store_session_data(None, id, &json!({"late": 1})).await;
        self.session("It takes data all the same, and stays closed", &changed)?;

        let mine = FilterParams::new().user_id(&self.user_id);
        for (title, active) in [("The sessions that are open", true), ("The sessions that are closed", false)]
        {
            let filter = mine.clone().active(active);
            let page = self.client.get_sessions(None, Some(&filter), None).await;
            self.page(title, &page)?;
        }

        self.clock_moves_on().await?;
        let closed = self.client.close_session(None, id).await;
        self.session("It is closed again, at another time", &closed)?;
        let closed = self.client.close_session(None, UNKNOWN_ID).await;
        self.session("Closing a session that there is not", &closed)
    }

    async fn deleting(&mut self, closed: &str, open: &str) -> Result<(), Error> {
        self.chapter("deleting");
        let deleted = self.client.delete_session_by_id(None, closed).await;
        self.session("A closed session, returned as it was", &deleted)?;
        let deleted = self.client.delete_session_by_id(None, closed).await;
        self.session("The same again", &deleted)?;
        let found = self.client.get_session_by_id(None, closed).await;
        self.session("It is gone", &found)?;
        let deleted = self.client.delete_session_by_id(None, open).await;
        self.session("An open session, returned as it was", &deleted)?;
        let mine = FilterParams::new().user_id(&self.user_id);
        let page = self.client.get_sessions(None, Some(&mine), Some(&PagingParams::new().total(true))).await;
        self.page("Nothing is left", &page)
    }

    /// What becomes of arguments on their way through the service. The sessions are left to the cleaning up.
    async fn keeping(&mut self) -> Result<(), Error> {
        self.chapter("keeping");
        let user_id = self.user_id.clone();
        let numbers = r#"{"big":12345678901234567890,"odd":9007199254740993,"whole":1.0,"zero":-0.0,"huge":1e30,"small":1e-7,"tenth":0.1}"#;
        let texts = r#"{"escaped":"\u00fc\ud83d\ude00\/\u0000\u001f","raw":"ключ \"\\"}"#;
        for (title, rest) in [
            ("Numbers are doubles", format!(r#""data":{numbers}"#)),
            ("Keys that are numbers come first", r#""data":{"b":1,"a":2,"10":3,"2":4,"01":5}"#.to_owned()),
            ("Texts come back with as few escapes as possible", format!(r#""data":{texts}"#)),
            ("The last of two keys counts", r#""data":{"k":1,"k":2},"data":{"k":3,"k":4}"#.to_owned()),
            (
                "What is falsy is none, but not inside",
                r#""user":0,"data":{"a":null,"b":false,"c":0,"d":""}"#.to_owned(),
            ),
            (
                "Empty texts are none",
                r#""user_name":"","address":"","client":"","user":"","data":[]"#.to_owned(),
            ),
            (
                "What is no argument is ignored",
                r#""id":"mine","active":false,"open_time":"2001-01-01T00:00:00.000Z","x":1"#.to_owned(),
            ),
        ] {
            let body = format!(r#"{{"user_id":"{user_id}",{rest}}}"#);
            self.raw(title, Method::POST, "/v1/sessions/open_session", [JSON], &body).await?;
        }
        Ok(())
    }

    async fn refusals(&mut self) -> Result<(), Error> {
        self.chapter("refusals");
        let post = Method::POST;
        let open = "/v1/sessions/open_session";
        let list = "/v1/sessions/get_sessions";
        self.raw("A route that there is not", post.clone(), "/v1/sessions/extend_session?a=b", [JSON], "{}")
            .await?;
        self.raw("Another version", post.clone(), "/v2/sessions/open_session", [JSON], "{}").await?;
        self.raw("A slash too many", post.clone(), "/v1/sessions/open_session/", [JSON], "{}").await?;
        self.raw("Another method", Method::GET, open, [], "").await?;
        let html = (ACCEPT, HeaderValue::from_static("text/html"));
        self.raw("An answer in another language", post.clone(), open, [JSON, html], "{}").await?;
        self.raw("JSON that is cut off", post.clone(), open, [JSON], r#"{"user_id":"#).await?;
        self.raw("JSON with a trailing comma", post.clone(), open, [JSON], r#"{"user_id":"1",}"#).await?;
        let plain = (CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        self.raw(
            "Arguments that are not sent as JSON are none",
            post.clone(),
            open,
            [plain],
            r#"{"user_id":"1"}"#,
        )
        .await?;
        self.raw("Arguments in a list are none", post.clone(), open, [JSON], r#"[{"user_id":"1"}]"#).await?;
        let wrong = r#"{"user_id":1.5,"user_name":true,"address":[],"client":{}}"#;
        self.raw("Every type is wrong, and all are named", post.clone(), open, [JSON], wrong).await?;
        let path = "/v1/sessions/store_session_data";
        self.raw("Everything is missing, and all is named", post.clone(), path, [JSON], "{}").await?;
        self.raw("A filter that is none", post.clone(), list, [JSON], r#"{"filter":["user_id"]}"#).await?;
        let wrong = r#"{"paging":{"skip":"1","take":"2","total":1}}"#;
        self.raw("Paging by texts", post, list, [JSON], wrong).await
    }

    /// The session is too young to expire wherever a life of more than a moment is allowed.
    async fn expiring(&mut self) -> Result<(), Error> {
        self.chapter("expiring");
        let user_id = self.user_id.clone();
        let young = self.client.open_session(None, &user_id, None, None, None, None, None).await;
        let young = self.opened("A session that is young", young)?;
        let nothing = self.client.close_expired_sessions(None).await;
        self.session("What has expired is closed", &nothing.map(|()| None))?;
        let found = self.client.get_session_by_id(None, &young).await;
        self.session("The young one is not", &found)?;
        let deleted = self.client.delete_session_by_id(None, &young).await;
        self.session("It goes", &deleted)
    }

    fn chapter(&mut self, name: &'static str) {
        self.chapters.push(Chapter { name, page: String::new() });
    }

    /// A step that opens a session. Returns its id, without which the life cannot go on.
    fn opened(&mut self, title: &str, outcome: Result<SessionV1, Error>) -> Result<String, Error> {
        let outcome = outcome.map(Some);
        self.session(title, &outcome)?;
        let nothing = || Error::new(ErrorKind::Decode, format!("{title}: no session was opened"));
        outcome?.map(|session| session.id).ok_or_else(nothing)
    }

    /// A step whose answer is a session, or that there is none.
    fn session(&mut self, title: &str, outcome: &Result<Option<SessionV1>, Error>) -> Result<(), Error> {
        let reading = match outcome {
            Ok(Some(_)) => "a session".to_owned(),
            Ok(None) => "none".to_owned(),
            Err(error) => explain(error)?,
        };
        self.step(title, &reading)
    }

    /// A step whose answer is a page.
    fn page(&mut self, title: &str, outcome: &Result<DataPage<SessionV1>, Error>) -> Result<(), Error> {
        let reading = match outcome {
            Ok(page) => format!("a page of {}, total {:?}", page.data.len(), page.total),
            Err(error) => explain(error)?,
        };
        self.step(title, &reading)
    }

    /// A request that the typed client would not write.
    async fn raw<const N: usize>(
        &mut self,
        title: &str,
        method: Method,
        target: &str,
        headers: [(HeaderName, HeaderValue); N],
        body: &str,
    ) -> Result<(), Error> {
        let mut request = Request::new(Bytes::from(body.to_owned()));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().unwrap();
        request.headers_mut().extend(headers);
        self.recorder.send(Call::new(route_of(target), request)).await?;
        self.step(title, "")
    }

    /// Shows the latest exchange, and what it was read as, if it was.
    fn step(&mut self, title: &str, reading: &str) -> Result<(), Error> {
        let nothing = || Error::new(ErrorKind::Transport, format!("{title}: nothing was sent"));
        let Exchange { request, response, .. } = self.recorder.last().ok_or_else(nothing)?;
        // The answer first: an id that it brings has its name from then on, in the request as well.
        let answer = self.answer(&response);
        let sent = std::str::from_utf8(request.body()).unwrap_or("(no text)");
        let unusual = [CONTENT_TYPE, ACCEPT].into_iter().filter_map(|name| {
            let value = request.headers().get(&name).filter(|value| *value != JSON.1)?;
            Some(format!("{name}: {}\n", value.to_str().unwrap_or("?")))
        });
        let Some(Chapter { page, .. }) = self.chapters.last_mut() else { return Err(nothing()) };
        let _ = writeln!(
            page,
            "# {title}\n\n{} {}",
            request.method(),
            self.names.text(&request.uri().to_string())
        );
        page.extend(unusual);
        if !sent.is_empty() {
            let _ = writeln!(page, "{}", self.names.text(sent));
        }
        let _ = writeln!(page, "\n{answer}");
        if !reading.is_empty() {
            let _ = writeln!(page, "read as: {}\n", self.names.text(reading));
        }
        Ok(())
    }

    /// Status, the headers that say something about the body or the method, and the body: JSON laid out for
    /// reading, keys in the order in which they came.
    fn answer(&mut self, response: &Response) -> String {
        let mut shown = format!("{}\n", response.status());
        for name in [CONTENT_TYPE, ALLOW] {
            if let Some(value) = response.headers().get(&name) {
                let _ = writeln!(shown, "{name}: {}", value.to_str().unwrap_or("?"));
            }
        }
        let body = String::from_utf8_lossy(response.body());
        match serde_json::from_str::<Value>(&body) {
            Ok(json) => {
                if json.to_string() != body {
                    shown.push_str("(not the shortest form of this JSON)\n");
                }
                let _ = writeln!(shown, "{:#}", self.names.json(json));
            }
            Err(_) if body.is_empty() => {}
            Err(_) => {
                let _ = writeln!(shown, "{body}");
            }
        }
        shown
    }

    /// Waits until the service's clock has left the latest time that a session shows, so that the next change
    /// falls on another one. The service tells its time; a service that does not is given a moment.
    async fn clock_moves_on(&self) -> Result<(), Error> {
        let Some(latest) = self.names.latest() else { return Ok(()) };
        let started = Instant::now();
        loop {
            let mut request = Request::default();
            *request.uri_mut() = http::Uri::from_static("/heartbeat");
            let transport = self.recorder.transport();
            let beat = transport.send(Call::new(route_of("/heartbeat"), request)).await?;
            let now: Option<DateTime<Utc>> = serde_json::from_slice::<String>(beat.body())
                .ok()
                .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
                .map(|time| time.to_utc());
            if now.is_some_and(|now| now > latest) || started.elapsed() > Duration::from_millis(100) {
                return Ok(());
            }
        }
    }
}

/// What an error says, if it is about an answer: without one there is nothing to compare.
fn explain(error: &Error) -> Result<String, Error> {
    match error.kind() {
        ErrorKind::Service | ErrorKind::Decode => Ok(format!("{:?} error: {error}", error.kind())),
        kind => Err(Error::new(kind, error.to_string())),
    }
}

/// The route that a raw request is nearest to; the recording goes by its name.
fn route_of(target: &str) -> &'static Route {
    let named = |route: &&&'static Route| target.trim_end_matches('/').ends_with(route.path);
    sessions_v1::ROUTES.iter().find(named).unwrap_or(&sessions_v1::ROUTES[0])
}
