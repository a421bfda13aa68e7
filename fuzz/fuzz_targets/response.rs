//! The bytes that a service sends as a response: head, headers, framing, encoding, body.
//!
//! The client returns a result, which is the same however the bytes are split into segments.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sessions_client::{HyperTransport, ISessionsV1, SessionsHttpClientV1};
use sessions_fuzz::{Connection, block_on, config, connector, outcome};
use std::sync::Arc;

type Client = SessionsHttpClientV1<serde_json::Value, serde_json::Value, HyperTransport>;

fuzz_target!(|received: &[u8]| {
    let received: Arc<[u8]> = received.into();
    let client = |segment| client(Connection::new(Arc::clone(&received), segment));
    block_on(async {
        let found = outcome(client(usize::MAX).get_session_by_id(None, "1").await);
        for segment in [1, 13] {
            let other = outcome(client(segment).get_session_by_id(None, "1").await);
            assert_eq!(other, found, "in segments of {segment} bytes");
        }
        // The other return types.
        outcome(client(usize::MAX).get_sessions(None, None, None).await);
        outcome(client(usize::MAX).open_session(None, "1", None, None, None, None, None).await);
        outcome(client(usize::MAX).close_expired_sessions(None).await);
    });
});

fn client(connection: Connection) -> Client {
    let transport = HyperTransport::with_connector(connector(connection), &config());
    SessionsHttpClientV1::new(transport.expect("the configuration is valid"))
}
