//! The code of the READMEs, the crate documentation and the client guide.

/// Returns the code of the first Rust example.
fn first_example(markdown: &str) -> &str {
    let (_, rest) = markdown.split_once("```rust,no_run\n").expect("there is an example");
    let (code, _) = rest.split_once("```").expect("the example ends");
    code
}

#[test]
fn both_readmes_and_the_crate_docs_begin_with_the_same_example() {
    let example = first_example(include_str!("../README.md"));
    assert_eq!(first_example(include_str!("../../README.md")), example, "in README.md of the repository");
    let source = include_str!("../src/lib.rs");
    let docs: Vec<&str> =
        source.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim_start).collect();
    let example: Vec<&str> = example.lines().map(str::trim_start).collect();
    assert!(docs.windows(example.len()).any(|lines| lines == example), "copy the example into src/lib.rs");
}

/// The lines of a piece of code without their indentation.
fn lines(code: &str) -> Vec<&str> {
    code.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_code_of_the_client_guide_is_compiled_by_this_test() {
    let test = lines(include_str!("documentation.rs"));
    let guide = include_str!("../../docs/client.md").replace("\r\n", "\n");
    let snippets: Vec<&str> =
        guide.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!snippets.is_empty());
    for snippet in snippets {
        let snippet = lines(snippet);
        assert!(test.windows(snippet.len()).any(|lines| lines == snippet), "{snippet:#?}");
    }
}

/// The code of the client guide, which is compiled and not run.
#[cfg(all(feature = "config", feature = "oauth2", feature = "reqwest", feature = "stream"))]
#[expect(dead_code, unused_variables, reason = "not run")]
#[rustfmt::skip]
mod guide {
    use sessions_client::{
        CallOptions, ConfigParams, FilterParams, ISessionsV1, Result, SessionsHttpClientV1, Value, sessions_v1,
    };
    use std::time::Duration;

    type User = Value;
    type Cart = Value;

    async fn calls(cart: &Value) -> Result<()> {
        let cart = cart.clone();
        let sessions = SessionsHttpClientV1::connect("http://localhost:8080")?;
        let opened = sessions_v1::OpenSession::new("user-1").user_name("Ann").data(&cart).send(&sessions).await?;
        let found = sessions.get_session_by_id(None, &opened.id).await?;   // Option: `None` if there is no such session
        Ok(())
    }

    fn payloads(url: &str) -> Result<()> {
        let sessions = SessionsHttpClientV1::connect(url)?.with_payloads::<User, Cart>();
        Ok(())
    }

    async fn all_sessions(sessions: &SessionsHttpClientV1) -> Result<()> {
        use futures_util::TryStreamExt;
        use sessions_client::stream::ISessionsV1Ext;

        let mut all = sessions.sessions(FilterParams::new().user_id("user-1").active(true));
        while let Some(session) = all.try_next().await? { /* … */ }
        Ok(())
    }

    fn options(sessions: &SessionsHttpClientV1) {
        let quick = sessions.with(CallOptions::new().deadline(Duration::from_secs(2)).retries(1));
    }

    fn credentials(secret: &str) -> Result<()> {
        use sessions_client::auth::ClientCredentials;
        use sessions_client::{ClientConfig, Pem, Proxy, SessionsHttpClientV1, TlsConfig};

        let config = ClientConfig::from_url("https://sessions.staging")?
            .with_tls(TlsConfig::new().with_ca(Pem::file("ca.pem")))
            .with_proxy(Proxy::url("http://me:percent%2Fencoded@proxy.example:3128")?);
        let tokens = ClientCredentials::new("https://login.staging/oauth2/token", "sessions", secret)?
            .with_scope("sessions.write")
            .connect(&config)?;   // with the TLS settings, the proxy and the limits of `config`
        let sessions = SessionsHttpClientV1::from_config(&config.with_token_provider(tokens))?;
        Ok(())
    }

    fn configuration() -> Result<()> {
        let config = ConfigParams::new()
            .with_file("sessions.yaml")?
            .with_environment("SESSIONS", std::env::vars_os())?   // SESSIONS_OPTIONS_TIMEOUT, SESSIONS_URL, …
            .build()?;
        Ok(())
    }
}
