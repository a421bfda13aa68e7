//! Contracts in a crate that accesses the runtime with another name or path.

extern crate wiretrait as renamed;

use renamed::{ClientConfig, InProcessTransport, Result, http_api};

/// Declares a contract with the runtime at `$path`, and a service for it.
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
contract_over!(by_glob_import: crate::facade);

mod reexport {
    pub(crate) use renamed as client;
}

mod facade {
    pub(crate) use renamed::*;
    pub(crate) use renamed::{__if_network, __if_tokio, __private};
}

macro_rules! it_works {
    ($($module:ident)*) => { $(
        #[tokio::test]
        async fn $module() {
            use self::$module::{Client, Speaker, api};

            let transport = InProcessTransport::new(api::Handler::new(()));
            let client = Client::from_transport(transport, &ClientConfig::new()).unwrap();
            assert_eq!(client.echo("here", Some("!")).await.unwrap(), "here!");
            assert_eq!(api::CONTRACT.name, "Speaker");
            #[cfg(feature = "reqwest")]
            assert_eq!(Client::connect("http://localhost").unwrap().caller().transport().origin(), "http://localhost");
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
        by_glob_import
    }
}
