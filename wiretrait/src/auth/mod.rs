//! Bearer tokens from providers.
//!
//! A [`TokenProvider`] returns tokens: a given one ([`StaticToken`]), the content of a file ([`FileToken`]), the
//! output of a command (`CommandToken`), that of an OAuth 2.0 server (`ClientCredentials`, feature `oauth2`), or
//! any other implementation of the trait. [`Tokens`] caches what a provider returns, and is set with
//! [`ClientConfig::with_token_provider`](crate::ClientConfig::with_token_provider).
//!
//! ```
//! use std::time::Duration;
//! use wiretrait::auth::{Token, TokenProvider};
//! use wiretrait::{ClientConfig, Result};
//!
//! struct Vault;
//!
//! impl TokenProvider for Vault {
//!     async fn fetch(&self) -> Result<Token> {
//!         // Ask the vault …
//!         Ok(Token::new("s3cret")?.with_lifetime(Duration::from_secs(300)))
//!     }
//! }
//!
//! let config = ClientConfig::from_url("https://books.staging")?.with_token_provider(Vault);
//! # Ok::<_, wiretrait::Error>(())
//! ```
//!
//! # The life of a token
//!
//! | event | effect |
//! |---|---|
//! | the first call | it waits for the token, and so do all calls until the token has arrived: it is fetched once |
//! | a fifth of its lifetime, at most 60 s, is left | the next call starts a fetch in the background; the token is used meanwhile |
//! | it has expired | calls wait for the new one |
//! | the service responds with 401 | the token is dropped, and the call is sent once more with a new one |
//! | the service responds with 401 again | the call fails; further responses with 401 fetch no token for a second, then for two seconds, up to a minute |
//! | a fetch fails | all calls that wait for it fail with its error, and so do further calls for a second, then for two seconds, up to 30 s. A token that has not expired is still used |
//!
//! A fetch belongs to no call, so that a cancelled call does not cancel it. It ends after 30 s. A call waits for
//! it until its own deadline.
//!
//! A call that has its own header `Authorization`, as of [`CallOptions::token`](crate::CallOptions::token), is
//! not changed.

mod authorization;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod command;
mod file;
#[cfg(all(feature = "oauth2", any(feature = "hyper", feature = "reqwest")))]
mod oauth2;
mod provider;
mod token;
mod tokens;

#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub use command::CommandToken;
pub use file::FileToken;
#[cfg(all(fuzzing, feature = "oauth2", any(feature = "hyper", feature = "reqwest")))]
pub(crate) use oauth2::fetch_over;
#[cfg(all(feature = "oauth2", any(feature = "hyper", feature = "reqwest")))]
pub use oauth2::{ClientCredentials, OAuth2Token};
pub use provider::{StaticToken, TokenProvider};
pub use token::Token;
pub use tokens::Tokens;

pub(crate) use authorization::{Attached, Authorization, UsedToken};
