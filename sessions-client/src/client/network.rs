//! The transport of the protocol that a configuration chooses.

#[cfg(feature = "grpc")]
use crate::grpc::SessionsGrpcTransportV1;
use crate::{ClientConfig, ClientKind, Encoding, Response, Result};
#[cfg(feature = "grpc")]
use pip_services::CommandableGrpcTransport;
use wiretrait::{Call, HyperTransport, Transport};
#[cfg(not(feature = "grpc"))]
use wiretrait::{Error, ErrorKind};

/// A transport over the protocol that the [kind](ClientKind::of) of a configuration names: gRPC, commandable gRPC, or
/// HTTP for all other kinds. It is for tools whose user chooses the protocol.
#[derive(Clone, Debug)]
pub struct SessionsNetworkTransportV1(Protocol);

#[derive(Clone, Debug)]
enum Protocol {
    Http(HyperTransport),
    #[cfg(feature = "grpc")]
    Grpc(SessionsGrpcTransportV1),
    #[cfg(feature = "grpc")]
    CommandableGrpc(CommandableGrpcTransport),
}

impl SessionsNetworkTransportV1 {
    /// Creates a transport with the settings of `config`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) as for the transports of the protocols, and for a kind over gRPC
    /// without the feature `grpc`.
    pub fn new(config: &ClientConfig) -> Result<Self> {
        let protocol = match ClientKind::of(config) {
            #[cfg(feature = "grpc")]
            ClientKind::Grpc => SessionsGrpcTransportV1::new(config).map(Protocol::Grpc),
            #[cfg(feature = "grpc")]
            ClientKind::CommandableGrpc => {
                CommandableGrpcTransport::new(config).map(Protocol::CommandableGrpc)
            }
            #[cfg(not(feature = "grpc"))]
            kind @ (ClientKind::Grpc | ClientKind::CommandableGrpc) => {
                let why = format!(
                    "the protocol is `{kind}`, which this build lacks: build it with the feature `grpc`"
                );
                Err(Error::new(ErrorKind::Config, why))
            }
            _ => HyperTransport::new(config).map(Protocol::Http),
        };
        protocol.map(Self)
    }

    /// Returns whether the protocol is HTTP.
    #[must_use]
    pub fn is_http(&self) -> bool {
        matches!(self.0, Protocol::Http(_))
    }
}

impl Transport for SessionsNetworkTransportV1 {
    async fn send(&self, call: Call) -> Result<Response> {
        match &self.0 {
            Protocol::Http(transport) => transport.send(call).await,
            #[cfg(feature = "grpc")]
            Protocol::Grpc(transport) => transport.send(call).await,
            #[cfg(feature = "grpc")]
            Protocol::CommandableGrpc(transport) => transport.send(call).await,
        }
    }

    fn peer(&self) -> &str {
        match &self.0 {
            Protocol::Http(transport) => transport.peer(),
            #[cfg(feature = "grpc")]
            Protocol::Grpc(transport) => transport.peer(),
            #[cfg(feature = "grpc")]
            Protocol::CommandableGrpc(transport) => transport.peer(),
        }
    }

    fn encoding(&self) -> Encoding {
        match &self.0 {
            Protocol::Http(transport) => transport.encoding(),
            #[cfg(feature = "grpc")]
            Protocol::Grpc(transport) => transport.encoding(),
            #[cfg(feature = "grpc")]
            Protocol::CommandableGrpc(transport) => transport.encoding(),
        }
    }

    fn is_multiplexed(&self) -> bool {
        match &self.0 {
            Protocol::Http(transport) => transport.is_multiplexed(),
            #[cfg(feature = "grpc")]
            Protocol::Grpc(transport) => transport.is_multiplexed(),
            #[cfg(feature = "grpc")]
            Protocol::CommandableGrpc(transport) => transport.is_multiplexed(),
        }
    }
}
