//! Exhausted resources of this machine, which are not failures of the service.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use sessions_client::{ClientConfig, Error, ErrorKind, ISessionsV1};
use std::error::Error as _;
use std::io;
use support::network::Network;

/// Returns the code of the operating system at the end of the chain of sources.
fn os_error(error: &Error) -> Option<i32> {
    let mut cause = error.source();
    while let Some(source) = cause {
        if let Some(code) = source.downcast_ref().and_then(io::Error::raw_os_error) {
            return Some(code);
        }
        cause = source.source();
    }
    None
}

async fn a_refused_connection_is_not_a_local_limit<T: Network>() {
    let client = T::client(&ClientConfig::from_url(&support::closed_port()).unwrap().with_retries(0));
    let error = client.get_session_by_id(None, "1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_local_limit()), (ErrorKind::Connect, false));
    assert!(os_error(&error).is_some());
}

over_each_network! {
    a_refused_connection_is_not_a_local_limit
}

#[test]
fn an_error_of_a_users_transport_can_be_a_local_limit() {
    let limit = io::Error::from_raw_os_error(if cfg!(windows) { 10024 } else { 24 });
    let error = Error::new(ErrorKind::Connect, "no connection").with_source(io::Error::other(limit));
    assert!(error.is_local_limit());
    assert!(!Error::new(ErrorKind::Connect, "no connection").is_local_limit());
}

/// Limits that are exhausted in a child process.
#[cfg(target_os = "linux")]
mod in_a_child_process {
    use super::*;
    use sessions_client::Proxy;
    use std::env;
    use std::io::Write as _;
    use std::process::Command;
    use tokio::net::TcpListener;

    const INSIDE: &str = "SESSIONS_TEST_WITHOUT_RESOURCES";

    /// Runs the test `name` again in a child process after the shell commands `before`, and returns `true` in
    /// the parent.
    fn runs_in_a_child(name: &str, before: &str) -> bool {
        if env::var_os(INSIDE).is_some() {
            return false;
        }
        let script = format!("{before} exec \"$0\" --exact \"$1\" --nocapture");
        let program = env::current_exe().unwrap();
        let name = format!("in_a_child_process::{name}");
        let mut shell = Command::new("bash");
        let output = shell.arg("-c").arg(script).arg(program).arg(name).env(INSIDE, "1").output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && printed.contains("1 passed"), "{printed}{errors}");
        true
    }

    /// Makes a call while no file can be opened, directly or through a proxy.
    async fn error_without_files<T: Network>(host: &str, is_proxied: bool) -> Error {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{host}:{}", listener.local_addr().unwrap().port());
        let proxy = if is_proxied { Proxy::url(&url).unwrap() } else { Proxy::none() };
        let client = T::client(&ClientConfig::from_url(&url).unwrap().with_proxy(proxy).with_retries(0));
        let mut files = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            files.push(file);
        }
        client.open_session(None, "1", None, None, None, None, None).await.unwrap_err()
    }

    fn check_files(error: &Error) {
        assert_eq!((error.kind(), error.is_local_limit()), (ErrorKind::Connect, true), "{error}");
        assert!(error.to_string().contains("`ulimit -n`"), "{error}");
        assert_eq!(os_error(error), Some(24));
        assert!(!error.is_proxy_failure(), "{error}");
    }

    async fn check_every_transport(host: &str, is_proxied: bool) {
        #[cfg(feature = "hyper")]
        check_files(&error_without_files::<sessions_client::HyperTransport>(host, is_proxied).await);
        #[cfg(feature = "reqwest")]
        check_files(&error_without_files::<sessions_client::ReqwestTransport>(host, is_proxied).await);
    }

    #[tokio::test]
    async fn no_free_file_is_a_limit_of_this_machine() {
        if !runs_in_a_child("no_free_file_is_a_limit_of_this_machine", "ulimit -n 64;") {
            check_every_transport("127.0.0.1", false).await;
        }
    }

    #[tokio::test]
    async fn a_limit_of_this_machine_is_not_blamed_on_a_proxy() {
        if !runs_in_a_child("a_limit_of_this_machine_is_not_blamed_on_a_proxy", "ulimit -n 64;") {
            check_every_transport("127.0.0.1", true).await;
        }
    }

    #[tokio::test]
    async fn a_name_lookup_without_a_free_file_is_a_limit_of_this_machine() {
        let name = "a_name_lookup_without_a_free_file_is_a_limit_of_this_machine";
        if !runs_in_a_child(name, "ulimit -n 64;") {
            check_every_transport("sessions.invalid", false).await;
        }
    }

    /// Makes calls over more and more connections to a service at `port`, until one fails.
    async fn error_without_ports<T: Network>(port: u16) -> Error {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let url = format!("http://127.0.0.1:{port}");
        tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                support::read_request(&mut stream).await;
                let response = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                tokio::io::AsyncWriteExt::write_all(&mut stream, response).await.unwrap();
                // The side that closes first keeps the port for a minute.
                open.push(stream);
            }
        });
        let client = T::client(&ClientConfig::from_url(&url).unwrap().with_retries(0));
        for _ in 0..100 {
            if let Err(error) = client.get_session_by_id(None, "1").await {
                return error;
            }
        }
        panic!("100 connections fit into 40 ports");
    }

    fn check_ports(error: &Error) {
        assert_eq!((error.kind(), error.is_local_limit()), (ErrorKind::Connect, true), "{error}");
        assert!(error.to_string().contains("`net.ipv4.ip_local_port_range`"), "{error}");
        assert_eq!(os_error(error), Some(99));
    }

    #[tokio::test]
    async fn no_free_port_is_a_limit_of_this_machine() {
        let own_network = Command::new("unshare").args(["-rn", "true"]).output();
        if !own_network.is_ok_and(|output| output.status.success()) {
            // Not `println!`, whose output is not shown for a test that passes.
            let _ = writeln!(io::stderr(), "SKIPPED: `unshare -rn` is not permitted here");
            return;
        }
        let before = "[ -n \"$UNSHARED\" ] || UNSHARED=1 exec unshare -rn bash -c '\
            ip link set lo up && echo 40000 40039 > /proc/sys/net/ipv4/ip_local_port_range && \
            exec \"$0\" --exact \"$1\" --nocapture' \"$0\" \"$1\";";
        if !runs_in_a_child("no_free_port_is_a_limit_of_this_machine", before) {
            #[cfg(feature = "hyper")]
            check_ports(&error_without_ports::<sessions_client::HyperTransport>(30001).await);
            #[cfg(feature = "reqwest")]
            check_ports(&error_without_ports::<sessions_client::ReqwestTransport>(30002).await);
        }
    }
}
