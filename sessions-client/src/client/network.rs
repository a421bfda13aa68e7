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
#[non_exhaustive]
pub enum SessionsNetworkTransportV1 {
    /// HTTP.
    Http(HyperTransport),
    /// The service's own gRPC interface.
    #[cfg(feature = "grpc")]
    Grpc(SessionsGrpcTransportV1),
    /// Commandable gRPC.
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
        match ClientKind::of(config) {
            #[cfg(feature = "grpc")]
            ClientKind::Grpc => SessionsGrpcTransportV1::new(config).map(Self::Grpc),
            #[cfg(feature = "grpc")]
            ClientKind::CommandableGrpc => CommandableGrpcTransport::new(config).map(Self::CommandableGrpc),
            #[cfg(not(feature = "grpc"))]
            kind @ (ClientKind::Grpc | ClientKind::CommandableGrpc) => {
                let why = format!(
                    "the protocol is `{kind}`, which this build lacks: build it with the feature `grpc`"
                );
                Err(Error::new(ErrorKind::Config, why))
            }
            _ => HyperTransport::new(config).map(Self::Http),
        }
    }

    /// Returns whether the protocol is HTTP.
    #[must_use]
    pub fn is_http(&self) -> bool {
        matches!(self, Self::Http(_))
    }
}

impl Transport for SessionsNetworkTransportV1 {
    async fn send(&self, call: Call) -> Result<Response> {
        match self {
            Self::Http(transport) => transport.send(call).await,
            #[cfg(feature = "grpc")]
            Self::Grpc(transport) => transport.send(call).await,
            #[cfg(feature = "grpc")]
            Self::CommandableGrpc(transport) => transport.send(call).await,
        }
    }

    fn peer(&self) -> &str {
        match self {
            Self::Http(transport) => transport.peer(),
            #[cfg(feature = "grpc")]
            Self::Grpc(transport) => transport.peer(),
            #[cfg(feature = "grpc")]
            Self::CommandableGrpc(transport) => transport.peer(),
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            Self::Http(transport) => transport.encoding(),
            #[cfg(feature = "grpc")]
            Self::Grpc(transport) => transport.encoding(),
            #[cfg(feature = "grpc")]
            Self::CommandableGrpc(transport) => transport.encoding(),
        }
    }
}
