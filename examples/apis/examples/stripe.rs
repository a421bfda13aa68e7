//! Creates, lists and deletes customers of Stripe: `stripe URL`. The key is that of `$STRIPE_KEY`.

use apis::stripe::{NewCustomer, Stripe, StripeClient};
use std::collections::BTreeMap;
use wiretrait::http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::{ClientConfig, Error, ErrorKind, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let Some(url) = std::env::args().nth(1) else {
        return Err(Error::new(ErrorKind::Config, "usage: stripe URL"));
    };
    let key = std::env::var("STRIPE_KEY").unwrap_or_else(|_| "sk_test_12345".to_owned());
    let credentials = HeaderValue::try_from(format!("Bearer {key}"));
    let mut credentials =
        credentials.map_err(|_| Error::new(ErrorKind::Config, "the key is not valid in a header"))?;
    credentials.set_sensitive(true);
    let config = ClientConfig::from_url(&url)?.with_header(AUTHORIZATION, credentials);
    let stripe = StripeClient::from_config(&config)?;

    let mut ids = Vec::new();
    for name in ["ann", "bob", "cleo"] {
        let metadata = BTreeMap::from([("name".to_owned(), name.to_owned())]);
        let email = format!("{name}@example.com");
        let customer = NewCustomer { email, metadata, ..NewCustomer::default() };
        ids.push(stripe.create_customer(Some(name), &customer).await?.id);
    }
    let customers = stripe.all_customers(2).await?;
    println!(
        "{} customers: {:?}",
        customers.len(),
        customers.iter().map(|one| &one.email).collect::<Vec<_>>()
    );
    for id in &ids {
        println!("{id} {:?}", stripe.delete_customer(id).await?.deleted);
    }
    println!("missing {:?}", stripe.customer("cus_none", &[]).await?);
    Ok(())
}
