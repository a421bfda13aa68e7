//! The shop window and the cart.

use crate::page::page;
use axum::Form;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use sessions_web::{Session, SessionError};

struct Product {
    id: &'static str,
    name: &'static str,
    /// In cents.
    price: u32,
}

const PRODUCTS: [Product; 3] = [
    Product { id: "book", name: "Book", price: 1850 },
    Product { id: "pen", name: "Pen", price: 220 },
    Product { id: "lamp", name: "Desk lamp", price: 4900 },
];

/// The most pieces of one product in a cart.
const MAX_PIECES: u32 = 99;

#[derive(Deserialize)]
pub(crate) struct Choice {
    product: String,
}

impl Choice {
    /// Returns the key of the product in the session.
    ///
    /// Each product has a key, and not all share one: two tabs that add different products at the same time then keep
    /// both, since a request writes only the keys that it has changed.
    fn key(&self) -> Option<String> {
        PRODUCTS.iter().find(|product| product.id == self.product).map(key)
    }
}

fn key(product: &Product) -> String {
    format!("cart.{}", product.id)
}

/// Shows the products and the cart.
pub(crate) async fn show(session: Session) -> Result<Markup, SessionError> {
    let mut cart = Vec::new();
    for product in &PRODUCTS {
        if let Some(pieces) = session.get::<u32>(&key(product))? {
            cart.push((product, pieces));
        }
    }
    let total = cart.iter().map(|(product, pieces)| product.price * pieces).sum();
    Ok(page(
        "Shop",
        session.user_name(),
        &html! {
            ul.products {
                @for product in &PRODUCTS {
                    li {
                        span { (product.name) }
                        span.price { (price(product.price)) }
                        (button("/cart/add", product, "Add to cart"))
                    }
                }
            }
            h2 { "Your cart" }
            @if cart.is_empty() {
                p #cart { "It is empty." }
            } @else {
                table #cart {
                    thead { tr { th scope="col" { "Product" } th scope="col" { "Pieces" } th scope="col" { "Price" } td {} } }
                    tbody {
                        @for (product, pieces) in cart {
                            tr {
                                th scope="row" { (product.name) }
                                td.pieces { (pieces) }
                                td.price { (price(product.price * pieces)) }
                                td { (button("/cart/remove", product, "Remove")) }
                            }
                        }
                    }
                    tfoot { tr { th scope="row" colspan="2" { "Total" } td.price { (price(total)) } td {} } }
                }
            }
        },
    ))
}

/// Adds one piece of a product.
pub(crate) async fn add(session: Session, Form(choice): Form<Choice>) -> Result<Response, SessionError> {
    let Some(key) = choice.key() else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let pieces: u32 = session.get(&key)?.unwrap_or(0);
    session.insert(&key, &(pieces + 1).min(MAX_PIECES))?;
    Ok(Redirect::to("/").into_response())
}

/// Removes all pieces of a product.
pub(crate) async fn remove(session: Session, Form(choice): Form<Choice>) -> Result<Response, SessionError> {
    let Some(key) = choice.key() else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    session.remove(&key)?;
    Ok(Redirect::to("/").into_response())
}

fn button(action: &str, product: &Product, label: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            // Screen readers read the name of the product with each button.
            button name="product" value=(product.id) aria-label={ (label) ": " (product.name) } { (label) }
        }
    }
}

fn price(cents: u32) -> String {
    format!("€ {}.{:02}", cents / 100, cents % 100)
}
