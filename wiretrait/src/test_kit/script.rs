//! A scripted transport that records requests.

use super::reply::Step;
use super::{Reply, Sent, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Call, Received, Response, Route, Transport};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Replies to the calls of each operation in the order of a script, and records the calls.
///
/// Each reply is used once, unless it is for [all further calls](Reply::always). A call without a reply fails
/// with [`ErrorKind::Config`], which is not retried, and its message names the operation. Clones share the
/// script and the recorded calls.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, BooksClient, books};
/// use wiretrait::test_kit::{Reply, ScriptedTransport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wiretrait::Result<()> {
/// let service = ScriptedTransport::new();
/// service.on(books::FIND, Reply::no_content());
///
/// let client = BooksClient::new(service.clone());
/// assert_eq!(client.find(1).await?, None);
/// let error = client.find(1).await.unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "find: the script has no reply to call 2 of `find`: add `.on(FIND, Reply::…)`",
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
    without_reply: Vec<&'static str>,
}

impl ScriptedTransport {
    /// Creates a transport with an empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `reply` to the script of the operation with this route.
    #[expect(clippy::must_use_candidate, reason = "it changes the script")]
    pub fn on(&self, route: &'static Route, reply: Reply) -> &Self {
        let mut shared = lock(&self.shared);
        match shared.scripts.iter_mut().find(|(scripted, _)| *scripted == route) {
            Some((_, steps)) => steps.extend(reply.steps),
            None => shared.scripts.push((route, reply.steps.into())),
        }
        drop(shared);
        self
    }

    /// Appends `reply` to the script of calls whose operation has no reply (left) in its own script.
    #[expect(clippy::must_use_candidate, reason = "it changes the script")]
    pub fn otherwise(&self, reply: Reply) -> &Self {
        lock(&self.shared).otherwise.extend(reply.steps);
        self
    }

    /// Returns all attempts in the order of their arrival.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        lock(&self.shared).sent.clone()
    }

    /// Returns the arguments of all attempts of the operation `R`, such as
    /// `service.sent_as::<books::received::Find>()`.
    ///
    /// # Errors
    ///
    /// Those of [`Sent::operation`].
    pub fn sent_as<R: Received>(&self) -> Result<Vec<R>> {
        let attempts = self.sent().into_iter().filter(|sent| *sent.route() == *R::ROUTE);
        attempts.map(|sent| sent.operation()).collect()
    }

    /// Checks that every reply was used, except for those for all further calls, and that every call had a
    /// reply.
    ///
    /// # Panics
    ///
    /// If that is not the case. The message names the operations.
    #[track_caller]
    pub fn assert_done(&self) {
        let Shared { scripts, otherwise, without_reply, .. } = &*lock(&self.shared);
        let scripts = scripts.iter().map(|(route, steps)| (route.name, steps));
        let all = scripts.chain([("any operation", otherwise)]);
        let left = all.filter_map(|(name, steps)| {
            let count = steps.iter().filter(|step| !step.always).count();
            (count > 0).then(|| format!("{count} for {name}"))
        });
        let left: Vec<_> = left.collect();
        let mut problems = Vec::new();
        if !without_reply.is_empty() {
            problems.push(format!("the script had no reply to calls of {}", without_reply.join(", ")));
        }
        if !left.is_empty() {
            problems.push(format!("the script has unused replies: {}", left.join(", ")));
        }
        // A call of another operation than the expected one is both.
        assert!(problems.is_empty(), "{}", problems.join("; "));
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
        self.without_reply.push(route.name);
        let count = self.sent.iter().filter(|sent| sent.route() == route).count();
        let message = format!(
            "the script has no reply to call {count} of `{}`: add `.on({}, Reply::…)`",
            route.name,
            route.name.to_uppercase()
        );
        Err(Error::new(ErrorKind::Config, message))
    }
}

/// Takes the next step, which stays if it is for all further calls.
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

/// Omits requests and responses, which may contain private data.
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
