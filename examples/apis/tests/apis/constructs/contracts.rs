//! The trait itself, and what is generated from it.

use super::rows;

rows! {
    all_from_one_trait: "client, companion for `dyn`, operations as values, service from one trait",
        form "works",
        peer "conjure: client and service; dropshot: service";
    client_only: "a client without a service: `Deserialize` for responses, `Serialize` for arguments, `From<Error>` for errors",
        form "`client_only`; `server_only` is the reverse",
        peer "all others have clients only";
    overlapping_routes: "routes that overlap: `/orgs/{o}/teams/{s}`, `/orgs/{o}/{k}/all`",
        form "works with `client_only`",
        peer "all others";
    default_methods: "default methods: pagination, sequences of calls",
        form "`async fn all(&self) -> Result<…> { … }`, on clients, `dyn` and fakes",
        peer "Refit, Retrofit on Kotlin";
    aliases: "aliases of `Result`",
        form "any",
        peer "feignhttp";
    create_user: "`create_user(&self, #[body] &CreateUser)`",
        form "works",
        peer "all others";
    docs_of_arguments: "docs and lint attributes of arguments, `#[deprecated]` of operations",
        form "works: on the field, the setter and the operation",
        peer "progenitor";
    supertraits: "supertraits, contracts that share operations",
        form "not supported: `Arc<T>` and `dyn` could not satisfy them. A contract for each area, with settings in common",
        peer "Feign, Refit: inheritance of interfaces";
    constants_and_types: "associated constants and types, lifetimes of operations",
        form "not supported: a contract has operations only, and must be usable as `dyn`",
        peer "–";
    blocking: "blocking clients",
        form "not supported: `block_on` of a runtime of the caller",
        peer "conjure: both";
}

mod checks {
    use super::super::{assert_rejected, responding, wait};
    use serde::{Deserialize, Serialize};
    use std::sync::Arc;
    use wiretrait::{Error, InProcessTransport, Operation, Result, http_api};

    /// A user to create.
    #[derive(Serialize, Deserialize)]
    struct CreateUser {
        name: String,
    }

    type Answer<T> = std::result::Result<T, Error>;

    #[http_api(client = UsersClient, module = users)]
    trait Users {
        /// Creates a user.
        #[post("/users")]
        async fn create_user(
            &self,
            /// The user.
            #[allow(unused_variables)]
            #[body]
            user: &CreateUser,
        ) -> Result<u64>;

        /// Lists users.
        #[get("/users")]
        async fn page(&self, #[query] page: u32) -> Answer<Vec<u64>>;

        /// Lists all users.
        async fn all(&self) -> Result<Vec<u64>> {
            let mut users = Vec::new();
            for page in 1.. {
                let next = self.page(page).await?;
                if next.is_empty() {
                    break;
                }
                users.extend(next);
            }
            Ok(users)
        }

        /// Counts users.
        #[deprecated = "use `all`"]
        #[get("/count")]
        async fn count(&self) -> Result<u64>;
    }

    struct Memory;

    impl Users for Memory {
        async fn create_user(&self, user: &CreateUser) -> Result<u64> {
            Ok(user.name.len() as u64)
        }
        async fn page(&self, page: u32) -> Answer<Vec<u64>> {
            Ok(if page < 3 { vec![u64::from(page); 2] } else { Vec::new() })
        }
        async fn count(&self) -> Result<u64> {
            Ok(4)
        }
    }

    fn client() -> UsersClient<InProcessTransport<users::Handler<Memory>>> {
        UsersClient::new(InProcessTransport::new(users::Handler::new(Memory)))
    }

    pub(super) fn all_from_one_trait() {
        let dynamic: Arc<dyn DynUsers> = Arc::new(client());
        assert_eq!(wait(dynamic.page(1)).unwrap(), [1, 1]);
        assert_eq!(wait(users::Page::new(2).send(&dynamic)).unwrap(), [2, 2]);
        assert_eq!(users::ROUTES.len(), 3);
    }

    #[derive(Deserialize)]
    struct Read {
        id: u32,
    }

    #[derive(Serialize)]
    struct Written {
        id: u32,
    }

    #[http_api(client = HalfClient, module = half, client_only)]
    trait Half {
        #[post("/half")]
        async fn half(&self, #[body] written: &Written) -> Result<Read>;
        #[get("/orgs/{org}/teams/{slug}")]
        async fn team(&self, org: &str, slug: &str) -> Result<Read>;
        #[get("/orgs/{org}/{kind}/all")]
        async fn listed(&self, org: &str, kind: &str) -> Result<Read>;
    }

    pub(super) fn client_only() {
        let client = HalfClient::new(responding(200, &[], r#"{"id":7}"#));
        assert_eq!(wait(client.half(&Written { id: 1 })).unwrap().id, 7);
    }

    pub(super) fn overlapping_routes() {
        assert_eq!(half::Team::new("o", "all").encode().unwrap().uri(), "/orgs/o/teams/all");
        assert_eq!(half::Listed::new("o", "teams").encode().unwrap().uri(), "/orgs/o/teams/all");
        let client = HalfClient::new(responding(200, &[], r#"{"id":7}"#));
        assert_eq!(wait(client.team("o", "all")).unwrap().id, 7);
        assert_eq!(wait(client.listed("o", "teams")).unwrap().id, 7);
    }

    pub(super) fn default_methods() {
        assert_eq!(wait(client().all()).unwrap(), [1, 1, 2, 2]);
        let dynamic: Arc<dyn DynUsers> = Arc::new(client());
        assert_eq!(wait(dynamic.all()).unwrap(), [1, 1, 2, 2]);
        assert_eq!(wait(Memory.all()).unwrap(), [1, 1, 2, 2]);
    }

    pub(super) fn aliases() {
        assert_eq!(wait(client().page(1)).unwrap(), [1, 1]);
    }

    pub(super) fn create_user() {
        let user = CreateUser { name: "Ann".to_owned() };
        assert_eq!(wait(client().create_user(&user)).unwrap(), 3);
        assert_eq!(users::CreateUser::new(&user).encode().unwrap().body(), r#"{"name":"Ann"}"#);
    }

    pub(super) fn docs_of_arguments() {
        #[expect(deprecated)]
        let operation = users::Count::new();
        assert_eq!(operation.encode().unwrap().uri(), "/count");
        #[expect(deprecated)]
        let count = wait(async { client().count().await });
        assert_eq!(count.unwrap(), 4);
    }

    pub(super) fn supertraits() {
        assert_rejected("contract/supertrait.stderr", "supertraits are not supported");
    }

    pub(super) fn constants_and_types() {
        assert_rejected("contract/associated_const.stderr", "can only contain operations");
        assert_rejected("signature/lifetime_parameter.stderr", "cannot have lifetime parameters");
    }

    pub(super) fn blocking() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(client().page(2)).unwrap(), [2, 2]);
    }
}
