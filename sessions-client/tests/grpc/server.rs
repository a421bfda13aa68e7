//! The server of the tests, its reactions, and clients of it.

use bytes::{BufMut, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, server};
use http::{HeaderMap, HeaderValue, Request, Response};
use pip_services::grpc::InvokeReply;
use prost::Message;
use sessions_client::grpc::messages::{Session, SessionObjectReply};
use sessions_client::http::HeaderName;
use sessions_client::policy::RetryPolicy;
use sessions_client::{
    ClientConfig, ClientKind, DynISessionsV1, Error, ISessionsV1 as _, Result, SessionV1,
    SessionsClientFactory,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

pub(crate) const KINDS: [ClientKind; 2] = [ClientKind::Grpc, ClientKind::CommandableGrpc];

pub(crate) const SESSION: &str = r#"{"id":"1","active":true,"open_time":"2026-11-23T02:10:20.820Z","request_time":"2026-11-23T02:10:20.820Z"}"#;

/// The reaction of a server to a call.
pub(crate) enum Reaction {
    /// A message, and the status OK.
    Message(Vec<u8>),
    /// An unchanged body, with these trailers.
    Body(Vec<u8>, HeaderMap),
    /// A status without a message, with further metadata.
    Status(u16, &'static str, Vec<(&'static str, &'static str)>),
    /// A response of HTTP that is not gRPC.
    Http(u16, &'static str),
    Reset(Reason),
    Silence,
}

/// A request that a server has received.
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) message: Bytes,
}

/// A server with a reaction to the n-th call, beginning with 1.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub(crate) async fn start(
        reaction: impl Fn(usize, &Received) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, reaction) = (received.clone(), Arc::new(reaction));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, reaction) = (log.clone(), reaction.clone());
                tokio::spawn(async move {
                    let Ok(mut requests) = server::handshake(stream).await else { return };
                    let mut silent = Vec::new();
                    while let Some(Ok((request, mut response))) = requests.accept().await {
                        let request = received_from(request, &mut requests).await;
                        let number = log.lock().unwrap().len() + 1;
                        let reaction = reaction(number, &request);
                        log.lock().unwrap().push(request);
                        if matches!(reaction, Reaction::Silence) {
                            silent.push(response);
                        } else {
                            respond(&mut response, reaction);
                        }
                    }
                });
            }
        });
        Self { url, received }
    }

    /// Starts a server whose every call succeeds with a session.
    pub(crate) async fn good() -> Self {
        Self::start(|_, request| good(&request.path)).await
    }

    pub(crate) fn calls(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// Returns the message of the n-th call, beginning with 0.
    pub(crate) fn message<M: Message + Default>(&self, number: usize) -> M {
        M::decode(self.received.lock().unwrap()[number].message.clone()).unwrap()
    }

    pub(crate) fn header(&self, number: usize, name: &str) -> Option<String> {
        let received = self.received.lock().unwrap();
        received[number].headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }
}

pub(crate) async fn received_from(
    request: Request<RecvStream>,
    connection: &mut server::Connection<tokio::net::TcpStream, Bytes>,
) -> Received {
    let (head, mut body) = request.into_parts();
    let mut frame = BytesMut::new();
    loop {
        // The connection has to be polled for the body to arrive.
        let data = tokio::select! {
            data = body.data() => data,
            _ = std::future::poll_fn(|context| connection.poll_closed(context)) => None,
        };
        let Some(Ok(data)) = data else { break };
        body.flow_control().release_capacity(data.len()).unwrap();
        frame.extend_from_slice(&data);
    }
    let message = frame.freeze();
    assert_eq!(message[0], 0, "messages are not compressed");
    assert_eq!(u32::from_be_bytes(message[1..5].try_into().unwrap()) as usize, message.len() - 5);
    Received { path: head.uri.path().to_owned(), headers: head.headers, message: message.slice(5..) }
}

pub(crate) fn respond(response: &mut SendResponse<Bytes>, reaction: Reaction) {
    let head = || Response::builder().status(200).header("content-type", "application/grpc");
    match reaction {
        Reaction::Message(message) => {
            let trailers =
                HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from(0))]);
            respond(response, Reaction::Body(frame(0, &message), trailers));
        }
        Reaction::Body(body, trailers) => {
            let mut sender = response.send_response(head().body(()).unwrap(), false).unwrap();
            sender.send_data(body.into(), false).unwrap();
            sender.send_trailers(trailers).unwrap();
        }
        Reaction::Status(status, message, metadata) => {
            let mut head = head().header("grpc-status", status).header("grpc-message", message);
            for (name, value) in metadata {
                head = head.header(name, value);
            }
            response.send_response(head.body(()).unwrap(), true).unwrap();
        }
        Reaction::Http(status, body) => {
            let head = Response::builder().status(status).header("content-type", "text/html");
            let mut sender = response.send_response(head.body(()).unwrap(), false).unwrap();
            sender.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
        }
        Reaction::Reset(reason) => response.send_reset(reason),
        Reaction::Silence => {}
    }
}

pub(crate) fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut body = vec![flag];
    body.put_u32(u32::try_from(message.len()).unwrap());
    body.extend_from_slice(message);
    body
}

/// Returns the message of a call that returns a session.
pub(crate) fn good(path: &str) -> Reaction {
    Reaction::Message(if path.starts_with("/commandable") {
        InvokeReply { result_json: SESSION.into(), ..InvokeReply::default() }.encode_to_vec()
    } else {
        SessionObjectReply { error: None, session: Some(session()) }.encode_to_vec()
    })
}

pub(crate) fn session() -> Session {
    let time = "2026-11-23T02:10:20.820Z".to_owned();
    Session {
        id: "1".to_owned(),
        active: true,
        open_time: time.clone(),
        request_time: time,
        ..Session::default()
    }
}

pub(crate) type Client = Arc<dyn DynISessionsV1>;

pub(crate) fn config(url: &str) -> ClientConfig {
    let policy = RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO);
    ClientConfig::from_url(url).unwrap().with_retry_policy(policy)
}

pub(crate) fn client(kind: ClientKind, config: &ClientConfig) -> Client {
    SessionsClientFactory::new().create(kind, config).unwrap()
}

pub(crate) async fn open(client: &Client) -> Result<SessionV1> {
    client.open_session(Some("id-7"), "user-1", None, None, None, None, None).await
}

pub(crate) async fn get(client: &Client) -> Result<Option<SessionV1>> {
    client.get_session_by_id(None, "1").await
}

/// Returns the errors of `get` over both protocols with a server, and the numbers of calls that it received.
pub(crate) async fn errors(reaction: fn() -> Reaction) -> Vec<(Error, usize)> {
    let mut errors = Vec::new();
    for kind in KINDS {
        let server = Server::start(move |_, _| reaction()).await;
        let error = get(&client(kind, &config(&server.url))).await.unwrap_err();
        errors.push((error, server.calls()));
    }
    errors
}
