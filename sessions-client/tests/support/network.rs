//! The network transports.

#[cfg(feature = "hyper")]
use sessions_client::HyperTransport;
#[cfg(feature = "reqwest")]
use sessions_client::ReqwestTransport;
use sessions_client::{ClientConfig, Policies, Result, SessionsHttpClientV1, Transport, Value};

pub(crate) trait Network: Transport + Clone + 'static {
    /// The name of the library, for names of snapshots.
    const NAME: &'static str;

    fn try_over(config: &ClientConfig) -> Result<Self>;

    fn over(config: &ClientConfig) -> Self {
        Self::try_over(config).unwrap()
    }

    /// Creates a client with all policies.
    fn client(config: &ClientConfig) -> SessionsHttpClientV1<Value, Value, Policies<Self>> {
        SessionsHttpClientV1::new(Policies::new(Self::over(config), config))
    }
}

#[cfg(feature = "hyper")]
impl Network for HyperTransport {
    const NAME: &'static str = "hyper";

    fn try_over(config: &ClientConfig) -> Result<Self> {
        Self::new(config)
    }
}

#[cfg(feature = "reqwest")]
impl Network for ReqwestTransport {
    const NAME: &'static str = "reqwest";

    fn try_over(config: &ClientConfig) -> Result<Self> {
        Self::new(config)
    }
}

/// Generates a test for each transport from functions that are generic over it. With `ignored: "reason",` in front,
/// the tests are only run when they are asked for.
macro_rules! over_each_network {
    (ignored: $reason:literal, $($test:ident)*) => {
        #[cfg(feature = "hyper")]
        mod over_hyper {
            $(#[tokio::test]
            #[ignore = $reason]
            async fn $test() {
                super::$test::<sessions_client::HyperTransport>().await;
            })*
        }

        #[cfg(feature = "reqwest")]
        mod over_reqwest {
            $(#[tokio::test]
            #[ignore = $reason]
            async fn $test() {
                super::$test::<sessions_client::ReqwestTransport>().await;
            })*
        }
    };
    ($($test:ident)*) => {
        #[cfg(feature = "hyper")]
        mod over_hyper {
            $(#[tokio::test]
            async fn $test() {
                super::$test::<sessions_client::HyperTransport>().await;
            })*
        }

        #[cfg(feature = "reqwest")]
        mod over_reqwest {
            $(#[tokio::test]
            async fn $test() {
                super::$test::<sessions_client::ReqwestTransport>().await;
            })*
        }
    };
}
