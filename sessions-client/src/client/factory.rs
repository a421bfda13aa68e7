//! A client of the kind that a configuration names.

use super::{SessionsMemoryClientV1, SessionsNullClientV1};
use crate::config::{ClientConfig, ClientKind};
#[cfg(feature = "tokio")]
use crate::contract::SessionsHttpClientV1;
use crate::contract::{DynISessionsV1, ISessionsV1};
use crate::error::{Error, Result};
#[cfg(feature = "tokio")]
use crate::runtime::Transport;
use crate::runtime::{CallObserver, Payload};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Makes clients of whatever [kind](ClientKind) a configuration names, for applications that leave the choice to
/// whoever runs them.
///
/// ```
/// use sessions_client::{ConfigParams, DynISessionsV1, ISessionsV1, Result, SessionsClientFactory};
/// use std::sync::Arc;
///
/// /// What the application knows of its sessions.
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
/// let config = ConfigParams::new().with_environment("SESSIONS", environment)?.build()?;
/// let login = Login { sessions: SessionsClientFactory::new().create(&config)? };
/// println!("session {}", login.log_in("user-1").await?);
/// # Ok(())
/// # }
/// ```
pub struct SessionsClientFactory<U = Value, D = Value> {
    implementation: Option<Arc<dyn DynISessionsV1<U, D>>>,
    observer: Option<Arc<dyn CallObserver>>,
}

impl SessionsClientFactory {
    /// A factory for clients with the default payloads.
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
    /// A factory for clients with payloads of other types: `SessionsClientFactory::<User, Cart>::typed()`. The
    /// types come first, since an implementation has them too.
    #[must_use]
    pub fn typed() -> Self {
        Self { implementation: None, observer: None }
    }

    /// The same factory with the implementation that clients of the kind [`ClientKind::Direct`] call.
    #[must_use]
    pub fn with_implementation(mut self, implementation: impl ISessionsV1<U, D> + 'static) -> Self {
        self.implementation = Some(Arc::new(implementation));
        self
    }

    /// The same factory, whose clients tell `observer` of every call that is over: those of the kinds `http` and
    /// `direct`. The others make no calls.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// A client as `config` describes it. One in memory has sessions of its own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the configuration is not
    /// [valid](ClientConfig::validate), the kind is `http` and there is no address or no feature `reqwest` or `hyper`, or the
    /// kind is `direct` and there is no [implementation](Self::with_implementation) or no feature `tokio`.
    pub fn create(&self, config: &ClientConfig) -> Result<Arc<dyn DynISessionsV1<U, D>>> {
        config.validate()?;
        match config.kind() {
            ClientKind::Http => http(config, self.observer.clone()),
            ClientKind::Direct => {
                let implementation = self.implementation.clone().ok_or_else(|| {
                    let why = "is `direct`, which calls an implementation in the same process: \
                               give it to `SessionsClientFactory::with_implementation`";
                    Error::config("kind", why)
                })?;
                direct(implementation, config, self.observer.clone())
            }
            ClientKind::Memory => Ok(Arc::new(SessionsMemoryClientV1::new().with_payloads::<U, D>())),
            ClientKind::Null => Ok(Arc::new(SessionsNullClientV1::new().with_payloads::<U, D>())),
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

#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
fn without_feature(kind: ClientKind, feature: &str) -> Error {
    let why =
        format!("is `{kind}`, which this build lacks: switch on the feature `{feature}` of sessions-client");
    Error::config("kind", why)
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
