//! The attribute and its reference. It is here and not in the macro's own crate, so that its examples compile.

/// Makes a trait the contract of an HTTP API: annotate it once, and its client, its service and its tests
/// follow.
///
/// ```
/// use sessions_client::{InProcessTransport, Operation, Result, http_api};
/// use std::sync::Arc;
///
/// /// Books in shelves.
/// #[http_api(prefix = "/v1", client = ShelvesClient, module = shelves)]
/// pub trait Shelves {
///     /// Finds a book.
///     #[get("/shelves/{shelf}/books/{id}")]
///     async fn find(&self, shelf: &str, id: u64, #[query] edition: Option<u32>) -> Result<Option<String>>;
///
///     /// Puts a book into a shelf.
///     #[post("/shelves/{shelf}/books", timeout = "2s")]
///     async fn add(&self, shelf: &str, #[field] title: &str, #[field("author_name")] author: &str) -> Result<u64>;
/// }
///
/// // A service is an ordinary implementation, with ordinary `async fn`s …
/// struct Library;
///
/// impl Shelves for Library {
///     async fn find(&self, shelf: &str, id: u64, _edition: Option<u32>) -> Result<Option<String>> {
///         Ok((shelf == "rust" && id == 1).then(|| "The Book".to_owned()))
///     }
///     async fn add(&self, _shelf: &str, _title: &str, _author: &str) -> Result<u64> {
///         Ok(2)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// // … and the client is one too. This one talks to the library without a network.
/// let client = ShelvesClient::new(InProcessTransport::new(shelves::Handler::new(Library)));
/// assert_eq!(client.find("rust", 1, None).await?.as_deref(), Some("The Book"));
///
/// // Either can be behind a pointer.
/// let anything: Arc<dyn DynShelves> = Arc::new(client);
/// assert_eq!(anything.add("rust", "Nomicon", "many").await?, 2);
///
/// // A call is also a value, and a request without a network.
/// let request = shelves::Find::new("rust", 1).edition(3).encode()?;
/// assert_eq!(request.uri(), "/v1/shelves/rust/books/1?edition=3");
/// # Ok(())
/// # }
/// ```
///
/// # On the trait
///
/// | argument | | meaning |
/// |---|---|---|
/// | `client = Name` | required | the client to generate |
/// | `module = name` | required | the module to generate, for operations and routes |
/// | `prefix = "/v1"` | | what every path begins with |
/// | `crate = path` | | where this crate is found, if not at `::sessions_client` |
///
/// The trait may have type parameters, with or without defaults: the types of payloads. Each has a bound,
/// [`Payload`](crate::Payload) as a rule. It has no supertraits (`Send + Sync` are added), no lifetimes, constants or
/// types, and all of its methods are operations.
///
/// # On a method
///
/// One of `#[get("/path")]`, `#[post("/path")]`, `#[put("/path")]`, `#[patch("/path")]` and `#[delete("/path")]`.
/// A path may have `{placeholders}`, each a whole segment. The first route that fits a request is taken, so `/new` stands
/// before `/{id}`; `/{id}/edit` and `/new/{kind}`, which share a path while neither has all of the other's, are refused.
/// After the path come, in any order:
///
/// | flag | meaning |
/// |---|---|
/// | `idempotent` | a repeat does no more than the first call; so by default for GET, PUT and DELETE |
/// | `unsafe_to_repeat` | it may; so by default for POST and PATCH |
/// | `timeout = "5s"` | the longest that one attempt may take, in `ms`, `s` or `m`, in place of the client's own limit; the deadline of the call still holds |
///
/// A method is an `async fn` with `&self` that returns a `Result`. Its error is [`Error`](crate::Error), or any type that
/// is `From<Error>` for the client's side and [`Failure`](crate::Failure) for the service's. `#[cfg]` on it holds for all
/// that is generated.
///
/// # On an argument
///
/// | annotation | where its value travels | its type |
/// |---|---|---|
/// | none, and named like a placeholder | that segment of the path | [`ParamValue`](crate::ParamValue): text, a number, `bool` |
/// | `#[query]`, `#[query("name")]` | a query parameter | [`ParamValues`](crate::ParamValues): the same, or `Option`, slice or `Vec` of it |
/// | `#[header("name")]` | a header | the same |
/// | `#[field]`, `#[field("name")]` | a key of the JSON object in the body | `Serialize`, and `Deserialize` for the service |
/// | `#[body]` | the whole body, as JSON | the same |
/// | `#[correlation]`, `#[correlation("name")]` | query, header or both: the client's [`CorrelationPlace`](crate::CorrelationPlace) | text |
///
/// A value in the path is refused, with the argument's name, if a proxy that decodes it could find a `.`, `..` or
/// empty segment in it and resolve the path to another one; a slash inside of a value is sent as `%2F`.
///
/// Arguments are `T`, `&T`, `Option<T>` or `Option<&T>`; a service decodes `&str` as `String` and `&[T]` as `Vec<T>`. `T`
/// itself borrows nothing, as `Cow<'_, str>` would. An `Option` may be left out: absent from a query, `null` in a body.
/// One argument may have several places. POST, PUT and PATCH always have a JSON body, `{}` where there is no field.
///
/// # What it generates
///
/// For a trait `Api` with `client = ApiClient, module = api`:
///
/// | item | what it is |
/// |---|---|
/// | `Api` | the trait itself; `async fn` in it returns a future that is `Send`, and is implemented by `async fn` |
/// | `DynApi` | the object-safe companion. `dyn DynApi`, `&T`, `Box<T>` and `Arc<T>` implement `Api`, and everything that implements `Api` turns into a `dyn DynApi` |
/// | `ApiClient<…, T>` | the client over a [`Transport`](crate::Transport) `T` |
/// | `api::FindBook` | the arguments of `find_book`: [`Operation`](crate::Operation), with `new` for what is required, a setter for each `Option`, `decode` and `send`. It can be copied where all of its arguments can |
/// | `api::received::FindBook` | the same arguments as a service has them, which own what they hold: [`Received`](crate::Received). `as_operation` makes the call of them again |
/// | `api::FIND_BOOK`, `api::ROUTES` | its [`Route`](crate::Route), and the table of all |
/// | `api::Handler`, `api::dispatch` | the service's side: a [`Handler`](crate::Handler) from any implementation |
///
/// The module sees what is beside the trait (`use super::*`), so a trait inside a function body can only use types from
/// the module around the function.
///
/// # Mistakes
///
/// Every mistake is a compile error at the tokens that made it and says what to write instead. All of them are reported
/// at once, and the trait survives them: what uses it draws no second-hand errors.
///
/// ```compile_fail
/// use sessions_client::{Result, http_api};
///
/// #[http_api(client = ShelvesClient, module = shelves)]
/// pub trait Shelves {
///     #[get("/shelves/{shelv}")] // `{shelv}` matches no argument of `find`: did you mean `{shelf}`?
///     async fn find(&self, shelf: &str) -> Result<()>;
/// }
/// ```
pub use sessions_macros::http_api;
