//! Two tabs of one browser that change the cart.

use crate::browser::Browser;
use crate::client::{ANN, get, log_in, post};
use crate::program::{Service, Shop};

#[tokio::test]
async fn two_tabs_keep_the_products_of_both() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let Some(browser) = Browser::start(&shop.url).await else { return };
    browser.log_in(ANN).await;
    let first = browser.driver.window().await.unwrap();
    let second = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(second.clone()).await.unwrap();
    browser.open("/").await;
    browser.expect("Shop").await;
    // Both tabs show an empty cart now.
    browser.driver.switch_to_window(first).await.unwrap();
    browser.add("Book", 1).await;
    browser.driver.switch_to_window(second).await.unwrap();
    browser.add("Pen", 1).await;
    assert_eq!(browser.cart().await, ["Book 1", "Pen 1"]);
    browser.quit().await;
}

#[tokio::test]
async fn requests_at_the_same_time_keep_the_products_of_both() {
    let service = Service::find().await;
    let shop = Shop::start(&service.url, &[]).await;
    let ann = log_in(&shop.url, ANN).await;
    for _ in 0..50 {
        for product in ["book", "pen"] {
            post(&shop.url, "/cart/remove", &ann, &[("product", product)]).await;
        }
        let (book, pen) = ([("product", "book")], [("product", "pen")]);
        let both = tokio::join!(
            post(&shop.url, "/cart/add", &ann, &book),
            post(&shop.url, "/cart/add", &ann, &pen),
        );
        assert_eq!(
            (both.0.status, both.1.status),
            (reqwest::StatusCode::SEE_OTHER, reqwest::StatusCode::SEE_OTHER)
        );
        let cart = get(&shop.url, "/", &ann).await.body;
        assert!(cart.contains("Remove: Book") && cart.contains("Remove: Pen"), "a change is lost: {cart}");
    }
}

/// Two instances of the shop can overwrite each other's changes, which the library documents: the service has no
/// versions. The test prints how often that happened, and fails if a request fails or both changes are lost.
#[tokio::test]
async fn two_instances_lose_at_most_one_change() {
    const ROUNDS: usize = 50;
    let service = Service::find().await;
    let shops = (Shop::start(&service.url, &[]).await, Shop::start(&service.url, &[]).await);
    let ann = log_in(&shops.0.url, ANN).await;
    let mut lost = 0;
    for _ in 0..ROUNDS {
        for product in ["book", "pen"] {
            post(&shops.0.url, "/cart/remove", &ann, &[("product", product)]).await;
        }
        let (book, pen) = ([("product", "book")], [("product", "pen")]);
        let both = tokio::join!(
            post(&shops.0.url, "/cart/add", &ann, &book),
            post(&shops.1.url, "/cart/add", &ann, &pen),
        );
        assert_eq!(
            (both.0.status, both.1.status),
            (reqwest::StatusCode::SEE_OTHER, reqwest::StatusCode::SEE_OTHER)
        );
        let cart = get(&shops.0.url, "/", &ann).await.body;
        match (cart.contains("Remove: Book"), cart.contains("Remove: Pen")) {
            (true, true) => {}
            (true, false) | (false, true) => lost += 1,
            (false, false) => panic!("both changes are lost: {cart}"),
        }
    }
    println!("{lost} of {ROUNDS} pairs of simultaneous changes through two instances lost one of them");
}
