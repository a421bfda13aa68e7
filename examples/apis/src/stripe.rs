//! The contract of a part of [Stripe](https://docs.stripe.com/api).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use wiretrait::bytes::Bytes;
use wiretrait::codec::{Codec, CodecError, Encode, Form};
use wiretrait::{ErrorBody, Result, http_api};

/// The codec of forms whose names say where a value belongs: `items[0][plan]=gold`.
#[derive(Clone, Copy, Debug)]
pub struct Brackets;

impl Codec for Brackets {
    const MEDIA_TYPE: &'static str = "application/x-www-form-urlencoded";
}

impl<T: Serialize + ?Sized> Encode<T> for Brackets {
    fn encode(value: &T) -> Result<Bytes, CodecError> {
        fn append(form: &mut form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
            let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
            match value {
                Value::Null => {}
                Value::String(string) => drop(form.append_pair(name, string)),
                Value::Array(items) => {
                    items
                        .iter()
                        .enumerate()
                        .for_each(|(index, item)| append(form, &inner(&index.to_string()), item));
                }
                Value::Object(fields) => {
                    fields.iter().for_each(|(key, field)| append(form, &inner(key), field));
                }
                scalar => drop(form.append_pair(name, &scalar.to_string())),
            }
        }
        let value = serde_json::to_value(value).map_err(CodecError::of_serde)?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        append(&mut form, "", &value);
        Ok(form.finish().into())
    }
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Customer {
    /// The id.
    pub id: String,
    /// The address for e-mail.
    pub email: Option<String>,
    /// The metadata.
    pub metadata: BTreeMap<String, String>,
}

/// The data of a new customer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewCustomer {
    /// The address for e-mail.
    pub email: String,
    /// The metadata.
    pub metadata: BTreeMap<String, String>,
    /// The languages, the preferred one first.
    pub preferred_locales: Vec<String>,
}

/// A card.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// The kind of payment: `card`.
    pub object: &'static str,
    /// The number.
    pub number: String,
    /// The month in which it expires.
    pub exp_month: u32,
    /// The year in which it expires.
    pub exp_year: u32,
    /// The check digits.
    pub cvc: String,
}

/// The way in which a customer pays.
#[derive(Clone, Debug, Serialize)]
pub struct NewSource {
    /// The card.
    pub source: Card,
}

/// A new subscription.
#[derive(Clone, Debug, Serialize)]
pub struct NewSubscription {
    /// The id of the customer.
    pub customer: String,
    /// The items.
    pub items: Vec<NewItem>,
    /// The ids that are replaced by the objects themselves.
    pub expand: Vec<String>,
}

/// An item of a new subscription.
#[derive(Clone, Debug, Serialize)]
pub struct NewItem {
    /// The id of the plan.
    pub plan: String,
    /// The number of units.
    pub quantity: u32,
}

/// A subscription.
#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    /// The id.
    pub id: String,
    /// The customer.
    pub customer: Expandable<Customer>,
    /// The state.
    pub status: String,
}

/// An id, or the object itself if it was expanded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    /// The id.
    Id(String),
    /// The object.
    Object(T),
}

/// A product or a plan.
#[derive(Clone, Debug, Deserialize)]
pub struct Created {
    /// The id.
    pub id: String,
}

/// The result of a deletion.
#[derive(Clone, Debug, Deserialize)]
pub struct Deleted {
    /// The id.
    pub id: String,
    /// True if the object was deleted.
    pub deleted: bool,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct List<T> {
    /// The items.
    pub data: Vec<T>,
    /// True if there are more.
    pub has_more: bool,
}

/// The body of all error responses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StripeError {
    /// The error.
    pub error: Details,
}

/// An error of the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Details {
    /// The kind, such as `card_error`.
    pub r#type: String,
    /// The code, such as `card_declined`.
    pub code: Option<String>,
    /// The message for people.
    #[serde(default)]
    pub message: String,
}

impl ErrorBody for StripeError {
    fn code(&self) -> Cow<'_, str> {
        self.error.code.as_deref().unwrap_or(&self.error.r#type).into()
    }

    fn message(&self) -> Cow<'_, str> {
        self.error.message.as_str().into()
    }
}

/// Stripe. The secret key is a token, an option of the client.
#[http_api(client = StripeClient, module = operations, client_only, prefix = "/v1", error = StripeError)]
#[header("Stripe-Version", "2024-06-20")]
pub trait Stripe {
    /// Creates a customer. A second request with the same key returns the same customer.
    #[post("/customers")]
    async fn create_customer(
        &self,
        #[header("idempotency-key")] key: Option<&str>,
        #[body(Brackets)] customer: &NewCustomer,
    ) -> Result<Customer>;

    /// Returns a customer, or `None` if it does not exist.
    #[get("/customers/{id}", none = 404)]
    async fn customer(&self, id: &str, #[query(brackets)] expand: &[&str]) -> Result<Option<Customer>>;

    /// Changes a customer: what is `None` stays.
    #[post("/customers/{id}", request = Form)]
    async fn update_customer(
        &self,
        id: &str,
        #[field] email: Option<&str>,
        #[field("metadata[order]")] order: Option<u64>,
    ) -> Result<Customer>;

    /// Lists customers: one page, after the customer with an id.
    #[get("/customers")]
    async fn customers(
        &self,
        #[query] email: Option<&str>,
        #[query] limit: Option<u32>,
        #[query("starting_after")] after: Option<&str>,
    ) -> Result<List<Customer>>;

    /// Lists all customers, page by page.
    async fn all_customers(&self, page_size: u32) -> Result<Vec<Customer>> {
        let mut customers = Vec::<Customer>::new();
        loop {
            let after = customers.last().map(|customer| customer.id.as_str());
            let page = self.customers(None, Some(page_size), after).await?;
            let is_last = !page.has_more || page.data.is_empty();
            customers.extend(page.data);
            if is_last {
                return Ok(customers);
            }
        }
    }

    /// Deletes a customer.
    #[delete("/customers/{id}")]
    async fn delete_customer(&self, id: &str) -> Result<Deleted>;

    /// Adds a way to pay.
    #[post("/customers/{id}/sources")]
    async fn add_source(&self, id: &str, #[body(Brackets)] source: &NewSource) -> Result<Created>;

    /// Creates a product.
    #[post("/products", request = Form)]
    async fn create_product(&self, #[field] name: &str, #[field("type")] kind: &str) -> Result<Created>;

    /// Creates a plan.
    #[post("/plans", request = Form)]
    async fn create_plan(
        &self,
        #[field] id: &str,
        #[field] product: &str,
        #[field] amount: u32,
        #[field] currency: &str,
        #[field] interval: &str,
    ) -> Result<Created>;

    /// Creates a subscription.
    #[post("/subscriptions")]
    async fn subscribe(&self, #[body(Brackets)] subscription: &NewSubscription) -> Result<Subscription>;
}
