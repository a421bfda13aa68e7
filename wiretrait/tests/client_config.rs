//! Client settings: defaults, validation, and base routes.

use std::time::Duration;
use wiretrait::policy::RetryPolicy;
use wiretrait::{
    BaseRoute, Call, CallOptions, Caller, ClientConfig, Encoding, ErrorKind, HttpVersion, Operation,
    Response, Result, http_api, transport_fn,
};

/// Returns the message of a configuration error.
fn message<T>(result: Result<T>) -> String {
    let Err(error) = result else { panic!("expected an error") };
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

fn encoding(base: &str) -> Encoding {
    ClientConfig::new().with_base_route(BaseRoute::new(base).unwrap()).encoding()
}

#[allow(dead_code, reason = "only its operations and its client are used")]
#[http_api(client = PlainClient, module = plain)]
trait Plain {
    #[get("/{shelf}/books")]
    async fn books(&self, shelf: &str) -> Result<()>;
}

#[http_api(prefix = "/v1", client = ShelvesClient, module = shelves)]
trait Shelves {
    #[get("/{shelf}/books")]
    async fn books(&self, shelf: &str, #[query] page: Option<u32>) -> Result<()>;
}

#[test]
fn time_limits_are_finite_by_default() {
    let config = ClientConfig::from_url("http://h").unwrap();
    let seconds = Duration::from_secs;
    assert_eq!((config.connect_timeout(), config.timeout()), (seconds(5), seconds(10)));
    assert_eq!(config.deadline(), seconds(30));
    assert_eq!(config.pool_idle_timeout(), seconds(4));
}

#[test]
fn the_default_connect_timeout_is_half_of_a_short_timeout() {
    let config = ClientConfig::new().with_timeout(Duration::from_secs(2));
    assert_eq!(config.connect_timeout(), Duration::from_secs(1));
}

#[test]
fn the_default_deadline_is_at_least_the_timeout() {
    let minute = ClientConfig::new().with_timeout(Duration::from_secs(60));
    assert_eq!(minute.deadline(), Duration::from_secs(60));
    assert_eq!(minute.with_deadline(Duration::from_secs(1)).deadline(), Duration::from_secs(1));
}

#[test]
fn a_limit_of_zero_is_invalid() {
    let config = ClientConfig::new;
    let zero = Duration::ZERO;
    for (config, setter, unlimited) in [
        (config().with_connect_timeout(zero), "with_connect_timeout", "Duration::MAX"),
        (config().with_timeout(zero), "with_timeout", "Duration::MAX"),
        (config().with_deadline(zero), "with_deadline", "Duration::MAX"),
        (config().with_pool_idle_timeout(zero), "with_pool_idle_timeout", "Duration::MAX"),
        (config().with_max_response_bytes(0), "with_max_response_bytes", "usize::MAX"),
        (config().with_concurrency_limit(0), "with_concurrency_limit", "usize::MAX"),
    ] {
        let why = format!("`{setter}` must be greater than zero; use `{unlimited}` for no limit");
        assert_eq!(message(config.validate()), why);
    }
}

#[test]
fn limits_that_a_shorter_limit_precedes_are_valid() {
    let second = Duration::from_secs(1);
    for config in [
        ClientConfig::new().with_timeout(second).with_connect_timeout(2 * second),
        ClientConfig::new().with_timeout(2 * second).with_deadline(second),
        ClientConfig::new().with_timeout(Duration::MAX).with_deadline(Duration::MAX),
    ] {
        config.validate().unwrap();
    }
}

#[test]
fn a_retry_policy_that_contradicts_itself_is_invalid() {
    let config = |policy| ClientConfig::new().with_retry_policy(policy);
    let second = Duration::from_secs(1);
    assert_eq!(
        message(config(RetryPolicy::new().with_backoff(2 * second, second)).validate()),
        "`RetryPolicy::backoff` must not be longer than `RetryPolicy::max_backoff`"
    );
    let poor = RetryPolicy::new().with_budget(4, 5, 1);
    assert_eq!(
        message(config(poor.clone()).validate()),
        "`RetryPolicy::budget` must be at least the `cost` of a retry, or no call is ever retried; \
         set `retries` to 0 for no retries"
    );
    config(poor.with_retries(0)).validate().unwrap();
    config(RetryPolicy::new().with_budget(0, 0, 0)).validate().unwrap();
}

#[test]
fn a_user_agent_must_be_a_header_value() {
    ClientConfig::new().with_user_agent("shop/1.0 (Linux)").validate().unwrap();
    let why = message(ClientConfig::new().with_user_agent("shop\n").validate());
    assert!(why.starts_with("`with_user_agent` must be a valid header value"), "{why}");
}

#[test]
fn debug_output_of_a_configuration_has_no_secrets() {
    let config = ClientConfig::from_url("http://user:secret@host:81/secret").unwrap();
    let config = config.with_base_route(BaseRoute::new("secret").unwrap());
    let printed = format!("{config:?} {:?}", config.encoding());
    assert!(!printed.contains("secret") && printed.contains("host"), "{printed}");
}

#[test]
fn debug_output_of_a_configuration_shows_limits() {
    let config = ClientConfig::from_url("http://host").unwrap();
    let printed = |config: &ClientConfig| format!("{config:?}");
    assert!(printed(&config).contains("concurrency_limit: none"), "{config:?}");
    let limited = config.clone().with_concurrency_limit(8);
    assert!(printed(&limited).contains("concurrency_limit: 8"), "{limited:?}");
    let adaptive = config.clone().with_adaptive_concurrency_limit();
    assert!(printed(&adaptive).contains("concurrency_limit: adaptive"), "{adaptive:?}");

    let policy = RetryPolicy::new().with_backoff(Duration::from_millis(1), Duration::MAX);
    let unlimited = config
        .with_timeout(Duration::MAX)
        .with_deadline(Duration::MAX)
        .with_connect_timeout(Duration::MAX)
        .with_pool_idle_timeout(Duration::MAX)
        .with_max_response_bytes(usize::MAX)
        .with_retry_policy(policy.with_max_retry_after(Duration::MAX));
    let printed = printed(&unlimited);
    assert!(!printed.contains("1844674407370955161"), "{printed}");
    assert_eq!(printed.matches(": none").count(), 8, "{printed}");
}

#[cfg(feature = "reqwest")]
mod over_the_network {
    use super::{PlainClient, message};
    use std::time::Duration;
    use wiretrait::{ClientConfig, ReqwestTransport};

    #[test]
    fn clients_and_transports_validate_their_configuration() {
        let config = ClientConfig::from_url("http://localhost:1").unwrap().with_timeout(Duration::ZERO);
        let why = message(config.validate());
        assert_eq!(message(PlainClient::from_config(&config)), why);
        assert_eq!(message(ReqwestTransport::new(&config)), why);
        assert_eq!(message(ReqwestTransport::with_client(reqwest::Client::new(), &config)), why);
    }

    #[test]
    fn a_client_over_the_network_needs_an_address() {
        let why = message(PlainClient::from_config(&ClientConfig::new()));
        assert!(why.contains("no address"), "{why}");
    }

    #[tokio::test]
    async fn idle_connections_can_be_kept_without_a_limit() {
        for idle in [Duration::from_secs(30), Duration::MAX] {
            let config = ClientConfig::from_url("http://127.0.0.1:1").unwrap().with_pool_idle_timeout(idle);
            assert_eq!(config.pool_idle_timeout(), idle);
            assert!(ReqwestTransport::new(&config).is_ok());
        }
    }
}

#[test]
fn slashes_around_a_base_route_are_ignored() {
    for base in ["v2/shop", "/v2/shop", "v2/shop/", "//v2/shop//"] {
        let request = shelves::Books::new("a").encode_with(&encoding(base)).unwrap();
        assert_eq!(request.uri(), "/v2/shop/a/books", "{base}");
    }
}

#[test]
fn a_base_route_of_a_slash_removes_the_prefix() {
    let request = shelves::Books::new("a").page(2).encode_with(&encoding("/")).unwrap();
    assert_eq!(request.uri(), "/a/books?page=2");
}

#[test]
fn the_prefix_of_the_contract_is_the_default_base_route() {
    for encoding in [ClientConfig::new().encoding(), encoding("v1")] {
        assert_eq!(shelves::Books::new("a").encode_with(&encoding).unwrap().uri(), "/v1/a/books");
    }
}

#[test]
fn a_base_route_applies_to_contracts_with_and_without_a_prefix() {
    let encoding = encoding("base");
    assert_eq!(plain::Books::new("v1").encode_with(&encoding).unwrap().uri(), "/base/v1/books");
    let request = shelves::Books::new("v1").page(2).encode_with(&encoding).unwrap();
    assert_eq!(request.uri(), "/base/v1/books?page=2");
}

#[test]
fn a_base_route_must_be_a_path_that_leads_nowhere_else() {
    let invalid = |bases: &[&str], expected: &str| {
        for base in bases {
            let why = BaseRoute::parse(base).unwrap_err();
            assert!(why.contains(expected), "{base}: {why}");
            assert_eq!(message(BaseRoute::new(base)), format!("the base route {why}"));
        }
    };
    invalid(&[""], "empty");
    invalid(&["v1?x=1", "v1#x", "v1 shop", "v1/{tenant}", "v1/\u{fc}"], "URL");
    invalid(&["v1//shop", "../v1", "v1/.", "v1/%2E%2e"], "empty segments");
    invalid(&["v1/100%", "v1/%2", "v1/%zz", "v1/%%41", "v1/%4/1"], "escape");
}

#[tokio::test]
async fn a_client_and_its_copies_with_options_send_the_base_route() {
    let transport = transport_fn(|call: Call| async move {
        assert_eq!(call.request.uri(), "/base/a/books");
        assert_eq!(call.route.path, "/v1/{shelf}/books", "metrics have the contract's own path");
        Ok(Response::default())
    });
    let client = ShelvesClient::from_caller(Caller::new(transport).with_encoding(encoding("base")));
    client.books("a", None).await.unwrap();
    client.with(CallOptions::new()).books("a", None).await.unwrap();
}

#[test]
fn http2_needs_its_feature() {
    let config = ClientConfig::from_url("http://localhost").unwrap().with_http_version(HttpVersion::Http2);
    let error = config.validate().err().map(|error| (error.kind(), error.to_string()));
    let why =
        "`with_http_version` needs the feature `http2` of wiretrait for `HttpVersion::Http2`: enable it";
    let expected = (ErrorKind::Config, why.to_owned());
    assert_eq!(error, (!cfg!(feature = "http2")).then_some(expected));
}
