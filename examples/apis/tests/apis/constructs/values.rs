//! Types of arguments in the path, the query and headers.

use super::rows;

rows! {
    foreign_types: "`Uuid`, times and other foreign types",
        form "`#[path(display)] id: Uuid`, by `Display` and `FromStr`",
        peer "Retrofit: any `toString()`";
    own_newtypes: "newtypes of the same crate, everywhere",
        form "`param_value!(UserId);`",
        peer "conjure: `ToPlain`, by hand";
    unit_enums: "unit enums of serde",
        form "`#[query(serde)] state: State`",
        peer "Refit `[EnumMember]`, progenitor";
    addresses_and_non_zero: "`NonZero`, `IpAddr`, `Arc<str>`, arrays, sets",
        form "works",
        peer "feignhttp: anything that is `Display`";
    cow: "`Cow<'static, str>`",
        form "works",
        peer "feignhttp";
    custom_values_by_reference: "own `ParamValues` by `&T` and `Option<&T>`",
        form "works",
        peer "–";
    comma_and_brackets: "lists with commas or brackets: `ids=1,2`, `ids[]=1&ids[]=2`",
        form "`#[query(comma)]`, `#[query(brackets)]`",
        peer "Refit `CollectionFormat`";
    structs_and_maps: "a struct, a map or pairs as query parameters",
        form "`#[query(flatten)] filter: &Filter`",
        peer "Retrofit `@QueryMap`, Refit";
}

mod checks {
    use super::super::{responding, wait};
    use serde::{Deserialize, Serialize};
    use std::borrow::Cow;
    use std::collections::BTreeSet;
    use std::fmt;
    use std::net::IpAddr;
    use std::num::NonZeroU32;
    use std::str::FromStr;
    use std::sync::Arc;
    use uuid::Uuid;
    use wiretrait::{InProcessTransport, Operation, ParamValues, Result, http_api};

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct UserId(u32);

    impl fmt::Display for UserId {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "user-{}", self.0)
        }
    }

    impl FromStr for UserId {
        type Err = &'static str;

        fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
            let number = text.strip_prefix("user-").and_then(|number| number.parse().ok());
            number.map(Self).ok_or("must be a user id")
        }
    }

    wiretrait::param_value!(UserId);

    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        AllOpen,
    }

    #[derive(Serialize, Deserialize, Default)]
    struct Filter {
        author: Option<String>,
        tag: Vec<String>,
        limit: Option<u32>,
    }

    #[http_api(client = ValuesClient, module = operations)]
    trait Values {
        #[get("/foreign/{id}")]
        async fn foreign(
            &self,
            #[path(display)] id: Uuid,
            #[query(display)] other: Option<&Uuid>,
            #[query(display)] more: &[Uuid],
            #[header("x-id", display)] header: Uuid,
        ) -> Result<()>;
        #[get("/users/{user}")]
        async fn own(
            &self,
            user: UserId,
            #[query] friend: Option<UserId>,
            #[query] others: &[UserId],
        ) -> Result<()>;
        #[get("/states")]
        async fn by_state(
            &self,
            #[query(serde)] state: State,
            #[query(serde)] other: Option<State>,
        ) -> Result<()>;
        #[get("/built-in/{ip}")]
        async fn built_in(
            &self,
            ip: IpAddr,
            #[query] count: NonZeroU32,
            #[query] name: Arc<str>,
            #[query] pair: [u8; 2],
            #[query] set: &BTreeSet<String>,
        ) -> Result<()>;
        #[get("/cow")]
        async fn with_cow(&self, #[query] text: Cow<'static, str>) -> Result<()>;
        #[get("/lists")]
        async fn lists(
            &self,
            #[query(comma)] ids: &[u64],
            #[query("tags", brackets)] tags: &[String],
        ) -> Result<()>;
        #[get("/flat")]
        async fn flat(&self, #[query(flatten)] filter: &Filter, #[query] page: u32) -> Result<()>;
    }

    /// A service that checks what it receives.
    struct Service;

    impl Values for Service {
        async fn foreign(&self, id: Uuid, other: Option<&Uuid>, more: &[Uuid], header: Uuid) -> Result<()> {
            assert_eq!((other, more, header), (Some(&id), &[id][..], id));
            Ok(())
        }
        async fn own(&self, user: UserId, friend: Option<UserId>, others: &[UserId]) -> Result<()> {
            assert_eq!((user, friend, others), (UserId(1), Some(UserId(2)), &[UserId(3), UserId(4)][..]));
            Ok(())
        }
        async fn by_state(&self, state: State, other: Option<State>) -> Result<()> {
            assert_eq!((state, other), (State::AllOpen, None));
            Ok(())
        }
        async fn built_in(
            &self,
            ip: IpAddr,
            count: NonZeroU32,
            name: Arc<str>,
            pair: [u8; 2],
            set: &BTreeSet<String>,
        ) -> Result<()> {
            assert_eq!(
                (ip.to_string().as_str(), count.get(), &*name, pair, set.len()),
                ("2001:db8::1", 1, "n", [1, 2], 2)
            );
            Ok(())
        }
        async fn with_cow(&self, text: Cow<'static, str>) -> Result<()> {
            assert_eq!(text, "a b");
            Ok(())
        }
        async fn lists(&self, ids: &[u64], tags: &[String]) -> Result<()> {
            assert_eq!((ids, tags), (&[1, 2][..], &["a".to_owned(), "b".to_owned()][..]));
            Ok(())
        }
        async fn flat(&self, filter: &Filter, page: u32) -> Result<()> {
            let Filter { author, tag, limit } = filter;
            assert_eq!(
                (author, &tag[..], *limit, page),
                (&None, &["a".to_owned(), "b&".to_owned()][..], Some(3), 2)
            );
            Ok(())
        }
    }

    fn client() -> ValuesClient<InProcessTransport<operations::Handler<Service>>> {
        ValuesClient::new(InProcessTransport::new(operations::Handler::new(Service)))
    }

    fn target(operation: &impl Operation) -> String {
        operation.encode().unwrap().uri().to_string()
    }

    pub(super) fn foreign_types() {
        let id = Uuid::from_u128(7);
        let request = operations::Foreign::new(id, &[id], id).other(&id).encode().unwrap();
        let text = "00000000-0000-0000-0000-000000000007";
        assert_eq!(request.uri().to_string(), format!("/foreign/{text}?other={text}&more={text}"));
        assert_eq!(request.headers()["x-id"], text);
        wait(client().foreign(id, Some(&id), &[id], id)).unwrap();
    }

    pub(super) fn own_newtypes() {
        let others = [UserId(3), UserId(4)];
        let operation = operations::Own::new(UserId(1), &others).friend(UserId(2));
        assert_eq!(target(&operation), "/users/user-1?friend=user-2&others=user-3&others=user-4");
        wait(client().own(UserId(1), Some(UserId(2)), &others)).unwrap();
    }

    pub(super) fn unit_enums() {
        assert_eq!(target(&operations::ByState::new(State::AllOpen)), "/states?state=all_open");
        wait(client().by_state(State::AllOpen, None)).unwrap();
    }

    pub(super) fn addresses_and_non_zero() {
        let (ip, count) = ("2001:db8::1".parse().unwrap(), NonZeroU32::MIN);
        let set = BTreeSet::from(["y".to_owned(), "x".to_owned()]);
        let operation = operations::BuiltIn::new(ip, count, "n".into(), [1, 2], &set);
        assert_eq!(
            target(&operation),
            "/built-in/2001%3Adb8%3A%3A1?count=1&name=n&pair=1&pair=2&set=x&set=y"
        );
        wait(client().built_in(ip, count, "n".into(), [1, 2], &set)).unwrap();
    }

    pub(super) fn cow() {
        assert_eq!(target(&operations::WithCow::new(Cow::Borrowed("a b"))), "/cow?text=a%20b");
        wait(client().with_cow(Cow::Borrowed("a b"))).unwrap();
    }

    /// A list as one value.
    struct Joined(Vec<String>);

    impl ParamValues for Joined {
        fn for_each_value(
            &self,
            visit: &mut dyn FnMut(&str) -> std::result::Result<(), &'static str>,
        ) -> std::result::Result<(), &'static str> {
            visit(&self.0.join("|"))
        }
    }

    #[http_api(client = CustomClient, module = custom, client_only)]
    trait Custom {
        #[get("/custom")]
        async fn listed(&self, #[query] a: &Joined, #[query] b: Option<&Joined>) -> Result<()>;
    }

    pub(super) fn custom_values_by_reference() {
        let joined = Joined(vec!["1".to_owned(), "2".to_owned()]);
        assert_eq!(target(&custom::Listed::new(&joined).b(&joined)), "/custom?a=1%7C2&b=1%7C2");
        wait(CustomClient::new(responding(200, &[], "")).listed(&joined, None)).unwrap();
    }

    pub(super) fn comma_and_brackets() {
        let tags = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            target(&operations::Lists::new(&[1, 2], &tags)),
            "/lists?ids=1,2&tags%5B%5D=a&tags%5B%5D=b"
        );
        wait(client().lists(&[1, 2], &tags)).unwrap();
    }

    pub(super) fn structs_and_maps() {
        let filter = Filter { author: None, tag: vec!["a".to_owned(), "b&".to_owned()], limit: Some(3) };
        assert_eq!(target(&operations::Flat::new(&filter, 2)), "/flat?tag=a&tag=b%26&limit=3&page=2");
        wait(client().flat(&filter, 2)).unwrap();
    }
}
