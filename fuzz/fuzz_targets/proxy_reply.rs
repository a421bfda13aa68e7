//! The bytes that a proxy sends: its response to CONNECT, or its side of a SOCKS handshake, and then the service's.
//!
//! The first byte selects the protocol. The result is the same however the bytes are split into segments: a connection to
//! the service without a lost byte, or an error of one line without the credentials of the proxy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sessions_client::Proxy;
use sessions_fuzz::{Connection, assert_one_line, block_on, config};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use wiretrait::fuzzing;

const PASSWORD: &str = "p4ssw0rd-of-the-proxy";

const SCHEMES: [&str; 3] = ["http", "socks4a", "socks5h"];

fuzz_target!(|input: &[u8]| {
    let Some((&selector, received)) = input.split_first() else { return };
    let scheme = SCHEMES[usize::from(selector & 0x7f) % SCHEMES.len()];
    let login = if selector & 0x80 == 0 { String::new() } else { format!("me:{PASSWORD}@") };
    let proxy = Proxy::url(&format!("{scheme}://{login}proxy")).expect("the URL is valid");
    let config = config().with_proxy(proxy);
    let received: Arc<[u8]> = received.into();
    let open = |segment| {
        let connection = Connection::new(Arc::clone(&received), segment);
        block_on(async {
            match fuzzing::open_tunnel(&config, connection).await {
                Ok(mut service) => {
                    let mut rest = Vec::new();
                    service.read_to_end(&mut rest).await.expect("the connection does not fail");
                    Ok(rest)
                }
                Err(error) => {
                    assert_one_line(&error);
                    let shown = format!("{error:?} {error}");
                    assert!(!shown.contains(PASSWORD), "the password is shown");
                    Err(shown)
                }
            }
        })
    };
    let found = open(usize::MAX);
    for segment in [1, 13] {
        assert_eq!(open(segment), found, "in segments of {segment} bytes");
    }
});
