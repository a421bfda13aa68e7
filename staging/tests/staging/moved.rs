//! A service that moves to another address of the same name, while it is busy.
//!
//! Each test runs itself again in a mount namespace whose hosts file it changes.

use crate::requirements::{Programs, programs, skip};
use sessions_client::{
    ClientConfig, HyperTransport, ISessionsV1, ReqwestTransport, SessionsHttpClientV1, Transport,
};
use sessions_service::{EmbeddedService, SessionStore};
use staging::{Nginx, free_port};
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// The variable with the path of the hosts file, in the namespace.
const HOSTS: &str = "STAGING_HOSTS";

/// The greatest age of a connection.
const MAX_AGE: Duration = Duration::from_secs(2);

/// The delay that a busy machine may add.
const MARGIN: Duration = Duration::from_millis(1500);

/// The time limit of each step, far above what it needs.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the test `name` again in a namespace. Returns whether this process is in it.
async fn is_in_namespace(name: &str) -> bool {
    if env::var_os(HOSTS).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, "").unwrap();
    let unshare = |options: &[&str], script: &str| {
        let mut command = Command::new("unshare");
        command.args(options).args(["--mount", "sh", "-c", script]);
        command.env(HOSTS, &hosts).stdin(Stdio::null()).kill_on_drop(true);
        command
    };
    let mount = format!("mount --bind \"${HOSTS}\" /etc/hosts");
    // Many systems forbid user namespaces, which root does not need.
    let mut possible = None;
    for options in [&[][..], &["--user", "--map-root-user"]] {
        if unshare(options, &mount).output().await.is_ok_and(|output| output.status.success()) {
            possible = Some(options);
            break;
        }
    }
    let Some(options) = possible else {
        skip("the tests of names that move need unshare and mount namespaces");
        return false;
    };
    let mut again = unshare(options, &format!("{mount} && exec \"$0\" \"$@\""));
    again.arg(env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
    let output =
        tokio::time::timeout(LIMIT, again.output()).await.expect("the test in the namespace does not end");
    let output = output.unwrap();
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}\n{stderr}");
    false
}

fn move_to(address: SocketAddr) {
    fs::write(env::var_os(HOSTS).unwrap(), format!("{} staging.example\n", address.ip())).unwrap();
}

/// The old and the new address, with the same port.
fn addresses() -> [SocketAddr; 2] {
    let port = free_port().unwrap();
    [([127, 0, 0, 2], port).into(), ([127, 0, 0, 3], port).into()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_client_follows_within_the_greatest_age() {
    if programs().is_none() || !is_in_namespace("moved::a_busy_client_follows_within_the_greatest_age").await
    {
        return;
    }
    follows("reqwest", ReqwestTransport::new).await;
    follows("hyper", HyperTransport::new).await;
}

async fn follows<T: Transport>(name: &str, transport: fn(&ClientConfig) -> sessions_client::Result<T>) {
    let [old, new] = addresses();
    let stores = [SessionStore::new(), SessionStore::new()];
    let _services = [
        EmbeddedService::start(old, stores[0].clone()).await.unwrap(),
        EmbeddedService::start(new, stores[1].clone()).await.unwrap(),
    ];
    move_to(old);
    let config = ClientConfig::from_url(&format!("http://staging.example:{}", old.port())).unwrap();
    let config = config.with_max_connection_age(MAX_AGE);
    let client = SessionsHttpClientV1::from_transport(transport(&config).unwrap(), &config).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let call = async |ticks: &mut tokio::time::Interval| {
        ticks.tick().await;
        client.open_session(None, "ann", None, None, None, None, None).await.unwrap();
    };
    for _ in 0..25 {
        call(&mut ticks).await;
    }
    assert_eq!([stores[0].len(), stores[1].len()], [25, 0], "{name}");
    move_to(new);
    let moved = Instant::now();
    while moved.elapsed() < MAX_AGE + MARGIN {
        call(&mut ticks).await;
    }
    let [before, after] = [stores[0].len(), stores[1].len()];
    assert!(after > 0, "{name}: the client still calls the old address after {:?}", moved.elapsed());
    for _ in 0..25 {
        call(&mut ticks).await;
    }
    assert_eq!([stores[0].len(), stores[1].len()], [before, after + 25], "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_test_follows_within_the_greatest_age() {
    let Some(programs) = programs() else { return };
    if !is_in_namespace("moved::a_load_test_follows_within_the_greatest_age").await {
        return;
    }
    let [old, new] = addresses();
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let mut gateways = [
        Nginx::start_at(old, service.address(), "", "", "").await.unwrap(),
        Nginx::start_at(new, service.address(), "", "", "").await.unwrap(),
    ];
    move_to(old);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("staging.yaml");
    let uri = format!("connection.uri: http://staging.example:{}", old.port());
    fs::write(&file, format!("{uri}\noptions.max_connection_age: {}\n", MAX_AGE.as_millis())).unwrap();
    let mut load_test = load_test(&programs, &file);
    // The first of many requests, after those that check the service.
    let mut requests = 0;
    let deadline = Instant::now() + LIMIT;
    while requests < 20 {
        assert!(Instant::now() < deadline, "the load test has sent only {requests} requests");
        assert!(load_test.try_wait().unwrap().is_none(), "the load test ended early");
        requests += gateways[0].arrivals().await.unwrap().requests;
    }
    move_to(new);
    let mut ticks = tokio::time::interval(MAX_AGE + MARGIN);
    ticks.tick().await;
    ticks.tick().await;
    let old_until_then = gateways[0].arrivals().await.unwrap();
    assert!(old_until_then.requests > 0);
    let status = tokio::time::timeout(LIMIT, load_test.wait()).await.expect("the load test does not end");
    assert_eq!(status.unwrap().code(), Some(0));
    let [old, new] = [gateways[0].arrivals().await.unwrap(), gateways[1].arrivals().await.unwrap()];
    assert_eq!(old.requests, 0, "the load test still calls the old address");
    assert!(new.requests > 20, "{new}");
}

fn load_test(programs: &Programs, file: &Path) -> Child {
    Command::new(&programs.loadtest)
        .args(["--users", "4", "--run-time", "8s", "--yes", "--report-file", "report.json", "--config"])
        .arg(file)
        .current_dir(file.parent().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
