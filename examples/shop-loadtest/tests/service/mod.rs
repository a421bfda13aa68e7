//! A small shop over HTTP, with one fault at most.

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use shop_loadtest::contract::{Item, Order};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// A fault of the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Another customer gets the order.
    MixesUpCustomers,
    /// An order is not found, although it was placed.
    LosesOrders,
    /// The list of items is an error.
    FailsToList,
    /// The list of items is not JSON.
    ListsNonsense,
    /// Every second request of an item has the status 429.
    LimitsItems,
    /// An item takes this long.
    SlowItems(Duration),
}

/// The state of the shop.
#[derive(Clone, Default)]
pub(crate) struct ShopService {
    fault: Fault,
    state: Arc<Mutex<Shop>>,
}

#[derive(Default)]
struct Shop {
    orders: HashMap<u32, Order>,
    last_order: u32,
    /// The number of requests by method and path, in which ids are replaced.
    requests: BTreeMap<String, u64>,
    /// The requests without a trace context.
    untraced: u64,
}

#[derive(Deserialize)]
struct NewOrder {
    customer: String,
    item: u32,
}

impl ShopService {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, ..Self::default() }
    }

    /// Serves the shop on a free port. Returns its address.
    pub(crate) async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1/items", get(list_items))
            .route("/v1/items/{id}", get(get_item))
            .route("/v1/orders", post(place_order).get(list_orders))
            .route("/v1/orders/{id}", get(get_order).delete(cancel_order))
            .layer(from_fn_with_state(self.clone(), count))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// The requests so far, such as `GET /v1/items/*`.
    pub(crate) fn requests(&self) -> BTreeMap<String, u64> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn untraced(&self) -> u64 {
        self.state.lock().unwrap().untraced
    }

    pub(crate) fn orders(&self) -> usize {
        self.state.lock().unwrap().orders.len()
    }
}

/// Counts the calls, without the request that finds out before a run what the service speaks.
async fn count(State(shop): State<ShopService>, request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let path = request.uri().path();
    let (folder, last) = path.rsplit_once('/').unwrap();
    let path = if last.parse::<u32>().is_ok() { format!("{folder}/*") } else { path.to_owned() };
    let traced = request.headers().contains_key("traceparent");
    {
        let mut state = shop.state.lock().unwrap();
        *state.requests.entry(format!("{} {path}", request.method())).or_default() += 1;
        state.untraced += u64::from(!traced);
    }
    next.run(request).await
}

fn item(id: u32) -> Item {
    Item { id, price: id * 100 }
}

async fn list_items(State(shop): State<ShopService>) -> Response {
    match shop.fault {
        Fault::FailsToList => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::ListsNonsense => "{".into_response(),
        _ => Json((1..=5).map(item).collect::<Vec<_>>()).into_response(),
    }
}

async fn get_item(State(shop): State<ShopService>, Path(id): Path<u32>) -> Response {
    match shop.fault {
        Fault::SlowItems(time) => tokio::time::sleep(time).await,
        Fault::LimitsItems if shop.requests()["GET /v1/items/*"].is_multiple_of(2) => {
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response();
        }
        _ => (),
    }
    Json(item(id)).into_response()
}

async fn place_order(State(shop): State<ShopService>, Json(new): Json<NewOrder>) -> Json<Order> {
    let mut state = shop.state.lock().unwrap();
    state.last_order += 1;
    let id = state.last_order;
    let mut order = Order { id, customer: new.customer, item: new.item };
    state.orders.insert(id, order.clone());
    if shop.fault == Fault::MixesUpCustomers {
        order.customer.insert_str(0, "not-");
    }
    Json(order)
}

async fn list_orders(State(shop): State<ShopService>, RawQuery(query): RawQuery) -> Json<Vec<Order>> {
    let query = query.unwrap();
    let prefix = query.strip_prefix("customer_prefix=").unwrap();
    let state = shop.state.lock().unwrap();
    Json(state.orders.values().filter(|order| order.customer.starts_with(prefix)).cloned().collect())
}

async fn get_order(State(shop): State<ShopService>, Path(id): Path<u32>) -> Response {
    let order = shop.state.lock().unwrap().orders.get(&id).cloned();
    match order.filter(|_| shop.fault != Fault::LosesOrders) {
        Some(order) => Json(order).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn cancel_order(State(shop): State<ShopService>, Path(id): Path<u32>) -> Response {
    let order = shop.state.lock().unwrap().orders.remove(&id);
    order.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |order| Json(order).into_response())
}
