//! A contract in a crate that reaches the runtime under another name.

extern crate sessions_client as renamed;

use renamed::{InProcessTransport, Result, http_api};

/// A contract that says where the runtime is by `$path`, with a service that answers what it was asked.
macro_rules! contract_over {
    ($module:ident: $($path:tt)*) => {
        mod $module {
            use super::*;

            #[http_api(client = Client, module = api, crate = $($path)*)]
            pub(super) trait Speaker {
                #[get("/echo/{text}")]
                async fn echo(&self, text: &str, #[query] more: Option<&str>) -> Result<String>;
            }

            impl Speaker for () {
                async fn echo(&self, text: &str, more: Option<&str>) -> Result<String> {
                    Ok(format!("{text}{}", more.unwrap_or_default()))
                }
            }
        }
    };
}

contract_over!(by_extern_crate: ::renamed);
contract_over!(by_imported_name: renamed);
contract_over!(through_the_own_crate: crate::reexport::client);
contract_over!(relative_to_its_module: self::super::reexport::client);
contract_over!(relative_to_the_module_above: super::reexport::client);

mod reexport {
    pub(crate) use renamed as client;
}

macro_rules! it_works {
    ($($module:ident)*) => { $(
        #[tokio::test]
        async fn $module() {
            use self::$module::{Client, Speaker, api};

            let client = Client::new(InProcessTransport::new(api::Handler::new(())));
            assert_eq!(client.echo("here", Some("!")).await.unwrap(), "here!");
        }
    )* };
}

mod the_runtime_is_found {
    use super::*;

    it_works! {
        by_extern_crate
        by_imported_name
        through_the_own_crate
        relative_to_its_module
        relative_to_the_module_above

    }
}
