//! Hygiene of the expansion: names of the user that could be confused with its own.

use wiretrait::{InProcessTransport, Payload, Result, http_api};

/// A module without a prelude that defines the names of the prelude and of crates.
#[no_implicit_prelude]
#[allow(dead_code, reason = "they only have to exist")]
mod hostile {
    pub(super) struct Result;
    pub(super) struct Option;
    pub(super) struct Box;
    pub(super) struct Vec;
    pub(super) struct String;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Send;
    pub(super) struct Sync;
    pub(super) struct Sized;
    pub(super) struct Arc;
    pub(super) struct Duration;
    pub(super) struct PhantomData;
    pub(super) struct Error;
    pub(super) struct Route;
    pub(super) struct Response;
    pub(super) struct Contract;
    pub(super) struct ClientConfig;
    pub(super) struct Policies;
    pub(super) struct PlainErrors;
    pub(super) trait ErrorFormat {}
    pub(super) trait Clone {}
    pub(super) trait Debug {}
    pub(super) trait Future {}
    pub(super) trait Operation {}
    pub(super) trait Transport {}
    pub(super) mod std {}
    pub(super) mod core {}
    pub(super) mod alloc {}
    pub(super) mod http {}
    pub(super) mod bytes {}
    pub(super) mod serde {}
    pub(super) mod wiretrait {}

    #[allow(clippy::wrong_self_convention, reason = "operations can have the names of constructors")]
    #[::wiretrait::http_api(client = Client, module = api, prefix = "/hostile")]
    pub(super) trait Hostile {
        #[post("/{type}/{match}", idempotent, timeout = "1s")]
        async fn echo(
            &self,
            r#type: &str,
            r#match: u8,
            #[query] request: &str,
            #[query] response: ::std::option::Option<&str>,
            #[query] formatter: &[::std::string::String],
            #[header("x-service")] service: &str,
            #[header("x-transport")] transport: ::std::option::Option<u64>,
            #[correlation] operation: ::std::option::Option<&str>,
            #[field] body: &str,
            #[field] arguments: ::std::string::String,
            #[field] encoder: bool,
            #[field] encoding: ::std::option::Option<bool>,
            #[field] caller: &[u16],
            #[field] decoder: i64,
            #[field] this: u16,
            #[field] self_: &str,
            #[field] outcome: ::std::option::Option<&str>,
        ) -> ::wiretrait::Result<::std::vec::Vec<::std::string::String>>;

        #[get("/async")]
        async fn r#async(&self) -> ::wiretrait::Result<()>;

        #[get("/send")]
        async fn send(&self, #[query] decode_: bool) -> ::wiretrait::Result<bool>;

        #[put("/dispatch")]
        async fn dispatch(&self, #[body] dispatch: &str) -> ::wiretrait::Result<::std::string::String>;

        #[get("/connect")]
        async fn connect(&self, #[query] url: &str) -> ::wiretrait::Result<bool>;

        #[get("/from_config")]
        async fn from_config(
            &self,
            #[query] config: ::std::option::Option<&str>,
        ) -> ::wiretrait::Result<bool>;

        #[get("/from_transport")]
        async fn from_transport(&self) -> ::wiretrait::Result<bool>;

        #[get("/plain_errors")]
        async fn plain_errors(&self) -> ::wiretrait::Result<bool>;

        #[patch("/formatted/{by_display}/{named}")]
        async fn formatted(
            &self,
            #[path(display)] by_display: u8,
            named: &Named,
            #[query(serde)] by_serde: &[u8],
            #[query(display)] values: ::std::option::Option<&[u8]>,
            #[query] borrowed_values: ::std::option::Option<&str>,
            #[query(comma)] list: [u8; 2],
            #[query(flatten)] read: &::std::collections::BTreeMap<::std::string::String, u8>,
            #[field(omit_none)] option: ::std::option::Option<u8>,
            #[field] nullable: ::std::option::Option<::std::option::Option<&str>>,
        ) -> ::wiretrait::Result<::std::string::String>;
    }

    pub(super) struct Named(pub(super) u8);

    impl ::std::fmt::Display for Named {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            ::std::fmt::Display::fmt(&self.0, f)
        }
    }

    impl ::std::str::FromStr for Named {
        type Err = ::std::num::ParseIntError;

        fn from_str(text: &str) -> ::std::result::Result<Self, ::std::num::ParseIntError> {
            ::std::result::Result::map(::std::str::FromStr::from_str(text), Self)
        }
    }

    ::wiretrait::param_value!(Named);

    pub(super) struct Service;

    impl Hostile for Service {
        async fn echo(
            &self,
            r#type: &str,
            r#match: u8,
            request: &str,
            response: ::std::option::Option<&str>,
            formatter: &[::std::string::String],
            service: &str,
            transport: ::std::option::Option<u64>,
            operation: ::std::option::Option<&str>,
            body: &str,
            arguments: ::std::string::String,
            encoder: bool,
            encoding: ::std::option::Option<bool>,
            caller: &[u16],
            decoder: i64,
            this: u16,
            self_: &str,
            outcome: ::std::option::Option<&str>,
        ) -> ::wiretrait::Result<::std::vec::Vec<::std::string::String>> {
            ::std::result::Result::Ok(::std::vec![
                ::std::format!("{type} {match} {request} {response:?} {formatter:?} {service} {transport:?}"),
                ::std::format!(
                    "{operation:?} {body} {arguments} {encoder} {encoding:?} {caller:?} {decoder}"
                ),
                ::std::format!("{this:?} {self_} {outcome:?}"),
            ])
        }

        async fn r#async(&self) -> ::wiretrait::Result<()> {
            ::std::result::Result::Ok(())
        }

        async fn send(&self, decode_: bool) -> ::wiretrait::Result<bool> {
            ::std::result::Result::Ok(!decode_)
        }

        async fn dispatch(&self, dispatch: &str) -> ::wiretrait::Result<::std::string::String> {
            ::std::result::Result::Ok(::std::convert::Into::into(dispatch))
        }

        async fn connect(&self, url: &str) -> ::wiretrait::Result<bool> {
            ::std::result::Result::Ok(url == "url")
        }

        async fn from_config(&self, config: ::std::option::Option<&str>) -> ::wiretrait::Result<bool> {
            ::std::result::Result::Ok(config.is_none())
        }

        async fn from_transport(&self) -> ::wiretrait::Result<bool> {
            ::std::result::Result::Ok(true)
        }

        async fn plain_errors(&self) -> ::wiretrait::Result<bool> {
            ::std::result::Result::Ok(true)
        }

        async fn formatted(
            &self,
            by_display: u8,
            named: &Named,
            by_serde: &[u8],
            values: ::std::option::Option<&[u8]>,
            borrowed_values: ::std::option::Option<&str>,
            list: [u8; 2],
            read: &::std::collections::BTreeMap<::std::string::String, u8>,
            option: ::std::option::Option<u8>,
            nullable: ::std::option::Option<::std::option::Option<&str>>,
        ) -> ::wiretrait::Result<::std::string::String> {
            ::std::result::Result::Ok(::std::format!(
                "{by_display} {named} {by_serde:?} {values:?} {borrowed_values:?} {list:?} {read:?} {option:?} {nullable:?}"
            ))
        }
    }
}

#[tokio::test]
async fn the_expansion_does_not_depend_on_names_in_scope() {
    use hostile::{Client, Hostile, Service, api};

    let client = Client::new(InProcessTransport::new(api::Handler::new(Service)));
    let echo = client
        .echo(
            "type",
            7,
            "request",
            Some("response"),
            &["a".to_owned(), "b".to_owned()],
            "service",
            Some(8),
            Some("operation"),
            "body",
            "arguments".to_owned(),
            true,
            None,
            &[1, 2],
            -9,
            10,
            "self_",
            Some("outcome"),
        )
        .await
        .unwrap();
    assert_eq!(
        echo,
        [
            r#"type 7 request Some("response") ["a", "b"] service Some(8)"#,
            r#"Some("operation") body arguments true None [1, 2] -9"#,
            r#"10 self_ Some("outcome")"#,
        ]
    );
    let map = std::collections::BTreeMap::from([("a".to_owned(), 5)]);
    let values = client
        .formatted(1, &hostile::Named(2), &[3], Some(&[4]), Some("text"), [6, 7], &map, Some(8), Some(None))
        .await
        .unwrap();
    assert_eq!(values, r#"1 2 [3] Some([4]) Some("text") [6, 7] {"a": 5} Some(8) Some(None)"#);
    client.r#async().await.unwrap();
    assert!(client.send(false).await.unwrap());
    assert_eq!(client.dispatch("unchanged").await.unwrap(), "unchanged");
    assert!(api::Send::new(true).send(&client).await.is_ok_and(|response| !response));
}

#[tokio::test]
async fn operations_can_have_the_names_of_constructors() {
    use hostile::{Client, Hostile, Service, api};
    use wiretrait::ClientConfig;

    let transport = InProcessTransport::new(api::Handler::new(Service));
    let client = Client::from_transport(transport, &ClientConfig::new()).unwrap();
    assert!(client.connect("url").await.unwrap());
    assert!(client.from_config(None).await.unwrap());
    assert!(client.from_transport().await.unwrap());
    assert!(client.plain_errors().await.unwrap());
    assert_eq!(api::CONTRACT.name, "Hostile");
}

#[cfg(feature = "reqwest")]
#[test]
fn network_constructors_do_not_depend_on_names_in_scope() {
    use hostile::{Client, Hostile};
    use wiretrait::{Caller, ClientConfig};

    let client = Client::connect("http://localhost:8080").unwrap();
    assert_eq!(Caller::transport(client.caller()).origin(), "http://localhost:8080");
    let config = ClientConfig::from_url("http://localhost:8081").unwrap();
    let client: Client = Client::from_config(&config).unwrap();
    assert_eq!(client.caller().transport().origin(), "http://localhost:8081");
    drop(async move { client.connect("url").await });
}

#[test]
fn a_raw_identifier_is_unprefixed_in_routes() {
    use hostile::api;

    assert_eq!(api::ECHO.path, "/hostile/{type}/{match}");
    assert_eq!((api::ECHO.params[0].name, api::ECHO.params[1].name), ("type", "match"));
    assert_eq!(api::ASYNC.name, "async");
}

/// A contract without defaults whose type parameters have names that the expansion could use.
#[http_api(client = ParametricClient, module = parametric)]
trait Parametric<T: Payload, S: Payload, U: Payload, Service: Payload, Transport: Payload> {
    #[post("/all")]
    async fn all(
        &self,
        #[field] t: &T,
        #[field] s: &S,
        #[field] u: &U,
        #[field] service: &Service,
        #[field] transport: &Transport,
    ) -> Result<(T, S, U, Service, Transport)>;
}

struct Cloning;

impl<T, S, U, Service, Transport> Parametric<T, S, U, Service, Transport> for Cloning
where
    T: Payload + Clone,
    S: Payload + Clone,
    U: Payload + Clone,
    Service: Payload + Clone,
    Transport: Payload + Clone,
{
    async fn all(
        &self,
        t: &T,
        s: &S,
        u: &U,
        service: &Service,
        transport: &Transport,
    ) -> Result<(T, S, U, Service, Transport)> {
        Ok((t.clone(), s.clone(), u.clone(), service.clone(), transport.clone()))
    }
}

#[tokio::test]
async fn type_parameters_can_have_any_name() {
    use wiretrait::ClientConfig;

    let handler = parametric::Handler::<_, u8, bool, String, f64, char>::new(Cloning);
    let client = ParametricClient::<u8, bool, String, f64, char, _>::new(InProcessTransport::new(handler));
    let response = client.all(&1, &true, &"u".to_owned(), &0.5, &'t').await.unwrap();
    assert_eq!(response, (1, true, "u".to_owned(), 0.5, 't'));

    // Without defaults, the constructors are generic over the payload types.
    let handler = parametric::Handler::<_, u8, bool, String, f64, char>::new(Cloning);
    let transport = InProcessTransport::new(handler);
    let config = ClientConfig::new();
    let client =
        ParametricClient::<u8, bool, String, f64, char, _>::from_transport(transport, &config).unwrap();
    assert_eq!(client.all(&1, &true, &"u".to_owned(), &0.5, &'t').await.unwrap(), response);
    #[cfg(feature = "reqwest")]
    ParametricClient::<u8, bool, String, f64, char>::connect("http://localhost").unwrap();
}

/// Traits with the names of items in their generated modules: the struct of an operation, and the handler.
mod named_like_an_item_of_the_module {
    use super::{Payload, Result, http_api};

    #[http_api(client = SearchClient, module = searches)]
    pub(super) trait Search<T: Payload = String> {
        #[get("/search")]
        async fn search(&self, #[query] text: &str) -> Result<T>;
    }

    #[http_api(client = HandlerClient, module = handlers)]
    pub(super) trait Handler {
        #[get("/handled")]
        async fn handled(&self) -> Result<bool>;
    }

    impl Search for () {
        async fn search(&self, text: &str) -> Result<String> {
            Ok(format!("found {text}"))
        }
    }

    impl Handler for () {
        async fn handled(&self) -> Result<bool> {
            Ok(true)
        }
    }
}

#[tokio::test]
async fn an_operation_can_have_the_name_of_its_trait() {
    use named_like_an_item_of_the_module::{
        Handler, HandlerClient, Search, SearchClient, handlers, searches,
    };

    let client = SearchClient::new(InProcessTransport::new(searches::Handler::new(())));
    assert_eq!(client.search("it").await.unwrap(), "found it");
    assert_eq!(searches::Search::new("it").send(&client).await.unwrap(), "found it");
    let client = HandlerClient::new(InProcessTransport::new(handlers::Handler::new(())));
    assert!(client.handled().await.unwrap());
}

/// A contract from a macro, whose variables have other spans than the rest of the trait and are in invisible
/// groups.
macro_rules! declare {
    ($vis:vis $name:ident, $client:ident, $module:ident: $path:literal ($argument:ident: $taken:ty) -> $answer:ty) => {
        #[http_api(client = $client, module = $module)]
        $vis trait $name {
            #[post($path)]
            async fn ask(
                &self,
                #[query] $argument: $taken,
                #[query] value: u8,
                #[header("x-maybe")] maybe: Option<$taken>,
            ) -> $answer;

            #[get("/plain")]
            async fn plain(&self, #[query] $argument: Option<&str>) -> Result<bool>;
        }
    };
}

declare!(pub(crate) Declared, DeclaredClient, declared: "/ask" (text: &str) -> Result<Vec<String>>);

impl Declared for () {
    async fn ask(&self, text: &str, value: u8, maybe: Option<&str>) -> Result<Vec<String>> {
        Ok(vec![text.to_owned(), value.to_string(), maybe.unwrap_or("nothing").to_owned()])
    }

    async fn plain(&self, text: Option<&str>) -> Result<bool> {
        Ok(text.is_some())
    }
}

#[tokio::test]
async fn a_contract_can_be_declared_by_a_macro() {
    let client = DeclaredClient::new(InProcessTransport::new(declared::Handler::new(())));
    assert_eq!(client.ask("a", 2, None).await.unwrap(), ["a", "2", "nothing"]);
    assert_eq!(client.ask("a", 2, Some("b")).await.unwrap(), ["a", "2", "b"]);
    assert!(client.plain(Some("")).await.unwrap());
    assert!(declared::ASK.params[0].required);
    assert!(!declared::ASK.params[2].required);
}

mod outer {
    /// Has the name of an item in every generated module.
    pub(super) type Handler = u8;
    pub(super) type Above = u16;

    // The qualified paths are intended.
    #[allow(unused_qualifications)]
    pub(super) mod inner {
        use wiretrait::{Payload, Result, http_api};

        pub(super) type Sibling = u32;

        #[http_api(client = Client, module = api)]
        pub(in crate::outer) trait Relative<T: Payload = self::Sibling>
        where
            super::Above: Into<u32>,
        {
            #[get("/sum/{above}/{sibling}")]
            async fn sum(
                &self,
                above: super::Above,
                sibling: &self::Sibling,
                #[query] handler: super::Handler,
                #[query] top: Option<super::super::Top>,
            ) -> Result<Vec<super::Above>>;

            #[post("/same")]
            async fn same(&self, #[body] value: T) -> Result<T>;
        }
    }

    /// Uses a contract that is private to this module.
    pub(super) async fn sum_and_same() -> (Vec<u16>, u32) {
        use inner::{Client, Relative, api};

        struct Service;

        impl Relative for Service {
            async fn sum(
                &self,
                above: Above,
                sibling: &inner::Sibling,
                handler: Handler,
                top: Option<super::Top>,
            ) -> wiretrait::Result<Vec<Above>> {
                Ok(vec![above, u16::try_from(*sibling).unwrap(), handler.into(), top.unwrap_or_default()])
            }

            async fn same(&self, value: u32) -> wiretrait::Result<u32> {
                Ok(value)
            }
        }

        let client = Client::new(wiretrait::InProcessTransport::new(api::Handler::new(Service)));
        (client.sum(1, &2, 3, Some(4)).await.unwrap(), client.same(5).await.unwrap())
    }
}

type Top = u16;

#[tokio::test]
async fn types_can_have_relative_paths() {
    assert_eq!(outer::sum_and_same().await, (vec![1, 2, 3, 4], 5));
}

/// The generated module does not see items inside a function, including the trait. So a contract inside a
/// function needs a module around it.
#[tokio::test]
async fn a_contract_inside_a_function_needs_a_module() {
    mod contract {
        use wiretrait::{Result, http_api};

        #[http_api(client = Client, module = api)]
        pub(super) trait Local {
            #[get("/ping")]
            async fn ping(&self) -> Result<bool>;
        }
    }
    use contract::Local;

    struct Service;

    impl Local for Service {
        async fn ping(&self) -> Result<bool> {
            Ok(true)
        }
    }

    let client = contract::Client::new(InProcessTransport::new(contract::api::Handler::new(Service)));
    assert!(client.ping().await.unwrap());
}

/// A module with strict lints.
mod strict {
    #![deny(
        warnings,
        unused,
        missing_docs,
        missing_debug_implementations,
        unreachable_pub,
        unused_qualifications,
        unused_lifetimes,
        elided_lifetimes_in_paths,
        trivial_casts,
        let_underscore_drop,
        private_bounds,
        private_interfaces,
        unnameable_types,
        clippy::all,
        clippy::pedantic
    )]

    use wiretrait::{InProcessTransport, Payload, Result, http_api};

    struct Hidden;

    #[http_api(client = PrivateClient, module = private_api)]
    trait Private {
        #[get("/{id}")]
        async fn get(&self, id: u8) -> Result<()>;

        #[get("/")]
        async fn nothing(&self) -> Result<()>;

        /// A deprecated operation.
        #[deprecated = "call `get`"]
        #[post("/old")]
        async fn old(&self, #[field] id: Option<&str>) -> Result<Option<String>>;
    }

    #[http_api(client = ChosenClient, module = chosen_api)]
    trait Chosen<T: Payload> {
        #[put("/{id}")]
        async fn put(&self, id: &str, #[body] value: &T) -> Result<T>;
    }

    impl Chosen<u8> for Hidden {
        async fn put(&self, _id: &str, value: &u8) -> Result<u8> {
            Ok(*value)
        }
    }

    impl Private for Hidden {
        async fn get(&self, _id: u8) -> Result<()> {
            Ok(())
        }

        async fn nothing(&self) -> Result<()> {
            Ok(())
        }

        async fn old(&self, id: Option<&str>) -> Result<Option<String>> {
            Ok(id.map(str::to_owned))
        }
    }

    #[deprecated = "a contract of the past"]
    #[http_api(client = OldClient, module = old_api)]
    trait Old {
        #[get("/{id}")]
        async fn get(&self, id: &str) -> Result<()>;
    }

    #[allow(deprecated)]
    impl Old for Hidden {
        async fn get(&self, _id: &str) -> Result<()> {
            Ok(())
        }
    }

    pub(super) async fn serves() -> bool {
        let client = PrivateClient::new(InProcessTransport::new(private_api::Handler::new(Hidden)));
        let handler = chosen_api::Handler::<_, u8>::new(Hidden);
        let chosen = ChosenClient::<u8, _>::new(InProcessTransport::new(handler));
        let chosen = Chosen::put(&chosen, "1", &1).await.is_ok();
        #[allow(deprecated)]
        let old = Old::get(&Hidden, "").await.is_ok() && client.old(None).await.is_ok();
        old && chosen && Private::get(&client, 1).await.is_ok() && client.nothing().await.is_ok()
    }
}

#[tokio::test]
async fn the_expansion_causes_no_lint_warnings() {
    assert!(strict::serves().await);
}

/// Types and modules with the names of generated items.
mod same_names {
    #![deny(warnings)]

    use serde::{Deserialize, Serialize};
    use wiretrait::{Result, http_api};

    #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
    pub(super) struct CreateUser {
        pub(super) name: String,
    }

    pub(super) type Handler = String;

    pub(super) const SIZE: usize = 2;

    pub(super) mod received {
        pub(in super::super) type Place = u8;
    }

    pub(super) struct Errors;

    impl wiretrait::ErrorFormat for Errors {
        fn read(&self, _body: &[u8]) -> Option<wiretrait::ServiceError> {
            None
        }
        fn write(&self, _status: http::StatusCode, _error: &wiretrait::ServiceError) -> Vec<u8> {
            Vec::new()
        }
    }

    #[http_api(client = UsersClient, module = users, errors = Errors)]
    pub(super) trait Users {
        #[post("/users/{place}")]
        async fn create_user(
            &self,
            place: received::Place,
            #[body] user: &CreateUser,
        ) -> Result<Option<CreateUser>>;

        #[post("/sizes")]
        async fn size(&self, #[field] handler: Handler, #[field] sizes: [u16; SIZE]) -> Result<u16>;

        #[get("/errors")]
        async fn errors(&self) -> Result<Vec<CreateUser>>;
    }

    impl Users for () {
        async fn create_user(&self, _: received::Place, user: &CreateUser) -> Result<Option<CreateUser>> {
            Ok(Some(user.clone()))
        }
        async fn size(&self, _: Handler, sizes: [u16; SIZE]) -> Result<u16> {
            Ok(sizes.iter().sum())
        }
        async fn errors(&self) -> Result<Vec<CreateUser>> {
            Ok(Vec::new())
        }
    }
}

#[tokio::test]
async fn types_of_arguments_can_have_the_names_of_generated_items() {
    use same_names::{CreateUser, Users, UsersClient, users};

    let client = UsersClient::new(InProcessTransport::new(users::Handler::new(())));
    let user = CreateUser { name: "Ada".to_owned() };
    assert_eq!(client.create_user(1, &user).await.unwrap(), Some(user.clone()));
    assert_eq!(users::CreateUser::new(1, &user).send(&client).await.unwrap(), Some(user));
    assert_eq!(client.size("a".to_owned(), [1, 2]).await.unwrap(), 3);
    assert_eq!(client.errors().await.unwrap(), []);
}

/// A contract with documentation and lint levels everywhere, and a deprecated operation.
mod documented {
    #![deny(warnings, clippy::pedantic)]
    #![allow(dead_code, reason = "some items only have to exist")]

    use wiretrait::{Result, http_api};

    /// An alias whose name does not end in `Result`.
    pub(super) type Outcome<T> = Result<T>;

    /// Documented things.
    #[http_api(client = DocsClient, module = docs)]
    pub(super) trait Docs {
        /// Finds a thing.
        #[doc = concat!("By its ", "id.")]
        #[doc = ""]
        /// Always.
        #[deprecated(since = "1.0.0", note = "use `search`")]
        #[get("/things/{id}")]
        async fn find(
            &self,
            /// The id.
            ///
            /// It is unique.
            id: u64,
            #[doc = concat!("The", " edition.")]
            #[query]
            edition: Option<u32>,
            #[allow(unused_variables, reason = "lint levels are allowed")]
            #[query]
            unused: Option<u32>,
        ) -> Outcome<Option<String>>;

        /// Searches.
        #[get("/things")]
        async fn search(&self) -> Outcome<Vec<String>>;
    }
}

#[test]
fn docs_of_arguments_and_of_macros_are_accepted() {
    use documented::docs;

    #[expect(deprecated, reason = "the route of a deprecated operation is deprecated")]
    let find = docs::FIND;
    assert_eq!(find.doc, "Finds a thing.\nBy its id.\n\nAlways.");
    #[expect(deprecated, reason = "the struct of a deprecated operation is deprecated")]
    let _ = docs::Find::new(1).edition(2);
    #[expect(deprecated, reason = "the struct of a deprecated operation is deprecated")]
    let _: Option<docs::received::Find> = None;
    assert_eq!(docs::SEARCH.doc, "Searches.");
}
