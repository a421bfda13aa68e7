//! The live contract test behind a gateway with a token and a private authority, over a slow network.

use crate::fronts;
use crate::matrix::describe;
use crate::requirements::programs;
use crate::right::{client_credentials, trusted};
use crate::uses::run_live;
use staging::SlowNetwork;
use std::time::{Duration, Instant};

/// A round trip takes 300 ms.
const ONE_WAY: Duration = Duration::from_millis(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_live_contract_test_takes_30_seconds_at_most_over_a_slow_network() {
    let Some(programs) = programs() else { return };
    let mut front = fronts::bearer_and_tls().await.unwrap();
    let nginx = front.nginx.as_ref().unwrap().address();
    let network = SlowNetwork::start(nginx, ONE_WAY).await.unwrap();
    let mut keys = client_credentials(&front);
    keys.extend(trusted(&front));
    keys.push(("connection.uri", format!("https://{}", network.address())));
    let folder = tempfile::tempdir().unwrap();
    let file = describe(folder.path(), keys);

    let start = Instant::now();
    let (output, stdout, stderr) = run_live(&programs, &file).await;
    let took = start.elapsed();
    eprintln!("the live contract test over a slow network: {took:.1?}");
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(stdout.contains(" 0 failed"), "{stdout}");
    assert!(stderr.contains(" cases after "), "no progress: {stderr}");
    assert!(!stderr.contains("left"), "{stderr}");
    assert!(front.sessions.is_empty());
    // Each case sends several requests, one after the other.
    assert!(took > 8 * ONE_WAY, "{took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    let renewals = front.tokens.as_ref().unwrap().requests();
    assert!((2..10).contains(&renewals), "{renewals} requests for a token");
    // Calls share the connections that were made, and no request goes another way.
    assert!(front.arrivals().await.unwrap().requests > 100);
}
