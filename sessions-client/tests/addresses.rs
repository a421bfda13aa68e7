//! Addresses of a host over each network transport of `wiretrait`: given ones, and several.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use sessions_client::{ClientConfig, ErrorKind, ISessionsV1};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::network::Network;
use support::read_request;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// A service that has one port at each of several addresses, and closes each connection after one response.
struct Instances {
    port: u16,
    addresses: Vec<IpAddr>,
    requests: Vec<Arc<AtomicUsize>>,
}

impl Instances {
    /// Starts `count` instances at 127.0.0.1, 127.0.0.2 and so on.
    async fn start(count: u8) -> Self {
        let address = |index| IpAddr::from(Ipv4Addr::new(127, 0, 0, index));
        let mut listeners = vec![TcpListener::bind((address(1), 0)).await.unwrap()];
        let port = listeners[0].local_addr().unwrap().port();
        for index in 2..=count {
            listeners.push(TcpListener::bind((address(index), port)).await.unwrap());
        }
        let addresses = (1..=count).map(address).collect();
        let requests = listeners.into_iter().map(serve).collect();
        Self { port, addresses, requests }
    }

    fn requests(&self) -> Vec<usize> {
        self.requests.iter().map(|requests| requests.load(Ordering::SeqCst)).collect()
    }

    fn config(&self, addresses: impl IntoIterator<Item = IpAddr>) -> ClientConfig {
        ClientConfig::from_url(&format!("http://service.invalid:{}", self.port))
            .unwrap()
            .with_retries(0)
            .with_resolved("service.invalid", self.port, addresses)
    }
}

fn serve(listener: TcpListener) -> Arc<AtomicUsize> {
    let requests = Arc::<AtomicUsize>::default();
    let counter = requests.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if let Some(request) = read_request(&mut stream).await {
                assert!(request.to_lowercase().contains("\r\nhost: service.invalid:"), "{request}");
                counter.fetch_add(1, Ordering::SeqCst);
                let response = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                stream.write_all(response).await.unwrap();
            }
        }
    });
    requests
}

async fn given_addresses_replace_the_name_service<T: Network>() {
    let instances = Instances::start(1).await;
    let config = instances.config(instances.addresses.clone());
    T::client(&config).get_session_by_id(None, "1").await.unwrap();
    assert_eq!(instances.requests(), [1]);
}

async fn given_addresses_are_those_of_one_port<T: Network>() {
    let instances = Instances::start(1).await;
    let config = ClientConfig::from_url("http://service.invalid:1").unwrap().with_retries(0);
    let config = config.with_resolved("service.invalid", 2, instances.addresses.clone());
    let error = T::client(&config).get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.to_string().contains("failed to lookup"), "{error}");
}

async fn the_first_address_is_used_by_default<T: Network>() {
    let instances = Instances::start(3).await;
    let client = T::client(&instances.config(instances.addresses.clone()));
    for _ in 0..6 {
        client.get_session_by_id(None, "1").await.unwrap();
    }
    assert_eq!(instances.requests(), [6, 0, 0]);
}

async fn connections_are_spread_over_all_addresses<T: Network>() {
    let instances = Instances::start(3).await;
    let client = T::client(&instances.config(instances.addresses.clone()).with_spread_addresses(true));
    for _ in 0..6 {
        client.get_session_by_id(None, "1").await.unwrap();
    }
    assert_eq!(instances.requests(), [2, 2, 2]);
}

async fn an_address_that_refuses_is_passed_over<T: Network>() {
    let instances = Instances::start(2).await;
    let dead: IpAddr = "127.0.0.77".parse().unwrap();
    for spreads in [false, true] {
        let addresses = [dead].into_iter().chain(instances.addresses.clone());
        let client = T::client(&instances.config(addresses).with_spread_addresses(spreads));
        for _ in 0..6 {
            client.get_session_by_id(None, "1").await.unwrap();
        }
    }
    assert!(instances.requests()[1] >= 2, "{:?}", instances.requests());
}

#[cfg(feature = "hyper")]
#[tokio::test]
async fn connections_are_opened_to_another_port_without_a_change_of_the_host() {
    let instances = Instances::start(1).await;
    let config = ClientConfig::from_url("http://service.invalid:1").unwrap().with_retries(0);
    assert_eq!(config.connects_to().unwrap(), [("service.invalid".to_owned(), 1)]);
    let config =
        config.with_connect_to("Service.invalid", 1, (instances.addresses[0], instances.port).into());
    let client = <sessions_client::HyperTransport as Network>::client(&config);
    client.get_session_by_id(None, "1").await.unwrap();
    assert_eq!(instances.requests(), [1]);
}

async fn a_host_without_an_address_is_rejected<T: Network>() {
    let config = ClientConfig::from_url("http://service.invalid").unwrap();
    let error = T::try_over(&config.clone().with_resolved("service.invalid", 80, [])).err().unwrap();
    assert_eq!(error.to_string(), "`with_resolved` has no address for `service.invalid`: give one");
    let local: IpAddr = "127.0.0.1".parse().unwrap();
    let error = T::try_over(&config.with_resolved("10.0.0.1", 80, [local])).err().unwrap();
    assert!(error.to_string().contains("`10.0.0.1`, which is an address already"), "{error}");
}

over_each_network! {
    given_addresses_replace_the_name_service
    given_addresses_are_those_of_one_port
    the_first_address_is_used_by_default
    connections_are_spread_over_all_addresses
    an_address_that_refuses_is_passed_over
    a_host_without_an_address_is_rejected
}
