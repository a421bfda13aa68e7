//! Stripe's API, as localstripe serves it.

use super::support::{config, over_both};
use apis::stripe::{
    Card, Expandable, NewCustomer, NewItem, NewSource, NewSubscription, Stripe, StripeClient, StripeError,
    operations,
};
use std::collections::BTreeMap;
use wiretrait::http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::{ClientConfig, Operation};

/// Held while a test uses the customers, since a cursor has no meaning after its customer was deleted.
static CUSTOMERS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn settings() -> Option<ClientConfig> {
    config("STRIPE_URL")
        .map(|config| config.with_header(AUTHORIZATION, HeaderValue::from_static("Bearer sk_test_12345")))
}

fn customer(email: &str) -> NewCustomer {
    let metadata = BTreeMap::from([("order".to_owned(), "6735".to_owned())]);
    NewCustomer {
        email: email.to_owned(),
        metadata,
        preferred_locales: vec!["de".to_owned(), "en".to_owned()],
    }
}

fn card(number: &str) -> NewSource {
    let (number, cvc) = (number.to_owned(), "123".to_owned());
    NewSource { source: Card { object: "card", number, exp_month: 12, exp_year: 2050, cvc } }
}

#[tokio::test]
async fn a_customer_subscribes() {
    let _customers = CUSTOMERS.lock().await;
    over_both!(client: StripeClient = settings(); {
        let ann = client.create_customer(Some("key-1"), &customer("ann@example.com")).await.unwrap();
        assert_eq!(ann.metadata["order"], "6735");
        assert_eq!(client.customer(&ann.id, &["default_source"]).await.unwrap(), Some(ann.clone()));
        let changed = client.update_customer(&ann.id, None, Some(7)).await.unwrap();
        assert_eq!((changed.email.as_deref(), changed.metadata["order"].as_str()), (Some("ann@example.com"), "7"));

        let product = client.create_product("Gold", "service").await.unwrap();
        let plan = format!("plan-{}", product.id);
        client.create_plan(&plan, &product.id, 2500, "usd", "month").await.unwrap();
        let declined = client.add_source(&ann.id, &card("4000000000000002")).await.unwrap_err();
        assert_eq!(
            declined.to_string(),
            "add_source: the service responded with 402 Payment Required: card_declined: Your card was declined."
        );
        assert_eq!(declined.body_as::<StripeError>().unwrap().error.code.as_deref(), Some("card_declined"));
        client.add_source(&ann.id, &card("4242424242424242")).await.unwrap();

        let items = vec![NewItem { plan: plan.clone(), quantity: 2 }];
        let expanded = NewSubscription { customer: ann.id.clone(), items, expand: vec!["customer".to_owned()] };
        let subscription = client.subscribe(&expanded).await.unwrap();
        assert_eq!(subscription.customer, Expandable::Object(changed));
        let unexpanded = NewSubscription { expand: Vec::new(), ..expanded };
        assert_eq!(client.subscribe(&unexpanded).await.unwrap().customer, Expandable::Id(ann.id.clone()));
        assert!(client.delete_customer(&ann.id).await.unwrap().deleted);
        assert_eq!(client.customer(&ann.id, &[]).await.unwrap(), None);
    });
}

#[tokio::test]
async fn all_pages_are_read_by_their_cursor() {
    let _customers = CUSTOMERS.lock().await;
    over_both!(client: StripeClient = settings(); {
        let mut created = Vec::new();
        for number in 0..5 {
            let email = format!("customer-{number}@example.com");
            created.push(client.create_customer(None, &customer(&email)).await.unwrap().id);
        }
        let all: Vec<_> = client.all_customers(2).await.unwrap().into_iter().map(|customer| customer.id).collect();
        assert!(created.iter().all(|id| all.contains(id)), "{created:?} {all:?}");
        let unique: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(unique.len(), all.len());
        let some = client.customers(Some("customer-3@example.com"), None, None).await.unwrap();
        assert_eq!(some.data.last().map(|customer| &customer.id), Some(&created[3]));
        for id in created {
            client.delete_customer(&id).await.unwrap();
        }
    });
}

#[tokio::test]
async fn a_wrong_key_is_rejected() {
    over_both!(client: StripeClient = config("STRIPE_URL"); {
        let error = client.customers(None, None, None).await.unwrap_err();
        let words = "customers: the service responded with 401 Unauthorized: invalid_request_error: Unauthorized";
        assert!(error.to_string().starts_with(words), "{error}");
    });
}

#[test]
fn a_form_says_where_each_value_belongs() {
    let subscription = NewSubscription {
        customer: "cus_1".to_owned(),
        items: vec![NewItem { plan: "a&b".to_owned(), quantity: 2 }],
        expand: vec!["customer".to_owned()],
    };
    let request = operations::Subscribe::new(&subscription).encode().unwrap();
    let form = form_urlencoded::parse(request.body()).map(|(name, value)| format!("{name}={value}"));
    // Sorted, because the order is that of `serde_json::Map`, which a feature of serde_json changes.
    let form: std::collections::BTreeSet<_> = form.collect();
    assert!(
        form.iter().eq([
            "customer=cus_1",
            "expand[0]=customer",
            "items[0][plan]=a&b",
            "items[0][quantity]=2"
        ]),
        "{form:?}"
    );
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    let request =
        operations::CreateCustomer::new(&customer("ann@example.com")).key("key-1").encode().unwrap();
    assert_eq!(request.headers()["idempotency-key"], "key-1");
}
