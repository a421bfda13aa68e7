//! Provided methods, which a contract builds of its operations.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wiretrait::test_kit::{Reply, ScriptedTransport};
use wiretrait::{CallOptions, InProcessTransport, Result, WithOptions};

mod shelves {
    #![deny(warnings)]

    use wiretrait::{Payload, Result, http_api};

    #[http_api(client = ShelvesClient, module = shelves_api)]
    pub(super) trait Shelves {
        /// Returns one page of books.
        #[get("/shelves/{room}/books")]
        async fn page(&self, room: &str, #[query] from: u32) -> Result<Vec<String>>;

        /// Returns the books of all pages.
        async fn all(&self, room: &str) -> Result<Vec<String>> {
            let mut all = Vec::new();
            loop {
                let from = u32::try_from(all.len()).unwrap_or(u32::MAX);
                let page = self.page(room, from).await?;
                if page.is_empty() {
                    return Ok(all);
                }
                all.extend(page);
            }
        }

        /// Is built of a provided method, and returns no `Result`.
        async fn has(&self, room: &str, mut title: String, (or, _): (&str, u8)) -> bool {
            title.make_ascii_lowercase();
            self.all(room).await.is_ok_and(|all| all.iter().any(|book| *book == title || book == or))
        }

        /// Returns what it does not borrow from `self`.
        async fn kind(&self) -> &'static str {
            "books"
        }

        /// Appends to a list of the caller.
        #[cfg(test)]
        async fn append(&self, shelves: &[&str], books: &mut Vec<String>) -> Result<()> {
            for room in shelves {
                books.append(&mut self.all(room).await?);
            }
            Ok(())
        }

        /// Could not compile, because its types do not exist.
        #[cfg(any())]
        async fn gone(&self, id: &Missing) -> Result<Missing> {
            self.missing(id).await
        }
    }

    /// A contract with a type parameter.
    #[http_api(client = BoxesClient, module = boxes)]
    pub(super) trait Boxes<T: Payload + Clone = String> {
        #[post("/boxes")]
        async fn put(&self, #[body] item: &T) -> Result<T>;

        async fn put_all(&self, items: &[T]) -> Result<Vec<T>> {
            let mut put = Vec::with_capacity(items.len());
            for item in items {
                put.push(self.put(item).await?);
            }
            Ok(put)
        }
    }
}

use shelves::{Boxes, BoxesClient, DynBoxes, DynShelves, Shelves, ShelvesClient, boxes, shelves_api};

/// An implementation with two books per page, which has the provided methods.
#[derive(Default)]
struct Pages {
    calls: AtomicU32,
}

impl Shelves for Pages {
    async fn page(&self, room: &str, from: u32) -> Result<Vec<String>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let books = ["emma", "faust", "hamlet"].iter().skip(from as usize).take(2);
        Ok(books
            .map(|book| if room == "a" { (*book).to_owned() } else { format!("{room}/{book}") })
            .collect())
    }
}

/// An implementation that overrides a provided method.
struct Index;

impl Shelves for Index {
    async fn page(&self, _: &str, _: u32) -> Result<Vec<String>> {
        panic!("the index has all books")
    }

    async fn all(&self, room: &str) -> Result<Vec<String>> {
        Ok(vec![format!("all of {room}")])
    }
}

/// Uses all provided methods of an implementation.
async fn books(shelves: &(impl Shelves + ?Sized)) -> Vec<String> {
    let mut books = shelves.all("a").await.unwrap();
    assert!(shelves.has("a", books[0].to_ascii_uppercase(), ("", 0)).await);
    assert!(!shelves.has("a", "Other".to_owned(), ("", 0)).await);
    assert!(shelves.has("a", "Other".to_owned(), (&books[0], 0)).await);
    shelves.append(&["b"], &mut books).await.unwrap();
    books
}

const BOOKS: [&str; 6] = ["emma", "faust", "hamlet", "b/emma", "b/faust", "b/hamlet"];

#[tokio::test]
async fn a_provided_method_calls_the_operations_of_each_implementation() {
    let pages = Arc::new(Pages::default());
    let client = ShelvesClient::new(InProcessTransport::new(shelves_api::Handler::new(pages.clone())));
    let dynamic: Arc<dyn DynShelves> = pages.clone();

    assert_eq!(books(&client).await, BOOKS);
    // Five calls of `all`, with three pages each.
    assert_eq!(pages.calls.swap(0, Ordering::Relaxed), 15);
    assert_eq!(books(&client.with(CallOptions::new())).await, BOOKS);
    assert_eq!(books(&*pages).await, BOOKS);
    assert_eq!(books(&pages).await, BOOKS);
    assert_eq!(books(&&pages).await, BOOKS);
    assert_eq!(books(&Box::new(pages.clone())).await, BOOKS);
    assert_eq!(books(&*dynamic).await, BOOKS);
    assert_eq!(books(&dynamic).await, BOOKS);
    assert_eq!(books(&WithOptions::new(&*dynamic, CallOptions::new())).await, BOOKS);
    assert_eq!(pages.calls.load(Ordering::Relaxed), 8 * 15);
}

#[tokio::test]
async fn a_provided_method_returns_static_references() {
    let dynamic: Arc<dyn DynShelves> = Arc::new(Pages::default());
    assert_eq!(dynamic.kind().await, "books");
    assert_eq!(dynamic.with(CallOptions::new()).kind().await, "books");
}

#[tokio::test]
async fn an_override_is_called_through_every_pointer() {
    let dynamic: Arc<dyn DynShelves> = Arc::new(Index);
    let expected = ["all of a", "all of b"];
    assert_eq!(books(&Index).await, expected);
    assert_eq!(books(&&Index).await, expected);
    assert_eq!(books(&Box::new(Index)).await, expected);
    assert_eq!(books(&Arc::new(Index)).await, expected);
    assert_eq!(books(&*dynamic).await, expected);
    assert_eq!(books(&dynamic).await, expected);
    assert_eq!(books(&WithOptions::new(Index, CallOptions::new())).await, expected);
}

#[tokio::test]
async fn options_of_a_view_apply_to_the_calls_of_a_provided_method() {
    let service = ScriptedTransport::new();
    service.on(shelves_api::PAGE, Reply::json(&["emma"]).then(Reply::json(&[""; 0])));
    let dynamic: Arc<dyn DynShelves> = Arc::new(ShelvesClient::new(service.clone()));
    let view = dynamic.with(CallOptions::new().header("x-tenant", "acme"));
    assert_eq!(view.all("a").await.unwrap(), ["emma"]);
    let tenants = service.sent();
    assert_eq!(tenants.len(), 2);
    for sent in tenants {
        assert_eq!(sent.request().headers()["x-tenant"], "acme");
    }
}

#[tokio::test]
async fn a_provided_method_can_be_spawned() {
    let shelves = Arc::new(Pages::default());
    let dynamic: Arc<dyn DynShelves> = shelves.clone();
    let calls = [
        tokio::spawn({
            let shelves = shelves.clone();
            async move { shelves.all("a").await }
        }),
        tokio::spawn(async move { dynamic.all("a").await }),
    ];
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), BOOKS[..3]);
    }
}

#[test]
fn a_provided_method_is_not_an_operation() {
    assert_eq!(shelves_api::ROUTES.len(), 1);
    assert_eq!(boxes::ROUTES.len(), 1);
}

struct Echo;

impl<T: wiretrait::Payload + Clone> Boxes<T> for Echo {
    async fn put(&self, item: &T) -> Result<T> {
        Ok(item.clone())
    }
}

#[tokio::test]
async fn a_provided_method_can_use_the_type_parameters_of_its_contract() {
    let client = BoxesClient::new(InProcessTransport::new(boxes::Handler::<_, String>::new(Echo)));
    let items = ["a".to_owned(), "b".to_owned()];
    assert_eq!(client.put_all(&items).await.unwrap(), items);
    let dynamic: Box<dyn DynBoxes<u8>> = Box::new(Echo);
    assert_eq!(dynamic.put_all(&[1, 2]).await.unwrap(), [1, 2]);
}
