//! The expansion among names that want to be mistaken for its own.

use sessions_client::{InProcessTransport, Payload, Result, http_api};

/// A module that has no prelude and defines what the prelude would have, and the crates besides.
#[no_implicit_prelude]
#[allow(dead_code, reason = "they are only there to be mistaken for others")]
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
    pub(super) mod sessions_client {}

    #[::sessions_client::http_api(client = Client, module = api, prefix = "/hostile")]
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
            #[field] caller: &[u8],
            #[field] decoder: i64,
            #[field] this: u16,
            #[field] self_: &str,
            #[field] outcome: ::std::option::Option<&str>,
        ) -> ::sessions_client::Result<::std::vec::Vec<::std::string::String>>;

        #[get("/async")]
        async fn r#async(&self) -> ::sessions_client::Result<()>;

        #[get("/send")]
        async fn send(&self, #[query] decode_: bool) -> ::sessions_client::Result<bool>;

        #[put("/dispatch")]
        async fn dispatch(&self, #[body] dispatch: &str) -> ::sessions_client::Result<::std::string::String>;
    }

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
            caller: &[u8],
            decoder: i64,
            this: u16,
            self_: &str,
            outcome: ::std::option::Option<&str>,
        ) -> ::sessions_client::Result<::std::vec::Vec<::std::string::String>> {
            ::std::result::Result::Ok(::std::vec![
                ::std::format!("{type} {match} {request} {response:?} {formatter:?} {service} {transport:?}"),
                ::std::format!(
                    "{operation:?} {body} {arguments} {encoder} {encoding:?} {caller:?} {decoder}"
                ),
                ::std::format!("{this:?} {self_} {outcome:?}"),
            ])
        }

        async fn r#async(&self) -> ::sessions_client::Result<()> {
            ::std::result::Result::Ok(())
        }

        async fn send(&self, decode_: bool) -> ::sessions_client::Result<bool> {
            ::std::result::Result::Ok(!decode_)
        }

        async fn dispatch(&self, dispatch: &str) -> ::sessions_client::Result<::std::string::String> {
            ::std::result::Result::Ok(::std::convert::Into::into(dispatch))
        }
    }
}

#[tokio::test]
async fn no_name_of_the_user_is_mistaken_for_one_of_the_expansion() {
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
    client.r#async().await.unwrap();
    assert!(client.send(false).await.unwrap());
    assert_eq!(client.dispatch("as it was").await.unwrap(), "as it was");
    assert!(api::Send::new(true).send(&client).await.is_ok_and(|answer| !answer));
}

#[test]
fn a_raw_name_is_plain_on_the_wire_and_in_the_route_table() {
    use hostile::api;

    assert_eq!(api::ECHO.path, "/hostile/{type}/{match}");
    assert_eq!((api::ECHO.params[0].name, api::ECHO.params[1].name), ("type", "match"));
    assert_eq!(api::ASYNC.name, "async");
}

/// Type parameters with the names that the expansion could have for its own.
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
    let handler = parametric::Handler::<_, u8, bool, String, f64, char>::new(Cloning);
    let client = ParametricClient::<u8, bool, String, f64, char, _>::new(InProcessTransport::new(handler));
    let answer = client.all(&1, &true, &"u".to_owned(), &0.5, &'t').await.unwrap();
    assert_eq!(answer, (1, true, "u".to_owned(), 0.5, 't'));
}

/// Traits with the names of what the generated module has: an operation's struct, and its handler.
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
async fn an_operation_can_be_called_like_its_trait() {
    use named_like_an_item_of_the_module::{
        Handler, HandlerClient, Search, SearchClient, handlers, searches,
    };

    let client = SearchClient::new(InProcessTransport::new(searches::Handler::new(())));
    assert_eq!(client.search("it").await.unwrap(), "found it");
    assert_eq!(searches::Search::new("it").send(&client).await.unwrap(), "found it");
    let client = HandlerClient::new(InProcessTransport::new(handlers::Handler::new(())));
    assert!(client.handled().await.unwrap());
}

/// What `$…` stands for comes from another place than the rest of the trait, and in groups that nobody sees.
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
    /// Named like what every generated module has.
    pub(super) type Handler = u8;
    pub(super) type Above = u16;

    // Said in full on purpose.
    #[allow(unused_qualifications)]
    pub(super) mod inner {
        use sessions_client::{Payload, Result, http_api};

        pub(super) type Beside = u32;

        #[http_api(client = Client, module = api)]
        pub(in crate::outer) trait Relative<T: Payload = self::Beside>
        where
            super::Above: Into<u32>,
        {
            #[get("/sum/{above}/{beside}")]
            async fn sum(
                &self,
                above: super::Above,
                beside: &self::Beside,
                #[query] handler: super::Handler,
                #[query] top: Option<super::super::Top>,
            ) -> Result<Vec<super::Above>>;

            #[post("/same")]
            async fn same(&self, #[body] value: T) -> Result<T>;
        }
    }

    /// Of a trait that nobody outside of this module can name.
    pub(super) async fn sum_and_same() -> (Vec<u16>, u32) {
        use inner::{Client, Relative, api};

        struct Service;

        impl Relative for Service {
            async fn sum(
                &self,
                above: Above,
                beside: &inner::Beside,
                handler: Handler,
                top: Option<super::Top>,
            ) -> sessions_client::Result<Vec<Above>> {
                Ok(vec![above, u16::try_from(*beside).unwrap(), handler.into(), top.unwrap_or_default()])
            }

            async fn same(&self, value: u32) -> sessions_client::Result<u32> {
                Ok(value)
            }
        }

        let client = Client::new(sessions_client::InProcessTransport::new(api::Handler::new(Service)));
        (client.sum(1, &2, 3, Some(4)).await.unwrap(), client.same(5).await.unwrap())
    }
}

type Top = u16;

#[tokio::test]
async fn types_can_be_named_relative_to_the_trait_and_the_trait_can_be_private_to_a_module() {
    assert_eq!(outer::sum_and_same().await, (vec![1, 2, 3, 4], 5));
}

/// The generated module is an item like any other: it sees what is around a function, and nothing of what
/// is in it, the trait included. So inside of a function a contract needs a module around it.
#[tokio::test]
async fn a_contract_inside_of_a_function_lives_in_a_module_of_its_own() {
    mod contract {
        use sessions_client::{Result, http_api};

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

/// With every lint on that a careful crate has, as far as they speak of code that is not the user's.
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

    use sessions_client::{InProcessTransport, Payload, Result, http_api};

    struct Hidden;

    #[http_api(client = PrivateClient, module = private_api)]
    trait Private {
        #[get("/{id}")]
        async fn get(&self, id: u8) -> Result<()>;

        #[get("/")]
        async fn nothing(&self) -> Result<()>;

        /// What nobody should call any more.
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
async fn the_expansion_draws_no_lints_in_a_strict_crate() {
    assert!(strict::serves().await);
}
