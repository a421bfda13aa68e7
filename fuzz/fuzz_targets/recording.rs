//! HAR files, as the test kit and `contract replay` read them.
//!
//! A recording that can be read responds to every request, with a response or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sessions_client::test_kit::Cassette;
use sessions_client::{ISessionsV1, Result, SessionsHttpClientV1};
use sessions_fuzz::{assert_one_line, block_on};

fuzz_target!(|har: &[u8]| {
    let cassette = match Cassette::from_har(har) {
        Ok(cassette) => cassette,
        Err(error) => return assert_one_line(&error),
    };
    for cassette in [cassette.rewound(), cassette.with_value("1", "2")] {
        let client = SessionsHttpClientV1::new(cassette);
        block_on(async {
            // Twice: the same request again receives the next recorded response.
            for id in ["1", "1", "2"] {
                check(client.get_session_by_id(None, id).await);
            }
            check(client.get_sessions(Some("1"), None, None).await);
            check(client.close_expired_sessions(None).await);
        });
    }
});

fn check<T>(result: Result<T>) {
    if let Err(error) = result {
        assert_one_line(&error);
    }
}
