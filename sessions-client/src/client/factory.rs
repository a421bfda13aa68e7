//! A factory of clients whose kind is configured.

use super::{SessionsMemoryClientV1, SessionsNullClientV1};
#[cfg(feature = "tokio")]
use crate::contract::SessionsHttpClientV1;
use crate::contract::{DynISessionsV1, ISessionsV1};
use crate::telemetry::CallObserver;
use crate::{ClientConfig, ClientKind, ConfigParams, Error, ErrorKind, Payload, Result};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
#[cfg(feature = "tokio")]
use wiretrait::Transport;

/// The groups in the service's official descriptors, `group:type:kind:name:version`.
const GROUPS: [&str; 2] = ["service-sessions", "pip-services-sessions"];

/// A factory of clients of the [kind](ClientKind) that a configuration names, for applications whose
/// operators choose it.
///
/// ```
/// use sessions_client::{ConfigParams, DynISessionsV1, ISessionsV1, Result, SessionsClientFactory};
/// use std::sync::Arc;
///
/// struct Login {
///     sessions: Arc<dyn DynISessionsV1>,
/// }
///
/// impl Login {
///     async fn log_in(&self, user_id: &str) -> Result<String> {
///         let session = self.sessions.open_session(None, user_id, None, None, None, None, None).await?;
///         Ok(session.id)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let environment = [("SESSIONS_KIND", "memory")];
/// // In a program: `let environment = std::env::vars_os();`
/// let params = ConfigParams::new().with_environment("SESSIONS", environment)?;
/// let login = Login { sessions: SessionsClientFactory::new().from_params(&params)? };
/// println!("session {}", login.log_in("user-1").await?);
/// # Ok(())
/// # }
/// ```
pub struct SessionsClientFactory<U = Value, D = Value> {
    implementation: Option<Arc<dyn DynISessionsV1<U, D>>>,
    observer: Option<Arc<dyn CallObserver>>,
}

impl SessionsClientFactory {
    /// Creates a factory of clients with the default payloads.
    #[must_use]
    pub fn new() -> Self {
        Self::typed()
    }
}

impl Default for SessionsClientFactory {
    fn default() -> Self {
        Self::new()
    }
}

impl<U: Payload + Clone, D: Payload + Clone> SessionsClientFactory<U, D> {
    /// Creates a factory of clients with other payloads: `SessionsClientFactory::<User, Cart>::typed()`.
    #[must_use]
    pub fn typed() -> Self {
        Self { implementation: None, observer: None }
    }

    /// Sets the implementation that clients of the kind [`ClientKind::Direct`] call.
    #[must_use]
    pub fn with_implementation(mut self, implementation: impl ISessionsV1<U, D> + 'static) -> Self {
        self.implementation = Some(Arc::new(implementation));
        self
    }

    /// Sets the observer of finished calls, for clients of all kinds but `memory` and `null`, which make no calls.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Creates the client that `params` describe. In-memory clients do not share sessions.
    ///
    /// # Errors
    ///
    /// Those of [`ConfigParams::kind`], [`ConfigParams::build`] and [`create`](Self::create).
    pub fn from_params(&self, params: &ConfigParams) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
        self.create(params.kind(&GROUPS)?, &params.build()?)
    }

    /// Creates a client of the given kind with the settings of `config`. In-memory clients do not share
    /// sessions.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the configuration is not [valid](ClientConfig::validate), if the kind is
    /// `http` without an address or without one of the features `reqwest` and `hyper`, if the kind is `grpc` or
    /// `commandable-grpc` without an address, without the feature `grpc` or with settings that gRPC has no counterpart
    /// for, or if the kind is `direct` without an [implementation](Self::with_implementation) or without the feature `tokio`.
    pub fn create(&self, kind: ClientKind, config: &ClientConfig) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
        config.validate()?;
        match kind {
            ClientKind::Http => http(config, self.observer.clone()),
            ClientKind::Grpc | ClientKind::CommandableGrpc => grpc(kind, config, self.observer.clone()),
            ClientKind::Direct => {
                let implementation = self.implementation.clone().ok_or_else(|| {
                    let why = "`kind` is `direct`, which calls an implementation in the same process: \
                               give it to `SessionsClientFactory::with_implementation`";
                    Error::new(ErrorKind::Config, why)
                })?;
                direct(implementation, config, self.observer.clone())
            }
            ClientKind::Memory => Ok(Arc::new(SessionsMemoryClientV1::new().with_payloads::<U, D>())),
            ClientKind::Null => Ok(Arc::new(SessionsNullClientV1::new().with_payloads::<U, D>())),
            // `ClientKind` is not exhaustive.
            other => {
                let why = format!("`kind` is `{other}`, which sessions clients do not support");
                Err(Error::new(ErrorKind::Config, why))
            }
        }
    }
}

#[cfg(any(feature = "hyper", feature = "reqwest"))]
fn http<U: Payload, D: Payload>(
    config: &ClientConfig,
    observer: Option<Arc<dyn CallObserver>>,
) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
    let client = SessionsHttpClientV1::from_config(config)?.with_payloads::<U, D>();
    Ok(observed(client, observer))
}

#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
fn http<U: Payload, D: Payload>(
    _config: &ClientConfig,
    _observer: Option<Arc<dyn CallObserver>>,
) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
    Err(without_feature(ClientKind::Http, "reqwest"))
}

#[cfg(feature = "grpc")]
fn grpc<U: Payload, D: Payload>(
    kind: ClientKind,
    config: &ClientConfig,
    observer: Option<Arc<dyn CallObserver>>,
) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
    use crate::grpc::{SessionsCommandableGrpcClientV1, SessionsGrpcClientV1};

    Ok(match kind {
        ClientKind::CommandableGrpc => {
            observed(SessionsCommandableGrpcClientV1::commandable_grpc(config)?, observer)
        }
        _ => observed(SessionsGrpcClientV1::grpc(config)?, observer),
    })
}

#[cfg(not(feature = "grpc"))]
fn grpc<U: Payload, D: Payload>(
    kind: ClientKind,
    _config: &ClientConfig,
    _observer: Option<Arc<dyn CallObserver>>,
) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
    Err(without_feature(kind, "grpc"))
}

#[cfg(feature = "tokio")]
fn direct<U: Payload, D: Payload>(
    implementation: Arc<dyn DynISessionsV1<U, D>>,
    config: &ClientConfig,
    observer: Option<Arc<dyn CallObserver>>,
) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
    use super::SessionsDirectClientV1;

    let client = SessionsDirectClientV1::direct(implementation, config)?;
    Ok(observed(client, observer))
}

#[cfg(not(feature = "tokio"))]
fn direct<U: Payload, D: Payload>(
    _implementation: Arc<dyn DynISessionsV1<U, D>>,
    _config: &ClientConfig,
    _observer: Option<Arc<dyn CallObserver>>,
) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
    Err(without_feature(ClientKind::Direct, "tokio"))
}

#[cfg(feature = "tokio")]
fn observed<U: Payload, D: Payload>(
    client: SessionsHttpClientV1<U, D, impl Transport + 'static>,
    observer: Option<Arc<dyn CallObserver>>,
) -> Arc<dyn DynISessionsV1<U, D>> {
    match observer {
        Some(observer) => Arc::new(client.with_observer(observer)),
        None => Arc::new(client),
    }
}

#[cfg(not(all(feature = "grpc", feature = "tokio", any(feature = "hyper", feature = "reqwest"))))]
fn without_feature(kind: ClientKind, feature: &str) -> Error {
    let why = format!(
        "`kind` is `{kind}`, which this build lacks: enable the feature `{feature}` of sessions-client"
    );
    Error::new(ErrorKind::Config, why)
}

impl<U, D> Clone for SessionsClientFactory<U, D> {
    fn clone(&self) -> Self {
        Self { implementation: self.implementation.clone(), observer: self.observer.clone() }
    }
}

impl<U, D> fmt::Debug for SessionsClientFactory<U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsClientFactory")
            .field("has_implementation", &self.implementation.is_some())
            .field("has_observer", &self.observer.is_some())
            .finish_non_exhaustive()
    }
}
