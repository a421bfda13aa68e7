//! The contract of the shop.

use serde::{Deserialize, Serialize};
use wiretrait::{Result, http_api};

/// An item for sale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The id.
    pub id: u32,
    /// The price in cents.
    pub price: u32,
}

/// An order of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The id that the shop assigned.
    pub id: u32,
    /// The customer.
    pub customer: String,
    /// The ordered item.
    pub item: u32,
}

/// The shop.
#[http_api(prefix = "/v1", client = ShopClient, module = shop_v1)]
pub trait Shop {
    /// Lists all items.
    #[get("/items")]
    async fn list_items(&self) -> Result<Vec<Item>>;

    /// Finds an item.
    #[get("/items/{id}")]
    async fn get_item(&self, id: u32) -> Result<Item>;

    /// Orders an item.
    #[post("/orders")]
    async fn place_order(&self, #[field] customer: &str, #[field] item: u32) -> Result<Order>;

    /// Lists the orders of all customers whose names begin with a string.
    #[get("/orders")]
    async fn list_orders(&self, #[query] customer_prefix: &str) -> Result<Vec<Order>>;

    /// Finds an order.
    #[get("/orders/{id}")]
    async fn get_order(&self, id: u32) -> Result<Order>;

    /// Cancels an order.
    #[delete("/orders/{id}")]
    async fn cancel_order(&self, id: u32) -> Result<Order>;
}
