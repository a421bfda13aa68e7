//! A transport to a service with another base route, for requests with the routes of the contract.

use http::Uri;
use http::uri::PathAndQuery;
use wiretrait::{BaseRoute, Call, Error, ErrorKind, Response, Transport};

/// A transport that moves requests with the routes of the contract to the base route of its settings, so that
/// all services have the same snapshots. Correlation ids are sent as the contract has them.
#[derive(Clone, Debug)]
pub struct ContractRoutes<T> {
    transport: T,
    base: Option<BaseRoute>,
}

impl<T: Transport> ContractRoutes<T> {
    /// Wraps a transport with the base route of its [encoding](Transport::encoding).
    pub fn new(transport: T) -> Self {
        let base = transport.encoding().base_route;
        Self { transport, base }
    }
}

impl<T: Transport> Transport for ContractRoutes<T> {
    async fn send(&self, mut call: Call) -> Result<Response, Error> {
        if let Some(base) = &self.base
            && let Some(moved) = moved(call.request.uri(), call.route.prefix, base)
        {
            *call.request.uri_mut() = moved?;
        }
        self.transport.send(call).await
    }

    fn peer(&self) -> &str {
        self.transport.peer()
    }

    fn keeps_deadlines(&self) -> bool {
        self.transport.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.transport.is_multiplexed()
    }
}

/// Returns the target below `base`, or `None` if it is not below `prefix`, the base route of the
/// contract.
fn moved(target: &Uri, prefix: &str, base: &BaseRoute) -> Option<Result<Uri, Error>> {
    let rest = target.path_and_query()?.as_str().strip_prefix(prefix)?;
    if !rest.starts_with('/') {
        return None;
    }
    let moved = format!("{}{rest}", base.as_str()).parse::<PathAndQuery>();
    Some(moved.map(Uri::from).map_err(|error| Error::new(ErrorKind::Encode, error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::moved;
    use wiretrait::BaseRoute;

    const PREFIX: &str = "/v1/sessions";

    #[test]
    fn only_the_routes_of_the_contract_are_moved() {
        let base = BaseRoute::new("/acme").unwrap();
        for (target, expected) in [
            ("/v1/sessions/open_session?correlation_id=1", Some("/acme/open_session?correlation_id=1")),
            ("/", None),
            ("/v1/sessionsx", None),
            ("/heartbeat", None),
        ] {
            let moved =
                moved(&target.parse().unwrap(), PREFIX, &base).map(|moved| moved.unwrap().to_string());
            assert_eq!(moved.as_deref(), expected, "{target}");
        }
        let root = BaseRoute::new("/").unwrap();
        let moved = moved(&"/v1/sessions/get_sessions".parse().unwrap(), PREFIX, &root).unwrap().unwrap();
        assert_eq!(moved, "/get_sessions");
    }
}
