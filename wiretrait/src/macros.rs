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
/// | `client = Name` | required, except with `server_only` | name of the generated client |
/// | `module = name` | required | name of the generated module for operations and routes |
/// | `prefix = "/v1"` | | prefix of all paths |
/// | `error = Type` | | type of error bodies, which implements [`ErrorBody`](crate::ErrorBody), such as [`Problem`](crate::Problem) |
/// | `errors = path` | | instead of `error`, a format of error bodies that is not a single type: a constant or unit struct that implements [`ErrorFormat`](crate::ErrorFormat); [`PlainErrors`](crate::PlainErrors) by default |
/// | `request = path` | | [codec](crate::codec) of the bodies of requests, such as `Form`; `Json` by default |
/// | `response = path` | | codec of the bodies of responses, such as `Text`; `Json` by default |
/// | `client_only`, `server_only` | | generates one half only, see [Halves](#halves) |
/// | `omit_none` | | fields that are `None` are left out of the body instead of `null` |
/// | `crate = path` | | path of this crate, if it is not `::wiretrait` |
///
/// A crate that has this one only through another crate needs `crate = ::facade::wiretrait`, where `facade` contains
/// `pub use wiretrait;`. Without it, several errors say "could not find `wiretrait` in the list of imported crates".
///
/// The trait may have type parameters, with or without defaults, for the types of payloads. Each needs a
/// bound, usually [`Payload`](crate::Payload). Supertraits (`Send + Sync` are added), lifetimes, constants
/// and associated types are not supported.
///
/// # Halves
///
/// A contract has a client and a service half. The types in its signatures need what the generated halves
/// need:
///
/// | | both halves | `client_only` | `server_only` |
/// |---|---|---|---|
/// | client, operations, [`WithOptions`](crate::WithOptions) | yes | yes | |
/// | `received`, `dispatch`, `Handler` | yes | | yes |
/// | arguments | are written and read | are only written, and may borrow: `&[&str]`, `Query<'_>` | are only read |
/// | values of responses | `DeserializeOwned` and `Serialize` | `DeserializeOwned` | `Serialize` |
/// | errors | `From<`[`Error`](crate::Error)`>` and [`Failure`](crate::Failure) | `From<Error>` | `Failure` |
/// | routes | must not overlap | may overlap | must not overlap |
///
/// ```
/// use serde::Serialize;
/// use wiretrait::{Operation, Result, http_api};
///
/// #[derive(Serialize)]
/// pub struct Wish<'a> {
///     title: &'a str,
/// }
///
/// #[http_api(client = WishesClient, module = wishes, client_only)]
/// pub trait Wishes {
///     /// Adds wishes to a list.
///     #[post("/wishes/{list}")]
///     async fn add(&self, list: &str, #[query("tag")] tags: &[&str], #[body] wishes: &[Wish<'_>]) -> Result<u64>;
/// }
///
/// # fn main() -> Result<()> {
/// let request = wishes::Add::new("rust", &["new"], &[Wish { title: "The Book" }]).encode()?;
/// assert_eq!(request.body(), r#"[{"title":"The Book"}]"#);
/// # Ok(())
/// # }
/// ```
///
/// # Methods
///
/// Each method has one of `#[get("/path")]`, `#[post("/path")]`, `#[put("/path")]`, `#[patch("/path")]`,
/// `#[delete("/path")]`, `#[head("/path")]` and `#[options("/path")]`. A path may have placeholders:
///
/// | placeholder | value |
/// |---|---|
/// | `/{id}` | a segment |
/// | `/{name}.json`, `/{id}:cancel`, `/{base}...{head}` | a part of a segment; what is between two must separate them |
/// | `/{*rest}` | the rest of the path, at its end, with slashes between its segments; not empty |
///
/// A request is dispatched to the first route that matches, so `/new` must be declared before `/{id}`. Two
/// routes that overlap without one being more specific, such as `/{id}/edit` and `/new/{kind}`, are a compile
/// error. These flags may follow the path, in any order:
///
/// | flag | meaning |
/// |---|---|
/// | `idempotent` | the call may be retried after any transient failure; the default for all methods but POST and PATCH |
/// | `not_idempotent` | the call is retried only if the service has not processed the request; the default for POST and PATCH |
/// | `timeout = "5s"` | limit for one attempt in `ms`, `s` or `m`, instead of the client's; the deadline of the call still applies |
/// | `omit_none` | fields that are `None` are left out of the body instead of `null`; the default for DELETE |
/// | `request = Form`, `response = Text` | [codecs](crate::codec) of the bodies, instead of the contract's |
/// | `none = 404`, `none = [404, 410]` | a response with this status is `None`, as 204 and 205 always are; a service sends the first one for `None`; required for `Option<()>` |
///
/// `#[header("accept", "text/csv")]` and `#[query("api-version", "2")]` on a method or, below `#[http_api]`, on the
/// trait are sent with a constant value. That of a method replaces that of the trait. `Accept` and, in requests
/// with a body, `Content-Type` replace those that the client sets. A service ignores constants, and they do not
/// select a route.
///
/// A method is an `async fn` that takes `&self` and returns a `Result`. Its error is [`Error`](crate::Error),
/// or any type that implements `From<Error>` for clients and [`Failure`](crate::Failure) for services. A
/// `#[cfg]` on a method applies to all code that is generated for it, `#[deprecated]` also to its struct and its
/// route.
///
/// A method with a body and no route is provided, as in any trait: it is built of operations, implementations may
/// override it, and pointers, views and `dyn` call the override. It is an `async fn` without type parameters
/// whose future is `Send`, with arguments and a result of any type that does not borrow from `self`.
///
/// ```
/// use wiretrait::{Result, http_api};
///
/// #[http_api(client = ShelvesClient, module = shelves)]
/// pub trait Shelves {
///     /// Returns one page of books.
///     #[get("/books")]
///     async fn page(&self, #[query] from: usize) -> Result<Vec<String>>;
///
///     /// Returns all books.
///     async fn all(&self) -> Result<Vec<String>> {
///         let mut all = self.page(0).await?;
///         loop {
///             let page = self.page(all.len()).await?;
///             if page.is_empty() {
///                 return Ok(all);
///             }
///             all.extend(page);
///         }
///     }
/// }
/// # fn main() {}
/// ```
///
/// # Arguments of methods
///
/// | annotation | part of the request | type |
/// |---|---|---|
/// | none or `#[path("name")]` | the placeholder with its name | [`ParamValue`](crate::ParamValue): a string, a number, `bool` or an IP address |
/// | `#[query]`, `#[query("name")]` | a query parameter | [`ParamValues`](crate::ParamValues): the same, or an `Option`, slice, array, `Vec` or set of it |
/// | `#[header("name")]` | a header | the same |
/// | `#[field]`, `#[field("name")]` | a key of the JSON object in the body, or a field of the form | `Serialize`, and `Deserialize` for services; as `#[query]` in a form |
/// | `#[body]`, `#[body(Form)]` | the whole body, as JSON or with a [codec](crate::codec) | what the codec writes and reads; `Text` drops a byte order mark at the start |
/// | `#[correlation]`, `#[correlation("name")]` | query, header or both, by the client's [`CorrelationPlace`](crate::CorrelationPlace); always a header if the name has a `-`, as `x-request-id`; the header is in lower case | a string; an empty one is not sent |
///
/// Flags follow the name, if there is one: `#[query("ids", display, comma)]`.
///
/// | flag | of | meaning |
/// |---|---|---|
/// | `display` | path, query, header | values are written by `Display` and read by `FromStr`, such as those of `uuid::Uuid` |
/// | `serde` | path, query, header | values are written and read by serde: unit enums, and newtypes around strings or numbers, but not untagged enums |
/// | `comma` | query, header | a list is one value, `ids=1,2`; a value with a comma is rejected |
/// | `brackets` | query | a list is sent as `ids[]=1&ids[]=2`; the default is `ids=1&ids=2` |
/// | `flatten` | query | each field of a struct or map, or each pair of a list, is a query parameter, by serde |
/// | `omit_none` | field | a `None` is left out of the body instead of `null` |
///
/// A custom type needs no flag after [`param_value!(UserId)`](crate::param_value). An empty list is left
/// out, so a service reads it as absent; in a struct of `flatten` or `#[body(Form)]`, it needs `#[serde(default)]`. The
/// fields that `flatten` reads are the query parameters that are not constant and belong to no other argument by its
/// name, and a client rejects others. Two `flatten` arguments read the same ones, so neither may be an `Option`.
///
/// A field of type `Option<Option<T>>` is left out, `null` or a value, with and without `omit_none`; another codec than
/// `Json` needs [`NullableFields`](crate::codec::NullableFields) for it. A DELETE without fields has no body.
///
/// The documentation of an argument (`///`) becomes that of its field and setter. Names of headers are sent in lower
/// case.
///
/// A value in the path is rejected, with the name of the argument, if a proxy that decodes it could find a
/// `.`, `..` or empty segment in it and resolve the path to another one; a slash in a value, except of `{*rest}`, is sent as `%2F`.
/// So is one that a service could not read back from its segment, as `a...b` for `base` of `/{base}...{head}`. Other
/// routes are not considered: if `/{name}.json` is declared before `/{id}`, it takes the call with the `id` `x.json`.
///
/// Arguments are `T`, `&T`, `Option<T>` or `Option<&T>`; a service decodes `&str` as `String` and `&[T]` as
/// `Vec<T>`, so `T` must not borrow unless it is a `Cow` or the contract is `client_only`. An `Option` may be absent: it is left out of a
/// query and is `null` in a body. One argument may have several annotations. POST, PUT and PATCH always have
/// a JSON body, `{}` without fields; with another codec they have no body then.
///
/// # Return types
///
/// | type | |
/// |---|---|
/// | `Result<T>` | the value in the body |
/// | `Result<Option<T>>` | `None` for 204, for the statuses of `none`, and for `null` or an empty body in JSON |
/// | `Result<()>` | any success, whatever its body |
/// | [`Result<ResponseValue<T>>`](crate::ResponseValue) | one of the above with the status and the headers of the response |
///
/// A HEAD response has no body: its type is `()`, `Option<()>` or a `ResponseValue` of them.
///
/// Bytes need a codec, on both sides: JSON would make them a list of numbers. As a field, send a string, such as base64, or a
/// [`Part`](crate::codec::Part) of [`Multipart`](crate::codec::Multipart). Responses are read as a whole, up to the
/// limit of the [configuration](crate::ClientConfig::with_max_response_bytes). Read a larger one in ranges, with a
/// `#[header("range")]` argument and `ResponseValue<Bytes>`, or with an HTTP library next to the client. A range of bytes
/// (206) with a `Content-Encoding` is not decoded: it is one of the encoded body.
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
