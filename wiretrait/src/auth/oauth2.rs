//! Tokens of an OAuth 2.0 server, by the grant for client credentials (RFC 6749, section 4.4).

use super::{Token, TokenProvider};
use crate::config::{ClientConfig, address, exposed_origin};
use crate::error::{Error, ErrorKind, PlainErrors, Result, one_line};
use crate::runtime::{Call, Contract, Response, Route, Transport, without_mark};
use crate::transport::{NetworkTransport, Policies};
use ::oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenType};
use ::oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Uri};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The credentials of a client of an OAuth 2.0 server: client id and secret.
///
/// ```
/// use wiretrait::ClientConfig;
/// use wiretrait::auth::ClientCredentials;
///
/// # fn config(secret: &str) -> wiretrait::Result<ClientConfig> {
/// let config = ClientConfig::from_url("https://books.staging")?;
/// let provider = ClientCredentials::new("https://login.staging/oauth2/token", "books", secret)?
///     .with_scope("books.read")
///     .connect(&config)?;
/// let config = config.with_token_provider(provider);
/// # Ok(config)
/// # }
/// ```
#[derive(Clone)]
pub struct ClientCredentials {
    url: String,
    id: String,
    secret: String,
    scopes: Vec<String>,
    audience: Option<String>,
    is_in_body: bool,
}

impl ClientCredentials {
    /// Creates the credentials for the token endpoint at `url`. Id and secret are sent by HTTP Basic.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `url` is not an `http` or `https` URL, or contains credentials. It may have a
    /// query.
    pub fn new(url: &str, id: impl Into<String>, secret: impl Into<String>) -> Result<Self> {
        let invalid = |why: String| Error::config("token URL", why);
        let url = url.trim();
        let (address, _) = url.split_once('?').unwrap_or((url, ""));
        address::check_url(address).map_err(invalid)?;
        let uri: Uri = url.parse().map_err(|_| invalid("is not a valid URL".to_owned()))?;
        if url.contains('#') || uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            let why = "must have no fragment and no credentials: pass the id and the secret of the client";
            return Err(invalid(why.to_owned()));
        }
        let (url, id, secret) = (url.to_owned(), id.into(), secret.into());
        Ok(Self { url, id, secret, scopes: Vec::new(), audience: None, is_in_body: false })
    }

    /// Adds a scope.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Sets the parameter `audience`, which some servers require.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sends id and secret in the body of the request instead of by HTTP Basic.
    #[must_use]
    pub fn with_secret_in_body(mut self) -> Self {
        self.is_in_body = true;
        self
    }

    /// Creates a provider that requests tokens over the network, with the TLS settings, the proxy, the limits and
    /// the retries of `config`, but without its headers and tokens.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the settings cannot be used, or if the secret would be sent over plain HTTP to
    /// another machine, unless [that is allowed](ClientConfig::with_http_credentials_allowed).
    pub fn connect(self, config: &ClientConfig) -> Result<OAuth2Token> {
        let uri: Uri = self.url.parse().map_err(|_| Error::config("token URL", "is not a valid URL"))?;
        let exposed = exposed_origin(&self.url, config).filter(|_| !config.allows_http_credentials());
        if let Some(origin) = exposed {
            let message = format!(
                "the client secret is not sent to {origin}, since others in the network could read it: use `https`, \
                 or allow it with `ClientConfig::with_http_credentials_allowed`"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        let scheme = uri.scheme_str().unwrap_or("https");
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let config = config.for_service(format!("{scheme}://{authority}"));
        let transport = NetworkTransport::new(&config)?;
        let origin = transport.origin().to_owned();
        let server = self.server(origin, Policies::new(transport, &config))?;
        Ok(OAuth2Token(Arc::new(server)))
    }

    fn server<T>(self, origin: String, transport: T) -> Result<Server<T>> {
        let client = BasicClient::new(ClientId::new(self.id))
            .set_client_secret(ClientSecret::new(self.secret.clone()))
            .set_auth_type(if self.is_in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
            .set_token_uri(
                TokenUrl::new(self.url).map_err(|_| Error::config("token URL", "is not a valid URL"))?,
            );
        let scopes = self.scopes.into_iter().map(Scope::new).collect();
        Ok(Server { client, scopes, audience: self.audience, secret: self.secret, origin, transport })
    }
}

/// Requests a token with `credentials` over `transport`.
#[cfg(fuzzing)]
pub(crate) async fn fetch_over(credentials: ClientCredentials, transport: impl Transport) -> Result<Token> {
    let origin = transport.peer().to_owned();
    credentials.server(origin, transport)?.fetch().await
}

/// Omits id, secret and path.
impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri: Option<Uri> = self.url.parse().ok();
        f.debug_struct("ClientCredentials")
            .field("host", &uri.as_ref().and_then(Uri::host))
            .finish_non_exhaustive()
    }
}

/// Requests tokens of an OAuth 2.0 server. Created by [`ClientCredentials::connect`].
#[derive(Clone)]
pub struct OAuth2Token(Arc<Server>);

struct Server<T = Policies<NetworkTransport>> {
    client: BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>,
    scopes: Vec<Scope>,
    audience: Option<String>,
    /// Removed from messages of the server.
    secret: String,
    origin: String,
    transport: T,
}

/// A token request. It changes nothing in the server, so it may be retried.
const ROUTE: &Route = &Route {
    contract: &Contract::new(
        "OAuth2",
        concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")),
        &PlainErrors,
    ),
    name: "request_token",
    doc: "Requests a token.",
    method: Method::POST,
    path: "/{token_endpoint}",
    prefix: "",
    idempotent: true,
    timeout: None,
    has_body: true,
    content_type: "application/x-www-form-urlencoded",
    accept: "application/json",
    none: &[],
    constants: &[],
    params: &[],
};

impl<T: Transport> Server<T> {
    async fn fetch(&self) -> Result<Token> {
        let Self { client, scopes, audience, origin, .. } = self;
        let mut request = client.exchange_client_credentials().add_scopes(scopes.iter().cloned());
        if let Some(audience) = audience {
            request = request.add_extra_param("audience", audience);
        }
        let response = request.request_async(self).await.map_err(|error| self.failure(error))?;
        if *response.token_type() != BasicTokenType::Bearer {
            let message = format!("the token server {origin} returned a token that is not a bearer token");
            return Err(Error::new(ErrorKind::Credentials, message));
        }
        let token = Token::new(response.access_token().secret()).map_err(|_| {
            let message =
                format!("the token server {origin} returned a token that cannot be sent in a header");
            Error::new(ErrorKind::Credentials, message)
        })?;
        Ok(match response.expires_in() {
            Some(lifetime) => token.with_lifetime(lifetime.min(Duration::from_secs(u32::MAX.into()))),
            None => token,
        })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse> {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        parts.uri = Uri::try_from(target).map_err(|error| {
            Error::new(ErrorKind::Encode, format!("the token URL cannot be sent: {error}"))
        })?;
        if let Some(authorization) = parts.headers.get_mut(http::header::AUTHORIZATION) {
            HeaderValue::set_sensitive(authorization, true);
        }
        let call = Call::new(ROUTE, http::Request::from_parts(parts, Bytes::from(body)));
        let response = self.transport.send(call).await?;
        let status = response.status();
        let body = without_mark(response.body());
        let granted = if status.is_success() { granted(body) } else { None };
        let is_error = granted.is_none() && serde_json::from_slice::<BasicErrorResponse>(body).is_ok();
        if !status.is_success() && !is_error {
            return Err(other_error(&response));
        }
        let body = granted.unwrap_or_else(|| body.to_vec());
        let mut response = response.map(|_| body);
        // Some servers send errors with a status of success, which the crate accepts for a token only, and only 200.
        *response.status_mut() = match (is_error, status.is_success()) {
            (true, true) => StatusCode::BAD_REQUEST,
            (false, _) => StatusCode::OK,
            (true, false) => status,
        };
        Ok(response)
    }

    /// Returns a message of the server in one line, without the secret.
    fn shown(&self, message: &str) -> String {
        if !self.secret.is_empty() && message.contains(&self.secret) {
            return "a message that contains the client secret".to_owned();
        }
        one_line(message)
    }

    fn failure(&self, error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
        let origin = &self.origin;
        let message = match error {
            RequestTokenError::ServerResponse(error) => {
                let code = self.shown(error.error().as_ref());
                match error.error_description() {
                    Some(description) => {
                        format!(
                            "the token server {origin} responded with `{code}`: {}",
                            self.shown(description)
                        )
                    }
                    None => format!("the token server {origin} responded with `{code}`{}", advice(&code)),
                }
            }
            RequestTokenError::Request(error) => {
                let remedy = match (error.kind(), error.status()) {
                    (ErrorKind::Connect, _) => ": start it, or check the token URL",
                    (_, Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
                        ": check id and secret of the client, and the token URL"
                    }
                    (_, Some(StatusCode::TOO_MANY_REQUESTS)) => "",
                    (_, Some(status)) if status.is_server_error() => ": see its log",
                    (_, Some(_)) => ": check the token URL",
                    _ => "",
                };
                let message = format!("no token from the token server {origin}: {error}{remedy}");
                return Error::new(ErrorKind::Credentials, message).with_retry_after(error.retry_after());
            }
            RequestTokenError::Parse(..) => {
                format!(
                    "the response of the token server {origin} is not that of OAuth 2.0: check the token URL"
                )
            }
            RequestTokenError::Other(why) => {
                format!("the response of the token server {origin} cannot be used: {}", self.shown(&why))
            }
        };
        Error::new(ErrorKind::Credentials, message)
    }
}

impl<'c, T: Transport> AsyncHttpClient<'c> for Server<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Returns the error for a response without an error of OAuth 2.0, such as one of a gateway.
fn other_error(response: &Response) -> Error {
    let status = response.status();
    let message = format!("it responded with {}", crate::error::Status(status));
    Error::new(ErrorKind::Service, message)
        .with_status(status)
        .with_retry_after(crate::runtime::retry_after(response.headers(), || None))
}

/// Returns the parts of a response that matter, in the form of the standard: some servers write `expires_in` as a
/// string or with a fraction, or omit the type of the token or have another word for it.
fn granted(body: &[u8]) -> Option<Vec<u8>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut granted = Map::new();
    let token = fields.remove("access_token").filter(|token| !token.is_null() && token != "")?;
    granted.insert("access_token".to_owned(), token);
    // The second one is that of Apigee.
    let is_bearer = |token_type: &str| ["bearer", "bearertoken"].contains(&&*token_type.to_ascii_lowercase());
    let token_type = match fields.remove("token_type") {
        None | Some(Value::Null) => "Bearer".into(),
        Some(Value::String(token_type)) if is_bearer(&token_type) => "Bearer".into(),
        Some(other) => other,
    };
    granted.insert("token_type".to_owned(), token_type);
    let lifetime = match fields.remove("expires_in") {
        Some(Value::String(seconds)) => seconds.trim().parse().ok(),
        Some(seconds) => seconds.as_f64(),
        None => None,
    };
    if let Some(lifetime) = lifetime.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        granted.insert("expires_in".to_owned(), lifetime.as_secs().into());
    }
    serde_json::to_vec(&granted).ok()
}

fn advice(code: &str) -> &'static str {
    match code {
        "invalid_client" | "unauthorized_client" => ": check id and secret of the client",
        "invalid_scope" => ": check the scopes",
        _ => "",
    }
}

impl TokenProvider for OAuth2Token {
    async fn fetch(&self) -> Result<Token> {
        self.0.fetch().await
    }

    fn name(&self) -> Cow<'_, str> {
        format!("the token server {}", self.0.origin).into()
    }
}

impl fmt::Debug for OAuth2Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2Token").field("origin", &self.0.origin).finish_non_exhaustive()
    }
}
