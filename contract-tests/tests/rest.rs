//! Cases of a contract with methods, placeholders in paths, and optional values without 204.

use contract_tests::suite::{Case, RunOptions, RunReport, Step, run};
use contract_tests::{Entity, Map, ServiceContract};
use http::Method;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use wiretrait::{
    Call, Error, InProcessTransport, Incoming, Operation as _, Response, Result, Route, Transport, http_api,
};

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    id: String,
    customer: String,
    note: Option<String>,
    placed_at: String,
}

#[http_api(prefix = "/shop", client = OrdersClient, module = orders)]
trait Orders {
    #[post("/orders")]
    async fn place_order(&self, #[field] customer: &str) -> Result<Order>;

    #[get("/orders")]
    async fn list_orders(&self, #[query] customer: &str) -> Result<Vec<Order>>;

    #[get("/orders/{id}", none = 404)]
    async fn get_order(&self, id: &str) -> Result<Option<Order>>;

    #[put("/orders/{id}/note", none = 404)]
    async fn set_note(&self, id: &str, #[body] note: &str) -> Result<Option<Order>>;

    #[delete("/orders/{id}")]
    async fn delete_order(&self, id: &str) -> Result<()>;
}

/// A shop whose ids need escapes in a path.
#[derive(Clone, Debug, Default)]
struct Shop(Arc<Mutex<BTreeMap<String, Order>>>);

impl Orders for Shop {
    async fn place_order(&self, customer: &str) -> Result<Order> {
        let mut orders = self.0.lock().unwrap();
        let order = Order {
            id: format!("2026/{}", orders.len() + 1),
            customer: customer.to_owned(),
            note: None,
            placed_at: "2026-11-30T10:00:00Z".to_owned(),
        };
        orders.insert(order.id.clone(), order.clone());
        Ok(order)
    }

    async fn list_orders(&self, customer: &str) -> Result<Vec<Order>> {
        let orders = self.0.lock().unwrap();
        Ok(orders.values().filter(|order| order.customer == customer).cloned().collect())
    }

    async fn get_order(&self, id: &str) -> Result<Option<Order>> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }

    async fn set_note(&self, id: &str, note: &str) -> Result<Option<Order>> {
        let mut orders = self.0.lock().unwrap();
        let Some(order) = orders.get_mut(id) else { return Ok(None) };
        order.note = Some(note.to_owned());
        Ok(Some(order.clone()))
    }

    async fn delete_order(&self, id: &str) -> Result<()> {
        self.0.lock().unwrap().remove(id);
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct OrdersContract;

impl ServiceContract for OrdersContract {
    fn routes(&self) -> &'static [&'static Route] {
        orders::ROUTES
    }

    fn entity(&self) -> &'static Entity {
        &Entity {
            name: "order",
            plural: "orders",
            keys: &["id", "customer", "note", "placed_at"],
            distinctive_key: "placed_at",
            enough_keys: 3,
            string_keys: &["id", "customer"],
            payload_keys: &["note"],
            owner: "<customer>",
            owner_key: Some("customer"),
            shown_keys: &["note"],
            has_assigned_ids: true,
            two_readings: None,
        }
    }

    async fn call<T>(&self, transport: T, call: Call) -> Result<Response, Error>
    where
        T: Transport + Clone + 'static,
    {
        Ok(orders::dispatch(&OrdersClient::new(transport), Incoming::from(call.request)).await)
    }

    fn creates(&self, method: &Method, path: &str) -> bool {
        *method == Method::POST && path == "/shop/orders"
    }

    fn is_owned(&self, entity: &Map, owner: &str) -> bool {
        entity.get("customer").is_some_and(|customer| customer == owner)
    }

    fn delete(&self, id: &str) -> Option<Call> {
        Some(Call::new(orders::DeleteOrder::ROUTE, orders::DeleteOrder::new(id).encode().ok()?))
    }

    fn list(&self, owner: &str) -> Option<Call> {
        Some(Call::new(orders::ListOrders::ROUTE, orders::ListOrders::new(owner).encode().ok()?))
    }
}

async fn report(shop: &Shop, cases: &[Case]) -> RunReport {
    let transport = InProcessTransport::new(orders::Handler::new(shop.clone()));
    let options = RunOptions { user: "ann".to_owned(), ..RunOptions::default() };
    run(&OrdersContract, transport, cases, &options).await
}

fn placed(operation: &str, situation: &str) -> Case {
    Case::new(operation, situation).given("place_order", r#"{"customer":"<customer>"}"#)
}

/// A step for the order that was placed first.
fn of_first(step: Step, end: &str) -> Step {
    step.at(&format!("/shop/orders/<id:1>{end}"))
}

#[tokio::test]
async fn a_path_has_the_ids_of_earlier_responses() {
    let shop = Shop::default();
    let case = placed("get_order", "existing")
        .step(of_first(Step::call("Its note", "set_note", r#""call first""#), "/note"))
        .step(of_first(Step::call("The order", "get_order", ""), ""))
        .step(of_first(Step::call("It is deleted", "delete_order", ""), ""))
        .step(of_first(Step::call("It is gone", "get_order", ""), ""));
    let report = report(&shop, &[case]).await;
    assert!(!report.is_incomplete(), "{report:?}");
    insta::assert_snapshot!(report.completed[0].snapshot);
}

#[tokio::test]
async fn orders_of_a_case_are_found_and_deleted() {
    let shop = Shop::default();
    let case = placed("list_orders", "of_a_customer")
        .step(Step::call("All orders", "list_orders", "").target("?customer=<customer>"));
    let report = report(&shop, &[case]).await;
    assert_eq!(report.left_behind, [""; 0]);
    let snapshot = &report.completed[0].snapshot;
    assert!(snapshot.contains(r#""id": "<id:1 as 6 characters>""#), "{snapshot}");
    assert!(shop.0.lock().unwrap().is_empty(), "{shop:?}");
}

#[tokio::test]
async fn a_placeholder_of_a_route_without_a_value_is_reported() {
    let case = Case::new("get_order", "no_id").call("The order", "");
    let report = report(&Shop::default(), &[case]).await;
    let [failed] = &report.failed[..] else { panic!("{report:?}") };
    let remedy = r#"set it with `Step::at`, such as `.at("/shop/orders/<id>")`"#;
    assert!(failed.reason.contains(remedy), "{}", failed.reason);
}

#[tokio::test]
async fn a_placeholder_that_no_response_contained_ends_the_case() {
    let step = of_first(Step::call("The order", "get_order", ""), "");
    let report = report(&Shop::default(), &[Case::new("get_order", "unknown_id").step(step)]).await;
    assert_eq!(report.completed[0].snapshot, "(the case ended here: no response contained <id:1>)\n");
}
