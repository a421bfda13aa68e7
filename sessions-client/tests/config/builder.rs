//! The typed builder: its defaults, and values that cannot work.

use super::message;
use sessions_client::policy::RetryPolicy;
use sessions_client::{ClientConfig, SessionsClientFactory};
#[cfg(feature = "reqwest")]
use sessions_client::{ReqwestTransport, SessionsHttpClientV1};
use std::time::Duration;

#[test]
fn every_limit_of_time_is_finite_by_default() {
    let config = ClientConfig::from_url("http://h").unwrap();
    assert_eq!(
        (config.connect_timeout(), config.timeout()),
        (Duration::from_secs(5), Duration::from_secs(10))
    );
    assert_eq!(config.deadline(), Duration::from_secs(30));
    let impatient = ClientConfig::from_url("http://h").unwrap().with_timeout(Duration::from_secs(2));
    assert_eq!(
        impatient.connect_timeout(),
        Duration::from_secs(1),
        "a host that drops packets is known as such"
    );
}

#[test]
fn the_deadline_leaves_time_for_one_attempt_unless_it_is_given() {
    let minute = ClientConfig::from_url("http://h").unwrap().with_timeout(Duration::from_secs(60));
    assert_eq!(minute.deadline(), Duration::from_secs(60));
    assert_eq!(minute.with_deadline(Duration::from_secs(1)).deadline(), Duration::from_secs(1));
}

#[test]
fn a_limit_of_zero_is_refused_where_a_client_is_made() {
    let config = || ClientConfig::from_url("http://localhost:1").unwrap();
    let zero = Duration::ZERO;
    for (config, setting) in [
        (config().with_connect_timeout(zero), "`options.connect_timeout` (`with_connect_timeout`)"),
        (config().with_timeout(zero), "`options.timeout` (`with_timeout`)"),
        (config().with_deadline(zero), "`options.deadline` (`with_deadline`)"),
    ] {
        let why = format!("{setting} is zero, in which nothing succeeds: `Duration::MAX` is no limit");
        assert_eq!(message(config.validate()), why);
        assert_eq!(message(SessionsClientFactory::new().create(&config)), why);
        #[cfg(feature = "reqwest")]
        {
            assert_eq!(message(SessionsHttpClientV1::from_config(&config)), why);
            assert_eq!(message(ReqwestTransport::new(&config)), why);
            assert_eq!(message(ReqwestTransport::with_client(reqwest::Client::new(), &config)), why);
        }
        #[cfg(feature = "tokio")]
        {
            use sessions_client::{SessionsHttpClientV1, SessionsMemoryClientV1};
            let memory = SessionsMemoryClientV1::new();
            assert_eq!(message(SessionsHttpClientV1::direct(memory, &config)), why);
        }
    }
    assert_eq!(
        message(config().with_max_response_bytes(0).validate()),
        "`options.max_response_size` (`with_max_response_bytes`) is zero, in which no answer fits: `usize::MAX` is no limit"
    );
    assert_eq!(
        message(config().with_concurrency_limit(0).validate()),
        "`options.concurrency_limit` (`with_concurrency_limit`) is zero, in which no call is made: `usize::MAX` is no limit"
    );
}

#[test]
fn repeats_that_contradict_themselves_are_refused() {
    let config = |policy| ClientConfig::new().with_retry_policy(policy);
    let second = Duration::from_secs(1);
    assert_eq!(
        message(config(RetryPolicy::new().with_backoff(2 * second, second)).validate()),
        "`options.backoff` (`RetryPolicy::backoff`) is longer than `options.max_backoff`: make that as long at least"
    );
    let poor = RetryPolicy::new().with_budget(4, 5, 1);
    assert_eq!(
        message(config(poor.clone()).validate()),
        "`RetryPolicy::budget` is less than the `cost` of a repeat, so that there would be none: \
         give more, or say it with 0 retries"
    );
    config(poor.with_retries(0)).validate().unwrap();
    config(RetryPolicy::new().with_budget(0, 0, 0)).validate().unwrap();
}

#[test]
fn a_limit_that_a_shorter_one_goes_before_is_no_mistake() {
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
#[cfg(feature = "reqwest")]
fn a_client_over_the_network_needs_an_address() {
    let why = "`connection.uri` is missing: give it, or `connection.host` and `connection.port`";
    assert_eq!(message(SessionsHttpClientV1::from_config(&ClientConfig::new())), why);
    assert_eq!(message(SessionsClientFactory::new().create(&ClientConfig::new())), why);
}

#[test]
fn what_is_printed_of_a_configuration_has_no_secrets() {
    let config = ClientConfig::from_url("http://user:secret@host:81/secret").unwrap();
    let config = config.with_base_route(sessions_client::BaseRoute::new("secret").unwrap());
    let printed = format!("{config:?} {:?}", config.encoding());
    assert!(!printed.contains("secret") && printed.contains("host"), "{printed}");
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn idle_connections_can_be_kept_for_as_long_as_one_likes() {
    let config = ClientConfig::from_url("http://127.0.0.1:1").unwrap();
    assert_eq!(config.pool_idle_timeout(), Duration::from_secs(4));
    for idle in [Duration::from_secs(30), Duration::MAX] {
        let config = config.clone().with_pool_idle_timeout(idle);
        assert_eq!(config.pool_idle_timeout(), idle);
        assert!(ReqwestTransport::new(&config).is_ok());
    }
}
