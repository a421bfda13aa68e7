//! A transport that replies by a script, and keeps what it was sent.

use super::reply::Step;
use super::{Reply, Sent, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Call, Received, Response, Route, Transport};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Replies to the calls of each operation in the order of a script, and keeps them.
///
/// A reply is for one call, unless it is [`always`](Reply::always) given. A call that the script has no reply for
/// fails with [`ErrorKind::Config`], which no policy repeats, and names its operation. Clones share the script and
/// the record.
///
/// ```
/// use sessions_client::test_kit::{Reply, ScriptedTransport};
/// use sessions_client::{ISessionsV1, SessionsHttpClientV1, sessions_v1};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// let service = ScriptedTransport::new();
/// service.on(sessions_v1::CLOSE_SESSION, Reply::no_content());
///
/// let client = SessionsHttpClientV1::new(service.clone());
/// assert_eq!(client.close_session(None, "1").await?, None);
/// let error = client.close_session(None, "1").await.unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "close_session: the script has no reply to call 2 of `close_session`: add `.on(CLOSE_SESSION, Reply::…)`",
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct ScriptedTransport {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    scripts: Vec<(&'static Route, VecDeque<Step>)>,
    otherwise: VecDeque<Step>,
    sent: Vec<Sent>,
    unanswered: Vec<&'static str>,
}

impl ScriptedTransport {
    /// A transport with an empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `reply` to the script of the operation with this route, after what is there already.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does to the script")]
    pub fn on(&self, route: &'static Route, reply: Reply) -> &Self {
        let mut shared = lock(&self.shared);
        match shared.scripts.iter_mut().find(|(scripted, _)| *scripted == route) {
            Some((_, steps)) => steps.extend(reply.steps),
            None => shared.scripts.push((route, reply.steps.into())),
        }
        drop(shared);
        self
    }

    /// Adds `reply` for calls that the script of their operation has no reply for, or no more.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does to the script")]
    pub fn otherwise(&self, reply: Reply) -> &Self {
        lock(&self.shared).otherwise.extend(reply.steps);
        self
    }

    /// Every attempt that arrived, in that order.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        lock(&self.shared).sent.clone()
    }

    /// Every attempt of the operation `R`, with its arguments:
    /// `service.sent_as::<sessions_v1::received::OpenSession<U, D>>()`.
    ///
    /// # Errors
    ///
    /// Those of [`Sent::operation`].
    pub fn sent_as<R: Received>(&self) -> Result<Vec<R>> {
        let of_it = self.sent().into_iter().filter(|sent| *sent.route() == *R::ROUTE);
        of_it.map(|sent| sent.operation()).collect()
    }

    /// Checks that every reply was asked for, but for those that are always given, and that every call had one.
    ///
    /// # Panics
    ///
    /// When that is not so. The message names the operations.
    #[track_caller]
    pub fn assert_done(&self) {
        let Shared { scripts, otherwise, unanswered, .. } = &*lock(&self.shared);
        let scripts = scripts.iter().map(|(route, steps)| (route.name, steps));
        let all = scripts.chain([("any operation", otherwise)]);
        let left = all.filter_map(|(name, steps)| {
            let count = steps.iter().filter(|step| !step.always).count();
            (count > 0).then(|| format!("{count} for {name}"))
        });
        let left: Vec<_> = left.collect();
        assert!(left.is_empty(), "the script has replies that nobody asked for: {}", left.join(", "));
        assert!(unanswered.is_empty(), "the script had no reply to calls of {}", unanswered.join(", "));
    }
}

impl Shared {
    fn next(&mut self, route: &'static Route) -> Option<Step> {
        let own = self.scripts.iter_mut().find(|(scripted, _)| *scripted == route);
        own.and_then(|(_, steps)| take(steps)).or_else(|| take(&mut self.otherwise))
    }

    fn receive(&mut self, sent: &Sent) -> Result<Step> {
        self.sent.push(sent.clone());
        let route = sent.route();
        if let Some(step) = self.next(route) {
            return Ok(step);
        }
        self.unanswered.push(route.name);
        let count = self.sent.iter().filter(|sent| sent.route() == route).count();
        let message = format!(
            "the script has no reply to call {count} of `{}`: add `.on({}, Reply::…)`",
            route.name,
            route.name.to_uppercase()
        );
        Err(Error::new(ErrorKind::Config, message))
    }
}

/// The next step. One that is always taken stays.
fn take(steps: &mut VecDeque<Step>) -> Option<Step> {
    if steps.front()?.always { steps.front().cloned() } else { steps.pop_front() }
}

impl Transport for ScriptedTransport {
    async fn send(&self, call: Call) -> Result<Response> {
        let sent = Sent::new(call);
        let step = lock(&self.shared).receive(&sent)?;
        step.act(&sent).await
    }
}

/// Without requests and responses, which hold what callers and tests put into them.
impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { scripts, otherwise, sent, .. } = &*lock(&self.shared);
        let scripts: Vec<_> = scripts.iter().map(|(route, steps)| (route.name, steps)).collect();
        f.debug_struct("ScriptedTransport")
            .field("left", &scripts)
            .field("otherwise", otherwise)
            .field("sent", &sent.len())
            .finish()
    }
}
