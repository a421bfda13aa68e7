//! Clients that several runtimes share.

use crate::server::{KINDS, Reaction, Server, client, config, good, open};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Starts a server in another thread, which does not respond to the first calls. Returns its URL, and an item for each
/// call.
fn server_in_a_thread(silent: usize) -> (String, Receiver<()>) {
    let ((sender, url), (calls, receiver)) = (channel(), channel());
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let server = Server::start(move |number, request| {
                // The test may not read them.
                let _ = calls.send(());
                if number <= silent { Reaction::Silence } else { good(&request.path) }
            })
            .await;
            sender.send(server.url).unwrap();
            std::future::pending::<()>().await;
        });
    });
    (url.recv().unwrap(), receiver)
}

#[test]
fn a_client_serves_many_runtimes() {
    for kind in KINDS {
        let (url, _calls) = server_in_a_thread(0);
        let sessions = client(kind, &config(&url).with_retries(0));
        let calls = || {
            for _ in 0..20 {
                runtime().block_on(async {
                    for _ in 0..2 {
                        assert_eq!(open(&sessions).await.unwrap().id, "1");
                    }
                });
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(calls))));
    }
}

#[test]
fn a_stopped_runtime_does_not_block_a_client() {
    for kind in KINDS {
        let (url, _calls) = server_in_a_thread(0);
        let sessions = client(kind, &config(&url).with_retries(0));
        let (stopped, running) = (runtime(), runtime());
        stopped.block_on(open(&sessions)).unwrap();
        let call =
            running.block_on(async { tokio::time::timeout(Duration::from_secs(5), open(&sessions)).await });
        call.expect("the call waits for the other runtime").unwrap();
        stopped.block_on(open(&sessions)).unwrap();
    }
}

/// Calls wait for their responses, and for a slot of the limit.
#[test]
fn a_runtime_that_is_shut_down_does_not_block_a_client() {
    for kind in KINDS {
        let (url, calls) = server_in_a_thread(2);
        let sessions = client(kind, &config(&url).with_retries(0).with_concurrency_limit(2));
        let first = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        for _ in 0..3 {
            let sessions = sessions.clone();
            first.spawn(async move { open(&sessions).await });
        }
        (0..2).for_each(|_| calls.recv().unwrap());
        first.shutdown_background();
        runtime().block_on(async {
            let call = tokio::time::timeout(Duration::from_secs(5), open(&sessions)).await;
            assert_eq!(call.expect("the call waits for the other runtime").unwrap().id, "1");
        });
    }
}
