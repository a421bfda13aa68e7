//! Contracts of which only the client or only the service is generated.

use http::{Method, StatusCode};
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;
use wiretrait::test_kit::{Reply, ScriptedTransport};
use wiretrait::{CallOptions, Incoming, Operation, Request, WithOptions};

mod client_half {
    #![deny(warnings)]

    use serde::{Deserialize, Serialize};
    use std::borrow::Cow;
    use wiretrait::{Error, http_api};

    /// Can only be sent, and borrows.
    #[derive(Clone, Serialize)]
    pub(super) struct Query<'a> {
        pub(super) text: &'a str,
        pub(super) tags: &'a [&'a str],
    }

    /// Can only be received.
    #[derive(Debug, PartialEq, Deserialize)]
    pub(super) struct Found {
        pub(super) name: String,
    }

    /// An error that only a client returns.
    #[derive(Debug)]
    pub(super) struct Failed(pub(super) String);

    impl From<Error> for Failed {
        fn from(error: Error) -> Self {
            Self(error.to_string())
        }
    }

    /// Has the name of an item that only the service half has.
    #[derive(Clone, Copy, Serialize)]
    pub(super) struct Handler(pub(super) u8);

    pub(super) type Result<T> = std::result::Result<T, Failed>;

    #[http_api(client = SearchClient, module = search, prefix = "/v1", client_only)]
    pub(super) trait Search {
        /// Finds by a query, which may be a slice, a struct or a string that borrows.
        #[post("/find")]
        async fn find(
            &self,
            #[query("tag")] tags: &[&str],
            #[query] after: Option<Cow<'_, str>>,
            #[query] sort: &'static str,
            #[query] order: Option<&'static str>,
            #[header("x-tenant")] tenant: Cow<'_, str>,
            #[field] query: Query<'_>,
            #[field] more: &[Query<'_>],
            #[field] best: Option<&Query<'_>>,
        ) -> Result<Vec<Found>>;

        /// Overlaps with `listed`.
        #[get("/orgs/{org}/teams/{slug}")]
        async fn team(&self, org: &str, slug: &str) -> Result<Option<Found>>;

        #[get("/orgs/{org}/{kind}/all")]
        async fn listed(&self, org: Cow<'_, str>, kind: &str) -> Result<Vec<Found>>;

        /// Has the route of `team`.
        #[get("/orgs/{org}/teams/{slug}")]
        async fn full_team(&self, org: &str, slug: &str, #[query] full: bool) -> Result<Option<Found>>;

        #[put("/handler")]
        async fn received(&self, #[body] handler: &Handler) -> Result<()>;
    }

    /// Depends on no transport: a fake for the tests of a user.
    pub(super) struct Nothing;

    impl Search for Nothing {
        async fn find(
            &self,
            _: &[&str],
            _: Option<Cow<'_, str>>,
            _: &'static str,
            _: Option<&'static str>,
            _: Cow<'_, str>,
            _: Query<'_>,
            _: &[Query<'_>],
            _: Option<&Query<'_>>,
        ) -> Result<Vec<Found>> {
            Ok(Vec::new())
        }

        async fn team(&self, _: &str, _: &str) -> Result<Option<Found>> {
            Ok(None)
        }

        async fn listed(&self, _: Cow<'_, str>, _: &str) -> Result<Vec<Found>> {
            Ok(Vec::new())
        }

        async fn full_team(&self, _: &str, _: &str, _: bool) -> Result<Option<Found>> {
            Ok(None)
        }

        async fn received(&self, _: &Handler) -> Result<()> {
            Ok(())
        }
    }
}

mod service_half {
    #![deny(warnings)]

    use http::StatusCode;
    use serde::{Deserialize, Serialize};
    use std::borrow::Cow;
    use wiretrait::{Failure, FromParam, Route, ServiceError, http_api};

    /// Can only be read from a string.
    #[derive(Debug)]
    pub(super) struct Id(u64);

    impl FromParam for Id {
        fn from_values(values: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
            u64::from_values(values).map(Self)
        }
    }

    /// Can only be received.
    #[derive(Deserialize)]
    pub(super) struct Order {
        pub(super) pieces: u32,
    }

    /// Can only be sent.
    #[derive(Serialize)]
    pub(super) struct Receipt {
        pub(super) id: u64,
        pub(super) pieces: u32,
    }

    /// An error that only a service returns.
    #[derive(Debug)]
    pub(super) struct SoldOut;

    impl Failure for SoldOut {
        fn response(&self, _: &Route) -> (StatusCode, ServiceError) {
            (StatusCode::CONFLICT, ServiceError::new("SOLD_OUT", "there are no more"))
        }
    }

    #[http_api(module = shop, server_only)]
    pub(super) trait Shop {
        /// Orders pieces of a thing. The argument has the name of a method of generated operations, and the
        /// operation that of one of generated clients.
        #[post("/things/{id}")]
        async fn with(
            &self,
            id: &Id,
            #[query] encode: Option<&str>,
            #[body] order: &Order,
        ) -> Result<Receipt, SoldOut>;
    }

    pub(super) struct Pieces(pub(super) u32);

    impl Shop for Pieces {
        async fn with(&self, id: &Id, encode: Option<&str>, order: &Order) -> Result<Receipt, SoldOut> {
            assert_eq!(encode, None);
            if order.pieces > self.0 { Err(SoldOut) } else { Ok(Receipt { id: id.0, pieces: order.pieces }) }
        }
    }
}

use client_half::{DynSearch, Failed, Found, Handler, Nothing, Query, Search, SearchClient, search};
use service_half::{DynShop, Pieces, Shop, shop};

fn query<'a>(text: &'a str, tags: &'a [&'a str]) -> Query<'a> {
    Query { text, tags }
}

/// Calls an implementation with arguments that borrow from local variables.
async fn find(api: &(impl Search + ?Sized)) -> client_half::Result<Vec<Found>> {
    let word = String::from("rust");
    let tags = [&*word, "async"];
    let best = query(&word, &tags);
    let more = [query("a", &[]), query(&word, &tags)];
    api.find(
        &tags,
        Some(Cow::Borrowed(&word)),
        "name",
        Some("up"),
        "acme".into(),
        best.clone(),
        &more,
        Some(&best),
    )
    .await
}

/// Returns a transport that responds to each call of `find` with one thing.
fn finding() -> ScriptedTransport {
    let service = ScriptedTransport::new();
    service.on(search::FIND, Reply::json(&json!([{ "name": "wiretrait" }])).always());
    service
}

#[tokio::test]
async fn a_client_only_contract_sends_arguments_that_borrow() {
    let service = finding();
    let client = SearchClient::new(service.clone());
    let found = [Found { name: "wiretrait".to_owned() }];

    assert_eq!(find(&client).await.unwrap(), found);
    assert_eq!(find(&client.with(CallOptions::new().retries(0))).await.unwrap(), found);
    let dynamic: Arc<dyn DynSearch> = Arc::new(client.clone());
    assert_eq!(find(&dynamic).await.unwrap(), found);
    assert_eq!(find(&dynamic.with(CallOptions::new())).await.unwrap(), found);
    assert_eq!(find(&WithOptions::new(&client, CallOptions::new())).await.unwrap(), found);
    assert_eq!(find(&Nothing).await.unwrap(), []);

    let sent = service.sent();
    assert_eq!(sent.len(), 5);
    for sent in sent {
        let request = sent.request();
        assert_eq!(request.uri(), "/v1/find?tag=rust&tag=async&after=rust&sort=name&order=up");
        assert_eq!(request.headers()["x-tenant"], "acme");
        let query = r#"{"text":"rust","tags":["rust","async"]}"#;
        let body = format!(r#"{{"query":{query},"more":[{{"text":"a","tags":[]}},{query}],"best":{query}}}"#);
        assert_eq!(request.body(), &body);
    }
}

#[tokio::test]
async fn calls_with_borrowed_arguments_can_be_spawned() {
    let client = SearchClient::new(finding());
    let dynamic: Arc<dyn DynSearch> = Arc::new(client.clone());
    let calls = [
        tokio::spawn(async move { find(&client).await }),
        tokio::spawn(async move { find(&*dynamic).await }),
    ];
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn routes_of_a_client_only_contract_may_overlap() {
    let service = ScriptedTransport::new();
    service.otherwise(Reply::no_content().always());
    let client = SearchClient::new(service.clone());
    client.team("a", "all").await.unwrap();
    assert_eq!(client.full_team("a", "all", true).await.unwrap(), None);
    client.received(&Handler(1)).await.unwrap();
    let Err(Failed(message)) = client.listed("a".into(), "teams").await else { panic!("204 is not a list") };
    assert!(message.starts_with("listed: "), "{message}");
    let uris = service.sent().iter().map(|sent| sent.request().uri().to_string()).collect::<Vec<_>>();
    assert_eq!(
        uris,
        ["/v1/orgs/a/teams/all", "/v1/orgs/a/teams/all?full=true", "/v1/handler", "/v1/orgs/a/teams/all"]
    );
}

#[test]
fn operations_of_a_client_only_contract_are_values() {
    let tags = ["a", "b"];
    let operation = search::Find::new(&tags, "name", "acme".into(), query("x", &tags), &[])
        .after(Cow::Borrowed("y"))
        .order("up");
    let request = operation.clone().encode().unwrap();
    assert_eq!(request.uri(), "/v1/find?tag=a&tag=b&after=y&sort=name&order=up");
    assert_eq!(operation.encode().unwrap().body(), request.body());
    let team = search::Team::new("a", "b");
    let copy = team;
    assert_eq!(copy.encode().unwrap().uri(), team.encode().unwrap().uri());
    assert_eq!(search::ROUTES.len(), 5);
}

fn order(path: &str, body: &'static str) -> Request {
    http::Request::builder().method(Method::POST).uri(path).body(body.into()).unwrap()
}

#[tokio::test]
async fn a_server_only_contract_dispatches_to_its_implementation() {
    let pieces: Arc<dyn DynShop> = Arc::new(Pieces(3));
    for (path, body, status, response) in [
        ("/things/7", r#"{"pieces":2}"#, StatusCode::OK, r#"{"id":7,"pieces":2}"#),
        ("/things/7", r#"{"pieces":4}"#, StatusCode::CONFLICT, "there are no more"),
        ("/things/x", r#"{"pieces":4}"#, StatusCode::BAD_REQUEST, "id must be a whole number"),
        ("/other", "", StatusCode::NOT_FOUND, "/other"),
    ] {
        let request: Incoming = order(path, body).into();
        let written = wiretrait::Handler::handle(&shop::Handler::new(pieces.clone()), request).await;
        assert_eq!(written.status(), status, "{path}");
        let text = String::from_utf8(written.body().to_vec()).unwrap();
        assert!(text.contains(response), "{response} in {text}");
        let dispatched = shop::dispatch(&Pieces(3), order(path, body).into()).await;
        assert_eq!(dispatched.body(), written.body());
    }
}

#[test]
fn a_server_only_contract_decodes_received_operations() {
    let incoming: Incoming = order("/things/7?encode=no", r#"{"pieces":2}"#).into();
    let received: shop::received::With = incoming.receive().unwrap().unwrap();
    assert_eq!((received.encode.as_deref(), received.order.pieces), (Some("no"), 2));
    assert_eq!(shop::WITH.to_string(), "POST /things/{id}");
}

#[tokio::test]
async fn pointers_implement_a_contract_for_services() {
    async fn is_sold_out(shop: &(impl Shop + ?Sized)) -> bool {
        let incoming: Incoming = order("/things/1", r#"{"pieces":2}"#).into();
        shop::dispatch(shop, incoming).await.status() == StatusCode::CONFLICT
    }
    let dynamic: &dyn DynShop = &Pieces(1);
    assert!(is_sold_out(dynamic).await);
    assert!(is_sold_out(&dynamic).await);
    assert!(is_sold_out(&Box::new(Pieces(1))).await);
    assert!(!is_sold_out(&Arc::new(Pieces(2))).await);
}
