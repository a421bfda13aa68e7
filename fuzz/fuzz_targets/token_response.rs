//! The responses of an OAuth 2.0 server to a request for a token.
//!
//! The input has a status and headers, a blank line, and the body. The result is a token or an error of one line, and
//! neither shows the token or the secret of the client.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sessions_client::Error;
use sessions_client::auth::ClientCredentials;
use sessions_fuzz::{assert_one_line, block_on, response, split_at_blank_line};
use std::future::ready;
use wiretrait::{fuzzing, transport_fn};

const SECRET: &str = "s3cr3t-of-the-client";

fuzz_target!(|input: &[u8]| {
    let (head, body) = split_at_blank_line(input);
    let response = response(head, body);
    let transport = transport_fn(move |_| ready(Ok::<_, Error>(response.clone())));
    let credentials = ClientCredentials::new("https://login.test/token", "books", SECRET);
    let credentials = credentials.expect("the URL is valid").with_scope("read");
    match block_on(fuzzing::fetch_token(credentials, transport)) {
        Ok(token) => {
            assert!(token.header().is_sensitive(), "the header is shown");
            let value = token.header().to_str().unwrap_or_default().trim_start_matches("Bearer ");
            let shown = format!("{token:?}");
            // A shorter one may be a word of the description.
            assert!(value.len() < 8 || !shown.contains(value), "the token is shown");
        }
        Err(error) => {
            assert_one_line(&error);
            assert!(!format!("{error} {error:?}").contains(SECRET), "the secret is shown");
        }
    }
});
