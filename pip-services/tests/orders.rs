//! A client of another service of the framework: with this crate it is only the annotated trait.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use pip_services::{ClientKind, ConfigParams, DataPage, FilterParams, PagingParams, PipErrors, Timestamp};
use pip_services::{timestamp, timestamp::to_string};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use wiretrait::http::{self, StatusCode};
use wiretrait::{Error, ErrorKind, Handler, InProcessTransport, Incoming, Result, ServiceError, http_api};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: String,
    customer_id: String,
    #[serde(with = "pip_services::timestamp")]
    create_time: Timestamp,
}

#[http_api(prefix = "/v1/orders", client = OrdersClient, module = orders, errors = PipErrors)]
trait Orders {
    #[post("/get_orders", idempotent)]
    async fn get_orders(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] filter: Option<&FilterParams>,
        #[field] paging: Option<&PagingParams>,
    ) -> Result<DataPage<Order>>;

    #[post("/create_order")]
    async fn create_order(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] order: &Order,
    ) -> Result<Order>;
}

/// An implementation of the service.
#[derive(Default)]
struct OrderBook(Mutex<Vec<Order>>);

impl Orders for OrderBook {
    async fn get_orders(
        &self,
        _correlation_id: Option<&str>,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
    ) -> Result<DataPage<Order>> {
        let paging = paging.copied().unwrap_or_default();
        let condition = |key: &str| filter.and_then(|filter| filter.get(key));
        let from_time = condition("from_time").and_then(timestamp::parse);
        let mut matching = self.0.lock().unwrap().clone();
        matching.retain(|order| {
            condition("customer_id").is_none_or(|id| order.customer_id == id)
                && from_time.is_none_or(|time| order.create_time >= time)
        });
        let total = paging.wants_total().then_some(matching.len() as u64);
        let page = matching.into_iter().skip(paging.skipped()).take(paging.taken(100, 100));
        Ok(DataPage::new(page.collect(), total))
    }

    async fn create_order(&self, correlation_id: Option<&str>, order: &Order) -> Result<Order> {
        let mut orders = self.0.lock().unwrap();
        if orders.iter().any(|known| known.id == order.id) {
            let mut error = ServiceError::new("DUPLICATE_ORDER", "The order exists")
                .with_category("Conflict")
                .with_detail("order_id", &*order.id);
            error.correlation_id = correlation_id.map(str::to_owned);
            return Err(Error::from_service(StatusCode::CONFLICT, error));
        }
        orders.push(order.clone());
        Ok(order.clone())
    }
}

/// Serves `handler` on a free port, until the runtime of the test ends.
async fn serve(handler: impl Handler + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = Arc::new(handler);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handler = Arc::clone(&handler);
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let handler = Arc::clone(&handler);
                async move {
                    let (head, body) = request.into_parts();
                    let body: Bytes = body.collect().await?.to_bytes();
                    let request = http::Request::from_parts(head, body);
                    Ok::<_, hyper::Error>(handler.handle(Incoming::from(request)).await.map(Full::new))
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

fn order(id: &str, customer_id: &str, create_time: &str) -> Order {
    let create_time = timestamp::parse(create_time).unwrap();
    Order { id: id.to_owned(), customer_id: customer_id.to_owned(), create_time }
}

/// Creates, lists and pages orders, and fails to create one twice.
async fn use_orders(client: &impl Orders) {
    for (id, customer_id, create_time) in [
        ("a", "ann", "2026-11-23T02:10:20.820Z"),
        ("b", "bob", "2026-11-24T00:00:00.000Z"),
        ("c", "ann", "2026-11-25T00:00:00.000Z"),
        ("d", "ann", "2026-11-26T00:00:00.000Z"),
    ] {
        let order = order(id, customer_id, create_time);
        assert_eq!(client.create_order(None, &order).await.unwrap(), order);
    }

    let filter = FilterParams::new()
        .set("customer_id", "ann")
        .set_time("from_time", timestamp::parse("2026-11-23T12:00:00Z").unwrap());
    let paging = PagingParams::new().skip(1).take(1).total(true);
    let page = client.get_orders(Some("1"), Some(&filter), Some(&paging)).await.unwrap();
    assert_eq!(page.total, Some(2));
    assert_eq!(page.data, [order("d", "ann", "2026-11-26T00:00:00.000Z")]);
    let page = client.get_orders(None, None, None).await.unwrap();
    assert_eq!((page.total, page.data.len()), (None, 4));

    let error = client.create_order(Some("7"), &order("a", "eve", "2026-11-27T00:00:00Z")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Service, Some(StatusCode::CONFLICT)));
    let service = error.service().unwrap();
    assert_eq!((&*service.code, &*service.message), ("DUPLICATE_ORDER", "The order exists"));
    assert_eq!(service.category.as_deref(), Some("Conflict"));
    assert_eq!(service.details.get("order_id").map(String::as_str), Some("a"));
}

#[tokio::test]
async fn the_contract_works_on_the_implementation_itself() {
    use_orders(&OrderBook::default()).await;
}

#[tokio::test]
async fn the_contract_works_in_process() {
    let handler = orders::Handler::new(OrderBook::default());
    use_orders(&OrdersClient::new(InProcessTransport::new(handler))).await;
}

#[tokio::test]
async fn the_contract_works_over_a_socket() {
    let address = serve(orders::Handler::new(OrderBook::default())).await;
    use_orders(&OrdersClient::connect(&format!("http://{address}")).unwrap()).await;
}

#[tokio::test]
async fn a_configuration_with_a_base_route_makes_a_client_over_a_socket() {
    /// The service behind another prefix and only with correlation ids in headers.
    struct Moved(orders::Handler<OrderBook>);

    impl Handler for Moved {
        async fn handle(&self, incoming: Incoming) -> wiretrait::Response {
            let request = incoming.request();
            let path = request.uri().path().strip_prefix("/shop/orders").expect("the base route");
            assert_eq!(request.uri().query(), None);
            assert_eq!(request.headers().get("correlation_id").unwrap(), "42");
            let mut moved = request.clone();
            *moved.uri_mut() = format!("/v1/orders{path}").parse().unwrap();
            self.0.handle(Incoming::from(moved)).await
        }
    }

    let address = serve(Moved(orders::Handler::new(OrderBook::default()))).await;
    let port = address.port().to_string();
    let params = ConfigParams::new()
        .with_pairs([
            ("descriptor", "service-orders:client:commandable-http:default:1.0"),
            ("connection.host", "127.0.0.1"),
            ("base_route", "shop/orders"),
            ("options.correlation_id", "headers"),
        ])
        .unwrap()
        .with_environment("ORDERS", [("ORDERS_CONNECTION_PORT", &*port)])
        .unwrap();
    assert_eq!(params.kind(&["service-orders"]).unwrap(), ClientKind::Http);

    let client = OrdersClient::from_config(&params.build().unwrap()).unwrap();
    let order = order("a", "ann", "2026-11-23T02:10:20.820Z");
    assert_eq!(client.create_order(Some("42"), &order).await.unwrap(), order);
    assert_eq!(client.get_orders(Some("42"), None, None).await.unwrap().data, [order]);
}

#[tokio::test]
async fn requests_are_written_as_official_clients_write_them() {
    use wiretrait::Operation;

    let order = order("a", "ann", "2026-11-23T02:10:20.820Z");
    assert_eq!(to_string(&order.create_time), "2026-11-23T02:10:20.820Z");
    let request = orders::CreateOrder::new(&order).correlation_id("7").encode().unwrap();
    assert_eq!(request.uri(), "/v1/orders/create_order?correlation_id=7");
    assert_eq!(
        request.body(),
        r#"{"order":{"id":"a","customer_id":"ann","create_time":"2026-11-23T02:10:20.820Z"}}"#
    );
    let filter = FilterParams::new().set("customer_id", "ann");
    let request = orders::GetOrders::new().filter(&filter).paging(&PagingParams::new()).encode().unwrap();
    assert_eq!(
        request.body(),
        r#"{"filter":{"customer_id":"ann"},"paging":{"skip":null,"take":null,"total":false}}"#
    );
}

#[tokio::test]
async fn a_dispatcher_writes_errors_of_the_framework() {
    let handler = orders::Handler::new(OrderBook::default());
    for (method, path, body, status, expected) in [
        (
            "POST",
            "/v1/orders/nowhere",
            "",
            StatusCode::NOT_FOUND,
            r#"{"code":"ResourceNotFound","message":"/v1/orders/nowhere does not exist"}"#,
        ),
        (
            "GET",
            "/v1/orders/get_orders",
            "",
            StatusCode::METHOD_NOT_ALLOWED,
            r#"{"code":"MethodNotAllowed","message":"GET is not allowed"}"#,
        ),
    ] {
        let request = http::Request::builder().method(method).uri(path).body(Bytes::from(body)).unwrap();
        let response = handler.handle(Incoming::from(request)).await;
        assert_eq!((response.status(), &response.body()[..]), (status, expected.as_bytes()));
    }
    let request = http::Request::post("/v1/orders/get_orders").body(Bytes::from(r#"{"paging":7}"#)).unwrap();
    let response = handler.handle(Incoming::from(request)).await;
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!((&body["code"], &body["category"]), (&"INVALID_DATA".into(), &"BadRequest".into()));
    assert_eq!((&body["details"], body.get("stack")), (&serde_json::json!({}), None));
}
