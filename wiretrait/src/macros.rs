//! The attribute and its reference. They are here and not in the macro's own crate, so that the examples
//! compile.

/// Makes a trait the contract of an HTTP API, and generates its client, its service and tools for its tests.
///
/// ```
/// use std::sync::Arc;
/// use wiretrait::{InProcessTransport, Operation, Result, http_api};
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
/// // A service is an implementation of the trait, with ordinary `async fn`s.
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
/// // The client is another implementation. This one calls the library without a network.
/// let client = ShelvesClient::new(InProcessTransport::new(shelves::Handler::new(Library)));
/// assert_eq!(client.find("rust", 1, None).await?.as_deref(), Some("The Book"));
///
/// // Both can be used as trait objects.
/// let dynamic: Arc<dyn DynShelves> = Arc::new(client);
/// assert_eq!(dynamic.add("rust", "Nomicon", "many").await?, 2);
///
/// // A call is also a value that can be encoded without a network.
/// let request = shelves::Find::new("rust", 1).edition(3).encode()?;
/// assert_eq!(request.uri(), "/v1/shelves/rust/books/1?edition=3");
/// # Ok(())
/// # }
/// ```
///
/// # Arguments of the attribute
///
/// | argument | | meaning |
/// |---|---|---|
/// | `client = Name` | required | name of the generated client |
/// | `module = name` | required | name of the generated module for operations and routes |
/// | `prefix = "/v1"` | | prefix of all paths |
/// | `errors = path` | | format of error bodies, a constant or unit struct that implements [`ErrorFormat`](crate::ErrorFormat); [`PlainErrors`](crate::PlainErrors) by default |
/// | `crate = path` | | path of this crate, if it is not `::wiretrait` |
///
/// The trait may have type parameters, with or without defaults, for the types of payloads. Each needs a
/// bound, usually [`Payload`](crate::Payload). Supertraits (`Send + Sync` are added), lifetimes, constants
/// and associated types are not supported, and all methods are operations.
///
/// # Methods
///
/// Each method has one of `#[get("/path")]`, `#[post("/path")]`, `#[put("/path")]`, `#[patch("/path")]` and
/// `#[delete("/path")]`. A path may have `{placeholders}`, each a whole segment. A request is dispatched to
/// the first route that matches, so `/new` must be declared before `/{id}`. Two routes that overlap without
/// one being more specific, such as `/{id}/edit` and `/new/{kind}`, are a compile error. These flags may
/// follow the path, in any order:
///
/// | flag | meaning |
/// |---|---|
/// | `idempotent` | the call may be retried after any transient failure; the default for GET, PUT and DELETE |
/// | `not_idempotent` | the call is retried only if no connection was made; the default for POST and PATCH |
/// | `timeout = "5s"` | limit for one attempt in `ms`, `s` or `m`, instead of the client's; the deadline of the call still applies |
///
/// A method is an `async fn` that takes `&self` and returns a `Result`. Its error is [`Error`](crate::Error),
/// or any type that implements `From<Error>` for clients and [`Failure`](crate::Failure) for services. A
/// `#[cfg]` on a method applies to all code that is generated for it.
///
/// # Arguments of methods
///
/// | annotation | part of the request | type |
/// |---|---|---|
/// | none, and named like a placeholder | that segment of the path | [`ParamValue`](crate::ParamValue): a string, a number or `bool` |
/// | `#[query]`, `#[query("name")]` | a query parameter | [`ParamValues`](crate::ParamValues): the same, or an `Option`, slice or `Vec` of it |
/// | `#[header("name")]` | a header | the same |
/// | `#[field]`, `#[field("name")]` | a key of the JSON object in the body | `Serialize`, and `Deserialize` for services |
/// | `#[body]` | the whole body, as JSON | the same |
/// | `#[correlation]`, `#[correlation("name")]` | query, header or both, by the client's [`CorrelationPlace`](crate::CorrelationPlace) | a string |
///
/// A value in the path is rejected, with the name of the argument, if a proxy that decodes it could find a
/// `.`, `..` or empty segment in it and resolve the path to another one; a slash in a value is sent as `%2F`.
///
/// Arguments are `T`, `&T`, `Option<T>` or `Option<&T>`; a service decodes `&str` as `String` and `&[T]` as
/// `Vec<T>`. `T` must not borrow, as `Cow<'_, str>` would. An `Option` may be absent: it is left out of a
/// query and is `null` in a body. One argument may have several annotations. POST, PUT and PATCH always have
/// a JSON body, `{}` without fields.
///
/// # Generated items
///
/// For a trait `Api` with `client = ApiClient, module = api`:
///
/// | item | description |
/// |---|---|
/// | `Api` | the trait itself. Its `async fn`s return futures that are `Send`, and are implemented by `async fn`s |
/// | `DynApi` | the object-safe companion. `dyn DynApi`, `&T`, `Box<T>` and `Arc<T>` implement `Api`, and every implementation of `Api` converts to a `dyn DynApi` |
/// | `ApiClient<…, T>` | the client over a [`Transport`](crate::Transport) `T` |
/// | `api::FindBook` | the arguments of `find_book` as an [`Operation`](crate::Operation), with `new` for the required ones, a setter for each `Option`, `decode` and `send`. It is `Copy` if all arguments are |
/// | `api::received::FindBook` | the same arguments, owned, as a service decodes them: [`Received`](crate::Received). `as_operation` converts them back |
/// | `api::FIND_BOOK`, `api::ROUTES` | the [`Route`](crate::Route) of the operation, and the table of all routes |
/// | `api::CONTRACT` | the [`Contract`](crate::Contract): its name, its user agent and the format of its errors |
/// | `api::Handler`, `api::dispatch` | the [`Handler`](crate::Handler) that serves any implementation |
///
/// The client has these constructors:
///
/// | constructor | limits, retries, base route, correlation ids |
/// |---|---|
/// | `connect(url)` | the defaults, over the network |
/// | `from_config(&config)` | those of the [`ClientConfig`](crate::ClientConfig), over the network |
/// | `from_transport(transport, &config)` | those of the configuration, over any transport |
/// | `new(transport)` | those of the transport: none, unless it is [`Policies`](crate::Policies) |
///
/// The generated module imports the names next to the trait (`use super::*`), so a trait inside a function
/// body can only use types from the module around the function.
///
/// # Compile errors
///
/// Each mistake is reported at the tokens that cause it, with the correction. All mistakes are reported at
/// once, and the trait itself is kept, so that code that uses it does not cause further errors.
///
/// ```compile_fail
/// use wiretrait::{Result, http_api};
///
/// #[http_api(client = ShelvesClient, module = shelves)]
/// pub trait Shelves {
///     #[get("/shelves/{shelv}")] // `{shelv}` matches no argument of `find`: did you mean `{shelf}`?
///     async fn find(&self, shelf: &str) -> Result<()>;
/// }
/// ```
pub use sessions_macros::http_api;
