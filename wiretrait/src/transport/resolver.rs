//! Name lookups of both network transports: given addresses, and the spreading of connections.

use crate::config::ClientConfig;
use hyper_util::client::legacy::connect::dns::Name;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::vec;
use tower_service::Service;

/// Resolves names with the name service of the system, except those with given addresses. Clones share the
/// position of the spreading.
#[derive(Clone)]
pub(super) struct Resolver(Arc<Inner>);

struct Inner {
    /// Hosts with given addresses.
    given: Vec<(String, Vec<IpAddr>)>,
    /// The index of the first address of the next lookup, if connections are spread.
    next: Option<AtomicUsize>,
    /// The name service of the system.
    system: SystemLookup,
    /// True if the last lookup was given up before there was a result.
    is_unanswered: AtomicBool,
}

/// Returns the addresses of a host with port 0.
type SystemLookup = fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// A lookup in progress.
struct Lookup<'r> {
    is_unanswered: &'r AtomicBool,
    is_answered: bool,
}

impl Drop for Lookup<'_> {
    fn drop(&mut self) {
        self.is_unanswered.store(!self.is_answered, Ordering::Relaxed);
    }
}

impl Resolver {
    /// Creates a resolver for connections to `hosts`, each with its port.
    pub(super) fn new<'h>(config: &ClientConfig, hosts: impl IntoIterator<Item = (&'h str, u16)>) -> Self {
        let given =
            |(host, port): (&str, u16)| Some((host.to_owned(), config.resolved(host, port)?.to_vec()));
        // A random start, so that many clients do not all begin with the same instance.
        let next = config.spreads_addresses().then(|| AtomicUsize::new(fastrand::usize(..1 << 16)));
        Self(Arc::new(Inner {
            given: hosts.into_iter().filter_map(given).collect(),
            next,
            system: |host| Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) }),
            is_unanswered: AtomicBool::new(false),
        }))
    }

    /// Returns a resolver whose name service never responds.
    #[cfg(test)]
    pub(super) fn hanging() -> Self {
        Self(Arc::new(Inner {
            given: Vec::new(),
            next: None,
            system: |_| Box::pin(std::future::pending()),
            is_unanswered: AtomicBool::new(false),
        }))
    }

    /// Returns whether the last lookup was given up before the name service has responded.
    pub(super) fn is_unanswered(&self) -> bool {
        self.0.is_unanswered.load(Ordering::Relaxed)
    }

    /// Returns whether the settings have the addresses of `host`.
    pub(super) fn is_given(&self, host: &str) -> bool {
        self.given(host).is_some()
    }

    fn given(&self, host: &str) -> Option<&[IpAddr]> {
        let is_it = |(name, _): &&(String, _)| name.eq_ignore_ascii_case(host);
        self.0.given.iter().find(is_it).map(|(_, addresses)| &addresses[..])
    }

    /// Returns the addresses of `host`, with port 0, in the order in which they are tried.
    pub(super) async fn lookup(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let Inner { next, system, is_unanswered, .. } = &*self.0;
        let mut addresses: Vec<SocketAddr> = if let Some(addresses) = self.given(host) {
            addresses.iter().map(|address| (*address, 0).into()).collect()
        } else {
            let mut lookup = Lookup { is_unanswered, is_answered: false };
            let addresses = system(host.to_owned()).await;
            lookup.is_answered = true;
            addresses?
        };
        if let Some(next) = next {
            rotate(&mut addresses, next.fetch_add(1, Ordering::Relaxed));
        }
        Ok(addresses)
    }
}

/// Puts the address with the index `start`, modulo their number, to the front. Only addresses of the family that
/// the system prefers are rotated: the other family may be unreachable. They are sorted, because the name
/// service may itself change their order with each lookup.
fn rotate(addresses: &mut [SocketAddr], start: usize) {
    let Some(is_v6) = addresses.first().map(SocketAddr::is_ipv6) else { return };
    addresses.sort_by_key(|address| (address.is_ipv6() != is_v6, *address));
    let preferred = addresses.partition_point(|address| address.is_ipv6() == is_v6);
    addresses[..preferred].rotate_left(start % preferred);
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move { Ok(resolver.lookup(name.as_str()).await?.into_iter()) })
    }
}

#[cfg(feature = "reqwest")]
impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses: reqwest::dns::Addrs = Box::new(resolver.lookup(name.as_str()).await?.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(start: usize, addresses: &[&str]) -> Vec<String> {
        let mut addresses: Vec<SocketAddr> =
            addresses.iter().map(|address| (address.parse::<IpAddr>().unwrap(), 0).into()).collect();
        rotate(&mut addresses, start);
        addresses.iter().map(|address| address.ip().to_string()).collect()
    }

    #[test]
    fn each_lookup_begins_with_the_next_address() {
        let addresses = ["10.0.0.2", "10.0.0.3", "10.0.0.1"];
        assert_eq!(order(0, &addresses), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(order(1, &addresses), ["10.0.0.2", "10.0.0.3", "10.0.0.1"]);
        assert_eq!(order(5, &addresses), ["10.0.0.3", "10.0.0.1", "10.0.0.2"]);
    }

    #[test]
    fn addresses_of_the_other_family_stay_behind() {
        let addresses = ["::2", "10.0.0.1", "::1"];
        assert_eq!(order(1, &addresses), ["::2", "::1", "10.0.0.1"]);
    }

    #[test]
    fn a_host_without_addresses_is_accepted() {
        assert!(order(3, &[]).is_empty());
    }
}
