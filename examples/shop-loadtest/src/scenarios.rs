//! The scenarios of the shop's customers.

use crate::contract::{Shop, ShopClient, shop_v1};
use loadtest::{IterationResult, LoadTest, LoadTransport, VirtualUser};

/// A virtual customer.
pub type Customer = VirtualUser<ShopClient<LoadTransport>>;

/// Looks at the first items of the list.
async fn browse(customer: &mut Customer) -> IterationResult {
    let items = customer.client().list_items().await?;
    customer.check("the shop has items", !items.is_empty())?;
    for listed in items.iter().take(3) {
        customer.think().await?;
        let item = customer.client().get_item(listed.id).await?;
        customer.check_eq("an item is as listed", &item, listed)?;
    }
    Ok(())
}

/// Orders an item, looks at the order, cancels it, and looks for it again.
async fn order(customer: &mut Customer) -> IterationResult {
    let name = customer.id();
    let placed = customer.client().place_order(&name, 1).await?;
    customer.check_eq("an order is for its customer", &placed.customer, &name)?;
    customer.think().await?;
    let found = customer.client().get_order(placed.id).await?;
    customer.check_eq("an order is kept", &found, &placed)?;
    customer.think().await?;
    customer.client().cancel_order(placed.id).await?;
    let cancelled = customer.expecting(&[404], customer.client().get_order(placed.id)).await?;
    customer.check_eq("a cancelled order is gone", &cancelled, &None)
}

/// The load test: of four customers, three browse and one orders.
pub fn load_test() -> LoadTest<ShopClient<LoadTransport>> {
    LoadTest::new("shop", shop_v1::ROUTES, ShopClient::from_caller)
        .weighted_scenario("browse", 3, browse)
        .weighted_scenario("order", 1, order)
}
